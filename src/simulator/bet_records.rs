//! The records of side bets in a game's history: `placed` and `payout`.

use super::json::Json;
use super::prng::Prng;
use super::truth::{BET_PAYOUT, SideBet};

/// Appends that `bet` was placed.
pub fn record_placement(json: &mut Json, game_id: &str, bet: &SideBet) {
    let (bonus, real) = bet.portions();
    json.object().key("playerId").string(&bet.player.id).key("username").raw(&bet.player.username_json);
    json.key("gameId").string(game_id).key("betAmount").nano(bet.stake).key("xPayout").int(BET_PAYOUT);
    json.key("coinAddress").string(bet.coin()).key("bonusPortion").nano(bonus).key("realPortion").nano(real);
    json.key("timestamp")
        .int(bet.placed_ms)
        .key("type")
        .string("placed")
        .key("startedAtTick")
        .count(bet.start_tick);
    json.key("end").count(bet.end_tick).key("id").string(&bet.id.to_string()).end_object();
}

/// Appends how `bet` ended. A lost bet's record names the tick it was placed on and no price; a won one names the rug.
pub fn record_payout(json: &mut Json, random: &mut Prng, game_id: &str, bet: &SideBet, price: f64) {
    let Some(outcome) = bet.outcome else { return };
    json.object().key("playerId").string(&bet.player.id).key("gameId").string(game_id);
    json.key("username").raw(&bet.player.username_json);
    if outcome.won {
        json.key("level").int(i64::from(bet.player.level));
    }
    json.key("betAmount").nano(bet.stake).key("payout").nano(outcome.payout);
    json.key("profit").nano(outcome.payout - bet.stake).key("xPayout").int(BET_PAYOUT);
    json.key("coinAddress").string(bet.coin()).key("endTick").count(bet.end_tick);
    json.key("startTick").count(bet.start_tick);
    json.key("tickIndex").count(if outcome.won { outcome.tick } else { bet.start_tick });
    if outcome.won {
        json.key("price").number(price);
    }
    json.key("timestamp").int(outcome.at_ms).key("type").string("payout");
    json.key("id").string(&random.uuid().to_string()).end_object();
}
