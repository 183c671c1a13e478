//! An answer is a promise: what a server sent before a ping that was answered, it may forget. So it is in the store,
//! whenever the recorder is killed; once, and in order.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use futures::{SinkExt, StreamExt};
use replayer::store::root::DataRoot;
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::{recorder, stored};
use crate::common::root;
use crate::common::waiting::in_time;

/// Kills; the long run (`REPLAYER_KILLS=10000`) is stated in the closing note of the issue.
fn kills() -> usize {
    std::env::var("REPLAYER_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(200)
}

/// Roots that are recorded into at the same time.
const SITES: usize = 3;

/// So many processes take over from each other on one root, all but the last of them killed.
const PER_ROOT: usize = 20;

/// How often the server asks for an answer.
const PING: Duration = Duration::from_millis(3);

/// Between two pings are at most so many frames.
const BURST: u64 = 40;

/// Numbers from a seed (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % end
    }
}

/// How a recorder ends, once it has answered so often.
enum End {
    /// Killed, so long after the last of these answers.
    Killed { after: Duration },
    /// Asked to end, as a service manager does.
    Asked,
}

/// One connection as its server saw it.
#[derive(Default)]
struct Seen {
    /// Texts that were sent.
    sent: Vec<String>,
    /// So many of them lay before the last question that was answered.
    answered: usize,
    /// Engine.IO's pings that are not answered yet: how many texts were sent before each, with it.
    pings: VecDeque<usize>,
    answers: u64,
}

impl Seen {
    fn heard(&mut self, message: &Message) {
        let place = match message {
            // The ids of acks and the payloads of pings are places.
            Message::Text(text) if text.as_str() == "3" => self.pings.pop_front(),
            Message::Text(text) => {
                text.strip_prefix("43").and_then(|ack| ack.strip_suffix("[]")).and_then(|id| id.parse().ok())
            }
            Message::Pong(payload) => std::str::from_utf8(payload).ok().and_then(|place| place.parse().ok()),
            _ => None,
        };
        if let Some(place) = place {
            self.answered = self.answered.max(place);
            self.answers += 1;
        }
    }

    /// Some frames and a question behind them.
    fn burst(&mut self, random: &mut Random) -> Vec<Message> {
        let mut messages = Vec::new();
        let mut say = |sent: &mut Vec<String>, text: String| {
            messages.push(Message::text(text.as_str()));
            sent.push(text);
        };
        for _ in 0..random.below(BURST) + 1 {
            let n = self.sent.len();
            say(&mut self.sent, format!("42[\"frame\",{n},\"{}\"]", "x".repeat(random.below(600) as usize)));
        }
        match random.below(3) {
            0 => {
                say(&mut self.sent, "2".to_owned());
                self.pings.push_back(self.sent.len());
            }
            1 => {
                let place = self.sent.len() + 1;
                say(&mut self.sent, format!("42{place}[\"question\"]"));
            }
            _ => messages.push(Message::Ping(Bytes::from(self.sent.len().to_string()))),
        }
        messages
    }
}

async fn say(socket: &mut WebSocketStream<TcpStream>, seen: &mut Seen, text: String) {
    socket.send(Message::text(text.as_str())).await.unwrap();
    seen.sent.push(text);
}

