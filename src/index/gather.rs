//! All units of a data root: the shipped reference, cards from the schema facts, sessions, anomalies, games.

use std::collections::BTreeMap;

use super::error::IndexError;
use super::facts_store::FactsStore;
use super::units::{self, Unit, games};
use crate::store::catalog::Catalog;
use crate::store::root::DataRoot;
use crate::store::scan::ScanFilter;

/// Units and what they were made from.
pub struct Gathered {
    /// The units.
    pub units: Box<dyn Iterator<Item = Unit>>,
    /// How many there are.
    pub expected: u64,
    /// What they were made from, with the state of it: parts, and the program that ships the reference.
    pub sources: BTreeMap<String, String>,
}

/// All units, sealed or not. Reads what is new since the last time, and the rows of all games.
///
/// # Errors
/// Those of the store.
pub fn all(root: &DataRoot) -> Result<Gathered, IndexError> {
    let catalog = Catalog::load(root)?;
    let mut facts = FactsStore::open(root)?;
    facts.refresh()?;
    let mut all = units::knowledge(&facts.digest(), &catalog);
    all.extend(games::read(root, &ScanFilter::default())?.units());
    let parts = catalog.parts.iter().map(|part| (part.path.clone(), format!("{} rows", part.rows)));
    let shipped = ("reference".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    let sources = parts.chain([shipped]).collect();
    Ok(Gathered { expected: all.len() as u64, units: Box::new(all.into_iter()), sources })
}
