//! The logged-in player: login, latency probes, and the private events that only this socket gets.
//!
//! Cash, position and results always add up. What the player orders is in `orders`.

use super::book::Book;
use super::events;
use super::json::{Json, Trace};
use super::numbers::Nano;
use super::prng::Prng;
use super::session::{Audience, Session};
use super::standings::push_open_bet;

const MS: i64 = 1000;
/// Seat of the logged-in player.
pub const SEAT: usize = 0;
/// Logging in takes the server this long.
pub const LOGIN_US: i64 = 4_900 * MS;

/// State of the logged-in player's connection.
#[derive(Debug)]
pub struct Own {
    /// SOL that is not in positions or bets.
    pub cash: Nano,
    /// Own row of the ranking, as of the last packet; None without a part in the game.
    pub entry: Option<String>,
    token: String,
    next_ack: u64,
    /// From when on private packets supervise the public ones.
    pub logged_in_us: i64,
    /// The first private packet has an extra key.
    greeted: bool,
    /// No second request before this.
    pub busy_until_us: i64,
    last_ping_ms: f64,
}

impl Own {
    /// An account with a made-up, JWT-shaped credential.
    pub fn new(random: &mut Prng) -> Self {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let token =
            format!("eyJzaW11bGF0ZWQiOnRydWV9.{}.{}", random.text(ALPHABET, 96), random.text(ALPHABET, 43));
        Self {
            cash: Nano::milli(2500),
            entry: None,
            token,
            next_ack: 0,
            logged_in_us: i64::MAX,
            greeted: false,
            busy_until_us: 0,
            last_ping_ms: 169.2,
        }
    }

    /// The credential.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The number of the next request; all kinds share one count.
    pub fn ack_id(&mut self) -> u64 {
        self.next_ack += 1;
        self.next_ack - 1
    }
}

