//! The shipped protocol reference: `resources/protocol/*.md`, one unit per `##` section.
//!
//! A section may end with a line `<!-- events: a, b; basis: documented -->`: the events it is about, and what it rests
//! on where that is not the wire. Its tier is theoretical: it is a document, whatever the user's data say.

use super::text::{pack, words};
use super::{Basis, MAX_WORDS, Tier, Unit, UnitKind};

/// Name and text of every file.
const FILES: [(&str, &str); 15] = [
    ("connection", include_str!("../../../resources/protocol/connection.md")),
    ("packets", include_str!("../../../resources/protocol/packets.md")),
    ("game-cycle", include_str!("../../../resources/protocol/game-cycle.md")),
    ("prices", include_str!("../../../resources/protocol/prices.md")),
    ("trades", include_str!("../../../resources/protocol/trades.md")),
    ("side-bets", include_str!("../../../resources/protocol/side-bets.md")),
    ("shorts", include_str!("../../../resources/protocol/shorts.md")),
    ("rug", include_str!("../../../resources/protocol/rug.md")),
    ("fairness", include_str!("../../../resources/protocol/fairness.md")),
    ("special-events", include_str!("../../../resources/protocol/special-events.md")),
    ("numbers", include_str!("../../../resources/protocol/numbers.md")),
    ("account", include_str!("../../../resources/protocol/account.md")),
    ("orders", include_str!("../../../resources/protocol/orders.md")),
    ("legacy-formats", include_str!("../../../resources/protocol/legacy-formats.md")),
    ("corrections", include_str!("../../../resources/protocol/corrections.md")),
];

/// One section.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// `side-bets/settlement`.
    pub id: String,
    /// Title of its file.
    pub chapter: String,
    /// Its own title.
    pub title: String,
    /// Its text, Markdown.
    pub text: String,
    /// Events it is about.
    pub events: Vec<String>,
    /// What it rests on.
    pub basis: Basis,
}

/// Every section of the reference, in reading order.
pub fn sections() -> Vec<Section> {
    FILES.iter().flat_map(|(name, text)| parse(name, text)).collect()
}

/// The sections as units; one over the cap becomes several.
pub fn units() -> Vec<Unit> {
    sections().into_iter().flat_map(unit).collect()
}

fn unit(section: Section) -> Vec<Unit> {
    let title = format!("{}: {}", section.chapter, section.title);
    let sentences: Vec<String> = section.text.split_inclusive(". ").map(|part| part.trim().to_owned()).collect();
    let named: Vec<&String> =
        section.events.iter().filter(|event| !section.text.contains(event.as_str())).collect();
    let head = named.iter().map(|event| format!("{event}:")).collect::<Vec<_>>().join(" ");
    let texts = pack(&head, &head, &sentences, MAX_WORDS - words(&title));
    let make = |(part, text): (usize, String)| {
        let id = if part == 0 { format!("ref:{}", section.id) } else { format!("ref:{}#{part}", section.id) };
        Unit {
            event_name: section.events.first().cloned(),
            basis: Some(section.basis),
            ..Unit::new(UnitKind::Reference, id, title.clone(), &text, Tier::Theoretical)
        }
    };
    texts.into_iter().enumerate().map(make).collect()
}

fn parse(name: &str, text: &str) -> Vec<Section> {
    let mut parts = text.split("\n## ");
    let chapter = parts.next().unwrap_or_default().trim().trim_start_matches("# ").to_owned();
    let section = |part: &str| {
        let (title, body) = part.split_once('\n').unwrap_or((part, ""));
        let mut section = Section {
            id: format!("{name}/{}", slug(title)),
            chapter: chapter.clone(),
            title: title.trim().to_owned(),
            text: String::new(),
            events: Vec::new(),
            basis: Basis::Wire,
        };
        let lines = body.lines().filter(|line| {
            match line.strip_prefix("<!--").and_then(|line| line.strip_suffix("-->")) {
                Some(comment) => {
                    read_comment(comment, &mut section);
                    false
                }
                None => true,
            }
        });
        section.text = lines.collect::<Vec<_>>().join("\n").trim().to_owned();
        section
    };
    parts.map(section).collect()
}

fn read_comment(comment: &str, section: &mut Section) {
    for (key, value) in comment.split(';').filter_map(|part| part.split_once(": ")) {
        match (key.trim(), value.trim()) {
            ("events", names) => section.events = names.split(',').map(|name| name.trim().to_owned()).collect(),
            ("basis", name) => section.basis = Basis::from_name(name).unwrap_or(section.basis),
            _ => {}
        }
    }
}

fn slug(title: &str) -> String {
    let dashed: String = title.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    dashed.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-")
}
