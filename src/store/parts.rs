//! Sealed Parquet files: writing, publishing, and reading what they say about themselves.
//!
//! Frames repeat each other: pages of `raw_json` are large (8 MiB) so that zstd sees the repetition. On real
//! frames that is worth twice the compression of 1 MiB pages.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnPath;

use super::StoreError;
use super::catalog::{About, Ids, LAYOUT, Lineage, Part, SeqRange, Ticks};
use super::contents::{Contents, ContentsMaker};
use super::damage::Written;
use super::filled::{KnownTicks, SEED, TicksByGame, filled_rows, since};
use super::fsio::{self, File, Temporary};
use super::ids::SessionId;
use super::migrate;
use super::repeats::{KINDS, KnownIds};
use super::root::{DataRoot, NO_DATE};
use super::rows::{Cell, Envelope, RowSink, TableBuilder};
use super::schema::{
    DocType, META_ABOUT, META_CONTENTS, META_DOC_TYPE, META_PART, META_SCHEMA, SCHEMA_VERSION, arrow_schema,
};
use super::steps::{Step, reached};

/// The build that writes, as parts and manifests name it.
pub const BUILD: &str = concat!("replayer ", env!("CARGO_PKG_VERSION"));

/// Uncompressed size of a page of `raw_json`.
const RAW_PAGE: usize = 8 << 20;
/// Values that the writer takes before it looks at a page's size: frames of 300 kB need few.
const PAGE_VALUES: usize = 64;
/// Pages of `raw_json` in a row group. Who reads one frame reads from the beginning of its row group: of a whole day in one,
/// that took seven times as long as of a quarter of an hour. A group ends where a page ends, so that the pages stay large.
const GROUP_PAGES: usize = 6;
/// Rows in a row group at most: where texts are short, the other columns are what is read.
pub(super) const GROUP_ROWS: usize = 16_384;
/// Rows in a row group of kinds without large texts, which are read by the column and not by the row.
const GROUP_ROWS_LIGHT: usize = 122_880;
/// Rows and bytes that are collected before they go to the Parquet writer.
const BATCH_ROWS: usize = 4096;
const BATCH_BYTES: usize = 8 << 20;
/// Parts written at the same time; an import of years closes the one longest unused.
const MOST_OPEN: usize = 48;

/// Games that a row group's filter of game ids is made for: a day has about 700. Ids are random, so that no minimum and
/// maximum tell which row groups hold a game; two kilobytes of filter do.
const GROUP_GAMES: u64 = 1024;

/// Level for `raw_json`. On real frames level 3 gives 27-fold, 9 gives 34-fold at two thirds of the speed
/// (which is still above 100 MB/s on one core), 15 gives no more and is five times slower.
const RAW_ZSTD: i32 = 9;

fn zstd(level: i32) -> Compression {
    Compression::ZSTD(ZstdLevel::try_new(level).unwrap_or_default())
}

/// How parts are compressed and paged.
fn properties(doc_type: DocType) -> WriterProperties {
    let (raw, game) = (|| ColumnPath::from("raw_json"), || ColumnPath::from("game_id"));
    let rows = if doc_type == DocType::WsEvent { GROUP_ROWS } else { GROUP_ROWS_LIGHT };
    WriterProperties::builder()
        .set_compression(zstd(3))
        .set_created_by(BUILD.to_owned())
        .set_write_batch_size(PAGE_VALUES)
        .set_data_page_row_count_limit(1 << 20)
        .set_column_compression(raw(), zstd(RAW_ZSTD))
        .set_column_data_page_size_limit(raw(), RAW_PAGE)
        .set_column_dictionary_enabled(raw(), false)
        .set_column_encoding(raw(), Encoding::PLAIN)
        .set_column_statistics_enabled(raw(), EnabledStatistics::None)
        .set_column_bloom_filter_enabled(game(), true)
        .set_column_bloom_filter_ndv(game(), GROUP_GAMES)
        // By pages, not by bytes: the writer counts those of the compressed columns ([`Pages`]).
        .set_max_row_group_row_count(Some(rows))
        .build()
}

