//! The model hub that fastembed uses by itself: the authors' own files, at a pinned revision.
//!
//! The hub's own client has no time limits, so it only tells where a file is; the file itself comes with limits
//! on every phase, the smallest first, so that a machine without the hub learns it in seconds.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

use super::{Delivery, Part, Source, model_place};
use crate::index::embed::files::{F32, PinnedFile, TOKENIZER};

const REPOSITORY: &str = "sentence-transformers/all-MiniLM-L6-v2";

const REVISION: &str = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41";

/// See the module.
pub(super) struct Hub {
    /// Whether the user lets us ask it.
    pub(super) allowed: bool,
    /// Another hub than the usual one.
    pub(super) endpoint: Option<String>,
}

impl Source for Hub {
    fn name(&self) -> &'static str {
        "the model hub"
    }

    fn bytes(&self, part: Part) -> Option<u64> {
        let tokenizer: u64 = TOKENIZER.iter().map(|file| file.bytes).sum();
        (part == Part::Model).then_some(F32.model.bytes + tokenizer)
    }

    fn get(&self, _: Part, staging: &Path, bytes: &mut dyn FnMut(u64)) -> Result<Delivery, String> {
        if !self.allowed {
            return Err("REPLAYER_MODEL_HUB or HF_HUB_OFFLINE forbids it".to_owned());
        }
        // A cache of its own: nothing is read from the user's, not even a token.
        let cache = hf_hub::Cache::new(staging.join("hub"));
        let mut builder = hf_hub::api::sync::ApiBuilder::from_cache(cache).with_progress(false);
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/').to_owned());
        }
        let revision =
            hf_hub::Repo::with_revision(REPOSITORY.to_owned(), hf_hub::RepoType::Model, REVISION.to_owned());
        let repository = builder.build().map_err(|error| error.to_string())?.repo(revision);

        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_resolve(Some(Duration::from_secs(5)))
            .timeout_connect(Some(Duration::from_secs(10)))
            .timeout_recv_response(Some(Duration::from_secs(20)))
            .timeout_global(Some(Duration::from_secs(900)))
            .build()
            .into();
        let mut wanted: Vec<(PinnedFile, String)> =
            TOKENIZER.iter().map(|file| (*file, file.name.to_owned())).collect();
        wanted.push((F32.model, format!("onnx/{}", F32.model.name)));
        wanted.sort_by_key(|(file, _)| file.bytes);

        let mut done = 0;
        let mut files = Vec::new();
        for (file, there) in wanted {
            let path = staging.join(file.name);
            download(&agent, &repository.url(&there), &file, &path, &mut |more| bytes(done + more))
                .map_err(|error| format!("{there}: {error}"))?;
            done += file.bytes;
            files.push((file, path));
        }
        Ok(Delivery { folder: model_place(&F32), files, notices: Vec::new() })
    }
}

/// At most the pinned size; what comes is checked later.
fn download(
    agent: &ureq::Agent,
    url: &str,
    file: &PinnedFile,
    path: &Path,
    bytes: &mut dyn FnMut(u64),
) -> Result<(), String> {
    let response = agent.get(url).call().map_err(|error| error.to_string())?;
    let mut body = response.into_body().into_with_config().limit(file.bytes + 1).reader();
    let mut out = File::create(path).map_err(|error| error.to_string())?;
    let mut buffer = vec![0; 1 << 17];
    let mut done = 0;
    loop {
        let read = body.read(&mut buffer).map_err(|error| error.to_string())?;
        let Some(new) = buffer.get(..read).filter(|new| !new.is_empty()) else { return Ok(()) };
        out.write_all(new).map_err(|error| error.to_string())?;
        done += read as u64;
        bytes(done);
    }
}
