//! Proposing and deciding over stored frames: evidence, rules, corrections, rechecks.

use replayer::store::Store;
use replayer::store::record::{Direction, Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::verify::mark::rules::{EVIDENCE, PEOPLE_DECIDE, Policy};
use replayer::verify::mark::{Actor, Authority, Correction, CorrectionKind, MarkState, Role};
use replayer::verify::reviews::ReviewError;
use replayer::verify::reviews::decide::Verdict;
use replayer::verify::reviews::propose::Draft;
use replayer::verify::reviews::queue::{QueueFilter, Reason};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{CASH, House, draft, printed, replayer};

fn stop() -> CancellationToken {
    CancellationToken::new()
}

fn person() -> Actor {
    Actor::person(Authority::Tty, Some("test".into()))
}

fn yes() -> Verdict {
    Verdict { accept: true, rationale: Some("seen it".into()), confidence: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_finds_its_evidence_and_a_person_makes_it_canonical() {
    let house = House::played();
    let made = house.propose(draft(CASH, "cash >= 0")).await.unwrap();
    assert_eq!(made.proposal.statement, "on playerUpdate: $.cash >= 0");
    assert!(!made.proposal.evidence.is_empty() && made.proposal.support.events > 0, "{:?}", made.proposal);
    assert!(made.question.contains("Against it: 0 cases") && made.question.contains(CASH), "{}", made.question);
    let id = &made.proposal.proposal_id;
    let decided = house.reviews.decide(id, yes(), person(), &stop()).await.unwrap();
    assert_eq!(decided.badge, "canonical");
    let mark = decided.mark.unwrap();
    assert_eq!((mark.previous_state, mark.state), (MarkState::Unverified, MarkState::Verified));
    assert!(mark.evidence.iter().any(|evidence| evidence.role == Role::Supports));
    assert_eq!(mark.rationale.as_deref(), Some("seen it"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_1_what_is_written_into_a_generated_file_is_not_canon() {
    let house = House::played();
    let made = house.propose(draft(CASH, "cash >= 0")).await.unwrap();
    let shown = async || {
        let marks =
            house.query("SELECT mark, canonical, rationale_untrusted FROM mark WHERE subject LIKE '%cash'").await;
        let fields = "SELECT badge, meaning FROM field WHERE event_name = 'playerUpdate' AND path = '$.cash'";
        (marks, house.query(fields).await)
    };
    let is_forged = |shown: &(Vec<Vec<serde_json::Value>>, Vec<Vec<serde_json::Value>>)| {
        let text = format!("{shown:?}");
        text.contains("canonical") || text.contains("forged") || text.contains("true")
    };
    let before = shown().await;
    assert!(!is_forged(&before), "{before:?}");
    // Somebody makes it canonical with an editor, in each of the files that are made from the log.
    let edit = |path: std::path::PathBuf, change: &dyn Fn(&mut serde_json::Value)| {
        let mut file = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        change(&mut file);
        std::fs::write(&path, file.to_string()).unwrap();
    };
    let row = json!({"subject": CASH, "mark": "verified", "canonical": true, "rationale_untrusted": "forged"});
    edit(house.root.verification_path(), &|file| file["marks"] = json!([row]));
    edit(house.root.field_manifest_path(), &|file| {
        for field in file["fields"].as_array_mut().unwrap() {
            field["badge"] = json!("canonical");
            field["meaning"] = json!("forged");
        }
    });
    assert_eq!(shown().await, before);
    // The exported documents say that they are no canon, and nothing reads them.
    for format in ["md", "json", "schema"] {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().to_str().unwrap();
        let told = replayer(house.root.path(), &["protocol", "export", "--format", format, "--output", to]);
        assert!(told.status.success(), "{}", printed(&told));
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            assert!(text.contains("do not edit"), "{text}");
        }
    }
    // A person's decision is.
    house.reviews.decide(&made.proposal.proposal_id, yes(), person(), &stop()).await.unwrap();
    let (marks, fields) = shown().await;
    assert_eq!((&marks[0][1], &fields[0][0]), (&json!(true), &json!("canonical")));
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_4_examples_are_bytes_of_stored_frames() {
    let house = House::played();
    let made = house.propose(draft(CASH, "cash >= 0")).await.unwrap();
    for evidence in &made.proposal.evidence {
        let event = &evidence.event;
        let sql = format!(
            "SELECT sha256(raw_json), CAST(payload->>'$.cash' AS VARCHAR) FROM ws_event WHERE session_id = '{}' AND seq = {}",
            event.session_id, event.seq
        );
        let rows = house.query(&sql).await;
        assert_eq!(rows[0][0], json!(event.raw_sha256));
        assert_eq!(rows[0][1], json!(event.value_untrusted));
        assert_eq!(event.json_pointer.as_deref(), Some("/cash"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_proposal_twice_is_one() {
    let house = House::played();
    let first = house.propose(draft(CASH, "cash >= 0")).await.unwrap();
    let again = house.propose(draft(CASH, "on playerUpdate:  cash >= 0")).await.unwrap();
    assert!(again.already);
    assert_eq!(first.proposal.proposal_id, again.proposal.proposal_id);
    assert_eq!(house.log_lines(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_proposals_are_refused_and_nothing_is_written() {
    let house = House::played();
    let refused = async |draft: Draft, told: &str| {
        let error = house.propose(draft).await.unwrap_err().to_string();
        assert!(error.contains(told), "{told}: {error}");
    };
    refused(draft("field:playerUpdate#$.csh", "x"), "$.cash").await;
    refused(draft("event:playerUpdat", "x"), "playerUpdate").await;
    refused(draft("cash", "x"), "is no subject").await;
    refused(draft(CASH, "  "), "the statement is empty").await;
    refused(draft(CASH, "csh >= 0"), "the nearest are $.cash").await;
    refused(draft(CASH, "cash >= "), "character 8").await;
    refused(draft(CASH, "avgCost >= 0"), "does not look at $.cash of playerUpdate: it looks at $.avgCost").await;
    refused(draft(CASH, "on gameStateUpdate: price >= 0"), "does not look at $.cash").await;
    refused(draft(CASH, "cash < -5"), "no stored case supports the statement").await;
    refused(draft("enum_value:standard/newTrade#$.type=foo", "type in {buy}"), "never had the value").await;
    refused(draft(CASH, &"x".repeat(3_000)), "3000 characters").await;
    // Rule 3: known from documents only.
    refused(draft("event:buyOrderResponse", "it is sent"), EVIDENCE).await;
    let evidence = |address: &str| Draft { evidence: vec![address.into()], ..draft(CASH, "cash >= 0") };
    refused(evidence("line 7 of a file"), "no event ref").await;
    refused(evidence("00000000-0000-7000-8000-000000000000:1"), "no stored frame").await;
    let tick = house
        .query("SELECT concat(session_id, ':', seq) FROM ws_event WHERE event_name = 'gameStateUpdate' LIMIT 1")
        .await;
    refused(evidence(tick[0][0].as_str().unwrap()), "is a gameStateUpdate, and the subject is about playerUpdate")
        .await;
    let nothing = Draft { target: MarkState::Unverified, ..draft(CASH, "it is not so") };
    refused(nothing, "no mark that could be taken back").await;
    // Rule 8: what is no field of the protocol is no subject.
    refused(draft("field:playerUpdate#$.__trace", "x"), "has no field").await;
    assert_eq!(house.log_lines(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_6_what_cannot_be_checked_is_flagged_as_prose() {
    let house = House::played();
    let made = house.propose(draft(CASH, "the player's money")).await.unwrap();
    assert!(made.proposal.prose && made.checked.is_none());
    assert!(made.prose_because.unwrap().len() > 10);
    assert!(made.question.contains("Nothing can check this statement"), "{}", made.question);
}

#[tokio::test(flavor = "multi_thread")]
async fn rule_2_an_agent_does_not_decide() {
    let house = House::played();
    let id = house.propose(draft(CASH, "cash >= 0")).await.unwrap().proposal.proposal_id;
    for actor in [Actor::agent(None), Actor::system(), Actor::relayed(None, " ")] {
        let error = house.reviews.decide(&id, yes(), actor, &stop()).await.unwrap_err().to_string();
        assert!(error.contains(PEOPLE_DECIDE), "{error}");
    }
    assert_eq!(house.log_lines(), 1, "the proposal alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn relayed_words_are_shown_as_relayed_and_are_canonical_only_by_configuration() {
    for (enough, badge) in [(false, "verified (relayed)"), (true, "canonical (relayed)")] {
        let house = House::with(Policy { relayed_is_enough: enough });
        let id = house.propose(draft(CASH, "cash >= 0")).await.unwrap().proposal.proposal_id;
        let by = Actor::relayed(Some("agent".into()), "yes, go ahead");
        let decided = house.reviews.decide(&id, yes(), by, &stop()).await.unwrap();
        assert_eq!(decided.badge, badge);
        assert_eq!(decided.mark.unwrap().actor.quote_untrusted.as_deref(), Some("yes, go ahead"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_leaves_what_was_and_is_logged() {
    let house = House::played();
    let id = house.propose(draft(CASH, "cash >= 0")).await.unwrap().proposal.proposal_id;
    let no = Verdict { accept: false, rationale: Some("not sure".into()), confidence: None };
    let decided = house.reviews.decide(&id, no, person(), &stop()).await.unwrap();
    assert!(decided.mark.is_none() && decided.badge == "unverified");
    let history = house.reviews.history(Some(&CASH.parse().unwrap())).unwrap();
    let what: Vec<&str> = history.iter().map(|event| event.what.as_str()).collect();
    assert_eq!(what, ["proposed", "rejected"]);
    assert_eq!(history[1].rationale_untrusted.as_deref(), Some("not sure"));
    let over = house.reviews.decide(&id, yes(), person(), &stop()).await.unwrap_err().to_string();
    assert!(over.contains("rejected already"), "{over}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_decisions_at_once_one_wins() {
    let house = House::played();
    let id = house.propose(draft(CASH, "cash >= 0")).await.unwrap().proposal.proposal_id;
    let (token, other) = (stop(), stop());
    let (a, b) = tokio::join!(
        house.reviews.decide(&id, yes(), person(), &token),
        house.reviews.decide(&id, yes(), person(), &other),
    );
    let lost = [a, b].into_iter().filter_map(Result::err).collect::<Vec<ReviewError>>();
    assert_eq!(lost.len(), 1);
    assert!(lost[0].to_string().contains("accepted already"), "{}", lost[0]);
    assert_eq!(house.log_lines(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shipped_proposal_is_decided_on_with_the_users_own_frames() {
    let house = House::played();
    let prepared = house.reviews.prepare("shipped-active-at-rug", &stop()).await.unwrap();
    assert!(prepared.checked.as_ref().unwrap().supports > 0, "{}", prepared.question);
    let decided = house.reviews.decide("shipped-active-at-rug", yes(), person(), &stop()).await.unwrap();
    assert_eq!(decided.badge, "canonical");
    assert!(!decided.mark.unwrap().evidence.is_empty());
    assert_eq!(house.log_lines(), 2, "the proposal and the mark");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shipped_statement_runs_and_none_is_contradicted_by_fair_games() {
    let house = House::played();
    for proposal in replayer::verify::shipped::proposals().iter().filter(|proposal| !proposal.prose) {
        let prepared = house.reviews.prepare(&proposal.proposal_id, &stop()).await;
        let prepared = prepared.unwrap_or_else(|error| panic!("{}: {error}", proposal.proposal_id));
        let checked = prepared.checked.unwrap();
        assert_eq!(checked.contradicts, 0, "{}\n{:?}", prepared.question, checked.counterexamples);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_data_that_contradict_make_a_mark_stale_by_themselves() {
    let house = House::played();
    let id = house.propose(draft(CASH, "cash >= 0")).await.unwrap().proposal.proposal_id;
    house.reviews.decide(&id, yes(), person(), &stop()).await.unwrap();
    assert!(!house.reviews.recheck(None, &stop()).await.unwrap()[0].stale);
    let store = std::sync::Arc::new(Store::open(&house.root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    let frame = r#"42["playerUpdate",{"cash":-1,"positionQty":0}]"#;
    let now = replayer::store::record::now_us();
    recorder.append(&Record::frame(now, Source::Cdp, Direction::Received, frame)).unwrap();
    recorder.close().unwrap();
    drop(recorder);
    assert_eq!(house.reviews.recheck_due(&stop()).await.unwrap(), 1);
    let view = house.reviews.view().unwrap();
    let subject = view.state.subject(CASH).unwrap();
    assert_eq!(subject.badge(), "canonical, stale");
    let stale = subject.stale.as_ref().unwrap();
    assert_eq!((stale.contradicts, stale.counterexamples.len()), (1, 1));
    assert_eq!(stale.counterexamples[0].event.value_untrusted.as_deref(), Some("-1"));
    let queue = house.reviews.queue(&QueueFilter::default()).unwrap();
    assert_eq!((queue[0].reason, queue[0].subject.as_str()), (Reason::Stale, CASH));
    // A narrower statement, accepted, takes its place.
    let id = house.propose(draft(CASH, "cash >= -1")).await.unwrap().proposal.proposal_id;
    let decided = house.reviews.decide(&id, yes(), person(), &stop()).await.unwrap();
    assert_eq!(decided.badge, "canonical");
    assert!(decided.mark.unwrap().supersedes.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_accepted_against_the_data_is_stale_from_the_beginning() {
    let house = House::played();
    let most = "SELECT max(CAST(payload->>'$.cash' AS DOUBLE)) FROM ws_event WHERE event_name = 'playerUpdate'";
    let most = house.query(most).await[0][0].as_f64().unwrap();
    let made = house.propose(draft(CASH, &format!("cash >= {most}"))).await.unwrap();
    assert!(made.question.find("Against it").unwrap() < made.question.find("For it").unwrap());
    assert!(made.proposal.evidence.iter().any(|evidence| evidence.role == Role::Contradicts));
    let decided = house.reviews.decide(&made.proposal.proposal_id, yes(), person(), &stop()).await;
    // Some cases support it: the person may say so, and it shows.
    assert!(decided.unwrap().badge.ends_with("stale"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_changes_the_manifest_and_no_frame() {
    let house = House::played();
    let subject = "unit:gameStateUpdate#$.cooldownTimer";
    let correction = Correction { kind: CorrectionKind::Unit, old: "ms".into(), new: "parsec".into() };
    let before =
        house.query("SELECT string_agg(sha256(raw_json), ',' ORDER BY session_id, seq) FROM ws_event").await;
    let draft = Draft { correction: Some(correction), ..draft(subject, "cooldownTimer >= 0") };
    let id = house.propose(draft).await.unwrap().proposal.proposal_id;
    house.reviews.decide(&id, yes(), person(), &stop()).await.unwrap();
    let fields =
        "SELECT unit, corrections FROM field WHERE event_name = 'gameStateUpdate' AND path = '$.cooldownTimer'";
    let rows = house.query(fields).await;
    assert_eq!(rows[0][0], json!("parsec"));
    assert!(rows[0][1].as_str().unwrap().contains(r#""old":"ms""#), "{rows:?}");
    let marks =
        house.query(&format!("SELECT badge, supports > 0, authority FROM mark WHERE subject = '{subject}'")).await;
    assert_eq!(marks, [[json!("canonical"), json!(true), json!("tty")]]);
    let after =
        house.query("SELECT string_agg(sha256(raw_json), ',' ORDER BY session_id, seq) FROM ws_event").await;
    assert_eq!(before, after);
}
