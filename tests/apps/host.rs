//! A small host: serves its own page and the app's under the policy the specification demands, and passes what the
//! app asks on to the real binary over its pipes. A question of the server to the person is answered as told.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use serde_json::{Value, json};

use crate::server::Wire;

const PAGE: &str = include_str!("host.html");

/// What a host applies to an app that asks for nothing.
const POLICY: &str = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; media-src 'self' data:; connect-src 'none'";

/// How the person answers when the server asks; `None`: this host has no form to ask with.
pub type Person = Option<fn(&Value) -> Value>;

struct Server {
    wire: Wire,
    person: Person,
    /// What the server asked the person.
    questions: Vec<Value>,
    /// The calls that were passed on, with the answers.
    calls: Vec<(Value, Value)>,
}

impl Server {
    fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.wire.request(method, params.clone());
        loop {
            let message = self.wire.message(Duration::from_secs(30)).expect("the server does not answer");
            if message["id"] == json!(id) && message.get("method").is_none() {
                self.calls.push((params, message.clone()));
                return message;
            }
            if message["method"] == "elicitation/create" {
                let answer = self.person.expect("asked although nobody can be")(&message["params"]);
                self.questions.push(message["params"].clone());
                self.wire.send(&json!({"jsonrpc": "2.0", "id": message["id"], "result": answer}));
            }
        }
    }
}

/// A running host.
#[derive(Clone)]
pub struct Host {
    address: String,
    server: Arc<Mutex<Server>>,
}

impl Host {
    /// Starts the binary on this root and the host's pages beside it.
    pub async fn start(root: &Path, person: Person) -> Host {
        let mut wire = Wire::start(root);
        let mut capabilities = super::listing::apps();
        if person.is_some() {
            capabilities["elicitation"] = json!({});
        }
        wire.ask(
            "initialize",
            json!({"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": {"name": "host", "version": "0"}}),
        );
        wire.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = Server { wire, person, questions: Vec::new(), calls: Vec::new() };
        let host = Host { address, server: Arc::new(Mutex::new(server)) };
        let routes = Router::new()
            .route("/", get(|| async { Html(PAGE) }))
            .route("/favicon.ico", get(|| async {}))
            .route("/app/{page}", get(app))
            .route("/rpc", post(rpc))
            .with_state(host.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        host
    }

    /// The address of the host's page that shows a tool's result in the app `ui://rugs/{page}`.
    pub fn url(&self, page: &str, tool: &str, arguments: &Value, theme: &str) -> String {
        let arguments: String = arguments.to_string().bytes().map(|byte| format!("%{byte:02x}")).collect();
        format!("{}/?page={page}&tool={tool}&args={arguments}&theme={theme}", self.address)
    }

    /// Asks the server as a host or an agent would.
    pub async fn ask(&self, method: &str, params: Value) -> Value {
        let (server, method) = (Arc::clone(&self.server), method.to_owned());
        tokio::task::spawn_blocking(move || server.lock().unwrap().ask(&method, params)).await.unwrap()
    }

    /// A tool's answer.
    pub async fn call(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({"name": tool, "arguments": arguments})).await;
        assert_ne!(answer["result"]["isError"], json!(true), "{answer}");
        answer["result"]["structuredContent"].clone()
    }

    /// The arguments of every call of a tool so far, with the answers.
    pub fn calls(&self, tool: &str) -> Vec<(Value, Value)> {
        let server = self.server.lock().unwrap();
        let calls = server.calls.iter().filter(|(params, _)| params["name"] == tool);
        calls.map(|(params, answer)| (params["arguments"].clone(), answer.clone())).collect()
    }

    /// What the server asked the person so far.
    pub fn questions(&self) -> Vec<Value> {
        self.server.lock().unwrap().questions.clone()
    }

    /// Whether only the host's own pages were asked for, and nothing was refused: the app did not even try.
    pub fn nothing_left(&self, urls: &[String], refused: &[Value]) {
        let own = ["/?page=", "/app/", "/rpc", "/favicon.ico"].map(|path| format!("{}{path}", self.address));
        for url in urls {
            assert!(own.iter().any(|own| url.starts_with(own)), "{url} was asked for");
        }
        assert!(refused.is_empty(), "{refused:?}");
    }
}

async fn app(State(host): State<Host>, uri: Uri) -> impl IntoResponse {
    let page = uri.path().trim_start_matches("/app/");
    let answer = host.ask("resources/read", json!({"uri": format!("ui://rugs/{page}")})).await;
    let contents = &answer["result"]["contents"][0];
    assert_eq!(contents["mimeType"], "text/html;profile=mcp-app", "{answer}");
    let html = contents["text"].as_str().unwrap().to_owned();
    ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(html))
}

async fn rpc(State(host): State<Host>, body: String) -> impl IntoResponse {
    let asked: Value = serde_json::from_str(&body).unwrap();
    let answer = host.ask(asked["method"].as_str().unwrap(), asked["params"].clone()).await;
    ([(header::CONTENT_TYPE, "application/json")], answer.to_string())
}
