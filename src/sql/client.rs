//! The parent's side: a small pool of worker processes, and the care they need.
//!
//! A worker serves one query at a time. It is started when a query needs it, kept for the next (the one used
//! last goes first: its caches are warm), and killed when it does not stop in time. A query that loses its
//! worker gets an error; nobody else notices.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamDecoder;
use arrow::record_batch::RecordBatch;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::Instant as Deadline;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::cells;
use super::derived::{Derive, DerivedRows, WantedView};
use super::error::SqlError;
use super::protocol::{self, Job, Mode, QueryResult, Reply, Request, SandboxReport};

/// How long an interrupted worker may take to answer before it is killed.
const OBEY: Duration = Duration::from_secs(2);

/// How long a worker may take to start, and to bring its views up to date before a query.
const PREPARE: Duration = Duration::from_secs(60);

/// Idle workers beyond the first are let go after this.
const IDLE: Duration = Duration::from_secs(120);

/// Variables a worker gets from the parent's environment. No other: a token has no business there.
const ENVIRONMENT: &[&str] =
    &["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SystemRoot", "RUST_LOG", "RUST_BACKTRACE"];

/// How workers are started.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data root.
    pub root: PathBuf,
    /// The `replayer` binary; `None` stands for the running one.
    pub worker_exe: Option<PathBuf>,
    /// Memory limit of a worker in MiB.
    pub memory_mib: u64,
    /// Threads of a worker; 0 stands for one per processor, at most four.
    pub threads: u32,
    /// Most workers at the same time; further queries wait.
    pub max_workers: usize,
}

impl Config {
    /// The usual: this binary, 1 GiB, at most three workers.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), worker_exe: None, memory_mib: 1024, threads: 0, max_workers: 3 }
    }
}

/// A query and its limits.
#[derive(Debug, Clone)]
pub struct Query {
    /// One SELECT; see the gate for what else passes.
    pub sql: String,
    /// Values for `$1`, `$2`, …: null, booleans, numbers, strings. Tools use them instead of splicing text.
    pub params: Vec<Value>,
    /// Most rows in the result.
    pub max_rows: u64,
    /// Most bytes of cells in the result; the first row always comes.
    pub max_bytes: u64,
    /// Most characters of one cell.
    pub max_cell: u64,
    /// Time limit of the query itself, without waiting for a worker.
    pub timeout: Duration,
    /// Give the plan, not the rows.
    pub explain: bool,
}

impl Query {
    /// A query under the default limits: 200 rows, 32 kB, 2000 characters a cell, 30 seconds.
    pub fn new(sql: impl Into<String>) -> Self {
        Self {
            sql: sql.into(),
            params: Vec::new(),
            max_rows: 200,
            max_bytes: 32 * 1024,
            max_cell: 2000,
            timeout: Duration::from_secs(30),
            explain: false,
        }
    }

    /// The same with values for its parameters.
    #[must_use]
    pub fn bind(mut self, params: Vec<Value>) -> Self {
        self.params = params;
        self
    }

    fn job(&self, id: u64, mode: Mode) -> Job {
        Job {
            id,
            sql: self.sql.clone(),
            params: self.params.clone(),
            max_rows: self.max_rows,
            max_bytes: self.max_bytes,
            max_cell: self.max_cell,
            timeout_ms: u64::try_from(self.timeout.as_millis()).unwrap_or(u64::MAX),
            explain: self.explain,
            mode,
        }
    }
}

/// Runs queries. Clones share the pool.
#[derive(Debug, Clone)]
pub struct SqlClient {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    /// Workers without a query; the one used last is at the back.
    idle: Mutex<VecDeque<Worker>>,
    permits: Arc<Semaphore>,
    next_id: AtomicU64,
    closing: CancellationToken,
    derive: OnceLock<Arc<dyn Derive>>,
}

impl SqlClient {
    /// A client without workers; the first query starts one.
    pub fn new(config: Config) -> Self {
        let permits = Arc::new(Semaphore::new(config.max_workers.max(1)));
        Self {
            inner: Arc::new(Inner {
                config,
                idle: Mutex::default(),
                permits,
                next_id: AtomicU64::new(1),
                closing: CancellationToken::new(),
                derive: OnceLock::new(),
            }),
        }
    }

    /// Has `derive` make the rows of the views `mark` and `field` from now on, for this client and its clones. The first
    /// one counts. Without one, queries that read these views fail.
    pub fn derive_with(&self, derive: Arc<dyn Derive>) {
        let _ = self.inner.derive.set(derive);
    }

