//! Embedders behind HTTP: the shape of OpenAI's `POST /embeddings`, which Voyage and many local servers speak.

use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

use serde::Deserialize;

use super::settings::Provider;
use super::{EmbedError, Embedder, ModelInfo};

/// Texts in a request.
const BATCH: usize = 64;

/// How often one request is tried.
const ATTEMPTS: u32 = 5;

/// The longest pause before the next try; a service that asks for more is told of as an error.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The largest answer: 64 vectors of 4,096 numbers as JSON are about 6 MB.
const ANSWER_BYTES: u64 = 64 << 20;

/// The dimension of the models we know; the first answer tells that of others.
pub fn known_dimension(provider: Provider, model: &str) -> Option<usize> {
    match (provider, model) {
        (Provider::OpenAi, "text-embedding-3-small" | "text-embedding-ada-002") => Some(1536),
        (Provider::OpenAi, "text-embedding-3-large") => Some(3072),
        (Provider::Voyage, "voyage-3-lite") => Some(512),
        (
            Provider::Voyage,
            "voyage-3" | "voyage-3-large" | "voyage-3.5" | "voyage-3.5-lite" | "voyage-code-3"
            | "voyage-finance-2" | "voyage-law-2",
        ) => Some(1024),
        _ => None,
    }
}

/// A model behind HTTP.
pub struct HttpEmbedder {
    info: ModelInfo,
    /// The model's name without the provider.
    model: String,
    url: String,
    key: Option<String>,
    agent: ureq::Agent,
    /// The pause after the first failure; each further one is twice as long.
    pause: Duration,
}

/// Why a try failed, and whether another one may help.
struct Refusal {
    why: String,
    how: String,
    again: Option<Again>,
}

enum Again {
    /// As we think right.
    Soon,
    /// As the service says.
    After(Duration),
}

#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    index: Option<usize>,
    embedding: Vec<f32>,
}

impl HttpEmbedder {
    /// `info` as [`super::state`] tells it. Where it leaves the dimension open, one short text is embedded.
    ///
    /// # Errors
    /// When that text cannot be embedded.
    pub fn connect(info: ModelInfo, url: String, key: Option<&str>) -> Result<HttpEmbedder, EmbedError> {
        HttpEmbedder::connect_with(info, url, key, Duration::from_millis(500))
    }

    fn connect_with(
        info: ModelInfo,
        url: String,
        key: Option<&str>,
        pause: Duration,
    ) -> Result<HttpEmbedder, EmbedError> {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_global(Some(Duration::from_secs(60)))
            .user_agent(concat!("replayer/", env!("CARGO_PKG_VERSION")))
            .build()
            .into();
        let model = info.id.split_once(':').map_or(info.id.as_str(), |(_, model)| model).to_owned();
        let mut embedder = HttpEmbedder { info, model, url, key: key.map(str::to_owned), agent, pause };
        if embedder.info.dimension == 0 {
            let learned = embedder.request(&["dimension"])?.first().map_or(0, Vec::len);
            embedder.info.dimension = learned;
        }
        Ok(embedder)
    }

    /// One batch, tried again while that may help.
    fn request(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let mut attempt = 1;
        loop {
            let refusal = match self.attempt(texts) {
                Ok(vectors) => return Ok(vectors),
                Err(refusal) => refusal,
            };
            let pause = match refusal.again {
                Some(Again::Soon) => Some(self.backoff(attempt)),
                Some(Again::After(pause)) => Some(pause),
                None => None,
            };
            match pause {
                Some(pause) if attempt < ATTEMPTS && pause <= LONGEST_PAUSE => {
                    tracing::debug!(model = %self.info.id, attempt, ?pause, why = %refusal.why, "embedding again");
                    std::thread::sleep(pause);
                    attempt += 1;
                }
                _ => {
                    let tries = if attempt > 1 { format!(" ({attempt} tries)") } else { String::new() };
                    let why = self.without_key(refusal.why + &tries);
                    return Err(EmbedError::Service { id: self.info.id.clone(), why, how: refusal.how });
                }
            }
        }
    }

    /// Twice as long after each failure, a quarter of it by chance, so that many clients do not come back at once.
    fn backoff(&self, attempt: u32) -> Duration {
        let full = self.pause.saturating_mul(1 << attempt.saturating_sub(1).min(10)).min(LONGEST_PAUSE);
        let chance = std::hash::RandomState::new().build_hasher().finish() % 1000;
        full.mul_f64(0.75 + chance as f64 / 4000.0)
    }

