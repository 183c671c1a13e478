//! A real Chromium as a user would start it, and a site with sockets that keeps its own log.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{accept_async, connect_async};

use crate::needs;

/// Waits until it is so. Longer than elsewhere: a browser on a busy machine takes its time.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(60), async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain until {what}");
}

/// A browser with a profile of its own, as `doctor` tells users to start one.
pub struct Chromium {
    program: String,
    pub port: u16,
    profile: TempDir,
    child: Child,
}

impl Chromium {
    /// Starts it with this page open.
    pub async fn start(program: String, page: &str) -> Chromium {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let profile = tempfile::tempdir().unwrap();
        let child = spawn(&program, port, &profile, page);
        let chromium = Chromium { program, port, profile, child };
        chromium.listens().await;
        chromium
    }

    async fn listens(&self) {
        let waited = tokio::time::timeout(Duration::from_secs(60), async {
            while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        waited.await.expect("Chromium does not start");
    }

    pub fn address(&self, site: &Site) -> String {
        format!("http://127.0.0.1:{}#{}", self.port, site.host())
    }

    /// `kill -9`, and the same command again.
    pub async fn kill_and_start_again(&mut self, page: &str) {
        self.child.kill().await.unwrap();
        self.child = spawn(&self.program, self.port, &self.profile, page);
        self.listens().await;
    }

    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// What a person does in the browser, over a connection of the test's own.
    pub async fn open_tab(&self, url: &str) {
        self.http("PUT", &format!("/json/new?{url}")).await;
    }

    pub async fn close_tab(&self) {
        let id = self.tab().await["id"].as_str().unwrap().to_owned();
        self.http("GET", &format!("/json/close/{id}")).await;
        // Closing takes a moment, and the next one to be closed is another.
        let gone = tokio::time::timeout(Duration::from_secs(60), async {
            while self.http("GET", "/json/list").await.contains(&id) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        gone.await.expect("the tab does not close");
    }

    pub async fn reload_tab(&self) {
        self.command("Page.reload").await;
    }

    pub async fn crash_tab(&self) {
        self.command("Page.crash").await;
    }

    async fn command(&self, method: &str) {
        let url = self.tab().await["webSocketDebuggerUrl"].as_str().unwrap().to_owned();
        let (mut socket, _) = connect_async(url).await.unwrap();
        let call = json!({"id": 1, "method": method}).to_string();
        socket.send(Message::text(call)).await.unwrap();
        // Answered, or ended by the crash that was asked for.
        let _ = tokio::time::timeout(Duration::from_secs(2), socket.next()).await;
    }

    /// The first tab that shows a site.
    async fn tab(&self) -> Value {
        let tabs: Value = serde_json::from_str(&self.http("GET", "/json/list").await).unwrap();
        let mut tabs = tabs.as_array().unwrap().iter();
        let is_site = |tab: &&Value| tab["type"] == "page" && tab["url"].as_str().unwrap().starts_with("http");
        tabs.find(is_site).expect("no tab").clone()
    }

    async fn http(&self, method: &str, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let port = self.port;
        let request = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let read = stream.read(&mut buffer).await.unwrap();
            answer.extend(&buffer[..read]);
            let text = String::from_utf8_lossy(&answer);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("Content-Length:"));
                if read == 0 || length.is_some_and(|length| length.trim().parse() == Ok(body.len())) {
                    return body.to_owned();
                }
            }
            assert!(read > 0, "Chromium answers {text:?} to {path}");
        }
    }
}

fn spawn(program: &str, port: u16, profile: &TempDir, page: &str) -> Child {
    let mut command = Command::new(program);
    // No sandbox: tests run as root in containers, where Chromium's own does not work.
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
    command.args(needs::CHROMIUM_STAYS_HERE);
    command.arg(format!("--remote-debugging-port={port}"));
    command.arg(format!("--user-data-dir={}", profile.path().display())).arg(page);
    // Whatever it writes beside its profile goes with it.
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "TMPDIR"] {
        command.env(name, profile.path());
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command.spawn().unwrap()
}

/// One socket as the site saw it.
#[derive(Clone, Default)]
pub struct Seen {
    /// Path of the socket's URL.
    pub path: String,
    /// What the site sent, what it received.
    pub sent: Vec<String>,
    pub received: Vec<String>,
}

/// A site: pages that open sockets, and the sockets' other end.
pub struct Site {
    host: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    /// To say something on a socket, by its number.
    mouths: Arc<Mutex<Vec<mpsc::UnboundedSender<Message>>>>,
}

/// The page echoes every text as the argument of an event, and does what it is told.
const PAGE: &str = r#"<!doctype html><title>site</title><script>
const open = path => {
  const ws = new WebSocket(`ws://${location.host}${path}`);
  ws.onmessage = e => {
    if (e.data === 'do:worker') window.inner = new Worker('/worker.js');
    else if (e.data === 'do:frame') {
      const frame = Object.assign(document.createElement('iframe'), {src: `http://localhost:${location.port}/framed`});
      document.body.append(frame);
      window.inner = {postMessage: text => frame.contentWindow.postMessage(text, '*')};
    } else if (e.data === 'do:open') window.inner.postMessage('open');
    else if (e.data === 'do:bytes') ws.send(new Uint8Array([1, 2, 3]));
    else if (e.data === 'do:self') ws.send(JSON.stringify([innerWidth, innerHeight, devicePixelRatio, navigator.userAgent, navigator.webdriver, Object.keys(window).length]));
    else if (typeof e.data === 'string') ws.send('42["echo",' + JSON.stringify(e.data) + ']');
  };
  ws.onopen = () => ws.send('40');
};
if (location.pathname === '/framed') addEventListener('message', () => open('/framed/?EIO=4'));
else addEventListener('load', () => open('/socket.io/?EIO=4&token=planted-in-the-url'));
</script><body>"#;
/// Opens its socket when its page says so.
const WORKER: &str = "onmessage = () => { \
                      const ws = new WebSocket(`ws://${location.host}/worker/`); ws.onopen = () => ws.send('40'); \
                      ws.onmessage = e => ws.send('42[\"echo\",' + JSON.stringify(e.data) + ']'); }";

impl Site {
    pub async fn start() -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let site = Site { host, seen: Arc::default(), mouths: Arc::default() };
        let (seen, mouths) = (site.seen.clone(), site.mouths.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, seen.clone(), mouths.clone()));
            }
        });
        site
    }

    /// Host and port, as the page has them.
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.host)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn say(&self, socket: usize, text: &str) {
        self.seen.lock().unwrap()[socket].sent.push(text.to_owned());
        self.mouths.lock().unwrap()[socket].send(Message::text(text)).unwrap();
    }

    /// Waits until so many sockets are open and said hello.
    pub async fn sockets(&self, count: usize) {
        until(&format!("{count} sockets are open"), || {
            let seen = self.seen.lock().unwrap();
            seen.len() == count && seen.iter().all(|socket| !socket.received.is_empty())
        })
        .await;
    }

    /// Waits until the page answered everything that is no order.
    pub async fn answered(&self, socket: usize) {
        until("the page answered", || {
            let seen = self.seen.lock().unwrap();
            let asked = seen[socket].sent.iter().filter(|text| !text.starts_with("do:")).count();
            seen[socket].received.iter().filter(|text| text.starts_with("42[\"echo\"")).count() == asked
        })
        .await;
    }
}

