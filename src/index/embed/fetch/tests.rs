#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::RefCell;

use super::*;

/// "hello"
const HELLO: PinnedFile = PinnedFile {
    name: "hello",
    bytes: 5,
    sha256: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
};

/// Brings one file with a content, or fails.
struct Fake<'a> {
    name: &'static str,
    content: Result<&'static str, &'static str>,
    asked: &'a RefCell<Vec<&'static str>>,
}

impl Source for Fake<'_> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn bytes(&self, part: Part) -> Option<u64> {
        (part == Part::Model).then_some(5)
    }

    fn get(&self, _: Part, staging: &Path, bytes: &mut dyn FnMut(u64)) -> Result<Delivery, String> {
        self.asked.borrow_mut().push(self.name);
        let path = staging.join("came");
        std::fs::write(&path, self.content?).unwrap();
        bytes(5);
        Ok(Delivery { folder: "models/x".into(), files: vec![(HELLO, path)], notices: Vec::new() })
    }
}

fn leftovers(cache: &Path) -> usize {
    let names = std::fs::read_dir(cache).unwrap().flatten().map(|entry| entry.file_name());
    names.filter(|name| name.to_string_lossy().starts_with("fetching-")).count()
}

#[test]
fn sources_are_asked_in_order_until_one_brings_the_pinned_file() {
    let cache = tempfile::tempdir().unwrap();
    let asked = RefCell::new(Vec::new());
    let fake = |name, content| Fake { name, content, asked: &asked };
    let (down, forged) = (fake("down", Err("no route")), fake("forged", Ok("jello")));
    let (good, spare) = (fake("good", Ok("hello")), fake("spare", Ok("hello")));
    let mut steps = Vec::new();
    fetch_part(cache.path(), &[&down, &forged, &good, &spare], Part::Model, &mut |step| {
        steps.push(format!("{step:?}"));
    })
    .unwrap();
    assert_eq!(*asked.borrow(), ["down", "forged", "good"]);
    assert_eq!(std::fs::read(cache.path().join("models/x/hello")).unwrap(), b"hello");
    assert!(steps.iter().any(|step| step.contains("Skipped") && step.contains("no route")), "{steps:#?}");
    assert!(steps.iter().any(|step| step.contains("not the pinned file")), "{steps:#?}");
    assert!(steps.last().unwrap().contains("Placed"), "{steps:#?}");
    assert_eq!(leftovers(cache.path()), 0);
}

#[test]
fn without_any_source_every_reason_is_told_and_nothing_is_left() {
    let cache = tempfile::tempdir().unwrap();
    let asked = RefCell::new(Vec::new());
    let down = Fake { name: "down", content: Err("no route"), asked: &asked };
    let short = Fake { name: "short", content: Ok("hel"), asked: &asked };
    let error = fetch_part(cache.path(), &[&down, &short], Part::Model, &mut |_| {}).unwrap_err().to_string();
    for expected in ["down: no route", "cut short", "REPLAYER_MODEL_DIR", "openai:<model>"] {
        assert!(error.contains(expected), "{error}");
    }
    assert!(!cache.path().join("models").exists());
    assert_eq!(leftovers(cache.path()), 0);
}

#[test]
fn a_killed_fetch_is_cleared_away_and_one_at_work_is_not() {
    let cache = tempfile::tempdir().unwrap();
    for name in ["fetching-old", "fetching-new"] {
        std::fs::create_dir(cache.path().join(name)).unwrap();
    }
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(7200);
    std::fs::File::open(cache.path().join("fetching-old")).unwrap().set_modified(long_ago).unwrap();
    remove_leftovers(cache.path());
    assert_eq!(leftovers(cache.path()), 1);
    assert!(cache.path().join("fetching-new").exists());
}

#[test]
fn what_the_user_names_and_what_is_whole_is_not_fetched() {
    let cache = tempfile::tempdir().unwrap();
    let folder = cache.path().to_string_lossy().into_owned();
    let settings = Settings::from_lookup(|name| match name {
        "REPLAYER_CACHE_DIR" | "REPLAYER_MODEL_DIR" | "REPLAYER_ORT_LIB" => Some(folder.clone()),
        _ => None,
    })
    .unwrap();
    let mut steps = Vec::new();
    fetch_from(&settings, &[], true, &mut |step| steps.push(format!("{step:?}"))).unwrap();
    assert_eq!(steps, ["Kept(Model)", "Kept(Runtime)"]);
    let licences = std::fs::read_to_string(cache.path().join("LICENCES")).unwrap();
    assert!(licences.contains("Apache-2.0") && licences.contains("MIT"));
}

#[test]
fn a_forbidden_hub_is_skipped_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let hub = hub::Hub { allowed: false, endpoint: None };
    let reason = hub.get(Part::Model, folder.path(), &mut |_| {}).err().unwrap();
    assert!(reason.contains("REPLAYER_MODEL_HUB"), "{reason}");
    assert_eq!(hub.bytes(Part::Runtime), None);
}

#[test]
fn a_hub_that_is_not_there_fails_fast() {
    let folder = tempfile::tempdir().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let began = std::time::Instant::now();
    let hub = hub::Hub { allowed: true, endpoint: Some(endpoint) };
    let reason = hub.get(Part::Model, folder.path(), &mut |_| {}).err().unwrap();
    assert!(reason.contains("special_tokens_map.json"), "{reason}");
    // Here time is the behaviour: a user without network waits for this before the next source is asked. A refused
    // connection is known within a millisecond; the bound is for a machine with much else to do.
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}