impl Session {
    /// The requests that a browser sends when it connects, and the answers to its login.
    pub(super) fn log_in(&mut self, at_us: i64) {
        let Some(own) = self.own.as_mut() else { return };
        own.logged_in_us = at_us + LOGIN_US;
        let (token, player_id) = (own.token.clone(), self.local_player.id.clone());
        let trace = Trace::fresh(&mut self.random);
        self.send(at_us, Json::event("chatHistory").frame());
        let mut leaderboard = Json::event("getLeaderboard");
        leaderboard.raw(r#"{"period":"7d"}"#);
        self.send(at_us, leaderboard.frame());
        let mut login = Json::event("authenticate");
        login.trace(&trace).object().key("playerId").string(&player_id).key("token").string(&token).end_object();
        self.send(at_us + MS / 10, login.frame());
        let answered_us = at_us + LOGIN_US;
        self.send(answered_us - 20 * MS, Json::event("chatHistory").frame());
        self.send(answered_us - 20 * MS, Json::event("getPlayerCosmetics").frame());
        self.answer_login(Audience::Player, answered_us, trace);
        self.ask_for_rank(answered_us + 2_300 * MS);
    }

    /// What comes back on the connection that logged in, around `at_us`.
    pub(super) fn answer_login(&mut self, whom: Audience, at_us: i64, trace: Trace) {
        self.tell_account(whom, at_us - 30 * MS);
        self.username_status(whom, at_us + 10 * MS, trace);
        let sibling = trace.sibling(&mut self.random);
        let golden = self.golden_update(Some(sibling));
        self.tell(whom, at_us + 20 * MS, golden);
        let frames = [events::battle, events::sidebet_event, events::battle]
            .map(|make| make(trace.sibling(&mut self.random)));
        for (place, text) in frames.into_iter().enumerate() {
            self.tell(whom, at_us + (38 + 16 * place as i64) * MS, text);
        }
    }

    /// `usernameStatus`: which player the connection is.
    pub(super) fn username_status(&mut self, whom: Audience, at_us: i64, trace: Trace) {
        let mut status = Json::event("usernameStatus");
        status.trace(&trace.sibling(&mut self.random)).object().key("id").string(&self.local_player.id);
        status.key("hasUsername").boolean(true).key("username").raw(&self.local_player.username_json).end_object();
        self.tell(whom, at_us, status.frame());
    }

    fn ask_for_rank(&mut self, at_us: i64) {
        let player_id = self.local_player.id.clone();
        let mut question = Json::event("getPlayerLeaderboardPosition");
        question.object().key("playerId").string(&player_id).key("period").string("7d").end_object();
        self.send(at_us, question.frame());
        self.answer_rank(Audience::Player, at_us + 1_570 * MS);
    }

    /// `playerLeaderboardPosition`
    pub(super) fn answer_rank(&mut self, whom: Audience, at_us: i64) {
        let player_id = self.local_player.id.clone();
        let mut answer = Json::event("playerLeaderboardPosition");
        answer.trace(&Trace::fresh(&mut self.random)).object().key("success").boolean(true);
        answer.key("period").string("7d").key("sortDirection").string("highest").key("playerFound").boolean(true);
        answer.key("rank").int(321).key("total").int(1500).key("playerEntry").object();
        answer.key("playerId").string(&player_id).key("username").raw(&self.local_player.username_json);
        answer.key("pnl").raw("-0.012503175").end_object().key("surroundingEntries").raw("[]").end_object();
        self.tell(whom, at_us, answer.frame());
    }

    pub(super) fn own_book(&self) -> Book {
        self.round.books.get(SEAT).cloned().unwrap_or_default()
    }

    /// The private packet that follows every public one.
    pub(super) fn companion(&mut self, at_us: i64) {
        let delay = self.random.between(5 * MS, 15 * MS);
        if self.own.as_ref().is_some_and(|own| at_us >= own.logged_in_us) {
            self.game_state_player_update(at_us + delay);
        }
    }

    pub(super) fn game_state_player_update(&mut self, at_us: i64) {
        let Some(own) = self.own.as_mut() else { return };
        let mut json = Json::event("gameStatePlayerUpdate");
        json.object().key("gameId").string(&self.round.id);
        if let Some(entry) = &own.entry {
            json.key("leaderboardEntry").raw(entry);
        }
        self.lobby.rugpool.private(&mut json);
        if !std::mem::replace(&mut own.greeted, true) {
            json.key("trades").raw("[]");
        }
        json.end_object();
        self.tell(Audience::Player, at_us, json.frame());
    }

    /// `playerUpdate` at `at_us`: the account as the server sees it then.
    pub(super) fn player_update(&mut self, at_us: i64) {
        self.tell_account(Audience::Player, at_us);
    }

    pub(super) fn player_update_text(&self) -> String {
        let mark = self.round.price(self.shown_tick);
        let (player, book) = (&self.local_player, self.own_book());
        let cash = self.own.as_ref().map_or(Nano::ZERO, |own| own.cash);
        let mut json = Json::event("playerUpdate");
        json.object().key("id").string(&player.id).key("role").null().key("cash").nano(cash);
        json.key("bonusBalance").int(0).key("bonusWagerReq").int(0).key("bonusWagered").int(0);
        json.key("positionQty").nano(book.qty).key("avgCost").number(book.avg_cost);
        json.key("cumulativePnL").nano(book.pnl(mark)).key("sidebetPnl").nano(book.sidebet_pnl);
        json.key("pnlPercent").number(book.pnl_percent(mark)).key("totalInvested").nano(book.invested);
        json.key("hasInteracted").boolean(book.entered).key("selectedCoin").null();
        json.key("levelInfo").object().key("level").int(i64::from(player.level));
        json.members(r#""xp":120,"xpForNextLevel":1000,"totalXP":2120"#).end_object();
        json.members(r#""crateKeys":{"gold":0,"diamond":0,"coal":0,"iron":0,"tier0":1},"recentCrateRewards":[]"#);
        json.members(r#""shitcoinBalances":{"0xPractice":100},"authenticated":true,"hitMaxWin":false"#);
        json.members(r#""xpBoost":{"active":false,"activeUntil":0,"available":0}"#).key("sideBet");
        push_open_bet(&mut json, &self.round.id, book.open_bet.and_then(|number| self.round.bets.get(number)));
        json.members(r#""sidebets":[],"shortPosition":null,"leveragedPositions":[],"autobuysEnabled":false,"autosellPrice":null"#);
        json.end_object();
        json.frame()
    }

    /// A new game is announced: nobody has a part in it yet.
    pub(super) fn own_new_game(&mut self) {
        if let Some(own) = self.own.as_mut() {
            own.entry = None;
        }
    }

    /// The browser measures its latency: a request with an empty acknowledgement.
    pub(super) fn own_ping(&mut self, at_us: i64) {
        let Some(own) = self.own.as_mut() else { return };
        let (id, last) = (own.ack_id(), own.last_ping_ms);
        own.last_ping_ms = 150.0 + (self.random.unit() * 500.0).floor() / 10.0 + 2.98e-10;
        let took = (own.last_ping_ms * 1000.0) as i64;
        let mut ping = Json::request(id, "ping");
        ping.object().key("lastPing").number(last).end_object();
        self.send(at_us, ping.frame());
        self.tell(Audience::Player, at_us + took, Json::ack(id).frame());
    }

    pub(super) fn move_cash(&mut self, change: Nano) {
        if let Some(own) = self.own.as_mut() {
            own.cash += change;
        }
    }
}
