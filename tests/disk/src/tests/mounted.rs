//! The disk as programs use it. Each test is skipped where FUSE cannot be mounted.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};

use tempfile::TempDir;

use crate::tests::needs;
use crate::{Disk, Fate, Image, Rules};

fn mounted(image: Image) -> Option<(TempDir, Disk)> {
    let folder = tempfile::tempdir().unwrap();
    match Disk::mount(image, Rules::Strict, folder.path()) {
        Ok(disk) => Some((folder, disk)),
        Err(error) => {
            needs::FUSE.skip(&error.to_string());
            None
        }
    }
}

#[test]
fn files_and_folders_behave() {
    let Some((folder, disk)) = mounted(Image::new()) else { return };
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("one/two")).unwrap();
    fs::write(at("one/two/a"), vec![7; 300_000]).unwrap();
    let mut appended = OpenOptions::new().append(true).open(at("one/two/a")).unwrap();
    appended.write_all(b"end").unwrap();
    assert_eq!(appended.metadata().unwrap().len(), 300_003);
    fs::rename(at("one/two/a"), at("one/b")).unwrap();
    fs::write(at("one/c"), b"replaced").unwrap();
    fs::rename(at("one/b"), at("one/c")).unwrap();
    let mut names: Vec<_> = fs::read_dir(at("one")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["c", "two"]);
    let mut file = File::open(at("one/c")).unwrap();
    file.seek(std::io::SeekFrom::End(-4)).unwrap();
    let mut end = String::new();
    file.read_to_string(&mut end).unwrap();
    assert_eq!(end, "\u{7}end");
    OpenOptions::new().write(true).open(at("one/c")).unwrap().set_len(5).unwrap();
    assert_eq!(fs::read(at("one/c")).unwrap(), [7; 5]);
    assert!(fs::remove_dir(at("one")).is_err(), "it is not empty");
    fs::remove_dir(at("one/two")).unwrap();
    assert!(File::create_new(at("one/c")).is_err(), "it is there");
    drop((appended, file));
    let image = disk.unmounted().unwrap();
    assert_eq!(image.read("one/c").unwrap().as_slice(), [7; 5]);
}

#[test]
fn a_folder_of_many_files_is_listed_whole_while_they_are_removed() {
    let Some((folder, _disk)) = mounted(Image::new()) else { return };
    for number in 0..500 {
        fs::write(folder.path().join(format!("a file with a rather long name, number {number}")), b"").unwrap();
    }
    let removed =
        fs::read_dir(folder.path()).unwrap().map(|entry| fs::remove_file(entry.unwrap().path()).unwrap());
    assert_eq!(removed.count(), 500);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_lock_is_exclusive() {
    let Some((folder, _disk)) = mounted(Image::new()) else { return };
    let path = folder.path().join("lock");
    let (one, other) = (File::create(&path).unwrap(), File::open(&path).unwrap());
    one.try_lock().unwrap();
    assert!(other.try_lock().is_err());
    one.unlock().unwrap();
    other.try_lock().unwrap();
}

#[test]
fn what_is_synced_survives_and_the_rest_does_not() {
    let Some((folder, disk)) = mounted(Image::new()) else { return };
    let mut file = File::create(folder.path().join("a")).unwrap();
    file.write_all(b"synced").unwrap();
    file.sync_data().unwrap();
    File::open(folder.path()).unwrap().sync_all().unwrap();
    file.write_all(b", not synced").unwrap();
    fs::write(folder.path().join("b"), b"not synced").unwrap();
    disk.cut();
    assert!(file.write_all(b"too late").is_err());
    assert!(fs::read_dir(folder.path()).is_err());
    drop(file);
    let moment = disk.moments().unwrap().pop().unwrap();
    assert_eq!(moment.seen().read("a").unwrap().as_slice(), b"synced, not synced");
    let left = moment.left(Fate::Lost, 1);
    let Some((again, _disk)) = mounted(left) else { return };
    assert_eq!(fs::read(again.path().join("a")).unwrap(), b"synced");
    assert!(!again.path().join("b").exists());
}

#[test]
fn the_power_goes_after_the_operation_that_was_named() {
    // Making the file is the first one.
    let Some((folder, disk)) = mounted(Image::new()) else { return };
    disk.plan(&[2, 4]);
    let mut file = File::create(folder.path().join("a")).unwrap();
    let written = (1..=10).take_while(|_| file.write_all(b"x").is_ok()).count();
    assert_eq!(written, 3);
    assert!(disk.wait_for_cut(std::time::Duration::ZERO));
    drop(file);
    let lengths: Vec<usize> =
        disk.moments().unwrap().iter().map(|moment| moment.seen().read("a").unwrap().len()).collect();
    assert_eq!(lengths, [1, 3]);
}
