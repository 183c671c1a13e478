// The official Socket.IO client against a server of ours: node client.js URL TRANSPORT. Plays until it has seen and done
// everything, then prints what happened as one JSON object. Whoever starts it limits the time.

'use strict';
const { io } = require('socket.io-client');

const [, , url, transport = 'websocket'] = process.argv;
const report = { transport: null, events: {}, refused: null, acks: {}, order: [], trades: [], snapshot: null };
const trace = { __trace: true, traceparent: '00-abcdefabcdefabcdefabcdefabcdefab-0123456789abcdef-01' };
const until = (emitter, name) => new Promise((done) => emitter.once(name, (...args) => done(args)));

async function main() {
  const manager = { transports: transport === 'both' ? ['polling', 'websocket'] : [transport],
    query: { 'frontend-version': '1.0' } };
  const socket = io(url, manager);
  socket.on('connect_error', (error) => { report.error = String(error); });
  socket.onAny((name, ...args) => {
    report.events[name] = (report.events[name] || 0) + 1;
    if (name === 'standard/newTrade' && args[0].traceparent?.includes('abcdefabcdef')) report.trades.push(args[1].amount);
    if (report.ordering) report.order.push(name);
  });
  const [first] = await until(socket, 'gameStateUpdate');
  report.snapshot = { keys: Object.keys(first).length, history: first.gameHistory.length };

  // A namespace that is not there.
  const stranger = io(url + '/nowhere', { ...manager, forceNew: true, reconnection: false });
  const [error] = await until(stranger, 'connect_error');
  report.refused = error.message;
  stranger.disconnect();

  report.acks.ping = await socket.timeout(5000).emitWithAck('ping', { lastPing: 169.2 }).then((x) => x ?? 'empty');
  report.acks.early = await socket.timeout(5000).emitWithAck('buyOrder', trace, { amount: 0.002 });
  socket.emit('authenticate', trace, { token: 'any' });
  await until(socket, 'usernameStatus');
  for (;;) {
    const [state] = await until(socket, 'gameStateUpdate');
    if (state.active && !state.rugged && state.tickCount >= 1) break;
  }
  report.ordering = true;
  report.acks.buy = await socket.timeout(5000).emitWithAck('buyOrder', trace, { amount: 0.002 });
  report.ordering = false;
  report.transport = socket.io.engine.transport.name;
  socket.disconnect();
  process.stdout.write(JSON.stringify(report) + '\n');
  process.exit(0);
}
main();
