#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

#[test]
fn without_a_terminal_nobody_decides() {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    let args = ReviewArgs { event: None, name: None, list: false };
    // Tests have no terminal on both ends.
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return;
    }
    let error = run(&args, &root, &mut Out::to(Vec::new())).unwrap_err().to_string();
    assert!(error.contains("needs a terminal") && error.contains("people decide"), "{error}");
    assert_eq!(root.verification_log().length(), 0);
}

#[test]
fn a_frame_is_shown_with_its_long_lists_cut() {
    let frame =
        serde_json::json!({"prices": (0..100).collect::<Vec<_>>(), "few": [1, 2], "in": {"deep": vec!["a"; 8]}});
    let shown = shortened(frame);
    assert_eq!(shown["prices"].as_array().unwrap().len(), 7);
    assert_eq!((&shown["prices"][5], &shown["prices"][6]), (&5.into(), &"… 94 more".into()));
    assert_eq!((shown["few"].as_array().unwrap().len(), &shown["in"]["deep"][6]), (2, &"… 2 more".into()));
}
