//! From ranked lists to one list: reciprocal rank fusion, with the cards of what the question names in front.
//! Pure, so that the order can be tested without a table.

use std::collections::{HashMap, HashSet};

use super::units::UnitKind;
use super::words::{identifiers, looks_like_identifier};

/// The constant of reciprocal rank fusion: how much being first counts over being tenth.
pub const K: f64 = 60.0;

/// Cards put in front because the question names them, at most.
const PINS: usize = 3;

/// One row's places in the lists, from 1, and its fused score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fused {
    /// The row.
    pub row: u64,
    /// Place among the nearest in meaning.
    pub meaning: Option<usize>,
    /// Place among the keyword hits.
    pub keywords: Option<usize>,
    /// Higher is better.
    pub score: f64,
}

/// A row of a ranked list, and what its place is worth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// The row.
    pub row: u64,
    /// Its kind.
    pub kind: UnitKind,
    /// Neither the data nor who wrote it saw what it is about.
    pub documented_only: bool,
}

/// How much a place counts for a unit: what explains comes before what is an instance of it, and what was seen before
/// a card that has little but a name. (References were written from measurements, whatever they report.)
fn weight(ranked: &Ranked) -> f64 {
    let of_kind = match ranked.kind {
        UnitKind::EventCard | UnitKind::Reference => 1.15,
        UnitKind::FieldCard => 1.0,
        UnitKind::Sample | UnitKind::Game | UnitKind::Session | UnitKind::Anomaly => 0.8,
    };
    let is_documented_only = ranked.documented_only && ranked.kind != UnitKind::Reference;
    if is_documented_only { of_kind * 0.9 } else { of_kind }
}

/// Fuses two ranked lists. Rows with the same score stand in the order of their addresses, so that pages fit together.
pub fn fuse(meaning: &[Ranked], keywords: &[Ranked], weighted: bool) -> Vec<Fused> {
    let mut rows: HashMap<u64, Fused> = HashMap::new();
    let mut add = |list: &[Ranked], set: fn(&mut Fused, usize)| {
        for (place, ranked) in list.iter().enumerate() {
            let row = ranked.row;
            let fused = rows.entry(row).or_insert(Fused { row, meaning: None, keywords: None, score: 0.0 });
            set(fused, place + 1);
            #[expect(clippy::cast_precision_loss, reason = "places are small")]
            let score = 1.0 / (K + (place + 1) as f64);
            fused.score += score * if weighted { weight(ranked) } else { 1.0 };
        }
    };
    add(meaning, |fused, place| fused.meaning = Some(place));
    add(keywords, |fused, place| fused.keywords = Some(place));
    let mut fused: Vec<Fused> = rows.into_values().collect();
    fused.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
    fused
}

/// The names of all events and fields, and the ids of their cards.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Event name in lower case → its card. Also by its last segment: `newtrade` for `standard/newTrade`.
    events: HashMap<String, Name>,
    /// Field path in lower case, whole and its last segment → cards.
    fields: HashMap<String, Vec<FieldName>>,
}

#[derive(Debug, Clone)]
struct Name {
    /// As it is written on the wire.
    name: String,
    /// The parts of its card.
    ids: Vec<String>,
}

impl Name {
    fn of(name: &str) -> Name {
        Name { name: name.to_owned(), ids: Vec::new() }
    }

    fn add(&mut self, name: &str, id: &str) {
        // The last segment of a name may be another event's too; the first one has it.
        if self.name == name {
            self.ids.push(id.to_owned());
        }
    }
}

#[derive(Debug, Clone)]
struct FieldName {
    event: Option<String>,
    path: String,
    id: String,
}

/// A card that the question names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    /// Id of the card.
    pub id: String,
    /// What the question names, for the explanation: `event playerUpdate`.
    pub names: String,
}