    /// Runs one query and waits for its rows. Dropping the future kills its worker; cancelling the token stops
    /// the query and keeps the worker.
    ///
    /// # Errors
    /// See [`SqlError`]; every text is fit to be shown to the asker.
    pub async fn query(&self, query: Query, cancel: CancellationToken) -> Result<QueryResult, SqlError> {
        match self.query_once(&query, &cancel).await {
            // Files changed under it in a way it could not follow: a fresh worker has no memory of them.
            Err(SqlError::Store { .. }) => self.query_once(&query, &cancel).await,
            other => other,
        }
    }

    async fn query_once(&self, query: &Query, cancel: &CancellationToken) -> Result<QueryResult, SqlError> {
        let (mut worker, permit) = self.worker(cancel).await?;
        let id = self.inner.next_id.fetch_add(1, Ordering::Relaxed);
        let mut call = Call::begin(&mut worker, query.job(id, Mode::Rows), cancel, &self.inner).await?;
        let outcome = match call.reply().await? {
            Incoming::Message(Reply::Rows { result, .. }) => Ok(result),
            Incoming::Message(Reply::Failed { error, .. }) => Err(error),
            _ => return Err(SqlError::internal("the worker answered out of turn")),
        };
        self.inner.give_back(worker, &outcome);
        drop(permit);
        outcome
    }

    /// Runs one query and hands out its rows as Arrow batches while they are made: whole values, no row, byte or
    /// cell limit. Dropping the stream stops the query.
    ///
    /// # Errors
    /// See [`SqlError`]. What happens after the first batch comes through the stream.
    pub async fn stream(&self, query: Query, cancel: CancellationToken) -> Result<BatchStream, SqlError> {
        match self.stream_once(&query, &cancel).await {
            // As for a query: no row has been handed out yet.
            Err(SqlError::Store { .. }) => self.stream_once(&query, &cancel).await,
            other => other,
        }
    }

    async fn stream_once(&self, query: &Query, cancel: &CancellationToken) -> Result<BatchStream, SqlError> {
        let (worker, permit) = self.worker(cancel).await?;
        let id = self.inner.next_id.fetch_add(1, Ordering::Relaxed);
        let stop = cancel.child_token();
        let (schema_out, schema_in) = oneshot::channel();
        let (batches_out, batches) = mpsc::channel(4);
        let pump = Pump {
            inner: Arc::clone(&self.inner),
            stop: stop.clone(),
            schema: Some(schema_out),
            batches: batches_out,
        };
        tokio::spawn(pump.run(worker, permit, query.job(id, Mode::Arrow)));
        let schema = schema_in.await.map_err(|_| SqlError::internal("the query ended before it began"))??;
        Ok(BatchStream { schema, batches, _stop: stop.drop_guard() })
    }

    /// What the operating system enforces on workers; starts one if none is idle.
    ///
    /// # Errors
    /// [`SqlError::Internal`] or [`SqlError::Store`] when a worker cannot start.
    pub async fn sandbox(&self) -> Result<SandboxReport, SqlError> {
        let (worker, _permit) = self.worker(&CancellationToken::new()).await?;
        let report = worker.sandbox.clone();
        self.inner.give_back(worker, &Ok(()));
        Ok(report)
    }

    /// Process ids of the idle workers, the next to be used last.
    pub fn idle_workers(&self) -> Vec<u32> {
        self.inner.idle().iter().filter_map(|worker| worker.child.id()).collect()
    }

    /// Stops running queries and ends all workers. Later queries fail.
    pub async fn shutdown(&self) {
        self.inner.closing.cancel();
        let all = u32::try_from(self.inner.config.max_workers.max(1)).unwrap_or(u32::MAX);
        // Every running query holds a permit until its worker is back or gone.
        let _ = tokio::time::timeout(OBEY * 2, self.inner.permits.acquire_many(all)).await;
        self.inner.permits.close();
        let idle = std::mem::take(&mut *self.inner.idle());
        for worker in idle {
            worker.end().await;
        }
    }

    /// An idle worker, or a new one.
    async fn worker(&self, cancel: &CancellationToken) -> Result<(Worker, OwnedSemaphorePermit), SqlError> {
        let closed = || SqlError::internal("it is shutting down");
        let permit = tokio::select! {
            permit = Arc::clone(&self.inner.permits).acquire_owned() => permit.map_err(|_| closed())?,
            () = cancel.cancelled() => return Err(SqlError::Cancelled),
            () = self.inner.closing.cancelled() => return Err(closed()),
        };
        if self.inner.closing.is_cancelled() {
            return Err(closed());
        }
        while let Some(mut worker) = self.inner.take_idle() {
            if matches!(worker.child.try_wait(), Ok(None)) {
                return Ok((worker, permit));
            }
        }
        tokio::select! {
            worker = Worker::start(&self.inner.config) => Ok((worker?, permit)),
            () = cancel.cancelled() => Err(SqlError::Cancelled),
        }
    }
}

