//! The state as an agent reads it: groups of values, each with the frame that said it and how old that is.
//!
//! Small by default (1–2 kB of JSON); [`Detail`] has the rest. Unknown is `null`, never a default. Texts written
//! by strangers are in fields that end in `_untrusted`.

use serde::Serialize;

use super::event::At;
use super::exact;
use super::fact::Entry;
use super::fold::Fold;
use super::game::{Game, TickSource};
use super::health::{Health, Liveness, Mode};
use super::latency::Summary;
use super::ledger::FieldDrift;
use super::note::{Disagreement, Transition};
use crate::protocol::phase::Phase;
use crate::store::record::Source;

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

/// RFC 3339 with milliseconds.
pub(super) fn time(us: i64) -> Option<String> {
    jiff::Timestamp::from_microsecond(us).ok().map(|time| format!("{time:.3}"))
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
    /// The game before it.
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

impl Fold {
    /// The state, seen at `now_us` (microseconds UTC); small.
    pub fn snapshot(&self, now_us: i64) -> Snapshot {
        let live = self.last().is_some_and(At::is_live);
        let games: Vec<&Game> = self.games().rev().take(2).collect();
        let game = games.first().copied();
        Snapshot {
            now: time(now_us),
            status: (live || self.last().is_none()).then(|| self.connections().liveness(now_us)),
            source: self.last().and_then(|last| last.source).map(Source::as_str),
            game: game.map(|game| game_view(game, now_us)),
            previous: games.get(1).map(|game| PreviousView {
                game_id: game.id.to_string(),
                rug_tick: game.rug_tick,
                peak: game.prices.peak().map(|(_, peak)| peak),
                proven: game.proven,
            }),
            lobby: self.lobby_view(now_us),
            account: self.account_view(game, now_us),
            requests: self.requests_view(now_us),
            capture: CaptureView {
                health: live.then(|| {
                    let (orders, others, _) = self.latencies();
                    let last = [orders, others].into_iter().filter_map(|window| window.summary()).next();
                    self.connections().health(now_us, last.map(|summary| summary.last_ms))
                }),
                mode: self.connections().mode(),
                integrity_lost: self.monitors().0.triggered.or(self.monitors().1.triggered),
                missed_ticks: game.map(|game| game.missed),
                disagreements: self.disagreements().len(),
                regressions: self.counts().1,
            },
            folded_from: self.first().map(|first| Folded {
                as_of: first.ts.and_then(time),
                event_ref: first.event_ref(),
                events: self.events(),
            }),
            detail: None,
        }
    }

    /// The state with everything that is known.
    pub fn detailed(&self, now_us: i64) -> Snapshot {
        Snapshot { detail: Some(self.detail(now_us)), ..self.snapshot(now_us) }
    }

    fn lobby_view(&self, now_us: i64) -> Option<LobbyView> {
        let lobby = self.lobby();
        let at = [
            lobby.statistics.as_ref().map(|told| &told.at),
            lobby.leaderboard.as_ref().map(|told| &told.at),
            lobby.rugpool.as_ref().map(|told| &told.at),
        ];
        let at = at.into_iter().flatten().next()?;
        let statistics = lobby.statistics.as_ref().map(|told| told.value).unwrap_or_default();
        let rugpool = lobby.rugpool.as_ref().map(|told| told.value).unwrap_or_default();
        let ratio = rugpool.instarug_count.zip(rugpool.threshold).filter(|(_, threshold)| *threshold > 0.0);
        Some(LobbyView {
            stamp: Stamp::of(at, now_us),
            average_multiplier: statistics.average,
            count_2x: statistics.count_2x,
            count_10x: statistics.count_10x,
            count_50x: statistics.count_50x,
            count_100x: statistics.count_100x,
            highest_today: lobby.highest_today.as_ref().map(|told| told.value),
            connected_players: lobby.connected_players.as_ref().map(|told| told.value),
            ranked_players: lobby.leaderboard.as_ref().map(|told| entries(&told.value).len()),
            rugpool_amount: rugpool.rugpool_amount,
            rugpool_ratio: ratio.map(|(count, threshold)| count / threshold),
        })
    }

    fn account_view(&self, game: Option<&Game>, now_us: i64) -> Option<AccountView> {
        let account = self.account();
        if account.identity.is_none() && account.server.is_none() {
            return None;
        }
        let server = account.server.as_ref();
        let number = |value: Option<rust_decimal::Decimal>| value.and_then(exact::to_f64);
        let price = game.and_then(|game| game.price);
        let entry = account.entry.as_ref();
        Some(AccountView {
            stamp: server.map(|server| Stamp::of(&server.at, now_us)),
            player_id: account.identity.as_ref().map(|own| own.id.to_string()),
            username_untrusted: account
                .identity
                .as_ref()
                .and_then(|own| own.username.as_deref().map(str::to_owned)),
            cash: number(server.and_then(|server| server.cash)),
            position_qty: number(server.and_then(|server| server.position_qty)),
            avg_cost: number(server.and_then(|server| server.avg_cost)),
            has_position: server.and_then(|server| server.has_position()),
            total_invested: number(server.and_then(|server| server.total_invested)),
            pnl: number(server.and_then(|server| server.pnl)),
            position_value: server.zip(price).and_then(|(server, price)| server.value(price)),
            unrealised: server.zip(price).and_then(|(server, price)| server.unrealised(price)),
            entry_tick: entry.map(|entry| entry.tick),
            ticks_held: entry
                .zip(game.and_then(|game| game.tick))
                .map(|(entry, now)| now.saturating_sub(entry.tick)),
            rank: account.rank.as_ref().and_then(|rank| rank.position),
            sidebet_end_tick: account.bet.as_ref().and_then(|bet| bet.end_tick),
            drift: account
                .ledger
                .open
                .as_ref()
                .map(|open| DriftView { since: open.since.and_then(time), fields: open.fields.clone() }),
            drift_checks: (account.ledger.checks, account.ledger.drifted),
        })
    }

    fn requests_view(&self, now_us: i64) -> Option<RequestsView> {
        let (orders, others, broadcasts) = self.latencies();
        let open: Vec<OpenRequest> = self
            .requests()
            .open()
            .iter()
            .map(|order| OpenRequest {
                kind: order.action_type.clone(),
                ack_id: order.ack_id,
                amount: order.amount,
                age_ms: order.sent_us.map(|sent| now_us.saturating_sub(sent) / 1000),
            })
            .collect();
        let seen = !open.is_empty() || orders.total + others.total + broadcasts.total > 0;
        seen.then(|| RequestsView {
            open,
            order_ack: orders.summary(),
            broadcast: broadcasts.summary(),
            other_ack: others.summary(),
        })
    }

    fn detail(&self, now_us: i64) -> Detail {
        let game = self.game();
        let sources =
            [TickSource::Tick, TickSource::Partial, TickSource::Snapshot, TickSource::History, TickSource::Seed];
        let counted = game.map(|game| sources.map(|source| (source, game.prices.count(source))));
        let leaders = self.lobby().leaderboard.as_ref().map(|told| entries(&told.value)).unwrap_or_default();
        let owned = |text: Option<std::borrow::Cow<'_, str>>| text.map(|text| text.into_owned());
        Detail {
            prices: game
                .map(|game| game.prices.iter().map(|known| known.map(|(price, _)| price)).collect())
                .unwrap_or_default(),
            prices_by_source: counted.into_iter().flatten().filter(|(_, count)| *count > 0).collect(),
            joined_at: game.and_then(|game| game.joined_at),
            seed_hash: game.and_then(|game| game.seed_hash.as_deref().map(str::to_owned)),
            trades_seen: game.map_or((0, 0), |game| (game.trades_seen, game.forced_sells)),
            leaderboard: leaders
                .into_iter()
                .map(|entry| LeaderView {
                    position: entry.position,
                    player_id: owned(entry.id),
                    username_untrusted: owned(entry.username),
                    pnl: entry.pnl,
                    position_qty: entry.position_qty,
                })
                .collect(),
            god_candles: self.god_candles().current(),
            transitions: self.transitions().iter().cloned().collect(),
            disagreements: self.disagreements().iter().cloned().collect(),
            rugs: self.counts().0,
            sources: self
                .connections()
                .live()
                .into_iter()
                .filter(|(_, connection)| connection.frames > 0)
                .map(|(source, connection)| {
                    let age = connection.last_us.map(|last| now_us.saturating_sub(last) / 1000);
                    (source.as_str(), age, connection.lost)
                })
                .collect(),
            recomputed: self.account().ledger.holding().map(|holding| {
                (exact::to_f64(holding.cash), exact::to_f64(holding.qty), exact::to_f64(holding.avg_cost))
            }),
        }
    }
}

fn game_view(game: &Game, now_us: i64) -> GameView {
    let known = game.tick.and_then(|tick| game.prices.get(tick));
    GameView {
        stamp: Stamp::of(&game.at, now_us),
        game_id: game.id.to_string(),
        phase: game.phase.map(Phase::as_str),
        tick: game.tick,
        price: known.map(|(price, _)| price).or(game.price),
        tick_source: known.map(|(_, source)| source),
        peak: game.prices.peak().map(|(_, peak)| peak),
        timer_ms: game.timer_ms,
        trade_count: game.trade_count,
        rug_tick: game.rug_tick,
        rug_price: game.rug_price,
        unknown_prices: game.tick.map_or(0, |tick| (tick as usize + 1).saturating_sub(game.prices.known())),
    }
}

/// The rows of a ranking's JSON text; one that cannot be read is left out.
fn entries(text: &str) -> Vec<Entry<'_>> {
    let rows: Vec<&serde_json::value::RawValue> = serde_json::from_str(text).unwrap_or_default();
    rows.into_iter().filter_map(|row| serde_json::from_str(row.get()).ok()).collect()
}
