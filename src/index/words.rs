//! The words of a text as the keyword index sees them: identifiers whole and split, everything in lower case.
//!
//! `standard/newTrade` becomes `standard/newtrade standard newtrade new trade`, so that it is found by its exact
//! name, by its parts, and by a person who writes "new trade".

/// Longest word that is kept; ids of games have about 45 characters.
const LONGEST: usize = 64;

/// The words of a text, in order, with repetitions.
pub fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for whole in identifiers(text) {
        push(&mut out, whole);
        if is_number_or_id(whole) {
            continue;
        }
        for part in whole.split(is_joint).filter(|part| !part.is_empty()) {
            if part.len() < whole.len() {
                push(&mut out, part);
            }
            let humps = humps(part);
            if humps.len() > 1 {
                for hump in humps {
                    push(&mut out, hump);
                }
            }
        }
    }
    out
}

/// The text the keyword index is made from: the title counts three times, the name of what it is about twice.
pub fn search_text(title: &str, name: &str, text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for (part, times) in [(title, 3), (name, 2), (text, 1)] {
        let words = words(part).join(" ");
        for _ in 0..times {
            out.push_str(&words);
            out.push(' ');
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// The text split at everything that is no part of an identifier, in the writer's own case.
pub fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || is_joint(c)))
        .map(|word| word.trim_matches(|c: char| is_joint(c) && c != '_').trim_end_matches('_'))
        .filter(|word| !word.is_empty() && word.chars().any(char::is_alphanumeric))
}

/// Whether a word is written like an identifier: `positionQty`, `__trace`, `standard/newTrade`, `BUY_ORDER`.
pub fn looks_like_identifier(word: &str) -> bool {
    let inner_capital = word.chars().zip(word.chars().skip(1)).any(|(a, b)| a.is_lowercase() && b.is_uppercase());
    inner_capital || word.contains(['_', '/']) || (word.contains('.') && word.chars().any(char::is_alphabetic))
}

/// Characters that hold the parts of an identifier together.
fn is_joint(c: char) -> bool {
    matches!(c, '_' | '/' | '.' | '-' | ':')
}

fn is_number_or_id(word: &str) -> bool {
    let digits = word.chars().filter(char::is_ascii_digit).count();
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    letters == 0 || (word.len() >= 20 && digits * 3 >= word.len())
}

fn push(out: &mut Vec<String>, word: &str) {
    if word.len() <= LONGEST {
        out.push(word.to_lowercase());
    }
}

/// `cumulativePnL` → cumulative, PnL; `HTTPServer` → HTTP, Server.
fn humps(word: &str) -> Vec<&str> {
    let chars: Vec<(usize, char)> = word.char_indices().collect();
    let mut starts = vec![0];
    for pair in chars.windows(3) {
        if let [(_, a), (at, b), (_, c)] = pair {
            // A lone capital after a small letter and before the end ("PnL") belongs to what is before it.
            let up = a.is_lowercase() && b.is_uppercase();
            let acronym_ends = a.is_uppercase() && b.is_uppercase() && c.is_lowercase();
            if up || acronym_ends {
                starts.push(*at);
            }
        }
    }
    let ends = starts.iter().copied().skip(1).chain([word.len()]);
    starts.iter().copied().zip(ends).filter_map(|(start, end)| word.get(start..end)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn identifiers_are_kept_whole_and_split() {
        assert_eq!(words("positionQty"), ["positionqty", "position", "qty"]);
        assert_eq!(words("standard/newTrade,"), ["standard/newtrade", "standard", "newtrade", "new", "trade"]);
        assert_eq!(words("__trace?"), ["__trace", "trace"]);
        assert_eq!(words("cumulativePnL"), ["cumulativepnl", "cumulative", "pnl"]);
        assert_eq!(words("a cooldown, of 15000 ms."), ["a", "cooldown", "of", "15000", "ms"]);
    }

    #[test]
    fn ids_and_numbers_are_not_split() {
        let id = "20260214-5f0c3f2a9b1e4d0c8a7b6c5d4e3f2a1b";
        assert_eq!(words(id), [id]);
        assert_eq!(words("0.02"), ["0.02"]);
    }

    #[test]
    fn what_is_written_like_an_identifier() {
        for yes in ["positionQty", "__trace", "standard/newTrade", "levelInfo.xp"] {
            assert!(looks_like_identifier(yes), "{yes}");
        }
        for no in ["price", "Price", "PNL", "0.02", "43"] {
            assert!(!looks_like_identifier(no), "{no}");
        }
    }

    #[test]
    fn the_title_counts_more_than_the_text() {
        let text = search_text("Rug", "gameStateUpdate", "rug");
        assert_eq!(text.split(' ').filter(|word| *word == "rug").count(), 4);
        assert_eq!(text.split(' ').filter(|word| *word == "gamestateupdate").count(), 2);
    }
}
