//! Results as Python's `decimal` has them in its default context: 28 digits, half to even.

use super::super::arithmetic::{add, divide, multiply, subtract};
use super::super::number;
use super::d;
use rust_decimal::Decimal;

#[test]
fn results_are_those_of_pythons_default_context() {
    let lines = include_str!("python_decimal.txt").lines();
    let mut tried = 0;
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        let [a, operator, b, "=", expected] = words[..] else { panic!("{line}") };
        let result = match operator {
            "+" => add(d(a), d(b)),
            "-" => subtract(d(a), d(b)),
            "*" => multiply(d(a), d(b)),
            _ => divide(d(a), d(b)),
        };
        assert_eq!(result, Some(d(expected)), "{line}");
        tried += 1;
    }
    assert!(tried > 60, "{tried}");
}

#[test]
fn a_result_is_rounded_once() {
    // 1.0000000000000000000000000005 is a tie of 28 digits only to those who rounded …00049 to 29 digits first.
    let just_below = multiply(d("2.00000000000000000000000001"), d("0.500000000000000000000000249")).unwrap();
    assert_eq!(just_below, d("1.000000000000000000000000503"));
    assert_eq!(divide(d("2"), d("3")), Some(d("0.6666666666666666666666666667")));
}

#[test]
fn what_has_no_result_is_none() {
    assert_eq!(divide(Decimal::ONE, Decimal::ZERO), None);
    assert_eq!(multiply(Decimal::MAX, Decimal::MAX), None);
    assert_eq!(add(Decimal::MAX, Decimal::MAX), None);
    assert_eq!(divide(Decimal::MAX, d("0.0000000000000000000000000001")), None);
}

#[test]
fn a_double_becomes_its_shortest_text() {
    assert_eq!(number::from_double(0.1), Some(d("0.1")));
    assert_eq!(number::from_double(0.020000000000000018), Some(d("0.020000000000000018")));
    assert_eq!(number::from_double(f64::NAN), None);
    assert_eq!(number::from_double(f64::INFINITY), None);
    assert_eq!(number::through_double(d("0.123456789012345678")), Some(d("0.12345678901234568")));
}