impl Names {
    /// From the cards of the index: (kind, id, event name, field path). A long card has several parts, with ids in
    /// reading order.
    pub fn new(cards: impl IntoIterator<Item = (UnitKind, String, Option<String>, Option<String>)>) -> Names {
        let mut cards: Vec<_> = cards.into_iter().collect();
        cards.sort_by(|a, b| (a.1.len(), &a.1).cmp(&(b.1.len(), &b.1)));
        let mut names = Names::default();
        for (kind, id, event, path) in cards {
            match (kind, event, path) {
                (UnitKind::EventCard, Some(event), _) => {
                    let whole = event.to_lowercase();
                    let last = whole.rsplit('/').next().unwrap_or_default().to_owned();
                    if last != whole {
                        names.events.entry(last).or_insert_with(|| Name::of(&event)).add(&event, &id);
                    }
                    names.events.entry(whole).or_insert_with(|| Name::of(&event)).add(&event, &id);
                }
                (UnitKind::FieldCard, event, Some(path)) => {
                    let whole = plain(&path);
                    let field = FieldName { event, path, id };
                    // By each end of its path: serverSeed, provablyFair.serverSeed, …
                    let ends = whole.match_indices(['.', '/']).filter_map(|(at, _)| whole.get(at + 1..));
                    for end in ends.chain([whole.as_str()]) {
                        names.fields.entry(end.to_owned()).or_default().push(field.clone());
                    }
                }
                _ => {}
            }
        }
        names
    }

    /// The cards of what the question names, in the order they should stand; `rank` tells how well a card is placed
    /// anyhow, lower is better.
    pub fn pins(&self, question: &str, rank: impl Fn(&str) -> usize) -> Vec<Pin> {
        let words: Vec<&str> = identifiers(question).collect();
        let (mut events, mut fields) = (Vec::new(), Vec::new());
        for word in &words {
            let key = plain(word);
            match (self.events.get(&key), self.fields.get(&key)) {
                // A plain word ("trade", "price") is a name only where it is written like one.
                (Some(event), _) if looks_like_identifier(&event.name) => events.push(event),
                (_, Some(found)) if looks_like_identifier(word) || is_compound(found) => {
                    fields.push((*word, found));
                }
                _ => {}
            }
        }
        let mut pins = Vec::new();
        let named: HashSet<&str> = events.iter().map(|event| event.name.as_str()).collect();
        for (word, found) in fields {
            let mut cards: Vec<&FieldName> = found.iter().collect();
            if cards.iter().any(|field| field.event.as_deref().is_some_and(|event| named.contains(event))) {
                cards.retain(|field| field.event.as_deref().is_some_and(|event| named.contains(event)));
            }
            cards.sort_by_key(|field| (rank(&field.id), field.path.len(), field.id.clone()));
            pins.extend(
                cards
                    .into_iter()
                    .take(2)
                    .map(|field| Pin { id: field.id.clone(), names: format!("field {word}") }),
            );
        }
        let parts = events.iter().map(|event| event.ids.len()).max().unwrap_or(0);
        for part in 0..parts {
            for event in &events {
                let names = format!("event {}", event.name);
                pins.extend(event.ids.get(part).map(|id| Pin { id: id.clone(), names: names.clone() }));
            }
        }
        let mut seen = HashSet::new();
        pins.retain(|pin| seen.insert(pin.id.clone()));
        pins.truncate(PINS);
        pins
    }
}

/// A name without the marks of lists and maps, in lower case.
fn plain(name: &str) -> String {
    let kept: String = name.chars().filter(|c| !matches!(c, '[' | ']' | '{' | '}' | '*' | '$')).collect();
    kept.trim_matches(|c| matches!(c, '.' | '/')).to_lowercase()
}

fn last_segment(path: &str) -> &str {
    path.rsplit(['.', '/']).next().unwrap_or(path)
}

/// Whether a field is written like an identifier on the wire, whatever the question's spelling is.
fn is_compound(fields: &[FieldName]) -> bool {
    fields.iter().any(|field| {
        let last = last_segment(field.path.trim_end_matches(['[', ']', '{', '}', '*']));
        looks_like_identifier(last)
    })
}

