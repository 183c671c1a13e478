//! Lines are read on one thread and become rows on another: reading a line and making rows of it cost about the same.
//! Records go over in batches whose texts lie in one string; a few batches are on their way, so that memory is bounded.

use std::ops::Range;
use std::sync::mpsc::{self, Receiver, SyncSender};

use replayer_protocol::line::LineFormat;
use replayer_store::StoreError;
use replayer_store::record::{Direction, Record, Source};

use super::error::LegacyError;
use super::ingest::Interrupted;
use super::report::Counts;
use super::target::{Known, NewFile, Target};

/// A batch goes over when its texts have this many bytes.
const BATCH: usize = 1 << 20;
/// Batches that may be on their way.
const ON_THEIR_WAY: usize = 4;

/// Records without borrows.
#[derive(Debug, Default)]
struct Batch {
    texts: String,
    records: Vec<Held>,
}

/// A record whose texts lie in a batch.
#[derive(Debug, Clone)]
struct Held {
    ts: Option<i64>,
    source: Source,
    direction: Option<Direction>,
    format: LineFormat,
    hint: Option<Range<usize>>,
    socket_id: Option<Range<usize>>,
    offset: Option<u64>,
    source_clock: Option<f64>,
    text: Range<usize>,
}

impl Batch {
    fn put(&mut self, text: &str) -> Range<usize> {
        let start = self.texts.len();
        self.texts.push_str(text);
        start..self.texts.len()
    }

    fn push(&mut self, record: &Record<'_>) {
        let hint = record.hint.map(|hint| self.put(hint));
        let socket_id = record.socket_id.map(|socket| self.put(socket));
        let text = self.put(record.text);
        self.records.push(Held {
            ts: record.ts,
            source: record.source,
            direction: record.direction,
            format: record.format,
            hint,
            socket_id,
            offset: record.offset,
            source_clock: record.source_clock,
            text,
        });
    }

    fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let text = |range: &Range<usize>| self.texts.get(range.clone()).unwrap_or_default();
        self.records.iter().map(move |held| Record {
            seq: 0,
            ts: held.ts,
            source: held.source,
            direction: held.direction,
            format: held.format,
            hint: held.hint.as_ref().map(text),
            socket_id: held.socket_id.as_ref().map(text),
            offset: held.offset,
            source_clock: held.source_clock,
            text: text(&held.text),
        })
    }

    fn clear(&mut self) {
        self.texts.clear();
        self.records.clear();
    }
}

/// A target that hands records over.
pub struct Relay {
    full: SyncSender<Batch>,
    empty: Receiver<Batch>,
    batch: Batch,
    is_dry: bool,
}

impl Relay {
    fn hand_over(&mut self) -> Result<(), LegacyError> {
        let next = self.empty.try_recv().unwrap_or_default();
        let batch = std::mem::replace(&mut self.batch, next);
        // The other side ended: its own error is the one that is reported.
        self.full.send(batch).map_err(|_| LegacyError::Store(StoreError::Closed))
    }
}

impl Target for Relay {
    fn known(&self) -> &[Known] {
        &[]
    }
    fn has_session(&self, _session_id: &str) -> bool {
        false
    }
    fn is_dry(&self) -> bool {
        self.is_dry
    }
    fn begin(&mut self, _file: &NewFile<'_>) -> Result<Option<String>, LegacyError> {
        Ok(None)
    }
    fn push(&mut self, record: &Record<'_>) -> Result<(), LegacyError> {
        self.batch.push(record);
        if self.batch.texts.len() >= BATCH { self.hand_over() } else { Ok(()) }
    }
    fn end(&mut self, _counts: &Counts) -> Result<(), LegacyError> {
        Ok(())
    }
    fn publish(&mut self, _last: bool) -> Result<(), LegacyError> {
        Ok(())
    }
}

/// Reads with `read`, whose records `target` takes on another thread, in their order.
///
/// # Errors
/// Those of the target, else those of `read`.
pub fn over_two_threads<T: Target + Send>(
    target: &mut T,
    read: impl FnOnce(&mut Relay) -> Result<(), Interrupted>,
) -> Result<(), Interrupted> {
    let is_dry = target.is_dry();
    let (full, batches) = mpsc::sync_channel::<Batch>(ON_THEIR_WAY);
    let (done, empty) = mpsc::sync_channel::<Batch>(2 * ON_THEIR_WAY);
    std::thread::scope(|scope| {
        let taker = scope.spawn(move || -> Result<(), LegacyError> {
            for mut batch in batches {
                for record in batch.records() {
                    target.push(&record)?;
                }
                batch.clear();
                let _ = done.try_send(batch);
            }
            Ok(())
        });
        let mut relay = Relay { full, empty, batch: Batch::default(), is_dry };
        let read = read(&mut relay).and_then(|()| Ok(relay.hand_over()?));
        drop(relay);
        match taker.join() {
            Ok(taken) => taken?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        read
    })
}
