//! The real captures: every complete game's rug price follows the rule, every game with a seed is proven.

use super::{json_of, prove, replayer};
use crate::common::{needs, root};

#[test]
fn every_complete_game_keeps_the_rug_rule_and_every_game_with_a_seed_is_proven() {
    let Some(data) = needs::real_captures() else { return };
    let (_folder, root) = root();
    let imported = replayer(&root, &["legacy", "import", data.to_str().unwrap()]);
    // Some lines of the real files are damaged: the import says so, and its exit code is 1.
    let code = imported.status.code();
    assert!(matches!(code, Some(0 | 1)), "{code:?} {}", String::from_utf8_lossy(&imported.stderr));
    let checked = json_of(&replayer(&root, &["game", "verify", "--limit", "5000", "--json"]));
    let summary = &checked["summary"];
    println!("{summary}");
    let number = |name: &str| summary[name].as_u64().unwrap();
    assert_eq!((number("differs"), number("rug_price_rule_broken")), (0, 0), "{checked}");
    assert!(number("rug_price_rule_holds") > 250 && number("proven") > 0, "{summary}");
    let seeds = super::rows(&root, "SELECT count(*) FROM games WHERE has_seed");
    assert_eq!(seeds[0][0], number("proven"), "{summary}");
    // What can be proven was stored by the import; there is nothing left.
    assert_eq!(prove(&root), (0, 0));
    let stored =
        super::rows(&root, "SELECT count(DISTINCT game_id) FROM system_event WHERE event_type = 'game_proven'");
    assert_eq!(stored[0][0], number("proven"));
    assert!(replayer(&root, &["data", "verify"]).status.success());
}
