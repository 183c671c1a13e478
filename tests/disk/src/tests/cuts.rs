//! What survives, without a mount.

use std::ffi::OsStr;

use crate::image::{Content, Image, Node, TOP};
use crate::moment::Moment;
use crate::state::State;
use crate::{Fate, Random, Rules, SECTOR};

fn disk(rules: Rules) -> State {
    State::new(Image::new(), rules)
}

fn file(state: &mut State, name: &str) -> Node {
    state.make(TOP, OsStr::new(name), Content::File(Default::default()), 0o644).unwrap()
}

fn folder(state: &mut State, name: &str) -> Node {
    state.make(TOP, OsStr::new(name), Content::Folder(Default::default()), 0o755).unwrap()
}

fn rename(state: &mut State, from: &str, to: &str) {
    state.rename((TOP, OsStr::new(from)), (TOP, OsStr::new(to)), true).unwrap();
}

fn cut(mut state: State) -> Moment {
    state.cut();
    state.take_moments().pop().unwrap()
}

/// A durable file with these bytes.
fn durable(state: &mut State, name: &str, bytes: &[u8]) -> Node {
    let node = file(state, name);
    state.write(node, 0, bytes).unwrap();
    state.sync_file(node).unwrap();
    state.sync_folder(TOP).unwrap();
    node
}

fn bytes(image: &Image, name: &str) -> Vec<u8> {
    image.read(name).unwrap().to_vec()
}

/// Every fate of a moment, under many seeds.
fn fates(moment: &Moment) -> impl Iterator<Item = (Fate, Image)> {
    Fate::ALL.into_iter().flat_map(move |fate| (0..200).map(move |seed| (fate, moment.left(fate, seed))))
}

#[test]
fn the_same_seed_gives_the_same_numbers() {
    let numbers = |seed| {
        let mut random = Random::new(seed);
        [random.number(), random.number(), random.number()]
    };
    assert_eq!(numbers(7), numbers(7));
    assert_ne!(numbers(7), numbers(8));
    // The first number of seed 0, as published with the algorithm.
    assert_eq!(Random::new(0).number(), 0xe220_a839_7b1d_cdaf);
}

#[test]
fn what_was_not_synced_is_lost() {
    let mut state = disk(Rules::Strict);
    let node = durable(&mut state, "a", b"old");
    state.write(node, 0, b"new and longer").unwrap();
    assert_eq!(bytes(&cut(state).left(Fate::Lost, 1), "a"), b"old");
}

#[test]
fn what_was_synced_survives_every_fate() {
    let mut state = disk(Rules::Strict);
    durable(&mut state, "a", b"kept");
    let other = file(&mut state, "b");
    state.write(other, 0, b"not kept").unwrap();
    for (fate, image) in fates(&cut(state)) {
        assert_eq!(bytes(&image, "a"), b"kept", "{fate:?}");
    }
}

#[test]
fn a_synced_file_whose_folder_was_not_synced_has_no_name() {
    let mut state = disk(Rules::Strict);
    let node = file(&mut state, "a");
    state.write(node, 0, b"kept").unwrap();
    state.sync_file(node).unwrap();
    assert!(cut(state).left(Fate::Lost, 1).read("a").is_none());
}

#[test]
fn a_journal_takes_the_name_along_with_the_file() {
    let mut state = disk(Rules::Journaled);
    let node = file(&mut state, "a");
    state.write(node, 0, b"kept").unwrap();
    state.sync_file(node).unwrap();
    assert_eq!(bytes(&cut(state).left(Fate::Lost, 1), "a"), b"kept");
}

#[test]
fn a_rename_without_a_sync_of_its_folder_is_lost() {
    let mut state = disk(Rules::Strict);
    let node = durable(&mut state, "new", b"new");
    durable(&mut state, "a", b"old");
    rename(&mut state, "new", "a");
    state.sync_file(node).unwrap();
    let image = cut(state).left(Fate::Lost, 1);
    assert_eq!((bytes(&image, "a"), bytes(&image, "new")), (b"old".to_vec(), b"new".to_vec()));
}

