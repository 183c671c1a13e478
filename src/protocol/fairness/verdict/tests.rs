#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

const GAME: &str = "20260101-00000000000000ab";

fn seed() -> String {
    format!("{:064x}", 0xa)
}

fn path(version: GameVersion) -> PricePath {
    play(&seed(), GAME, version)
}

/// The verdict on what was recorded; each claim's number is its place in the list.
fn judged(claims: &[Claim<'_>]) -> Judgement<usize> {
    let recorded: Vec<_> = claims.iter().enumerate().map(|(by, claim)| Recorded { claim: *claim, by }).collect();
    judge(GAME, Some(&seed()), &recorded)
}

fn what(judgement: &Judgement<usize>) -> Vec<What> {
    judgement.contradictions.iter().map(|found| found.what).collect()
}

fn next_to(price: f64) -> f64 {
    f64::from_bits(price.to_bits() ^ 1)
}

#[test]
fn one_manipulated_price_differs_also_where_no_version_was_recorded() {
    for version in VERSIONS {
        let mut prices = path(version).prices;
        let right = prices[9];
        prices[9] = next_to(right);
        let judgement = judged(&[Claim::Path(&prices)]);
        assert_eq!(judgement.verdict, Verdict::Differs);
        // v1 and v2 play this game alike.
        assert_eq!(judgement.path.as_ref().map(|path| path.prices[9]), Some(right), "{version}");
        let found = &judgement.contradictions[0];
        assert_eq!((found.what, found.tick, judgement.contradictions.len()), (What::Price, Some(9), 1));
        assert_eq!((found.recorded.as_f64(), found.computed.as_f64()), (Some(prices[9]), Some(right)));
    }
}

#[test]
fn a_wrong_announced_peak_is_said_of_a_game_whose_prices_are_proven() {
    let played = path(GameVersion::V3);
    let judgement = judged(&[Claim::Path(&played.prices), Claim::Peak(played.peak + 1.0)]);
    assert_eq!((judgement.verdict, judgement.version), (Verdict::Proven, Some(GameVersion::V3)));
    assert!(judgement.inferred);
    assert_eq!(what(&judgement), [What::Peak]);
    assert_eq!(
        (judgement.contradictions[0].computed.as_f64(), judgement.contradictions[0].by),
        (Some(played.peak), 1)
    );
}

#[test]
fn a_wrong_label_is_said_of_a_game_whose_prices_are_proven() {
    for label in ["v2", "v9", ""] {
        let prices = path(GameVersion::V3).prices;
        let judgement = judged(&[Claim::Path(&prices), Claim::Version(label)]);
        assert_eq!((judgement.verdict, judgement.version), (Verdict::Proven, Some(GameVersion::V3)), "{label}");
        assert_eq!(what(&judgement), [What::Version], "{label}");
        assert_eq!(judgement.contradictions[0].computed, "v3");
    }
}

#[test]
fn a_wrong_label_does_not_hide_a_manipulated_price() {
    for label in ["v2", "v9"] {
        let mut prices = path(GameVersion::V3).prices;
        prices[9] = next_to(prices[9]);
        let judgement = judged(&[Claim::Path(&prices), Claim::Version(label)]);
        assert_eq!((judgement.verdict, judgement.version), (Verdict::Differs, Some(GameVersion::V3)), "{label}");
        assert_eq!(what(&judgement), [What::Version, What::Price], "{label}");
    }
}

#[test]
fn prices_of_rules_that_are_not_known_are_unproven_where_a_label_says_so() {
    let prices = [1.0, 1.01, 1.02, 1.03, 0.02];
    let judgement = judged(&[Claim::Path(&prices), Claim::Version("v9")]);
    assert_eq!((judgement.verdict, judgement.why), (Verdict::Unproven, Some(Unproven::UnknownVersion)));
    // Without the label they are prices that the seed does not give.
    assert_eq!(judged(&[Claim::Path(&prices)]).verdict, Verdict::Differs);
}

#[test]
fn labels_of_rules_that_play_the_game_alike_do_not_contradict_each_other() {
    // v1 and v2 part where the price passes 100.
    let prices = path(GameVersion::V2).prices;
    assert_eq!(prices, path(GameVersion::V1).prices);
    for labels in [["v1", "v2"], ["v2", "v2"], ["v1", "v1"]] {
        let claims = [Claim::Path(&prices), Claim::Version(labels[0]), Claim::Version(labels[1])];
        let judgement = judged(&claims);
        assert_eq!((judgement.verdict, judgement.inferred), (Verdict::Proven, false), "{labels:?}");
        assert!(judgement.contradictions.is_empty(), "{labels:?}");
    }
}

#[test]
fn each_thing_that_contradicts_is_named() {
    let played = path(GameVersion::V3);
    let (rug, rug_price) = (played.rug_tick as u32, *played.prices.last().unwrap());
    let all = || Claim::Path(&played.prices);
    let named = |claim| {
        let judgement = judged(&[all(), claim]);
        (judgement.verdict, what(&judgement))
    };
    let differs = |what| (Verdict::Differs, vec![what]);
    assert_eq!(named(Claim::Price { tick: 7, price: 9.0 }), differs(What::Price));
    assert_eq!(named(Claim::Price { tick: rug + 1, price: 1.0 }), differs(What::AfterRug));
    assert_eq!(named(Claim::Rug { tick: 3, price: rug_price }), differs(What::RugTick));
    assert_eq!(named(Claim::Rug { tick: rug + 2, price: 0.5 }), differs(What::RugPrice));
    assert_eq!(named(Claim::Path(&played.prices[..5])), differs(What::Length));
    assert_eq!(named(Claim::Hash("00")), differs(What::SeedHash));
    assert_eq!(named(Claim::Rug { tick: rug + 2, price: rug_price }), (Verdict::Proven, Vec::new()));
}

#[test]
fn without_a_price_nothing_is_proven_and_what_contradicts_is_said() {
    let played = path(GameVersion::V3);
    let of = |claims: &[Claim<'_>]| {
        let judgement = judged(claims);
        (judgement.verdict, judgement.why, judgement.version, what(&judgement))
    };
    let hash = hash_seed(&seed());
    let no_prices = (Verdict::Unproven, Some(Unproven::NoPrices));
    assert_eq!(of(&[Claim::Hash(&hash)]), (no_prices.0, no_prices.1, None, vec![]));
    assert_eq!(of(&[Claim::Path(&[1.0])]), (no_prices.0, no_prices.1, None, vec![]));
    let peak = [Claim::Peak(played.peak)];
    assert_eq!(of(&peak), (no_prices.0, no_prices.1, Some(GameVersion::V3), vec![]));
    assert_eq!(of(&[Claim::Peak(77.0)]).0, Verdict::Differs);
    assert_eq!(of(&[Claim::Hash("00")]), (Verdict::Differs, None, None, vec![What::SeedHash]));
    let nothing: [Recorded<'_, ()>; 0] = [];
    assert_eq!(judge(GAME, None, &nothing).why, Some(Unproven::NoSeed));
}

#[test]
fn the_commitment_is_compared_also_where_the_rules_are_unknown() {
    let prices = [1.0, 1.01, 1.02, 0.02];
    let judgement = judged(&[Claim::Path(&prices), Claim::Version("v9"), Claim::Hash("00")]);
    assert_eq!((judgement.verdict, judgement.hash_matches), (Verdict::Differs, Some(false)));
}
