//! What an import did, per file and in total; printed for people, or as JSON for programs.
//!
//! Identity, per file and in total: `lines = rows + rejected`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::overlap;
use super::zone::ZoneReport;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// All of it was read.
    Imported,
    /// It has grown since an earlier import; what is new was read.
    Grown,
    /// The same bytes were imported before, under this or another name.
    AlreadyImported,
    /// It has no bytes.
    Empty,
    /// It is no capture.
    Skipped,
    /// It is of a kind that is known but not read.
    Unsupported,
    /// Reading it failed; nothing of it was imported.
    Failed,
}

impl Status {
    /// The status for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Imported => "imported",
            Status::Grown => "imported what is new",
            Status::AlreadyImported => "already imported",
            Status::Empty => "empty",
            Status::Skipped => "skipped",
            Status::Unsupported => "unsupported",
            Status::Failed => "failed",
        }
    }
}

/// Lines and what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Lines read; for JSON arrays, elements; for a document, 1.
    pub lines: u64,
    /// Lines of which at least one record was made.
    pub rows: u64,
    /// Further records made of the same lines (several objects in a damaged line).
    pub extra_rows: u64,
    /// Lines of which no record could be made. They are kept as `system_event` `import_rejected`.
    pub rejected: u64,
    /// Lines, among `rows`, that were damaged: whole objects were recovered from them. The damaged line is
    /// kept as `system_event` `import_damaged_line`.
    pub damaged: u64,
    /// Lines, among `rows`, that are projections of a frame in the same export: the frame stands for them.
    pub derived: u64,
    /// Records whose payload the older recorder dropped, keeping the trace argument only.
    pub payload_lost: u64,
    /// Records with a value, or a whole payload, that cannot be read: `1e400`, a list where an object belongs. The value is
    /// NULL in its row, the record is kept as it is.
    pub value_unread: u64,
    /// Blank lines and comments (`#`, `//`), beside `lines`. Comments are kept as `system_event` `import_comment`.
    pub comments: u64,
    /// Messages that are not of this game (another host's socket) or no traffic, beside `lines`: not kept.
    pub left_out: u64,
    /// Finished games without their seed: nothing proves them.
    pub unproven: u64,
    /// Records of which credentials were taken out.
    pub redacted: u64,
    /// Records that the store did not hold.
    pub new: u64,
    /// Records that the store holds already, in another session: they are not stored a second time.
    pub known: u64,
    /// Records without a readable time.
    pub without_time: u64,
    /// Records whose time cannot be (before 2024, after tomorrow). They are kept without a time; the one they had is in
    /// `source_clock` (seconds since 1970) and in the line.
    pub impossible_times: u64,
    /// Records whose local time happened twice or never (clock changes), where neither the order of the records nor the
    /// server's clock decides; read as the first pass, or as if the clock had not jumped.
    pub doubtful_times: u64,
}

impl Counts {
    /// Adds the counts of another file.
    pub fn add(&mut self, other: &Counts) {
        self.lines += other.lines;
        self.rows += other.rows;
        self.extra_rows += other.extra_rows;
        self.rejected += other.rejected;
        self.damaged += other.damaged;
        self.derived += other.derived;
        self.payload_lost += other.payload_lost;
        self.value_unread += other.value_unread;
        self.comments += other.comments;
        self.left_out += other.left_out;
        self.unproven += other.unproven;
        self.redacted += other.redacted;
        self.new += other.new;
        self.known += other.known;
        self.without_time += other.without_time;
        self.impossible_times += other.impossible_times;
        self.doubtful_times += other.doubtful_times;
    }

    /// Whether every line is accounted for.
    pub fn is_balanced(&self) -> bool {
        self.lines == self.rows + self.rejected
    }
}

/// A line that was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejection {
    /// Number of the line in its file, from 1.
    pub line: u64,
    /// Where it begins, bytes.
    pub offset: u64,
    /// Why.
    pub reason: String,
}

