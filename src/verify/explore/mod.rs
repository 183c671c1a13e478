//! The protocol explorer: every event type, its fields, samples and sequences, from the facts of the store and the
//! shipped catalogue.
//!
//! * [`service`] — the facts in memory, opened by the first question and brought up to date by each.
//! * [`overview`] — all events. [`event`] — one event. [`field`] — one field. [`diff`] — two sides compared.
//! * [`written`] — what is written about a field, in the catalogue and in cards, with the corrections in force.
//! * [`samples`] — frames chosen to differ. [`sequences`] — what follows what. [`nearest`] — names near to a wrong one.
//! * [`mentions`] — whether a statement speaks of what there is.
//! * [`tier`] — how well something is known, computed. [`marks`] — what people decided about it.

pub mod diff;
pub mod event;
pub mod field;
pub mod marks;
pub mod mentions;
pub mod nearest;
pub mod overview;
pub mod samples;
pub mod sequences;
pub mod service;
pub mod table;
pub mod tier;
pub mod written;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::index::facts_store::FactsFilter;
use crate::protocol::catalogue::EventDoc;
use crate::protocol::facts::keys::normalise_path;
use crate::protocol::facts::{Field, Fields};
use crate::verify::check::{BadScope, Scope};
pub use service::{ExploreError, Explorer};

/// Whether a path ends in a field's own name: elements and keys that are data do not.
pub fn is_named(field: &Field) -> bool {
    field.name != "[]" && !field.name.starts_with('{')
}

/// The fields of an event, as every answer counts and lists them: the paths that end in a name of their own, those of the
/// data in their order, then those that only documents know.
pub fn paths<'a>(seen: Option<&'a Fields>, doc: Option<&'a EventDoc>) -> Vec<&'a str> {
    let found = seen.into_iter().flat_map(Fields::iter).filter(|field| is_named(field));
    let mut paths: Vec<&str> = found.map(|field| field.path.as_str()).collect();
    let there: BTreeSet<&str> = paths.iter().copied().collect();
    let documented = doc.into_iter().flat_map(|doc| &doc.fields).map(|field| field.path.as_str());
    let is_named = |path: &&str| !path.ends_with("[]") && !path.ends_with('}');
    paths.extend(documented.filter(is_named).filter(|path| !there.contains(path)));
    paths
}

/// The facts that a scope means. Facts are counted by phase, but not kept by it: a scope of phases is for checks.
///
/// # Errors
/// As [`Scope::bounds`].
pub fn filter_of(scope: &Scope) -> Result<FactsFilter, BadScope> {
    let bounds = scope.bounds()?;
    if let Some(phase) = scope.phases.first() {
        let expected =
            "facts are not kept by phase, but each tells how often it is there in which; only checks take phases";
        return Err(BadScope { member: "phases", value: phase.clone(), expected });
    }
    Ok(FactsFilter {
        session_id: scope.session_id.clone(),
        source: scope.source.clone(),
        from_us: bounds.from_us,
        to_us: bounds.to_us,
    })
}

/// A path in the form of the facts: `rugpool.threshold`, `$.rugpool.threshold` and `leaderboard[*].id` are understood.
pub fn path_of(written: &str) -> String {
    let path = normalise_path(written);
    // Keys that are data have names of ours; `.{}` of a statement stands for any of them.
    path.replace(".{}", ".{tick}")
}
