//! A recorder whose connection drops again and again: its games are proven in the background while it records, and the
//! audit accounts for every tick that was played.

use replayer::replay::proof::Verdict;
use replayer::replay::proof::check::{Asked, Lasted, check};
use replayer::simulator::serve::{Fault, Faults, LogTo, ServerConfig};
use replayer::store::catalog::Catalog;
use tokio_util::sync::CancellationToken;

use super::{Site, end, recorder};
use crate::common::root;
use crate::common::waiting::until;

#[test]
fn captured_and_repaired_ticks_are_exactly_those_that_were_played() {
    let (_folder, root) = root();
    let faults: Vec<Fault> = ["drop=2500ms", "kick=7s"].iter().map(|text| text.parse().unwrap()).collect();
    let site = Site::start(ServerConfig {
        faults: Faults { seed: 5, all: faults },
        log: LogTo::Nowhere,
        ..ServerConfig::games(usize::MAX, 11, 20.0)
    });
    let mut process = recorder(&root, &site.feed());
    until("seven games", || site.running().truths().len() >= 7);
    let truths = site.running().truths();
    // The seed of the last one is still to come, and may be waited for through another drop.
    let finished = &truths[..truths.len() - 2];
    let proven = || {
        let sql = format!(
            "SELECT count(DISTINCT game_id) FROM system_event WHERE event_type = 'game_proven' AND game_id IN ({})",
            finished.iter().map(|truth| format!("'{}'", truth.game_id)).collect::<Vec<_>>().join(", ")
        );
        crate::fairness::number(&root, &sql)
    };
    until("the proofs in the background", || proven() == finished.len() as u64);
    end(&mut process);

    let played: u64 = finished.iter().map(|truth| truth.rug_tick as u64 + 1).sum();
    let asked: Vec<Asked> =
        finished.iter().map(|truth| Asked { game_id: truth.game_id.clone(), ..Asked::default() }).collect();
    let parts = Catalog::load(&root).unwrap().parts;
    let session = parts[0].sessions[0].session_id.to_string();
    let lasted: Lasted = [(session, times(&parts))].into();
    let checked = check(&root, &asked, Some(&lasted), None, &CancellationToken::new()).unwrap();
    for proof in &checked.proofs {
        assert_eq!(proof.verdict, Verdict::Proven, "{proof:?}");
    }
    let audit = checked.audit.unwrap();
    let total = audit.total;
    println!("{total:?}");
    assert_eq!(audit.sessions.len(), 1);
    assert!(audit.sessions[0].connections > 3, "{}", audit.sessions[0].connections);
    for tally in [total.connected, total.disconnected, total.outside] {
        assert_eq!(tally.captured + tally.repaired() + tally.unknown, tally.played);
        assert_eq!(tally.unknown, 0);
    }
    assert_eq!(total.all().played, played);
    assert_eq!(total.all().captured, captured(&root, finished));
    assert!(total.disconnected.played > 0 && total.connected.captured > 0);
    assert_eq!(total.connected.captured + total.connected.repaired(), total.connected.played);
}

fn times(parts: &[replayer::store::catalog::Part]) -> (i64, i64) {
    let first = parts.iter().filter_map(|part| part.ts_min).min().unwrap();
    (first, parts.iter().filter_map(|part| part.ts_max).max().unwrap())
}

/// Ticks of these games that a frame told, counted without the audit.
fn captured(root: &replayer::store::root::DataRoot, games: &[replayer::simulator::GameTruth]) -> u64 {
    let of = |game: &replayer::simulator::GameTruth| {
        let sql = format!(
            "SELECT count(DISTINCT tick) FILTER (WHERE phase = 'ACTIVE') + max(CASE WHEN rugged THEN 1 ELSE 0 END) \
             FROM game_tick WHERE game_id = '{}' AND tick_source = 'frame'",
            game.game_id
        );
        crate::fairness::number(root, &sql)
    };
    games.iter().map(of).sum()
}