/// Runs one query outside of an async runtime, with a worker of its own: for the command line. `derive` makes the rows of
/// the views `mark` and `field`.
///
/// # Errors
/// See [`SqlError`].
pub fn query_blocking(config: Config, derive: Arc<dyn Derive>, query: Query) -> Result<QueryResult, SqlError> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(SqlError::internal)?;
    runtime.block_on(async {
        let client = SqlClient::new(config);
        client.derive_with(derive);
        let result = client.query(query, CancellationToken::new()).await;
        client.shutdown().await;
        result
    })
}

impl Inner {
    fn idle(&self) -> MutexGuard<'_, VecDeque<Worker>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_idle(&self) -> Option<Worker> {
        self.idle().pop_back()
    }

    /// Keeps a worker for the next query, unless the last one shook it.
    fn give_back<T>(&self, mut worker: Worker, outcome: &Result<T, SqlError>) {
        if self.closing.is_cancelled()
            || matches!(outcome, Err(SqlError::Internal { .. } | SqlError::Store { .. }))
        {
            return;
        }
        worker.idle_since = Instant::now();
        let mut idle = self.idle();
        idle.retain(|other| other.idle_since.elapsed() < IDLE);
        idle.push_back(worker);
    }
}

/// Batches of a running query.
#[derive(Debug)]
pub struct BatchStream {
    schema: SchemaRef,
    batches: mpsc::Receiver<Result<RecordBatch, SqlError>>,
    _stop: DropGuard,
}

impl BatchStream {
    /// The columns.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The next batch; `None` after the last. An error is the last thing that comes.
    ///
    /// # Errors
    /// What ended the query early.
    pub async fn next(&mut self) -> Option<Result<RecordBatch, SqlError>> {
        self.batches.recv().await
    }
}

/// A worker process. Dropping it kills the process.
#[derive(Debug)]
struct Worker {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    sandbox: SandboxReport,
    idle_since: Instant,
}

/// The running binary. On Linux by the kernel's own link to it, which still leads there after an upgrade has
/// replaced the file: a server must not lose its SQL because a newer build was installed beside it.
fn this_binary() -> std::io::Result<PathBuf> {
    let link = PathBuf::from("/proc/self/exe");
    if cfg!(target_os = "linux") && link.exists() { Ok(link) } else { std::env::current_exe() }
}

impl Worker {
    async fn start(config: &Config) -> Result<Self, SqlError> {
        let exe = match &config.worker_exe {
            Some(exe) => exe.clone(),
            None => this_binary().map_err(SqlError::internal)?,
        };
        let mut command = Command::new(&exe);
        #[cfg(unix)]
        command.arg0("replayer");
        command
            .arg("sql-worker")
            .arg("--root")
            .arg(&config.root)
            .args(["--memory-mib", &config.memory_mib.to_string()])
            .args(["--threads", &config.threads.to_string()])
            .env_clear()
            .envs(ENVIRONMENT.iter().filter_map(|name| std::env::var_os(name).map(|value| (*name, value))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Through a pipe: a worker may not make any file longer, and stderr may be one.
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let failed =
            |why: &dyn std::fmt::Display| SqlError::internal(format!("{} does not start: {why}", exe.display()));
        let mut child = command.spawn().map_err(|error| failed(&error))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(failed(&"no pipes"));
        };
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(forward(stderr, child.id()));
        }
        let mut stdout = BufReader::with_capacity(256 * 1024, stdout);
        let first = tokio::time::timeout(PREPARE, read_frame(&mut stdout)).await;
        let first =
            first.map_err(|_| failed(&"it did not report within a minute"))?.map_err(|error| failed(&error))?;
        match first.map(|(_, payload)| serde_json::from_slice(&payload)) {
            Some(Ok(Reply::Ready { sandbox })) => {
                tracing::debug!(pid = child.id(), landlock = %sandbox.landlock, "SQL worker started");
                Ok(Self { child, stdin, stdout, sandbox, idle_since: Instant::now() })
            }
            Some(Ok(Reply::Failed { error, .. })) => Err(error),
            Some(_) => Err(failed(&"it speaks another protocol; is it the same version?")),
            None => Err(failed(&how_it_ended(&mut child).await)),
        }
    }

