//! The doc types and their columns: names, types, meaning. The one place that knows them; Arrow schemas,
//! views, CONTEXT.md and `schema show` are made from it.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde::{Deserialize, Serialize};

/// The schema version that this build writes. Same major: readable; newer: read-only with an explanation.
pub const SCHEMA_VERSION: &str = "1.1";

/// Key in a part's metadata: what is known of its sessions and of the files they were imported from, as JSON.
pub const META_ABOUT: &str = "replayer.about";

/// Key of the schema version in a part's Parquet metadata.
pub const META_SCHEMA: &str = "replayer.schema_version";
/// Key of the doc type in a part's Parquet metadata.
pub const META_DOC_TYPE: &str = "replayer.doc_type";
/// Key of the part's own catalog entry (JSON) in its Parquet metadata: the catalog can be rebuilt from it.
pub const META_PART: &str = "replayer.part";
/// Key of the part's table of contents (JSON) in its Parquet metadata. The number is the table's own: a part with
/// another one is read as if it had none.
pub const META_CONTENTS: &str = "replayer.contents.3";

/// The kind of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocType {
    /// The raw frame; every other kind is projected from it.
    WsEvent,
    /// `gameStateUpdate`.
    GameTick,
    /// `playerUpdate`.
    ServerState,
    /// Sent orders and their acks.
    PlayerAction,
    /// The recorder itself.
    SystemEvent,
    /// A finished game, once.
    Game,
    /// `standard/newTrade`.
    Trade,
    /// Side bets.
    Sidebet,
}

impl DocType {
    /// Every doc type.
    pub const ALL: [DocType; 8] = [
        DocType::WsEvent,
        DocType::GameTick,
        DocType::ServerState,
        DocType::PlayerAction,
        DocType::SystemEvent,
        DocType::Game,
        DocType::Trade,
        DocType::Sidebet,
    ];

    /// The name stored in the `doc_type` column; also the name of the view.
    pub fn as_str(self) -> &'static str {
        match self {
            DocType::WsEvent => "ws_event",
            DocType::GameTick => "game_tick",
            DocType::ServerState => "server_state",
            DocType::PlayerAction => "player_action",
            DocType::SystemEvent => "system_event",
            DocType::Game => "game",
            DocType::Trade => "trade",
            DocType::Sidebet => "sidebet",
        }
    }

    /// The doc type of this name.
    pub fn from_name(name: &str) -> Option<DocType> {
        DocType::ALL.into_iter().find(|doc_type| doc_type.as_str() == name)
    }

    /// One sentence on what its rows are.
    pub fn about(self) -> &'static str {
        match self {
            DocType::WsEvent => "Every frame, byte for byte in raw_json; everything else is projected from it.",
            DocType::GameTick => "One row per gameStateUpdate: tick, price, phase. Timer packets carry no price.",
            DocType::ServerState => "The logged-in account as the server sees it (playerUpdate).",
            DocType::PlayerAction => "Orders the browser sent, and one more row when the server answered.",
            DocType::SystemEvent => "What the recorder has to say: connections, gaps, cuts, imported markers.",
            DocType::Game => "A finished game from gameHistory, once per game: prices, seed, peak.",
            DocType::Trade => "standard/newTrade broadcasts; throttled by the server to about one per 2 s.",
            DocType::Sidebet => "Side bets: placements and payouts, from the history and from live events.",
        }
    }

    /// Its own columns, behind the envelope.
    pub fn own_columns(self) -> &'static [Column] {
        match self {
            DocType::WsEvent => WS_EVENT,
            DocType::GameTick => GAME_TICK,
            DocType::ServerState => SERVER_STATE,
            DocType::PlayerAction => PLAYER_ACTION,
            DocType::SystemEvent => SYSTEM_EVENT,
            DocType::Game => GAME,
            DocType::Trade => TRADE,
            DocType::Sidebet => SIDEBET,
        }
    }

    /// Whether rows that were written with this schema version have the columns of today: a version that adds a column
    /// to one kind leaves the parts of the others as they are.
    pub fn has_columns_of(self, version: &str) -> bool {
        let since = match self {
            DocType::PlayerAction => "1.1",
            _ => "1.0",
        };
        !is_newer(since, version)
    }

    /// Envelope and own columns, in the order they are stored.
    pub fn columns(self) -> impl Iterator<Item = &'static Column> {
        ENVELOPE.iter().chain(self.own_columns())
    }
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// 64-bit integer.
    Int,
    /// IEEE double: the wire speaks doubles, and every one of them round-trips.
    Float,
    /// Boolean.
    Bool,
    /// Microseconds UTC.
    Time,
    /// A list of doubles.
    Floats,
}

