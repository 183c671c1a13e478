//! A game's proof as it is stored: a system event of the recorder, and the ticks it fills.
//!
//! The proof is a record in the journal like any other, so it is durable when it is appended, is sealed with the
//! frames around it, and can be cut off by no crash: either the record is there or the game is proven again at the
//! next start. The rows are projected from it by the same pure function as all rows: one `system_event`, and one
//! `game_tick` row with `tick_source = 'seed'` for every tick that nothing had recorded. Parquet, SQL and the unsealed
//! tail therefore show the same, and `(session_id, seq, doc_type, ordinal)` stays a key. No frame is ever changed.

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::rows::{Cell, Envelope, RowSink};
use super::schema::DocType;
use replayer_protocol::fairness::{self, GameVersion};
use replayer_protocol::phase::Phase;

/// The seed reproduces every recorded price of the game. `details` is a [`StoredProof`].
pub const GAME_PROVEN: &str = "game_proven";

/// Something recorded differs from what the seed gives. `details` is a [`StoredProof`] with the first difference.
pub const GAME_DIFFERS: &str = "game_differs";

/// Contradictions stored with a proof, beside the first difference; `check_fairness` has all.
pub const CONTRADICTIONS: usize = 5;

/// Raised when the same evidence can come to another verdict than before. A game that differed by older rules is judged
/// again. 1: an announced peak or a version label that contradicts does not make a game differ whose prices agree.
pub const REVISION: u32 = 1;

/// What the two system events hold in `details`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StoredProof {
    /// The round.
    pub game_id: String,
    /// The revealed seed.
    pub server_seed: String,
    /// The rules it was played by: `v1`, `v2` or `v3`.
    pub version: String,
    /// Tick of the rug by the seed.
    pub rug_tick: u32,
    /// Highest multiplier by the seed, the initial 1 included.
    pub peak: f64,
    /// Recorded prices that were compared with the seed's path.
    pub prices_compared: u64,
    /// Ticks that no row of `game_tick` had, as inclusive runs: the record's own rows fill them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filled: Vec<(u32, u32)>,
    /// In words, where recorded and recomputed part for the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<String>,
    /// In words, what else contradicts the seed. Of a proven game: what was announced beside its prices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contradictions: Vec<String>,
    /// Which rules of judging made the verdict; see [`REVISION`].
    pub revision: u32,
}

/// A difference in words without the record that it was seen in (`… by frame <session>:<seq>, …`).
fn without_place(words: &str) -> String {
    let Some((before, after)) = words.split_once(" by ") else { return words.to_owned() };
    let rest = after.split_once(", ").map_or("", |(_, rest)| rest);
    format!("{before}, {rest}")
}

impl StoredProof {
    /// The type of the system event that this is.
    pub fn event_type(&self) -> &'static str {
        if self.difference.is_some() { GAME_DIFFERS } else { GAME_PROVEN }
    }

    /// Whether two proofs of a game come to the same, whatever they were compared with: of a copy of a recording, the
    /// session alone is another one.
    pub fn comes_to_the_same(&self, other: &StoredProof) -> bool {
        let of = |proof: &StoredProof| {
            let contradictions: Vec<String> =
                proof.contradictions.iter().map(|words| without_place(words)).collect();
            (proof.server_seed.clone(), proof.difference.as_deref().map(without_place), contradictions)
        };
        of(self) == of(other)
    }

    /// Whether the present rules may come to another verdict.
    pub fn is_outdated(&self) -> bool {
        self.difference.is_some() && self.revision < REVISION
    }

    /// What a system event of this type says; `None` for other types, and for a text that is no proof.
    pub fn read(event_type: &str, details: &str) -> Option<StoredProof> {
        let proof: StoredProof = match event_type {
            GAME_PROVEN | GAME_DIFFERS => serde_json::from_str(details).ok()?,
            _ => return None,
        };
        (!proof.game_id.is_empty()).then_some(proof)
    }

    /// Writes the rows of the ticks it fills. `envelope` is that of the record; its time is the proof's: when the
    /// tick was played, nobody recorded.
    ///
    /// # Errors
    /// Those of the sink.
    pub(super) fn fill<S: RowSink>(&self, envelope: &Envelope<'_>, sink: &mut S) -> Result<(), StoreError> {
        let Ok(version) = self.version.parse::<GameVersion>() else { return Ok(()) };
        if self.filled.is_empty() || self.difference.is_some() {
            return Ok(());
        }
        let path = fairness::play(&self.server_seed, &self.game_id, version);
        let mut ordinal = 0;
        for (tick, price) in (0_u32..).zip(&path.prices) {
            if !self.filled.iter().any(|(from, to)| (*from..=*to).contains(&tick)) {
                continue;
            }
            let rugged = tick as usize == path.rug_tick;
            let phase = if rugged { Phase::Rugged } else { Phase::Active };
            let own = [
                Cell::Int(i64::from(tick)),
                Cell::Float(*price),
                Cell::Bool(true),
                Cell::Bool(rugged),
                Cell::Null,
                Cell::Null,
                Cell::Text(phase.as_str()),
                Cell::Text("seed"),
            ];
            let envelope = Envelope { game_id: Some(&self.game_id), raw_json: None, ordinal, ..*envelope };
            sink.row(DocType::GameTick, &envelope, &own)?;
            ordinal += 1;
        }
        Ok(())
    }
}

