//! `gameStateUpdate` in its four shapes: timer (7 keys), start (14), tick (21), full (36).
//!
//! Keys, their order and their absence are those of the captures of December 2025. What a shape leaves out
//! is as much a fact as what it has: a timer packet carries no price and no tick.

use super::game::Round;
use super::json::Json;
use super::lobby::Lobby;

const RUG_ROYALE: &str =
    r#"{"status":"INACTIVE","activeEventId":null,"currentEvent":null,"upcomingEvents":[],"events":[]}"#;
const SHITCOINS: &str =
    r#"[{"address":"0xPractice","ticker":"FREE","name":"Practice SOL","max_bet":10000,"max_win":100000}]"#;

/// What all shapes show.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The game.
    pub round: &'a Round,
    /// What outlives it.
    pub lobby: &'a Lobby,
    /// The ranking as JSON.
    pub leaderboard: &'a str,
    /// Sockets on the server.
    pub connected: usize,
    /// Milliseconds until the game starts; 0 while it runs.
    pub timer: i64,
    /// Buying before the game is open.
    pub presale: bool,
}

/// Where the game is.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// From tick 0 until the next game is announced.
    pub active: bool,
    /// From the rug tick until the next game is announced.
    pub rugged: bool,
    /// Tick whose price is shown.
    pub tick: usize,
    /// `tickCount`, which runs on for some ticks after the rug.
    pub tick_count: usize,
}

impl Moment {
    /// A running game on `tick`.
    pub fn running(tick: usize) -> Self {
        Self { active: true, rugged: false, tick, tick_count: tick }
    }

    /// A game that has not begun.
    pub fn waiting() -> Self {
        Self { active: false, rugged: false, tick: 0, tick_count: 0 }
    }
}

/// Which prices a full packet carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prices {
    /// The last five, as tick packets do.
    Partial,
    /// The whole path so far: only in the first packet of a connection.
    Whole,
}

/// Every 100 ms before the game.
pub fn timer(view: View<'_>) -> String {
    let mut json = Json::event("gameStateUpdate");
    json.reserve(view.leaderboard.len()).object().key("gameId").string(&view.round.id);
    json.key("cooldownTimer").int(view.timer).key("cooldownPaused").boolean(false);
    json.key("allowPreRoundBuys").boolean(view.presale).key("leaderboard").raw(view.leaderboard);
    json.key("connectedPlayers").count(view.connected);
    commitment(&mut json, view.round);
    json.frame()
}

/// Tick 0.
pub fn start(view: View<'_>) -> String {
    let mut json = Json::event("gameStateUpdate");
    let moment = Moment::running(0);
    json.object().key("active").boolean(true).key("price").raw(view.round.price_texts.at(0));
    json.key("rugged").boolean(false);
    clock(&mut json, view, moment);
    json.key("leaderboard").raw(view.leaderboard);
    game(&mut json, view);
    json.key("gameVersion").string(view.round.version.as_str());
    partial_prices(&mut json, view.round, 0);
    commitment(&mut json, view.round);
    json.frame()
}

/// Every tick, and once when presale opens; `trades` is the count that the server reports.
pub fn tick(view: View<'_>, moment: Moment, trades: usize) -> String {
    let mut json = Json::event("gameStateUpdate");
    json.reserve(view.leaderboard.len() + 700);
    json.object().key("active").boolean(moment.active).key("price").raw(view.round.price_texts.at(moment.tick));
    partial_prices(&mut json, view.round, moment.tick);
    json.key("tradeCount").count(trades).key("rugged").boolean(moment.rugged);
    clock(&mut json, view, moment);
    view.lobby.statistics(&mut json);
    json.key("leaderboard").raw(view.leaderboard);
    game(&mut json, view);
    view.lobby.rugpool.public(&mut json);
    json.key("rugRoyale").raw(RUG_ROYALE);
    commitment(&mut json, view.round);
    json.frame()
}

/// On connecting, twice at the rug, and on tick 0 of a golden game. `history` false leaves the list empty.
pub fn full(view: View<'_>, moment: Moment, prices: Prices, history: bool) -> String {
    let mut json = Json::event("gameStateUpdate");
    let entries = if history { usize::MAX } else { 0 };
    let room: usize = view.lobby.history.iter().take(entries).map(|entry| entry.len() + 1).sum();
    json.reserve(room + 8192).object().key("gameHistory").array();
    for entry in view.lobby.history.iter().take(entries) {
        json.raw(entry);
    }
    json.end_array();
    view.lobby.statistics(&mut json);
    view.lobby.records(&mut json);
    json.key("availableShitcoins").raw(SHITCOINS).key("active").boolean(moment.active);
    json.key("price").raw(view.round.price_texts.at(moment.tick)).key("rugged").boolean(moment.rugged);
    clock(&mut json, view, moment);
    json.key("leaderboard").raw(view.leaderboard);
    game(&mut json, view);
    json.key("gameVersion").string(view.round.version.as_str());
    match prices {
        Prices::Partial => partial_prices(&mut json, view.round, moment.tick),
        Prices::Whole => {
            json.key("prices").raw(&view.round.price_texts.through(moment.tick));
        }
    }
    commitment(&mut json, view.round);
    json.frame()
}

fn clock(json: &mut Json, view: View<'_>, moment: Moment) {
    json.key("tickCount").count(moment.tick_count).key("cooldownTimer").int(view.timer);
    json.key("cooldownPaused").boolean(false).key("pauseMessage").raw("\"\"");
    json.key("allowPreRoundBuys").boolean(view.presale);
}

fn game(json: &mut Json, view: View<'_>) {
    json.key("gameId").string(&view.round.id).key("connectedPlayers").count(view.connected);
}

/// The last five ticks, keyed by tick.
fn partial_prices(json: &mut Json, round: &Round, tick: usize) {
    let first = tick.saturating_sub(4);
    json.key("partialPrices").object().key("startTick").count(first).key("endTick").count(tick);
    json.key("values").object();
    for shown in first..=tick {
        json.key(&shown.to_string()).raw(round.price_texts.at(shown));
    }
    json.end_object().end_object();
}

/// The last key of every shape; it also closes the payload.
fn commitment(json: &mut Json, round: &Round) {
    json.key("provablyFair").object().key("serverSeedHash").string(&round.seed_hash);
    json.key("version").string(round.version.as_str()).end_object().end_object();
}
