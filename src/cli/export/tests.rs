//! What an output path means.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

#[test]
fn a_path_that_ends_with_a_slash_or_is_a_folder_is_a_folder() {
    let there = tempfile::tempdir().unwrap();
    for path in [Path::new("./not-there/"), there.path()] {
        let read = Destination::read(path, true, false).unwrap();
        assert_eq!(read, Destination::Folder { path: path.to_owned(), overwrite: false });
    }
}

#[test]
fn another_path_is_a_file_where_one_is_written() {
    for (path, folder) in [("games.csv", "."), ("./games.csv", "."), ("a/games.csv", "a")] {
        let read = Destination::read(Path::new(path), true, true).unwrap();
        assert_eq!(read, Destination::File { folder: folder.into(), name: "games.csv".into(), overwrite: true });
    }
}

#[test]
fn several_files_need_a_folder() {
    let error = Destination::read(Path::new("all.jsonl"), false, false).unwrap_err().at_the_command_line();
    assert!(error.contains("--output all.jsonl/") && error.contains("--dataset"), "{error}");
}

#[test]
fn a_file_is_no_folder() {
    let there = tempfile::NamedTempFile::new().unwrap();
    let path = format!("{}/", there.path().display());
    let error = Destination::read(Path::new(&path), true, true).unwrap_err().at_the_command_line();
    assert!(error.contains("is a file, not a folder"), "{error}");
}

#[test]
fn the_stores_own_folders_are_refused_and_exports_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    let check = |path: PathBuf| Destination::Folder { path, overwrite: true }.check(&root);
    assert!(check(root.parts_dir().join("new")).unwrap_err().to_string().contains("inside the data root"));
    assert!(check(root.path().join("exports/../events_parquet")).is_err());
    assert!(check(root.exports_dir().join("mine")).is_ok());
    assert!(check(folder.path().join("elsewhere")).is_ok());
}

#[test]
fn the_formats_name_is_read_from_the_file() {
    assert_eq!(FormatArg::of(Path::new("a/games.CSV")), Some(FormatArg::Csv));
    assert_eq!(FormatArg::of(Path::new("a/games")), None);
}
