//! The field manifest: every field that the data or the documents know, with what is known of it and what people decided,
//! corrections applied. It is derived, in `manifests/field_manifest.json`; the SQL view `field` reads it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Desk, DeskError};
use crate::index::facts_store::Digest;
use crate::index::units::events::names;
use crate::protocol::catalogue::catalogue;
use crate::store::StoreError;
use crate::store::root::DataRoot;
use crate::verify::check::Scope;
use crate::verify::explore::marks::Marks;
use crate::verify::explore::table::{digits, second};
use crate::verify::explore::tier::Support;
use crate::verify::explore::{Explorer, is_named};
use crate::verify::log::now;
use crate::verify::mark::CorrectionKind;

/// Version of the file's form.
const VERSION: u32 = 2;

/// What the file says about itself.
const GENERATED: &str =
    "by replayer from the stored frames, the shipped catalogue and the verification log; do not edit";

impl Desk {
    /// To be called before a query: see [`before_query`].
    pub async fn before_query(&self, sql: &str) {
        if !reads_derived(sql) {
            return;
        }
        let (explorer, sql) = (self.explorer.clone(), sql.to_owned());
        if let Err(error) = tokio::task::spawn_blocking(move || before_query(&explorer, &sql)).await {
            tracing::warn!(%error, "bringing the views field and mark up to date was stopped");
        }
    }

    /// Brings the manifest up to date, unless it is.
    ///
    /// # Errors
    /// As [`write`].
    pub async fn write_manifest(&self) -> Result<(), DeskError> {
        let explorer = self.explorer.clone();
        let written = tokio::task::spawn_blocking(move || write(&explorer)).await;
        written.map_err(|error| StoreError::Refused(format!("writing was stopped: {error}")))?
    }
}

/// Brings the files up to date that the views `field` and `mark` show, where the query may read them: new data and
/// decisions go in, and what somebody wrote into them by hand goes out. A file that cannot be written is read as it is.
/// Blocking.
pub fn before_query(explorer: &Explorer, sql: &str) {
    let outcomes = [
        ("field", mentions(sql, "field").then(|| write(explorer))),
        ("mark", mentions(sql, "mark").then(|| explorer.ledger().keep_file().map_err(DeskError::from))),
    ];
    for (view, outcome) in outcomes {
        if let Some(Err(error)) = outcome {
            tracing::warn!(%error, view, "the view may be older than the data and the log");
        }
    }
}

/// Whether a query may read one of the derived views.
fn reads_derived(sql: &str) -> bool {
    mentions(sql, "field") || mentions(sql, "mark")
}

/// Whether a query has this word.
fn mentions(sql: &str, word: &str) -> bool {
    let mut words = sql.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    words.any(|one| one.eq_ignore_ascii_case(word))
}

/// The file. Its rows have a checksum, so that a row that was changed by hand is not taken for ours.
#[derive(Serialize, Deserialize)]
struct File<'a> {
    generated: Cow<'a, str>,
    as_of: String,
    made_of: Value,
    fields_sha256: String,
    #[serde(borrow)]
    fields: &'a RawValue,
}

impl File<'_> {
    /// Whether it says what it was made to say, from this.
    fn is_of(&self, made_of: &Value) -> bool {
        self.made_of == *made_of && self.fields_sha256 == sha256(self.fields)
    }
}

fn sha256(rows: &RawValue) -> String {
    format!("{:x}", Sha256::digest(rows.get()))
}

