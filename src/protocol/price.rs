//! Which prices can be: what is outside was damaged on its way, and is neither drawn nor traded at.

/// Above this a price is corrupted: no game is known to have passed 10^4.
pub const HIGHEST: f64 = 1e9;

/// Whether a game can have had this price: above 0, for a step takes at most a part of the price, and not above
/// [`HIGHEST`]. What is no number is none.
pub fn is_plausible(price: f64) -> bool {
    price > 0.0 && price <= HIGHEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_number_above_zero_and_up_to_the_highest_can_be_a_price() {
        for price in [1.0, 0.02, 1e-12, 11_000.0, HIGHEST] {
            assert!(is_plausible(price), "{price}");
        }
        for price in [0.0, -0.0, -1.0, HIGHEST * 1.01, 1e308, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!is_plausible(price), "{price}");
        }
    }
}
