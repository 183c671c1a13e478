//! Which files the named paths mean: files as they are, folders with everything below them.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::LegacyError;

/// One file to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Where it lies.
    pub path: PathBuf,
    /// What the report calls it: the file's name, or its place below the folder that was named.
    pub name: String,
    /// Whether the file itself was named, and not a folder above it.
    pub named: bool,
}

/// What was found below the named paths.
#[derive(Debug, Default)]
pub struct Found {
    /// Files, each once, sorted by path within each named path.
    pub files: Vec<Candidate>,
    /// Symbolic links and special files below a named folder: their names, and why they are left out.
    pub left_out: Vec<(String, &'static str)>,
}

/// Collects the files below `paths`. Symbolic links below a folder are not followed (they could leave it, or
/// loop); one that is named itself is. Nothing inside `exclude`, the data root, is taken.
///
/// # Errors
/// When a path or a folder below it cannot be read.
pub fn collect(paths: &[PathBuf], exclude: Option<&Path>) -> Result<Found, LegacyError> {
    let mut found = Found::default();
    for path in paths {
        let metadata = fs::metadata(path).map_err(LegacyError::path(path))?;
        if metadata.is_dir() {
            below(path, path, exclude, &mut found)?;
        } else {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            add(&mut found, path.clone(), name, true);
        }
    }
    Ok(found)
}

fn below(top: &Path, folder: &Path, exclude: Option<&Path>, found: &mut Found) -> Result<(), LegacyError> {
    let is_excluded = exclude.is_some_and(|exclude| fs::canonicalize(folder).is_ok_and(|at| at == exclude));
    let name_of = |path: &Path| path.strip_prefix(top).unwrap_or(path).to_string_lossy().into_owned();
    if is_excluded {
        found.left_out.push((name_of(folder), "the data root itself"));
        return Ok(());
    }
    let mut entries = fs::read_dir(folder)
        .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
        .map_err(LegacyError::path(folder))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type().map_err(LegacyError::path(&path))?;
        if kind.is_dir() {
            below(top, &path, exclude, found)?;
        } else if kind.is_file() {
            add(found, path.clone(), name_of(&path), false);
        } else if kind.is_symlink() {
            found.left_out.push((name_of(&path), "a symbolic link; name its target to import it"));
        } else {
            found.left_out.push((name_of(&path), "not a regular file"));
        }
    }
    Ok(())
}

fn add(found: &mut Found, path: PathBuf, name: String, named: bool) {
    match found.files.iter_mut().find(|file| file.path == path) {
        Some(file) => file.named |= named,
        None => found.files.push(Candidate { path, name, named }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn names(found: &Found) -> Vec<&str> {
        found.files.iter().map(|file| file.name.as_str()).collect()
    }

    #[test]
    fn folders_are_walked_in_order_and_a_file_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        for name in ["z.jsonl", "a.jsonl", "b/c.jsonl"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let paths = [folder.path().to_owned(), folder.path().join("a.jsonl")];
        assert_eq!(names(&collect(&paths, None).unwrap()), ["a.jsonl", "b/c.jsonl", "z.jsonl"]);
    }

    #[test]
    #[cfg(unix)]
    fn links_below_a_folder_are_left_out_and_named() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("loop")).unwrap();
        let found = collect(&[folder.path().to_owned()], None).unwrap();
        assert_eq!((found.files.len(), found.left_out.len()), (0, 1));
    }

    #[test]
    fn the_data_root_is_never_imported_into_itself() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("part.parquet"), "").unwrap();
        let root = fs::canonicalize(root).unwrap();
        assert!(collect(&[folder.path().to_owned()], Some(&root)).unwrap().files.is_empty());
    }

    #[test]
    fn a_path_that_is_not_there_is_an_error_that_names_it() {
        let error = collect(&["/nowhere/at/all".into()], None).unwrap_err().to_string();
        assert!(error.contains("/nowhere/at/all"), "{error}");
    }
}
