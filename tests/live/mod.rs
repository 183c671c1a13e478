//! What is happening now, as an agent sees it in a server that only follows what another process records.

mod snapshots;
mod subscribing;
mod waiting;

use std::path::Path;
use std::sync::Arc;

use replayer::simulator::{Config, Session, SimulatedFrame};
use replayer::store::Store;
use replayer::store::record::{Direction, Record, Source, now_us};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;

use crate::server::Wire;

/// A recorder of this process, on a root that a server follows.
struct Recording {
    recorder: Recorder,
}

impl Recording {
    fn start(root: &DataRoot) -> Recording {
        let store = Arc::new(Store::open(root, "test").unwrap());
        Recording { recorder: Recorder::start(store, RecorderOptions::new("test")).unwrap() }
    }

    /// Appends a frame as received just now.
    fn receive(&self, text: &str) -> u64 {
        self.recorder.append(&Record::frame(now_us(), Source::PublicWs, Direction::Received, text)).unwrap()
    }

    fn append(&self, frame: &SimulatedFrame) -> u64 {
        self.recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text)).unwrap()
    }
}

/// A tick of a running game.
fn tick(game: &str, tick: u32, price: f64) -> String {
    format!(
        r#"42["gameStateUpdate",{{"gameId":"{game}","active":true,"rugged":false,"price":{price},"tickCount":{tick},"cooldownTimer":0,"allowPreRoundBuys":false,"tradeCount":{tick}}}]"#
    )
}

fn server(root: &Path) -> Wire {
    Wire::opened(root)
}

/// Simulated games with a logged-in player, from a given time on.
fn session(games: usize, start_us: i64) -> Session {
    Session::new(Config { games, start_us, logged_in: true, ..Config::default() })
}
