//! Keyword search over a few units in memory: the shipped reference while there is no index, and the yardsticks of
//! the evaluation.

use std::collections::HashMap;

use super::units::Unit;
use super::words;

/// Words too common to tell texts apart.
pub(super) const STOP_WORDS: [&str; 48] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "can", "did", "do", "does", "for", "from", "had",
    "has", "have", "how", "i", "if", "in", "into", "is", "it", "its", "my", "no", "not", "of", "on", "or", "that",
    "the", "their", "then", "there", "these", "they", "this", "to", "was", "what", "when", "where", "which",
    "who", "with",
];

/// What a question asks for by its form. Nearly every card has such words ("purpose and fields"), so in a question they
/// would favour cards that have little else.
const ASKING_WORDS: [&str; 10] =
    ["carries", "carry", "event", "events", "field", "fields", "show", "shows", "tell", "tells"];

/// Texts by the words in them, ranked by BM25.
#[derive(Debug, Default)]
pub struct Memory {
    /// Word → (text, times).
    postings: HashMap<String, Vec<(usize, f32)>>,
    lengths: Vec<f32>,
}

impl Memory {
    /// From units, as the table would index them.
    pub fn of_units<'a>(units: impl IntoIterator<Item = &'a Unit>) -> Memory {
        let texts = units.into_iter().map(|unit| {
            let event = unit.event_name.as_deref().unwrap_or_default();
            let name = format!("{event} {}", unit.field_path.as_deref().unwrap_or_default());
            words::search_text(&unit.title, &name, &unit.text)
        });
        Memory::of_words(texts)
    }

    /// From texts that were taken apart by [`words`] already.
    pub fn of_words(texts: impl IntoIterator<Item = String>) -> Memory {
        let mut memory = Memory::default();
        for (at, text) in texts.into_iter().enumerate() {
            let mut counts: HashMap<&str, f32> = HashMap::new();
            let mut length = 0.0;
            for word in text.split(' ') {
                *counts.entry(stem(word)).or_default() += 1.0;
                length += 1.0;
            }
            memory.lengths.push(length);
            for (word, count) in counts {
                memory.postings.entry(word.to_owned()).or_default().push((at, count));
            }
        }
        memory
    }

    /// The best texts for a question, by number, best first.
    pub fn search(&self, question: &str, limit: usize) -> Vec<usize> {
        const K1: f32 = 1.2;
        const B: f32 = 0.75;
        #[expect(clippy::cast_precision_loss, reason = "a few thousand texts")]
        let total = self.lengths.len() as f32;
        let average = self.lengths.iter().sum::<f32>() / total.max(1.0);
        let mut scores: HashMap<usize, f32> = HashMap::new();
        for word in query_words(question) {
            let Some(found) = self.postings.get(stem(&word)) else { continue };
            #[expect(clippy::cast_precision_loss, reason = "a few thousand texts")]
            let count = found.len() as f32;
            let rarity = ((total - count + 0.5) / (count + 0.5) + 1.0).ln();
            for (at, times) in found {
                let length = self.lengths.get(*at).copied().unwrap_or(average);
                let saturated = times * (K1 + 1.0) / (times + K1 * (1.0 - B + B * length / average));
                *scores.entry(*at).or_default() += rarity * saturated;
            }
        }
        let mut ranked: Vec<(usize, f32)> = scores.into_iter().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        ranked.into_iter().take(limit).map(|(at, _)| at).collect()
    }
}

/// The words of a question that say something, each once. A question of nothing but asking words keeps them.
pub fn query_words(question: &str) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    let mut words = words::words(question);
    words.retain(|word| !STOP_WORDS.contains(&word.as_str()) && seen.insert(word.clone()));
    let asks = |word: &String| ASKING_WORDS.contains(&word.as_str());
    if !words.iter().all(asks) {
        words.retain(|word| !asks(word));
    }
    words.truncate(64);
    words
}

/// Without a plural ending: enough for a few texts in our own words.
pub(super) fn stem(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(stem) if stem.len() >= 3 && !stem.ends_with('s') => stem,
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn rare_words_count_more() {
        let texts = ["price tick price", "price of a cooldown timer", "price chat"];
        let memory = Memory::of_words(texts.map(|text| words::words(text).join(" ")));
        assert_eq!(memory.search("What is the price in cooldowns?", 5)[0], 1);
        assert!(memory.search("nothing of it here", 5).is_empty());
    }

    #[test]
    fn a_question_keeps_what_says_something() {
        assert_eq!(query_words("What is in the playerUpdate?"), ["playerupdate", "player", "update"]);
    }

    #[test]
    fn the_form_of_a_question_is_not_searched_for() {
        assert_eq!(query_words("Which field tells the rank?"), ["rank"]);
        assert_eq!(query_words("which events"), ["events"]);
    }
}