/// Plays the server to one recorder until that is gone.
async fn session(listener: &TcpListener, name: &str, pid: u32, end: End, random: &mut Random) -> Seen {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
    let mut seen = Seen::default();
    let open = format!(r#"0{{"sid":"{name}","upgrades":[],"pingInterval":25000,"pingTimeout":20000}}"#);
    say(&mut socket, &mut seen, open).await;
    socket.next().await.unwrap().unwrap();
    // It answered the open packet.
    seen.answered = 1;
    say(&mut socket, &mut seen, r#"40{"sid":"sio"}"#.to_owned()).await;
    let lives_for = 1 + random.below(30);
    let mut ticks = tokio::time::interval(PING);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut is_over = false;
    loop {
        tokio::select! {
            biased;
            message = socket.next() => {
                let Some(Ok(message)) = message else { return seen };
                seen.heard(&message);
                if seen.answers >= lives_for && !is_over {
                    is_over = true;
                    match end {
                        End::Killed { after } => {
                            // Shorter than a timer can tell.
                            let since = Instant::now();
                            while since.elapsed() < after {
                                std::hint::spin_loop();
                            }
                            kill_process(pid, Signal::KILL).unwrap();
                        }
                        End::Asked => kill_process(pid, Signal::TERM).unwrap(),
                    }
                }
            }
            _ = ticks.tick(), if !is_over => {
                for message in seen.burst(random) {
                    let _ = socket.feed(message).await;
                }
                let _ = socket.flush().await;
            }
        }
    }
}

/// What became of the frames of one root, or of all.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    kills: usize,
    /// Texts that lay before a question that was answered.
    answered: usize,
    /// Of those, texts that are not in the store.
    lost: usize,
    /// Connections that lost some.
    losers: usize,
    /// Connections that are stored more than once.
    doubled: usize,
    /// Connections of which something is stored that was not sent so.
    wrong: usize,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.kills += other.kills;
        self.answered += other.answered;
        self.lost += other.lost;
        self.losers += other.losers;
        self.doubled += other.doubled;
        self.wrong += other.wrong;
    }

    /// Compares what is in the store with what was sent.
    fn of(root: &DataRoot, seen: &[Seen]) -> Tally {
        let mut tally = Tally::default();
        let mut by_open: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
        for texts in stored(root).into_values() {
            by_open.entry(texts[0].clone()).or_default().push(texts);
        }
        for seen in seen {
            let kept = by_open.remove(&seen.sent[0]).unwrap_or_default();
            tally.doubled += usize::from(kept.len() > 1);
            let kept = kept.into_iter().next().unwrap_or_default();
            tally.wrong += usize::from(!seen.sent.starts_with(&kept));
            let lost = seen.answered.saturating_sub(kept.len());
            tally.answered += seen.answered;
            tally.lost += lost;
            tally.losers += usize::from(lost > 0);
        }
        // What is left was never sent.
        tally.wrong += by_open.len();
        tally
    }
}

/// Kills so many recorders of one root one after the other; another one takes over each time, and the last one ends in
/// good order.
fn one_root(name: &str, kills: usize, random: &mut Random) -> Tally {
    let (_folder, root) = root();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let feed = format!("ws://{}", listener.local_addr().unwrap());
    let mut seen = Vec::new();
    for n in 0..=kills {
        // Half of them at once: what is still in memory when an answer leaves is gone then.
        let after = Duration::from_micros(random.below(2) * random.below(4000));
        let end = if n < kills { End::Killed { after } } else { End::Asked };
        let mut child = recorder(&root, &feed);
        let name = format!("{name}-{n}");
        let session = session(&listener, &name, child.id(), end, random);
        seen.push(runtime.block_on(in_time("a recorder answers and ends", session)));
        child.wait().unwrap();
    }
    Tally { kills, ..Tally::of(&root, &seen) }
}

#[test]
fn what_lay_before_an_answered_ping_is_stored_whenever_the_recorder_is_killed() {
    let wanted = kills();
    let began = Instant::now();
    let total = std::sync::Mutex::new(Tally::default());
    let roots = std::sync::atomic::AtomicUsize::new(0);
    let work = || loop {
        let number = roots.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let left = wanted.saturating_sub(number * PER_ROOT);
        if left == 0 {
            return;
        }
        let tally = one_root(&format!("root-{number}"), left.min(PER_ROOT), &mut Random(number as u64));
        let mut total = total.lock().unwrap();
        total.add(&tally);
        println!("{} of {wanted} kills after {:.0} s: {total:?}", total.kills, began.elapsed().as_secs_f64());
    };
    std::thread::scope(|scope| {
        (0..SITES).for_each(|_| _ = scope.spawn(work));
    });
    let total = total.into_inner().unwrap();
    assert_eq!(total.kills, wanted);
    assert!(total.answered > 100 * wanted, "{total:?}");
    assert_eq!((total.lost, total.losers, total.doubled, total.wrong), (0, 0, 0, 0), "{total:?}");
}
