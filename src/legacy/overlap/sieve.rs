//! A target in front of another one: records that the store holds already are counted, and go no further.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Known, Overlap};
use crate::error::LegacyError;
use crate::ingest;
use crate::report::Counts;
use crate::target::{self, NewFile, Target};
use crate::time::Moment;
use replayer_protocol::line::LineFormat;
use replayer_store::catalog::Catalog;
use replayer_store::record::{Direction, Record, Source};
use replayer_store::root::DataRoot;

/// The `system_event` that says which records of a file were left out, and where they are.
pub const KNOWN: &str = "import_known";

/// Lets new records through to `inner`.
#[derive(Debug)]
pub struct Sieve<T> {
    inner: T,
    overlap: Option<Overlap>,
    known: Known,
    new: u64,
    name: String,
    files: u64,
    /// The generation of the target that `overlap` knows.
    published: u64,
    /// Whether known records go through too: a comparison only counts.
    only_counts: bool,
}

impl<T: Target> Sieve<T> {
    /// Compares with `root`, where there is one; `files` is how many files come.
    pub fn new(inner: T, root: Option<&DataRoot>, catalog: &Catalog, files: usize) -> Sieve<T> {
        let imports: BTreeSet<String> =
            catalog.imports.iter().map(|import| import.session_id.to_string()).collect();
        let overlap = root.map(|root| Overlap::new(root, imports, files > 1));
        let published = inner.generation();
        Sieve {
            inner,
            overlap,
            known: Known::default(),
            new: 0,
            name: String::new(),
            files: 0,
            published,
            only_counts: false,
        }
    }

    /// The same for a comparison, which takes every record.
    #[must_use]
    pub fn only_counting(mut self) -> Sieve<T> {
        self.only_counts = true;
        self
    }
}

impl<T: Target> Target for Sieve<T> {
    fn known(&self) -> &[target::Known] {
        self.inner.known()
    }
    fn has_session(&self, session_id: &str) -> bool {
        self.inner.has_session(session_id)
    }
    fn reads_again(&self) -> bool {
        self.inner.reads_again()
    }
    fn is_dry(&self) -> bool {
        self.inner.is_dry()
    }
    fn dated(&mut self, moment: Option<Moment>) {
        self.inner.dated(moment);
    }
    fn generation(&self) -> u64 {
        self.inner.generation()
    }

    fn begin(&mut self, file: &NewFile<'_>) -> Result<Option<String>, LegacyError> {
        let session = self.inner.begin(file)?;
        self.files += 1;
        (self.known, self.new, self.name) = (Known::default(), 0, file.name.to_owned());
        if let Some(overlap) = &mut self.overlap {
            // A dry run has no sessions; the file's own name, numbered, is as good.
            let unnamed = || format!("{} (file {} of this run)", file.name, self.files);
            overlap.begin(&session.clone().unwrap_or_else(unnamed), file.earlier);
        }
        Ok(session)
    }

    fn push(&mut self, record: &Record<'_>) -> Result<(), LegacyError> {
        let is_compared = !matches!(record.format, LineFormat::System | LineFormat::Document);
        let holder = match &mut self.overlap {
            Some(overlap) if is_compared => overlap.holder(record)?,
            _ => None,
        };
        let Some((session, stored_ts)) = holder else {
            self.new += u64::from(is_compared);
            return self.inner.push(record);
        };
        let sent = record.direction == Some(Direction::Sent);
        let (label, _) = ingest::label(record.format, record.hint, record.text, sent);
        self.known.records += 1;
        self.known.untimed += u64::from(record.ts.is_some() && stored_ts.is_none());
        self.known.first_us = self.known.first_us.or(record.ts).or(stored_ts);
        *self.known.sessions.entry(session.clone()).or_default() += 1;
        *self.known.events.entry(session).or_default().entry(label).or_default() += 1;
        if self.only_counts { self.inner.push(record) } else { Ok(()) }
    }

    fn overlap(&self) -> Option<(&Known, u64)> {
        Some((&self.known, self.new))
    }

    fn end(&mut self, counts: &Counts) -> Result<(), LegacyError> {
        if self.known.records > 0 && !self.only_counts {
            let details = json!({
                "file": self.name,
                "known": self.known.records,
                "new": self.new,
                "held_by": self.known.sessions,
                "events": self.known.events,
                "reason": "these records of the file are stored already, as the server sent them; they are not stored twice",
            });
            self.inner.push(&Record {
                ts: self.known.first_us,
                direction: None,
                format: LineFormat::System,
                hint: Some(KNOWN),
                ..Record::frame(0, Source::Import, Direction::Received, &details.to_string())
            })?;
        }
        if let Some(overlap) = &mut self.overlap {
            overlap.end();
        }
        self.inner.end(counts)
    }

    fn publish(&mut self, last: bool) -> Result<(), LegacyError> {
        self.inner.publish(last)?;
        if self.inner.generation() != self.published {
            self.published = self.inner.generation();
            if let Some(overlap) = &mut self.overlap {
                overlap.published();
            }
        }
        Ok(())
    }
}
