//! Every game of the simulator: ticks, prices, rug tick and phases are the generator's.

use std::collections::BTreeMap;

use super::*;
use crate::protocol::phase::Phase;
use crate::state::game::Game;
use crate::state::prices::TickSource;

/// The games as they were when the next one began, by id, the last one as it is at the end.
fn games_of(frames: impl Iterator<Item = SimulatedFrame>, source: Source) -> (Fold, BTreeMap<String, Game>) {
    let mut fold = Fold::new();
    let mut games = BTreeMap::new();
    for (seq, frame) in frames.enumerate() {
        fold.apply(&event(seq, source, &frame));
        for game in fold.games() {
            games.insert(game.id.to_string(), game.clone());
        }
    }
    (fold, games)
}

fn assert_true(game: &Game, truth: &GameTruth) {
    assert_eq!(game.rug_tick, Some(truth.rug_tick as u32), "{}", truth.game_id);
    assert_eq!(game.rug_price, truth.prices.last().copied());
    assert_eq!((game.phase, game.tick), (Some(Phase::Rugged), Some(truth.rug_tick as u32)));
    assert_eq!(game.proven, Some(true));
    assert_eq!(game.disagreements, 0);
    assert!(game.is_complete());
    for (tick, told) in game.prices.iter().enumerate() {
        assert_eq!(told.map(|(price, _)| price.to_bits()), Some(truth.prices[tick].to_bits()), "tick {tick}");
    }
}

/// Prices that were captured, not recomputed, are the truth's.
fn assert_captured(game: &Game, truth: &GameTruth) -> usize {
    let captured = |source| matches!(source, TickSource::Tick | TickSource::Partial | TickSource::Snapshot);
    let mut count = 0;
    for (tick, told) in game.prices.iter().enumerate() {
        if let Some((price, source)) = told
            && captured(source)
        {
            assert_eq!(price.to_bits(), truth.prices[tick].to_bits());
            count += 1;
        }
    }
    count
}

#[test]
fn every_game_is_the_generators() {
    for seed in 0..12 {
        let (frames, truths) = play(small(seed, 5));
        let (fold, games) = games_of(frames.into_iter(), Source::PublicWs);
        for truth in &truths {
            let game = &games[&truth.game_id];
            assert_true(game, truth);
            assert_eq!(assert_captured(game, truth), truth.prices.len(), "nothing had to be recomputed");
            assert_eq!(game.prices.peak().map(|(_, peak)| peak), Some(truth.peak));
            assert_eq!((game.missed, game.joined_at), (0, None));
        }
        assert_eq!(fold.counts(), (truths.len() as u64, 0));
    }
}

#[test]
fn phases_follow_the_cycle_of_every_game() {
    let (frames, truths) = play(small(3, 4));
    let (_, notes) = fold_all(&frames, Source::PublicWs);
    for (number, truth) in truths.iter().enumerate() {
        let phases: Vec<Phase> = notes
            .iter()
            .filter_map(|note| match note {
                Note::Phase(change) if *change.game_id == truth.game_id => change.to,
                _ => None,
            })
            .collect();
        assert_eq!(phases, [Phase::Cooldown, Phase::Presale, Phase::Active, Phase::Rugged], "game {number}");
        let count = |wanted: fn(&Note) -> Option<&GameId>| {
            notes.iter().filter_map(wanted).filter(|id| ***id == truth.game_id).count()
        };
        let started = |note: &Note| matches!(note, Note::GameStarted { .. });
        assert!(notes.iter().any(started));
        let once: [fn(&Note) -> Option<&GameId>; 4] = [
            |note| if let Note::GameStarted { game_id, tick: Some(0) } = note { Some(game_id) } else { None },
            |note| if let Note::GameRugged { game_id, .. } = note { Some(game_id) } else { None },
            |note| {
                if let Note::GameFinished { game_id, complete: true, .. } = note { Some(game_id) } else { None }
            },
            |note| {
                if let Note::SeedRevealed { game_id, proven: Some(true), filled: 0 } = note {
                    Some(game_id)
                } else {
                    None
                }
            },
        ];
        assert_eq!(once.map(count), [1, 1, 1, 1]);
    }
}

