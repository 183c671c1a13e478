//! The state as an agent reads it: groups of values, each with the frame that said it and how old that is.
//!
//! Small by default (1–2 kB of JSON); [`Detail`] has the rest. Unknown is `null`, never a default. Texts written
//! by strangers are in fields that end in `_untrusted`.

use serde::Serialize;

use super::event::At;
use super::health::{Health, Liveness, Mode};
use super::latency::Summary;
use super::ledger::FieldDrift;
use super::note::{Disagreement, Transition};
use super::prices::TickSource;
use crate::store::record::Source;

mod make;

/// The frame that said a group of values, and its age.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stamp {
    /// When the frame passed the recorder, RFC 3339; null where no one knows.
    pub as_of: Option<String>,
    /// Milliseconds from then to the snapshot's `now`.
    pub age_ms: Option<i64>,
    /// The frame, `session:seq`.
    #[serde(rename = "ref")]
    pub event_ref: String,
    /// `cdp`, `public_ws`, `replay`, `ui` or `import`.
    pub source: Option<&'static str>,
}

impl Stamp {
    fn of(at: &At, now_us: i64) -> Stamp {
        Stamp {
            as_of: at.ts.and_then(time),
            age_ms: at.ts.map(|ts| now_us.saturating_sub(ts) / 1000),
            event_ref: at.event_ref(),
            source: at.source.map(Source::as_str),
        }
    }
}

/// As every answer prints a time: exact, so that it leads back to its event.
pub(super) fn time(us: i64) -> Option<String> {
    crate::store::record::time_text(us)
}

/// The state at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Snapshot {
    /// The moment, RFC 3339.
    pub now: Option<String>,
    /// `live`, `stale` or `offline`; null for a past moment or a replay.
    pub status: Option<Liveness>,
    /// The source of the last frame.
    pub source: Option<&'static str>,
    /// The current game.
    pub game: Option<GameView>,
    /// The game right before it; null where it is not known which one that was.
    pub previous: Option<PreviousView>,
    /// Averages of the last games, players, the pool.
    pub lobby: Option<LobbyView>,
    /// The logged-in account; null when none was seen.
    pub account: Option<AccountView>,
    /// Requests and how long they take; null when none was seen.
    pub requests: Option<RequestsView>,
    /// Whether all of this can be relied on.
    pub capture: CaptureView,
    /// From which event on this was folded.
    pub folded_from: Option<Folded>,
    /// The rest, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
}

/// The events that a snapshot was folded from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Folded {
    /// When the first one happened, RFC 3339.
    pub as_of: Option<String>,
    /// The first one, `session:seq`.
    #[serde(rename = "ref")]
    pub event_ref: String,
    /// How many.
    pub events: u64,
}

/// The current game.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GameView {
    /// The last packet that moved it on.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// The round.
    pub game_id: String,
    /// COOLDOWN, PRESALE, ACTIVE or RUGGED.
    pub phase: Option<&'static str>,
    /// The last tick; the true rug tick once it rugged.
    pub tick: Option<u32>,
    /// Multiplier at that tick.
    pub price: Option<f64>,
    /// What told it: tick, partial, snapshot, history or seed.
    pub tick_source: Option<TickSource>,
    /// The highest known price.
    pub peak: Option<f64>,
    /// Milliseconds to the next change of phase, before the game.
    pub timer_ms: Option<f64>,
    /// Trades so far, complete.
    pub trade_count: Option<i64>,
    /// The true rug tick.
    pub rug_tick: Option<u32>,
    /// The rug price.
    pub rug_price: Option<f64>,
    /// Ticks up to now of which no price is known.
    pub unknown_prices: usize,
}

/// The game before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PreviousView {
    /// The round.
    pub game_id: String,
    /// The true rug tick.
    pub rug_tick: Option<u32>,
    /// The highest known price.
    pub peak: Option<f64>,
    /// Whether the seed proves every known price; null before it is revealed.
    pub proven: Option<bool>,
}

/// What is not about one game.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LobbyView {
    /// The last packet that said the averages.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// `averageMultiplier`.
    pub average_multiplier: Option<f64>,
    /// Peaks of at least 2× among the last games.
    pub count_2x: Option<i64>,
    /// Of at least 10×.
    pub count_10x: Option<i64>,
    /// Of at least 50×.
    pub count_50x: Option<i64>,
    /// Of at least 100×.
    pub count_100x: Option<i64>,
    /// The day's highest peak.
    pub highest_today: Option<f64>,
    /// Sockets on the server.
    pub connected_players: Option<i64>,
    /// Rows of the ranking (at most ten).
    pub ranked_players: Option<usize>,
    /// SOL in the pool of instant rugs.
    pub rugpool_amount: Option<f64>,
    /// Instant rugs since the last drawing, of those that trigger one; 0 to 1.
    pub rugpool_ratio: Option<f64>,
}

