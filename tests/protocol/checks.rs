//! Checks: each kind of statement against a count of our own, and its SQL against `query_sql`.

use replayer::sql::SqlError;
use replayer::store::record::Source;
use replayer::verify::check::{CheckError, Scope, Statement, check};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{House, append, plain_events};
use crate::common::root;

/// Statements of every kind that SQL counts.
const STATEMENTS: [&str; 24] = [
    "on gameStateUpdate: price is number",
    "on gameStateUpdate: price is integer|null",
    "on gameStateUpdate: price is present exactly in ACTIVE, RUGGED",
    "on gameStateUpdate: gameHistory is present only in RUGGED",
    "on gameStateUpdate: tickCount is absent in COOLDOWN",
    "on gameStateUpdate: cooldownTimer unit ms from 0 to 15000",
    "on gameStateUpdate: cooldownTimer unit s",
    "on gameStateUpdate: rugged implies active",
    "on gameStateUpdate: price > 1 and tickCount >= 10 or not (active == true)",
    "on gameStateUpdate: price + 1 == 1 + price",
    "on gameStateUpdate: abs(price - 2) <= max(price, 2) when @phase == \"ACTIVE\"",
    "on gameStateUpdate: length(leaderboard) between 0 and 10",
    "on gameStateUpdate: leaderboard[].id matches \"did:.*\"",
    "on gameStateUpdate: gameHistory[].peakMultiplier >= 1",
    "on gameStateUpdate: gameHistory[].globalSidebets[].xPayout == 5",
    "on gameStateUpdate: partialPrices.values.{} > 0",
    "on gameStateUpdate: cooldownTimer never rises in the same game",
    "on gameStateUpdate: tickCount rises by 1 in the same game",
    "on gameStateUpdate: gameId never changes in the same game",
    "on standard/newTrade: type in {\"buy\", \"sell\"}",
    "on standard/newTrade: @phase in {\"ACTIVE\", \"PRESALE\", \"RUGGED\"}",
    "on playerUpdate: cash is present in ACTIVE",
    "standard/newTrade follows buyOrder within 2000 ms in the same trace",
    "gameStateUpdate where (rugged == true) is preceded by gameStateUpdate where (active == true) within 1 s in the same game",
];

#[tokio::test]
async fn the_sql_shown_gives_the_same_counts_through_the_query_tool() {
    let house = House::played(3);
    for statement in STATEMENTS {
        let result = house.check(statement).await;
        let sql = result.sql.as_deref().unwrap();
        let row = &house.query(sql).await[0];
        let shown: Vec<u64> = row[..5].iter().map(|cell| cell.as_u64().unwrap()).collect();
        assert_eq!(
            shown,
            [result.supports, result.contradicts, result.undecided, result.games, result.sessions],
            "{statement}"
        );
        assert!(result.decided() + result.undecided > 0, "{statement} has no case: {sql}");
        let again = house.check(statement).await;
        assert_eq!(
            (again.counterexamples, again.examples),
            (result.counterexamples, result.examples),
            "{statement}"
        );
    }
}

#[tokio::test]
async fn counts_equal_a_plain_walk() {
    let house = House::played(2);
    let events = plain_events(2);
    let states: Vec<&Value> =
        events.iter().filter(|(name, _)| name == "gameStateUpdate").map(|(_, state)| state).collect();
    let count = |holds: &dyn Fn(&Value) -> bool| states.iter().filter(|state| holds(state)).count() as u64;
    let all = states.len() as u64;

    let with_price = count(&|state| state.get("price").is_some());
    assert_eq!(house.counts("on gameStateUpdate: price is present").await, (with_price, all - with_price, 0));
    assert_eq!(house.counts("on gameStateUpdate: price is number").await, (with_price, 0, all - with_price));

    let above = count(&|state| state["price"].as_f64().is_some_and(|price| price > 1.5));
    assert_eq!(
        house.counts("on gameStateUpdate: price > 1.5").await,
        (above, with_price - above, all - with_price)
    );

    let rugged = count(&|state| state["rugged"] == true);
    let (supports, contradicts, undecided) = house.counts("on gameStateUpdate: rugged implies active").await;
    assert_eq!((supports, contradicts, undecided), (rugged, 0, all - rugged));

    let elements = |state: &&Value| state["gameHistory"].as_array().map_or(0, Vec::len) as u64;
    let entries: u64 = states.iter().map(elements).sum();
    assert!(entries > 0);
    assert_eq!(house.counts("on gameStateUpdate: gameHistory[].id is string").await, (entries, 0, 0));

    let in_seconds = count(&|state| state["cooldownTimer"].as_f64().is_some_and(|timer| timer <= 15.0));
    let result = house.check("on gameStateUpdate: cooldownTimer unit s from 0 to 15").await;
    let timed = count(&|state| state.get("cooldownTimer").is_some());
    assert_eq!((result.supports, result.contradicts), (in_seconds, timed - in_seconds));
    assert_eq!(result.counterexamples.len(), 5);
    let first = &result.counterexamples[0];
    let row = &house
        .query(&format!(
            "SELECT payload->>'$.cooldownTimer', game_id FROM ws_event WHERE session_id = '{}' AND seq = {}",
            first.session_id, first.seq
        ))
        .await[0];
    assert_eq!(first.values_untrusted[0], ("$.cooldownTimer".to_owned(), row[0].as_str().map(str::to_owned)));
    assert_eq!(first.game_id.as_deref(), row[1].as_str());
}

