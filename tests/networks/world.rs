//! The hosts, and a run.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use replayer_simulator::serve::{self, Door, Faults, LogTo, Play, SentLog, ServerConfig, Wire};
use replayer_simulator::{Config, Prng};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use turmoil::Sim;
use turmoil::net::{TcpListener, TcpStream};

use super::check::{self, Broken};
use super::clock::{self, Clocks, Moment};
use super::kept::Kept;
use super::metrics::Metrics;
use super::public_feed::address::Address;
use super::public_feed::failure::Failure;
use super::public_feed::socket::{Deadline, Network};
use super::public_feed::{Gap, Timeouts, run_over};
use super::sink::{Item, Sink};
use crate::weather::{Befalls, Event, Weather};

const SERVER: &str = "server";
const RECORDER: &str = "recorder";
const PORT: u16 = 3000;
/// The queue in front of the journal, small enough to be full at times.
const QUEUE: usize = 64;
const QUEUE_BYTES: u32 = 256 << 10;
/// So many events after the storm show that the recorder is back.
const BACK: usize = 20;
/// It has to be back so soon: a connection that looks alive until it is too silent, the longest wait between two tries,
/// a try in vain.
const BACK_WITHIN: Duration = Duration::from_secs(120);

/// What a run came to.
#[derive(Debug)]
pub struct Ran {
    /// Entries of the journal.
    pub entries: usize,
    /// Connections of the server that had a message.
    pub connections: usize,
    /// Pings of the server that were answered: what came before each of them had to be in the journal.
    pub answered: usize,
    /// Simulated time.
    pub took: Duration,
    /// What did not hold.
    pub broken: Vec<Broken>,
    /// What befell it.
    pub weather: Weather,
    /// Everything that was recorded, with all times, a line each.
    pub story: Vec<String>,
}

/// What the hosts share, and what outlives them.
pub(super) struct Run {
    pub(super) weather: Weather,
    pub(super) kept: Kept,
    /// The logs of all servers, in the order in which they were started.
    pub(super) logs: Mutex<Vec<SentLog>>,
    /// Recorders that were started.
    processes: AtomicU32,
    /// The storm is over: servers do nothing wrong any more.
    is_calm: AtomicBool,
    /// How far the recorder's wall clock is ahead, microseconds.
    ahead: AtomicI64,
    /// Until when the disk takes nothing, simulated microseconds.
    stalled_until: AtomicI64,
}

/// Runs a seed.
pub fn run(seed: u64) -> Ran {
    let run = Arc::new(Run {
        weather: Weather::of(seed),
        kept: Kept::default(),
        logs: Mutex::default(),
        processes: AtomicU32::new(0),
        is_calm: AtomicBool::new(false),
        ahead: AtomicI64::new(0),
        stalled_until: AtomicI64::new(0),
    });
    let weather = &run.weather;
    let mut sim = turmoil::Builder::new()
        .rng_seed(seed)
        .simulation_duration(Duration::from_secs(3600))
        .tick_duration(weather.tick)
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(weather.latency)
        .tcp_capacity(1 << 16)
        .build();
    let (serving, recording) = (run.clone(), run.clone());
    sim.host(SERVER, move || server(serving.clone()));
    sim.host(RECORDER, move || recorder(recording.clone()));

    storm(&mut sim, &run);
    let back = run.kept.events() + BACK;
    let give_up = sim.elapsed() + BACK_WITHIN;
    while run.kept.events() < back && sim.elapsed() < give_up {
        sim.step().unwrap();
    }
    let mut broken = check::all(&run);
    if run.kept.events() < back {
        broken.push(Broken::new("it does not find its server again", format!("within {BACK_WITHIN:?}")));
    }
    let logs = run.logs.lock().unwrap();
    Ran {
        entries: run.kept.all().len(),
        connections: logs.iter().map(|log| log.sockets().len()).sum(),
        answered: logs.iter().map(check::answered_pings).sum(),
        took: sim.elapsed(),
        broken,
        weather: run.weather.clone(),
        story: run.kept.story(),
    }
}

/// Lets everything befall that the weather has, and mends it all.
fn storm(sim: &mut Sim<'_>, run: &Run) {
    let weather = &run.weather;
    let mut begin: Vec<Befalls> = weather.all.clone();
    begin.reverse();
    let mut end: Vec<Befalls> = Vec::new();
    while sim.elapsed() < weather.ends {
        let now = sim.elapsed();
        while let Some(befalls) = begin.pop_if(|befalls| befalls.at <= now) {
            start(sim, run, befalls);
            end.push(befalls);
        }
        let over: Vec<Befalls> = end.extract_if(.., |befalls| befalls.at + befalls.lasts <= now).collect();
        over.into_iter().for_each(|befalls| stop(sim, befalls.event));
        sim.step().unwrap();
    }
    end.into_iter().for_each(|befalls| stop(sim, befalls.event));
    run.stalled_until.store(0, Relaxed);
    run.is_calm.store(true, Relaxed);
    sim.crash(SERVER);
    sim.bounce(SERVER);
}

fn start(sim: &mut Sim<'_>, run: &Run, befalls: Befalls) {
    match befalls.event {
        Event::Partition => sim.partition(SERVER, RECORDER),
        Event::OneWay { to_recorder: true } => sim.partition_oneway(SERVER, RECORDER),
        Event::OneWay { to_recorder: false } => sim.partition_oneway(RECORDER, SERVER),
        Event::Hold => sim.hold(SERVER, RECORDER),
        Event::ServerDown => sim.crash(SERVER),
        Event::RecorderDown => sim.crash(RECORDER),
        Event::DiskStalls => {
            run.stalled_until.store((sim.elapsed() + befalls.lasts).as_micros() as i64, Relaxed);
        }
        Event::ClockSet(by) => _ = run.ahead.fetch_add(by, Relaxed),
    }
}

