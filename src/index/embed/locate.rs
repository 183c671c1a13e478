//! What is in force, told from the files alone: what the user names, then the cache.

use std::path::Path;

use super::files::{self, BUILDS, DIMENSION, Fault, MODEL, Stamps, TOKENIZER};
use super::http;
use super::settings::{Choice, Provider, Settings};
use super::{ModelFiles, ModelInfo, ModelState, Origin};

/// The command that mends most things.
pub const FETCH: &str = "Run `replayer model fetch`";

/// Whether ONNX Runtime is a file beside us; otherwise it is part of this program.
pub const RUNTIME_IS_A_FILE: bool = cfg!(feature = "dynamic-onnxruntime");

/// Looks at the files, and at nothing else: no model is loaded, no network is asked. Milliseconds; a file that
/// is new or was touched is hashed once.
pub fn state(settings: &Settings) -> ModelState {
    match &settings.choice {
        Choice::Http(provider, model) => service(settings, *provider, model),
        Choice::Local => {
            let mut stamps = Stamps::load(&settings.cache);
            let found = local(settings, &mut stamps);
            stamps.save();
            match found {
                Ok((info, files)) => ModelState::Ready(info, Origin::Files(files)),
                Err((reason, how)) => ModelState::Missing { reason, how },
            }
        }
    }
}

/// A reason, and what mends it.
type Missing = (String, String);

fn local(settings: &Settings, stamps: &mut Stamps) -> Result<(ModelInfo, ModelFiles), Missing> {
    let (info, mut found) = match &settings.model_dir {
        Some(folder) => named_model(folder, stamps)?,
        None => cached_model(&settings.cache, stamps).map_err(|fault| (fault.to_string(), mend(&fault)))?,
    };
    if RUNTIME_IS_A_FILE {
        found.runtime = Some(match &settings.ort_lib {
            Some(path) if path.is_file() => path.clone(),
            Some(path) => {
                return Err((
                    format!("{} is not there", path.display()),
                    "Name ONNX Runtime's library in REPLAYER_ORT_LIB, or unset it".to_owned(),
                ));
            }
            None => cached_runtime(&settings.cache, stamps)?,
        });
    }
    Ok((info, found))
}

fn mend(fault: &Fault) -> String {
    match fault {
        Fault::Absent(_) => FETCH.to_owned(),
        Fault::Damaged { .. } => format!("{FETCH}: it replaces the file"),
    }
}

/// A folder that the user names: any export of the model, known by its own digests.
fn named_model(folder: &Path, stamps: &mut Stamps) -> Result<(ModelInfo, ModelFiles), Missing> {
    let mut digests = Vec::new();
    for name in std::iter::once(MODEL).chain(TOKENIZER.iter().map(|file| file.name)) {
        let path = folder.join(name);
        let sha256 = stamps.sha256(&path).map_err(|error| {
            (
                format!("REPLAYER_MODEL_DIR has no {name}: {}: {error}", path.display()),
                "Put it there, or unset REPLAYER_MODEL_DIR and run `replayer model fetch`".to_owned(),
            )
        })?;
        digests.push((name, sha256));
    }
    let build =
        digests.first().and_then(|(_, sha256)| BUILDS.iter().find(|build| build.model.sha256 == sha256.as_str()));
    let digest = files::model_digest(digests.iter().map(|(name, sha256)| (*name, sha256.as_str())));
    let id = build.map_or_else(|| "all-MiniLM-L6-v2-named".to_owned(), |build| build.id.to_owned());
    Ok((
        ModelInfo { id, dimension: DIMENSION, digest },
        ModelFiles { folder: folder.to_path_buf(), runtime: None, alone: build.is_none() },
    ))
}

/// The first build in the cache that is whole; else what is wrong with the one that is damaged, else that the
/// first is not there.
pub(super) fn cached_model(cache: &Path, stamps: &mut Stamps) -> Result<(ModelInfo, ModelFiles), Fault> {
    let mut worst: Option<Fault> = None;
    for build in &BUILDS {
        let folder = files::model_folder(cache, build);
        let pinned = || std::iter::once(&build.model).chain(&TOKENIZER);
        match pinned().try_for_each(|file| stamps.check(file, &folder.join(file.name))) {
            Ok(()) => {
                let digest = files::model_digest(pinned().map(|file| (file.name, file.sha256)));
                return Ok((
                    ModelInfo { id: build.id.to_owned(), dimension: DIMENSION, digest },
                    ModelFiles { folder, runtime: None, alone: false },
                ));
            }
            Err(fault) => {
                if worst.as_ref().is_none_or(|worst| matches!(worst, Fault::Absent(_)))
                    && (worst.is_none() || matches!(fault, Fault::Damaged { .. }))
                {
                    worst = Some(fault);
                }
            }
        }
    }
    Err(worst.unwrap_or_else(|| Fault::Absent(cache.join("models"))))
}

/// ONNX Runtime in the cache.
pub(super) fn cached_runtime(cache: &Path, stamps: &mut Stamps) -> Result<std::path::PathBuf, Missing> {
    let Some(runtime) = files::runtime() else {
        return Err((
            format!("no ONNX Runtime is pinned for {}-{}", std::env::consts::OS, std::env::consts::ARCH),
            "Install ONNX Runtime and name its library in REPLAYER_ORT_LIB".to_owned(),
        ));
    };
    let path = files::runtime_folder(cache).join(runtime.library.name);
    match stamps.check(&runtime.library, &path) {
        Ok(()) => Ok(path),
        Err(fault) => Err((format!("ONNX Runtime: {fault}"), mend(&fault))),
    }
}