/// Writes rows into temporary parts, one per doc type and day. Nothing is in force before
/// [`PendingParts::publish`] and the catalog that names it; dropped before, it leaves nothing behind.
pub struct PartWriter {
    root: DataRoot,
    lineage: Lineage,
    open: HashMap<Key, OpenPart>,
    ticks: KnownTicks,
    ids: KnownIds,
    /// Rows of trades and side bets that are not sorted yet.
    unsorted: BTreeMap<(DocType, String), TableBuilder>,
    /// Ticks filled by this writer.
    filled: TicksByGame,
    /// Of games whose ticks are filled by it: those that were recorded since.
    recorded: HashMap<String, TicksByGame>,
    pending: PendingParts,
    about: About,
    day: Option<(i64, String)>,
    clock: u64,
    bytes: u64,
}

/// What whoever writes parts knows of the store's rows.
#[derive(Debug, Clone, Default)]
pub struct KnownRows {
    /// Ticks filled from seeds.
    pub ticks: KnownTicks,
    /// Trades and side bets.
    pub ids: KnownIds,
}

/// Which part a row goes to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    doc_type: DocType,
    date: String,
    /// Ticks that a proof filled are kept apart, and trades and side bets that were stored before.
    is_apart: bool,
}

struct OpenPart {
    temporary: Temporary,
    writer: ArrowWriter<File>,
    /// Of the row group that is being written; `None` for kinds without large texts.
    pages: Option<Pages>,
    table: TableBuilder,
    contents: Option<ContentsMaker>,
    part: Part,
    ranges: BTreeMap<SessionId, SeqRange>,
    last_used: u64,
}

/// Parts that are written but not yet in force.
#[derive(Default)]
pub struct PendingParts {
    root: Option<DataRoot>,
    parts: Vec<(Temporary, Part)>,
}

impl PartWriter {
    /// A writer of new parts with this lineage. `known` is what the store has of rows that decide which others count.
    pub fn new(root: &DataRoot, made_by: &str, replaces: Vec<String>, known: KnownRows) -> PartWriter {
        PartWriter {
            root: root.clone(),
            lineage: Lineage { made_by: made_by.to_owned(), replaces, build: BUILD.to_owned() },
            open: HashMap::new(),
            ticks: known.ticks,
            ids: known.ids,
            unsorted: BTreeMap::new(),
            filled: TicksByGame::default(),
            recorded: HashMap::new(),
            pending: PendingParts { root: Some(root.clone()), parts: Vec::new() },
            about: About::default(),
            day: None,
            clock: 0,
            bytes: 0,
        }
    }

    /// Has the parts that are closed from now on carry what is known of their sessions.
    pub fn know(&mut self, about: About) {
        self.about = about;
    }

    /// Has the parts that are closed from now on say what ticks they hold by what the store has now.
    pub fn know_ticks(&mut self, ticks: KnownTicks) {
        self.ticks = ticks;
    }

    /// Bytes of text taken so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends rows that are in Arrow's form already. They all belong to `date`.
    ///
    /// # Errors
    /// When the part cannot be written.
    pub fn batch(
        &mut self,
        doc_type: DocType,
        date: &str,
        batch: &RecordBatch,
        ranges: &[SeqRange],
        times: Option<(i64, i64)>,
    ) -> Result<(), StoreError> {
        let key = |is_apart| Key { doc_type, date: date.to_owned(), is_apart };
        let apart = match doc_type {
            DocType::GameTick => filled_rows(batch),
            kind if KINDS.contains(&kind) => self.ids.repeated(&self.root, batch, kind, date),
            _ => Vec::new(),
        };
        if !apart.contains(&true) {
            return self.rows(key(false), batch, ranges, times);
        }
        if doc_type == DocType::GameTick {
            self.filled.add_filled(batch);
        }
        let apart = BooleanArray::from(apart);
        let others = filter_record_batch(batch, &arrow::compute::not(&apart)?)?;
        self.rows(key(true), &filter_record_batch(batch, &apart)?, ranges, times)?;
        if others.num_rows() == 0 { Ok(()) } else { self.rows(key(false), &others, ranges, times) }
    }

