//! Adding numbers with fractions, for INCRBYFLOAT.
//!
//! The result must be the same on every replica, so it may depend on nothing but the two texts. Decimals
//! are added exactly as far as 28 digits go, and as binary floating point (IEEE 754, the same everywhere)
//! beyond.

use rust_decimal::Decimal;

/// Digits behind the point that a result has at the most, as in Redis.
const FRACTION_DIGITS: u32 = 17;

/// Adds two numbers. The outer `None`: one of them is no number. The inner: the sum is not finite.
pub(super) fn add(left: &[u8], right: &[u8]) -> Option<Option<String>> {
    let (left_float, right_float) = (parse_float(left)?, parse_float(right)?);
    if let (Some(left), Some(right)) = (parse_decimal(left), parse_decimal(right))
        && let Some(sum) = left.checked_add(right)
    {
        let sum = sum.round_dp(FRACTION_DIGITS).normalize();
        return Some(Some(if sum.is_zero() {
            "0".to_owned()
        } else {
            sum.to_string()
        }));
    }
    let sum = left_float + right_float;
    Some(sum.is_finite().then(|| sum.to_string()))
}

/// Whether a text is a number.
pub(super) fn is_number(text: &[u8]) -> bool {
    parse_float(text).is_some()
}

fn parse_float(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    text.parse::<f64>().ok().filter(|number| !number.is_nan())
}

fn parse_decimal(text: &[u8]) -> Option<Decimal> {
    let text = std::str::from_utf8(text).ok()?;
    Decimal::from_str_exact(text)
        .ok()
        .or_else(|| Decimal::from_scientific(text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact_and_short() {
        for (left, right, sum) in [
            ("10.50", "0.1", "10.6"),
            ("0.1", "0.2", "0.3"),
            ("5.0e3", "2.0e2", "5200"),
            ("3", "-3", "0"),
            ("-0.0", "0", "0"),
            ("1e30", "0", "1000000000000000000000000000000"),
        ] {
            let added = add(left.as_bytes(), right.as_bytes());
            assert_eq!(added, Some(Some(sum.to_owned())), "{left} + {right}");
        }
        assert_eq!(add(b"x", b"1"), None);
        assert_eq!(add(b"", b"1"), None);
        assert_eq!(add(b"nan", b"1"), None);
        assert_eq!(add(b"1e308", b"1e308"), Some(None));
        assert_eq!(add(b"inf", b"1"), Some(None));
    }
}
