#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::ledger::Ledger;
use super::*;
use crate::store::StoreError;
use crate::store::root::DataRoot;
use crate::verify::mark::rules::{self, Violation};
use crate::verify::mark::{
    Authority, Correction, CorrectionKind, EventRef, MarkState, ProposalStatus, Role, SCHEMA_VERSION, Support,
};
use crate::verify::{reviews::ReviewError, shipped};

fn root() -> (tempfile::TempDir, DataRoot) {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    (folder, root)
}

fn proposal(id: &str, subject: &str) -> Proposal {
    Proposal {
        proposal_id: id.into(),
        subject: subject.parse().unwrap(),
        target: MarkState::Verified,
        statement: format!("statement of {id}"),
        prose: true,
        meaning: None,
        correction: None,
        evidence: Vec::new(),
        support: Support::default(),
        rationale: None,
        created_by: Actor::agent(None),
        created_ts: now(),
        expires_ts: None,
        status: ProposalStatus::Open,
        decision_mark_id: None,
        schema_version: SCHEMA_VERSION,
    }
}

fn mark(proposal: &Proposal, id: &str) -> Mark {
    let event = EventRef {
        session_id: "s".into(),
        seq: 1,
        event_name: "playerUpdate".into(),
        direction: None,
        game_id: None,
        tick: None,
        phase: None,
        ts: None,
        json_pointer: None,
        value_untrusted: None,
        raw_sha256: "0".into(),
    };
    Mark {
        mark_id: id.into(),
        subject: proposal.subject.clone(),
        state: proposal.target,
        previous_state: MarkState::Unverified,
        statement: proposal.statement.clone(),
        prose: proposal.prose,
        meaning: None,
        correction: proposal.correction.clone(),
        evidence: vec![Evidence { event, role: Role::Example, case_untrusted: None }],
        support: Support::default(),
        tier_at_decision: Tier::Corroborated,
        thresholds: (3, 2, 2),
        actor: Actor::person(Authority::Tty, None),
        may_be_canonical: true,
        rationale: None,
        confidence: None,
        schema_version: SCHEMA_VERSION,
        created_ts: now(),
        supersedes: None,
        proposal_id: proposal.proposal_id.clone(),
    }
}

fn add(ledger: &Ledger, entry: Entry) {
    ledger.add(|_| Ok::<_, StoreError>((vec![entry], ()))).unwrap();
}

/// Proposes and accepts.
fn decided(ledger: &Ledger, id: &str, subject: &str) {
    let proposal = proposal(id, subject);
    add(ledger, Entry::Proposed { proposal: Box::new(proposal.clone()) });
    add(ledger, Entry::Accepted { mark: Box::new(mark(&proposal, &format!("mark-{id}"))) });
}

const CASH: &str = "field:playerUpdate#$.cash";

#[test]
fn what_is_in_force_follows_from_the_log_alone() {
    let (_folder, root) = root();
    let ledger = Ledger::new(root.path());
    decided(&ledger, "a", CASH);
    let seen = ledger.view().unwrap();
    assert_eq!(seen.state.subject(CASH).unwrap().badge(), "canonical");
    std::fs::remove_file(root.verification_path()).unwrap();
    let other = Ledger::new(root.path());
    assert_eq!(other.view().unwrap().state, seen.state);
    other.rebuild().unwrap();
    assert!(root.verification_path().exists());
}

#[test]
fn another_process_sees_a_decision_at_once() {
    let (_folder, root) = root();
    let (ours, theirs) = (Ledger::new(root.path()), Ledger::new(root.path()));
    assert!(theirs.view().unwrap().state.subject(CASH).is_none());
    decided(&ours, "a", CASH);
    assert!(theirs.view().unwrap().state.subject(CASH).is_some());
}

