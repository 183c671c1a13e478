//! What the operating system refuses a worker, tried from inside one.

use super::House;
use crate::common::{needs, replayer};

#[test]
#[cfg(target_os = "linux")]
fn a_worker_cannot_write_read_elsewhere_or_connect() {
    let house = House::new();
    let output = replayer().args(["sql-worker", "--self-test", "--root"]).arg(house.root.path()).output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    if report.starts_with("landlock: none") {
        needs::LANDLOCK.skip("only the limit on file sizes is in force");
        assert!(
            !std::fs::exists(house.root.path().join("self-test.tmp")).unwrap_or(false)
                || !report.contains("root: ALLOWED")
        );
        return;
    }
    assert!(output.status.success(), "{report}");
    assert_eq!(report.matches("refused").count(), 5, "{report}");
    assert!(!std::fs::exists(house.root.path().join("self-test.tmp")).unwrap());
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_worker_says_what_holds_it() {
    let report = House::new().client.sandbox().await.unwrap();
    assert!(!report.landlock.is_empty());
    assert!(report.limits.iter().any(|limit| limit == "file size <= 0 bytes"), "{report:?}");
}
