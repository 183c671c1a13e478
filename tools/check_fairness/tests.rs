#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use super::answer::answer;
use super::select::Selected;
use super::*;
use crate::replay::proof::audit::{Audit, Columns, SessionAudit, Tally};
use crate::replay::proof::verdict::{Difference, Proof, Unproven, Verdict, What};

fn proof(id: &str, verdict: Verdict) -> Proof {
    let difference = Difference {
        what: What::Price,
        tick: Some(3),
        recorded: 1.0.into(),
        computed: 2.0.into(),
        from: "frame".into(),
        session_id: "0198c2a4-0000-7000-8000-000000000000".into(),
        seq: 9,
    };
    let differs = verdict == Verdict::Differs;
    Proof {
        game_id: id.into(),
        verdict,
        why: (verdict == Verdict::Unproven).then_some(Unproven::NoSeed),
        differences: if differs { vec![difference; 20] } else { Vec::new() },
        differences_total: if differs { 40 } else { 0 },
        missing: (0..50).map(|tick| (tick * 4, tick * 4 + 1)).collect(),
        ..Proof::default()
    }
}

fn selected(games: usize, more: bool) -> Selected {
    let places = (0..games).map(|number| format!("2026-01-01 00:00:00+00~g{number}")).collect();
    Selected { places, more, as_of: "now".into(), ..Selected::default() }
}

#[test]
fn counts_come_first_and_what_differs_is_told() {
    let proofs = vec![proof("a", Verdict::Proven), proof("b", Verdict::Differs), proof("c", Verdict::Unproven)];
    let output = answer(&Args::default(), selected(3, false), Checked { proofs, ..Checked::default() });
    assert_eq!((output.summary.proven, output.summary.differs, output.summary.unproven), (1, 1, 1));
    assert_eq!(output.summary.unproven_why, BTreeMap::from([(Unproven::NoSeed, 1)]));
    assert_eq!((output.differing.len(), output.differing[0].differences.len()), (1, 3));
    assert!(!output.truncated && output.games.is_empty());
    assert!(output.next.unwrap().contains(r#"{"game_id": "b"}"#));
}

#[test]
fn a_page_goes_on_from_the_last_game_that_was_looked_at() {
    let proofs = vec![proof("a", Verdict::Proven), proof("b", Verdict::Proven)];
    // The time was up after two of five.
    let checked = Checked { proofs, stopped: true, ..Checked::default() };
    let output = answer(&Args::default(), selected(5, true), checked);
    assert!(output.truncated);
    assert_eq!(output.before.as_deref(), Some("2026-01-01 00:00:00+00~g1"));
    assert!(output.next.unwrap().contains("g1"));
}

#[test]
fn sessions_that_lost_ticks_come_first_and_those_left_out_are_told() {
    let session = |number: u64, unknown: u64| {
        let connected = Tally { played: number, captured: number - unknown, unknown, ..Tally::default() };
        let ticks = Columns { connected, ..Columns::default() };
        SessionAudit { session_id: format!("s{number}"), ticks, ..SessionAudit::default() }
    };
    let sessions = (100..150).map(|number| session(number, if number == 103 { 7 } else { 0 })).collect();
    let checked = || Checked { audit: Some(Audit { sessions, ..Audit::default() }), ..Checked::default() };
    let args = Args { audit: Some(true), ..Args::default() };
    let checked = checked();
    let all = Checked { audit: checked.audit.clone(), ..Checked::default() };
    let output = answer(&args, selected(0, false), checked);
    let listed = output.audit.unwrap().sessions;
    let first: Vec<&str> = listed.iter().take(3).map(|session| session.session_id.as_str()).collect();
    assert_eq!((first, listed.len()), (vec!["s103", "s149", "s148"], 40));
    assert_eq!((output.truncated, output.audit_sessions_left_out), (true, 10));
    let next = output.next.unwrap();
    assert!(
        next.contains(r#"10 more sessions of the audit: check_fairness {"session_id": "s110", "audit": true}"#),
        "{next}"
    );
    let output = answer(&Args { all_sessions: true, ..args }, selected(0, false), all);
    assert_eq!((output.audit.unwrap().sessions.len(), output.audit_sessions_left_out), (50, 0));
}

#[test]
fn an_answer_about_many_games_stays_small() {
    let proofs = (0..5000).map(|number| proof(&format!("20260101-{number:016x}"), Verdict::Differs)).collect();
    let args = Args { detail: Some(Detail::Games), ..Args::default() };
    let output = answer(&args, selected(5000, true), Checked { proofs, ..Checked::default() });
    let bytes = serde_json::to_string(&output).unwrap().len();
    assert!(output.truncated && bytes < 60_000, "{bytes} bytes");
    let brief = (0..5000).map(|number| proof(&format!("20260101-{number:016x}"), Verdict::Proven)).collect();
    let output = answer(&args, selected(5000, true), Checked { proofs: brief, ..Checked::default() });
    let bytes = serde_json::to_string(&output).unwrap().len();
    assert!(bytes < 36_000, "{bytes} bytes");
}
