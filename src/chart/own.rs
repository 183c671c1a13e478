//! Own orders on a game's line: what the browser sent with the server's answers, and what was done in a replay.
//!
//! An order is a row of `player_action`. Its tick is stored with it; in rows of older builds it is that of the last
//! `gameStateUpdate` before it in its own session, or, where its session saw none of the game, before it in time; a replayed
//! one says its tick itself. Orders that were
//! stored without a game belong to the game that their session was in when they were sent.

use serde::Deserialize;

use super::line::Side;
use crate::protocol::sidebet;

/// Ticks between an own order and the trade or the bet that it became.
const SAME_ORDER: i64 = 8;

/// The rows of `player_action` that are about game `$1`, in the order of their events. Packets after the game's last one
/// are another game's; an answer may still come among them.
pub const ORDERS: &str = "\
WITH ticks AS (
  SELECT session_id, seq, ts, coalesce(tick, 0) AS tick FROM game_tick
  WHERE game_id = $1 AND tick_source IS DISTINCT FROM 'seed'
), spans AS (
  SELECT session_id, min(seq) AS first_seq, max(seq) AS last_seq FROM ticks GROUP BY session_id
), whole AS (
  SELECT min(ts) AS began, max(ts) AS ended FROM ticks
)
SELECT a.stage AS stage, a.action_type AS word, a.session_id AS session_id, a.seq AS seq, a.ack_id AS ack_id,
  a.price AS price, a.amount AS amount, a.outcome AS outcome,
  coalesce(a.tick, CASE WHEN a.source = 'replay' THEN TRY_CAST(json_extract_string(a.raw_json, '$.tick') AS BIGINT) ELSE coalesce(
    (SELECT arg_max(t.tick, t.seq) FROM ticks t WHERE t.session_id = a.session_id AND t.seq < a.seq),
    (SELECT max(t.tick) FROM ticks t WHERE t.ts <= a.ts)) END) AS tick
FROM player_action a LEFT JOIN spans s ON s.session_id = a.session_id CROSS JOIN whole w
WHERE a.game_id = $1 OR (a.game_id IS NULL AND a.source <> 'replay' AND CASE
  WHEN s.session_id IS NULL THEN a.ts BETWEEN w.began AND w.ended AND NOT EXISTS (
    SELECT 1 FROM game_tick o WHERE o.session_id = a.session_id AND o.ts BETWEEN w.began AND w.ended)
  WHEN a.stage = 'ack' THEN a.seq > s.first_seq
  ELSE a.seq BETWEEN s.first_seq AND s.last_seq END)
ORDER BY 3, 4";

/// One row of [`ORDERS`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Row {
    /// request, ack or replay.
    pub stage: Option<String>,
    /// BUY, SELL, PARTIAL_SELL or SIDEBET.
    pub word: Option<String>,
    /// The session.
    pub session_id: String,
    /// The frame's number in it.
    pub seq: u64,
    /// What its answer carries too.
    pub ack_id: Option<i64>,
    /// Multiplier, where the order or its answer names one.
    pub price: Option<f64>,
    /// SOL.
    pub amount: Option<f64>,
    /// What came of it, in the server's words.
    pub outcome: Option<String>,
    /// The tick that it was sent at.
    pub tick: Option<i64>,
}

/// An own order that was not refused.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnOrder {
    /// BUY, SELL, PARTIAL_SELL or SIDEBET.
    pub word: String,
    /// The tick it was sent at, none after the rug.
    pub tick: i64,
    /// Multiplier, where the order or its answer names one.
    pub price: Option<f64>,
    /// SOL.
    pub amount: Option<f64>,
    /// The session of its record.
    pub session_id: String,
    /// Its number there.
    pub seq: u64,
}

impl OwnOrder {
    /// What a trade it is; `None` for a side bet.
    pub fn side(&self) -> Option<Side> {
        Side::from_word(&self.word)
    }

    /// Whether an announced own trade is this order.
    pub fn is_trade(&self, side: Option<Side>, tick: i64) -> bool {
        self.side().is_some() && self.side() == side && (tick - self.tick).abs() <= SAME_ORDER
    }

    /// First and last tick of the side bet that it places.
    pub fn bet(&self) -> Option<(i64, i64)> {
        (self.word == "SIDEBET").then_some((self.tick, self.tick + sidebet::WINDOW))
    }

    /// Whether a recorded own side bet that begins at this tick is this order.
    pub fn is_bet(&self, start: i64) -> bool {
        self.bet().is_some() && (start - self.tick).abs() <= SAME_ORDER
    }
}

/// Puts orders and answers together. An order that the server refused is none; one without an answer is one.
pub fn orders(rows: Vec<Row>, rug_tick: Option<i64>) -> Vec<OwnOrder> {
    let mut orders: Vec<(OwnOrder, Option<i64>, bool)> = Vec::new();
    for row in rows {
        let refused = row.outcome.as_deref().is_some_and(|outcome| !matches!(outcome, "success" | "acknowledged"));
        if row.stage.as_deref() == Some("ack") {
            // Ids are given again after a reconnection: the last order before the answer is meant.
            let asked = orders.iter_mut().rev().find(|(order, ack_id, _)| {
                ack_id.is_some() && *ack_id == row.ack_id && order.session_id == row.session_id
            });
            if let Some((order, ack_id, is_refused)) = asked {
                order.price = row.price.or(order.price);
                (*ack_id, *is_refused) = (None, refused);
            }
            continue;
        }
        let (Some(word), Some(tick)) = (row.word, row.tick) else { continue };
        let tick = rug_tick.map_or(tick, |rug| tick.min(rug));
        let (price, amount) = (row.price.filter(|price| *price > 0.0), row.amount);
        let order = OwnOrder { word, tick, price, amount, session_id: row.session_id, seq: row.seq };
        orders.push((order, row.ack_id, refused));
    }
    orders.into_iter().filter(|(.., refused)| !refused).map(|(order, ..)| order).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    fn row(stage: &str, seq: u64, ack_id: Option<i64>) -> Row {
        Row {
            stage: Some(stage.into()),
            word: Some("BUY".into()),
            session_id: "s".into(),
            seq,
            ack_id,
            tick: Some(7),
            ..Row::default()
        }
    }

    fn answer(seq: u64, ack_id: i64, outcome: &str, price: Option<f64>) -> Row {
        Row { outcome: Some(outcome.into()), price, tick: None, ..row("ack", seq, Some(ack_id)) }
    }

    #[test]
    fn an_answer_gives_the_price_and_takes_a_refused_order_away() {
        let rows = vec![
            row("request", 1, Some(4)),
            answer(2, 4, "success", Some(1.5)),
            row("request", 3, Some(5)),
            answer(4, 5, "no position", None),
            row("request", 5, None),
            row("replay", 6, None),
        ];
        let orders = orders(rows, None);
        let told: Vec<_> = orders.iter().map(|order| (order.seq, order.price)).collect();
        assert_eq!(told, [(1, Some(1.5)), (5, None), (6, None)]);
    }

    #[test]
    fn an_id_that_is_used_again_is_answered_for_its_last_order() {
        let rows = vec![
            row("request", 1, Some(4)),
            answer(2, 4, "success", None),
            row("request", 9, Some(4)),
            answer(10, 4, "no position", None),
        ];
        let orders = orders(rows, None);
        assert_eq!(orders.iter().map(|order| order.seq).collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn no_order_lies_behind_the_rug() {
        let orders = orders(vec![row("request", 1, None)], Some(5));
        assert_eq!(orders[0].tick, 5);
    }
}
