//! Whether a statement speaks of events and fields that there are: a typing error would be "absent in every case".

use super::nearest;
use super::service::{ExploreError, Explorer};
use crate::index::facts_store::Digest;
use crate::protocol::catalogue::catalogue;
use crate::protocol::path::{Path, Step};
use crate::verify::check::{Scope, Statement};

impl Explorer {
    /// Looks up the names of a statement in everything that is stored or documented. Blocking.
    ///
    /// # Errors
    /// [`ExploreError::UnknownEvent`], [`ExploreError::UnknownField`] with the nearest names; when the store cannot be read.
    pub fn knows_names(&self, statement: &Statement) -> Result<(), ExploreError> {
        let digest = self.digest(&Scope::default(), &|| false)?;
        statement.mentions().into_iter().try_for_each(|(event, paths)| known(&digest, event, &paths))
    }
}

fn known(digest: &Digest, event: &str, paths: &[Path]) -> Result<(), ExploreError> {
    // Acks and packets of the transport are stored without a name.
    if event == "ack" || event.starts_with("transport:") {
        return Ok(());
    }
    let (doc, seen) = (catalogue().event(event), digest.facts.events.get(event));
    if doc.is_none() && seen.is_none() {
        return Err(ExploreError::UnknownEvent {
            name: event.to_owned(),
            nearest: nearest::events(digest, event),
        });
    }
    let seen = seen.into_iter().flat_map(|seen| seen.fields.iter()).map(|field| field.path.as_str());
    let documented = doc.into_iter().flat_map(|doc| &doc.fields).map(|field| field.path.as_str());
    let there: Vec<Path> = seen.chain(documented).filter_map(of_fact).collect();
    // Of an event whose payload nobody saw nothing can be said.
    if there.is_empty() {
        return Ok(());
    }
    match paths.iter().find(|path| !there.iter().any(|known| leads_to(path, known))) {
        None => Ok(()),
        Some(path) => {
            let path = path.to_string();
            let nearest = nearest::paths(digest, event, &path);
            Err(ExploreError::UnknownField { event: event.to_owned(), path, nearest })
        }
    }
}

/// A path as the facts write it; keys that are data have names there (`{tick}`).
pub fn of_fact(path: &str) -> Option<Path> {
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, behind)) = rest.split_once(".{") {
        plain.push_str(before);
        plain.push_str(".{}");
        rest = behind.split_once('}')?.1;
    }
    plain.push_str(rest);
    plain.parse().ok()
}

/// Whether a path of a statement is this field or one above it.
pub fn leads_to(path: &Path, field: &Path) -> bool {
    path.0.len() <= field.0.len() && path.0.iter().zip(&field.0).all(|(step, known)| means(step, known))
}

/// Whether a step of a statement is one of those that a step of the facts stands for.
fn means(step: &Step, known: &Step) -> bool {
    match (step, known) {
        (Step::Key(_) | Step::Values, Step::Values) | (Step::Index(_) | Step::Elements, Step::Elements) => true,
        (step, known) => step == known,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn path(text: &str) -> Path {
        text.parse().unwrap()
    }

    #[test]
    fn a_field_is_found_however_a_statement_comes_to_it() {
        let prices = of_fact("$.partialPrices.values.{tick}").unwrap();
        for text in ["$", "$.partialPrices", "$.partialPrices.values.{}", "$.partialPrices.values.\"394\""] {
            assert!(leads_to(&path(text), &prices), "{text}");
        }
        let name = of_fact("$.leaderboard[].username").unwrap();
        for text in ["$.leaderboard", "$.leaderboard[]", "$.leaderboard[0].username", "$.leaderboard[-1].username"]
        {
            assert!(leads_to(&path(text), &name), "{text}");
        }
        for text in ["$.leaderbord", "$.leaderboard[].username.x", "$.leaderboard.username", "$.leaderboard.{}"] {
            assert!(!leads_to(&path(text), &name), "{text}");
        }
    }
}