fn stop(sim: &mut Sim<'_>, event: Event) {
    match event {
        Event::Partition | Event::OneWay { .. } => sim.repair(SERVER, RECORDER),
        Event::Hold => sim.release(SERVER, RECORDER),
        Event::ServerDown => sim.bounce(SERVER),
        Event::RecorderDown => sim.bounce(RECORDER),
        Event::DiskStalls | Event::ClockSet(_) => {}
    }
}

type HostResult = Result<(), Box<dyn std::error::Error>>;

async fn server(run: Arc<Run>) -> HostResult {
    let weather = &run.weather;
    let started = run.logs.lock().unwrap().len() as u64;
    let door = TheDoor(TcpListener::bind(("0.0.0.0", PORT)).await?);
    let faults = if run.is_calm.load(Relaxed) { Faults::default() } else { weather.faults.clone() };
    let games =
        Config { seed: weather.seed.wrapping_add(started), games: usize::MAX, players: 8, ..Config::default() };
    let config = ServerConfig {
        speed: weather.speed,
        play: Play::Games(games),
        faults,
        log: LogTo::Memory(usize::MAX),
        ping_interval: weather.ping_interval,
        ping_timeout: weather.ping_timeout,
        ..ServerConfig::default()
    };
    let running = serve::start_behind(door, config)?;
    run.logs.lock().unwrap().push(running.sent_log());
    std::future::pending::<()>().await;
    drop(running);
    Ok(())
}

async fn recorder(run: Arc<Run>) -> HostResult {
    let process = run.processes.fetch_add(1, Relaxed) + 1;
    let reading = run.clone();
    let clocks = Clocks::new(move || reading.now());
    let (queue, items) = mpsc::channel(QUEUE);
    let room = Arc::new(Semaphore::new(QUEUE_BYTES as usize));
    let sink = Sink {
        queue,
        room: room.clone(),
        capacity: QUEUE_BYTES,
        metrics: Arc::new(Metrics::default()),
        clocks: Arc::new(clocks),
        connections: Arc::default(),
    };
    let (stop, network) = (CancellationToken::new(), Simulated::new(run.weather.seed ^ u64::from(process)));
    // As the supervisor finds it in the store.
    let gap = run.kept.last_us().map(|from_us| Gap {
        from_us,
        since_us: None,
        reason: "it was killed".into(),
        attempts: 0,
    });
    tokio::spawn(journal(run, process, items, room));
    tokio::spawn(clock::watch(sink.clone(), stop.clone()));
    let address = format!("ws://{SERVER}:{PORT}/socket.io/?EIO=4&transport=websocket");
    run_over(network, sink, address, gap, Timeouts::default(), stop).await;
    Ok(())
}

/// Stands for the journal's thread: takes entries in order, while the disk takes them.
async fn journal(run: Arc<Run>, process: u32, mut items: mpsc::Receiver<Item>, room: Arc<Semaphore>) {
    while let Some(item) = items.recv().await {
        loop {
            let left = run.stalled_until.load(Relaxed) - elapsed_us();
            let Ok(left @ 1..) = u64::try_from(left) else { break };
            tokio::time::sleep(Duration::from_micros(left)).await;
        }
        if !run.kept.append(process, item.entry) {
            return;
        }
        room.add_permits(item.weight as usize);
    }
}

fn elapsed_us() -> i64 {
    turmoil::sim_elapsed().unwrap_or_default().as_micros() as i64
}

impl Run {
    /// The recorder's clocks.
    fn now(&self) -> Moment {
        let monotonic_us = elapsed_us();
        Moment { wall_us: 1_767_225_600_000_000 + monotonic_us + self.ahead.load(Relaxed), monotonic_us }
    }
}

/// The network as the client sees it.
struct Simulated(Mutex<Prng>);

impl Simulated {
    fn new(seed: u64) -> Simulated {
        Simulated(Mutex::new(Prng::new(seed)))
    }
}

impl Network for Simulated {
    type Stream = TcpStream;

    async fn reach(&self, address: &Address, deadline: Deadline) -> Result<TcpStream, Failure> {
        let connecting = TcpStream::connect((address.host.clone(), address.port));
        deadline.meet("connecting", connecting).await?.map_err(|error| Failure::connect(address, &error))
    }

    fn jitter(&self) -> f64 {
        self.0.lock().unwrap().unit()
    }
}

/// The network as the server sees it.
struct TheDoor(TcpListener);

impl Door for TheDoor {
    type Stream = TheWire;

    async fn accept(&mut self) -> io::Result<TheWire> {
        Ok(TheWire(self.0.accept().await?.0))
    }
}

struct TheWire(TcpStream);

impl Wire for TheWire {
    /// turmoil has no resets on purpose: a stream that is dropped ends.
    fn reset_when_dropped(&self) {}
}

mod delegated {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::{TheWire, io};

    impl AsyncRead for TheWire {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            into: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_read(cx, into)
        }
    }

    impl AsyncWrite for TheWire {
        fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Pin::new(&mut self.0).poll_write(cx, bytes)
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_flush(cx)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_shutdown(cx)
        }
    }
}
