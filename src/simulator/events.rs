//! The public events besides `gameStateUpdate`: trades, side bets, chat, and the announcements of contests.

use super::json::{Json, Trace};
use super::numbers::Nano;
use super::players::Player;
use super::prng::Prng;
use super::truth::{BET_PAYOUT, Side, SideBet, Trade};

/// Harmless lines, some in scripts and with characters that careless code mangles.
const CHAT: [&str; 16] = [
    "gl everyone",
    "this one goes to 10x",
    "nice chart",
    "who sold at the top?",
    "\u{1f680}\u{1f680}\u{1f680}",
    "\u{645}\u{631}\u{62d}\u{628}\u{627} to all",
    "\u{202e}desrever si siht",
    "in\u{200b}visible\u{200d} ink",
    "quotes \" and \\ backslashes",
    "two\nlines",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} family game",
    "caf\u{e9} or cafe\u{301}?",
    "\u{7b2c}\u{4e00}\u{6b21}\u{73a9}",
    "<b>not bold</b> & 'fine'",
    "gg",
    "Ignore the chart, read the seed :)",
];

/// `YYYY-MM-DDTHH:MM:SS.mmmZ`
pub fn iso_time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map(|time| time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
        .unwrap_or_default()
}

/// The UTC day of a moment as `YYYYMMDD`, the first part of a game id.
pub fn utc_date(us: i64) -> String {
    jiff::Timestamp::from_microsecond(us).map(|time| time.strftime("%Y%m%d").to_string()).unwrap_or_default()
}

/// `standard/newTrade`. Buys and sells have their keys in different orders.
pub fn new_trade(trace: Trace, game_id: &str, trade: &Trade) -> String {
    let mut json = Json::event("standard/newTrade");
    json.trace(&trace).object().key("id").string(&trade.id.to_string()).key("gameId").string(game_id);
    json.key("playerId").string(&trade.player.id);
    match trade.side {
        Side::Buy => buy_columns(&mut json, trade),
        Side::Sell => sell_columns(&mut json, trade),
    }
    let (bonus, real) = trade_portions(trade);
    json.key("bonusPortion").nano(bonus).key("realPortion").nano(real);
    json.key("username")
        .raw(&trade.player.username_json)
        .key("level")
        .int(i64::from(trade.player.level))
        .end_object();
    json.frame()
}

fn buy_columns(json: &mut Json, trade: &Trade) {
    json.key("price").number(trade.price).key("type").string("buy").key("qty").nano(trade.qty);
    json.key("tickIndex").count(trade.tick).key("coin").string("solana").key("amount").nano(trade.amount);
    json.key("leverage").int(1);
}

fn sell_columns(json: &mut Json, trade: &Trade) {
    json.key("type").string("sell").key("price").number(trade.price).key("tickIndex").count(trade.tick);
    json.key("coin").string("solana").key("amount").nano(trade.amount).key("qty").nano(trade.qty);
}

/// Bonus and own part of the amount. Sells fall a billionth short now and then, as on the wire.
fn trade_portions(trade: &Trade) -> (Nano, Nano) {
    let short = trade.side == Side::Sell && trade.amount.0 % 3 == 1;
    let part = trade.amount - Nano(i64::from(short));
    if trade.player.bonus { (part, Nano::ZERO) } else { (Nano::ZERO, part) }
}

/// The object that announces a placed side bet: in `newSideBet`, `currentSidebet` and the acknowledgement.
pub fn push_placed_bet(json: &mut Json, game_id: &str, bet: &SideBet, price: f64) {
    json.object().key("playerId").string(&bet.player.id).key("gameId").string(game_id);
    json.key("username").raw(&bet.player.username_json).key("level").int(i64::from(bet.player.level));
    json.key("price").number(price).key("betAmount").nano(bet.stake).key("xPayout").int(BET_PAYOUT);
    json.key("coinAddress").string(bet.coin()).key("startTick").count(bet.start_tick);
    json.key("endTick").count(bet.end_tick).key("tickIndex").count(bet.start_tick);
    json.key("timestamp").int(bet.placed_ms).key("type").string("placed").end_object();
}

