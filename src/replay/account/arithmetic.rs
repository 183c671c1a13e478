//! Decimal arithmetic as the predecessor had it: every result is rounded once, half to even, to 28 significant
//! digits.
//!
//! `rust_decimal` keeps 28 or 29 digits, depending on the number; rounding its results again would round twice.
//! So the products and quotients are made in 192 bits here and rounded once. A `Decimal` has at most 28 places
//! after the point: results below 0.1 that need more are rounded at the 28th place, which is 1e-28 SOL. All
//! functions give `None` where the result does not fit.

use std::cmp::Ordering;

use rust_decimal::Decimal;

/// Significant digits, and places after the point.
const DIGITS: u32 = 28;
/// 10^28: a pair `(high, low)` stands for `high × 10^28 + low`.
const BASE: u128 = 10_u128.pow(DIGITS);
/// 10^14, half of the digits.
const HALF: u128 = 10_u128.pow(DIGITS / 2);

/// `a + b`.
pub fn add(a: Decimal, b: Decimal) -> Option<Decimal> {
    let scale = a.scale().max(b.scale());
    let (a_wide, b_wide) = (widen(a, scale)?, widen(b, scale)?);
    if a.is_sign_negative() == b.is_sign_negative() {
        let low = a_wide.1.checked_add(b_wide.1)?;
        let high = a_wide.0.checked_add(b_wide.0)?.checked_add(low / BASE)?;
        return round(a.is_sign_negative(), (high, low % BASE), scale);
    }
    let (larger, smaller, negative) = match a_wide.cmp(&b_wide) {
        Ordering::Equal => return Decimal::try_from_i128_with_scale(0, scale).ok(),
        Ordering::Greater => (a_wide, b_wide, a.is_sign_negative()),
        Ordering::Less => (b_wide, a_wide, b.is_sign_negative()),
    };
    let (high, low) = if larger.1 >= smaller.1 {
        (larger.0 - smaller.0, larger.1 - smaller.1)
    } else {
        (larger.0 - smaller.0 - 1, larger.1 + BASE - smaller.1)
    };
    round(negative, (high, low), scale)
}

/// `a − b`.
pub fn subtract(a: Decimal, b: Decimal) -> Option<Decimal> {
    add(a, -b)
}

/// `a × b`.
pub fn multiply(a: Decimal, b: Decimal) -> Option<Decimal> {
    let product = wide_product(a.mantissa().unsigned_abs(), b.mantissa().unsigned_abs())?;
    round(a.is_sign_negative() != b.is_sign_negative(), product, a.scale() + b.scale())
}

/// `a ÷ b`; `None` also for `b = 0`.
pub fn divide(a: Decimal, b: Decimal) -> Option<Decimal> {
    let (dividend, divisor) = (a.mantissa().unsigned_abs(), b.mantissa().unsigned_abs());
    if divisor == 0 {
        return None;
    }
    let mut quotient = dividend / divisor;
    let mut rest = dividend % divisor;
    let mut scale = i64::from(a.scale()) - i64::from(b.scale());
    // Digit by digit: a rest is below 2^96, so ten of them fit. One digit more than can be kept, then a last one
    // that only says whether anything is left.
    while rest != 0 && (quotient < BASE || scale < 0) && scale <= i64::from(DIGITS) {
        rest *= 10;
        quotient = quotient.checked_mul(10)?.checked_add(rest / divisor)?;
        rest %= divisor;
        scale += 1;
    }
    if rest != 0 {
        quotient = quotient.checked_mul(10)?.checked_add(1)?;
        scale += 1;
    }
    let mut pair = (quotient / BASE, quotient % BASE);
    while scale < 0 {
        pair = wide_product(quotient, 10_u128.checked_pow(u32::try_from(-scale).ok()?)?)?;
        scale = 0;
    }
    round(a.is_sign_negative() != b.is_sign_negative(), pair, u32::try_from(scale).ok()?)
}

/// The coefficient of `number` at a scale not below its own.
fn widen(number: Decimal, scale: u32) -> Option<(u128, u128)> {
    wide_product(number.mantissa().unsigned_abs(), 10_u128.checked_pow(scale - number.scale())?)
}

/// The full product of two numbers below 10^30 or so.
fn wide_product(a: u128, b: u128) -> Option<(u128, u128)> {
    let (a_high, a_low, b_high, b_low) = (a / HALF, a % HALF, b / HALF, b % HALF);
    let middle = a_high.checked_mul(b_low)?.checked_add(a_low.checked_mul(b_high)?)?;
    let low = (middle % HALF).checked_mul(HALF)?.checked_add(a_low * b_low)?;
    let high = a_high.checked_mul(b_high)?.checked_add(middle / HALF)?.checked_add(low / BASE)?;
    Some((high, low % BASE))
}

/// `pair × 10^-scale`, rounded once to what can be kept.
fn round(negative: bool, pair: (u128, u128), scale: u32) -> Option<Decimal> {
    let (high, low) = pair;
    let digits = if high == 0 { length(low) } else { DIGITS + length(high) };
    let drop = digits.saturating_sub(DIGITS).max(scale.saturating_sub(DIGITS));
    if drop > scale {
        // Digits before the point would be lost to zeros: beyond every amount.
        return None;
    }
    let (kept, to_even) = if drop == 0 {
        (low, Ordering::Less)
    } else if drop <= DIGITS {
        let unit = 10_u128.checked_pow(drop)?;
        let kept = high.checked_mul(10_u128.checked_pow(DIGITS - drop)?)?.checked_add(low / unit)?;
        (kept, (low % unit).cmp(&(unit / 2)))
    } else {
        let unit = 10_u128.checked_pow(drop - DIGITS)?;
        (high / unit, (high % unit, low).cmp(&(unit / 2, 0)))
    };
    let up = to_even == Ordering::Greater || (to_even == Ordering::Equal && kept % 2 == 1);
    let coefficient = i128::try_from(kept + u128::from(up)).ok()?;
    let signed = if negative { -coefficient } else { coefficient };
    Decimal::try_from_i128_with_scale(signed, scale - drop).ok()
}

/// Decimal digits of a number, 0 for 0.
fn length(number: u128) -> u32 {
    number.checked_ilog10().map_or(0, |log| log + 1)
}
