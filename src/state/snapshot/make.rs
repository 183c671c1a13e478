//! Making a snapshot from the fold.

use super::*;
use crate::protocol::json::Value;
use crate::protocol::payload::Entry;
use crate::protocol::phase::Phase;
use crate::state::exact;
use crate::state::fold::Fold;
use crate::state::game::Game;

impl Fold {
    /// The state, seen at `now_us` (microseconds UTC); small.
    pub fn snapshot(&self, now_us: i64) -> Snapshot {
        let live = self.last().is_some_and(At::is_live);
        let game: Option<&Game> = self.games().next_back();
        Snapshot {
            now: time(now_us),
            status: (live || self.last().is_none()).then(|| self.connections().liveness(now_us)),
            source: self.last().and_then(|last| last.source).map(Source::as_str),
            game: game.map(|game| game_view(game, now_us)),
            previous: game.and_then(|game| game.previous.as_deref()).map(|id| self.previous_view(id)),
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

    /// A game that the current one followed; of one that was not captured nothing but its id is known.
    fn previous_view(&self, id: &str) -> PreviousView {
        let game = self.game_by_id(id);
        PreviousView {
            game_id: id.to_owned(),
            rug_tick: game.and_then(|game| game.rug_tick),
            peak: game.and_then(|game| game.prices.peak()).map(|(_, peak)| peak),
            proven: game.and_then(|game| game.proven),
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
    Value::from(text).elements().filter_map(Entry::read).collect()
}
