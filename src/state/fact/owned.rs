//! Facts that outlive their text. A replay reads a game once, keeps the facts and steps through them.

use std::borrow::Cow;

use super::{AccountUpdate, Companion, Fact, Finished, Full, GodCandleRecord, OwnBet, Request, Tick, Trade};

fn own<T: ToOwned + ?Sized + 'static>(text: Option<Cow<'_, T>>) -> Option<Cow<'static, T>> {
    text.map(|text| Cow::Owned(text.into_owned()))
}

impl Fact<'_> {
    /// The same fact, without its text. A history entry repeats the prices of a whole game; those are kept only of
    /// the games that `wanted` names, because no other game of the fold will ask for them.
    pub fn into_owned(self, wanted: &dyn Fn(&str) -> bool) -> Fact<'static> {
        match self {
            Fact::Tick(tick) => Fact::Tick(Box::new(tick.into_owned(wanted))),
            Fact::Account(update) => Fact::Account(Box::new(update.into_owned())),
            Fact::Companion(companion) => Fact::Companion(Box::new(companion.into_owned())),
            Fact::Identity { id, username } => Fact::Identity { id: own(id), username: own(username) },
            Fact::Trade { trade, exact, trace_id } => {
                Fact::Trade { trade: Box::new(trade.into_owned()), exact, trace_id: own(trace_id) }
            }
            Fact::OwnBet(bet) => Fact::OwnBet(Box::new(bet.into_owned())),
            Fact::Request(request) => Fact::Request(Box::new(request.into_owned())),
            Fact::Ack { ack_id, success } => Fact::Ack { ack_id, success },
            Fact::Connect => Fact::Connect,
            Fact::Close => Fact::Close,
            Fact::Unreadable => Fact::Unreadable,
            Fact::Other => Fact::Other,
        }
    }
}

impl AccountUpdate<'_> {
    fn into_owned(self) -> AccountUpdate<'static> {
        AccountUpdate {
            player_id: own(self.player_id),
            username: own(self.username),
            cash: self.cash,
            bonus_balance: self.bonus_balance,
            position_qty: self.position_qty,
            avg_cost: self.avg_cost,
            total_invested: self.total_invested,
            cumulative_pnl: self.cumulative_pnl,
            sidebet_pnl: self.sidebet_pnl,
            pnl_percent: self.pnl_percent,
            unread: self.unread,
        }
    }
}

impl Companion<'_> {
    fn into_owned(self) -> Companion<'static> {
        Companion { game_id: own(self.game_id), leaderboard_entry: self.leaderboard_entry, rugpool: self.rugpool }
    }
}

impl Trade<'_> {
    fn into_owned(self) -> Trade<'static> {
        Trade {
            id: own(self.id),
            game_id: own(self.game_id),
            player_id: own(self.player_id),
            side: own(self.side),
            amount: self.amount,
            price: self.price,
            tick_index: self.tick_index,
            coin: own(self.coin),
            leverage: self.leverage,
            money: self.money,
        }
    }
}

impl OwnBet<'_> {
    fn into_owned(self) -> OwnBet<'static> {
        OwnBet {
            game_id: own(self.game_id),
            bet_amount: self.bet_amount,
            payout: self.payout,
            start_tick: self.start_tick,
            end_tick: self.end_tick,
            coin_address: own(self.coin_address),
            settled: self.settled,
            trace_id: own(self.trace_id),
        }
    }
}

impl Request<'_> {
    fn into_owned(self) -> Request<'static> {
        Request {
            name: Cow::Owned(self.name.into_owned()),
            ack_id: self.ack_id,
            trace_id: own(self.trace_id),
            amount: self.amount,
            percentage: self.percentage,
            coin: own(self.coin),
        }
    }
}

impl Tick<'_> {
    fn into_owned(self, wanted: &dyn Fn(&str) -> bool) -> Tick<'static> {
        Tick {
            game_id: own(self.game_id),
            active: self.active,
            rugged: self.rugged,
            price: self.price,
            tick_count: self.tick_count,
            cooldown_timer: self.cooldown_timer,
            allow_pre_round_buys: self.allow_pre_round_buys,
            trade_count: self.trade_count,
            connected_players: self.connected_players,
            window_end: self.window_end,
            window: self.window,
            path: self.path,
            statistics: self.statistics,
            rugpool: self.rugpool,
            leaderboard: self.leaderboard,
            seed_hash: own(self.seed_hash),
            version: own(self.version),
            full: self.full.map(|full| Box::new(full.into_owned(wanted))),
        }
    }
}

impl Full<'_> {
    fn into_owned(self, wanted: &dyn Fn(&str) -> bool) -> Full<'static> {
        let history = self.history.into_iter().map(|entry| {
            let keeps = entry.id.as_deref().is_some_and(wanted);
            Finished {
                id: own(entry.id),
                seed: own(entry.seed),
                version: entry.version,
                peak: entry.peak,
                prices: own(entry.prices.filter(|_| keeps)),
            }
        });
        Full {
            history: history.collect(),
            highest_today: self.highest_today,
            god_candles: self.god_candles.map(|record| {
                record.map(|record| GodCandleRecord {
                    peak: record.peak,
                    game_id: own(record.game_id),
                    timestamp: record.timestamp,
                })
            }),
        }
    }
}
