//! Finished games alone: entries of `gameHistory`, one a line, in a list or in a file of their own, and other programs'
//! records of the same (`{gameId, priceHistory, ruggedAt, serverSeed, …}`). Those that are not in the form of an entry are
//! stored in it, made of exact pieces of the line, with everything else that the line holds beside them. A game without a
//! seed is stored too; nothing proves it.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::value::RawValue;

use super::{Context, Envelope, Format, Taken, names};
use crate::fields::Fields;
use crate::time::Moment;
use replayer_protocol::frame;
use replayer_protocol::line::LineFormat;
use replayer_store::record::Direction;

/// Registered in [`super::FORMATS`].
#[derive(Debug)]
pub struct FinishedGame;

const IDS: [&str; 5] = ["id", "gameid", "roundid", "game", "gid"];
const PRICES: [&str; 7] = ["prices", "pricehistory", "tickprices", "pricepath", "history", "candles", "values"];
const ENDS: [&str; 8] =
    ["timestamp", "ruggedat", "endedat", "endtime", "finishedat", "endts", "rugtime", "crashedat"];
const PEAKS: [&str; 5] = ["peakmultiplier", "peak", "peakprice", "maxmultiplier", "maxprice"];
const SEEDS: [&str; 2] = ["serverseed", "seed"];
const HASHES: [&str; 4] = ["serverseedhash", "seedhash", "hash", "serverhash"];
const VERSIONS: [&str; 2] = ["gameversion", "version"];
const RUGGED: [&str; 3] = ["rugged", "isrugged", "rug"];

impl Format for FinishedGame {
    fn name(&self) -> &'static str {
        "finished_games"
    }
    fn stored(&self) -> LineFormat {
        LineFormat::HistoryCollector
    }
    fn keys(&self) -> &'static [&'static str] {
        &["id", "timestamp", "prices", "peakMultiplier", "provablyFair"]
    }
    fn recognises(&self, fields: &Fields) -> bool {
        let has = |names: &[&str]| names::find(fields, names).is_some();
        let has_end =
            has(&ENDS) || has(&PEAKS) || has(&SEEDS) || has(&HASHES) || has(&RUGGED) || fields.has("provablyFair");
        let is_game = prices(fields).is_some() || (fields.object("provablyFair").is_some() && has(&PEAKS));
        is_game && has_end
    }
    fn read<'a>(&self, fields: &Fields<'a>, context: &Context) -> Taken<'a> {
        let Some(id) = names::text(fields, &IDS) else {
            return Taken::Refused("a finished game without its id: nothing says which game it is".to_owned());
        };
        let moment = end(fields, context);
        let text = if is_entry(fields) { None } else { Some(Cow::Owned(entry(fields, &id, moment))) };
        let envelope = Envelope::new(LineFormat::HistoryCollector);
        Taken::Record(Envelope { moment, direction: Some(Direction::Received), text, ..envelope })
    }
    fn first_keys(&self) -> &'static [&'static str] {
        &["id"]
    }
}

/// When the game ended; else the line's own time.
fn end(fields: &Fields, context: &Context) -> Option<Moment> {
    let ends = ENDS.iter().filter_map(|name| names::named(fields, name));
    ends.filter_map(|value| names::time_of(value, context)).next().or_else(|| names::moment(fields, context))
}

/// Whether the line holds the seed of its game.
pub fn has_seed(text: &str) -> bool {
    let Ok(fields) = Fields::parse(text) else { return false };
    let fair = fields.object("provablyFair");
    fair.and_then(|fair| fair.text("serverSeed")).is_some_and(|seed| !seed.is_empty())
}

/// Whether the line is an entry of a history as the server writes it.
fn is_entry(fields: &Fields) -> bool {
    let is = |key: &str, first: char| fields.get(key).is_none_or(|value| value.get().starts_with(first));
    let is_number =
        |key: &str| fields.get(key).is_none_or(|value| value.get().starts_with(|c: char| c.is_ascii_digit()));
    let milliseconds = fields.number("timestamp").is_none_or(|number| (1e12..1e13).contains(&number));
    fields.text("id").is_some()
        && fields.has("prices")
        && is("prices", '[')
        && is("provablyFair", '{')
        && is("globalSidebets", '[')
        && is_number("timestamp")
        && milliseconds
        && is_number("peakMultiplier")
        && (fields.has("provablyFair") || names::find(fields, &SEEDS).is_none())
}

