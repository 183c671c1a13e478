//! What has to be in the store after a cut, and what may be: kept beside the store, never read from it.
//!
//! What was recorded comes from the disk, which knows which bytes of the journal were synced, and from the simulated
//! server, which knows what it sent.

use std::collections::{BTreeMap, BTreeSet};

use replayer::store::journal::codec::{MAGIC, Piece, decode, piece};
use replayer::store::record::{Direction, Record};
use replayer_power_cut_disk::{Moment, Written};

use super::exported::{Row, Rows};

/// Everything that is known of one root.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// By session, what its recorder gave to the disk since the store was last compared.
    recorded: BTreeMap<String, Recorded>,
    /// The sessions as they were found then: nothing of them may change any more.
    settled: BTreeMap<String, BTreeMap<u64, Row>>,
    /// Imported files and older parts, by the mark that is in each of their lines.
    files: BTreeMap<String, Lines>,
    /// Statements that were proposed, and whether the command said that it worked.
    proposed: BTreeMap<String, bool>,
    /// Marks that were said to be in force.
    decided: BTreeSet<String>,
    /// A pruning that may have happened.
    pruning: Option<Pruning>,
}

/// What a recorder wrote.
#[derive(Debug, Clone, Default)]
struct Recorded {
    /// Synced before the cut.
    synced: BTreeMap<u64, Row>,
    /// Handed to the disk.
    given: BTreeMap<u64, Row>,
}

/// A file whose lines come into the store together.
#[derive(Debug, Clone)]
struct Lines {
    count: usize,
    fate: LinesFate,
    /// In the date folders of 2025, which pruning may take.
    is_old_part: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LinesFate {
    /// All of them or none.
    Perhaps,
    /// All of them.
    There,
    /// None.
    Gone,
}

#[derive(Debug, Clone, Copy)]
struct Pruning {
    /// Of everything, or of what is from 2025: what was imported and migrated.
    all: bool,
    /// Whether the command said that it worked.
    done: bool,
}

/// The mark in each line of a file, between two quotes.
pub const MARK: &str = "mark-";

impl List {
    /// The disk was cut at this moment while something recorded. Gives the number of frames that have to be there by that,
    /// or says what the program wrote that the server never sent.
    pub fn record(&mut self, moment: &Moment, sent: &[String]) -> Result<u64, String> {
        let mut frames = 0;
        for written in journals(moment) {
            let session = written.path.iter().rev().nth(1).unwrap_or_default().to_string_lossy().into_owned();
            let recorded = self.recorded.entry(session).or_default();
            // A segment under a temporary name is not promised yet.
            if written.path.extension().is_some_and(|extension| extension == "seg") {
                let synced = records(&written.synced);
                frames += synced.len() as u64;
                recorded.synced.extend(synced);
            }
            recorded.given.extend(records(&written.seen));
        }
        for (session, recorded) in &self.recorded {
            let received = recorded.given.values().filter(|row| row.is_frame && row.is_received);
            let received: Vec<&String> = received.map(|row| &row.text).collect();
            if !sent.is_empty() && !received.is_empty() && !self.settled.contains_key(session) {
                let same = received.iter().zip(sent).take_while(|(received, sent)| *received == sent).count();
                if same < received.len() && received.first() == sent.first().as_ref() {
                    return Err(format!("session {session}: frame {same} is not the one that the server sent"));
                }
            }
        }
        Ok(frames)
    }

    /// A file is about to be imported, or an older part was put into the store.
    pub fn expect_lines(&mut self, mark: &str, count: usize, is_old_part: bool) {
        self.files.insert(mark.to_owned(), Lines { count, fate: LinesFate::Perhaps, is_old_part });
    }

    /// The import of this file said that it worked.
    pub fn imported(&mut self, mark: &str) {
        if let Some(lines) = self.files.get_mut(mark) {
            lines.fate = LinesFate::There;
        }
    }

    /// Whether there are frames to find evidence in.
    pub fn has_frames(&self) -> bool {
        self.settled.values().any(|rows| {
            rows.values()
                .any(|row| row.is_frame && row.text.contains("gameStateUpdate") && row.text.contains("\"price\":"))
        })
    }

    /// Something is about to be proposed, or the command said that it worked.
    pub fn propose(&mut self, statement: &str, done: bool) {
        self.proposed.insert(statement.to_owned(), done);
    }

    /// A decision was said to be in force.
    pub fn decide(&mut self, mark_id: &str) {
        self.decided.insert(mark_id.to_owned());
    }

