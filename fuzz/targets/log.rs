//! Any bytes as the verification log: read, or broken at a line that is named; what is appended afterwards is read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use replayer_store::chain::{Chain, Tip};

fuzz_target!(|input: &[u8]| {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = folder.path().join("log.jsonl");
    std::fs::write(&path, input).unwrap();
    let chain = Chain::new(&path, folder.path().join("lock"));
    let Ok(contents) = chain.read(&Tip::default()) else { return };
    if contents.broken.is_some() {
        return;
    }
    let Ok(mut held) = chain.lock() else { return };
    if held.append(&contents.tip, &["{\"a\":1}".to_owned()]).is_ok() {
        let again = chain.read(&Tip::default()).unwrap();
        assert!(again.broken.is_none(), "what was whole stays whole");
        assert_eq!(again.tip.lines, contents.tip.lines + 1);
    }
});
