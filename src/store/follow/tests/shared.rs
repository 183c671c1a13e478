//! Several followers of one process.

use super::*;

#[test]
fn a_follower_gets_what_another_one_was_handed_long_before() {
    let journal = Journal::new();
    let mut quick = Follower::open(&journal.root).unwrap();
    let mut slow = Follower::open(&journal.root).unwrap();
    let mut held = Held::default();
    for number in 1..=SEGMENTS {
        journal.segment(number);
        quick.poll().unwrap();
    }
    held.take(slow.poll().unwrap());
    assert_eq!(held.seqs(&journal.root), (1..=FRAMES).collect::<Vec<_>>());
}

#[test]
fn whoever_comes_later_sees_what_a_single_follower_was_handed() {
    let journal = Journal::new();
    let (mut first, mut held) = (Follower::open(&journal.root).unwrap(), Held::default());
    for number in 1..=2 {
        journal.segment(number);
        held.take(first.poll().unwrap());
    }
    assert_eq!(Held::of_a_first_look(&journal.root), (1..=2 * FRAMES_EACH).collect::<Vec<_>>());
    journal.segment(3);
    held.take(first.poll().unwrap());
    assert_eq!(held.seqs(&journal.root), (1..=FRAMES).collect::<Vec<_>>(), "the first one gets nothing twice");
}

#[test]
fn a_follower_that_starts_over_sees_everything() {
    let journal = Journal::new();
    journal.write(1..=2);
    let mut follower = Follower::open(&journal.root).unwrap();
    follower.poll().unwrap();
    follower.start_over();
    let mut held = Held::default();
    held.take(follower.poll().unwrap());
    assert_eq!(held.seqs(&journal.root), (1..=2 * FRAMES_EACH).collect::<Vec<_>>());
}

#[test]
fn a_view_takes_nothing_from_a_follower() {
    let journal = Journal::new();
    journal.write(1..=1);
    let (mut follower, mut held) = (Follower::open(&journal.root).unwrap(), Held::default());
    held.take(follower.poll().unwrap());
    journal.segment(2);
    let all: Vec<u64> = (1..=2 * FRAMES_EACH).collect();
    let tail: Vec<u64> = follower.view().unwrap().tail().iter().flat_map(|(_, batch)| seqs_of(batch)).collect();
    assert_eq!(tail, all);
    held.take(follower.poll().unwrap());
    assert_eq!(held.seqs(&journal.root), all);
}

#[test]
fn rows_of_many_looks_lie_in_few_batches() {
    let journal = Journal::new();
    let mut follower = Follower::open(&journal.root).unwrap();
    follower.view().unwrap();
    let last = 100;
    for number in 1..=last {
        journal.segment(number);
        follower.poll().unwrap();
    }
    let view = follower.view().unwrap();
    let seqs: Vec<u64> = view.tail().iter().flat_map(|(_, batch)| seqs_of(batch)).collect();
    assert_eq!(seqs, (1..=last * FRAMES_EACH).collect::<Vec<_>>(), "in their order");
    assert!(view.tail().len() <= 10, "{} batches", view.tail().len());
}

#[test]
fn what_is_sealed_is_not_kept() {
    let journal = Journal::new();
    let mut follower = Follower::open(&journal.root).unwrap();
    let mut segments = journal.write(1..=SEGMENTS);
    follower.view().unwrap();
    segments.pop();
    journal.store.seal(journal.session_id, &segments).unwrap();
    let left: Vec<u64> = follower.view().unwrap().tail().iter().flat_map(|(_, batch)| seqs_of(batch)).collect();
    assert_eq!(left, (FRAMES - FRAMES_EACH + 1..=FRAMES).collect::<Vec<_>>());
    assert!(!follower.poll().unwrap().is_empty());
}

#[test]
fn a_follower_of_one_kind_is_handed_no_other() {
    let journal = Journal::new();
    journal.write(1..=1);
    let mut follower = Follower::of_kinds(&journal.root, vec![DocType::SystemEvent]).unwrap();
    assert_eq!(follower.poll().unwrap().rows.len(), 0);
}