    /// Pruning is about to happen, or said that it worked.
    pub fn prune(&mut self, all: bool, done: bool) {
        self.pruning = Some(Pruning { all, done });
    }

    /// Whether it is not known what a pruning did.
    pub fn is_pruning(&self) -> bool {
        self.pruning.is_some()
    }

    /// Compares the lines of the verification log: each statement and mark that was said to be there is there once, no
    /// other one twice.
    pub fn compare_log(&self, log: &str) -> Result<(), String> {
        let count = |what: &str, field: &str, value: &str| {
            let (what, field) = (format!("\"what\":\"{what}\""), format!("\"{field}\":\"{value}\""));
            log.lines().filter(|line| line.contains(&what) && line.contains(&field)).count()
        };
        for (statement, done) in &self.proposed {
            let found = count("proposed", "statement", statement);
            if found > 1 || (*done && found == 0) {
                return Err(format!("the statement {statement:?} is {found} times in the log; it worked: {done}"));
            }
        }
        match self.decided.iter().find(|mark_id| count("accepted", "mark_id", mark_id) != 1) {
            Some(mark_id) => Err(format!("the mark {mark_id} is not in the log, or not once")),
            None => Ok(()),
        }
    }

    /// Compares the store as a reader sees it before anything was repaired: what has to be there is there.
    pub fn compare_unrepaired(&self, rows: &Rows) -> Result<(), String> {
        if self.pruning.is_some() {
            return Ok(());
        }
        let sessions = by_session(rows);
        self.settled
            .iter()
            .try_for_each(|(session, kept)| has_all(session, kept, sessions.get(session.as_str())))?;
        let mut recorded = self.recorded.iter();
        recorded
            .try_for_each(|(session, recorded)| has_all(session, &recorded.synced, sessions.get(session.as_str())))
    }

    /// Compares the store after it was opened for writing, and remembers it as it is.
    pub fn compare(&mut self, rows: &Rows) -> Result<(), String> {
        let sessions = by_session(rows);
        let marks = count_marks(rows)?;
        self.decide_pruning(&sessions, &marks);
        self.compare_files(&marks)?;
        for (session, kept) in &self.settled {
            let found = sessions.get(session.as_str()).cloned().unwrap_or_default();
            if found != kept.iter().map(|(seq, row)| (*seq, row)).collect() {
                return Err(changed(session, kept, &found));
            }
        }
        for (session, recorded) in &self.recorded {
            has_all(session, &recorded.synced, sessions.get(session.as_str()))?;
        }
        for (session, found) in &sessions {
            if self.settled.contains_key(*session) || is_of_a_file(found) {
                continue;
            }
            let given = self.recorded.get(*session).map(|recorded| &recorded.given);
            for (seq, row) in found {
                // A place that was damaged is noted under a number that is lost, or the next one.
                let is_note = !row.is_frame && row.text == "journal_cut";
                if !is_note && given.and_then(|given| given.get(seq)) != Some(*row) {
                    return Err(format!("row {seq} of session {session} was never recorded: {row:?}"));
                }
            }
        }
        self.settle(&sessions);
        Ok(())
    }

    fn settle(&mut self, sessions: &BTreeMap<&str, BTreeMap<u64, &Row>>) {
        self.recorded.clear();
        let owned = |rows: &BTreeMap<u64, &Row>| rows.iter().map(|(seq, row)| (*seq, (*row).clone())).collect();
        self.settled = sessions.iter().map(|(session, rows)| ((*session).to_owned(), owned(rows))).collect();
    }

    /// Either everything that a pruning was about is gone, or nothing of it.
    fn decide_pruning(&mut self, sessions: &BTreeMap<&str, BTreeMap<u64, &Row>>, marks: &BTreeMap<String, usize>) {
        let Some(Pruning { all, done }) = self.pruning.take() else { return };
        let files = self.files.iter().filter(|(_, lines)| lines.fate == LinesFate::There);
        let mut present = files.map(|(mark, _)| marks.contains_key(mark)).collect::<Vec<bool>>();
        if all {
            present.extend(self.settled.keys().map(|session| sessions.contains_key(session.as_str())));
            let recorded = self.recorded.iter().filter(|(_, recorded)| !recorded.synced.is_empty());
            present.extend(recorded.map(|(session, _)| sessions.contains_key(session.as_str())));
        }
        let happened = done || (!present.is_empty() && present.iter().all(|present| !present));
        if !happened {
            return;
        }
        for lines in self.files.values_mut() {
            if lines.fate == LinesFate::Perhaps && lines.is_old_part {
                // Whether it was migrated before, and pruned, or is only now: both are right.
                lines.is_old_part = false;
            } else {
                lines.fate = LinesFate::Gone;
            }
        }
        if all {
            self.settled.clear();
            self.recorded.clear();
        } else {
            self.settled.retain(|_, rows| !rows.values().any(|row| row.text.contains(MARK)));
        }
    }