impl Kind {
    /// The Arrow type.
    pub fn data_type(self) -> DataType {
        match self {
            Kind::Text => DataType::Utf8,
            Kind::Int => DataType::Int64,
            Kind::Float => DataType::Float64,
            Kind::Bool => DataType::Boolean,
            Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Kind::Floats => DataType::List(Arc::new(Field::new("item", DataType::Float64, true))),
        }
    }

    /// The name a person knows the type by.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Int => "bigint",
            Kind::Float => "double",
            Kind::Bool => "boolean",
            Kind::Time => "timestamp (µs, UTC)",
            Kind::Floats => "list of double",
        }
    }
}

/// One column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type. Every column may be NULL: absent is NULL, never a default.
    pub kind: Kind,
    /// What it means, with its unit.
    pub about: &'static str,
}

const fn column(name: &'static str, kind: Kind, about: &'static str) -> Column {
    Column { name, kind, about }
}

/// The columns every row has: the ten of the envelope, and `ordinal`, which tells rows of one frame apart.
pub const ENVELOPE: &[Column] = &[
    column("ts", Kind::Time, "when it happened, by the recorder's clock; NULL where no one knows"),
    column("source", Kind::Text, "cdp, public_ws, replay, ui or import"),
    column("doc_type", Kind::Text, "the kind of the row"),
    column("session_id", Kind::Text, "one run of a recorder, or one imported file"),
    column("game_id", Kind::Text, "the round"),
    column("player_id", Kind::Text, "whom it is about"),
    column("username", Kind::Text, "their name, as they chose it: text written by strangers"),
    column("seq", Kind::Int, "number of the frame in its session, from 1; (session_id, seq) is the event ref"),
    column("direction", Kind::Text, "received or sent"),
    column(
        "raw_json",
        Kind::Text,
        "ws_event: the frame or imported line, byte for byte; other kinds: the exact element the row was made \
         from where that is a part of the frame; NULL where it is the whole frame (join on the event ref)",
    ),
    column("ordinal", Kind::Int, "number of the row among those of its kind from one frame, from 0"),
];

const WS_EVENT: &[Column] = &[
    column("event_name", Kind::Text, "the Socket.IO event; NULL for acks and transport packets"),
    column("packet", Kind::Text, "open, ping, pong, connect, event, ack, …"),
    column("ack_id", Kind::Int, "the id an event wants answered, or an ack answers"),
    column("trace_id", Kind::Text, "32 hex digits; an order and the trade it caused share it"),
    column("socket_id", Kind::Text, "the socket, where several are recorded at once"),
    column("phase", Kind::Text, "COOLDOWN, PRESALE, ACTIVE or RUGGED, from this frame's own indicators"),
    column(
        "frame",
        Kind::Text,
        "ok, unparsed, broken_json, payload_lost (an older recorder dropped it), payload_unread (not the object that this \
         event has: no row was made of it), or value_unread (a value cannot be read, like 1e400: it is NULL in its row)",
    ),
    column("format", Kind::Text, "how raw_json is to be read: wire, or the imported line's format"),
    column("source_clock", Kind::Float, "the source's own clock, seconds (Chrome's monotonic time)"),
    column("import_offset", Kind::Int, "where the line begins in the imported file, bytes"),
];