/// Sorted ticks as inclusive runs.
pub fn runs(ticks: impl IntoIterator<Item = u32>) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for tick in ticks {
        match runs.last_mut() {
            Some((_, to)) if *to + 1 == tick => *to = tick,
            _ => runs.push((tick, tick)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use crate::ids::SessionId;
    use crate::project::{Context, project};
    use crate::record::{Record, Source};
    use crate::rows::Tables;

    const GAME: &str = "20260101-00000000000000ab";

    fn proof(filled: Vec<(u32, u32)>) -> StoredProof {
        let seed = format!("{:064x}", 0xa);
        let path = fairness::play(&seed, GAME, GameVersion::V3);
        StoredProof {
            game_id: GAME.into(),
            server_seed: seed,
            version: "v3".into(),
            rug_tick: u32::try_from(path.rug_tick).unwrap(),
            peak: path.peak,
            prices_compared: 3,
            filled,
            ..StoredProof::default()
        }
    }

    /// Ticks, prices, rugged of the `game_tick` rows of a stored proof.
    fn rows(proof: &StoredProof) -> (usize, Vec<(i64, f64, bool)>) {
        use arrow::array::AsArray;
        use arrow::datatypes::{Float64Type, Int64Type};
        let details = serde_json::to_string(proof).unwrap();
        let record =
            Record { seq: 7, ..Record::system(1_767_225_600_000_000, Source::Ui, proof.event_type(), &details) };
        let mut tables = Tables::default();
        project(SessionId::from_u128(1), &record, &mut Context::default(), &mut tables).unwrap();
        let (mut events, mut ticks) = (0, Vec::new());
        for (doc_type, batch) in tables.finish().unwrap() {
            let games = batch.column_by_name("game_id").unwrap().as_string::<i32>();
            assert!(games.iter().all(|game| game == Some(GAME)));
            if doc_type == DocType::SystemEvent {
                events += batch.num_rows();
                continue;
            }
            let sources = batch.column_by_name("tick_source").unwrap().as_string::<i32>();
            let numbers = batch.column_by_name("tick").unwrap().as_primitive::<Int64Type>();
            let prices = batch.column_by_name("price").unwrap().as_primitive::<Float64Type>();
            let rugged = batch.column_by_name("rugged").unwrap().as_boolean();
            let ordinals = batch.column_by_name("ordinal").unwrap().as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                assert_eq!((sources.value(row), ordinals.value(row)), ("seed", row as i64));
                ticks.push((numbers.value(row), prices.value(row), rugged.value(row)));
            }
        }
        (events, ticks)
    }

    #[test]
    fn a_stored_proof_is_an_event_and_the_ticks_that_nothing_recorded() {
        let proof = proof(vec![(3, 4), (261, 261)]);
        let path = fairness::play(&proof.server_seed, GAME, GameVersion::V3);
        let (events, ticks) = rows(&proof);
        assert_eq!(events, 1);
        let expected = [(3, path.prices[3], false), (4, path.prices[4], false), (261, path.prices[261], true)];
        assert_eq!(ticks, expected);
    }

    #[test]
    fn a_game_that_differs_fills_nothing() {
        let differing = StoredProof { difference: Some("tick 3".into()), ..proof(vec![(3, 4)]) };
        assert_eq!(rows(&differing), (1, Vec::new()));
        assert_eq!(differing.event_type(), GAME_DIFFERS);
    }

    #[test]
    fn a_text_that_is_no_proof_is_none() {
        assert_eq!(StoredProof::read("connected", "{}"), None);
        assert_eq!(StoredProof::read(GAME_PROVEN, "no JSON"), None);
        assert_eq!(StoredProof::read(GAME_PROVEN, "{}"), None);
        let proof = proof(vec![(1, 2)]);
        let text = serde_json::to_string(&proof).unwrap();
        assert_eq!(StoredProof::read(GAME_PROVEN, &text), Some(proof));
    }

    #[test]
    fn ticks_in_a_row_are_one_run() {
        assert_eq!(runs([0, 1, 2, 5, 7, 8]), [(0, 2), (5, 5), (7, 8)]);
        assert!(runs([]).is_empty());
    }
}