// L20 of the truth: two sources carry the same public events; nothing counts twice.
#[test]
fn two_sources_count_once() {
    let (frames, truths) = play(Config { logged_in: true, ..small(5, 4) });
    let alone = fold_all(&frames, Source::Cdp);
    let mut both = Fold::new();
    let mut notes = Vec::new();
    let public = |frame: &SimulatedFrame| {
        let private = ["playerUpdate", "PlayerUpdate", "currentSidebet", "usernameStatus"];
        frame.direction.as_str() == "received"
            && frame.text.starts_with("42")
            && !private.iter().any(|name| {
                frame.text.contains(&format!("42[\"{name}"))
                    || frame.text.starts_with(&format!("42[\"gameState{name}"))
            })
    };
    for (seq, frame) in frames.iter().enumerate() {
        // The public copy comes first or last, by turns.
        let copy = event(10_000 + seq, Source::PublicWs, frame);
        if public(frame) && seq % 2 == 0 {
            notes.extend(both.apply(&copy));
        }
        notes.extend(both.apply(&event(seq, Source::Cdp, frame)));
        if public(frame) && seq % 2 == 1 {
            notes.extend(both.apply(&copy));
        }
    }
    let kinds = |notes: &[Note]| {
        let mut kinds = BTreeMap::<String, usize>::new();
        for note in notes {
            let value = serde_json::to_value(note).unwrap();
            *kinds.entry(value["note"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        kinds
    };
    assert_eq!(kinds(&notes), kinds(&alone.1));
    assert_eq!(both.counts(), (truths.len() as u64, 0));
    let trades = |fold: &Fold| fold.games().map(|game| game.trades_seen).collect::<Vec<_>>();
    assert_eq!(trades(&both), trades(&alone.0));
}

#[test]
fn a_join_in_mid_game_is_repaired_from_the_snapshot() {
    let mut joined = 0;
    for seed in 0..12 {
        let (frames, truths) = play(Config { join_tick: Some(9), ..small(seed, 2) });
        let (_, games) = games_of(frames.into_iter(), Source::PublicWs);
        let game = &games[&truths[0].game_id];
        assert_true(game, &truths[0]);
        assert_eq!(assert_captured(game, &truths[0]), truths[0].prices.len());
        if game.joined_at == Some(9) {
            assert_eq!(game.prices.get(3).map(|(_, source)| source), Some(TickSource::Snapshot));
            assert_eq!(game.prices.get(9).map(|(_, source)| source), Some(TickSource::Tick));
            joined += 1;
        }
    }
    assert!(joined > 5);
}

#[test]
fn dropped_frames_are_filled_from_later_ones_and_the_rest_from_the_seed() {
    let mut filled = [0, 0];
    for seed in 0..8 {
        let (frames, truths) = play(small(seed, 4));
        // Three of seven frames are lost; the rug's second broadcasts stay, they bring the seed.
        let mut number = 0_usize;
        let kept = frames.into_iter().filter(|frame| {
            number += 1;
            frame.text.contains("gameHistory") || !matches!(number % 17, 1..=3 | 6..=12)
        });
        let (_, games) = games_of(kept, Source::PublicWs);
        for truth in &truths {
            let game = &games[&truth.game_id];
            assert_eq!(game.rug_tick, Some(truth.rug_tick as u32), "the window tells it, not tickCount");
            assert_captured(game, truth);
            assert!(game.is_complete());
            assert_eq!(game.proven, Some(true));
            assert!(game.missed > 0 || truth.rug_tick < 8);
            filled[0] += game.prices.count(TickSource::Partial);
            filled[1] += game.prices.count(TickSource::History) + game.prices.count(TickSource::Seed);
        }
    }
    assert!(filled[0] > 100 && filled[1] > 20, "{filled:?}");
}

/// What a Python client did to `*_raw.jsonl`: full packets are handled by a thread that takes longer, so they
/// arrive after smaller packets that were sent later.
fn delay_full_packets(frames: Vec<SimulatedFrame>, by: usize) -> Vec<SimulatedFrame> {
    let mut keyed: Vec<(usize, SimulatedFrame)> = frames
        .into_iter()
        .enumerate()
        .map(|(place, frame)| {
            let late = frame.text.contains("\"gameHistory\"") && place > 20;
            (if late { 2 * (place + by) + 1 } else { 2 * place }, frame)
        })
        .collect();
    keyed.sort_by_key(|(place, _)| *place);
    let times: Vec<i64> = keyed.iter().map(|(_, frame)| frame.at_us).collect();
    let mut last = i64::MIN;
    keyed
        .into_iter()
        .zip(times)
        .map(|((_, frame), at)| {
            last = last.max(at);
            SimulatedFrame { at_us: last, ..frame }
        })
        .collect()
}

// M12 and protocol.md section 5: a full packet of an older game after the new game's first timers.
#[test]
fn full_packets_that_arrive_late_neither_close_nor_duplicate_a_game() {
    for by in [1, 2, 6] {
        for seed in 0..6 {
            let (frames, truths) = play(small(seed, 4));
            let frames = delay_full_packets(frames, by);
            let (_, notes) = fold_all(&frames, Source::PublicWs);
            let (fold, games) = games_of(frames.into_iter(), Source::PublicWs);
            for truth in &truths {
                assert_true(&games[&truth.game_id], truth);
                let rugs = notes.iter().filter(
                    |note| matches!(note, Note::GameRugged { game_id, .. } if **game_id == *truth.game_id),
                );
                assert_eq!(rugs.count(), 1);
                let ends = notes.iter().filter(
                    |note| matches!(note, Note::GameFinished { game_id, .. } if **game_id == *truth.game_id),
                );
                assert_eq!(ends.count(), 1);
            }
            let became: Vec<String> = notes
                .iter()
                .filter_map(|note| match note {
                    Note::Phase(change) if change.is_new_game() => Some(change.game_id.to_string()),
                    _ => None,
                })
                .collect();
            let expected: Vec<String> = truths.iter().skip(1).map(|truth| truth.game_id.clone()).collect();
            assert_eq!(became[..expected.len()], expected, "delay {by}, seed {seed}");
            assert_eq!(fold.counts().0, truths.len() as u64);
        }
    }
}

#[test]
fn an_unknown_older_game_does_not_take_over() {
    // The capture begins between the last game's rug and the new game's announcement, out of order.
    let mut feed = Feed::new();
    feed.timer("20260101-new", 14_900);
    let late = r#"{"active":true,"price":0.01,"rugged":true,"tickCount":231,"cooldownTimer":0,"allowPreRoundBuys":false,"gameId":"20260101-old","partialPrices":{"startTick":228,"endTick":229,"values":{"228":0.5,"229":0.01}},"gameHistory":[]}"#;
    feed.state(late);
    assert_eq!(&*feed.fold.game().unwrap().id, "20260101-new");
    assert_eq!(feed.fold.game_by_id("20260101-old").unwrap().rug_tick, Some(229));
}

#[test]
fn the_own_account_never_drifts_in_a_session_without_losses() {
    for seed in 0..10 {
        let (frames, truths) = play(Config { logged_in: true, ..small(seed, 12) });
        let (fold, notes) = fold_all(&frames, Source::Cdp);
        let drift: Vec<&Note> = notes.iter().filter(|note| matches!(note, Note::DriftOpened { .. })).collect();
        assert!(drift.is_empty(), "seed {seed}: {drift:?}");
        let ledger = &fold.account().ledger;
        assert!(ledger.checks > 10 && ledger.drifted == 0);
        let own_trades = notes.iter().filter(|note| matches!(note, Note::OwnTrade { .. })).count();
        assert!(own_trades > 0 && !truths.is_empty());
    }
}

// G16: the own forced sell is broadcast before the public rug packet.
#[test]
fn own_forced_sells_are_told_from_own_sells() {
    let mut seen = [0, 0];
    for seed in 0..10 {
        let config = Config { logged_in: true, ..small(seed, 12) };
        let mut session = Session::new(config);
        let frames: Vec<SimulatedFrame> = session.by_ref().collect();
        let own = session.players()[0].id.clone();
        let (_, notes) = fold_all(&frames, Source::Cdp);
        let told: Vec<bool> = notes
            .iter()
            .filter_map(|note| match note {
                Note::OwnTrade { forced, side, .. } if side == "sell" => Some(*forced),
                _ => None,
            })
            .collect();
        let trades: BTreeMap<String, (bool, bool)> = session
            .truths()
            .iter()
            .flat_map(|game| &game.trades)
            .filter(|trade| trade.player.id == own)
            .map(|trade| (trade.id.to_string(), (trade.side == crate::simulator::Side::Sell, trade.forced)))
            .collect();
        // In the order of arrival: the rug's sell may overtake the player's own.
        let truth: Vec<bool> = frames
            .iter()
            .filter(|frame| frame.text.starts_with("42[\"standard/newTrade\""))
            .filter_map(|frame| trades.get(frame.text.split("{\"id\":\"").nth(1)?.get(..36)?))
            .filter(|(sell, _)| *sell)
            .map(|(_, forced)| *forced)
            .collect();
        assert_eq!(told, truth);
        truth.iter().for_each(|forced| seen[usize::from(*forced)] += 1);
    }
    assert!(seen[0] > 0 && seen[1] > 0);
}

#[test]
fn a_lost_trade_opens_a_drift_that_the_next_update_closes() {
    let (mut frames, _) = play(Config { logged_in: true, ..small(1, 12) });
    let place = frames.iter().position(|frame| frame.text.contains("[\"sellOrder\"")).unwrap();
    // The order and its broadcast were never captured, the update was.
    let trace = frames[place].text.split("\"00-").nth(1).unwrap()[..32].to_owned();
    frames.retain(|frame| !frame.text.contains(&trace));
    let (fold, notes) = fold_all(&frames, Source::Cdp);
    let drifts: Vec<&str> = notes
        .iter()
        .filter_map(|note| match note {
            Note::DriftOpened { .. } => Some("opened"),
            Note::DriftClosed { why, .. } => Some(*why),
            _ => None,
        })
        .collect();
    assert_eq!(drifts, ["opened", "agrees"]);
    assert_eq!(fold.account().ledger.drifted, 1);
}

#[test]
fn requests_are_matched_to_acks_and_broadcasts() {
    use crate::state::latency::Leg;
    let (frames, _) = play(Config { logged_in: true, ..small(13, 12) });
    let (fold, notes) = fold_all(&frames, Source::Cdp);
    let mut legs = [0, 0];
    for note in &notes {
        let Note::Latency { kind, leg, ms, .. } = note else { continue };
        match leg {
            Leg::Ack if kind != "ping" => {
                assert_eq!(*ms, 219.0, "{kind}");
                legs[0] += 1;
            }
            Leg::Broadcast => {
                assert!(*ms == 69.0 || *ms == 205.0, "{kind} {ms}");
                legs[1] += 1;
            }
            Leg::Ack => {}
        }
    }
    assert!(legs[0] > 5 && legs[1] > 5, "{legs:?}");
    let (orders, pings, broadcasts) = fold.latencies();
    assert_eq!((orders.total, broadcasts.total), (legs[0], legs[1]));
    assert!(pings.total > 0);
    assert!(fold.requests().open().is_empty());
    assert_eq!(orders.summary().unwrap().p50_ms, 219.0);
}

#[test]
fn a_checkpoint_goes_on_as_if_nothing_had_happened() {
    let (frames, _) = play(Config { logged_in: true, ..small(6, 3) });
    let (whole, _) = fold_all(&frames, Source::Cdp);
    let mut fold = Fold::new();
    for (seq, frame) in frames.iter().enumerate() {
        if seq % 100 == 0 {
            fold = fold.clone();
        }
        fold.apply(&event(seq, Source::Cdp, frame));
    }
    let now = frames.last().unwrap().at_us;
    assert_eq!(fold.detailed(now), whole.detailed(now));
}
