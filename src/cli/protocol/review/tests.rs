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
