#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use super::*;
use crate::index::facts_store::Digest;
use crate::verify::explore::marks::{Marks, Shown, field_key};
use crate::verify::mark::state::State;
use crate::verify::mark::{Correction, CorrectionKind};
use crate::verify::subject::{Subject, Tier};

#[test]
fn the_field_manifest_has_the_columns_of_its_view_and_applies_corrections() {
    let key = field_key("gameStateUpdate", "$.cooldownTimer");
    let correction = Correction { kind: CorrectionKind::Unit, old: "s".into(), new: "parsec".into() };
    let shown = Shown { mark: "verified".into(), corrections: vec![correction], ..Shown::default() };
    let rows = manifest::rows(&Digest::default(), &Marks([(key.clone(), shown)].into()));
    let row = rows.iter().find(|row| row["subject"] == key).unwrap().as_object().unwrap();
    assert_eq!((row["unit"].as_str(), row["badge"].as_str()), (Some("parsec"), Some("verified")));
    let mut keys: Vec<&str> = row.keys().map(String::as_str).collect();
    let mut columns: Vec<&str> = crate::sql::derived::FIELD.iter().map(|column| column.name).collect();
    keys.sort_unstable();
    columns.sort_unstable();
    assert_eq!(keys, columns);
}

#[test]
fn a_correction_of_the_unit_reaches_the_field_from_its_unit_subject_too() {
    let correction = Correction { kind: CorrectionKind::Unit, old: "s".into(), new: "parsec".into() };
    let shown = Shown { mark: "verified".into(), corrections: vec![correction], ..Shown::default() };
    let marks = Marks([("unit:gameStateUpdate#$.cooldownTimer".to_owned(), shown)].into());
    assert_eq!(marks.corrected("gameStateUpdate", "$.cooldownTimer", CorrectionKind::Unit), Some("parsec"));
    assert_eq!(marks.corrected("gameStateUpdate", "$.cooldown", CorrectionKind::Unit), None);
}

#[test]
fn an_unknown_subject_names_the_nearest() {
    let digest = Arc::new(Digest::default());
    let event = facts::known(&digest, &Subject::event("playerUpdat")).unwrap_err().to_string();
    assert!(event.contains("playerUpdate"), "{event}");
    let field = facts::known(&digest, &Subject::field("playerUpdate", "$.csh")).unwrap_err().to_string();
    assert!(field.contains("$.cash"), "{field}");
}

#[test]
fn what_documents_claim_is_theoretical() {
    let digest = Arc::new(Digest::default());
    let known = facts::known(&digest, &Subject::field("playerUpdate", "$.cash")).unwrap();
    assert_eq!((known.tier, known.count, known.frames.len()), (Tier::Theoretical, 0, 0));
}

#[test]
fn the_queue_begins_with_what_was_shipped() {
    let shipped = super::super::shipped::proposals().iter();
    let state = State {
        proposals: shipped.map(|one| (one.proposal_id.clone(), one.clone())).collect(),
        ..State::default()
    };
    let items = queue::queue(&state, &Arc::default(), &queue::QueueFilter::default());
    assert_eq!(items.len(), super::super::shipped::proposals().len());
    assert!(items.iter().all(|item| item.reason == queue::Reason::Proposal && item.mark == "unverified"));
}