    /// Lets it exit by itself, which it does when its stdin ends; kills it when it does not.
    async fn end(self) {
        let Self { mut child, stdin, .. } = self;
        drop(stdin);
        if tokio::time::timeout(OBEY, child.wait()).await.is_err() {
            let _ = child.kill().await;
        }
    }
}

/// What a worker writes to stderr becomes this process's log.
async fn forward(stderr: ChildStderr, pid: Option<u32>) {
    let mut lines = BufReader::new(stderr).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        tracing::warn!(pid, "SQL worker: {}", cells::visible(&String::from_utf8_lossy(&line)));
    }
}

/// How a child ended, in words. It is gone or as good as gone.
async fn how_it_ended(child: &mut Child) -> String {
    let status = tokio::time::timeout(OBEY, child.wait()).await;
    let Ok(Ok(status)) = status else { return "stopped answering".to_owned() };
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("was killed by signal {signal}");
    }
    format!("ended ({status})")
}

async fn read_frame(input: &mut BufReader<ChildStdout>) -> std::io::Result<Option<(u8, Vec<u8>)>> {
    let mut head = [0; 4];
    match input.read_exact(&mut head).await {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = protocol::payload_length(head)?;
    let kind = input.read_u8().await?;
    let mut payload = vec![0; length];
    input.read_exact(&mut payload).await?;
    Ok(Some((kind, payload)))
}

async fn write_request(stdin: &mut ChildStdin, request: &Request) -> std::io::Result<()> {
    let mut frame = Vec::new();
    protocol::write_message(&mut frame, request)?;
    stdin.write_all(&frame).await?;
    stdin.flush().await
}

/// What comes from a worker during a query.
enum Incoming {
    Message(Reply),
    Arrow(Vec<u8>),
}

/// One query on one worker. Ends with an answer, or with the worker killed.
struct Call<'a> {
    worker: &'a mut Worker,
    id: u64,
    timeout: Duration,
    cancel: &'a CancellationToken,
    closing: &'a CancellationToken,
    derive: Option<&'a Arc<dyn Derive>>,
    cancelled: bool,
    deadline: Deadline,
    /// What the worker had been told when the deadline was set, for the error.
    told: &'static str,
}

impl<'a> Call<'a> {
    async fn begin(
        worker: &'a mut Worker,
        job: Job,
        cancel: &'a CancellationToken,
        inner: &'a Inner,
    ) -> Result<Self, SqlError> {
        let (id, timeout) = (job.id, Duration::from_millis(job.timeout_ms));
        if write_request(&mut worker.stdin, &Request::Query(job)).await.is_err() {
            return Err(SqlError::WorkerDied { what: how_it_ended(&mut worker.child).await });
        }
        Ok(Self {
            worker,
            id,
            timeout,
            cancel,
            closing: &inner.closing,
            derive: inner.derive.get(),
            cancelled: false,
            deadline: Deadline::now() + PREPARE,
            told: "did not bring its views up to date within a minute and was killed",
        })
    }

    /// The next thing from the worker that concerns the caller. On every error but the query's own the worker is
    /// unusable; the caller drops it.
    async fn reply(&mut self) -> Result<Incoming, SqlError> {
        loop {
            let frame = self.frame().await?;
            match frame {
                (protocol::ARROW, bytes) => return Ok(Incoming::Arrow(bytes)),
                (protocol::JSON, bytes) => match serde_json::from_slice(&bytes).map_err(SqlError::internal)? {
                    Reply::Started { id } if id == self.id => {
                        if !self.cancelled {
                            self.deadline =
                                Deadline::now().checked_add(self.timeout + OBEY).unwrap_or(self.deadline);
                            self.told = "did not stop at the query's time limit and was killed";
                        }
                    }
                    Reply::Wanted { id, views } if id == self.id => self.make(views).await?,
                    reply => return Ok(Incoming::Message(reply)),
                },
                _ => return Err(SqlError::internal("the worker sent an unknown frame")),
            }
        }
    }