    fn attempt(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Refusal> {
        let endpoint = format!("{}/embeddings", self.url);
        let mut request = self.agent.post(&endpoint);
        if let Some(key) = &self.key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        let body = serde_json::json!({"model": self.model, "input": texts});
        let mut response = request.send_json(&body).map_err(|error| self.unreachable(&error))?;
        let status = response.status().as_u16();
        let after =
            response.headers().get("retry-after").and_then(|value| value.to_str().ok()).and_then(retry_after);
        let read = response.body_mut().with_config().limit(ANSWER_BYTES).read_to_vec();
        if status != 200 {
            return Err(self.refused(status, after, &read.unwrap_or_default()));
        }
        let body = read.map_err(|error| self.unreachable(&error))?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|error| Refusal {
            why: format!("its answer is not one of an embeddings service: {error}"),
            how: format!("Check that {} is the base URL, with its version (`…/v1`)", self.url),
            again: None,
        })?;
        self.in_order(answer, texts.len())
    }

    /// A vector for every text, at its place, at length 1.
    fn in_order(&self, answer: Answer, wanted: usize) -> Result<Vec<Vec<f32>>, Refusal> {
        let count = answer.data.len();
        let mut vectors = vec![Vec::new(); wanted];
        for (place, item) in answer.data.into_iter().enumerate() {
            if let Some(slot) = vectors.get_mut(item.index.unwrap_or(place)) {
                *slot = super::normalised(item.embedding);
            }
        }
        let whole = vectors.iter().all(|vector| !vector.is_empty() && vector.iter().all(|x| x.is_finite()));
        if count == wanted && whole {
            Ok(vectors)
        } else {
            Err(Refusal {
                why: format!("it answered {count} vectors for {wanted} texts, or empty ones"),
                how: "Try another model, or REPLAYER_EMBEDDER=local".to_owned(),
                again: None,
            })
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> Refusal {
        let lasting =
            matches!(error, ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::InvalidProxyUrl);
        Refusal {
            why: format!("{} cannot be reached: {error}", self.url),
            how: "Check the network and the base URL, or set REPLAYER_EMBEDDER=local".to_owned(),
            again: (!lasting).then_some(Again::Soon),
        }
    }

    fn refused(&self, status: u16, after: Option<Duration>, body: &[u8]) -> Refusal {
        let provider = if self.info.id.starts_with("voyage:") { Provider::Voyage } else { Provider::OpenAi };
        let how = match status {
            401 | 403 => format!("Check {}", provider.key_variable()),
            404 => "Check the model's name in REPLAYER_EMBEDDER and the base URL".to_owned(),
            429 => "Wait, or ask the service for a higher limit".to_owned(),
            500.. => "Try again later, or set REPLAYER_EMBEDDER=local".to_owned(),
            _ => "The service's words say why".to_owned(),
        };
        let wait = match after {
            Some(pause) if pause > LONGEST_PAUSE => format!("; it asks to wait {} s", pause.as_secs()),
            _ => String::new(),
        };
        Refusal {
            why: format!("{} answered {status}: {}{wait}", self.url, words(body)),
            how,
            again: (status == 429 || status >= 500).then(|| after.map_or(Again::Soon, Again::After)),
        }
    }

    /// Services like to quote the key they refuse.
    fn without_key(&self, text: String) -> String {
        match self.key.as_deref() {
            Some(key) if !key.is_empty() => text.replace(key, "<key>"),
            _ => text,
        }
    }
}

impl Embedder for HttpEmbedder {
    fn model(&self) -> &ModelInfo {
        &self.info
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        let mut vectors = Vec::with_capacity(texts.len());
        for batch in texts.chunks(BATCH) {
            // An empty text is refused by the services.
            let batch: Vec<&str> =
                batch.iter().map(|text| if text.trim().is_empty() { "(empty)" } else { *text }).collect();
            for vector in self.request(&batch)? {
                if vector.len() != self.info.dimension {
                    return Err(EmbedError::Dimension {
                        id: self.info.id.clone(),
                        expected: self.info.dimension,
                        found: vector.len(),
                    });
                }
                vectors.push(vector);
            }
        }
        Ok(vectors)
    }
}

/// The pause of a `Retry-After` header: seconds, or a date.
fn retry_after(value: &str) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(jiff::Timestamp::now())).unwrap_or_default())
}

/// What the service says, in one short line.
fn words(body: &[u8]) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let said = json.as_ref().and_then(|json| {
        let places = ["/error/message", "/error", "/detail", "/message"];
        places.iter().find_map(|place| json.pointer(place).and_then(serde_json::Value::as_str))
    });
    let text = said.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() { "no reason given".to_owned() } else { line.chars().take(300).collect() }
}

#[cfg(test)]
mod tests;
