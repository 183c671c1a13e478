#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use serde_json::{Value, json};

use super::*;

/// What the stub does with the next request.
enum Reply {
    /// Vectors of this dimension, in reverse order, as services may.
    Vectors(usize),
    /// A status, further headers, a body.
    Status(u16, &'static str, &'static str),
    /// The connection is cut.
    Cut,
}

struct Stub {
    url: String,
    /// The headers' text and the body of each request.
    seen: Receiver<(String, Value)>,
}

/// A service on a thread of its own, which answers each request with the next reply and then ends.
fn stub(replies: Vec<Reply>) -> Stub {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let (sender, seen) = channel();
    std::thread::spawn(move || {
        for reply in replies {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut head = String::new();
            while reader.read_line(&mut head).unwrap() > 2 {}
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned))
                .map_or(0, |length| length.parse().unwrap());
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            let (status, headers, text) = match reply {
                Reply::Cut => {
                    sender.send((head, body)).unwrap();
                    continue;
                }
                Reply::Status(status, headers, text) => (status, headers, text.to_owned()),
                Reply::Vectors(dimension) => {
                    let inputs = body["input"].as_array().unwrap();
                    let data: Vec<Value> = inputs
                        .iter()
                        .enumerate()
                        .rev()
                        .map(|(index, text)| {
                            let mut vector = vec![0.0; dimension];
                            vector[0] = 3.0;
                            vector[1] = text.as_str().unwrap().len() as f64;
                            json!({"object": "embedding", "index": index, "embedding": vector})
                        })
                        .collect();
                    (200, "", json!({"data": data, "usage": {"total_tokens": 1}}).to_string())
                }
            };
            // Before the answer: who has that may look at once.
            sender.send((head, body)).unwrap();
            let length = text.len();
            write!(
                stream,
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{headers}\
                 Connection: close\r\n\r\n{text}"
            )
            .unwrap();
        }
    });
    Stub { url, seen }
}

fn connect(stub: &Stub, dimension: usize) -> Result<HttpEmbedder, EmbedError> {
    let info = ModelInfo { id: "openai:test-model".to_owned(), dimension, digest: "d".to_owned() };
    HttpEmbedder::connect_with(info, stub.url.clone(), Some("sk-secret"), Duration::from_millis(5))
}

#[test]
fn texts_go_in_batches_and_come_back_in_order_at_length_one() {
    let stub = stub(vec![Reply::Vectors(8), Reply::Vectors(8), Reply::Vectors(8)]);
    let embedder = connect(&stub, 8).unwrap();
    let texts: Vec<String> = (0..150).map(|i| "x".repeat(i)).collect();
    let vectors = embedder.embed(&texts.iter().map(String::as_str).collect::<Vec<_>>()).unwrap();
    assert_eq!(vectors.len(), 150);
    for (i, vector) in vectors.iter().enumerate().skip(1) {
        assert!((vector[1] / vector[0] - i as f32 / 3.0).abs() < 1e-3, "vector {i} is out of place");
        assert!((vector.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
    }
    let seen: Vec<_> = stub.seen.try_iter().collect();
    let sizes: Vec<usize> = seen.iter().map(|(_, body)| body["input"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [64, 64, 22]);
    let (head, body) = &seen[0];
    assert!(head.starts_with("POST /v1/embeddings "), "{head}");
    assert!(head.to_lowercase().contains("authorization: bearer sk-secret"), "{head}");
    assert_eq!(body["model"], "test-model");
    assert_eq!(body["input"][0], "(empty)", "services refuse empty texts");
}

#[test]
fn a_busy_service_is_asked_again_when_it_says() {
    let stub = stub(vec![
        Reply::Status(429, "Retry-After: 0.1\r\n", "{}"),
        Reply::Status(503, "", "overloaded"),
        Reply::Cut,
        Reply::Vectors(4),
    ]);
    let began = std::time::Instant::now();
    assert_eq!(connect(&stub, 4).unwrap().embed(&["x"]).unwrap().len(), 1);
    assert!(began.elapsed() >= Duration::from_millis(100), "Retry-After was not honoured");
    assert_eq!(stub.seen.try_iter().count(), 4);
}

#[test]
fn it_gives_up_in_the_end_and_says_why() {
    let stub = stub((0..9).map(|_| Reply::Status(500, "", "{\"error\": {\"message\": \"on fire\"}}")).collect());
    let error = connect(&stub, 4).unwrap().embed(&["x"]).unwrap_err().to_string();
    assert!(error.contains("answered 500: on fire (5 tries)"), "{error}");
    assert!(error.contains("REPLAYER_EMBEDDER=local"), "{error}");
    assert_eq!(stub.seen.try_iter().count(), 5);
}

#[test]
fn a_service_that_wants_a_long_wait_is_not_waited_for() {
    let stub = stub(vec![Reply::Status(429, "Retry-After: 3600\r\n", "{\"detail\": \"quota\"}")]);
    let error = connect(&stub, 4).unwrap().embed(&["x"]).unwrap_err().to_string();
    assert!(error.contains("quota; it asks to wait 3600 s"), "{error}");
}

#[test]
fn a_refused_key_is_not_tried_again_and_not_shown() {
    let body = "{\"error\": {\"message\": \"Incorrect API key provided:\\n sk-secret\"}}";
    let stub = stub(vec![Reply::Status(401, "", body)]);
    let error = connect(&stub, 4).unwrap().embed(&["x"]).unwrap_err().to_string();
    assert!(error.contains("Incorrect API key provided: <key>. Check OPENAI_API_KEY"), "{error}");
}

#[test]
fn an_unknown_model_tells_its_dimension_at_once() {
    let stub = stub(vec![Reply::Vectors(6), Reply::Vectors(6)]);
    let embedder = connect(&stub, 0).unwrap();
    assert_eq!(embedder.model().dimension, 6);
    assert_eq!(embedder.embed(&["x"]).unwrap()[0].len(), 6);
}

#[test]
fn another_dimension_than_the_models_is_an_error() {
    let stub = stub(vec![Reply::Vectors(6)]);
    let error = connect(&stub, 4).unwrap().embed(&["x"]).unwrap_err();
    assert!(matches!(error, EmbedError::Dimension { expected: 4, found: 6, .. }), "{error}");
}

#[test]
fn nonsense_is_an_error() {
    for (body, expected) in [
        ("<html>hello</html>", "not one of an embeddings service"),
        ("{\"data\": []}", "0 vectors for 1 texts"),
        ("{\"data\": [{\"index\": 7, \"embedding\": [1, 2]}]}", "or empty ones"),
    ] {
        let stub = stub(vec![Reply::Status(200, "", body)]);
        let error = connect(&stub, 2).unwrap().embed(&["x"]).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn nobody_there_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let (_, seen) = channel();
    let error = connect(&Stub { url, seen }, 2).unwrap().embed(&["x"]).unwrap_err().to_string();
    assert!(error.contains("cannot be reached"), "{error}");
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    assert_eq!(retry_after("2"), Some(Duration::from_secs(2)));
    assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
    assert!(retry_after("Mon, 21 Oct 2199 07:28:00 GMT").unwrap() > LONGEST_PAUSE);
    assert_eq!(retry_after("soon"), None);
    assert_eq!(retry_after("-1"), None);
}
