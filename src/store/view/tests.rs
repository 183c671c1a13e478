//! Many readers beside a writer that never rests, against a count of their own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;

use super::*;
use crate::Store;
use crate::record::{Direction, Record, Source};
use crate::recorder::{Recorder, RecorderOptions};
use crate::scan;
use crate::testing::{DAY_US, NOON_US, root};

/// Reads of the run that `cargo test` makes; `REPLAYER_READS` sets another number.
const READS: u64 = 400;

/// Frames of each day.
const FRAMES: u64 = 60;

/// What the writer has done, counted without the store.
#[derive(Default)]
struct Count {
    /// Frames whose append has begun, and has returned, over all days.
    begun: AtomicU64,
    appended: AtomicU64,
    /// Days whose pruning has begun, and is over.
    pruning: AtomicU64,
    pruned: AtomicU64,
    over: AtomicBool,
}

/// Records day after day in many short segments, compacts, and prunes what is older than three days.
fn write(root: &DataRoot, count: &Count) {
    let mut day = 0;
    while !count.over.load(SeqCst) {
        let store = Arc::new(Store::open(root, "test").unwrap());
        // Every few frames a segment is sealed, on the recorder's own thread.
        let options = RecorderOptions {
            segment_bytes: 1500,
            sync_every: Duration::from_millis(5),
            ..RecorderOptions::new("test")
        };
        let recorder = Recorder::start(store.clone(), options).unwrap();
        for n in 0..FRAMES {
            let number = day * FRAMES + n;
            let text = format!(r#"42["newChatMessage",{{"message":"{number:0>90}"}}]"#);
            let ts = NOON_US + i64::try_from(day).unwrap() * DAY_US;
            count.begun.fetch_add(1, SeqCst);
            recorder.append(&Record::frame(ts, Source::PublicWs, Direction::Received, &text)).unwrap();
            count.appended.fetch_add(1, SeqCst);
        }
        recorder.close().unwrap();
        store.compact(|_, _| {}).unwrap();
        day += 1;
        if let Some(first) = day.checked_sub(3) {
            count.pruning.store(first, SeqCst);
            let date = crate::parts::date_of(NOON_US + i64::try_from(first).unwrap() * DAY_US);
            store.prune(&date, false).unwrap();
            count.pruned.store(first, SeqCst);
        }
    }
}

/// Ends the writer, also when a reader fails: the test would wait for it for ever.
struct Over<'a>(&'a Count);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, SeqCst);
    }
}

/// The numbers of all frames in a view, as their texts say them.
fn numbers(view: &View) -> Result<Vec<u64>, StoreError> {
    let mut found = Vec::new();
    let mut take = |batch: &RecordBatch| {
        let texts = batch.column_by_name("raw_json").unwrap().as_string::<i32>();
        found.extend(texts.iter().flatten().map(|text| {
            let digits: String = text.chars().filter(char::is_ascii_digit).skip(2).collect();
            digits.parse::<u64>().unwrap()
        }));
        let seqs = batch.column_by_name("seq").unwrap().as_primitive::<Int64Type>();
        assert!(seqs.values().windows(2).all(|pair| pair[0] != pair[1]));
    };
    for part in view.parts().iter().filter(|part| part.doc_type == DocType::WsEvent) {
        for batch in scan::batches(view.root(), part, None) {
            take(&batch?);
        }
    }
    view.tail().iter().filter(|(kind, _)| *kind == DocType::WsEvent).for_each(|(_, batch)| take(batch));
    Ok(found)
}

/// One read, and what is wrong with it.
fn read(root: &DataRoot, count: &Count) -> Option<String> {
    let (appended, pruned) = (count.appended.load(SeqCst), count.pruned.load(SeqCst));
    let mut found = View::read(root, numbers).unwrap();
    let (begun, pruning) = (count.begun.load(SeqCst), count.pruning.load(SeqCst));
    found.sort_unstable();
    let doubled = found.windows(2).filter(|pair| pair[0] == pair[1]).count();
    let mut days: BTreeMap<u64, u64> = BTreeMap::new();
    found.iter().for_each(|number| *days.entry(number / FRAMES).or_default() += 1);
    // From the first day that is not being pruned on, everything that was appended before the read is there.
    let missing = (pruning * FRAMES..appended).filter(|number| found.binary_search(number).is_err()).count();
    // A day is pruned as a whole.
    let torn = days.iter().filter(|(day, frames)| **day < pruning && **frames != FRAMES).count();
    let invented = found.last().is_some_and(|last| *last >= begun);
    let returned = found.first().is_some_and(|first| *first < pruned * FRAMES);
    let right = doubled + missing + torn == 0 && !invented && !returned;
    (!right).then(|| {
        format!(
            "doubled {doubled}, missing {missing}, days pruned in part {torn}, invented {invented}, pruned and there \
             {returned}; appended {appended} to {begun}, pruned {pruned} to {pruning}, found {} to {:?}",
            found.len(),
            found.last()
        )
    })
}

/// Each view by itself, or all of them beside a follower, whose rows they then share.
fn no_reader_is_wrong(follow: bool) {
    let wanted = std::env::var("REPLAYER_READS").ok().and_then(|text| text.parse().ok()).unwrap_or(READS);
    let (_folder, root) = root();
    let _follower = follow.then(|| Follower::open(&root).unwrap());
    let count = Count::default();
    let reads = AtomicU64::new(0);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        scope.spawn(|| write(&root, &count));
        let reader = || {
            let mut wrong = Vec::new();
            while reads.fetch_add(1, SeqCst) < wanted {
                wrong.extend(read(&root, &count));
            }
            wrong
        };
        let readers = [scope.spawn(reader), scope.spawn(reader)];
        let _over = Over(&count);
        readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect()
    });
    eprintln!("{wanted} reads beside {} frames", count.appended.load(SeqCst));
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn no_reader_is_wrong_while_sealing_compaction_and_pruning_never_rest() {
    no_reader_is_wrong(false);
}

#[test]
fn no_reader_beside_a_follower_is_wrong_while_sealing_compaction_and_pruning_never_rest() {
    no_reader_is_wrong(true);
}
