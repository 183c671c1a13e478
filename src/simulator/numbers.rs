//! Numbers as the server writes them: JavaScript's text for doubles, and SOL amounts of nine decimals.
//!
//! The wire prints `1`, not `1.0`, and switches to exponents only below 10⁻⁶ and from 10²¹; a reader that
//! was only tested on Rust's own formatting would meet these for the first time in production.

use std::fmt::Write as _;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

/// Appends `value` as JavaScript's `JSON.stringify` writes it: the shortest digits that read back equal.
pub fn push_number(text: &mut String, value: f64) {
    let size = value.abs();
    // Writing to a String cannot fail.
    let _ = if !value.is_finite() {
        write!(text, "null")
    } else if value == 0.0 {
        write!(text, "0") // Also for -0.
    } else if (1e-6..1e21).contains(&size) {
        write!(text, "{value}")
    } else if size < 1.0 {
        write!(text, "{value:e}")
    } else {
        push_large(text, value)
    };
}

/// As Rust's exponent form, with the plus sign that JavaScript puts before a positive exponent.
fn push_large(text: &mut String, value: f64) -> std::fmt::Result {
    let plain = format!("{value:e}");
    text.push_str(&plain.replace('e', "e+"));
    Ok(())
}

/// An amount of SOL or of tokens in billionths. The server keeps nine decimals; integers keep the books
/// exact, so that a simulated account always adds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Nano(pub i64);

impl Nano {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// `thousandths` of a SOL.
    pub const fn milli(thousandths: i64) -> Self {
        Self(thousandths * 1_000_000)
    }

    /// The double nearest to the amount: what a JSON reader gets from the wire's text.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// `self * factor`, rounded down to nine decimals as the server does.
    pub fn times(self, factor: f64) -> Self {
        Self((self.0 as f64 * factor).floor() as i64)
    }

    /// `self / divisor`, rounded down to nine decimals as the server does; zero for a zero divisor.
    pub fn over(self, divisor: f64) -> Self {
        if divisor > 0.0 { Self((self.0 as f64 / divisor).floor() as i64) } else { Self::ZERO }
    }

    /// Appends the amount as JavaScript prints it.
    pub fn push(self, text: &mut String) {
        const UNIT: u64 = 1_000_000_000;
        if self.0.unsigned_abs() < 1000 {
            return push_number(text, self.to_f64());
        }
        if self.0 < 0 {
            text.push('-');
        }
        let (whole, mut rest) = (self.0.unsigned_abs() / UNIT, self.0.unsigned_abs() % UNIT);
        let _ = write!(text, "{whole}");
        if rest == 0 {
            return;
        }
        let mut digits = 9;
        while rest.is_multiple_of(10) {
            rest /= 10;
            digits -= 1;
        }
        let _ = write!(text, ".{rest:0digits$}");
    }
}

impl Add for Nano {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl Sub for Nano {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Nano {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl AddAssign for Nano {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl SubAssign for Nano {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl Sum for Nano {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    fn number(value: f64) -> String {
        let mut text = String::new();
        push_number(&mut text, value);
        text
    }

    fn nano(value: i64) -> String {
        let mut text = String::new();
        Nano(value).push(&mut text);
        text
    }

    /// Expectations are the output of `JSON.stringify`.
    #[test]
    fn doubles_print_as_in_javascript() {
        let cases = [
            (1.0, "1"),
            (0.0, "0"),
            (-0.0, "0"),
            (0.1, "0.1"),
            (-2.5, "-2.5"),
            (0.020_000_000_000_000_018, "0.020000000000000018"),
            (0.000_001, "0.000001"),
            (0.000_016_263, "0.000016263"),
            (0.000_000_9, "9e-7"),
            (1.25e-7, "1.25e-7"),
            (5e-324, "5e-324"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (1_765_577_802_974.0, "1765577802974"),
            (f64::NAN, "null"),
        ];
        for (value, expected) in cases {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn amounts_print_as_their_doubles_do() {
        let mut random = crate::prng::Prng::new(3);
        for round in 0..20_000 {
            let value = random.between(-6_000_000_000, 6_000_000_000) >> (round % 33);
            assert_eq!(nano(value), number(value as f64 / 1e9));
        }
        assert_eq!(nano(16_263), "0.000016263");
        assert_eq!(nano(5), "5e-9");
        assert_eq!(nano(-1_000_000), "-0.001");
    }

    #[test]
    fn quantities_round_down_like_the_server() {
        assert_eq!(nano(Nano::milli(5000).over(0.828_371_964_629_887_8).0), "6.035935803");
        assert_eq!(nano(Nano::milli(90).over(0.579_904_186_257_235_7).0), "0.155198051");
    }
}