#[test]
fn a_rename_with_a_sync_of_its_folder_is_kept() {
    let mut state = disk(Rules::Strict);
    durable(&mut state, "new", b"new");
    durable(&mut state, "a", b"old");
    rename(&mut state, "new", "a");
    state.sync_folder(TOP).unwrap();
    let image = cut(state).left(Fate::Lost, 1);
    assert_eq!(bytes(&image, "a"), b"new");
    assert!(image.read("new").is_none());
}

#[test]
fn a_removed_file_is_back_where_its_folder_was_not_synced() {
    let mut state = disk(Rules::Strict);
    durable(&mut state, "a", b"old");
    state.remove(TOP, OsStr::new("a"), false).unwrap();
    assert_eq!(bytes(&cut(state).left(Fate::Lost, 1), "a"), b"old");
}

#[test]
fn a_file_in_a_new_folder_is_lost_unless_the_folder_above_was_synced() {
    for above_too in [false, true] {
        let mut state = disk(Rules::Strict);
        let inner = folder(&mut state, "inner");
        let node = state.make(inner, OsStr::new("a"), Content::File(Default::default()), 0o644).unwrap();
        state.sync_file(node).unwrap();
        state.sync_folder(inner).unwrap();
        if above_too {
            state.sync_folder(TOP).unwrap();
        }
        assert_eq!(cut(state).left(Fate::Lost, 1).read("inner/a").is_some(), above_too);
    }
}

#[test]
fn a_rename_into_a_synced_folder_leaves_the_other_folder_in_the_same_step() {
    let mut state = disk(Rules::Strict);
    let (from, to) = (folder(&mut state, "from"), folder(&mut state, "to"));
    state.sync_folder(TOP).unwrap();
    let name = OsStr::new("a");
    state.make(from, name, Content::File(Default::default()), 0o644).unwrap();
    state.rename((from, name), (to, name), true).unwrap();
    state.sync_folder(to).unwrap();
    let image = cut(state).left(Fate::Lost, 1);
    assert!(image.read("from/a").is_none() && image.read("to/a").is_some());
}

#[test]
fn a_prefix_has_nothing_without_what_came_before_it() {
    let mut state = disk(Rules::Strict);
    for number in 0..10_u8 {
        file(&mut state, &format!("{number}"));
    }
    let moment = cut(state);
    for seed in 0..50 {
        let image = moment.left(Fate::Prefix, seed);
        let kept: Vec<bool> = (0..10_u8).map(|number| image.read(format!("{number}")).is_some()).collect();
        assert!(kept.is_sorted_by(|earlier, later| earlier >= later), "{kept:?}");
    }
}

#[test]
fn a_torn_write_ends_at_a_sector_or_has_holes_of_sectors() {
    let mut state = disk(Rules::Strict);
    let node = durable(&mut state, "a", &[1; 100]);
    state.write(node, 100, &[2; 5 * SECTOR]).unwrap();
    let moment = cut(state);
    let (mut shorter, mut holes) = (0, 0);
    for seed in 0..200 {
        let left = bytes(&moment.left(Fate::Torn, seed), "a");
        assert_eq!(left[..100], [1; 100], "what was durable in the same sector");
        assert!(
            left.len() == 100 || left.len().is_multiple_of(SECTOR) || left.len() == 100 + 5 * SECTOR,
            "{}",
            left.len()
        );
        shorter += usize::from(left.len() > 100 && left.len() < 100 + 5 * SECTOR);
        for sector in
            left.chunks(SECTOR).map(|sector| &sector[sector.iter().take_while(|byte| **byte == 1).count()..])
        {
            assert!(sector.iter().all(|byte| *byte == 0) || sector.iter().all(|byte| *byte == 2));
            holes += usize::from(sector.first() == Some(&0));
        }
    }
    assert!(shorter > 10 && holes > 10, "{shorter} {holes}");
}

