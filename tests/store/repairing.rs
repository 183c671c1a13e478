//! `data verify` and `data repair`, as a person uses them.

use replayer::store::catalog::Catalog;
use replayer::store::root::DataRoot;
use replayer::store::schema::DocType;

use crate::common::{self, replayer};

/// Whether a command ended well, and all that it said.
fn said(root: &DataRoot, words: &[&str]) -> (bool, String) {
    let output = replayer().args(words).arg("--data").arg(root.path()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// Damages the first part of this kind without changing its length, and returns its path in the root.
fn damage(root: &DataRoot, kind: DocType) -> String {
    let part = Catalog::load(root).unwrap().parts.into_iter().find(|part| part.doc_type == kind).unwrap();
    let path = root.path().join(&part.path);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    part.path
}

#[test]
fn damage_is_named_then_shown_what_would_be_done_then_mended() {
    let (_folder, root) = common::root();
    common::record(&root, 1);
    let before = Catalog::load(&root).unwrap().rows(DocType::Trade);
    let part = damage(&root, DocType::Trade);
    let (sound, doctor) = said(&root, &["doctor"]);
    assert!(!sound && doctor.contains("1 of") && doctor.contains("lost"), "{doctor}");
    let (_, status) = said(&root, &["data", "status"]);
    assert!(status.contains("LOST") && status.contains(&part), "{status}");
    let (sound, verified) = said(&root, &["data", "verify"]);
    assert!(!sound && verified.contains(&part) && verified.contains("data repair"), "{verified}");
    let (sound, planned) = said(&root, &["data", "repair"]);
    assert!(sound && planned.contains("can be made again") && planned.contains("add --apply"), "{planned}");
    assert_eq!(Catalog::load(&root).unwrap().lost.len(), 1, "a dry run changes nothing");
    let (sound, repaired) = said(&root, &["data", "repair", "--apply"]);
    assert!(sound && repaired.contains("were made again"), "{repaired}");
    assert_eq!(Catalog::load(&root).unwrap().rows(DocType::Trade), before);
    let (sound, verified) = said(&root, &["data", "verify"]);
    assert!(sound, "{verified}");
}

#[test]
fn sql_says_what_its_views_lack() {
    let (_folder, root) = common::root();
    common::record(&root, 1);
    let part = damage(&root, DocType::Trade);
    let (_, of_trades) = said(&root, &["sql", "SELECT count(*) FROM trade"]);
    assert!(of_trades.contains("LEFT OUT") && of_trades.contains(&part), "{of_trades}");
    let (_, of_frames) = said(&root, &["sql", "SELECT count(*) FROM ws_event"]);
    assert!(!of_frames.contains("LEFT OUT"), "{of_frames}");
}
