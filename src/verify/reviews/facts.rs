//! A subject against what is known: whether there is such a thing, how well it is known, which frames show it.

use std::sync::Arc;

use crate::index::facts_store::Digest;
use crate::protocol::catalogue::catalogue;
use crate::verify::check::CheckResult;
use crate::verify::explore::tier::{Support, Thresholds};
use crate::verify::explore::{ExploreError, Explorer, nearest};
use crate::verify::shipped;
use crate::verify::subject::{Subject, SubjectKind, Tier};

/// Frames that are looked at on one's own account.
const FRAMES: usize = 3;

/// What is known of a subject.
#[derive(Debug, Clone)]
pub struct Known {
    /// The subject, its event under the name on the wire.
    pub subject: Subject,
    /// How well it is known from the data alone.
    pub tier: Tier,
    /// How often it was seen.
    pub count: u64,
    /// Addresses of frames that show it.
    pub frames: Vec<String>,
}

/// Looks a subject up.
///
/// # Errors
/// [`ExploreError::UnknownEvent`], [`ExploreError::UnknownField`] with the nearest names.
pub fn known(digest: &Arc<Digest>, subject: &Subject) -> Result<Known, ExploreError> {
    let doc = catalogue().event(&subject.event_name);
    let name = doc.map_or(subject.event_name.as_str(), |doc| doc.name.as_str());
    let seen = digest.facts.events.get(name);
    if doc.is_none() && seen.is_none() {
        let nearest = nearest::events(digest, name);
        return Err(ExploreError::UnknownEvent { name: subject.event_name.clone(), nearest });
    }
    let subject = Subject { event_name: name.to_owned(), ..subject.clone() };
    let field = subject.path.as_deref().and_then(|path| seen?.fields.get(path));
    if let Some(path) = &subject.path {
        let documented = doc.is_some_and(|doc| doc.field(path).is_some());
        if field.is_none() && !documented && !shipped::knows(&subject) {
            let nearest = nearest::paths(digest, name, path);
            return Err(ExploreError::UnknownField { event: name.to_owned(), path: path.clone(), nearest });
        }
    }
    if let (Some(value), Some(path), Some(field)) = (&subject.value, &subject.path, field)
        && !field.open
        && !field.values.is_empty()
        && !field.values.contains_key(value.trim_matches('"'))
        && !shipped::knows(&subject)
    {
        let (event, path, value) = (name.to_owned(), path.clone(), value.clone());
        let values = field.values.keys().take(12).cloned().collect();
        return Err(ExploreError::UnknownValue { event, path, value, values });
    }
    let (support, count, mut frames) = match (&subject.path, field, seen) {
        (Some(_), Some(field), _) => {
            let frames = field.examples.iter().map(|example| example.event.clone()).collect::<Vec<_>>();
            let extremes = [&field.min_event, &field.max_event].into_iter().filter(|event| !event.is_empty());
            let frames = frames.into_iter().chain(extremes.cloned()).collect();
            (Support::of_field(field), field.count(), frames)
        }
        (None, _, Some(seen)) => (Support::of_event(seen), seen.count, seen.evidence.clone()),
        _ => (Support::default(), 0, Vec::new()),
    };
    frames.dedup();
    frames.truncate(FRAMES);
    // What a rule says is not seen in one frame: its own data decide, which a check finds.
    let is_rule = matches!(subject.kind, SubjectKind::PhaseRule | SubjectKind::Sequence | SubjectKind::Formula);
    let tier = Tier::from_name(support.tier());
    let tier = if is_rule { tier.min(Tier::Observed) } else { tier };
    Ok(Known { subject, tier, count, frames })
}

/// How well a subject is known, with what a check of its statement found.
pub fn tier(known: &Known, checked: Option<&CheckResult>) -> Tier {
    let Some(checked) = checked else { return known.tier };
    let enough = Thresholds::default();
    let by_cases = if checked.supports == 0 {
        Tier::Theoretical
    } else if checked.supports >= enough.frames
        && checked.games >= enough.games as u64
        && checked.sessions >= enough.sessions as u64
    {
        Tier::Corroborated
    } else {
        Tier::Observed
    };
    // A field that is never there is known by the frames that lack it.
    let is_rule =
        matches!(known.subject.kind, SubjectKind::PhaseRule | SubjectKind::Sequence | SubjectKind::Formula);
    if is_rule || known.tier == Tier::Theoretical { by_cases } else { known.tier }
}

impl Explorer {
    /// Looks a subject up in everything that is stored.
    ///
    /// # Errors
    /// As [`known`]; when the store cannot be read.
    pub fn known(&self, subject: &Subject) -> Result<Known, ExploreError> {
        let digest = self.digest(&crate::verify::check::Scope::default(), &|| false)?;
        known(&digest, subject)
    }
}