async fn serve(
    mut stream: TcpStream,
    seen: Arc<Mutex<Vec<Seen>>>,
    mouths: Arc<Mutex<Vec<mpsc::UnboundedSender<Message>>>>,
) {
    let mut head = vec![0; 4096];
    let length = stream.peek(&mut head).await.unwrap_or_default();
    let head = String::from_utf8_lossy(&head[..length]).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    if !head.contains("Upgrade: websocket") {
        let (kind, body) = if path == "/worker.js" { ("text/javascript", WORKER) } else { ("text/html", PAGE) };
        let _ = stream.read(&mut vec![0; 4096]).await;
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let _ = stream.write_all(answer.as_bytes()).await;
        return;
    }
    let Ok(socket) = accept_async(stream).await else { return };
    let (mut to, mut from) = socket.split();
    let (mouth, mut words) = mpsc::unbounded_channel();
    let number = {
        let mut seen = seen.lock().unwrap();
        let path = path.split('?').next().unwrap_or_default().to_owned();
        seen.push(Seen { path, ..Seen::default() });
        mouths.lock().unwrap().push(mouth);
        seen.len() - 1
    };
    loop {
        tokio::select! {
            word = words.recv() => {
                let Some(word) = word else { return };
                if to.send(word).await.is_err() { return }
            }
            heard = from.next() => match heard {
                Some(Ok(Message::Text(text))) => seen.lock().unwrap()[number].received.push(text.to_string()),
                Some(Ok(_)) => {}
                _ => return,
            }
        }
    }
}
