//! The wire's numbers as decimals, from their text: money is recomputed without the rounding of doubles.

use rust_decimal::Decimal;

use crate::protocol::payload::Amount;

/// A number in JSON text, `1.5`, `"1.5"` or `1.6e-05`; `None` for anything else, also beyond 28 digits.
pub fn parse(text: &str) -> Option<Decimal> {
    let text = text.trim().trim_matches('"');
    if text.bytes().any(|byte| byte == b'e' || byte == b'E') {
        return Decimal::from_scientific(text).ok();
    }
    text.parse().ok()
}

/// The decimal of an amount; `None` beyond 28 digits.
pub fn amount(amount: Option<Amount<'_>>) -> Option<Decimal> {
    amount.and_then(|amount| parse(amount.digits()))
}

/// The double that the decimal's text stands for, as JSON shows it.
pub fn to_f64(value: Decimal) -> Option<f64> {
    value.normalize().to_string().parse().ok()
}

/// `0.000001`: what two views of one account may differ by.
pub const TOLERANCE: Decimal = Decimal::from_parts(1, 0, 0, false, 6);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_of_all_spellings_are_exact() {
        assert_eq!(parse("0.1").unwrap() + parse("\"0.2\"").unwrap(), parse("0.3").unwrap());
        assert_eq!(parse("1.6263e-05").unwrap(), parse("0.000016263").unwrap());
        assert_eq!(parse("null"), None);
        assert_eq!(parse("{}"), None);
        assert_eq!(TOLERANCE, parse("0.000001").unwrap());
        assert_eq!(to_f64(parse("0.020000000000000018").unwrap()), Some(0.020000000000000018));
    }
}