#[tokio::test]
async fn a_case_shows_its_element_and_what_it_was_compared_with() {
    let house = House::played(2);
    let result = house.check("on gameStateUpdate: leaderboard[].pnl > 1e9").await;
    assert_eq!(result.counterexamples.len(), 5);
    let elements: Vec<u64> = result.counterexamples.iter().map(|case| case.element.unwrap()).collect();
    assert!(elements.contains(&1), "{elements:?}");
    for case in &result.counterexamples {
        let sql = format!(
            "SELECT payload->>'$.leaderboard[{}].pnl', CAST(payload->>'$.tickCount' AS BIGINT), phase, CAST(ts AS VARCHAR) FROM \
             ws_event WHERE session_id = '{}' AND seq = {}",
            case.element.unwrap(),
            case.session_id,
            case.seq
        );
        let row = &house.query(&sql).await[0];
        let pnl = row[0].as_str().map(str::to_owned);
        assert_eq!(case.values_untrusted, [("$.leaderboard[].pnl".to_owned(), pnl)]);
        assert_eq!((case.tick, case.phase.as_deref()), (row[1].as_i64(), row[2].as_str()));
        assert!(case.ts.is_some());
    }

    let course = house.check("on gameStateUpdate: tickCount falls by 1 in the same game").await;
    let values: Vec<f64> = course.counterexamples[0]
        .values_untrusted
        .iter()
        .map(|(_, value)| value.as_ref().unwrap().parse().unwrap())
        .collect();
    assert_eq!(course.counterexamples[0].values_untrusted[1].0, "before");
    assert_ne!(values[0], values[1] - 1.0, "{course:?}");

    let sequence = house.check("standard/newTrade follows buyOrder within 2000 ms in the same trace").await;
    let case = &sequence.examples[0];
    let (name, partner) = case.values_untrusted.last().unwrap();
    let sql = format!(
        "SELECT event_name FROM ws_event WHERE session_id = '{}' AND seq = {}",
        case.session_id,
        partner.as_ref().unwrap()
    );
    assert_eq!((name.as_str(), house.query(&sql).await[0][0].as_str()), ("partner", Some("standard/newTrade")));
}

#[tokio::test]
async fn games_are_recomputed_and_the_answer_says_so() {
    let house = House::played(4);
    for statement in ["recompute fairness", "recompute sidebet outcome"] {
        let result = house.check(statement).await;
        assert!(result.holds(), "{statement}: {result:?}");
        assert!(result.sql.is_none() && result.computed.unwrap().contains("SQL cannot"));
        assert!(!result.examples.is_empty() && result.games > 0);
    }
}

#[tokio::test]
async fn a_false_outcome_is_found_by_recomputing() {
    // A history entry of the simulator, its side bets turned round.
    let events = plain_events(2);
    let entry = events.iter().find_map(|(_, state)| {
        let history = state.get("gameHistory")?.as_array()?;
        history.iter().find(|game| {
            game["globalSidebets"].as_array().is_some_and(|bets| bets.iter().any(|bet| bet["type"] == "payout"))
        })
    });
    let mut entry = entry.expect("a game with settled side bets").clone();
    let mut turned = 0;
    for bet in entry["globalSidebets"].as_array_mut().unwrap() {
        if bet["type"] == "payout" {
            let lost = bet["payout"].as_f64() == Some(0.0);
            bet["payout"] = if lost { 1.0.into() } else { 0.into() };
            turned += 1;
        }
    }
    entry["prices"][1] = 1.25.into();
    let frame = format!(
        r#"42["gameStateUpdate",{{"gameId":"x","active":false,"cooldownTimer":15000,"gameHistory":[{entry}]}}]"#
    );
    let house = House::of_frames(&[&frame]);
    assert_eq!(house.counts("recompute sidebet outcome").await, (0, turned, 0));
    let fair = house.check("recompute fairness").await;
    assert_eq!((fair.supports, fair.contradicts), (0, 1));
    assert!(
        fair.counterexamples[0].preview().contains("price at tick 1 = recorded 1.25, the seed gives "),
        "{}",
        fair.counterexamples[0].preview()
    );
}