/// One of the first records of a file, as it would be read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    /// When it happened, RFC 3339 UTC.
    pub time: Option<String>,
    /// `received` or `sent`.
    pub direction: Option<&'static str>,
    /// The event's name, or the kind of the packet or line.
    pub event: String,
    /// The game.
    pub game: Option<String>,
    /// The tick.
    pub tick: Option<i64>,
}

/// How many records of a file a dry run shows.
pub const PREVIEWED: usize = 3;

/// How many rejections of one file the report names; all of them are in the store.
pub const NAMED_REJECTIONS: usize = 1000;

/// What became of one file.
#[derive(Debug, Clone, Serialize)]
pub struct FileReport {
    /// Its name, or its place below the folder or in the archive that was named.
    pub name: String,
    /// Whether the user named it, rather than the folder or archive that it is in.
    pub named: bool,
    /// What became of it.
    pub status: Status,
    /// Why, or as what: the sentence for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The format found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Its length, bytes.
    pub bytes: u64,
    /// SHA-256 of the whole file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The session it was imported as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Lines and what became of them.
    #[serde(flatten)]
    pub counts: Counts,
    /// Which sessions hold the records that are known, and how many each.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub known_in: BTreeMap<String, u64>,
    /// In which zone its zoneless times were read, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<ZoneReport>,
    /// Time of the first and last record in time, RFC 3339 UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// See `from`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Records per event name; recordings count their line types, frames without a name their packet kind.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub events: BTreeMap<String, u64>,
    /// The rejected lines, at most [`NAMED_REJECTIONS`] of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rejections: Vec<Rejection>,
    /// Messages that are no text, by kind: kept as `system_event` `import_message_unread`, without their content.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub not_text: BTreeMap<String, u64>,
    /// The first records as they would be read; of a dry run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub preview: Vec<Preview>,
    /// Whatever else is worth knowing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Reasons why messages were left out, and of how many.
    #[serde(skip)]
    pub left_out: BTreeMap<&'static str, u64>,
    /// The known records by session and event.
    #[serde(skip)]
    pub known_events: BTreeMap<String, BTreeMap<String, u64>>,
    /// First and last time, microseconds UTC.
    #[serde(skip)]
    pub range_us: Option<(i64, i64)>,
    /// Sessions that hold (a beginning of) this file from earlier imports.
    #[serde(skip)]
    pub earlier_sessions: Vec<String>,
}

impl FileReport {
    /// A report on a file nothing is known about yet.
    pub fn new(name: &str, status: Status) -> FileReport {
        FileReport {
            name: name.to_owned(),
            named: true,
            status,
            reason: None,
            format: None,
            bytes: 0,
            sha256: None,
            session_id: None,
            counts: Counts::default(),
            known_in: BTreeMap::new(),
            zone: None,
            from: None,
            to: None,
            events: BTreeMap::new(),
            rejections: Vec::new(),
            not_text: BTreeMap::new(),
            preview: Vec::new(),
            notes: Vec::new(),
            left_out: BTreeMap::new(),
            known_events: BTreeMap::new(),
            range_us: None,
            earlier_sessions: Vec::new(),
        }
    }

    /// Widens the time range by one record's time.
    pub fn saw(&mut self, us: i64) {
        let (from, to) = self.range_us.unwrap_or((us, us));
        self.range_us = Some((from.min(us), to.max(us)));
    }

    /// Counts a message that was left out.
    pub fn leave_out(&mut self, reason: &'static str) {
        self.counts.left_out += 1;
        *self.left_out.entry(reason).or_default() += 1;
    }

    /// Whether all of it was taken: read now or earlier, without a rejected line. What was found in a folder or an archive
    /// and is no capture does not count.
    pub fn is_taken(&self) -> bool {
        let is_read = match self.status {
            Status::Imported | Status::Grown | Status::AlreadyImported | Status::Empty => true,
            Status::Skipped => !self.named,
            Status::Unsupported | Status::Failed => false,
        };
        let is_of_others = self.counts.rows == 0 && self.counts.left_out > 0;
        is_read && self.counts.rejected == 0 && !(is_of_others && self.named)
    }