    /// Has the rows of derived views made, and sends them to the worker, which waits for them.
    async fn make(&mut self, views: Vec<WantedView>) -> Result<(), SqlError> {
        let derive = self.derive.cloned();
        let making = tokio::task::spawn_blocking(move || {
            let derive = derive.ok_or_else(|| {
                SqlError::failed(
                    "the rows of the views mark and field are not made in this process; ask another view",
                )
            })?;
            views.iter().map(|view| derive.rows(view)).collect::<Result<Vec<DerivedRows>, SqlError>>()
        });
        let made = tokio::select! {
            made = making => made.unwrap_or_else(|error| Err(SqlError::internal(error))),
            () = either(self.cancel, self.closing) => Err(SqlError::Cancelled),
        };
        let (tables, error) = made.map_or_else(|error| (Vec::new(), Some(error)), |tables| (tables, None));
        let sent = write_request(&mut self.worker.stdin, &Request::Derived { id: self.id, tables, error }).await;
        if sent.is_err() {
            return Err(SqlError::WorkerDied { what: how_it_ended(&mut self.worker.child).await });
        }
        self.deadline = Deadline::now() + PREPARE;
        Ok(())
    }

    async fn frame(&mut self) -> Result<(u8, Vec<u8>), SqlError> {
        let Worker { child, stdin, stdout, .. } = &mut *self.worker;
        let read = read_frame(stdout);
        tokio::pin!(read);
        loop {
            tokio::select! {
                biased;
                frame = &mut read => return match frame {
                    Ok(Some(frame)) => Ok(frame),
                    Ok(None) => Err(SqlError::WorkerDied { what: how_it_ended(child).await }),
                    Err(error) => Err(SqlError::internal(error)),
                },
                () = either(self.cancel, self.closing), if !self.cancelled => {
                    self.cancelled = true;
                    self.deadline = Deadline::now() + OBEY;
                    self.told = "did not stop when it was told to and was killed";
                    let _ = write_request(stdin, &Request::Cancel { id: self.id }).await;
                }
                () = tokio::time::sleep_until(self.deadline) => {
                    let _ = child.kill().await;
                    return Err(SqlError::WorkerDied { what: self.told.to_owned() });
                }
            }
        }
    }
}

async fn either(one: &CancellationToken, other: &CancellationToken) {
    tokio::select! {
        () = one.cancelled() => {}
        () = other.cancelled() => {}
    }
}

/// Carries the batches of a stream from the worker to the reader.
struct Pump {
    inner: Arc<Inner>,
    stop: CancellationToken,
    schema: Option<oneshot::Sender<Result<SchemaRef, SqlError>>>,
    batches: mpsc::Sender<Result<RecordBatch, SqlError>>,
}

impl Pump {
    async fn run(mut self, mut worker: Worker, permit: OwnedSemaphorePermit, job: Job) {
        let inner = Arc::clone(&self.inner);
        let stop = self.stop.clone();
        let answered = match Call::begin(&mut worker, job, &stop, &inner).await {
            Ok(call) => self.pump(call).await,
            Err(error) => Err(error),
        };
        match answered {
            // The worker has finished with the query, one way or the other.
            Ok(outcome) => {
                inner.give_back(worker, &outcome);
                if let Err(error) = outcome {
                    self.fail(error).await;
                }
            }
            Err(error) => self.fail(error).await,
        }
        drop(permit);
    }

    /// The outer error leaves the worker in an unknown state, the inner one is the query's.
    async fn pump(&mut self, mut call: Call<'_>) -> Result<Result<(), SqlError>, SqlError> {
        let mut decoder = StreamDecoder::new();
        loop {
            let bytes = match call.reply().await? {
                Incoming::Arrow(bytes) => bytes,
                Incoming::Message(Reply::Done { .. }) => return Ok(Ok(())),
                Incoming::Message(Reply::Failed { error, .. }) => return Ok(Err(error)),
                Incoming::Message(_) => return Err(SqlError::internal("the worker answered out of turn")),
            };
            if call.cancelled {
                continue; // read away what was under way
            }
            let mut buffer = Buffer::from_vec(bytes);
            while !buffer.is_empty() {
                let batch = decoder.decode(&mut buffer).map_err(SqlError::internal)?;
                if let (Some(sender), Some(schema)) =
                    (self.schema.take_if(|_| decoder.schema().is_some()), decoder.schema())
                {
                    let _ = sender.send(Ok(schema));
                }
                let Some(batch) = batch else { continue };
                // A reader that takes its time must not run the query into its deadline.
                let waited = Deadline::now();
                tokio::select! {
                    sent = self.batches.send(Ok(batch)) => if sent.is_err() { self.stop.cancel() },
                    () = either(call.cancel, call.closing) => {}
                }
                call.deadline += waited.elapsed();
            }
        }
    }

    async fn fail(&mut self, error: SqlError) {
        match self.schema.take() {
            Some(sender) => {
                let _ = sender.send(Err(error));
            }
            None => {
                let _ = self.batches.send(Err(error)).await;
            }
        }
    }
}