    fn sort_all(&mut self) -> Result<(), StoreError> {
        for ((doc_type, date), rows) in std::mem::take(&mut self.unsorted) {
            self.sort(doc_type, &date, rows)?;
        }
        Ok(())
    }

    /// Sorts rows into those that count and those that repeat others.
    fn sort(&mut self, doc_type: DocType, date: &str, mut rows: TableBuilder) -> Result<(), StoreError> {
        let batch = rows.finish()?;
        let (ranges, times) = migrate::extent(&batch);
        self.batch(doc_type, date, &batch, &ranges, times)
    }

    fn rows(
        &mut self,
        key: Key,
        batch: &RecordBatch,
        ranges: &[SeqRange],
        times: Option<(i64, i64)>,
    ) -> Result<(), StoreError> {
        let open = self.part(key)?;
        for range in ranges {
            open.saw(range.session_id, range.first);
            open.saw(range.session_id, range.last);
        }
        if let Some((first, last)) = times {
            open.saw_time(first);
            open.saw_time(last);
        }
        open.flush()?;
        open.write(batch)
    }

    fn part(&mut self, key: Key) -> Result<&mut OpenPart, StoreError> {
        self.clock += 1;
        if !self.open.contains_key(&key) {
            self.make_room()?;
            let part = OpenPart::create(&self.root, &key, self.lineage.clone())?;
            self.open.insert(key.clone(), part);
        }
        let clock = self.clock;
        match self.open.get_mut(&key) {
            Some(open) => {
                open.last_used = clock;
                Ok(open)
            }
            None => Err(StoreError::Closed),
        }
    }

    fn make_room(&mut self) -> Result<(), StoreError> {
        if self.open.len() < MOST_OPEN {
            return Ok(());
        }
        let oldest = self.open.iter().min_by_key(|(_, open)| open.last_used).map(|(key, _)| key.clone());
        if let Some(open) = oldest.and_then(|key| self.open.remove(&key)) {
            self.close(open)?;
        }
        Ok(())
    }

    fn close(&mut self, mut open: OpenPart) -> Result<(), StoreError> {
        open.flush()?;
        open.part.ticks = match &open.contents {
            _ if open.part.doc_type != DocType::GameTick => None,
            _ if open.part.is_filled() => Some(Ticks::Filled),
            Some(contents) => Some(self.ticks.kind_of(contents.so_far().1, &self.filled)),
            None => None,
        };
        self.pending.parts.push(open.close(&self.about)?);
        Ok(())
    }

    /// Whether a tick that a proof of this time filled was recorded in a part that came since.
    fn is_recorded(&mut self, game_id: &str, tick: i64, proof_us: Option<i64>) -> Result<bool, StoreError> {
        if !self.recorded.contains_key(game_id) {
            let recorded = self.ticks.recorded_since(&self.root, game_id, since(proof_us))?;
            self.recorded.insert(game_id.to_owned(), recorded);
        }
        Ok(self.recorded.get(game_id).is_some_and(|recorded| recorded.holds(game_id, tick)))
    }

    /// Closes all parts; they are durable, under temporary names, when this returns.
    ///
    /// # Errors
    /// When one cannot be written; all of them are then removed.
    pub fn finish(mut self) -> Result<PendingParts, StoreError> {
        self.sort_all()?;
        for (_, open) in std::mem::take(&mut self.open) {
            self.close(open)?;
        }
        Ok(std::mem::take(&mut self.pending))
    }

    /// The partition of a time; days are looked up once, not for every row.
    fn date(&mut self, ts: Option<i64>) -> String {
        let Some(ts) = ts else {
            return NO_DATE.to_owned();
        };
        let day = ts.div_euclid(86_400_000_000);
        match &self.day {
            Some((known, date)) if *known == day => date.clone(),
            _ => {
                let date = date_of(ts);
                self.day = Some((day, date.clone()));
                date
            }
        }
    }
}

/// The UTC date of a time; a time outside the calendar has none.
pub fn date_of(ts: i64) -> String {
    match jiff::Timestamp::from_microsecond(ts) {
        Ok(time) => time.strftime("%Y-%m-%d").to_string(),
        Err(_) => NO_DATE.to_owned(),
    }
}

