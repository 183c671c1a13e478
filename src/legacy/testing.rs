//! What the tests of this folder share: an empty root, files with made-up content, rows read back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::AsArray;

use super::detect::LineKind;
use super::evidence::Witness;
use super::import::{self, Options};
use super::report::Report;
use super::state::FileState;
use super::time::Clock;
use super::{first_look, formats};
use replayer_protocol::line::LineFormat;
use replayer_store::root::DataRoot;
use replayer_store::scan::{ScanFilter, scan};
use replayer_store::schema::DocType;

/// A folder with an empty data root and a folder for files.
pub struct Fixture {
    folder: tempfile::TempDir,
    pub root: DataRoot,
}

impl Fixture {
    pub fn new() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let root = DataRoot::create(folder.path().join("root")).unwrap();
        fs::create_dir(folder.path().join("files")).unwrap();
        Fixture { folder, root }
    }

    pub fn files(&self) -> PathBuf {
        self.folder.path().join("files")
    }

    /// Writes a file and returns its path.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.files().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub fn import(&self, path: &Path) -> Report {
        import::run(&self.root, &options(path), |_, _| ()).unwrap()
    }

    /// Imports one file that is to be the only one.
    pub fn import_content(&self, name: &str, content: impl AsRef<[u8]>) -> Report {
        let path = self.file(name, content);
        self.import(&path)
    }

    /// One column of all rows of a kind, as text, in the order of the store.
    pub fn column(&self, doc_type: DocType, name: &str) -> Vec<Option<String>> {
        let mut values = Vec::new();
        for batch in scan(&self.root, doc_type, &ScanFilter::default()).unwrap() {
            let batch = batch.unwrap();
            let column = batch.column_by_name(name).unwrap();
            // Printing a time with its zone takes a feature of Arrow that this crate alone has not.
            if matches!(column.data_type(), arrow::datatypes::DataType::Timestamp(..)) {
                let times = arrow::compute::cast(column, &arrow::datatypes::DataType::Int64).unwrap();
                let times = times.as_primitive::<arrow::datatypes::Int64Type>();
                values.extend(times.iter().map(|us| us.and_then(crate::report::rfc3339)));
                continue;
            }
            let text = arrow::compute::cast(column, &arrow::datatypes::DataType::Utf8).unwrap();
            values.extend(text.as_string::<i32>().iter().map(|value| value.map(str::to_owned)));
        }
        values
    }

    /// No file under the root holds these bytes, not in Parquet's columns either: they are read through the store.
    pub fn assert_nowhere(&self, secret: &str) {
        fn files(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { files(&path, found) } else { found.push(path) }
            }
        }
        let mut all = Vec::new();
        files(self.root.path(), &mut all);
        for path in all {
            assert!(!path.to_string_lossy().contains(secret), "{path:?}");
            let bytes = fs::read(&path).unwrap();
            assert!(memchr::memmem::find(&bytes, secret.as_bytes()).is_none(), "{path:?}");
        }
        for doc_type in DocType::ALL {
            for column in doc_type.columns() {
                let values = self.column(doc_type, column.name);
                assert!(
                    !values.iter().flatten().any(|value| value.contains(secret)),
                    "{doc_type:?}.{}",
                    column.name
                );
            }
        }
    }

    /// How many rows of each kind the store holds.
    pub fn rows(&self) -> BTreeMap<&'static str, usize> {
        let count = |doc_type| {
            let batches = scan(&self.root, doc_type, &ScanFilter::default()).unwrap();
            batches.map(|batch| batch.unwrap().num_rows()).sum()
        };
        let counts = DocType::ALL.into_iter().map(|doc_type| (doc_type.as_str(), count(doc_type)));
        counts.filter(|(_, rows)| *rows > 0).collect()
    }
}

pub fn options(path: &Path) -> Options {
    Options { paths: vec![path.to_owned()], ..Options::default() }
}

/// The bytes, packed.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What the lines of a file say of its zone.
pub fn witness(lines: &str, format: LineFormat) -> Witness {
    let kind = LineKind::Format(formats::of_lines(format).unwrap());
    let (state, clock) = (FileState::default(), Clock::new().unwrap());
    first_look::of_lines(lines.as_bytes(), b"", kind, &state, &clock).unwrap()
}