#[test]
fn a_sector_of_a_shuffled_file_is_as_it_was_at_one_moment() {
    let mut state = disk(Rules::Strict);
    let node = durable(&mut state, "a", &[]);
    for (number, at) in (1..=40_u8).zip((0..).step_by(100)) {
        state.write(node, at, &[number; 100]).unwrap();
    }
    let whole: Vec<u8> = (1..=40_u8).flat_map(|number| [number; 100]).collect();
    let moment = cut(state);
    let mut different = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let left = bytes(&moment.left(Fate::Shuffled, seed), "a");
        for (sector, whole) in left.chunks(SECTOR).zip(whole.chunks(SECTOR)) {
            // Writes came from the front to the back: a sector has the first ones of its own, and zeros.
            let kept = sector.iter().take_while(|byte| **byte != 0).count();
            assert_eq!(sector[..kept], whole[..kept]);
            assert!(sector[kept..].iter().all(|byte| *byte == 0));
        }
        different.insert(left);
    }
    assert!(different.len() > 50, "{}", different.len());
}

#[test]
fn a_shuffled_rename_can_survive_without_the_content() {
    let mut state = disk(Rules::Strict);
    durable(&mut state, "a", b"old");
    let new = file(&mut state, "a.tmp");
    state.write(new, 0, b"new").unwrap();
    rename(&mut state, "a.tmp", "a");
    let moment = cut(state);
    let found: std::collections::BTreeSet<Vec<u8>> =
        (0..200).map(|seed| bytes(&moment.left(Fate::Shuffled, seed), "a")).collect();
    // The old one, the new one, and the classic: the new one's name on nothing, or on zeros.
    assert_eq!(found, [b"".to_vec(), vec![0; 3], b"new".to_vec(), b"old".to_vec()].into());
}

#[test]
fn a_journal_keeps_entries_in_their_order_when_bytes_are_shuffled() {
    let mut state = disk(Rules::Journaled);
    for number in 0..10_u8 {
        file(&mut state, &format!("{number}"));
    }
    let moment = cut(state);
    for seed in 0..50 {
        let image = moment.left(Fate::Shuffled, seed);
        let kept: Vec<bool> = (0..10_u8).map(|number| image.read(format!("{number}")).is_some()).collect();
        assert!(kept.is_sorted_by(|earlier, later| earlier >= later), "{kept:?}");
    }
}

#[test]
fn a_file_is_never_under_two_names() {
    let mut state = disk(Rules::Strict);
    durable(&mut state, "a", b"it");
    for (from, to) in [("a", "b"), ("b", "c"), ("c", "d")] {
        rename(&mut state, from, to);
    }
    let moment = cut(state);
    for (fate, image) in fates(&moment) {
        assert_eq!(image.files().len(), 1, "{fate:?}");
    }
}

#[test]
fn after_the_cut_everything_fails() {
    let mut state = disk(Rules::Strict);
    state.plan(&[2]);
    let node = file(&mut state, "a");
    state.write(node, 0, b"the last one").unwrap();
    assert_eq!(state.write(node, 0, b"too late"), Err(fuser::Errno::EIO));
    assert_eq!(state.sync_file(node), Err(fuser::Errno::EIO));
    assert_eq!(state.look_up(TOP, OsStr::new("a")), Err(fuser::Errno::EIO));
    assert_eq!(bytes(cut(state).seen(), "a"), b"the last one");
}

#[test]
fn a_disk_remembers_each_moment_that_was_asked_for() {
    let mut state = disk(Rules::Strict);
    state.plan(&[3, 1]);
    let node = file(&mut state, "a");
    state.write(node, 0, b"1").unwrap();
    state.write(node, 0, b"2").unwrap();
    let moments = state.take_moments();
    let seen: Vec<(u64, Vec<u8>)> =
        moments.iter().map(|moment| (moment.operation(), bytes(moment.seen(), "a"))).collect();
    assert_eq!(seen, [(1, Vec::new()), (3, b"2".to_vec())]);
    assert!(state.is_cut());
}

#[test]
fn a_moment_says_what_was_synced_of_a_file_even_when_it_is_gone() {
    let mut state = disk(Rules::Strict);
    let node = file(&mut state, "a");
    state.write(node, 0, b"synced").unwrap();
    state.sync_file(node).unwrap();
    state.write(node, 6, b" and not").unwrap();
    state.remove(TOP, OsStr::new("a"), false).unwrap();
    let written = cut(state).written(|path| path.ends_with("a"));
    assert_eq!(
        (written[0].synced.as_slice(), written[0].seen.as_slice()),
        (&b"synced"[..], &b"synced and not"[..])
    );
    assert!(written[0].waiting.is_some());
}
