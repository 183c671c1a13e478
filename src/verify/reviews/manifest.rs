//! The field manifest: every field that the data or the documents know, with what is known of it and what people decided,
//! corrections applied. Its rows are those of the SQL view `field`. `manifests/field_manifest.json` has them for other
//! programs; nothing here reads that file.

use std::borrow::Cow;
use std::fs;

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::ReviewError;
use crate::index::facts_store::Digest;
use crate::index::units::events::names;
use crate::protocol::catalogue::catalogue;
use crate::store::StoreError;
use crate::store::root::DataRoot;
use crate::verify::check::Scope;
use crate::verify::explore::marks::Marks;
use crate::verify::explore::table::{digits, instant};
use crate::verify::explore::tier::Support;
use crate::verify::explore::{Explorer, paths};
use crate::verify::log::now;
use crate::verify::mark::CorrectionKind;

/// Version of the file's form.
const VERSION: u32 = 3;

/// What the file says about itself.
const GENERATED: &str =
    "by replayer from the stored frames, the shipped catalogue and the verification log; do not edit";

/// The file.
#[derive(Serialize, Deserialize)]
struct File<'a> {
    generated: Cow<'a, str>,
    as_of: String,
    made_of: Value,
    #[serde(borrow)]
    fields: &'a RawValue,
}

/// Brings the manifest up to date, unless it is: what was written into it by hand goes out. Blocking.
///
/// # Errors
/// When the store or the log cannot be read, or the root not be written.
pub fn write(explorer: &Explorer) -> Result<(), ReviewError> {
    let root = DataRoot::open(explorer.root())?;
    let digest = explorer.digest(&Scope::default(), &|| false)?;
    let view = explorer.ledger().view()?;
    let made_of = json!({
        "version": VERSION, "frames": digest.facts.total(), "sessions": digest.sessions.len(),
        "log": view.tip.hash, "build": env!("CARGO_PKG_VERSION"),
    });
    let path = root.field_manifest_path();
    let json = |error: serde_json::Error| StoreError::io("write", &path)(error.into());
    let fields = to_raw_value(&rows(&digest, &Marks::of(&view.state))).map_err(json)?;
    let before = fs::read(&path).unwrap_or_default();
    let says_so = |before: File<'_>| before.made_of == made_of && before.fields.get() == fields.get();
    if serde_json::from_slice::<File<'_>>(&before).is_ok_and(says_so) {
        return Ok(());
    }
    let file = File { generated: GENERATED.into(), as_of: now(), made_of, fields: &fields };
    let temporary = path.with_extension(format!("tmp-{}", std::process::id()));
    // Derived: replaced at once, without waiting for the disk.
    let bytes = serde_json::to_vec(&file).map_err(json)?;
    fs::write(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, &path))
        .map_err(StoreError::io("write", &path))?;
    Ok(())
}

/// The rows of the SQL view `field` as the data and the log are now. Blocking.
///
/// # Errors
/// When the store or the log cannot be read.
pub fn present(explorer: &Explorer) -> Result<Vec<Value>, ReviewError> {
    let digest = explorer.digest(&Scope::default(), &|| false)?;
    Ok(rows(&digest, &Marks::of(&explorer.ledger().view()?.state)))
}

/// The rows of the SQL view `field`.
pub fn rows(digest: &Digest, marks: &Marks) -> Vec<Value> {
    let mut rows = Vec::new();
    for event in names(&digest.facts, catalogue()) {
        let doc = catalogue().events.iter().find(|doc| doc.name == event);
        let seen = digest.facts.events.get(&event);
        for path in paths(seen.map(|seen| &seen.fields), doc) {
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
                "first_ts": field.and_then(|field| instant(field.first_us)),
                "last_ts": field.and_then(|field| instant(field.last_us)),
            }));
        }
    }
    rows
}
