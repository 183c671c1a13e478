//! Where an import puts its records: the store, or nowhere (a dry run, a comparison).

use std::collections::HashSet;

use replayer_store::record::Record;

use super::error::LegacyError;
use super::overlap;
use super::report::Counts;
use super::time::Moment;

/// A file about to be imported.
#[derive(Debug, Clone, Copy)]
pub struct NewFile<'a> {
    /// What the report calls it.
    pub name: &'a str,
    /// Its format.
    pub format: &'a str,
    /// SHA-256 of all its bytes.
    pub sha256: &'a str,
    /// Its length.
    pub bytes: u64,
    /// Sessions that hold a beginning of it, the longest last: what follows is another part of the file.
    pub earlier: &'a [String],
    /// Whether what follows goes on in the last of them.
    pub continues: bool,
}

/// A file that was imported earlier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// SHA-256 of all its bytes then.
    pub sha256: String,
    /// Its length then.
    pub bytes: u64,
    /// Its name then.
    pub name: String,
    /// The session it became; `None` where nothing was stored (a dry run).
    pub session_id: Option<String>,
}

/// Takes the records of one file after the other.
pub trait Target {
    /// The files imported so far, by this run too.
    fn known(&self) -> &[Known];
    /// Whether the target held this session before.
    fn has_session(&self, session_id: &str) -> bool;
    /// Whether files are read whole although they are known.
    fn reads_again(&self) -> bool {
        false
    }
    /// Whether nothing is stored, and so the first records are shown instead.
    fn is_dry(&self) -> bool {
        false
    }
    /// Begins a file; its session, where there is one.
    ///
    /// # Errors
    /// Those of the store, here and below: they end the import.
    fn begin(&mut self, file: &NewFile<'_>) -> Result<Option<String>, LegacyError>;
    /// Hears of the time of the next record as it was read, doubts included.
    fn dated(&mut self, _moment: Option<Moment>) {}
    /// Takes one record of the file; the target numbers it.
    ///
    /// # Errors
    /// See [`Target::begin`].
    fn push(&mut self, record: &Record<'_>) -> Result<(), LegacyError>;
    /// Ends the file.
    ///
    /// # Errors
    /// See [`Target::begin`].
    fn end(&mut self, counts: &Counts) -> Result<(), LegacyError>;
    /// Of the file at hand: what the store holds already, and how many records are new. `None` where nothing is compared.
    fn overlap(&self) -> Option<(&overlap::Known, u64)> {
        None
    }
    /// Counts up whenever files were published: they are found in the store from then on.
    fn generation(&self) -> u64 {
        0
    }
    /// Publishes all files ended so far when they are enough to be worth it, or when `last`.
    ///
    /// # Errors
    /// See [`Target::begin`].
    fn publish(&mut self, last: bool) -> Result<(), LegacyError>;
}

/// Puts records nowhere.
#[derive(Debug, Default)]
pub struct Nowhere {
    known: Vec<Known>,
    sessions: HashSet<String>,
    open: Option<Known>,
    reads_again: bool,
}

impl Nowhere {
    /// A target that wants files read although these are imported; still each content once.
    pub fn reading_again(known: Vec<Known>) -> Nowhere {
        Nowhere { known, reads_again: true, ..Nowhere::default() }
    }

    /// A target that counts these files as imported, and these sessions as its own.
    pub fn knowing(known: Vec<Known>, sessions: HashSet<String>) -> Nowhere {
        Nowhere { known, sessions, ..Nowhere::default() }
    }
}

impl Target for Nowhere {
    fn known(&self) -> &[Known] {
        &self.known
    }
    fn has_session(&self, session_id: &str) -> bool {
        self.sessions.contains(session_id)
    }
    fn reads_again(&self) -> bool {
        self.reads_again
    }
    fn is_dry(&self) -> bool {
        true
    }
    fn begin(&mut self, file: &NewFile<'_>) -> Result<Option<String>, LegacyError> {
        self.open = Some(Known {
            sha256: file.sha256.to_owned(),
            bytes: file.bytes,
            name: file.name.to_owned(),
            session_id: None,
        });
        Ok(None)
    }
    fn push(&mut self, _record: &Record<'_>) -> Result<(), LegacyError> {
        Ok(())
    }
    fn end(&mut self, _counts: &Counts) -> Result<(), LegacyError> {
        self.known.extend(self.open.take());
        Ok(())
    }
    fn publish(&mut self, _last: bool) -> Result<(), LegacyError> {
        Ok(())
    }
}