impl RowSink for PartWriter {
    fn row(&mut self, doc_type: DocType, envelope: &Envelope<'_>, own: &[Cell<'_>]) -> Result<(), StoreError> {
        let is_filled = doc_type == DocType::GameTick && matches!(own.last(), Some(Cell::Text(SEED)));
        if let (true, Some(game_id), Some(Cell::Int(tick))) = (is_filled, envelope.game_id, own.first()) {
            if self.is_recorded(game_id, *tick, envelope.ts)? {
                return Ok(());
            }
            self.filled.add(game_id, *tick);
        }
        let date = self.date(envelope.ts);
        self.bytes += envelope.raw_json.map_or(0, |text| text.len() as u64);
        if KINDS.contains(&doc_type) {
            let key = (doc_type, date);
            let mut rows = self.unsorted.remove(&key).unwrap_or_else(|| TableBuilder::new(doc_type));
            rows.push(envelope, own);
            if rows.rows() >= BATCH_ROWS {
                return self.sort(doc_type, &key.1, rows);
            }
            self.unsorted.insert(key, rows);
            if self.unsorted.len() > MOST_OPEN {
                self.sort_all()?;
            }
            return Ok(());
        }
        let open = self.part(Key { doc_type, date, is_apart: is_filled })?;
        open.saw(envelope.session_id, envelope.seq);
        if let Some(ts) = envelope.ts {
            open.saw_time(ts);
        }
        open.table.push(envelope, own);
        if open.table.rows() >= BATCH_ROWS || open.table.bytes() >= BATCH_BYTES {
            open.flush()?;
        }
        Ok(())
    }
}

impl OpenPart {
    fn create(root: &DataRoot, key: &Key, lineage: Lineage) -> Result<OpenPart, StoreError> {
        let Key { doc_type, date, is_apart } = key;
        let doc_type = *doc_type;
        let partition = DataRoot::partition(doc_type, date);
        let folder = root.path().join(&partition);
        fsio::create_dir_all(&folder).map_err(StoreError::io("create", &folder))?;
        let id = uuid::Uuid::now_v7().simple();
        let temporary = Temporary::new(folder.join(format!(".tmp-{id}.parquet")));
        let path = temporary.path();
        let file = File::create(path).map_err(StoreError::io("create", path))?;
        let writer = ArrowWriter::try_new(file, arrow_schema(doc_type), Some(properties(doc_type)))
            .map_err(|error| write_failed(path, error))?;
        let part = Part {
            path: format!("{partition}/part-{id}.parquet"),
            doc_type,
            date: date.clone(),
            rows: 0,
            bytes: 0,
            ts_min: None,
            ts_max: None,
            sessions: Vec::new(),
            schema: SCHEMA_VERSION.to_owned(),
            written: None,
            layout: LAYOUT,
            ticks: (doc_type == DocType::GameTick && *is_apart).then_some(Ticks::Filled),
            ids: KINDS.contains(&doc_type).then_some(if *is_apart { Ids::Repeated } else { Ids::First }),
            lineage,
        };
        let table = TableBuilder::new(doc_type);
        let contents = Contents::is_kept(doc_type).then(|| ContentsMaker::new(doc_type));
        let pages = (doc_type == DocType::WsEvent).then(Pages::default);
        Ok(OpenPart { temporary, writer, pages, table, contents, part, ranges: BTreeMap::new(), last_used: 0 })
    }

    fn saw(&mut self, session_id: SessionId, seq: u64) {
        let range = self.ranges.entry(session_id).or_insert(SeqRange { session_id, first: seq, last: seq });
        range.first = range.first.min(seq);
        range.last = range.last.max(seq);
    }

