//! Durations as Prometheus writes them: `2s`, `1m30s`, `500ms`.

use std::time::Duration;

/// Units in the order in which a duration names them, with their milliseconds.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration such as 500ms, 2s or 1m30s");
    let (mut rest, mut units, mut total) = (text, UNITS.as_slice(), 0_u64);
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(wrong)?;
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|letter: char| letter.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        // Each unit at most once and only after a larger one.
        let position = units.iter().position(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let milliseconds =
            number.parse::<u64>().ok().and_then(|number| number.checked_mul(units[position].1));
        total = milliseconds.and_then(|more| total.checked_add(more)).ok_or_else(wrong)?;
        (rest, units) = (tail, &units[position + 1..]);
    }
    if text.is_empty() { Err(wrong()) } else { Ok(Duration::from_millis(total)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_go_from_large_to_small() {
        for (text, milliseconds) in [("2s", 2000), ("1m30s", 90_000), ("500ms", 500), ("1d2h3ms", 93_600_003)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "5", "s", "2x", "30s1m", "1s1s", "-1s", "1.5s", "99999999999999999999s", "2 s"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
