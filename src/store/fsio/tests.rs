//! What goes through the door is whole or not there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

#[test]
fn a_file_that_cannot_be_replaced_keeps_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    replace(&path, b"old").unwrap();
    let disk = Disk::under(folder.path());
    for at in 1.. {
        disk.fail(at, Fault::Broken);
        let replaced = replace(&path, b"new");
        let failed = disk.failed();
        disk.mend();
        let Some((operation, _)) = failed.first() else {
            replaced.unwrap();
            break;
        };
        let content = fs::read(&path).unwrap();
        if replaced.is_err() && content == b"new" {
            assert!(matches!(operation, Operation::Open | Operation::Sync), "only its folder was not synced");
            fs::write(&path, b"old").unwrap();
        } else {
            assert_eq!(content, if replaced.is_ok() { "new" } else { "old" }.as_bytes());
        }
        assert_eq!(entries(folder.path()).unwrap().len(), 1, "nothing else is left");
    }
}
