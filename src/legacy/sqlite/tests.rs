//! A collector's database. `collector.db` was made by SQLite with pages of 512 bytes: `frames` (44 rows, one of which needs
//! overflow pages), `rounds` (a finished game without a seed), `settings`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::report::Status;
use crate::testing::Fixture;
use replayer_store::schema::DocType;

const COLLECTOR: &[u8] = include_bytes!("collector.db");

#[test]
fn tables_of_frames_and_games_are_read_and_others_named() {
    let fixture = Fixture::new();
    let report = fixture.import_content("whatever.bin", COLLECTOR);
    let file = &report.per_file[0];
    assert!(report.is_whole(), "{file:?}");
    assert_eq!((file.format.as_deref(), file.counts.rows, file.counts.unproven), (Some("sqlite"), 45, 1));
    assert_eq!((report.events["gameStateUpdate"], report.events["buyOrder"], report.events["ping"]), (41, 1, 1));
    assert_eq!(file.from.as_deref(), Some("2026-01-15T14:00:00.5Z"));
    let notes = file.notes.join("\n");
    assert!(
        notes.contains("SELECT id, at, way, raw FROM frames") && notes.contains("left out: settings"),
        "{notes}"
    );
    let raw = fixture.column(DocType::WsEvent, "raw_json");
    assert!(raw[0].as_ref().unwrap().len() > 3000 && raw[0].as_ref().unwrap().ends_with("\"}]"));
    assert_eq!(fixture.column(DocType::PlayerAction, "outcome")[1].as_deref(), Some("success"));
    assert_eq!(fixture.column(DocType::Game, "game_id")[0].as_deref(), Some("20260115-aaaabbbbccccdddd"));
    fixture.assert_nowhere("INVENTED-SETTING");
}

#[test]
fn a_database_is_imported_once() {
    let fixture = Fixture::new();
    fixture.import_content("a.db", COLLECTOR);
    assert_eq!(fixture.import_content("b.db", COLLECTOR).per_file[0].status, Status::AlreadyImported);
}

#[test]
fn no_cut_or_change_of_a_database_is_more_than_an_error() {
    for end in [100, 512, 600, 1024, 5000, COLLECTOR.len() - 1] {
        let mut bytes = COLLECTOR.to_vec();
        bytes.truncate(end);
        assert!(read_all(bytes).is_err() || end > 5000, "{end}");
    }
    for at in (0..COLLECTOR.len()).step_by(7) {
        let mut bytes = COLLECTOR.to_vec();
        bytes[at] ^= 0xFF;
        let _ = read_all(bytes);
    }
}

/// Reads every row of every table; how many there are.
fn read_all(bytes: Vec<u8>) -> std::io::Result<usize> {
    let mut database = super::Database::in_memory(bytes)?;
    let mut rows = 0;
    for table in database.tables()?.0 {
        database.rows(&table, |_, _| {
            rows += 1;
            Ok::<_, std::io::Error>(rows < 10_000)
        })?;
    }
    Ok(rows)
}