/// `newSideBet`
pub fn new_side_bet(trace: Trace, game_id: &str, bet: &SideBet, price: f64) -> String {
    let mut json = Json::event("newSideBet");
    json.trace(&trace);
    push_placed_bet(&mut json, game_id, bet, price);
    json.frame()
}

/// A chat line; the next one may answer it.
#[derive(Debug, Clone)]
pub struct ChatLine {
    key: String,
    username: String,
    message: String,
}

/// `newChatMessage` of `player`, and the line to answer to. None for players without a name: they cannot write.
pub fn chat(
    random: &mut Prng,
    player: &Player,
    now_ms: i64,
    answered: Option<&ChatLine>,
) -> Option<(String, ChatLine)> {
    let username = player.username.clone()?;
    let message = random.pick(&CHAT).copied().unwrap_or("gg").to_owned();
    let moderator = random.chance(0.05);
    let mut json = Json::event("newChatMessage");
    json.trace(&Trace::fresh(random)).object().key("playerId").string(&player.id);
    json.key("username").string(&username).key("level").int(i64::from(player.level));
    json.key("message").string(&message).key("timestamp").int(now_ms).key("filtered").boolean(false);
    json.key("role").optional(moderator.then_some("mod")).key("tag").optional(moderator.then_some("mod"));
    json.key("verified").boolean(player.discord.is_some());
    json.key("discordUsername").optional(player.discord.as_deref()).key("replyTo");
    match answered {
        Some(line) => {
            json.object().key("key").string(&line.key).key("username").string(&line.username);
            json.key("message").string(&line.message).end_object()
        }
        None => json.null(),
    };
    json.end_object();
    let line = ChatLine { key: format!("{}-{now_ms}", player.id), username, message };
    Some((json.frame(), line))
}

/// The payload of a frame `42["name",{trace},{payload}]`.
pub fn payload(frame: &str) -> Option<&str> {
    frame.split_once("},").and_then(|(_, rest)| rest.strip_suffix(']'))
}

/// The event of a simulated Golden Hour.
#[derive(Debug, Clone)]
pub struct GoldenHour {
    id: String,
    event: String,
}

impl GoldenHour {
    /// An event that started an hour before `start_ms` and lasts a day.
    pub fn new(random: &mut Prng, start_ms: i64) -> Self {
        let id = format!("admin-{}", random.uuid());
        let start = start_ms - 3_600_000;
        let mut json = Json::fragment();
        json.object().key("id").string(&id).key("startTime").string(&iso_time(start));
        json.key("endTime").string(&iso_time(start + 86_400_000)).key("prepTimeMinutes").int(0);
        json.key("levelRequired").int(10).key("status").string("SCHEDULED");
        json.key("createdAt").string(&iso_time(start - 224_682)).key("createdBy").string("admin");
        json.key("prizeAmount").raw("0.05").key("maxEntries").int(50).key("durationMinutes").int(60).end_object();
        Self { id, event: json.into_text() }
    }

    /// `goldenHourUpdate`
    pub fn update(&self, trace: Trace, golden: bool) -> String {
        let mut json = Json::event("goldenHourUpdate");
        json.trace(&trace).object().key("status").string("ACTIVE").key("activeEventId").string(&self.id);
        json.key("currentEvent").raw(&self.event).key("upcomingEvents").raw("[]");
        json.key("events").array().raw(&self.event).end_array();
        json.key("currentGameIsGolden").boolean(golden).end_object();
        json.frame()
    }
}

/// `goldenHourUpdate` when no event runs. Its keys are those of the running one; nobody captured this form.
pub fn golden_hour_idle(trace: Trace) -> String {
    let mut json = Json::event("goldenHourUpdate");
    json.trace(&trace).raw(
        r#"{"status":"INACTIVE","activeEventId":null,"currentEvent":null,"upcomingEvents":[],"events":[],"currentGameIsGolden":false}"#,
    );
    json.frame()
}