/// Brings the manifest up to date, unless it is. Blocking.
///
/// # Errors
/// When the store or the log cannot be read, or the root not be written.
pub fn write(explorer: &Explorer) -> Result<(), DeskError> {
    let root = DataRoot::open(explorer.root())?;
    let digest = explorer.digest(&Scope::default(), &|| false)?;
    let view = explorer.ledger().view()?;
    let made_of = json!({
        "version": VERSION, "frames": digest.facts.total(), "sessions": digest.sessions.len(),
        "log": view.tip.hash, "build": env!("CARGO_PKG_VERSION"),
    });
    let path = root.field_manifest_path();
    let before = fs::read(&path).unwrap_or_default();
    if serde_json::from_slice::<File<'_>>(&before).is_ok_and(|before| before.is_of(&made_of)) {
        return Ok(());
    }
    let json = |error: serde_json::Error| StoreError::io("write", &path)(error.into());
    let fields = to_raw_value(&rows(&digest, &Marks::of(&view.state))).map_err(json)?;
    let file = File {
        generated: GENERATED.into(),
        as_of: now(),
        made_of,
        fields_sha256: sha256(&fields),
        fields: &fields,
    };
    let temporary = path.with_extension(format!("tmp-{}", std::process::id()));
    // Derived: replaced at once, without waiting for the disk.
    let bytes = serde_json::to_vec(&file).map_err(json)?;
    fs::write(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, &path))
        .map_err(StoreError::io("write", &path))?;
    Ok(())
}

/// The rows of the SQL view `field`.
pub fn rows(digest: &Digest, marks: &Marks) -> Vec<Value> {
    let mut rows = Vec::new();
    for event in names(&digest.facts, catalogue()) {
        let doc = catalogue().events.iter().find(|doc| doc.name == event);
        let seen = digest.facts.events.get(&event);
        let found = seen.into_iter().flat_map(|seen| seen.fields.iter()).filter(|field| is_named(field));
        let mut paths: BTreeSet<&str> = BTreeSet::new();
        let mut order: Vec<&str> = Vec::new();
        let documented = doc.into_iter().flat_map(|doc| &doc.fields).map(|field| field.path.as_str());
        for path in found.map(|field| field.path.as_str()).chain(documented) {
            if paths.insert(path) {
                order.push(path);
            }
        }
        for path in order {
            let field = seen.and_then(|seen| seen.fields.get(path));
            let known = doc.and_then(|doc| doc.field(path));
            let mark = marks.field(&event, path);
            let corrected = |kind| marks.corrected(&event, path, kind);
            let corrections: Vec<_> = marks.corrections(&event, path).collect();
            let presence = seen.zip(field).and_then(|(seen, field)| seen.fields.presence(field));
            let values = field.filter(|field| !field.is_personal() && !field.values.is_empty());
            let values: Option<Vec<&String>> = values.map(|field| field.values.keys().collect());
            let name = path.rsplit('.').next().unwrap_or(path);
            rows.push(json!({
                "event_name": event,
                "path": path,
                "name": corrected(CorrectionKind::Rename).unwrap_or(name),
                "subject": crate::verify::explore::marks::field_key(&event, path),
                "types": field.map(|field| field.type_name()),
                "documented_types": corrected(CorrectionKind::Type).or(known.map(|doc| doc.types.as_str())),
                "unit": corrected(CorrectionKind::Unit)
                    .or(known.map(|doc| doc.unit.as_str()))
                    .filter(|unit| !unit.is_empty()),
                "meaning": corrected(CorrectionKind::Meaning).or(known.map(|doc| doc.meaning.as_str())),
                "count": field.map_or(0, |field| field.count()),
                "null_count": field.map_or(0, |field| field.null_count()),
                "presence": presence.map(|share| digits(share * 100.0)),
                "min": field.and_then(|field| field.min),
                "max": field.and_then(|field| field.max),
                "values": values,
                "tier": field.map_or("theoretical", |field| Support::of_field(field).tier()),
                "mark": mark.map_or("unverified", |mark| mark.mark.as_str()),
                "badge": mark.map_or_else(|| "unverified".to_owned(), |mark| mark.badge()),
                "statement": mark.and_then(|mark| mark.statement.as_ref()),
                "corrections": (!corrections.is_empty()).then_some(corrections),
                "novel": known.is_none(),
                "first_ts": field.and_then(|field| second(field.first_us)),
                "last_ts": field.and_then(|field| second(field.last_us)),
            }));
        }
    }
    rows
}