const GAME_TICK: &[Column] = &[
    column(
        "tick",
        Kind::Int,
        "tickCount as sent; after the rug it runs on by 1–3, the true rug tick is the first rugged row's",
    ),
    column("price", Kind::Float, "multiplier; NULL in cooldown and presale packets"),
    column("active", Kind::Bool, "as sent; stays true through the rug"),
    column("rugged", Kind::Bool, "as sent"),
    column("cooldown_timer", Kind::Float, "milliseconds to the next change of phase"),
    column("trade_count", Kind::Int, "trades of this game so far, complete"),
    column("phase", Kind::Text, "COOLDOWN, PRESALE, ACTIVE or RUGGED"),
    column(
        "tick_source",
        Kind::Text,
        "frame (gameStateUpdate), recording (an older recorder's projection), seed (recomputed from the revealed \
         seed because nothing recorded it; its ts is the proof's)",
    ),
];

const SERVER_STATE: &[Column] = &[
    column("cash", Kind::Float, "balance, SOL"),
    column("position_qty", Kind::Float, "token units held"),
    column("avg_cost", Kind::Float, "weighted entry multiplier; 0 when flat"),
    column("total_invested", Kind::Float, "buys plus side-bet stakes of this game, SOL"),
    column("pnl", Kind::Float, "result of this game (cumulativePnL), SOL"),
    column("pnl_percent", Kind::Float, "pnl / total_invested * 100"),
    column("has_active_trades", Kind::Bool, "as sent; always true, useless as a position flag"),
];

const PLAYER_ACTION: &[Column] = &[
    column("action_type", Kind::Text, "BUY, SELL, PARTIAL_SELL or SIDEBET"),
    column(
        "stage",
        Kind::Text,
        "request, ack (the server's answer to it), or replay (taken in a replay, executed by the local account)",
    ),
    column("amount", Kind::Float, "SOL"),
    column("price", Kind::Float, "multiplier, where the order or its ack names one"),
    column("percentage", Kind::Float, "share of the position to sell"),
    column("latency_ms", Kind::Float, "ack: milliseconds since the request"),
    column("outcome", Kind::Text, "ack: success, or the server's reason"),
    column("ack_id", Kind::Int, "the id both carry"),
    column("trace_id", Kind::Text, "the request's trace id"),
    column(
        "tick",
        Kind::Int,
        "the tick that was shown when the order was sent (game_id: the game that was), as an order says neither; NULL \
         before the game's first tick and after its rug",
    ),
];

const SYSTEM_EVENT: &[Column] =
    &[column("event_type", Kind::Text, "what happened, as a word"), column("details", Kind::Text, "JSON")];

const GAME: &[Column] = &[
    column("peak", Kind::Float, "highest multiplier, including the initial 1"),
    column("ticks", Kind::Int, "the rug tick: prices has one entry per tick 0 … ticks"),
    column("rug_price", Kind::Float, "last price = min(earlier) * (1 - 0.98)"),
    column("ended_at", Kind::Time, "end of the game by the server's clock"),
    column("server_seed", Kind::Text, "revealed after the game"),
    column("seed_hash", Kind::Text, "SHA-256 of the seed's text, published before the game"),
    column("game_version", Kind::Text, "v1, v2 or v3 of the price algorithm"),
    column("prices", Kind::Floats, "every price from tick 0; the last one is the rug price"),
    column("sidebets", Kind::Int, "side-bet records in the history entry"),
    column(
        "proven",
        Kind::Bool,
        "the seed has the published hash and reproduces every price bit for bit; NULL: cannot be told",
    ),
    column(
        "quality",
        Kind::Int,
        "what the record holds: 4 seed, 2 prices, 1 side bets, added up; a better record replaces a poorer one",
    ),
];

