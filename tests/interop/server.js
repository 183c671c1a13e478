// The official Socket.IO server, driven by lines on stdin, to feed a client of ours. What passed the wire is told as
// JSON lines on stdout, in order:
//
//   {"event":"listening","port":N}            {"event":"connection","id","transport","origin","query"}
//   {"event":"sent","id","text"}              {"event":"received","id","text"}        text: the frame, exactly
//   {"event":"acked","name","args"}           {"event":"disconnect","id","reason"}    {"event":"done","command"}
//
// `id` is the Engine.IO session id of the connection. Commands:
//
//   burst N      N events `tick` with a trace argument and a number     big N     one event of N bytes
//   confirm      an event that asks every client for an acknowledgement  binary    an event with an attachment
//   admin        an event in the namespace /admin                        text S    one event with the string S
//   kick         disconnects every client from the namespace (41)        cut       ends every TCP connection
//   restart MS   closes the server, waits, listens on the same port      quit
//
// Environment: PING_MS, PING_TIMEOUT_MS (heartbeat), PORT.

'use strict';
const { createServer } = require('http');
const { Server } = require('socket.io');

const say = (event, rest) => process.stdout.write(JSON.stringify({ event, ...rest }) + '\n');
const hex = (n) => n.toString(16).padStart(16, '0');
const trace = (n) => ({ __trace: true, traceparent: `00-${hex(n)}${hex(n)}-${hex(n)}-01` });
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

let http, io, port = Number(process.env.PORT || 0), numbered = 0;

function watch(connection) {
  // The text of a packet on a WebSocket: Engine.IO's type, then the data.
  const types = { open: '0', close: '1', ping: '2', pong: '3', message: '4', upgrade: '5', noop: '6' };
  const text = (packet) => typeof packet.data === 'object' && packet.data !== null
    ? `binary ${packet.data.length}` : types[packet.type] + (packet.data ?? '');
  connection.on('packetCreate', (packet) => say('sent', { id: connection.id, text: text(packet) }));
  connection.on('packet', (packet) => say('received', { id: connection.id, text: text(packet) }));
}

async function listen() {
  http = createServer();
  io = new Server(http, {
    pingInterval: Number(process.env.PING_MS || 25000),
    pingTimeout: Number(process.env.PING_TIMEOUT_MS || 20000),
    maxHttpBufferSize: 1e8,
    serveClient: false,
  });
  io.engine.on('connection', watch);
  io.of('/admin').on('connection', (socket) => say('connection', { id: socket.conn.id, namespace: '/admin' }));
  io.on('connection', (socket) => {
    say('connection', {
      id: socket.conn.id,
      transport: socket.conn.transport.name,
      origin: socket.handshake.headers.origin ?? null,
      query: socket.handshake.query,
    });
    socket.emit('gameStateUpdate', { gameHistory: [], active: false, price: 1, rugged: false, tickCount: 0 });
    socket.onAny((name, ...args) => {
      const answer = args.at(-1);
      if (typeof answer === 'function') answer({ success: true });
    });
    socket.on('disconnect', (reason) => say('disconnect', { id: socket.conn.id, reason }));
  });
  await new Promise((done) => http.listen(port, '127.0.0.1', done));
  port = http.address().port;
  say('listening', { port });
}

async function confirm() {
  const asked = Array.from(io.of('/').sockets.values(), async (socket) => {
    try {
      say('acked', { name: 'confirm', args: [await socket.timeout(2000).emitWithAck('confirm', trace(++numbered), { please: 1 })] });
    } catch (error) {
      say('acked', { name: 'confirm', error: String(error) });
    }
  });
  await Promise.all(asked);
}

const commands = {
  burst: (count) => { for (let i = 0; i < Number(count); i++) io.emit('tick', trace(++numbered), { n: numbered, price: 1 / numbered }); },
  big: (bytes) => io.emit('big', { padding: 'x'.repeat(Number(bytes)) }),
  text: (...words) => io.emit('text', words.join(' ')),
  binary: () => io.emit('attachment', Buffer.from([0, 1, 2, 255])),
  admin: () => io.of('/admin').emit('adminUpdate', { secret: false }),
  confirm,
  kick: () => io.disconnectSockets(false),
  cut: () => { for (const socket of io.of('/').sockets.values()) socket.conn.transport.socket?._socket.destroy(); },
  restart: async (ms) => { await io.close(); await sleep(Number(ms || 200)); await listen(); },
  quit: () => process.exit(0),
};

async function main() {
  await listen();
  for await (const line of require('readline').createInterface({ input: process.stdin })) {
    const [command, ...args] = line.trim().split(' ');
    if (!commands[command]) { say('error', { command }); continue; }
    await commands[command](...args);
    say('done', { command });
  }
  // Whoever started us is gone.
  process.exit(0);
}
main();
