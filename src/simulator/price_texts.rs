//! A price path as text: printed once, shown many times.

use super::numbers::push_number;

/// A price path as one JSON array, with the place of every price in it: each price is printed once and
/// then copied into the five or more frames that show it.
#[derive(Debug, Clone)]
pub struct PriceTexts {
    text: String,
    ends: Vec<usize>,
}

impl PriceTexts {
    /// Prints the path of a game.
    pub fn new(prices: &[f64]) -> Self {
        let (mut text, mut ends) =
            (String::with_capacity(prices.len() * 20 + 2), Vec::with_capacity(prices.len()));
        for price in prices {
            text.push(if text.is_empty() { '[' } else { ',' });
            push_number(&mut text, *price);
            ends.push(text.len());
        }
        text.push(']');
        Self { text, ends }
    }

    /// `[P0,P1,…]`
    pub fn all(&self) -> &str {
        &self.text
    }

    /// `[P0,…]` up to and including `tick`.
    pub fn through(&self, tick: usize) -> String {
        let end = self.ends.get(tick).or(self.ends.last()).copied().unwrap_or_default();
        format!("{}]", self.text.get(..end).unwrap_or("["))
    }

    /// The price of `tick`, the rug price after it.
    pub fn at(&self, tick: usize) -> &str {
        let last = self.ends.len().saturating_sub(1);
        let tick = tick.min(last);
        let start = tick.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(tick).copied().unwrap_or(start);
        // The character before a price is the bracket or a comma.
        self.text.get(start + 1..end).unwrap_or("1")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn price_texts_are_the_prices() {
        let prices = [1.0, 0.5, 12.25, 0.02];
        let texts = PriceTexts::new(&prices);
        assert_eq!(texts.all(), "[1,0.5,12.25,0.02]");
        assert_eq!(texts.through(1), "[1,0.5]");
        assert_eq!((texts.at(0), texts.at(2), texts.at(9)), ("1", "12.25", "0.02"));
    }
}