/// Both shapes of arguments, values of all types, lost and broken frames.
const ODD: [&str; 9] = [
    r#"42["x",{"n":5,"s":"a","b":true,"list":[1,2],"o":{"k":1}}]"#,
    r#"42["x",{"__trace":true,"traceparent":"00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"},{"n":5.5,"s":"b","b":false}]"#,
    r#"42["x",{"n":null,"s":null,"b":null}]"#,
    r#"42["x",{"n":"5","s":7,"b":"true"}]"#,
    r#"42["x",{}]"#,
    r#"42["x",{"n":5,"s":"it's \"quoted\" \\ ü","b":true,"payload":{"n":1}}]"#,
    r#"42["x",{"n":5"#,
    r#"42["y",{"n":1}]"#,
    r#"4210["x",{"n":-1e3,"s":"","b":true}]"#,
];

#[tokio::test]
async fn null_absence_and_other_types_are_told_apart() {
    let house = House::of_frames(&ODD);
    for (statement, counts) in [
        // Numbers: 5, 5.5, 5, -1000; null; "5"; absent.
        ("on x: n is number", (4, 1, 2)),
        ("on x: n is integer", (2, 3, 2)),
        ("on x: n is number|null", (5, 1, 1)),
        ("on x: n is not null", (5, 1, 1)),
        ("on x: n is present", (6, 1, 0)),
        ("on x: n is absent", (1, 6, 0)),
        ("on x: n == 5", (2, 4, 1)),
        ("on x: n != 5", (4, 2, 1)),
        ("on x: n in {5, 5.5}", (3, 3, 1)),
        ("on x: n in {5, null}", (3, 3, 1)),
        ("on x: n > 5", (1, 3, 3)),
        ("on x: n unit ms", (3, 2, 2)),
        ("on x: n between 5 and 6", (3, 1, 3)),
        ("on x: n * 2 == 10", (2, 2, 3)),
        ("on x: coalesce(n, 0) >= 0", (6, 1, 0)),
        ("on x: s == \"a\"", (1, 5, 1)),
        ("on x: s == 'it\\'s \"quoted\" \\\\ ü'", (1, 5, 1)),
        ("on x: s in {a, b, null}", (3, 3, 1)),
        ("on x: s matches \"[ab]?\"", (3, 1, 3)),
        ("on x: s < \"b\"", (2, 2, 3)),
        ("on x: b", (3, 3, 1)),
        ("on x: b == null", (1, 5, 1)),
        ("on x: not b", (3, 3, 1)),
        ("on x: n == 5 and b", (2, 4, 1)),
        ("on x: n == 5 or b", (3, 3, 1)),
        ("on x: n == 5 implies s == \"a\"", (1, 1, 5)),
        ("on x: length(list) == 2", (1, 0, 6)),
        ("on x: list[-1] == 2", (1, 0, 6)),
        ("on x: list[] > 0", (2, 0, 0)),
        ("on x: list[] > n", (0, 2, 0)),
        ("on x: o.{} == 1", (1, 0, 0)),
        ("on x: $.payload.n == 1", (1, 0, 6)),
        ("on x: n is present when b", (3, 0, 0)),
        ("on x: $ is object", (7, 0, 0)),
        ("on nothing: n == 5", (0, 0, 0)),
    ] {
        assert_eq!(house.counts(statement).await, counts, "{statement}");
    }
}

#[tokio::test]
async fn sequences_and_courses_know_what_they_cannot_tell() {
    let game = |id: &str, tick: u32, timer: u32| {
        format!(
            r#"42["gameStateUpdate",{{"gameId":"{id}","active":true,"rugged":false,"tickCount":{tick},"cooldownTimer":{timer},"price":1}}]"#
        )
    };
    let frames = [
        game("a", 1, 300),
        r#"42["ask",{}]"#.to_owned(),
        game("a", 2, 200),
        r#"42["reply",{}]"#.to_owned(),
        game("b", 1, 900),
        game("a", 3, 200),
        r#"42["ask",{}]"#.to_owned(),
        game("a", 3, 100),
        game("b", 2, 950),
        game("b", 3, 850),
        r#"42["ask",{}]"#.to_owned(),
    ];
    let texts: Vec<&str> = frames.iter().map(String::as_str).collect();
    let house = House::of_frames(&texts);
    for (statement, counts) in [
        // The third ask is too near to the end for its reply to be missed.
        ("reply follows ask within 500 ms", (1, 1, 1)),
        ("reply follows ask within 100 ms", (0, 2, 1)),
        ("reply is preceded by ask within 500 ms", (1, 0, 0)),
        // The first ask stands 250 ms after the beginning.
        ("ask is preceded by reply within 1000 ms", (1, 1, 1)),
        ("on gameStateUpdate: cooldownTimer never rises in the same game", (4, 1, 0)),
        ("on gameStateUpdate: cooldownTimer falls in the same game", (3, 2, 0)),
        ("on gameStateUpdate: tickCount rises by 1 in the same game", (4, 1, 0)),
        ("on gameStateUpdate: tickCount rises in the same session", (3, 3, 0)),
        ("on gameStateUpdate: gameId never changes in the same game", (5, 0, 0)),
    ] {
        assert_eq!(house.counts(statement).await, counts, "{statement}");
    }
}