    fn saw_time(&mut self, ts: i64) {
        self.part.ts_min = Some(self.part.ts_min.map_or(ts, |known| known.min(ts)));
        self.part.ts_max = Some(self.part.ts_max.map_or(ts, |known| known.max(ts)));
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        if self.table.rows() == 0 {
            return Ok(());
        }
        let batch = self.table.finish()?;
        self.write(&batch)
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), StoreError> {
        self.part.rows += batch.num_rows() as u64;
        if let Some(contents) = &mut self.contents {
            contents.take(batch);
        }
        let failed = |error| write_failed(self.temporary.path(), error);
        let raw = batch.column_by_name("raw_json").and_then(|column| column.as_string_opt::<i32>());
        let (Some(pages), Some(raw)) = (&mut self.pages, raw) else {
            return self.writer.write(batch).map_err(failed);
        };
        let mut from = 0;
        while from < batch.num_rows() {
            let to = pages.take(raw, from);
            self.writer.write(&batch.slice(from, to - from)).map_err(failed)?;
            if pages.are_full() {
                self.writer.flush().map_err(failed)?;
                *pages = Pages::default();
            }
            from = to;
        }
        Ok(())
    }

    fn close(mut self, about: &About) -> Result<(Temporary, Part), StoreError> {
        self.close_file(about)?;
        let path = self.temporary.path();
        let meta = fsio::metadata(path).map_err(StoreError::io("read", path))?;
        self.part.bytes = meta.len();
        self.part.written = Some(Written::of(path)?);
        Ok((self.temporary, self.part))
    }

    fn close_file(&mut self, about: &About) -> Result<(), StoreError> {
        self.flush()?;
        self.part.sessions = self.ranges.values().copied().collect();
        let path = self.temporary.path();
        let json =
            |value: serde_json::Result<String>| value.map_err(|error| StoreError::io("write", path)(error.into()));
        let entry = json(serde_json::to_string(&self.part))?;
        let about = json(serde_json::to_string(&about.of_part(&self.part)))?;
        for (key, value) in [
            (META_SCHEMA, SCHEMA_VERSION),
            (META_DOC_TYPE, self.part.doc_type.as_str()),
            (META_PART, &entry),
            (META_ABOUT, &about),
        ] {
            self.writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value.to_owned()));
        }
        if let Some(contents) = self.contents.as_ref().and_then(ContentsMaker::to_metadata) {
            self.writer.append_key_value_metadata(KeyValue::new(META_CONTENTS.to_owned(), contents));
        }
        self.writer.finish().map_err(|error| write_failed(path, error))?;
        self.writer.inner().sync_all().map_err(StoreError::io("sync", path))
    }
}

/// The pages of `raw_json` in the row group that is being written, counted as the Parquet writer makes them.
#[derive(Debug, Default)]
struct Pages {
    /// Pages that are full.
    full: usize,
    /// Bytes of the one that is not.
    bytes: usize,
    /// Rows of the group.
    rows: usize,
}

impl Pages {
    /// Takes the texts from this row on, up to the end of the group or of the texts, and says up to where.
    fn take(&mut self, texts: &StringArray, from: usize) -> usize {
        let mut to = from;
        while to < texts.len() && !self.are_full() {
            let next = texts.len().min(to + PAGE_VALUES.min(GROUP_ROWS - self.rows));
            let length = |row: usize| {
                if texts.is_valid(row) { texts.value_length(row).unsigned_abs() as usize + 4 } else { 0 }
            };
            self.bytes += (to..next).map(length).sum::<usize>();
            self.rows += next - to;
            if self.bytes >= RAW_PAGE {
                (self.full, self.bytes) = (self.full + 1, 0);
            }
            to = next;
        }
        to
    }

    fn are_full(&self) -> bool {
        self.full >= GROUP_PAGES || self.rows >= GROUP_ROWS
    }
}

/// Keeps the system's reason (a full disk, say) where Parquet wrapped it.
fn write_failed(path: &Path, error: parquet::errors::ParquetError) -> StoreError {
    match error {
        parquet::errors::ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(io) => StoreError::io("write", path)(*io),
            Err(other) => StoreError::part(path)(other),
        },
        other => {
            let text = other.to_string();
            if text.contains("os error 28") || text.contains("No space left") {
                return StoreError::io("write", path)(std::io::Error::from(std::io::ErrorKind::StorageFull));
            }
            StoreError::part(path)(text)
        }
    }
}

