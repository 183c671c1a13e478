//! What is no order changes nothing and says what to do.

use serde_json::{Value, json};

use super::super::number::{self, NumberError};
use super::super::order::{Action, parse_amount};
use super::*;

fn order(action: &str, amount: Value, percentage: Value) -> Result<Order, Refusal> {
    Order::from_words(action, Some(&amount), Some(&percentage))
}

#[test]
fn orders_are_read_from_words() {
    assert_eq!(order("buy", json!("0.010"), Value::Null), Ok(Order::Buy { amount: d("0.010") }));
    assert_eq!(order("SIDEBET", json!(0.002), Value::Null), Ok(Order::SideBet { amount: d("0.002") }));
    assert_eq!(order("SELL", Value::Null, Value::Null), Ok(Order::Sell { percentage: None }));
    for part in [json!("25%"), json!(0.25), json!("0.25"), json!(" 25 % ")] {
        assert_eq!(order("PARTIAL_SELL", Value::Null, part), Ok(Order::Sell { percentage: Some(d("0.25")) }));
    }
    assert_eq!(order("SELL", Value::Null, json!(1)), Ok(Order::Sell { percentage: Some(d("1")) }));
}

#[test]
fn an_order_takes_what_belongs_to_it() {
    let code = |result: Result<Order, Refusal>| result.unwrap_err().code();
    assert_eq!(code(order("HOLD", json!(1), Value::Null)), "unknown_action");
    assert_eq!(code(order("BUY", Value::Null, Value::Null)), "incomplete_order");
    assert_eq!(code(order("BUY", json!(1), json!(0.5))), "incomplete_order");
    assert_eq!(code(order("SELL", json!(1), Value::Null)), "incomplete_order");
    for part in [json!(0.33), json!("33%"), json!(25), json!("NaN"), json!(true), json!([0.5]), json!("")] {
        assert_eq!(code(order("SELL", Value::Null, part.clone())), "invalid_percentage", "{part}");
    }
}

#[test]
fn an_amount_that_is_no_number_is_refused_in_the_words_of_the_amount_check() {
    let refused = |value: Value| parse_amount(Action::Buy, &value).unwrap_err().to_string();
    for text in ["NaN", "nan", "inf", "-Infinity", "+inf"] {
        assert!(refused(json!(text)).starts_with("Invalid BUY amount"), "{text}");
        assert!(refused(json!(text)).contains("not finite"), "{text}");
    }
    for text in ["", " ", ".", "1,5", "0x10", "1.2.3", "1e", "--1", "1 2", "²", "one"] {
        assert!(refused(json!(text)).contains("is not a decimal number"), "{text:?}");
    }
    for value in [json!(true), json!([1]), json!({"amount": 1})] {
        assert!(refused(value).contains("neither a number nor a text"));
    }
    assert!(refused(json!("1e39")).contains("unreasonably large"));
    assert!(refused(json!(1e300)).contains("unreasonably large"));
    assert!(refused(json!("1e99999999999999999999")).contains("unreasonably large"));
    assert!(refused(json!("1e-40")).contains("below minimum 0.001"));
    assert!(refused(json!("-1e39")).contains("must be positive"));
}

#[test]
fn an_amount_with_forty_digits_is_refused() {
    let amount = json!("0.0123456789012345678901234567890123456789");
    let refused = parse_amount(Action::SideBet, &amount).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "Invalid SIDEBET amount: it has 39 significant digits, at most 28 can be kept"
    );
    assert!(refused.advice().contains("28 digits"));
}

#[test]
fn amounts_keep_every_digit() {
    for text in ["0.1", "0.10", "1e-3", "1E+0", "+0.5", ".5", "5.", "0.1234567890123456789012345678", "000.1"] {
        assert!(number::parse(text).is_ok(), "{text}");
    }
    assert_eq!(number::parse("1e-3").unwrap().to_string(), "0.001");
    assert_eq!(number::parse("0.150").unwrap().to_string(), "0.150");
    assert_eq!(number::parse("100e-30").unwrap(), d("0.0000000000000000000000000001"));
    assert_eq!(number::parse("0e999").unwrap(), Decimal::ZERO);
    let zeros = format!("0.5{}", "0".repeat(60));
    assert_eq!(number::parse(&zeros), Ok(d("0.5")));
    assert_eq!(number::parse(&"9".repeat(29)), Err(NumberError::TooManyDigits(29)));
    let value: Value = serde_json::from_str("0.1").unwrap();
    assert_eq!(parse_amount(Action::Buy, &value), Ok(d("0.1")));
}

#[test]
fn a_refused_order_leaves_the_account_as_it_was() {
    let mut account = right();
    bet(&mut account, "0.01", &at(1, "1.0")).unwrap();
    let before = account.view(Some(&at(2, "1.0")), 9);
    let no_price = Market { price: None, ..at(2, "1") };
    let tries = [
        sell(&mut account, "1.0", &at(2, "1.0")),
        buy(&mut account, "-1", &at(2, "1.0")),
        buy(&mut account, "0.05", &at(2, "99")),
        buy(&mut account, "0.05", &no_price),
        buy(&mut account, "0.05", &at(2, "0")),
        bet(&mut account, "0.01", &at(2, "1.0")),
        buy(&mut account, "0.05", &rug(2, "0.02")),
    ];
    for (number, tried) in tries.into_iter().enumerate() {
        let refusal = tried.expect_err(&format!("order {number}"));
        assert!(!refusal.advice().is_empty() && !refusal.code().is_empty());
    }
    assert_eq!(account.view(Some(&at(2, "1.0")), 9), before);
}

#[test]
fn corrupted_prices_are_not_traded_at() {
    for (price, shown) in [
        (f64::NAN, "(NaN)"),
        (f64::INFINITY, "(inf)"),
        (-1.0, "(-1.0)"),
        (0.0, "(0.0)"),
        (1e12, "(1000000000000.0)"),
        (1e300, "(1e300)"),
    ] {
        let market = Market { price: Some(Price::Double(price)), ..at(2, "1") };
        let refusal = buy(&mut right(), "0.01", &market).unwrap_err();
        assert_eq!(refusal.code(), "no_price", "{price}");
        assert!(refusal.to_string().contains(shown), "{refusal}");
    }
}

#[test]
fn a_presale_packet_without_a_price_stands_at_one() {
    let market = Market { price: None, ..presale() };
    assert_eq!(buy(&mut right(), "0.01", &market).unwrap().price, Decimal::ONE);
}

#[test]
fn a_position_nobody_can_value_is_not_taken_over() {
    let mut account = right();
    let server = super::super::ServerAccount { cash: None, position_qty: Some(d("1")), avg_cost: None };
    assert!(account.reconcile(&server, 1).is_empty());
    assert_eq!(account.position(), None);
}
