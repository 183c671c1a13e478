//! The child process: `replayer sql-worker`. One query at a time, started by the server or the command line,
//! never by a person.
//!
//! It lives as long as its stdin: when the parent is gone, however it went, the reader thread sees the end of
//! the pipe and exits the process, running query or not. (The kernel's parent-death signal follows the parent's
//! *thread*, and the threads of an async runtime come and go.)

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use duckdb::InterruptHandle;
use serde_json::Value;

use super::cells::{self, Cells};
use super::derived::DerivedRows;
use super::engine::{Engine, Feed, Flow, Options, RunError, Shape};
use super::error::SqlError;
use super::gate::{Checked, Gate};
use super::protocol::{self, Column, Job, Limit, Mode, QueryResult, Reply, Request};
use super::{sandbox, views};
use replayer_store::follow::Follower;
use replayer_store::root::DataRoot;

/// Arguments of `replayer sql-worker`.
#[derive(Debug, Clone, clap::Args)]
pub struct WorkerArgs {
    /// The data root.
    #[arg(long)]
    pub root: PathBuf,

    /// DuckDB's memory limit in MiB.
    #[arg(long, default_value_t = 1024)]
    pub memory_mib: u64,

    /// DuckDB's threads; 0 stands for one per processor, at most four.
    #[arg(long, default_value_t = 0)]
    pub threads: u32,

    /// Try what the sandbox must refuse, print what happened, and exit.
    #[arg(long)]
    pub self_test: bool,
}

