//! The logged-in account: who, what the server says of it, what follows from that.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::event::{At, GameId};
use super::exact;
use super::fact::{AccountUpdate, Entry};
use super::ledger::{Drift, Holding, Ledger};

/// The account as the server last told it. `None` is not told.
#[derive(Debug, Clone)]
pub struct Server {
    /// The `playerUpdate` that said it.
    pub at: At,
    /// SOL.
    pub cash: Option<Decimal>,
    /// Bonus SOL.
    pub bonus_balance: Option<Decimal>,
    /// Token units held.
    pub position_qty: Option<Decimal>,
    /// Weighted entry multiplier.
    pub avg_cost: Option<Decimal>,
    /// Buys and stakes of this game, SOL.
    pub total_invested: Option<Decimal>,
    /// Result of this game, SOL.
    pub pnl: Option<Decimal>,
    /// Result of this game's settled side bets, SOL.
    pub sidebet_pnl: Option<Decimal>,
    /// Result in percent.
    pub pnl_percent: Option<f64>,
}

impl Server {
    /// Whether units are held.
    pub fn has_position(&self) -> Option<bool> {
        self.position_qty.map(|qty| !qty.is_zero())
    }

    /// Worth of the position at `price`, SOL.
    pub fn value(&self, price: f64) -> Option<f64> {
        let qty = exact::to_f64(self.position_qty?)?;
        Some(qty * price)
    }

    /// Gain of the position at `price`, SOL; 0 when flat.
    pub fn unrealised(&self, price: f64) -> Option<f64> {
        let qty = exact::to_f64(self.position_qty?)?;
        if qty == 0.0 {
            return Some(0.0);
        }
        Some(qty * (price - exact::to_f64(self.avg_cost?)?))
    }
}

/// The own row of the ranking.
#[derive(Debug, Clone)]
pub struct Rank {
    /// The packet that said it.
    pub at: At,
    /// The round.
    pub game_id: GameId,
    /// Rank, from 1.
    pub position: Option<i64>,
    /// Result, SOL.
    pub pnl: Option<f64>,
    /// Result in percent.
    pub pnl_percent: Option<f64>,
}

/// The open side bet.
#[derive(Debug, Clone)]
pub struct OpenBet {
    /// The packet that said it.
    pub at: At,
    /// The round.
    pub game_id: GameId,
    /// SOL.
    pub stake: Option<Decimal>,
    /// The last tick that wins.
    pub end_tick: Option<i64>,
}

/// Who the account is.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The packet that said it.
    pub at: At,
    /// The own player id.
    pub id: Arc<str>,
    /// The own name.
    pub username: Option<Arc<str>>,
}

/// Where the position was entered.
#[derive(Debug, Clone)]
pub struct EntryTick {
    /// The round.
    pub game_id: GameId,
    /// The tick of the update that first showed it; 0 before the game.
    pub tick: u32,
}

/// The logged-in account.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// Who.
    pub identity: Option<Identity>,
    /// What the server says.
    pub server: Option<Server>,
    /// The own rank.
    pub rank: Option<Rank>,
    /// The open side bet.
    pub bet: Option<OpenBet>,
    /// Where the position was entered.
    pub entry: Option<EntryTick>,
    /// The recomputed account.
    pub ledger: Ledger,
    /// The connection whose updates the ledger follows: session and socket.
    stream: Option<(Arc<str>, Option<Arc<str>>)>,
}

impl Account {
    /// Whether this is the own player.
    pub fn is_own(&self, player_id: Option<&str>) -> bool {
        player_id.is_some() && self.identity.as_ref().map(|own| own.id.as_ref()) == player_id
    }

    /// Names the own player.
    pub fn identify(&mut self, at: &At, id: Option<&str>, username: Option<&str>) {
        let Some(id) = id else { return };
        let known = self.identity.as_ref().filter(|own| own.id.as_ref() == id);
        let username = username.map(Arc::from).or_else(|| known.and_then(|own| own.username.clone()));
        match known {
            // Every update repeats the id; the frame that first said it, or a name, is the one to keep.
            Some(own) if own.username == username => {}
            _ => self.identity = Some(Identity { at: at.clone(), id: id.into(), username }),
        }
    }

    /// Takes a `playerUpdate`; `now` is the current game and its tick.
    pub fn update(
        &mut self,
        at: &At,
        socket_id: Option<&str>,
        update: &AccountUpdate<'_>,
        now: Option<(&GameId, u32)>,
    ) -> Option<Drift> {
        self.identify(at, update.player_id.as_deref(), update.username.as_deref());
        self.follow(at, socket_id);
        let told = update.cash.zip(update.position_qty);
        let holding = told.map(|(cash, qty)| Holding { cash, qty, avg_cost: update.avg_cost.unwrap_or_default() });
        if holding.is_some_and(|holding| self.ledger.is_overtaken(&holding, at.ts)) {
            return None;
        }
        // An update repeats what it does not change. One of its values that cannot be read may be any of those that it has
        // not: what they were before must not pass for what they are.
        let last = self.server.take().filter(|_| update.unread == 0);
        let kept =
            |new: Option<Decimal>, held: fn(&Server) -> Option<Decimal>| new.or(last.as_ref().and_then(held));
        let server = Server {
            at: at.clone(),
            cash: kept(update.cash, |held| held.cash),
            bonus_balance: kept(update.bonus_balance, |held| held.bonus_balance),
            position_qty: kept(update.position_qty, |held| held.position_qty),
            avg_cost: kept(update.avg_cost, |held| held.avg_cost),
            total_invested: kept(update.total_invested, |held| held.total_invested),
            pnl: kept(update.cumulative_pnl, |held| held.pnl),
            sidebet_pnl: kept(update.sidebet_pnl, |held| held.sidebet_pnl),
            pnl_percent: update.pnl_percent.or(last.as_ref().and_then(|held| held.pnl_percent)),
        };
        match server.has_position() {
            Some(true) if self.entry.is_none() => {
                // A position that was there before the first update was entered no one knows when.
                let was_flat = last.as_ref().and_then(Server::has_position) == Some(false);
                self.entry =
                    now.filter(|_| was_flat).map(|(game_id, tick)| EntryTick { game_id: game_id.clone(), tick });
            }
            Some(false) => self.entry = None,
            _ => {}
        }
        let drift = holding.and_then(|holding| self.ledger.check(&holding, at.ts));
        self.server = Some(server);
        drift
    }

    /// Takes the own row of the ranking.
    pub fn ranked(&mut self, at: &At, game_id: Option<&str>, entry: Option<&Entry>) {
        let Some(game_id) = game_id else { return };
        self.rank = entry.map(|entry| Rank {
            at: at.clone(),
            game_id: game_id.into(),
            position: entry.position,
            pnl: entry.pnl,
            pnl_percent: entry.pnl_percent,
        });
    }

    /// Another game became current: nobody has a part in it yet.
    pub fn new_game(&mut self) {
        self.entry = None;
        self.rank = None;
        self.bet = None;
    }

    /// The private connection began anew: what happened meanwhile is unknown.
    pub fn reconnected(&mut self) {
        self.ledger.rebase();
        self.bet = None;
    }

    fn follow(&mut self, at: &At, socket_id: Option<&str>) {
        let same = self
            .stream
            .as_ref()
            .is_some_and(|(session, socket)| *session == at.session && socket.as_deref() == socket_id);
        if !same {
            self.ledger.rebase();
            self.stream = Some((at.session.clone(), socket_id.map(Arc::from)));
        }
    }
}
