//! `replayer replay GAME`, scripted.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use crate::common::{record, replayer, root};

/// What the command prints when it is told these lines; and whether it succeeded.
fn told(root: &Path, game: &str, lines: &str) -> (bool, String) {
    let mut child = replayer()
        .args(["replay", game, "--data"])
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A game that is not there ends it before it reads anything.
    let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

#[test]
fn a_script_steps_trades_and_ends() {
    let (_folder, root) = root();
    let truths = record(&root, 2);
    let truth = truths.iter().find(|truth| truth.prices.len() > 8).unwrap();
    let script = "seek 3\nbuy 0.01\nstep 2\nback\nrun rug\nnext seed_revealed\nfly\nsell\nstate\nquit\n";
    let (done, text) = told(root.path(), &truth.game_id, script);
    assert!(done, "{text}");
    let rug = format!("RUGGED  tick {}", truth.prices.len() - 1);
    for part in ["tick 3", "BUY 0.01", "tick 5", "tick 4", rug.as_str(), "game_rugged", "\"fly\" is no command"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains("No active position to sell"), "the rug sold it: {text}");
}

#[test]
fn the_end_of_the_input_ends_it_and_an_unknown_game_is_told() {
    let (_folder, root) = root();
    let truths = record(&root, 1);
    assert!(told(root.path(), &truths[0].game_id, "").0);
    let (done, text) = told(root.path(), "20260101-nothing", "");
    assert!(!done && text.contains(&truths[0].game_id), "{text}");
}

#[test]
fn the_local_account_is_shown_wherever_it_matters() {
    let (_folder, root) = root();
    let truths = record(&root, 6);
    let truth = truths.iter().find(|truth| truth.prices.len() > 60).unwrap();
    let script = "seek 3\nbuy 0.02 record\nsidebet 0.01\nstep 2\nstate\nsell 25%\ndiff\ndiff 3\nstep 45\nrun rug\n\
                  run event=nothing\nsell\nback 10\nreset\nquit\n";
    let (done, text) = told(root.path(), &truth.game_id, script);
    assert!(done, "{text}");
    for part in [
        "stored as ",
        "pays 0.05 up to tick 43",
        "bet 0.01 until tick 43, equity ",
        " unrealised)",
        "\"local_account\": {",
        ": PnL ",
        "game.tick: 3 → 5",
        "local_account.position",
        "side bet of tick 3 lost: -0.01",
        "rug closed 0.015 at ",
        "  game_rugged  tick ",
        "it held nowhere from there on; `seek ",
        "the protocol has no event \"nothing\"",
        "RESET: balance 0.1",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}