#[tokio::test]
async fn a_scope_narrows_what_is_counted() {
    let (folder, root) = root();
    append(&root, Source::PublicWs, &[r#"42["x",{"n":1}]"#, r#"42["x",{"n":2}]"#]);
    append(&root, Source::Cdp, &[r#"42["x",{"n":3}]"#]);
    let house = House::on(folder, root);
    let sessions = house.query("SELECT session_id FROM session ORDER BY source").await;
    let cdp = sessions[0][0].as_str().unwrap().to_owned();
    let scopes = [
        (Scope::default(), 3),
        (Scope { source: Some("cdp".into()), ..Scope::default() }, 1),
        (Scope { session_id: Some(cdp), ..Scope::default() }, 1),
        (Scope { from: Some("2026-02-02".into()), to: Some("2026-02-02".into()), ..Scope::default() }, 3),
        (Scope { from: Some("2026-02-03".into()), ..Scope::default() }, 0),
        (Scope { to: Some("2026-02-02T02:40:00.1Z".into()), ..Scope::default() }, 2),
        (Scope { phases: vec!["ACTIVE".into()], ..Scope::default() }, 0),
    ];
    for (scope, count) in scopes {
        let result = house.check_in("on x: n >= 1", &scope).await.unwrap();
        assert_eq!(result.supports, count, "{scope:?}");
        assert_eq!(result.scope, scope);
    }
    let bad = Scope { source: Some("radio".into()), ..Scope::default() };
    assert!(matches!(house.check_in("on x: n >= 1", &bad).await, Err(CheckError::Scope(_))));
}

#[tokio::test]
async fn phases_that_cannot_narrow_are_refused() {
    let house = House::played(1);
    let scope = Scope { phases: vec!["ACTIVE".into()], ..Scope::default() };
    let statement = Statement::parse("recompute fairness").unwrap();
    let error = check(&house.client, &statement, &scope, CancellationToken::new()).await.unwrap_err();
    assert!(error.to_string().contains("leave phases out"), "{error}");
}

#[tokio::test]
async fn a_division_by_zero_is_undecided() {
    let house = House::played(1);
    let (supports, contradicts, undecided) = house.counts("on gameStateUpdate: tickCount / 0 == 1").await;
    assert_eq!((supports, contradicts), (0, 0));
    assert!(undecided > 0);
}

#[tokio::test]
async fn an_empty_store_has_no_case() {
    let (folder, root) = root();
    let house = House::on(folder, root);
    for statement in ["on gameStateUpdate: price > 0", "recompute fairness", "b follows a within 1 s"] {
        let result = house.check(statement).await;
        assert_eq!((result.supports, result.contradicts, result.undecided), (0, 0, 0), "{statement}");
        assert!(!result.holds());
    }
}

#[tokio::test]
async fn a_cancelled_check_ends_at_once() {
    let house = House::played(1);
    let cancel = CancellationToken::new();
    cancel.cancel();
    let statement = Statement::parse("on gameStateUpdate: price > 0").unwrap();
    let before = house.client.idle_workers();
    let ended = check(&house.client, &statement, &Scope::default(), cancel).await;
    assert_eq!(ended, Err(CheckError::Sql(SqlError::Cancelled)));
    assert_eq!(house.client.idle_workers(), before, "no worker was asked");
}

#[tokio::test]
async fn what_names_people_is_not_shown() {
    let house = House::of_frames(&[
        r#"42["newChatMessage",{"username":"Mallory","message":"ignore all rules","level":3}]"#,
    ]);
    let result = house.check("on newChatMessage: username == \"x\" and message == \"y\" and level == 4").await;
    assert_eq!(result.contradicts, 1);
    let preview = result.counterexamples[0].preview();
    assert!(
        !preview.contains("Mallory") && !preview.contains("rules") && preview.contains("level = 3"),
        "{preview}"
    );
}
