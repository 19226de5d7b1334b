//! Sums of figures that were written as decimals.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Whole numbers below this are exact in an `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A sum as a person would make it on paper: 0.1 and 0.2 are 0.3.
///
/// Binary floating point alone would make another last digit each time the order changes, which looks like a correction by
/// the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(into = "f64", from = "f64")]
pub struct Sum {
    /// None once a figure had more digits than a decimal holds.
    decimal: Option<Decimal>,
    float: f64,
}

impl Default for Sum {
    fn default() -> Self {
        Self { decimal: Some(Decimal::ZERO), float: 0.0 }
    }
}

impl Sum {
    /// Adds a figure.
    pub fn add(&mut self, value: f64) {
        self.float += value;
        self.decimal = self.decimal.and_then(|sum| sum.checked_add(decimal(value)?));
    }

    /// The sum so far.
    #[must_use]
    pub fn value(self) -> f64 {
        self.decimal.and_then(|sum| sum.to_string().parse().ok()).unwrap_or(self.float)
    }
}

/// The shortest decimal that means this number, which is the one it was read from.
fn decimal(value: f64) -> Option<Decimal> {
    if value.fract() == 0.0 && value.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within the exact range")]
        return Some(Decimal::from(value as i64));
    }
    Decimal::from_str_exact(&value.to_string()).ok()
}

impl From<Sum> for f64 {
    fn from(sum: Sum) -> Self {
        sum.value()
    }
}

impl From<f64> for Sum {
    fn from(value: f64) -> Self {
        std::iter::once(value).sum()
    }
}

impl std::iter::Sum<f64> for Sum {
    fn sum<I: Iterator<Item = f64>>(values: I) -> Self {
        values.fold(Self::default(), |mut sum, value| {
            sum.add(value);
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(values: &[f64]) -> f64 {
        values.iter().copied().sum::<Sum>().value()
    }

    #[test]
    fn cents_add_up_to_cents() {
        assert_eq!(sum(&[0.1, 0.2]).to_bits(), 0.3_f64.to_bits());
        assert_eq!(sum(&[30_000.01, 991.04]).to_bits(), 30_991.05_f64.to_bits());
        assert_eq!(sum(&[]).to_bits(), 0.0_f64.to_bits());
        assert_eq!(sum(&[-0.3, 0.1]).to_bits(), (-0.2_f64).to_bits());
    }

    #[test]
    fn what_is_too_large_for_a_decimal_is_added_all_the_same() {
        assert_eq!(sum(&[1e300, 1e300]).to_bits(), 2e300_f64.to_bits());
        assert_eq!(sum(&[1e-300, 0.5]).to_bits(), 0.5_f64.to_bits());
    }

    proptest! {
        #[test]
        fn the_order_does_not_matter(mut values in prop::collection::vec(-1e9_f64..1e9, 0..20)) {
            let forth = sum(&values);
            values.reverse();
            prop_assert_eq!(forth.to_bits(), sum(&values).to_bits());
        }

        #[test]
        fn whole_numbers_add_up_exactly(values in prop::collection::vec(0_u32..u32::MAX, 0..50)) {
            let expected: u64 = values.iter().copied().map(u64::from).sum();
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            prop_assert_eq!(sum(&values).to_bits(), (expected as f64).to_bits());
        }
    }
}