/// The list of prices, also where it was written as JSON in a string. Its elements are numbers, or texts of numbers.
fn prices<'a>(fields: &Fields<'a>) -> Option<Cow<'a, str>> {
    let lists = PRICES.iter().filter_map(|name| names::named(fields, name));
    lists.filter_map(names::json_of).find(|json| {
        let inside = json.strip_prefix('[').map(str::trim_start);
        inside
            .is_some_and(|inside| inside.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '"' | ']' | 'n')))
    })
}

/// The line as an entry of a history.
fn entry(fields: &Fields, id: &str, moment: Option<Moment>) -> String {
    let value = |names: &[&str]| names::find(fields, names).filter(|value| value.get() != "null");
    let fair = value(&["provablyfair"]).and_then(names::json_of).filter(|fair| fair.starts_with('{'));
    let fair_fields = fair.as_deref().and_then(|fair| Fields::parse(fair).ok());
    let mut out = String::from("{\"id\":");
    out.push_str(&serde_json::Value::from(id).to_string());
    let mut put = |key: &str, json: &str| {
        let _ = write!(out, ",\"{key}\":{json}");
    };
    if let Some(moment) = moment {
        put("timestamp", &(moment.us / 1000).to_string());
    }
    if let Some(prices) = prices(fields) {
        put("prices", &unquoted(&prices));
    }
    if let Some(peak) =
        value(&PEAKS).map(RawValue::get).map(|peak| peak.trim_matches('"')).filter(|peak| is_number(peak))
    {
        put("peakMultiplier", peak);
    }
    if let Some(rugged) = value(&RUGGED).map(RawValue::get) {
        put("rugged", if matches!(rugged, "true" | "1") { "true" } else { "false" });
    }
    if let Some(bets) = value(&["globalsidebets"]).and_then(names::json_of) {
        put("globalSidebets", &bets);
    }
    if let Some(version) = value(&VERSIONS).filter(|version| version.get().starts_with('"')) {
        put("gameVersion", version.get());
    }
    let own = fair_fields.as_ref().is_some_and(|fair| fair.has("serverSeed"));
    match &fair {
        Some(fair) if own => put("provablyFair", fair),
        _ => {
            let texts = [("serverSeed", value(&SEEDS)), ("serverSeedHash", value(&HASHES))];
            let hash = fair_fields.as_ref().and_then(|fair| fair.get("serverSeedHash"));
            let texts = texts.into_iter().filter_map(|(key, value)| {
                let value = value.or(hash.filter(|_| key == "serverSeedHash"))?;
                frame::string(value)?;
                Some(format!("\"{key}\":{}", value.get()))
            });
            let texts: Vec<_> = texts.collect();
            if !texts.is_empty() {
                put("provablyFair", &format!("{{{}}}", texts.join(",")));
            }
        }
    }
    const TAKEN: [&str; 6] = ["id", "timestamp", "prices", "peakMultiplier", "rugged", "globalSidebets"];
    const ALSO: [&str; 2] = ["gameVersion", "provablyFair"];
    for (key, value) in fields.iter() {
        let is_prices = PRICES.iter().any(|name| names::is_called(key, name));
        if !is_prices && !TAKEN.contains(&key) && !ALSO.contains(&key) {
            let key = serde_json::Value::from(key).to_string();
            let _ = write!(out, ",{key}:{}", value.get());
        }
    }
    out.push('}');
    out
}

/// Prices that were written as texts, as the numbers that they are, digit by digit.
fn unquoted(list: &str) -> Cow<'_, str> {
    let is_plain =
        |c: char| c.is_ascii_digit() || matches!(c, '"' | ',' | '.' | '-' | '+' | 'e' | 'E' | '[' | ']' | ' ');
    if list.contains('"') && list.chars().all(is_plain) {
        return Cow::Owned(list.replace('"', ""));
    }
    Cow::Borrowed(list)
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}
