//! Durations as Prometheus writes them: `1y2w3d4h5m6s7ms`.

use std::time::Duration;

/// Units from the longest to the shortest, in milliseconds. A year is 365 days, as in Prometheus.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Prometheus holds a duration as signed nanoseconds, about 292 years.
const MAX: Duration = Duration::from_nanos(i64::MAX.unsigned_abs());

/// Reads a duration: units in falling order, each at most once, no spaces and no fractions; `0` needs no unit.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    if text.is_empty() {
        return None;
    }
    let mut milliseconds: u64 = 0;
    let mut rest = text;
    // Shared by all rounds, so a unit is only looked for behind the one before it.
    let mut units = UNITS.iter();
    while !rest.is_empty() {
        let (count, behind) = rest.split_at(rest.find(|next: char| !next.is_ascii_digit())?);
        let (unit, behind) =
            behind.split_at(behind.find(|next: char| next.is_ascii_digit()).unwrap_or(behind.len()));
        let (_, length) = units.find(|(name, _)| *name == unit)?;
        milliseconds = milliseconds.checked_add(count.parse::<u64>().ok()?.checked_mul(*length)?)?;
        rest = behind;
    }
    Some(Duration::from_millis(milliseconds)).filter(|duration| *duration <= MAX)
}

/// Writes a duration as Prometheus does: years and weeks only where they leave no rest. Parts of a millisecond
/// are cut off.
#[must_use]
pub fn format(duration: Duration) -> String {
    let mut rest = duration.as_millis();
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, length) in UNITS {
        let length = u128::from(length);
        let only_if_exact = matches!(unit, "y" | "w");
        let count = rest / length;
        if count == 0 || (only_if_exact && !rest.is_multiple_of(length)) {
            continue;
        }
        rest %= length;
        text.push_str(&count.to_string());
        text.push_str(unit);
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_unit_counts() {
        let expected = ((365 + 2 * 7 + 3) * 24 + 4) * 60 + 5;
        let expected = Duration::from_mins(expected) + Duration::from_millis(6_007);
        assert_eq!(parse("1y2w3d4h5m6s7ms"), Some(expected));
        assert_eq!(parse("0"), Some(Duration::ZERO));
        assert_eq!(parse("0s"), Some(Duration::ZERO));
        assert_eq!(parse("90m"), Some(Duration::from_mins(90)));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "", "1", "h", "1h ", " 1h", "1.5h", "-1h", "+1h", "1m1h", "1h1h", "1H", "6 h", "1h30", "٣h",
            "1us",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(parse("292y"), Some(Duration::from_hours(292 * 365 * 24)));
        for text in ["293y", "18446744073709551615ms", "18446744073709551615y", "99999999999999999999s"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn years_and_weeks_are_written_only_where_they_leave_no_rest() {
        for (days, text) in [(7, "1w"), (8, "8d"), (365, "1y"), (366, "366d")] {
            assert_eq!(format(Duration::from_hours(days * 24)), text);
        }
        assert_eq!(format(Duration::ZERO), "0s");
    }

    proptest! {
        #[test]
        fn a_written_duration_reads_the_same(milliseconds in 0..=i64::MAX.unsigned_abs() / 1_000_000) {
            let duration = Duration::from_millis(milliseconds);
            prop_assert_eq!(parse(&format(duration)), Some(duration));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}