    fn compare_files(&mut self, marks: &BTreeMap<String, usize>) -> Result<(), String> {
        for (mark, lines) in &mut self.files {
            let found = marks.get(mark).copied().unwrap_or(0);
            let wanted: &[usize] = match lines.fate {
                // An older part has been migrated by now.
                LinesFate::Perhaps if lines.is_old_part => &[lines.count],
                LinesFate::Perhaps => &[0, lines.count],
                LinesFate::There => &[lines.count],
                LinesFate::Gone => &[0],
            };
            if !wanted.contains(&found) {
                return Err(format!("{found} of {} lines of {mark} are there ({:?})", lines.count, lines.fate));
            }
            lines.fate = if found == 0 { LinesFate::Gone } else { LinesFate::There };
        }
        match marks.keys().find(|mark| !self.files.contains_key(*mark)) {
            Some(mark) => Err(format!("{mark} was never imported")),
            None => Ok(()),
        }
    }
}

/// The files of the journal that were made since the disk was mounted.
pub fn journals(moment: &Moment) -> Vec<Written> {
    moment.written(|path| path.iter().any(|folder| folder == "journal"))
}

/// The whole records at the beginning of a segment, as rows.
fn records(segment: &[u8]) -> BTreeMap<u64, Row> {
    let mut found = BTreeMap::new();
    let mut rest = segment.strip_prefix(MAGIC.as_slice()).unwrap_or_default();
    let mut is_head = true;
    while let Piece::Body(body, length) = piece(rest) {
        if !is_head && let Some(record) = decode(body) {
            found.insert(record.seq, row(&record));
        }
        is_head = false;
        rest = &rest[length..];
    }
    found
}

fn row(record: &Record<'_>) -> Row {
    let is_frame = record.direction.is_some();
    let kind = record.hint.unwrap_or_default();
    Row {
        text: if is_frame { record.text } else { kind }.to_owned(),
        is_frame,
        is_received: record.direction == Some(Direction::Received),
    }
}

fn by_session(rows: &Rows) -> BTreeMap<&str, BTreeMap<u64, &Row>> {
    let mut sessions: BTreeMap<&str, BTreeMap<u64, &Row>> = BTreeMap::new();
    for ((session, seq), row) in rows {
        sessions.entry(session).or_default().insert(*seq, row);
    }
    sessions
}

fn is_of_a_file(rows: &BTreeMap<u64, &Row>) -> bool {
    rows.values().all(|row| row.text.contains(MARK))
}

/// How many lines of each file are there; each line is there once.
fn count_marks(rows: &Rows) -> Result<BTreeMap<String, usize>, String> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows.values() {
        let Some(at) = row.text.find(MARK) else { continue };
        let mark = row.text[at..].split('"').next().unwrap_or_default();
        let mark = mark.trim_end_matches('\\');
        if !seen.insert(mark) {
            return Err(format!("the line {mark} is there twice"));
        }
        // mark-<file>/<line>
        *counts.entry(mark.split('/').next().unwrap_or_default().to_owned()).or_default() += 1;
    }
    Ok(counts)
}

fn has_all(session: &str, wanted: &BTreeMap<u64, Row>, found: Option<&BTreeMap<u64, &Row>>) -> Result<(), String> {
    let missing = wanted.iter().filter(|(seq, row)| found.and_then(|found| found.get(seq)) != Some(row));
    let missing: Vec<u64> = missing.map(|(seq, _)| *seq).collect();
    match (missing.first(), missing.last()) {
        (Some(first), Some(last)) => Err(format!(
            "LOST: {} of {} durable rows of session {session} are missing or changed, {first} to {last}",
            missing.len(),
            wanted.len()
        )),
        _ => Ok(()),
    }
}

fn changed(session: &str, kept: &BTreeMap<u64, Row>, found: &BTreeMap<u64, &Row>) -> String {
    let missing = kept.iter().filter(|(seq, row)| found.get(seq) != Some(row)).count();
    let new = found.keys().filter(|seq| !kept.contains_key(seq)).count();
    format!("session {session} had {} rows; {missing} are missing or changed, {new} are new", kept.len())
}