impl PendingParts {
    /// Gives the parts their names. They are in force once a catalog names them; until then a note says which they are,
    /// so that whoever finishes after a crash does not take them for parts that a catalog forgot.
    ///
    /// # Errors
    /// When a file cannot be renamed: those in `named` have their names then, and are to be taken back.
    pub(super) fn publish(self, named: &mut Vec<String>) -> Result<Vec<Part>, StoreError> {
        let Some(root) = self.root else {
            return Ok(Vec::new());
        };
        let names: Vec<&str> = self.parts.iter().map(|(_, part)| part.path.as_str()).collect();
        super::reconcile::intend(&root, &names)?;
        let mut published = Vec::new();
        let mut folders = std::collections::BTreeSet::new();
        for (temporary, part) in self.parts {
            let path = root.path().join(&part.path);
            temporary.name(&path).map_err(StoreError::io("publish", &path))?;
            named.push(part.path.clone());
            // The partition's folder may be new too, up to `events_parquet` itself.
            folders.extend(path.ancestors().skip(1).take(3).map(Path::to_path_buf));
            published.push(part);
            reached(Step::PartNamed);
        }
        folders.iter().try_for_each(|folder| fsio::sync_folder(folder))?;
        Ok(published)
    }
}

/// Every `part-*.parquet` under the root, relative to it, sorted.
///
/// # Errors
/// When a folder cannot be read.
pub fn files_on_disk(root: &DataRoot) -> Result<Vec<String>, StoreError> {
    Ok(all_files(root)?
        .into_iter()
        .filter(|path| file_name(path).starts_with("part-") && path.ends_with(".parquet"))
        .collect())
}

/// Temporary files that an interrupted writer left, relative to the root.
///
/// # Errors
/// When a folder cannot be read.
pub fn leftovers(root: &DataRoot) -> Result<Vec<String>, StoreError> {
    Ok(all_files(root)?.into_iter().filter(|path| is_leftover(path)).collect())
}

/// Whether a file by this name is a part that was being written.
pub(super) fn is_leftover(path: &str) -> bool {
    file_name(path).starts_with(".tmp-")
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Every file under `events_parquet`, relative to the root, sorted.
///
/// # Errors
/// When a folder cannot be read.
pub fn all_files(root: &DataRoot) -> Result<Vec<String>, StoreError> {
    fn visit(root: &Path, folder: &Path, found: &mut Vec<String>) -> Result<(), StoreError> {
        let entries = match fsio::entries(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(StoreError::io("read", folder)(error)),
        };
        for entry in entries {
            if entry.is_folder {
                visit(root, &entry.path, found)?;
            } else if let Some(relative) = entry.path.strip_prefix(root).ok().and_then(Path::to_str) {
                found.push(relative.to_owned());
            }
        }
        Ok(())
    }
    let mut found = Vec::new();
    visit(root.path(), &root.parts_dir(), &mut found)?;
    found.sort();
    Ok(found)
}

/// The catalog entry that a part carries in its own metadata, with its present size.
///
/// # Errors
/// [`StoreError::Part`] when the file is no part of ours or is damaged.
pub fn own_entry(root: &DataRoot, relative: &str) -> Result<Part, StoreError> {
    Ok(own_words(root, relative)?.0)
}

/// All that a part says of itself: its catalog entry, with its present size, and its sessions.
///
/// # Errors
/// As [`own_entry`].
pub fn own_words(root: &DataRoot, relative: &str) -> Result<(Part, About), StoreError> {
    let path = root.path().join(relative);
    let file = File::open(&path).map_err(StoreError::io("open", &path))?;
    let bytes = file.metadata().map_err(StoreError::io("read", &path))?.len();
    let reader = SerializedFileReader::new(file).map_err(StoreError::part(&path))?;
    let metadata = reader.metadata().file_metadata();
    let value = |key: &str| {
        let pairs = metadata.key_value_metadata()?;
        pairs.iter().find(|pair| pair.key == key)?.value.as_deref()
    };
    let text = value(META_PART)
        .ok_or_else(|| StoreError::part(&path)("it does not say which rows it holds (not written by replayer)"))?;
    let entry: Part = serde_json::from_str(text).map_err(StoreError::part(&path))?;
    let rows = u64::try_from(metadata.num_rows()).unwrap_or(0);
    // Parts of older builds have none.
    let about = value(META_ABOUT).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    Ok((Part { path: relative.to_owned(), bytes, rows, ..entry }, about))
}