/// Runs the worker until its stdin ends.
pub fn main(args: WorkerArgs) -> ExitCode {
    // A failed fetch arrives as a panic and is answered; the default hook would print it to the server's stderr.
    std::panic::set_hook(Box::new(|info| tracing::debug!(%info, "panic in the SQL worker")));
    let Ok(mut out) = sandbox::take_stdout() else { return ExitCode::FAILURE };
    let parts = match open_root(&args) {
        Ok(opened) => opened,
        Err(error) => return give_up(&mut out, error),
    };
    let (data_root, options) = parts;
    let report = sandbox::drop_rights(&options.root, args.memory_mib);
    if args.self_test {
        return self_test(&mut out, &options, &report.landlock);
    }

    let watch = Arc::new(Watch::default());
    let (jobs, queue) = mpsc::channel();
    let (derived_in, derived) = mpsc::channel();
    let reader = Arc::clone(&watch);
    std::thread::spawn(move || read_requests(&jobs, &derived_in, &reader));

    let open_feed = move || Follower::open(&data_root).map(|follower| Box::new(follower) as Box<dyn Feed>);
    let opened = Gate::open(views::NAMES).and_then(|gate| Ok((gate, Engine::open(options, Box::new(open_feed))?)));
    let (gate, engine) = match opened {
        Ok(opened) => opened,
        Err(error) => return give_up(&mut out, error),
    };
    watch.attach(engine.interrupt_handle());
    let watchdog = Arc::clone(&watch);
    std::thread::spawn(move || watchdog.run());

    if protocol::write_message(&mut out, &Reply::Ready { sandbox: report }).is_err() {
        return ExitCode::FAILURE;
    }
    let mut worker = Worker { out, gate, passed: HashMap::new(), engine, watch, derived };
    for job in queue {
        if worker.serve(&job).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn open_root(args: &WorkerArgs) -> Result<(DataRoot, Options), SqlError> {
    let store = |error: &dyn std::fmt::Display| SqlError::Store { message: error.to_string() };
    // DuckDB compares paths by their spelling, so every path is given in the one without symlinks.
    let root = args.root.canonicalize().map_err(|error| store(&format!("{}: {error}", args.root.display())))?;
    let data_root = DataRoot::open(&root).map_err(|error| store(&error))?;
    let threads = match args.threads {
        0 => std::thread::available_parallelism().map_or(2, |cores| cores.get().min(4) as u32),
        given => given,
    };
    let options =
        Options { parts: data_root.parts_dir(), root, memory_mib: args.memory_mib, threads, time_zones: None };
    Ok((data_root, options))
}

/// The parent hears why there will be no worker.
fn give_up(out: &mut File, error: SqlError) -> ExitCode {
    let _ = protocol::write_message(out, &Reply::Failed { id: 0, error });
    ExitCode::FAILURE
}

/// What the parent made of the derived views for the query of this id.
type Made = (u64, Result<Vec<DerivedRows>, SqlError>);

/// Reads requests until the parent is gone, then ends the process.
fn read_requests(jobs: &mpsc::Sender<Job>, derived: &mpsc::Sender<Made>, watch: &Watch) {
    let mut input = std::io::stdin().lock();
    while let Ok(Some((protocol::JSON, payload))) = protocol::read_frame(&mut input) {
        match serde_json::from_slice(&payload) {
            Ok(Request::Query(job)) => {
                if jobs.send(job).is_err() {
                    break;
                }
            }
            Ok(Request::Cancel { id }) => watch.cancel(id),
            Ok(Request::Derived { id, tables, error }) => {
                let _ = derived.send((id, error.map_or(Ok(tables), Err)));
            }
            Err(_) => break,
        }
    }
    std::process::exit(0);
}

/// Why the watchdog interrupted a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Timeout,
    Cancelled,
}

/// Interrupts the running query at its time limit or on a cancel message.
#[derive(Default)]
struct Watch {
    state: Mutex<WatchState>,
    changed: Condvar,
}

#[derive(Default)]
struct WatchState {
    interrupt: Option<Arc<InterruptHandle>>,
    running: Option<Running>,
    /// Cancelled before they began.
    cancelled: HashSet<u64>,
}

struct Running {
    id: u64,
    deadline: Instant,
    stop: Option<Stop>,
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, WatchState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attach(&self, interrupt: Arc<InterruptHandle>) {
        self.lock().interrupt = Some(interrupt);
    }

    fn begin(&self, id: u64, limit: Duration) {
        let mut state = self.lock();
        let stop = state.cancelled.remove(&id).then_some(Stop::Cancelled);
        state.running = Some(Running { id, deadline: Instant::now() + limit, stop });
        self.changed.notify_all();
    }

    /// Ends the watch; tells whether the query was interrupted.
    fn end(&self) -> Option<Stop> {
        self.lock().running.take().and_then(|running| running.stop)
    }

    fn cancel(&self, id: u64) {
        let mut state = self.lock();
        match state.running.as_mut().filter(|running| running.id == id) {
            Some(running) => running.stop = running.stop.or(Some(Stop::Cancelled)),
            None => {
                state.cancelled.insert(id);
            }
        }
        self.changed.notify_all();
    }

    /// The watchdog thread. An interrupt can come too early (DuckDB clears the flag when a query starts), so it is
    /// repeated until the query has ended; holding the lock keeps it from hitting the next one.
    fn run(&self) {
        let mut state = self.lock();
        loop {
            let WatchState { interrupt, running, .. } = &mut *state;
            let wait = match running {
                None => Duration::from_secs(3600),
                Some(running) => {
                    let left = running.deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        running.stop = running.stop.or(Some(Stop::Timeout));
                    }
                    if running.stop.is_some() {
                        if let Some(interrupt) = interrupt {
                            interrupt.interrupt();
                        }
                        Duration::from_millis(20)
                    } else {
                        left
                    }
                }
            };
            state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Texts remembered as passed.
const MOST_PASSED: usize = 256;

/// How often a query is run again when a part is gone or cannot be read.
const TRIES: usize = 3;

struct Worker {
    out: File,
    gate: Gate,
    /// Texts that passed the gate, which looks at nothing but the text. Our own tools send the same few again and
    /// again with other parameters.
    passed: HashMap<String, Checked>,
    engine: Engine,
    watch: Arc<Watch>,
    derived: mpsc::Receiver<Made>,
}

impl Worker {
    /// Serves one query. An error here means that the parent cannot be reached.
    fn serve(&mut self, job: &Job) -> std::io::Result<()> {
        match self.answer(job) {
            Ok(reply) => protocol::write_message(&mut self.out, &reply),
            Err(error) => protocol::write_message(&mut self.out, &Reply::Failed { id: job.id, error }),
        }
    }

    fn answer(&mut self, job: &Job) -> Result<Reply, SqlError> {
        let checked = self.check(&job.sql)?;
        self.fetch_derived(job.id, &checked)?;
        self.engine.refresh()?;
        protocol::write_message(&mut self.out, &Reply::Started { id: job.id }).map_err(SqlError::internal)?;
        self.watch.begin(job.id, Duration::from_millis(job.timeout_ms));
        let mut outcome = self.attempt(job, &checked);
        // Each time with fewer parts: several may be damaged, and they show one by one.
        for _ in 0..TRIES {
            let ready = match &outcome {
                Err((RunError::Vanished(cause), false)) => {
                    tracing::info!(%cause, "a part is gone; reading the catalog again");
                    self.engine.start_over()
                }
                Err((RunError::Unreadable(cause), false)) => {
                    tracing::warn!(%cause, "a part cannot be read; looking which");
                    self.engine.leave_out_damaged(&checked)
                }
                _ => break,
            };
            outcome =
                ready.map_err(|error| (RunError::Sql(error), false)).and_then(|()| self.attempt(job, &checked));
        }
        let stop = self.watch.end();
        outcome.map_err(|(error, _)| match (error, stop) {
            (RunError::Interrupted, Some(Stop::Cancelled)) => SqlError::Cancelled,
            (RunError::Interrupted, _) => SqlError::Timeout { timeout_ms: job.timeout_ms },
            (RunError::Vanished(cause) | RunError::Unreadable(cause), _) => {
                SqlError::Store { message: cells::visible(&cause) }
            }
            (RunError::Sql(error), _) => error,
        })
    }

    /// Has the parent make the rows of the derived views that the query reads, if it reads any.
    fn fetch_derived(&mut self, id: u64, checked: &Checked) -> Result<(), SqlError> {
        let views = self.engine.wanted(checked);
        if views.is_empty() {
            return Ok(());
        }
        protocol::write_message(&mut self.out, &Reply::Wanted { id, views }).map_err(SqlError::internal)?;
        loop {
            // The reader thread ends the process with its parent, so this ends too.
            let (of, made) = self.derived.recv().map_err(SqlError::internal)?;
            if of == id {
                return self.engine.load(made?);
            }
        }
    }

    fn check(&mut self, sql: &str) -> Result<Checked, SqlError> {
        if let Some(checked) = self.passed.get(sql) {
            return Ok(checked.clone());
        }
        let checked = self.gate.check(sql)?;
        if self.passed.len() >= MOST_PASSED {
            self.passed.clear();
        }
        self.passed.insert(sql.to_owned(), checked.clone());
        Ok(checked)
    }

    /// One run. The flag of an error tells whether rows have already left for the parent.
    fn attempt(&mut self, job: &Job, checked: &Checked) -> Result<Reply, (RunError, bool)> {
        match job.mode {
            Mode::Rows => run_rows(&self.engine, job, checked)
                .map(|result| Reply::Rows { id: job.id, result })
                .map_err(|error| (error, false)),
            Mode::Arrow => run_arrow(&self.engine, &mut self.out, job, checked),
        }
    }
}

pub(super) fn run_rows(engine: &Engine, job: &Job, checked: &Checked) -> Result<QueryResult, RunError> {
    let begun = Instant::now();
    // One more than asked for tells whether there are more.
    let shape = if job.explain { Shape::Plan } else { Shape::Limited(job.max_rows.saturating_add(1)) };
    let max_cell = if job.explain { u64::MAX } else { job.max_cell };
    let mut rows = Rows {
        cells: Cells::new(usize::try_from(max_cell).unwrap_or(usize::MAX)),
        max_rows: job.max_rows,
        bytes_left: job.max_bytes,
        rows: Vec::new(),
        limit: None,
    };
    let mut columns = Vec::new();
    engine.run(
        checked,
        shape,
        &job.params,
        |schema| {
            columns = describe(schema);
            Ok(())
        },
        |batch| Ok(rows.take(&batch)),
    )?;
    Ok(QueryResult {
        columns,
        row_count: rows.rows.len() as u64,
        truncated: rows.limit.is_some(),
        truncated_by: rows.limit,
        cut_cells: rows.cells.cut(),
        rows: rows.rows,
        elapsed_ms: (begun.elapsed().as_secs_f64() * 1e5).round() / 100.0,
        as_of: engine.as_of().to_owned(),
        left_out: engine.left_out(checked),
    })
}

fn describe(schema: &SchemaRef) -> Vec<Column> {
    schema
        .fields()
        .iter()
        .map(|field| {
            let name: String = field.name().chars().take(200).collect();
            Column { name: cells::visible(&name), sql_type: cells::sql_type(field.data_type()) }
        })
        .collect()
}

/// Rows collected so far, and what is left of the limits.
struct Rows {
    cells: Cells,
    max_rows: u64,
    bytes_left: u64,
    rows: Vec<Vec<Value>>,
    limit: Option<Limit>,
}

impl Rows {
    fn take(&mut self, batch: &RecordBatch) -> Flow {
        for row in 0..batch.num_rows() {
            if self.rows.len() as u64 >= self.max_rows {
                self.limit = Some(Limit::Rows);
                return Flow::Stop;
            }
            let cells: Vec<Value> = batch.columns().iter().map(|column| self.cells.cell(column, row)).collect();
            let bytes = cells.iter().map(json_len).sum::<u64>() + cells.len() as u64 + 2;
            if bytes > self.bytes_left && !self.rows.is_empty() {
                self.limit = Some(Limit::Bytes);
                return Flow::Stop;
            }
            self.bytes_left = self.bytes_left.saturating_sub(bytes);
            self.rows.push(cells);
        }
        Flow::More
    }
}

/// About how many bytes a value takes as JSON; escapes are not counted.
fn json_len(value: &Value) -> u64 {
    match value {
        Value::Null | Value::Bool(true) => 4,
        Value::Bool(false) => 5,
        Value::Number(number) => number.to_string().len() as u64,
        Value::String(text) => text.len() as u64 + 2,
        Value::Array(items) => items.iter().map(json_len).sum::<u64>() + items.len() as u64 + 2,
        Value::Object(map) => {
            map.iter().map(|(key, value)| key.len() as u64 + 4 + json_len(value)).sum::<u64>() + 2
        }
    }
}

fn run_arrow(engine: &Engine, out: &mut File, job: &Job, checked: &Checked) -> Result<Reply, (RunError, bool)> {
    let mut stream: Option<StreamWriter<Vec<u8>>> = None;
    let (mut rows, mut sent) = (0, false);
    let broken = |error: &dyn std::fmt::Display| SqlError::internal(error);
    let out = std::cell::RefCell::new(out);
    let writer = std::cell::RefCell::new(&mut stream);
    let flush = |bytes: &mut Vec<u8>| {
        protocol::write_frame(&mut *out.borrow_mut(), protocol::ARROW, bytes).map_err(|error| broken(&error))?;
        bytes.clear();
        Ok::<(), SqlError>(())
    };
    let shape = if job.explain { Shape::Plan } else { Shape::Whole };
    let outcome = engine.run(
        checked,
        shape,
        &job.params,
        |schema| {
            let mut begun = StreamWriter::try_new(Vec::new(), schema).map_err(|error| broken(&error))?;
            flush(begun.get_mut())?;
            **writer.borrow_mut() = Some(begun);
            Ok(())
        },
        |batch| {
            let mut writer = writer.borrow_mut();
            let Some(writer) = writer.as_mut() else { return Ok(Flow::Stop) };
            writer.write(&batch).map_err(|error| broken(&error))?;
            flush(writer.get_mut())?;
            rows += batch.num_rows() as u64;
            sent = true;
            Ok(Flow::More)
        },
    );
    // A schema without rows can be sent again; rows cannot.
    outcome.map_err(|error| (error, sent))?;
    if let Some(mut stream) = stream {
        stream.finish().map_err(|error| (RunError::Sql(broken(&error)), true))?;
        let mut out = out.borrow_mut();
        protocol::write_frame(&mut *out, protocol::ARROW, stream.get_ref())
            .map_err(|error| (RunError::Sql(broken(&error)), true))?;
    }
    Ok(Reply::Done { id: job.id, rows })
}

/// Tries, from inside the sandbox, what must fail. One line per attempt: name, `refused` or `ALLOWED`, cause.
fn self_test(out: &mut File, options: &Options, landlock: &str) -> ExitCode {
    let inside = options.root.join("self-test.tmp");
    let outside = std::env::temp_dir().join(format!("replayer-self-test-{}", std::process::id()));
    let write = |path: &std::path::Path| {
        let mut file = File::create(path)?;
        file.write_all(b"x")
    };
    let attempts: [(&str, std::io::Result<()>); 5] = [
        ("write a file in the data root", write(&inside)),
        ("write a file outside", write(&outside)),
        ("read /etc/passwd", std::fs::read("/etc/passwd").map(drop)),
        ("list /", std::fs::read_dir("/").map(drop)),
        ("connect over TCP", connect_locally()),
    ];
    let mut failed = false;
    let _ = writeln!(out, "landlock: {landlock}");
    for (name, outcome) in attempts {
        let verdict = match outcome {
            Ok(()) => {
                failed = true;
                "ALLOWED".to_owned()
            }
            Err(error) => format!("refused ({error})"),
        };
        let _ = writeln!(out, "{name}: {verdict}");
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// A connection to a closed local port: refused by the port where the sandbox lets it through.
fn connect_locally() -> std::io::Result<()> {
    match std::net::TcpStream::connect(("127.0.0.1", 9)) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Err(error),
        // Any other answer means that the packet left the process.
        _ => Ok(()),
    }
}