    /// What became of it, for people.
    pub fn fate(&self) -> &'static str {
        match self.status {
            Status::Skipped if !self.named => "left out",
            status => status.as_str(),
        }
    }

    /// Says in the notes what was left out and what is no text.
    pub fn close_notes(&mut self) {
        for (reason, count) in &self.left_out {
            self.notes.push(format!("{count} messages left out: {reason}"));
        }
        if !self.not_text.is_empty() {
            let kinds: Vec<_> = self.not_text.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            self.notes
                .push(format!("messages that are no text, kept without their content: {}", kinds.join(", ")));
        }
    }

    /// Takes in what of the file is known, and says so.
    pub fn found(&mut self, known: &overlap::Known, new: u64) {
        (self.counts.new, self.counts.known) = (new, known.records);
        self.known_in = known.sessions.clone();
        self.known_events = known.events.clone();
        if known.records == 0 {
            return;
        }
        let mut holders: Vec<_> = known.sessions.iter().collect();
        holders.sort_by_key(|(session, records)| (std::cmp::Reverse(**records), (*session).clone()));
        let mut named: Vec<String> =
            holders.iter().take(3).map(|(session, records)| format!("{records} in session {session}")).collect();
        if let Some(more @ 1..) = holders.len().checked_sub(3) {
            named.push(format!("the others in {more} more"));
        }
        let held = named.join(", ");
        if known.untimed > 0 {
            self.notes.push(format!(
                "{} of its records are stored without their time, from a file that had none; to have the times, import this \
                 file into another data root",
                known.untimed
            ));
        }
        if new == 0 {
            self.status = Status::AlreadyImported;
            let records = known.records;
            self.reason = Some(format!("all of its {records} records are stored already: {held}"));
        } else {
            self.notes.push(format!(
                "{} of its records are stored already ({held}) and were left out; {new} are new",
                known.records
            ));
        }
    }

    /// Writes the time range as text, once it is complete.
    pub fn close_range(&mut self) {
        if let Some((from, to)) = self.range_us {
            self.from = rfc3339(from);
            self.to = rfc3339(to);
        }
    }
}

/// A time for people, UTC.
pub fn rfc3339(us: i64) -> Option<String> {
    jiff::Timestamp::from_microsecond(us).ok().map(|at| at.to_string())
}

/// How many files had which fate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FileCounts {
    /// Files looked at.
    pub files: u64,
    /// See [`Status::Imported`].
    pub imported: u64,
    /// See [`Status::Grown`].
    pub grown: u64,
    /// See [`Status::AlreadyImported`].
    pub already_imported: u64,
    /// See [`Status::Empty`].
    pub empty: u64,
    /// See [`Status::Skipped`].
    pub skipped: u64,
    /// Those of the skipped that were not named, but found in a folder or an archive.
    pub left_out: u64,
    /// See [`Status::Unsupported`].
    pub unsupported: u64,
    /// See [`Status::Failed`].
    pub failed: u64,
}

/// What an import did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Files by fate.
    pub files: FileCounts,
    /// Lines of all files that were read.
    pub totals: Counts,
    /// Records per event name over all files.
    pub events: BTreeMap<String, u64>,
    /// One entry per file, in the order of the import.
    pub per_file: Vec<FileReport>,
}

impl Report {
    /// Whether everything that was named was taken; what the exit code says.
    pub fn is_whole(&self) -> bool {
        self.per_file.iter().all(FileReport::is_taken)
    }

    /// Adds one file.
    pub fn push(&mut self, file: FileReport) {
        self.files.files += 1;
        let count = match file.status {
            Status::Imported => &mut self.files.imported,
            Status::Grown => &mut self.files.grown,
            Status::AlreadyImported => &mut self.files.already_imported,
            Status::Empty => &mut self.files.empty,
            Status::Skipped => &mut self.files.skipped,
            Status::Unsupported => &mut self.files.unsupported,
            Status::Failed => &mut self.files.failed,
        };
        *count += 1;
        self.files.left_out += u64::from(file.status == Status::Skipped && !file.named);
        self.totals.add(&file.counts);
        for (name, count) in &file.events {
            *self.events.entry(name.clone()).or_default() += count;
        }
        self.per_file.push(file);
    }
}
