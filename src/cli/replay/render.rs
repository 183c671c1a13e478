//! A replay in lines: where it is, what was passed, what was done, what the game did to the account.

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use crate::replay::account::Settlement;
use crate::replay::cursor::moves::{Moved, Stopped};
use crate::replay::cursor::orders::{Compared, RefusedOrder};
use crate::replay::cursor::place::{Changed, Place};
use crate::sql::cells::visible;

/// Differences told at most.
const DIFFERENCES: usize = 200;

/// Values of a change that stand first, in this order, and what they are called.
const FIRST: [(&str, &str); 5] =
    [("tick", "tick"), ("rug_tick", "tick"), ("rug_price", "price"), ("side", "side"), ("price", "price")];

/// Changes that may be about another game than the one of the place.
const OF_ANOTHER: [&str; 3] = ["game_finished", "seed_revealed", "god_candle"];

/// The place, without the money there.
pub(super) fn place(place: &Place) -> String {
    let mut line = place.game.as_ref().map_or_else(String::new, |game| format!("{game}  "));
    line.push_str(place.game_id.as_deref().unwrap_or("no game yet"));
    line.push_str(&format!("  {}", place.phase.as_deref().unwrap_or("phase unknown")));
    if let Some(tick) = place.tick {
        line.push_str(&format!("  tick {tick}"));
    }
    if let Some(price) = place.price {
        line.push_str(&format!("  {price:.4}x"));
    }
    line.push_str(&format!("  {}/{}  {}", place.event_number, place.events, visible(&place.event)));
    if let Some(at) = &place.at {
        line.push_str(&format!("  ({})", at.replace('_', " ")));
    }
    line
}

/// The local account behind a place.
pub(super) fn account(view: &Map<String, Value>) -> String {
    let mut line = format!("  balance {}", text(view, "balance"));
    if let Some(position) = view.get("position").and_then(Value::as_object) {
        line.push_str(&format!(", {} at {}", text(position, "amount"), text(position, "entry_price")));
        if let Some(pnl) = amount(position, "unrealised_pnl") {
            line.push_str(&format!(" ({} unrealised)", signed(pnl)));
        }
    }
    if let Some(bet) = view.get("side_bet").and_then(Value::as_object) {
        line.push_str(&format!(", bet {} until tick {}", text(bet, "amount"), text(bet, "end_tick")));
    }
    if let Some(equity) = amount(view, "equity") {
        line.push_str(&format!(", equity {}", short(equity)));
    }
    line
}

/// What a move passed, and why it ended where it did.
pub(super) fn passed(moved: &Moved) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    if moved.changed_before > 0 {
        lines.push(format!("… {} changes before these", moved.changed_before));
    }
    lines.extend(moved.changed.iter().map(|changed| format!("  {}", visible(&change(changed)))));
    let why = match moved.stopped {
        Stopped::Done | Stopped::ConditionHolds => return lines,
        Stopped::OwnAction => "an action of this replay stands here",
        Stopped::Start => "that is the start",
        Stopped::End => "that is the end",
        Stopped::LiveEnd => "that is all so far; it is still being recorded",
        Stopped::Bound => "stopped: as many events as a move looks at",
        Stopped::Time => "stopped: as long as a move takes",
    };
    lines.push(why.to_owned());
    lines
}

/// What an event changed: `game_rugged  tick 229  price 0.0066`.
fn change(changed: &Changed) -> String {
    let note = &changed.note;
    let name = note.get("note").and_then(Value::as_str).unwrap_or_default();
    let mut line = name.to_owned();
    if name == "phase" {
        let phase = |key: &str| note.get(key).and_then(Value::as_str).unwrap_or("unknown");
        line.push_str(&format!("  {} → {}", phase("from"), phase("to")));
        if note.contains_key("previous_game") {
            line.push_str(&format!("  game {}", text(note, "game_id")));
        }
        return line;
    }
    let first = FIRST.iter().filter_map(|(key, label)| Some((*label, *key, note.get(*key)?)));
    let is_first = |key: &str| FIRST.iter().any(|(first, _)| *first == key);
    let others = note.iter().filter(|(key, _)| {
        !is_first(key)
            && !["note", "ts"].contains(&key.as_str())
            && (*key != "game_id" || OF_ANOTHER.contains(&name))
    });
    let others =
        others.map(|(key, value)| (if key == "game_id" { "game" } else { key.as_str() }, key.as_str(), value));
    for (label, key, value) in first.chain(others) {
        line.push_str(&format!("  {} {}", label.replace('_', " "), word(key, value)));
    }
    line
}