fn service(settings: &Settings, provider: Provider, model: &str) -> ModelState {
    // A service of the user's own may need no key.
    if settings.key().is_none() && settings.named_url().is_none() {
        return ModelState::Missing {
            reason: format!("{}:{model} needs a key", provider.name()),
            how: format!("Set {}, or REPLAYER_EMBEDDER=local", provider.key_variable()),
        };
    }
    let id = format!("{}:{model}", provider.name());
    let info = ModelInfo {
        dimension: http::known_dimension(provider, model).unwrap_or(0),
        digest: files::text_digest(&id),
        id,
    };
    ModelState::Ready(info, Origin::Service { url: settings.url(provider).trim_end_matches('/').to_owned() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn settings(cache: &Path, more: &[(&str, &str)]) -> Settings {
        Settings::from_lookup(|name| match name {
            "REPLAYER_CACHE_DIR" => Some(cache.to_string_lossy().into_owned()),
            _ => more.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()),
        })
        .unwrap()
    }

    fn missing(state: ModelState) -> (String, String) {
        match state {
            ModelState::Missing { reason, how } => (reason, how),
            ModelState::Ready(info, _) => panic!("{info:?} is ready"),
        }
    }

    #[test]
    fn an_empty_cache_names_the_command_that_fills_it() {
        let cache = tempfile::tempdir().unwrap();
        let (reason, how) = missing(state(&settings(cache.path(), &[])));
        assert!(reason.contains("all-MiniLM-L6-v2-int8") && reason.contains("not there"), "{reason}");
        assert!(how.contains("replayer model fetch"), "{how}");
        let error = super::super::open(&settings(cache.path(), &[])).err().unwrap().to_string();
        assert!(error.contains("replayer model fetch"), "{error}");
    }

    #[test]
    fn a_truncated_model_is_refused_with_the_command_that_mends_it() {
        let cache = tempfile::tempdir().unwrap();
        let folder = files::model_folder(cache.path(), &files::INT8);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(MODEL), vec![0; 4096]).unwrap();
        let (reason, how) = missing(state(&settings(cache.path(), &[])));
        assert!(reason.contains("cut short: it has 4096 bytes where 22928619 are right"), "{reason}");
        assert!(how.contains("`replayer model fetch`"), "{how}");
    }

    #[test]
    fn a_file_of_the_right_size_and_the_wrong_content_is_refused() {
        let cache = tempfile::tempdir().unwrap();
        let folder = files::model_folder(cache.path(), &files::INT8);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::File::create(folder.join(MODEL)).unwrap().set_len(files::INT8.model.bytes).unwrap();
        let (reason, _) = missing(state(&settings(cache.path(), &[])));
        assert!(reason.contains("is not the pinned file"), "{reason}");
    }

    #[test]
    fn a_named_folder_goes_before_the_cache_and_is_known_by_its_own_digests() {
        let cache = tempfile::tempdir().unwrap();
        let named = tempfile::tempdir().unwrap();
        let library = named.path().join("lib.so");
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let (dir, lib) = (text(named.path()), text(&library));
        let settings = settings(cache.path(), &[("REPLAYER_MODEL_DIR", &dir), ("REPLAYER_ORT_LIB", &lib)]);

        let (reason, how) = missing(state(&settings));
        assert!(reason.contains(MODEL) && how.contains("REPLAYER_MODEL_DIR"), "{reason} {how}");
        for name in std::iter::once(MODEL).chain(TOKENIZER.iter().map(|file| file.name)) {
            std::fs::write(named.path().join(name), name).unwrap();
        }
        let (reason, how) = missing(state(&settings));
        assert!(reason.contains("lib.so") && how.contains("REPLAYER_ORT_LIB"), "{reason} {how}");
        std::fs::write(&library, "").unwrap();
        let ModelState::Ready(info, Origin::Files(found)) = state(&settings) else { panic!("not ready") };
        assert_eq!((info.id.as_str(), info.dimension), ("all-MiniLM-L6-v2-named", DIMENSION));
        assert_eq!(found, ModelFiles { folder: named.path().into(), runtime: Some(library), alone: true });

        std::fs::write(named.path().join("config.json"), "changed").unwrap();
        let ModelState::Ready(changed, _) = state(&settings) else { panic!("not ready") };
        assert_ne!(changed.digest, info.digest);
    }

    #[test]
    fn a_service_needs_a_key_or_an_url_of_the_users_own() {
        let cache = tempfile::tempdir().unwrap();
        let name = ("REPLAYER_EMBEDDER", "openai:text-embedding-3-small");
        let (reason, how) = missing(state(&settings(cache.path(), &[name])));
        assert!(reason.contains("needs a key") && how.contains("OPENAI_API_KEY"), "{reason} {how}");
        let with_key = state(&settings(cache.path(), &[name, ("OPENAI_API_KEY", "k")]));
        assert!(matches!(with_key, ModelState::Ready(ref info, _) if info.dimension == 1536), "{with_key:?}");
        let own = state(&settings(cache.path(), &[name, ("OPENAI_BASE_URL", "http://127.0.0.1:1/v1/")]));
        let expected = Origin::Service { url: "http://127.0.0.1:1/v1".to_owned() };
        assert!(matches!(own, ModelState::Ready(_, ref origin) if *origin == expected), "{own:?}");
    }
}