/// A recording's tick.
pub fn tick(number: u32) -> String {
    format!(
        r#"{{"type": "tick", "timestamp": "2025-10-30T10:00:{:02}.{:06}", "game_id": "20251030-aaaabbbbccccdddd", "tick": {number}, "price": 1.5, "phase": "ACTIVE_GAMEPLAY", "active": true, "rugged": false, "cooldown_timer": 0, "trade_count": 3}}"#,
        number / 4 % 60,
        number % 4 * 250_000
    )
}

/// A raw capture's line.
pub fn raw(seq: u32, event: &str, data: &str) -> String {
    format!(r#"{{"seq": {seq}, "ts": "2025-12-12T17:00:{:02}.5", "event": "{event}", "data": {data}}}"#, seq % 60)
}

/// Raw captures by a machine whose clock shows the time of some zone.
pub mod wall {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    /// A recording of two short games.
    pub struct Recording {
        pub zone: TimeZone,
        pub start: Timestamp,
        /// What follows each time.
        pub suffix: &'static str,
        /// Seconds by which the machine's clock is ahead.
        pub ahead: i64,
    }

    impl Recording {
        /// When one begins that says nothing else: 2026-01-15 14:00 UTC, microseconds.
        pub const START: i64 = 1_768_485_600_000_000;

        pub fn in_zone(name: &str) -> Recording {
            let start = Timestamp::from_microsecond(Recording::START).unwrap();
            Recording { zone: TimeZone::get(name).unwrap(), start, suffix: "", ahead: 0 }
        }

        /// What the machine's clock showed so many milliseconds after the start.
        pub fn wall(&self, after_ms: i64) -> String {
            let at =
                Timestamp::from_microsecond(self.start.as_microsecond() + (self.ahead * 1000 + after_ms) * 1000);
            let at = self.zone.to_datetime(at.unwrap());
            format!("{}{}", at.strftime("%Y-%m-%dT%H:%M:%S%.f"), self.suffix)
        }

        /// The lines, each ended: an empty history, then two games that rug and are shown a second later.
        pub fn lines(&self) -> String {
            let server = |after_ms: i64| self.start.as_millisecond() + after_ms;
            let (one, two) = (self.game(1), self.game(2));
            let state = |after_ms: i64, data: &str| {
                let ts = self.wall(after_ms);
                format!(r#"{{"seq": 1, "ts": "{ts}", "event": "gameStateUpdate", "data": {data}}}"#)
            };
            let tick = |after_ms: i64, game: &str, tick: u32, rugged: bool| {
                state(
                    after_ms,
                    &format!(
                        r#"{{"gameId": "{game}", "active": true, "rugged": {rugged}, "tickCount": {tick}, "price": 1.5}}"#
                    ),
                )
            };
            let ended = [(one.as_str(), server(5_200)), (two.as_str(), server(15_200))];
            let lines = [
                history_line(&self.wall(0), &[]),
                tick(1_000, &one, 3, false),
                tick(5_000, &one, 19, true),
                history_line(&self.wall(6_200), &ended[..1]),
                tick(8_000, &two, 0, false),
                tick(15_000, &two, 28, true),
                history_line(&self.wall(16_200), &[ended[1], ended[0]]),
            ];
            lines.join("\n") + "\n"
        }

        fn game(&self, number: u8) -> String {
            format!("{}-{number:016x}", self.start.strftime("%Y%m%d"))
        }
    }

    /// A packet that shows finished games: ids, and when they ended in Unix milliseconds.
    pub fn history_line(ts: &str, games: &[(&str, i64)]) -> String {
        let entry = |(id, at): &(&str, i64)| format!(r#"{{"id": "{id}", "timestamp": {at}}}"#);
        let games: Vec<String> = games.iter().map(entry).collect();
        format!(
            r#"{{"seq": 1, "ts": "{ts}", "event": "gameStateUpdate", "data": {{"gameId": "20260115-ffffffffffffffff", "cooldownTimer": 15000, "gameHistory": [{}]}}}}"#,
            games.join(", ")
        )
    }
}