/// Words of a question written like the id of a game: letters, digits and hyphens, long, mostly no words.
pub fn game_ids(question: &str) -> Vec<&str> {
    identifiers(question)
        .filter(|word| word.len() >= 12 && word.contains('-'))
        .filter(|word| word.chars().filter(char::is_ascii_digit).count() >= 6)
        .take(4)
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    fn ranked(row: u64, kind: UnitKind) -> Ranked {
        Ranked { row, kind, documented_only: false }
    }

    fn kinds(rows: &[u64], kind: UnitKind) -> Vec<Ranked> {
        rows.iter().map(|row| ranked(*row, kind)).collect()
    }

    #[test]
    fn a_row_in_both_lists_beats_the_first_of_one() {
        let fused = fuse(&kinds(&[1, 2, 3], UnitKind::Game), &kinds(&[4, 2, 5], UnitKind::Game), false);
        assert_eq!(fused[0].row, 2);
        assert_eq!((fused[0].meaning, fused[0].keywords), (Some(2), Some(2)));
        assert!((fused[0].score - 2.0 / 62.0).abs() < 1e-12);
        let order: Vec<u64> = fused.iter().map(|fused| fused.row).collect();
        assert_eq!(order, [2, 1, 4, 3, 5], "equal scores by address");
    }

    #[test]
    fn one_list_keeps_its_order() {
        let fused = fuse(&[], &kinds(&[7, 3, 9], UnitKind::Sample), true);
        assert_eq!(fused.iter().map(|fused| fused.row).collect::<Vec<_>>(), [7, 3, 9]);
    }

    #[test]
    fn what_explains_comes_before_an_instance() {
        let fused = fuse(&[ranked(1, UnitKind::Sample), ranked(2, UnitKind::EventCard)], &[], true);
        assert_eq!(fused[0].row, 2);
    }

    #[test]
    fn what_was_seen_comes_before_hearsay() {
        let documented_only = Ranked { documented_only: true, ..ranked(1, UnitKind::EventCard) };
        assert_eq!(fuse(&[documented_only, ranked(2, UnitKind::EventCard)], &[], true)[0].row, 2);
        let reference = Ranked { documented_only: true, ..ranked(1, UnitKind::Reference) };
        assert_eq!(fuse(&[reference, ranked(2, UnitKind::Reference)], &[], true)[0].row, 1);
    }

    fn names() -> Names {
        let card = |kind, id: &str, event: &str, path: Option<&str>| {
            (kind, id.to_owned(), Some(event.to_owned()), path.map(str::to_owned))
        };
        Names::new([
            card(UnitKind::EventCard, "e:player", "playerUpdate", None),
            card(UnitKind::EventCard, "e:trade", "standard/newTrade", None),
            card(UnitKind::EventCard, "e:state", "gameStateUpdate", None),
            card(UnitKind::FieldCard, "f:player.qty", "playerUpdate", Some("positionQty")),
            card(UnitKind::FieldCard, "f:state.qty", "gameStateUpdate", Some("leaderboard[].positionQty")),
            card(UnitKind::FieldCard, "f:trade.price", "standard/newTrade", Some("price")),
        ])
    }

    fn pinned(question: &str) -> Vec<String> {
        names().pins(question, |_| 0).into_iter().map(|pin| pin.id).collect()
    }

    #[test]
    fn an_exact_event_name_is_pinned() {
        assert_eq!(pinned("What fields are in playerUpdate?"), ["e:player"]);
        assert_eq!(pinned("what is in playerupdate"), ["e:player"]);
        assert_eq!(pinned("who sends newTrade"), ["e:trade"]);
        assert_eq!(pinned("`standard/newTrade`: price?"), ["e:trade"]);
    }

    #[test]
    fn a_field_of_a_named_event_comes_before_the_event() {
        assert_eq!(pinned("positionQty in playerUpdate"), ["f:player.qty", "e:player"]);
        assert_eq!(pinned("positionQty"), ["f:player.qty", "f:state.qty"]);
    }

    #[test]
    fn plain_words_are_not_names() {
        assert!(pinned("why does the price of a trade lag?").is_empty());
    }

    #[test]
    fn ids_of_games_are_recognised() {
        assert_eq!(game_ids("what happened in 20260214-5f0c3f2a?"), ["20260214-5f0c3f2a"]);
        assert!(game_ids("a well-known side-effect of 15000").is_empty());
    }
}
