//! The commands as they are typed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::{Arc, Mutex};

use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Typed {
    #[command(flatten)]
    legacy: LegacyArgs,
}

/// What was printed so far.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Fixture {
    folder: tempfile::TempDir,
    root: PathBuf,
}

impl Fixture {
    fn new() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        let line = r#"{"seq": 1, "ts": "2025-12-12T17:00:00", "event": "x", "data": {}}"#;
        std::fs::write(folder.path().join("a.jsonl"), format!("{line}\nnot a line\n")).unwrap();
        Fixture { folder, root }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn run(&self, typed: &[&str]) -> (Result<ExitCode, CliError>, String) {
        let args = Typed::try_parse_from([&["replayer"], typed].concat()).unwrap().legacy;
        let printed = Printed::default();
        let code = run(args, &self.root, &mut Out::to(printed.clone()));
        let text = String::from_utf8(printed.0.lock().unwrap().clone()).unwrap();
        (code, text)
    }
}

#[test]
fn import_prints_a_table_for_people_and_json_for_programs() {
    let fixture = Fixture::new();
    let (code, json) = fixture.run(&["import", "--dry-run", "--json", &fixture.path("a.jsonl")]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(code.unwrap(), ExitCode::FAILURE, "a line was rejected");
    assert_eq!((&json["totals"]["rows"], &json["dry_run"]), (&1.into(), &true.into()));
    assert_eq!(json["per_file"][0]["rejections"][0]["line"], 2);
    assert!(!fixture.root.exists(), "a dry run makes no root");
    let (_, text) = fixture.run(&["import", &fixture.path("a.jsonl")]);
    assert!(text.contains("2 lines = 1 rows + 1 rejected"), "{text}");
}

#[test]
fn a_rejected_line_is_named_and_the_exit_code_says_so() {
    let fixture = Fixture::new();
    let line = |data: &str| format!(r#"{{"seq": 1, "ts": "2025-12-12T17:00:00", "event": "x", "data": {data}}}"#);
    let text = [line("{}"), line(r#"{"price": NaN}"#), line("{}"), line(r#"{"price": -Infinity}"#)].join("\n");
    std::fs::write(fixture.folder.path().join("nan.jsonl"), text).unwrap();
    let (code, text) = fixture.run(&["import", &fixture.path("nan.jsonl")]);
    assert_eq!(code.unwrap(), ExitCode::FAILURE, "{text}");
    for line in [2, 4] {
        assert!(text.contains(&format!("nan.jsonl, line {line}: ")), "{text}");
    }
    std::fs::write(fixture.folder.path().join("good.jsonl"), line("{}")).unwrap();
    let (code, text) = fixture.run(&["import", &fixture.path("good.jsonl")]);
    assert_eq!(code.unwrap(), ExitCode::SUCCESS, "{text}");
}

#[test]
fn a_failed_file_is_a_failed_command() {
    let fixture = Fixture::new();
    std::fs::write(fixture.folder.path().join("b.parquet"), "PAR1 and nothing").unwrap();
    let (code, text) = fixture.run(&["import", &fixture.path("b.parquet")]);
    assert_eq!(code.unwrap(), ExitCode::FAILURE, "{text}");
}

#[test]
fn export_writes_to_standard_output_or_to_a_new_file() {
    let fixture = Fixture::new();
    fixture.run(&["import", &fixture.path("a.jsonl")]).0.unwrap();
    let (_, text) = fixture.run(&["export", "--doc-type", "ws_event"]);
    assert_eq!(text.lines().count(), 1);
    let out = fixture.path("out.jsonl");
    let (_, said) = fixture.run(&["export", "--out", &out]);
    assert!(said.starts_with("2 rows to "), "{said}");
    assert_eq!(std::fs::read_to_string(&out).unwrap().lines().count(), 2);
    let (again, _) = fixture.run(&["export", "--out", &out]);
    let again = again.unwrap_err().to_string();
    assert!(again.contains("is there already") && again.contains("--overwrite"), "{again}");
    let (over, _) = fixture.run(&["export", "--out", &out, "--doc-type", "ws_event", "--overwrite"]);
    assert_eq!(over.unwrap(), ExitCode::SUCCESS);
    assert_eq!(std::fs::read_to_string(&out).unwrap().lines().count(), 1);
}

#[test]
fn what_was_written_is_said_of_files_alone() {
    let fixture = Fixture::new();
    fixture.run(&["import", &fixture.path("a.jsonl")]).0.unwrap();
    assert!(Typed::try_parse_from(["replayer", "export", "--json"]).is_err());
    let (refused, _) = fixture.run(&["export", "--output", "-", "--json"]);
    assert!(refused.unwrap_err().to_string().contains("--output"));
    let (_, json) = fixture.run(&["export", "--format", "v2", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["rows"], 2);
    assert_eq!(std::fs::metadata(report["path"].as_str().unwrap()).unwrap().len(), report["bytes"]);
}

#[test]
fn a_hyphen_is_the_standard_output() {
    let fixture = Fixture::new();
    fixture.run(&["import", &fixture.path("a.jsonl")]).0.unwrap();
    let (_, text) = fixture.run(&["export", "--format", "v1", "-o", "-"]);
    assert_eq!(text.lines().count(), 2);
    assert!(!text.contains("import_offset"), "v1 has the older store's columns: {text}");
}

#[test]
fn export_takes_dates_and_refuses_what_is_none() {
    let fixture = Fixture::new();
    fixture.run(&["import", &fixture.path("a.jsonl")]).0.unwrap();
    let rows = |typed: &[&str]| fixture.run(typed).1.lines().count();
    assert_eq!(rows(&["export", "--from", "2025-12-12", "--to", "2025-12-13"]), 2);
    assert_eq!(rows(&["export", "--from", "2025-12-13"]), 0);
    let (refused, _) = fixture.run(&["export", "--from", "yesterday"]);
    assert!(refused.unwrap_err().to_string().contains("2025-12-12T17:00:00"));
}

#[test]
fn an_unknown_kind_is_refused_with_the_known_ones() {
    let error = Typed::try_parse_from(["replayer", "export", "--doc-type", "tick"]).unwrap_err().to_string();
    assert!(error.contains("game_tick"), "{error}");
}

#[test]
fn compare_says_equal_or_fails() {
    let fixture = Fixture::new();
    DataRoot::create(&fixture.root).unwrap();
    let (code, text) = fixture.run(&["compare", &fixture.path("a.jsonl")]);
    assert_eq!(code.unwrap(), ExitCode::FAILURE, "{text}");
    fixture.run(&["import", &fixture.path("a.jsonl")]).0.unwrap();
    let (code, text) = fixture.run(&["compare", &fixture.path("a.jsonl")]);
    assert_eq!(code.unwrap(), ExitCode::SUCCESS, "{text}");
    assert!(text.ends_with("equal\n"), "{text}");
}