const TRADE: &[Column] = &[
    column("trade_id", Kind::Text, "the trade's id"),
    column("side", Kind::Text, "buy, sell, short_open or short_close"),
    column("qty", Kind::Float, "token units"),
    column("amount", Kind::Float, "SOL"),
    column("price", Kind::Float, "multiplier it executed at"),
    column("tick", Kind::Int, "tick it executed at; the broadcast comes 0–8 ticks later"),
    column("coin", Kind::Text, "token"),
    column("leverage", Kind::Float, "1–5"),
    column("money", Kind::Text, "real, or practice (bonus money only)"),
    column("level", Kind::Int, "the player's level"),
    column("bonus_portion", Kind::Float, "SOL from bonus money"),
    column("real_portion", Kind::Float, "SOL from real money"),
];

const SIDEBET: &[Column] = &[
    column("sidebet_id", Kind::Text, "id of this record; a placement and its payout have different ones"),
    column("kind", Kind::Text, "placed or payout"),
    column("start_tick", Kind::Int, "first tick covered"),
    column("end_tick", Kind::Int, "last tick covered: wins when the rug tick is at most this"),
    column("stake", Kind::Float, "SOL"),
    column("payout", Kind::Float, "payout: SOL paid, 0 when lost"),
    column("profit", Kind::Float, "payout: payout minus stake, SOL"),
    column("x_payout", Kind::Float, "payout factor (5)"),
    column("outcome", Kind::Text, "payout: won or lost"),
    column("coin", Kind::Text, "token"),
    column("money", Kind::Text, "real, or practice (bonus money only)"),
    column("settled_at", Kind::Time, "the server's clock"),
    column("origin", Kind::Text, "gameHistory, or the event it came with"),
];

/// The Arrow schema of a doc type's rows: all columns nullable, in the order of [`DocType::columns`].
pub fn arrow_schema(doc_type: DocType) -> SchemaRef {
    static SCHEMAS: LazyLock<Vec<SchemaRef>> = LazyLock::new(|| {
        let schema = |doc_type: DocType| {
            let fields: Vec<Field> =
                doc_type.columns().map(|column| Field::new(column.name, column.kind.data_type(), true)).collect();
            Arc::new(Schema::new(fields))
        };
        DocType::ALL.into_iter().map(schema).collect()
    });
    match SCHEMAS.get(doc_type as usize) {
        Some(schema) => schema.clone(),
        None => Arc::new(Schema::empty()),
    }
}

/// Compares `major.minor` texts; what cannot be read counts as older than anything.
pub fn is_newer(found: &str, known: &str) -> bool {
    let parse = |text: &str| -> (u64, u64) {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        (major.parse().unwrap_or(0), minor.parse().unwrap_or(0))
    };
    parse(found) > parse(known)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// Notebooks and older stores depend on these names: a change needs a new schema version and a migration.
    #[test]
    fn the_schema_of_this_version_is_pinned() {
        assert_eq!(SCHEMA_VERSION, "1.1");
        let text: String = DocType::ALL
            .iter()
            .flat_map(|doc| {
                doc.columns().map(move |c| format!("{}.{} {}\n", doc.as_str(), c.name, c.kind.as_str()))
            })
            .collect();
        use sha2::{Digest, Sha256};
        let digest = format!("{:x}", Sha256::digest(text.as_bytes()));
        assert_eq!(digest, PINNED, "columns changed:\n{text}");
    }

    const PINNED: &str = "4dd32a3e60c7dde1551af8ff34c84a16d1bc1fdb65750f38a5e05de635ad1141";

    #[test]
    fn w13_every_row_has_the_ten_envelope_columns() {
        let names: Vec<_> = ENVELOPE.iter().map(|column| column.name).collect();
        for name in [
            "ts",
            "source",
            "doc_type",
            "session_id",
            "game_id",
            "player_id",
            "username",
            "seq",
            "direction",
            "raw_json",
        ] {
            assert!(names.contains(&name), "{name}");
        }
        for doc_type in DocType::ALL {
            assert_eq!(arrow_schema(doc_type).fields().len(), doc_type.columns().count());
        }
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(is_newer("1.10", "1.9") && is_newer("2.0", "1.9"));
        assert!(!is_newer("0.9", "1.0") && !is_newer("1.0", "1.0"));
    }
}