fn word(key: &str, value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number)
            if ["price", "rug_price", "peak", "before", "after", "kept", "other"].contains(&key) =>
        {
            number.as_f64().map_or_else(|| number.to_string(), |number| format!("{number:.4}"))
        }
        Value::Array(list) => list.iter().map(|one| word(key, one)).collect::<Vec<_>>().join(", "),
        Value::Object(object) => {
            let parts: Vec<String> =
                object.iter().map(|(key, value)| format!("{key} {}", word(key, value))).collect();
            parts.join(" ")
        }
        other => other.to_string(),
    }
}

/// What the game did to the account.
pub(super) fn settled(settlement: &Settlement) -> String {
    match settlement {
        Settlement::RugSold { price, amount, pnl_sol, .. } => {
            format!("rug closed {} at {}: {}", short(*amount), short(*price), signed(*pnl_sol))
        }
        Settlement::SideBet { won: true, placed_tick, payout, .. } => {
            format!("side bet of tick {placed_tick} won: {} paid out", short(*payout))
        }
        Settlement::SideBet { placed_tick, amount, .. } => {
            format!("side bet of tick {placed_tick} lost: {}", signed(-*amount))
        }
        Settlement::GameChanged { to, new_balance, .. } => {
            format!("game {to}: the account starts anew with {}", short(*new_balance))
        }
    }
}

/// An action that was taken.
pub(super) fn acted(told: &Map<String, Value>) -> Vec<String> {
    let mut line = text(told, "action");
    if told.contains_key("amount") {
        line.push_str(&format!(" {} at {}", text(told, "amount"), text(told, "price")));
    }
    line.push_str(": ");
    if let Some(sale) = told.get("sale").and_then(Value::as_object) {
        let pnl = amount(sale, "pnl_sol").map_or_else(|| "?".to_owned(), signed);
        let percent =
            amount(sale, "pnl_percent").map_or_else(|| "?".to_owned(), |part| part.round_dp(2).to_string());
        line.push_str(&format!("PnL {pnl} ({percent} %), "));
    }
    if told.contains_key("potential_win") {
        line.push_str(&format!("pays {} up to tick {}, ", text(told, "potential_win"), text(told, "end_tick")));
    }
    line.push_str(&format!("balance {}", text(told, "new_balance")));
    let mut lines = vec![line];
    for (name, what) in [("dropped_position", "position"), ("dropped_bet", "side bet")] {
        if told.contains_key(name) {
            lines.push(format!("dropped the open {what} of {}", text(told, name)));
        }
    }
    if told.contains_key("stored_as") {
        lines.push(format!("stored as {}", text(told, "stored_as")));
    }
    let list = |name: &str| told.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let sentences =
        |name: &str| list(name).iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
    lines.extend(sentences("differs_from_legacy").into_iter().map(|why| format!("not as in legacy: {why}")));
    lines.extend(sentences("removed").into_iter().map(|why| format!("removed {why}")));
    lines
}

/// The command that leads on from an order that was refused.
pub(super) fn way_on(refused: &RefusedOrder) -> String {
    use crate::replay::account::Refusal;
    match (&refused.refusal, &refused.open_at, refused.affordable, refused.bet_ends_in) {
        (
            Refusal::NotActive(_)
            | Refusal::Rugged(_)
            | Refusal::Phase { .. }
            | Refusal::NoPrice { .. }
            | Refusal::NothingToReset,
            Some(event_ref),
            ..,
        ) => format!(" (`seek {event_ref}`)"),
        (Refusal::InsufficientBalance { .. } | Refusal::CannotOpen { .. }, _, Some(most), _) => {
            format!(" (at most {most})")
        }
        (Refusal::InsufficientBalance { .. } | Refusal::CannotOpen { .. }, _, None, _) => " (`reset`)".to_owned(),
        (Refusal::BetActive, .., Some(ticks)) => format!(" (`step {ticks}`)"),
        (Refusal::BetActive, .., None) => " (`reset`)".to_owned(),
        _ => String::new(),
    }
}

