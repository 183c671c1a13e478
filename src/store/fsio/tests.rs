//! That there is one door, and that what goes through it is whole or not there.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

/// Sources under a folder, without tests and without this door.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in entries(folder).unwrap() {
        let name = entry.path.file_name().unwrap().to_str().unwrap().to_owned();
        match entry.is_folder {
            true if ["fsio", "faults", "tests"].contains(&name.as_str()) => {}
            true => found.extend(sources(&entry.path)),
            false if name.ends_with(".rs") && name != "tests.rs" => {
                found.push((entry.path.clone(), fs::read_to_string(&entry.path).unwrap()));
            }
            false => {}
        }
    }
    found
}

#[test]
fn the_store_uses_the_disk_through_one_door() {
    let doors =
        ["std::fs", " fs::", "(fs::", "OpenOptions", ".exists()", ".try_exists()", ".is_dir()", ".is_file()"];
    let sources = sources(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(sources.len() > 30, "the sources are found");
    for (path, text) in sources {
        // Tests inside of a source may look at the disk as they like.
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for door in doors {
                assert!(!line.contains(door), "{}:{} has {door}: use fsio", path.display(), number + 1);
            }
        }
    }
}

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
