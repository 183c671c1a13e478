//! all-MiniLM-L6-v2 in ONNX Runtime, through fastembed: mean pooling, vectors of length 1.
//!
//! Memory is what batches cost: activations grow with the number of texts times the longest of them, and ONNX
//! Runtime's arena keeps the largest batch ever run. So the arena is off, texts are sorted by length (little
//! padding), and a batch is bounded in texts and in bytes.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use fastembed::{InitOptionsUserDefined, Pooling, TextEmbedding, TokenizerFiles, UserDefinedEmbeddingModel};
use ort::environment::Environment;

use super::files::MODEL;
use super::locate::FETCH;
use super::{EmbedError, Embedder, ModelFiles, ModelInfo, telemetry};

/// The model was trained on texts of up to 256 tokens; what comes later in a text is not seen.
pub const MAX_TOKENS: usize = 256;

/// Texts in a batch.
const BATCH: usize = 16;

/// Texts times the longest text's bytes in a batch: about 1,000 tokens.
const BATCH_BYTES: usize = 4096;

/// What of a text is given to the tokenizer: enough for 256 tokens of any language, little enough that a text of
/// 100 MB costs nothing.
const TEXT_BYTES: usize = 16 << 10;

/// Threads of one calculation. The recorder and the SQL worker want to live too.
const THREADS: usize = 2;

/// One warm model; concurrent callers wait for each other.
pub struct LocalEmbedder {
    info: ModelInfo,
    files: ModelFiles,
    /// None until the first text.
    warm: Mutex<Option<TextEmbedding>>,
}

impl LocalEmbedder {
    /// Nothing is loaded before the first text.
    pub fn new(info: ModelInfo, files: ModelFiles) -> LocalEmbedder {
        LocalEmbedder { info, files, warm: Mutex::new(None) }
    }

    fn load(&self) -> Result<TextEmbedding, EmbedError> {
        let began = std::time::Instant::now();
        let environment = environment(self.files.runtime.as_deref())?;
        let read = |name: &str| {
            let path = self.files.folder.join(name);
            std::fs::read(&path).map_err(EmbedError::io("read", &path))
        };
        let tokenizer = TokenizerFiles {
            tokenizer_file: read("tokenizer.json")?,
            config_file: read("config.json")?,
            special_tokens_map_file: read("special_tokens_map.json")?,
            tokenizer_config_file: read("tokenizer_config.json")?,
        };
        let model = UserDefinedEmbeddingModel::new(read(MODEL)?, tokenizer).with_pooling(Pooling::Mean);
        let options = InitOptionsUserDefined::new()
            .with_environment(environment)
            .with_execution_providers(vec![ort::ep::CPU::default().with_arena_allocator(false).build()])
            .with_max_length(MAX_TOKENS)
            .with_intra_threads(THREADS)
            // Waiting threads sleep: a server that is asked now and then must not burn a core in between.
            .with_session_config("session.intra_op.allow_spinning", "0");
        let loaded = TextEmbedding::try_new_from_user_defined(model, options)
            .map_err(|error| self.broken(&format!("{} cannot be loaded: {error}", self.files.folder.display())))?;
        tracing::info!(model = %self.info.id, ms = began.elapsed().as_millis() as u64, "embedding model loaded");
        Ok(loaded)
    }

    fn broken(&self, why: &str) -> EmbedError {
        EmbedError::Model { why: why.to_owned(), how: format!("`replayer model status` shows its files. {FETCH}") }
    }
}

