//! Texts and doubles as decimals, without losing or inventing a digit.

use rust_decimal::Decimal;
use thiserror::Error;

/// Significant digits of the account's arithmetic.
pub const DIGITS: usize = 28;

/// Why a text is no amount.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NumberError {
    /// Not a decimal number.
    #[error("\"{0}\" is not a decimal number")]
    NotANumber(String),
    /// `NaN` or an infinity.
    #[error("\"{0}\" is not finite")]
    NotFinite(String),
    /// More digits than the arithmetic keeps.
    #[error("it has {0} significant digits, at most {DIGITS} can be kept")]
    TooManyDigits(usize),
    /// Beyond the range of 28 digits before the point.
    #[error("it is out of range")]
    TooLarge {
        /// Below zero.
        negative: bool,
    },
    /// Not zero, but beyond 28 places after the point.
    #[error("it has more than {DIGITS} places after the point")]
    TooSmall {
        /// Below zero.
        negative: bool,
    },
}

/// A number in decimal or scientific notation (`0.01`, `1e-2`, `+5`), exact or refused.
///
/// # Errors
/// [`NumberError`], see there.
pub fn parse(text: &str) -> Result<Decimal, NumberError> {
    let text = text.trim();
    let shown = || text.chars().take(60).collect::<String>();
    let negative = text.starts_with('-');
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if ["nan", "inf", "infinity", "snan"].iter().any(|word| unsigned.eq_ignore_ascii_case(word)) {
        return Err(NumberError::NotFinite(shown()));
    }
    let not_a_number = || NumberError::NotANumber(shown());
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, read_exponent(exponent).ok_or_else(not_a_number)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
        return Err(not_a_number());
    }
    let digits = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0');
    // Zeros at the end of a fraction say how it was written ("0.150"), they are kept where they fit.
    let kept = significant.trim_end_matches('0');
    if kept.is_empty() {
        return Ok(Decimal::ZERO);
    }
    if kept.len() > DIGITS {
        return Err(NumberError::TooManyDigits(kept.len()));
    }
    let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX).saturating_sub(exponent);
    let (number, places) = if significant.len() <= DIGITS && (0..=DIGITS as i64).contains(&places) {
        (significant, places)
    } else {
        let dropped = i64::try_from(significant.len() - kept.len()).unwrap_or(i64::MAX);
        (kept, places.saturating_sub(dropped))
    };
    if places > DIGITS as i64 {
        return Err(NumberError::TooSmall { negative });
    }
    let too_large = || NumberError::TooLarge { negative };
    let mut coefficient: i128 = number.parse().map_err(|_| not_a_number())?;
    if places < 0 {
        let power = u32::try_from(-places).ok().and_then(|power| 10_i128.checked_pow(power));
        coefficient = power.and_then(|power| coefficient.checked_mul(power)).ok_or_else(too_large)?;
    }
    let scale = u32::try_from(places.max(0)).map_err(|_| too_large())?;
    let signed = if negative { -coefficient } else { coefficient };
    Decimal::try_from_i128_with_scale(signed, scale).map_err(|_| too_large())
}

/// An exponent's digits; beyond any use it saturates, so that the number is refused as large or small.
fn read_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse::<i64>().unwrap_or(i64::MAX / 2).min(i64::MAX / 2);
    Some(if text.starts_with('-') { -size } else { size })
}

/// The shortest decimal that reads back as this double; `None` when it is not finite or out of range.
pub fn from_double(double: f64) -> Option<Decimal> {
    if !double.is_finite() {
        return None;
    }
    match parse(&format!("{double}")) {
        Ok(number) => Some(number),
        Err(NumberError::TooSmall { .. }) => Some(Decimal::ZERO),
        Err(_) => None,
    }
}

/// What is left of a decimal after a journey through a double.
pub fn through_double(number: Decimal) -> Option<Decimal> {
    number.to_string().parse::<f64>().ok().and_then(from_double)
}
