//! What the tests of this folder share: an empty root, files with made-up content, rows read back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::AsArray;

use super::import::{self, Options};
use super::report::Report;
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
