//! A headless Chromium and one page in it, driven over the debugging protocol.

use std::process::Stdio;
use std::time::{Duration, Instant};

use base64::Engine as _;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::common::needs;
use crate::common::waiting::TIMEOUT;

/// A page whose only frame is the app.
pub struct Page {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next_id: u64,
    /// What the browser told without being asked.
    pub events: Vec<Value>,
    _browser: Child,
    _profile: TempDir,
}

impl Page {
    /// A browser with an empty page.
    pub async fn open(program: &str) -> Page {
        let profile = tempfile::tempdir().unwrap();
        let browser = Command::new(program)
            // No sandbox: tests run as root in containers, where Chromium's own does not work. The frame stays in the
            // page's process, so that one connection sees both.
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .args(["--disable-features=IsolateSandboxedIframes", "--hide-scrollbars", "--remote-debugging-port=0"])
            .args(needs::CHROMIUM_STAYS_HERE)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            // Whatever it writes beside its profile goes with it.
            .env("HOME", profile.path())
            .env("XDG_CONFIG_HOME", profile.path())
            .env("XDG_CACHE_HOME", profile.path())
            .env("TMPDIR", profile.path())
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let began = Instant::now();
        let port_file = profile.path().join("DevToolsActivePort");
        let port: u16 = loop {
            let text = std::fs::read_to_string(&port_file).unwrap_or_default();
            if let Some(port) = text.lines().next().and_then(|line| line.parse().ok()) {
                break port;
            }
            assert!(began.elapsed() < TIMEOUT, "Chromium does not start");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let address = loop {
            let targets = targets(port).await;
            let page =
                targets.as_array().and_then(|all| all.iter().find(|target| target["type"] == "page").cloned());
            if let Some(address) = page.and_then(|page| page["webSocketDebuggerUrl"].as_str().map(str::to_owned)) {
                break address;
            }
            assert!(began.elapsed() < TIMEOUT, "Chromium shows no page");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let (socket, _) = connect_async(address).await.unwrap();
        let mut page = Page { socket, next_id: 1, events: Vec::new(), _browser: browser, _profile: profile };
        for domain in ["Page", "Runtime", "Network", "Log"] {
            page.call(&format!("{domain}.enable"), json!({})).await;
        }
        page
    }

    /// A command, and its result.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        let command = json!({"id": id, "method": method, "params": params}).to_string();
        self.socket.send(Message::text(command)).await.unwrap();
        loop {
            let message = tokio::time::timeout(TIMEOUT, self.socket.next()).await;
            let message = message.unwrap_or_else(|_| panic!("no answer to {method}")).unwrap().unwrap();
            let Message::Text(text) = message else { continue };
            let value: Value = serde_json::from_str(&text).unwrap();
            if value["id"] == json!(id) {
                assert!(value.get("error").is_none(), "{method}: {value}");
                return value["result"].clone();
            }
            self.events.push(value);
        }
    }

    /// Shows an address in a window of this size.
    pub async fn show(&mut self, url: &str, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", metrics).await;
        self.call("Page.navigate", json!({"url": url})).await;
    }

    /// The value of an expression in the page around the frame.
    pub async fn in_host(&mut self, expression: &str) -> Value {
        self.evaluate(expression, None).await.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// The value of an expression in the frame.
    pub async fn in_frame(&mut self, expression: &str) -> Value {
        self.try_in_frame(expression).await.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    async fn try_in_frame(&mut self, expression: &str) -> Result<Value, String> {
        let tree = self.call("Page.getFrameTree", json!({})).await;
        let frame = tree["frameTree"]["childFrames"][0]["frame"]["id"].clone();
        let contexts =
            self.events.iter().rev().filter(|event| event["method"] == "Runtime.executionContextCreated");
        let context = contexts
            .map(|event| &event["params"]["context"])
            .find(|context| context["auxData"]["frameId"] == frame && context["auxData"]["isDefault"] == true);
        let id = context.and_then(|context| context["id"].as_u64()).ok_or("the frame has no context yet")?;
        self.evaluate(expression, Some(id)).await
    }

    async fn evaluate(&mut self, expression: &str, context: Option<u64>) -> Result<Value, String> {
        let mut params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        if let Some(context) = context {
            params["contextId"] = json!(context);
        }
        let id = self.next_id;
        self.next_id += 1;
        let command = json!({"id": id, "method": "Runtime.evaluate", "params": params}).to_string();
        self.socket.send(Message::text(command)).await.unwrap();
        loop {
            let message = tokio::time::timeout(TIMEOUT, self.socket.next()).await;
            let message = message.map_err(|_| "no answer")?.unwrap().unwrap();
            let Message::Text(text) = message else { continue };
            let value: Value = serde_json::from_str(&text).unwrap();
            if value["id"] != json!(id) {
                self.events.push(value);
            } else if let Some(error) = value.get("error").or(value["result"].get("exceptionDetails")) {
                return Err(error.to_string());
            } else {
                return Ok(value["result"]["result"]["value"].clone());
            }
        }
    }

    /// Waits until an expression in the frame is true, and gives its value.
    pub async fn until(&mut self, expression: &str) -> Value {
        let began = Instant::now();
        loop {
            let last = self.try_in_frame(expression).await;
            if let Ok(value) = &last
                && (value.as_bool().unwrap_or(!value.is_null()))
            {
                return value.clone();
            }
            if began.elapsed() > TIMEOUT {
                let shown = self.try_in_frame("document.body.innerText").await;
                let said = self.in_host("JSON.stringify(said.slice(-3))").await;
                panic!(
                    "waited in vain for {expression}: {last:?}; the page shows {shown:?} and said {said}; {:?}",
                    self.exceptions()
                );
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Presses what the selector names, as a script of the page would.
    pub async fn press(&mut self, selector: &str) {
        self.until(&format!("!!document.querySelector({})", json!(selector))).await;
        self.in_frame(&format!("document.querySelector({}).click()", json!(selector))).await;
    }

    /// Presses the first button that says this.
    pub async fn press_text(&mut self, text: &str) {
        let button = format!(
            "[...document.querySelectorAll('button')].find((b) => b.offsetParent && b.textContent.trim() === {})",
            json!(text)
        );
        self.until(&format!("!!{button}")).await;
        self.in_frame(&format!("{button}.click()")).await;
    }

    /// A key as the keyboard sends it, to what has the focus.
    pub async fn key(&mut self, key: &str, code: u32) {
        for kind in ["rawKeyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code});
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// A click of the mouse at a place of the window.
    pub async fn click(&mut self, x: f64, y: f64) {
        for (kind, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
            let event = json!({"type": kind, "x": x, "y": y, "button": if kind == "mouseMoved" {"none"} else {"left"},
                               "buttons": buttons, "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// What the app has said to its host, by method.
    pub async fn said(&mut self, method: &str) -> Vec<Value> {
        let expression = format!("said.filter((message) => message.method === {})", json!(method));
        self.in_host(&expression).await.as_array().unwrap().clone()
    }

    /// Keeps a picture, where pictures are wanted.
    pub async fn picture(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("REPLAYER_SCREENSHOTS") else { return };
        // Two frames, so that what was just changed is drawn.
        self.in_frame(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))",
        )
        .await;
        let shot = self.call("Page.captureScreenshot", json!({"format": "png"})).await;
        let bytes = base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
    }

    /// Every address that was asked for, and what the frame was refused.
    pub fn requests(&self) -> (Vec<String>, Vec<Value>) {
        let of = |method: &str| {
            self.events.iter().filter(|event| event["method"] == method).cloned().collect::<Vec<_>>()
        };
        let urls = of("Network.requestWillBeSent");
        let urls =
            urls.iter().map(|event| event["params"]["request"]["url"].as_str().unwrap().to_owned()).collect();
        let refused = of("Log.entryAdded")
            .into_iter()
            .filter(|event| event["params"]["entry"]["source"] == "security")
            .collect();
        (urls, refused)
    }

    /// Exceptions that no script of the page caught.
    pub fn exceptions(&self) -> Vec<&Value> {
        self.events.iter().filter(|event| event["method"] == "Runtime.exceptionThrown").collect()
    }
}

async fn targets(port: u16) -> Value {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else { return Value::Null };
    let request = format!("GET /json/list HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await.unwrap_or(0);
        answer.extend(&buffer[..read]);
        let text = String::from_utf8_lossy(&answer);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_default();
        let length =
            head.lines().find_map(|line| line.strip_prefix("Content-Length:")?.trim().parse::<usize>().ok());
        if read == 0 || length.is_some_and(|length| body.len() >= length) {
            return serde_json::from_str(body).unwrap_or_default();
        }
    }
}