impl Embedder for LocalEmbedder {
    fn model(&self) -> &ModelInfo {
        &self.info
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, EmbedError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let texts: Vec<&str> = texts.iter().map(|text| beginning(text)).collect();
        // A caller that panicked left the model as it was: it has no state between calls.
        let mut warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
        let model = match &mut *warm {
            Some(model) => model,
            cold => cold.insert(self.load()?),
        };
        let mut vectors = vec![Vec::new(); texts.len()];
        for places in batches(&texts, self.files.alone) {
            let batch: Vec<&str> = places.iter().filter_map(|place| texts.get(*place).copied()).collect();
            let found = model
                .embed(&batch, Some(BATCH))
                .map_err(|error| self.broken(&format!("it failed on a text: {error}")))?;
            if found.len() != places.len() {
                return Err(self.broken(&format!("{} vectors for {} texts", found.len(), places.len())));
            }
            for (place, vector) in places.into_iter().zip(found) {
                if vector.len() != self.info.dimension {
                    return Err(EmbedError::Dimension {
                        id: self.info.id.clone(),
                        expected: self.info.dimension,
                        found: vector.len(),
                    });
                }
                if !vector.iter().all(|x| x.is_finite()) {
                    return Err(self.broken("its vectors are not numbers"));
                }
                if let Some(slot) = vectors.get_mut(place) {
                    *slot = super::normalised(vector);
                }
            }
        }
        Ok(vectors)
    }
}

/// As much of a text as can matter, cut between two characters.
fn beginning(text: &str) -> &str {
    let text = text.trim_start();
    text.get(..text.floor_char_boundary(TEXT_BYTES)).unwrap_or(text)
}

/// The places of the texts, shortest first, cut into batches.
fn batches(texts: &[&str], alone: bool) -> Vec<Vec<usize>> {
    let length = |place: &usize| texts.get(*place).map_or(0, |text| text.len());
    let mut places: Vec<usize> = (0..texts.len()).collect();
    places.sort_by_key(length);
    let mut batches: Vec<Vec<usize>> = Vec::new();
    for place in places {
        // The newest is the longest; beyond 256 tokens' worth its length costs nothing more.
        let longest = length(&place).min(MAX_TOKENS * 4);
        match batches.last_mut() {
            Some(batch) if !alone && batch.len() < BATCH && (batch.len() + 1) * longest <= BATCH_BYTES => {
                batch.push(place);
            }
            _ => batches.push(vec![place]),
        }
    }
    batches
}

/// ONNX Runtime's environment, of which a process has one. The library of the first call stays in force.
fn environment(library: Option<&Path>) -> Result<Environment, EmbedError> {
    static ENVIRONMENT: Mutex<Option<Environment>> = Mutex::new(None);
    let mut kept = ENVIRONMENT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(environment) = &*kept {
        return Ok(environment.clone());
    }
    // Before the library is even loaded: it decides once. `with_telemetry(false)` alone comes too late, see there.
    telemetry::ensure_disabled()?;
    let environment = start(library)?.with_name("replayer").with_telemetry(false).build().map_err(|error| {
        EmbedError::Model {
            why: format!("ONNX Runtime does not start: {error}"),
            how: "Restart; if it stays, `replayer model fetch --again`".to_owned(),
        }
    })?;
    *kept = Some(environment.clone());
    Ok(environment)
}

#[cfg(feature = "dynamic-onnxruntime")]
fn start(library: Option<&Path>) -> Result<ort::environment::EnvironmentBuilder, EmbedError> {
    let library = library.ok_or_else(|| EmbedError::Model {
        why: "ONNX Runtime's library is not known".to_owned(),
        how: FETCH.to_owned(),
    })?;
    // An absolute path: a relative one would be looked for beside the program.
    let path = std::path::absolute(library).map_err(EmbedError::io("find", library))?;
    ort::init_from(&path).map_err(|error| EmbedError::Model {
        why: format!("ONNX Runtime cannot be used: {error}"),
        how: "If REPLAYER_ORT_LIB or ORT_DYLIB_PATH names it, name a newer one or unset it and run `replayer \
              model fetch`; else `replayer model fetch --again`"
            .to_owned(),
    })
}

#[cfg(not(feature = "dynamic-onnxruntime"))]
fn start(_: Option<&Path>) -> Result<ort::environment::EnvironmentBuilder, EmbedError> {
    Ok(ort::init())
}

#[cfg(not(any(feature = "dynamic-onnxruntime", feature = "static-onnxruntime")))]
compile_error!("choose how to get ONNX Runtime: the feature dynamic-onnxruntime (default) or static-onnxruntime");

#[cfg(test)]
mod tests;
