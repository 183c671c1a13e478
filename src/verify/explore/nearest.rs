//! Names near to one that is not there.

use crate::index::facts_store::Digest;
use crate::index::units::events::names;
use crate::protocol::catalogue::catalogue;

/// The names nearest to `wanted`, the best first, at most three.
pub fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let wanted = wanted.to_lowercase();
    let mut scored: Vec<(f64, &str)> = names
        .into_iter()
        .map(|name| {
            let lower = name.to_lowercase();
            let within = !wanted.is_empty() && lower.contains(&wanted);
            (strsim::jaro_winkler(&lower, &wanted) + if within { 0.3 } else { 0.0 }, name)
        })
        .filter(|(score, _)| *score > 0.5)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored.dedup_by(|a, b| a.1 == b.1);
    scored.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}

/// Events near to a name; where none is near, the most frequent ones.
pub fn events(digest: &Digest, wanted: &str) -> Vec<String> {
    let all = names(&digest.facts, catalogue());
    let near = nearest(wanted, all.iter().map(String::as_str));
    if near.is_empty() { all.into_iter().take(3).collect() } else { near }
}

/// Paths of an event near to one.
pub fn paths(digest: &Digest, event: &str, wanted: &str) -> Vec<String> {
    let seen = digest.facts.events.get(event).into_iter();
    let seen = seen.flat_map(|seen| seen.fields.iter()).map(|field| field.path.as_str());
    let known = catalogue().event(event).into_iter().flat_map(|doc| &doc.fields).map(|field| field.path.as_str());
    let all: Vec<&str> = seen.chain(known).collect();
    // The last key counts most: people remember names, not where they stand.
    let last = |path: &str| path.rsplit('.').next().unwrap_or(path).to_lowercase();
    let key = last(wanted);
    let same: Vec<&str> = all.iter().copied().filter(|path| last(path) == key).collect();
    if same.is_empty() { nearest(wanted, all) } else { nearest(wanted, same) }
}
