#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use super::*;
use crate::index::embed::{self, ModelState, Origin, Settings, fetch};
use crate::needs;

#[test]
fn batches_are_sorted_by_length_and_bounded() {
    let short = "s".repeat(40);
    let long = "l".repeat(2000);
    let texts: Vec<&str> = (0..40).map(|i| if i % 10 == 0 { long.as_str() } else { short.as_str() }).collect();
    let found = batches(&texts, false);
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [16, 16, 4, 4]);
    assert!(found[3].iter().all(|place| place % 10 == 0));
    let mut places: Vec<usize> = found.into_iter().flatten().collect();
    places.sort_unstable();
    assert_eq!(places, (0..40).collect::<Vec<_>>());
    assert!(batches(&texts, true).iter().all(|batch| batch.len() == 1));
}

#[test]
fn a_long_text_is_cut_between_characters() {
    let text = "é".repeat(TEXT_BYTES);
    assert!(beginning(&text).len() <= TEXT_BYTES);
    assert_eq!(beginning("  rug"), "rug");
}

/// The user's settings, but for the cache, which is the tests' own.
fn settings() -> Settings {
    let cache = needs::cache().to_str().unwrap().to_owned();
    let lookup = |name: &str| match name {
        "REPLAYER_EMBEDDER" => None,
        "REPLAYER_CACHE_DIR" => Some(cache.clone()),
        _ => std::env::var(name).ok(),
    };
    Settings::from_lookup(lookup).unwrap()
}

/// The real model, fetched if it must be.
#[track_caller]
fn real() -> Option<Arc<dyn Embedder>> {
    let there = needs::model(|_| match embed::state(&settings()) {
        ModelState::Ready(..) => Ok(()),
        ModelState::Missing { .. } => {
            fetch::fetch(&settings(), false, &mut |_| {}).map(drop).map_err(|error| error.to_string())
        }
    });
    there.then(|| embed::open(&settings()).unwrap())
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn the_real_model_knows_what_is_near() {
    let Some(embedder) = real() else { return };
    let vectors = embedder.embed(&["rug pull", "the game crashed", "banana bread recipe"]).unwrap();
    for vector in &vectors {
        assert_eq!(vector.len(), embedder.model().dimension);
        assert!((dot(vector, vector).sqrt() - 1.0).abs() < 1e-5);
    }
    let (crash, banana) = (dot(&vectors[0], &vectors[1]), dot(&vectors[0], &vectors[2]));
    assert!(crash > banana, "rug pull: the game crashed {crash}, banana bread recipe {banana}");
}

#[test]
fn the_real_models_vectors_do_not_depend_on_the_batch() {
    let Some(embedder) = real() else { return };
    let fillers: Vec<String> = (1..60).map(|i| "tick price multiplier phase ".repeat(i % 9 + 1)).collect();
    let probe = "playerUpdate carries positionQty and avgCost";
    let alone = embedder.embed(&[probe]).unwrap().remove(0);
    for size in [2, 7, 16, 60] {
        let mut texts: Vec<&str> = fillers.iter().take(size - 1).map(String::as_str).collect();
        texts.push(probe);
        let together = embedder.embed(&texts).unwrap();
        assert_eq!(together.len(), size);
        let furthest =
            alone.iter().zip(together.last().unwrap()).map(|(a, b)| (a - b).abs()).fold(0.0_f32, f32::max);
        assert!(furthest < 1e-6, "batch of {size}: {furthest}");
    }
}

#[test]
fn the_real_model_takes_any_text() {
    let Some(embedder) = real() else { return };
    let huge = "rug ".repeat(100_000);
    let texts = ["", "   ", "\u{0}\u{1f}", "🎰💥", huge.as_str()];
    let vectors = embedder.embed(&texts).unwrap();
    assert_eq!(vectors.len(), texts.len());
    assert!(vectors.iter().flatten().all(|x| x.is_finite()));
    assert!(embedder.embed(&[]).unwrap().is_empty());
}

#[test]
fn callers_from_many_threads_get_their_own_vectors() {
    let Some(embedder) = real() else { return };
    let expected = embedder.embed(&["thread 0", "thread 1", "thread 2", "thread 3"]).unwrap();
    std::thread::scope(|scope| {
        for (i, expected) in expected.iter().enumerate() {
            let embedder = &embedder;
            scope.spawn(move || {
                let found = embedder.embed(&[format!("thread {i}").as_str()]).unwrap().remove(0);
                assert!(dot(&found, expected) > 0.99999);
            });
        }
    });
}

#[test]
fn a_model_that_is_none_and_a_library_that_is_none_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    for name in [MODEL, "tokenizer.json", "config.json", "special_tokens_map.json", "tokenizer_config.json"] {
        std::fs::write(folder.path().join(name), "{}").unwrap();
    }
    let info = ModelInfo { id: "x".to_owned(), dimension: 384, digest: String::new() };
    let runtime = real().and_then(|_| match embed::state(&settings()) {
        ModelState::Ready(_, Origin::Files(files)) => files.runtime,
        _ => None,
    });
    if let Some(runtime) = runtime {
        let files = ModelFiles { folder: folder.path().into(), runtime: Some(runtime), alone: false };
        let error = LocalEmbedder::new(info, files).embed(&["x"]).unwrap_err().to_string();
        assert!(error.contains("cannot be loaded") && error.contains("replayer model fetch"), "{error}");
    }
    let nothing = folder.path().join("libnothing.so");
    std::fs::write(&nothing, "no library").unwrap();
    let error = start(Some(&nothing)).err().map(|error| error.to_string());
    // Where the real library is loaded already, it stays in force.
    assert!(error.is_none_or(|error| error.contains("libnothing.so")));
}