/// `goldenHourDrawing`: the raffle of a golden game among `entrants`. None without entrants.
pub fn golden_drawing(random: &mut Prng, game_id: &str, now_ms: i64, entrants: &[&Player]) -> Option<String> {
    let tickets: Vec<i64> = entrants.iter().map(|_| random.between(1, 50)).collect();
    let total: i64 = tickets.iter().sum();
    let winner = random.below(entrants.len());
    let mut json = Json::event("goldenHourDrawing");
    json.trace(&Trace::fresh(random)).object().key("id").string(&random.uuid().to_string());
    json.key("timestamp").int(now_ms).key("gameId").string(game_id).key("entries").array();
    for (player, count) in entrants.iter().zip(&tickets) {
        json.object().key("playerId").string(&player.id).key("username").raw(&player.username_json);
        json.key("entryCount")
            .int(*count)
            .key("entryPercentage")
            .number(*count as f64 / total as f64 * 100.0)
            .end_object();
    }
    json.end_array().key("winnerIndex").count(winner).key("prizeAmount").raw("0.05");
    json.key("winnerPlayerId").string(&entrants.get(winner)?.id).end_object();
    Some(json.frame())
}

/// `battleEventUpdate`, idle as in every sample.
pub fn battle(trace: Trace) -> String {
    let mut json = Json::event("battleEventUpdate");
    json.trace(&trace).raw(concat!(
        r#"{"status":"SCHEDULED","startTime":null,"endTime":null,"nextEventStartTime":null,"currentEvent":null,"#,
        r#""nextEvent":null,"leaderboard":[],"fullLeaderboardSize":0,"playerPosition":null,"participantCount":0,"#,
        r#""activeBattleCount":0,"lobbyCreationDisabled":false,"queue":{"active":false,"queueSize":0,"#,
        r#""availableLobbies":0},"isShowingPreviousEvent":null,"eventSchedule":[],"config":{"token":"0xPractice","#,
        r#""startingBalance":100,"prepTimeMinutes":30,"levelRequired":1}}"#
    ));
    json.frame()
}

/// `rugRoyaleUpdate` between two tournaments; one of the events without a trace.
pub fn rug_royale(roster: &[std::sync::Arc<Player>], now_ms: i64) -> String {
    let mut json = Json::event("rugRoyaleUpdate");
    json.object().members(
        r#""status":"INACTIVE","activeEventId":null,"currentEvent":null,"upcomingEvents":[],"events":[]"#,
    );
    json.key("leaderboard").array();
    for (rank, player) in roster.iter().take(10).enumerate() {
        json.object().key("playerId").string(&player.id).key("username").raw(&player.username_json);
        json.key("balance")
            .nano(Nano(4_200_125_250_375 / (rank as i64 + 1)))
            .key("level")
            .int(i64::from(player.level));
        json.key("lastUpdated").int(now_ms - 86_400_000 - rank as i64).key("rank").count(rank + 1).end_object();
    }
    json.end_array();
    json.members(
        r#""history":[],"playerPosition":null,"timeRemaining":null,"finalRound":false,"isInFinalRound":false"#,
    );
    json.key("config").raw(
        r#"{"token":"0xPractice","startingBalance":100,"prepTimeMinutes":30,"levelRequired":1,"prizeTiers":{"1":3,"2":1,"3":0.5,"4":0.15,"5":0.1,"6-10":0.05}}"#,
    );
    json.end_object();
    json.frame()
}

/// `sidebetEventUpdate` between two contests.
pub fn sidebet_event(trace: Trace) -> String {
    let mut json = Json::event("sidebetEventUpdate");
    json.trace(&trace).raw(concat!(
        r#"{"status":"INACTIVE","activeEventId":null,"currentEvent":null,"upcomingEvents":[],"events":[],"#,
        r#""leaderboard":[],"history":[],"playerPosition":null,"timeRemaining":null,"finalRound":false,"#,
        r#""isInFinalRound":false,"config":{"prepTimeMinutes":30,"levelRequired":1,"prizeTiers":{"1":1,"2":0.5}}}"#
    ));
    json.frame()
}

/// `maintenanceUpdate`, prepared but not active.
pub fn maintenance(trace: Trace) -> String {
    let mut json = Json::event("maintenanceUpdate");
    json.trace(&trace).raw(
        r#"{"active":false,"message":"Server will reboot after this round. Will take approximately 3 minutes.","mega":false}"#,
    );
    json.frame()
}
