//! The ranking of the running game: who is shown, in which order, with which keys.

use std::sync::Arc;

use super::book::Book;
use super::game::Round;
use super::json::Json;
use super::numbers::Nano;
use super::players::Player;
use super::truth::{BET_PAYOUT, SideBet};

/// Rows of the public ranking.
const SHOWN: usize = 10;
const PRACTICE_COIN: &str = r#"{"address":"0xPractice","ticker":"FREE","name":"Free Practice Token","max_bet":10000,"max_win":50000,"logoURI":"/icons/Icon_Free_Solana.png"}"#;

/// The ranking at one moment.
#[derive(Debug, Clone, Default)]
pub struct Standings {
    /// Total result and seat of everybody who takes part, best first.
    ranks: Vec<(Nano, usize)>,
    mark: f64,
    running: bool,
}

impl Standings {
    /// Ranks everybody by result at the price `mark`. Before the game (`running` false) nobody has one.
    pub fn of(round: &Round, mark: f64, running: bool) -> Self {
        let entered = round.books.iter().enumerate().filter(|(_, book)| book.entered);
        let mut ranks: Vec<(Nano, usize)> = entered.map(|(seat, book)| (book.pnl(mark), seat)).collect();
        ranks.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        Self { ranks, mark, running }
    }

    /// The public `leaderboard` as JSON.
    pub fn leaderboard(&self, round: &Round, roster: &[Arc<Player>]) -> String {
        let mut json = Json::fragment();
        json.reserve(SHOWN * 420).array();
        for (place, (_, seat)) in self.ranks.iter().take(SHOWN).enumerate() {
            self.row(&mut json, round, roster, *seat, place + 1);
        }
        json.end_array();
        json.into_text()
    }

    /// The row of one player, whatever the rank; None for those who do not take part.
    pub fn entry(&self, round: &Round, roster: &[Arc<Player>], seat: usize) -> Option<String> {
        let place = self.ranks.iter().position(|(_, ranked)| *ranked == seat)?;
        let mut json = Json::fragment();
        self.row(&mut json, round, roster, seat, place + 1);
        Some(json.into_text())
    }

    fn row(&self, json: &mut Json, round: &Round, roster: &[Arc<Player>], seat: usize, position: usize) {
        let (Some(player), Some(book)) = (roster.get(seat), round.books.get(seat)) else {
            return;
        };
        json.object().key("id").string(&player.id).key("username").raw(&player.username_json);
        json.key("level").int(i64::from(player.level)).key("pnl").nano(book.pnl(self.mark));
        if self.running {
            json.key("regularPnl").nano(book.regular_pnl(self.mark)).key("sidebetPnl").nano(book.sidebet_pnl);
            json.key("shortPnl").int(0);
            bet_columns(json, round, book);
            json.key("pnlPercent").number(book.pnl_percent(self.mark));
        } else {
            json.key("pnlPercent").number(book.pnl_percent(self.mark));
            bet_columns(json, round, book);
        }
        json.key("hasActiveTrades").boolean(true).key("positionQty").nano(book.qty);
        json.key("avgCost").number(book.avg_cost).key("totalInvested").nano(book.invested);
        json.key("selectedCoin").raw(if player.practice { PRACTICE_COIN } else { "null" });
        json.key("position").count(position).end_object();
    }
}

fn bet_columns(json: &mut Json, round: &Round, book: &Book) {
    let bet = book.open_bet.and_then(|number| round.bets.get(number));
    json.key("sidebetActive").raw(if bet.is_some() { "true" } else { "null" }).key("sideBet");
    push_open_bet(json, &round.id, bet);
    json.key("shortPosition").null();
}

/// An open side bet as rankings and account updates show it, or null.
pub fn push_open_bet(json: &mut Json, game_id: &str, bet: Option<&SideBet>) {
    let Some(bet) = bet else {
        json.null();
        return;
    };
    let (bonus, real) = bet.portions();
    json.object().key("startedAtTick").count(bet.start_tick).key("gameId").string(game_id);
    json.key("end").count(bet.end_tick).key("betAmount").nano(bet.stake).key("xPayout").int(BET_PAYOUT);
    json.key("coinAddress").string(bet.coin()).key("bonusPortion").nano(bonus).key("realPortion").nano(real);
    json.end_object();
}