/// What differs from another place.
pub(super) fn compared(compared: &Compared) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(other) = &compared.other {
        lines.push(format!("against {}", place(other)));
    }
    let told = compared.differences.iter().take(DIFFERENCES);
    lines.extend(told.map(|one| visible(&format!("  {}: {} → {}", one.path, one.before, one.after))));
    match compared.differences.len() {
        0 => lines.push("nothing differs".to_owned()),
        all if all > DIFFERENCES => lines.push(format!("… {} more", all - DIFFERENCES)),
        _ => {}
    }
    lines
}

/// A value as it is; decimals to six places.
fn text(values: &Map<String, Value>, name: &str) -> String {
    match values.get(name) {
        Some(Value::String(text)) => text.parse().map_or_else(|_| visible(text), short),
        Some(value) => value.to_string(),
        None => "?".to_owned(),
    }
}

fn amount(values: &Map<String, Value>, name: &str) -> Option<Decimal> {
    values.get(name)?.as_str()?.parse().ok()
}

fn short(number: Decimal) -> String {
    number.round_dp(6).normalize().to_string()
}

fn signed(number: Decimal) -> String {
    let text = short(number);
    if number > Decimal::ZERO { format!("+{text}") } else { text }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;
    use crate::state::Note;

    fn changed(note: &Note) -> String {
        change(&Changed::of("s:1".to_owned(), note))
    }

    #[test]
    fn changes_are_words() {
        let rug = Note::GameRugged { game_id: "g".into(), rug_tick: Some(229), rug_price: Some(0.006_62) };
        assert_eq!(changed(&rug), "game_rugged  tick 229  price 0.0066");
        let unseen = Note::GameRugged { game_id: "g".into(), rug_tick: None, rug_price: None };
        assert_eq!(changed(&unseen), "game_rugged");
        let seed = Note::SeedRevealed { game_id: "g".into(), proven: Some(true), filled: 2 };
        assert_eq!(changed(&seed), "seed_revealed  game g  proven yes  filled 2");
    }

    #[test]
    fn an_account_shows_what_is_open_and_what_it_is_worth() {
        let view = json!({
            "balance": "0.0790",
            "equity": "0.0913",
            "position": {"amount": "0.01", "entry_price": "1.1", "unrealised_pnl": "0.0013"},
            "side_bet": {"amount": "0.01", "end_tick": 52},
        });
        assert_eq!(
            account(view.as_object().unwrap()),
            "  balance 0.079, 0.01 at 1.1 (+0.0013 unrealised), bet 0.01 until tick 52, equity 0.0913"
        );
    }

    #[test]
    fn a_settlement_is_one_sentence() {
        let rug = Settlement::RugSold {
            tick: 9,
            price: Decimal::new(2, 2),
            amount: Decimal::new(1, 2),
            entry_price: Decimal::ONE,
            balance_change: Decimal::new(2, 4),
            pnl_sol: Decimal::new(-98, 4),
            pnl_percent: Decimal::new(-98, 0),
            new_balance: Decimal::new(902, 4),
            differs_from_legacy: Vec::new(),
        };
        assert_eq!(settled(&rug), "rug closed 0.01 at 0.02: -0.0098");
        let bet = Settlement::SideBet {
            won: false,
            tick: 53,
            placed_tick: 12,
            amount: Decimal::new(1, 2),
            payout: Decimal::ZERO,
            new_balance: Decimal::new(9, 2),
            differs_from_legacy: Vec::new(),
        };
        assert_eq!(settled(&bet), "side bet of tick 12 lost: -0.01");
    }
}