#[test]
fn of_two_decisions_on_one_proposal_exactly_one_is_written() {
    let (_folder, root) = root();
    let open = proposal("a", CASH);
    add(&Ledger::new(root.path()), Entry::Proposed { proposal: Box::new(open.clone()) });
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let (path, open) = (root.path().to_owned(), open.clone());
            std::thread::spawn(move || {
                Ledger::new(path).add(|state| {
                    rules::decidable(state, "a", &now())?;
                    let mark = mark(&open, &format!("mark-{thread}"));
                    Ok::<_, ReviewError>((vec![Entry::Accepted { mark: Box::new(mark) }], ()))
                })
            })
        })
        .collect();
    let done: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    assert_eq!(done.iter().filter(|result| result.is_ok()).count(), 1);
    for error in done.into_iter().filter_map(Result::err) {
        assert!(matches!(error, ReviewError::Rule(Violation::Over { .. })), "{error}");
        assert!(error.to_string().contains("accepted already (mark mark-"), "{error}");
    }
    assert_eq!(root.verification_log().read(&Default::default()).unwrap().lines.len(), 2);
}

#[test]
fn a_shipped_proposal_enters_the_log_when_it_is_decided_on() {
    let (_folder, root) = root();
    let ledger = Ledger::new(root.path());
    let shipped = shipped::proposals()[0].clone();
    assert!(ledger.view().unwrap().state.proposals.contains_key(&shipped.proposal_id));
    assert_eq!(root.verification_log().length(), 0, "looking writes nothing");
    add(&ledger, Entry::Accepted { mark: Box::new(mark(&shipped, "m")) });
    let lines = root.verification_log().read(&Default::default()).unwrap().lines;
    assert_eq!(lines.len(), 2);
    assert!(lines[0].entry.starts_with(r#"{"what":"proposed""#), "{}", lines[0].entry);
    let state = ledger.view().unwrap().state;
    assert_eq!(state.proposals[&shipped.proposal_id].status, ProposalStatus::Accepted);
}

#[test]
fn a_damaged_log_is_said_and_nothing_is_added_to_it() {
    let (_folder, root) = root();
    decided(&Ledger::new(root.path()), "a", CASH);
    decided(&Ledger::new(root.path()), "b", "event:playerUpdate");
    let path = root.verification_log().path().to_owned();
    let mut bytes = std::fs::read(&path).unwrap();
    let third = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').nth(1).unwrap().0 + 200;
    bytes[third] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let ledger = Ledger::new(root.path());
    let view = ledger.view().unwrap();
    assert_eq!(view.broken.unwrap().line, 3);
    assert!(view.state.subject(CASH).is_some() && view.state.subject("event:playerUpdate").is_none());
    let refused = ledger.add(|_| Ok::<_, StoreError>((Vec::new(), ()))).unwrap_err().to_string();
    assert!(refused.contains("line 3") && refused.contains("replayer verify log"), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "untouched");
}

#[test]
fn lines_cut_off_the_end_are_missed() {
    let (_folder, root) = root();
    decided(&Ledger::new(root.path()), "a", CASH);
    let path = root.verification_log().path().to_owned();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.lines().next().unwrap().to_owned() + "\n").unwrap();
    let ledger = Ledger::new(root.path());
    let broken = ledger.view().unwrap().broken.unwrap();
    assert!(broken.reason.contains("taken off the end"), "{broken}");
    assert!(ledger.add(|_| Ok::<_, StoreError>((Vec::new(), ()))).is_err(), "nothing is added behind them");
    std::fs::write(&path, text).unwrap();
    assert!(ledger.view().unwrap().broken.is_none(), "put back");
}

#[test]
fn a_torn_end_is_cut_off_and_the_log_says_so() {
    let (_folder, root) = root();
    let ledger = Ledger::new(root.path());
    decided(&ledger, "a", CASH);
    let path = root.verification_log().path().to_owned();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(br#"{"n":3,"prev":"ab"#);
    std::fs::write(&path, bytes).unwrap();
    decided(&ledger, "b", "event:playerUpdate");
    let lines = root.verification_log().read(&Default::default()).unwrap();
    assert_eq!((lines.broken, lines.torn), (None, None));
    assert!(lines.lines[2].entry.starts_with(r#"{"what":"repaired""#), "{}", lines.lines[2].entry);
    assert!(ledger.view().unwrap().state.subject("event:playerUpdate").is_some());
}

#[test]
fn a_decision_is_superseded_and_a_correction_stays_until_it_is_taken_back() {
    let (_folder, root) = root();
    let ledger = Ledger::new(root.path());
    let mut first = proposal("a", CASH);
    first.correction = Some(Correction { kind: CorrectionKind::Unit, old: "USD".into(), new: "SOL".into() });
    add(&ledger, Entry::Proposed { proposal: Box::new(first.clone()) });
    add(&ledger, Entry::Accepted { mark: Box::new(mark(&first, "m1")) });
    decided(&ledger, "b", CASH);
    let state = ledger.view().unwrap().state;
    let subject = state.subject(CASH).unwrap();
    assert_eq!((subject.mark_id.as_str(), subject.decisions), ("mark-b", 2));
    assert_eq!(subject.corrections[&CorrectionKind::Unit].new, "SOL");
    let back = Proposal { target: MarkState::Unverified, ..proposal("c", CASH) };
    add(&ledger, Entry::Proposed { proposal: Box::new(back.clone()) });
    add(&ledger, Entry::Accepted { mark: Box::new(mark(&back, "m3")) });
    let state = ledger.view().unwrap().state;
    assert!(state.subject(CASH).unwrap().corrections.is_empty());
    assert_eq!(state.subject(CASH).unwrap().badge(), "unverified");
}

#[test]
fn a_proposal_goes_out_of_date_by_itself() {
    let (_folder, root) = root();
    let ledger = Ledger::new(root.path());
    let old = Proposal { expires_ts: Some("2020-01-01T00:00:00.000Z".into()), ..proposal("a", CASH) };
    add(&ledger, Entry::Proposed { proposal: Box::new(old) });
    let state = ledger.view().unwrap().state;
    let over = rules::decidable(&state, "a", &now()).unwrap_err();
    assert!(matches!(over, Violation::Over { status: ProposalStatus::Expired, .. }), "{over}");
}

#[test]
fn rule_2_nobody_but_a_person_decides() {
    for actor in [Actor::agent(None), Actor::system(), Actor::relayed(None, "  … "), Actor::relayed(None, "")] {
        let error = rules::may_decide(&actor).unwrap_err().to_string();
        assert!(error.contains(rules::PEOPLE_DECIDE), "{error}");
    }
    for actor in [
        Actor::person(Authority::Elicited, None),
        Actor::person(Authority::Tty, None),
        Actor::relayed(None, "yes, that is right"),
    ] {
        assert_eq!(rules::may_decide(&actor), Ok(()));
    }
}

#[test]
fn rule_2_relayed_words_give_the_badge_only_where_the_operator_says_so() {
    let relayed = Actor::relayed(None, "yes");
    assert!(!rules::Policy::default().may_be_canonical(&relayed));
    assert!(rules::Policy { relayed_is_enough: true }.may_be_canonical(&relayed));
    let agent = Actor::agent(None);
    assert!(!rules::Policy { relayed_is_enough: true }.may_be_canonical(&agent));
}

#[test]
fn rule_3_no_mark_without_a_stored_frame() {
    let evidence = mark(&proposal("a", CASH), "m").evidence;
    for (evidence, tier) in [(&[][..], Tier::Corroborated), (&evidence[..], Tier::Theoretical)] {
        let error = rules::enough(MarkState::Verified, evidence, tier).unwrap_err().to_string();
        assert!(error.contains(rules::EVIDENCE), "{error}");
        assert!(rules::enough(MarkState::NeedsCorrection, evidence, tier).is_err());
    }
    assert_eq!(rules::enough(MarkState::Verified, &evidence, Tier::Observed), Ok(()));
}

#[test]
fn rule_5_the_sql_view_has_the_columns_that_it_says() {
    let (_folder, root) = root();
    let ledger = Ledger::new(root.path());
    decided(&ledger, "a", CASH);
    let rows = ledger.view().unwrap().state.rows(&now());
    let row = rows.iter().find(|row| row["subject"] == CASH).unwrap().as_object().unwrap();
    let mut keys: Vec<&str> = row.keys().map(String::as_str).collect();
    let mut columns: Vec<&str> = crate::sql::derived::MARK.iter().map(|column| column.name).collect();
    keys.sort_unstable();
    columns.sort_unstable();
    assert_eq!(keys, columns);
}
