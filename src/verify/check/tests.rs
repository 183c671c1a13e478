#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

/// Statements of every kind, in canonical form.
const CANONICAL: [&str; 26] = [
    "on gameStatePlayerUpdate: $.pnl == $.regularPnl + $.sidebetPnl + $.shortPnl ± 1e-9",
    "on gameStateUpdate: $.rugged == true implies $.active == true",
    "on gameStateUpdate: $.cooldownTimer unit ms from 0 to 15000",
    "on gameStateUpdate: $.price is present exactly in ACTIVE, RUGGED",
    "on gameStateUpdate: $.price is present only in ACTIVE, RUGGED",
    "on gameStateUpdate: $.price is absent in COOLDOWN, PRESALE",
    "on gameStateUpdate: $.price is present in ACTIVE",
    "on gameStateUpdate: $.gameHistory[].globalTrades is array when $.gameHistory[].globalTrades is present",
    "on gameStateUpdate: $.cooldownTimer never rises in the same game",
    "on gameStateUpdate: $.cooldownTimer falls by 100 ± 1 in the same session when @phase == \"COOLDOWN\"",
    "on gameStateUpdate: $.provablyFair.serverSeedHash never changes in the same game",
    "on gameStateUpdate: length($.partialPrices.values) <= 5",
    "on gameStateUpdate: $.partialPrices.values.{} > 0",
    "on gameStateUpdate: $.rugpool.threshold is integer|null",
    "on gameStateUpdate: $.rugpool.threshold between 1 and 100 and $.rugpool.instarugCount >= 0",
    "on standard/newTrade: $.type in {\"buy\", \"sell\", 5, -1.5, null, true}",
    "on standard/newTrade: $.coin == \"solana\" or ($.leverage > 1 and not ($.level is null))",
    "on standard/newTrade: $.id matches \"[0-9a-f-]{36}\"",
    "on standard/newTrade: ($.qty + 1) * $.price - ($.amount - 2) != abs($.x - 3) ± 0.001",
    "on \"transport:ping\": $ is absent",
    "on playerUpdate: min($.cash, 5) >= coalesce($.bonusBalance, 0)",
    "on gameStateUpdate: $.leaderboard[0].pnl >= $.leaderboard[-1].pnl",
    "standard/newTrade follows buyOrder within 2000 ms in the same trace",
    "standard/newTrade is preceded by buyOrder where ($.amount > 0) within 2000 ms in the same session",
    "recompute fairness",
    "recompute sidebet outcome",
];

#[test]
fn the_canonical_text_reads_back_as_itself() {
    for text in CANONICAL {
        let statement = Statement::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(statement.to_string(), text);
        assert_eq!(Statement::parse(&statement.to_string()).unwrap(), statement);
    }
}

#[test]
fn what_people_write_is_understood() {
    for (text, canonical) in [
        ("on x: payload.pnl == regularPnl + sidebetPnl", "on x: $.pnl == $.regularPnl + $.sidebetPnl ± 1e-9"),
        ("on x: rugged implies active", "on x: $.rugged == true implies $.active == true"),
        ("on x: price is number or null", "on x: $.price is number|null"),
        ("on x: a is number or b is string", "on x: $.a is number or $.b is string"),
        ("on x: type in {buy, sell}", "on x: $.type in {\"buy\", \"sell\"}"),
        ("on x: t.{tick} >= 0", "on x: $.t.{} >= 0"),
        ("on x: a[*].b = 1", "on x: $.a[].b == 1"),
        ("on x: pnl == 1 +- 0.5", "on x: $.pnl == 1 ± 0.5"),
        ("on x: (a + b) * 2 > 1 and (a > 1 or b > 1)", "on x: ($.a + $.b) * 2 > 1 and ($.a > 1 or $.b > 1)"),
        ("x follows y within 2 s", "x follows y within 2000 ms in the same session"),
        ("on x: timer falls", "on x: $.timer falls in the same session"),
        ("on x: -a < -3", "on x: 0 - $.a < -3"),
    ] {
        let statement = Statement::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(statement.to_string(), canonical, "{text}");
    }
    let about = Statement::parse_about("price > 0", Some("gameStateUpdate")).unwrap();
    assert_eq!(about.to_string(), "on gameStateUpdate: $.price > 0");
    assert_eq!(about.events(), ["gameStateUpdate"]);
    assert_eq!(about.fields(), ["$.price"]);
}

#[test]
fn what_is_not_understood_is_said_with_its_place_and_an_example() {
    for (text, position, expected) in [
        ("", 0, "a statement"),
        ("price > 0", 0, "\"on\" and the event"),
        ("on gameStateUpdate price > 0", 19, "\":\""),
        ("on gameStateUpdate: price >", 27, "a field, a number"),
        ("on gameStateUpdate: price > 0 0", 30, "the end of the statement"),
        ("on gameStateUpdate: price is numbr", 29, "a type"),
        ("on gameStateUpdate: price is present in RUNNING", 40, "a phase"),
        ("on gameStateUpdate: (price > 0", 30, "\")\""),
        ("on gameStateUpdate: price unit parsec", 31, "a unit"),
        ("on gameStateUpdate: price > 0 ± 1", 30, "no tolerance"),
        ("on gameStateUpdate: \"abc", 20, "the quote that ends"),
        ("on gameStateUpdate: a[].x == b[].x", 0, "one list only"),
        ("on gameStateUpdate: a[] falls", 0, "no list"),
        ("on gameStateUpdate: in == 3", 20, "$.in"),
        ("a follows b within 3 weeks", 21, "a unit of time"),
        ("recompute everything", 10, "fairness"),
        ("on gameStateUpdate: price ; drop", 26, "a name, a number"),
    ] {
        let error = Statement::parse(text).expect_err(text);
        assert!(error.expected.contains(expected), "{text}: {error}");
        assert_eq!(error.position, position, "{text}: {error}");
        assert!(Statement::parse(error.example).is_ok(), "the example works: {}", error.example);
        assert!(error.to_string().contains(&format!("character {}", position + 1)));
    }
}

#[test]
fn brackets_without_end_do_not_exhaust_the_stack() {
    let text = format!("on x: {}a > 1{}", "(".repeat(1500), ")".repeat(1500));
    assert!(Statement::parse(&text).unwrap_err().expected.contains("brackets"));
    let text = format!("on x: {}a", "not ".repeat(900));
    assert!(Statement::parse(&text).unwrap_err().expected.contains("brackets"));
    assert!(Statement::parse(&"a".repeat(10_000)).is_err());
}

#[test]
fn a_scope_reads_dates_and_refuses_what_it_does_not_know() {
    let day = Scope { from: Some("2026-01-31".into()), to: Some("2026-01-31".into()), ..Scope::default() };
    let bounds = day.bounds().unwrap();
    assert_eq!(bounds.to_us.unwrap() - bounds.from_us.unwrap(), 86_400_000_000);
    for (member, scope) in [
        ("from", Scope { from: Some("yesterday".into()), ..Scope::default() }),
        ("source", Scope { source: Some("radio".into()), ..Scope::default() }),
        ("session_id", Scope { session_id: Some("x' OR 1=1".into()), ..Scope::default() }),
        ("phases", Scope { phases: vec!["running".into()], ..Scope::default() }),
    ] {
        assert_eq!(scope.bounds().unwrap_err().member, member);
    }
}
