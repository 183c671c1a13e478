//! Each finished game once: a full packet repeats the last ten games, so every game arrives about thirty times.

use std::collections::HashMap;
use std::sync::Arc;

/// What a history record holds, added up: the better record wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Quality(u8);

impl Quality {
    /// Weighs a record by what it holds.
    pub fn of(has_seed: bool, has_prices: bool, has_sidebets: bool) -> Quality {
        Quality(4 * u8::from(has_seed) + 2 * u8::from(has_prices) + u8::from(has_sidebets))
    }

    /// The number stored in the `quality` column.
    pub fn as_i64(self) -> i64 {
        i64::from(self.0)
    }

    /// The quality with this number.
    pub fn from_i64(n: i64) -> Quality {
        Quality(u8::try_from(n.clamp(0, 7)).unwrap_or(0))
    }

    fn has_sidebets(self) -> bool {
        self.0 & 1 == 1
    }
}

/// What is to be stored of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admission {
    /// The game row: it is new, or better than what is stored.
    pub game: bool,
    /// Its side bets: no stored record had any.
    pub sidebets: bool,
}

/// Which games are stored, and how well. It never forgets: at start it is filled from the store.
///
/// The games of the sealed parts are shared (they can be many); those seen since are its own.
#[derive(Debug, Clone, Default)]
pub struct GameFilter {
    stored: Arc<HashMap<String, Quality>>,
    seen: HashMap<String, Quality>,
}

impl GameFilter {
    /// A filter that knows the games of the store.
    pub fn new(stored: Arc<HashMap<String, Quality>>) -> GameFilter {
        GameFilter { stored, seen: HashMap::new() }
    }

    /// Takes what the store holds now, where games were sealed that this filter has not seen.
    pub fn learn(&mut self, stored: Arc<HashMap<String, Quality>>) {
        self.stored = stored;
    }

    /// The quality of the best record known of this game.
    pub fn known(&self, game_id: &str) -> Option<Quality> {
        self.seen.get(game_id).max(self.stored.get(game_id)).copied()
    }

    /// Decides about a record and remembers it.
    pub fn admit(&mut self, game_id: &str, quality: Quality) -> Admission {
        let known = self.known(game_id);
        let game = known.is_none_or(|known| quality > known);
        if game {
            self.seen.insert(game_id.to_owned(), quality);
        }
        let sidebets = quality.has_sidebets() && known.is_none_or(|known| !known.has_sidebets());
        Admission { game, sidebets: game && sidebets }
    }

    /// Everything known, for the next filter.
    pub fn into_stored(self) -> Arc<HashMap<String, Quality>> {
        if self.seen.is_empty() {
            return self.stored;
        }
        let mut all = Arc::unwrap_or_clone(self.stored);
        all.extend(self.seen);
        Arc::new(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w30_the_same_history_twice_is_stored_once() {
        let mut filter = GameFilter::default();
        let full = Quality::of(true, true, true);
        assert_eq!(filter.admit("a", full), Admission { game: true, sidebets: true });
        assert_eq!(filter.admit("a", full), Admission { game: false, sidebets: false });
        let mut restarted = GameFilter::new(filter.into_stored());
        assert!(!restarted.admit("a", full).game);
        assert!(restarted.admit("b", full).game);
    }

    #[test]
    fn what_was_sealed_by_others_is_known_after_learning() {
        let mut filter = GameFilter::default();
        let (poor, full) = (Quality::of(false, true, false), Quality::of(true, true, true));
        assert!(filter.admit("a", poor).game);
        filter.learn(Arc::new(HashMap::from([("a".to_owned(), full), ("b".to_owned(), full)])));
        assert_eq!(filter.admit("a", full), Admission { game: false, sidebets: false });
        assert!(!filter.admit("b", full).game);
    }

    #[test]
    fn a_better_record_replaces_a_poorer_one_and_never_the_reverse() {
        let mut filter = GameFilter::default();
        assert!(filter.admit("a", Quality::of(false, true, true)).game);
        assert_eq!(filter.admit("a", Quality::of(true, true, true)), Admission { game: true, sidebets: false });
        assert!(!filter.admit("a", Quality::of(false, true, true)).game);
    }
}