/// The logged-in account, as the server says it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AccountView {
    /// The last `playerUpdate`; null before the first.
    #[serde(flatten)]
    pub stamp: Option<Stamp>,
    /// The own player id.
    pub player_id: Option<String>,
    /// The own name.
    pub username_untrusted: Option<String>,
    /// SOL.
    pub cash: Option<f64>,
    /// Token units held.
    pub position_qty: Option<f64>,
    /// Weighted entry multiplier.
    pub avg_cost: Option<f64>,
    /// Whether units are held.
    pub has_position: Option<bool>,
    /// Buys and stakes of this game, SOL.
    pub total_invested: Option<f64>,
    /// Result of this game (`cumulativePnL`), SOL.
    pub pnl: Option<f64>,
    /// Worth of the position at the game's price, SOL.
    pub position_value: Option<f64>,
    /// Gain of the position at the game's price, SOL.
    pub unrealised: Option<f64>,
    /// The tick at which the position was entered.
    pub entry_tick: Option<u32>,
    /// Ticks since then.
    pub ticks_held: Option<u32>,
    /// The own rank; one tick old by nature.
    pub rank: Option<i64>,
    /// The last tick that wins the open side bet.
    pub sidebet_end_tick: Option<i64>,
    /// Where the server and the account recomputed from own trades differ; null when they agree or nothing was
    /// compared.
    pub drift: Option<DriftView>,
    /// Comparisons made, and those that found drift.
    pub drift_checks: (u64, u64),
}

/// An open drift.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriftView {
    /// Since when, RFC 3339.
    pub since: Option<String>,
    /// What differed.
    pub fields: Vec<FieldDrift>,
}

/// Requests and latencies.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestsView {
    /// Requests that wait for their ack.
    pub open: Vec<OpenRequest>,
    /// Orders to their ack.
    pub order_ack: Option<Summary>,
    /// Orders to the broadcast they cause.
    pub broadcast: Option<Summary>,
    /// Other requests (pings) to their ack.
    pub other_ack: Option<Summary>,
}

/// A request that waits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OpenRequest {
    /// BUY, SELL, PARTIAL_SELL, SIDEBET, or the event's name.
    pub kind: String,
    /// The id its ack will carry.
    pub ack_id: u64,
    /// SOL.
    pub amount: Option<f64>,
    /// Milliseconds since it was sent.
    pub age_ms: Option<i64>,
}

/// Whether the state can be relied on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CaptureView {
    /// DISCONNECTED, STALE, DEGRADED or HEALTHY; null for a past moment or a replay.
    pub health: Option<Health>,
    /// NORMAL, DEGRADED, MINIMAL or OFFLINE, from what could not be read.
    pub mode: Mode,
    /// Why the capture has holes; null when it has none, or a clean game was seen since.
    pub integrity_lost: Option<&'static str>,
    /// Ticks of the current game that no tick packet told.
    pub missed_ticks: Option<u32>,
    /// Prices that two sources told differently.
    pub disagreements: usize,
    /// Tick packets that went back in time.
    pub regressions: u64,
}

/// The rest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detail {
    /// The current game's prices from tick 0; null where unknown.
    pub prices: Vec<Option<f64>>,
    /// How many prices each source told.
    pub prices_by_source: Vec<(TickSource, usize)>,
    /// The first tick that was seen, where the capture joined a running game.
    pub joined_at: Option<u32>,
    /// The commitment to the seed.
    pub seed_hash: Option<String>,
    /// Trades that were broadcast, and those of them that the rug sold.
    pub trades_seen: (u32, u32),
    /// The ranking.
    pub leaderboard: Vec<LeaderView>,
    /// Peaks of the day's god-candle records: 2x, 10x, 50x tier.
    pub god_candles: [Option<f64>; 3],
    /// The last changes of phase, oldest first.
    pub transitions: Vec<Transition>,
    /// The last differing prices, oldest first.
    pub disagreements: Vec<Disagreement>,
    /// Games that rugged since the first event.
    pub rugs: u64,
    /// Sources with the age of their last frame in milliseconds, and whether they are lost.
    pub sources: Vec<(&'static str, Option<i64>, bool)>,
    /// The recomputed account: cash, units, entry.
    pub recomputed: Option<(Option<f64>, Option<f64>, Option<f64>)>,
}

/// A row of the ranking.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeaderView {
    /// Rank.
    pub position: Option<i64>,
    /// Who.
    pub player_id: Option<String>,
    /// Their name.
    pub username_untrusted: Option<String>,
    /// Result, SOL; up to one tick old.
    pub pnl: Option<f64>,
    /// Token units held.
    pub position_qty: Option<f64>,
}
