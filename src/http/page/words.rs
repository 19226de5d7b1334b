//! Numbers, times and places on a drawing, as people read them.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;

/// Numbers below this are short enough as they are.
const SHORT: f64 = 10_000.0;

/// A number: short to read, exact for whoever wants to know.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Number {
    pub(super) short: String,
    pub(super) exact: String,
    /// For programs.
    pub(super) value: String,
}

impl Number {
    /// A whole number, or one of which only the whole part means something.
    pub(super) fn whole(value: f64) -> Self {
        let exact = grouped(&format!("{value:.0}"));
        let short = if value.abs() < SHORT { exact.clone() } else { shortened(value) };
        Self { short, exact, value: format!("{value:.0}") }
    }

    /// An amount of money, which is never shortened below its hundredths.
    pub(super) fn amount(value: f64) -> Self {
        let text = format!("{value:.2}");
        let exact = grouped(&text);
        let short = if value.abs() < SHORT { exact.clone() } else { grouped(&format!("{value:.0}")) };
        Self { short, exact, value: text }
    }
}

/// Three digits and the thousands in a letter: `49.5 K`.
fn shortened(value: f64) -> String {
    let mut scaled = value;
    let mut letters = ["", "K", "M", "G", "T"].into_iter();
    let mut letter = letters.next().unwrap_or_default();
    // What would be rounded up to a thousand is one of the next letter.
    while scaled.abs() >= 999.5 {
        let Some(next) = letters.next() else { break };
        (scaled, letter) = (scaled / 1000.0, next);
    }
    let digits = match scaled.abs() {
        small if small < 9.995 => 2,
        middle if middle < 99.95 => 1,
        _ => 0,
    };
    format!("{scaled:.digits$}\u{a0}{letter}")
}

/// A decimal with its thousands apart.
fn grouped(decimal: &str) -> String {
    let (whole, rest) = decimal.split_at(decimal.find('.').unwrap_or(decimal.len()));
    let (sign, digits) = whole.split_at(usize::from(whole.starts_with('-')));
    let mut text = String::with_capacity(decimal.len() + digits.len() / 3);
    text.push_str(sign);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

/// `1 run`, `2 runs`.
pub(super) fn counted(number: usize, what: &str) -> String {
    format!("{} {what}{}", grouped(&number.to_string()), if number == 1 { "" } else { "s" })
}

/// A moment: how far from now, and exactly.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moment {
    /// `3 h ago`, `in 5 min`.
    pub(super) rough: String,
    /// `2026-11-21 10:00:00 UTC`.
    pub(super) exact: String,
    /// RFC 3339.
    pub(super) value: String,
}

impl Moment {
    pub(super) fn new(at: Timestamp, now: Timestamp) -> Self {
        let seconds = now.duration_since(at).as_secs();
        let span = span(seconds.unsigned_abs());
        let rough = match seconds {
            0 => "now".to_owned(),
            1.. => format!("{span} ago"),
            _ => format!("in {span}"),
        };
        Self { rough, exact: exact(at), value: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string() }
    }

    /// A moment that should not be over; when it is, it is about to come.
    pub(super) fn next(at: Timestamp, now: Timestamp) -> Self {
        let due = Self::new(at, now);
        if at <= now { Self { rough: "due now".to_owned(), ..due } } else { due }
    }
}

/// `2026-11-21 10:00:00 UTC`.
pub(super) fn exact(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A length of time in the largest unit of which it has two, so that a longer one never reads shorter.
fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds}\u{a0}s"),
        120..=7_199 => format!("{}\u{a0}min", seconds / 60),
        7_200..=172_799 => format!("{}\u{a0}h", seconds / 3600),
        _ => format!("{}\u{a0}d", seconds / 86_400),
    }
}

/// How long something took.
pub(super) fn took(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 0.9995 {
        format!("{:.0}\u{a0}ms", seconds * 1000.0)
    } else if seconds < 99.95 {
        format!("{seconds:.1}\u{a0}s")
    } else {
        span(duration.as_secs())
    }
}

/// `20 Nov 2026`.
pub(super) fn day(day: Date) -> String {
    day.strftime("%-d\u{a0}%b\u{a0}%Y").to_string()
}

/// `20 Nov`.
pub(super) fn short_day(day: Date) -> String {
    day.strftime("%-d\u{a0}%b").to_string()
}

/// A share of a whole, for people: whole percents, and not 100 % for what is only nearly all, nor 0 % for what is more than nothing.
pub(super) fn share(part: f64, whole: f64) -> String {
    let percent = part / whole * 100.0;
    if !percent.is_finite() {
        return "–".to_owned();
    }
    let rounded = match percent {
        below if (99.5..100.0).contains(&below) => 99.0,
        above if above > 100.0 && above < 100.5 => 101.0,
        other => other.round(),
    };
    if rounded < 0.5 && part > 0.0 {
        return "<\u{a0}1\u{a0}%".to_owned();
    }
    format!("{}\u{a0}%", grouped(&format!("{rounded:.0}")))
}

/// A place or a length on a drawing, as a share of its side.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(super) struct Percent(f64);

impl Percent {
    /// What `part` is of `whole`, between nothing and all.
    pub(super) fn of(part: f64, whole: f64) -> Self {
        let share = part / whole * 100.0;
        Self(if share.is_finite() { share.clamp(0.0, 100.0) } else { 0.0 })
    }

    /// What is left of the side.
    pub(super) fn rest(self) -> Self {
        Self(100.0 - self.0)
    }

    /// From another place to this one.
    pub(super) fn from(self, start: Self) -> Self {
        Self((self.0 - start.0).max(0.0))
    }

    pub(super) fn is_zero(self) -> bool {
        self.0 <= 0.0
    }

    pub(super) fn is_all(self) -> bool {
        self.0 >= 100.0
    }

    pub(super) fn value(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.2}%", self.0)
    }
}

/// A name of the configuration, such as `two_words`, for people.
pub(super) fn title(key: &str) -> String {
    let words = key.split('_').map(|word| {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        first.to_uppercase() + rest
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn numbers_are_short_to_read_and_exact_to_know() {
        for (value, short, exact) in [
            (0.0, "0", "0"),
            (9_812.4, "9,812", "9,812"),
            (49_486.0, "49.5\u{a0}K", "49,486"),
            (999_499.0, "999\u{a0}K", "999,499"),
            (999_600.0, "1.00\u{a0}M", "999,600"),
            (9_996_000.0, "10.0\u{a0}M", "9,996,000"),
            (11_000_000.0, "11.0\u{a0}M", "11,000,000"),
            (1e18, "1000000\u{a0}T", "1,000,000,000,000,000,000"),
            (-49_486.0, "-49.5\u{a0}K", "-49,486"),
        ] {
            let number = Number::whole(value);
            assert_eq!((number.short.as_str(), number.exact.as_str()), (short, exact));
        }
        assert_eq!(Number::amount(1240.1).short, "1,240.10");
        assert_eq!(Number::amount(-12_345.678).short, "-12,346");
        assert_eq!(Number::amount(-12_345.678).exact, "-12,345.68");
    }

    #[test]
    fn a_share_is_never_rounded_across_its_limits() {
        for (part, text) in [
            (0.0, "0\u{a0}%"),
            (0.1, "<\u{a0}1\u{a0}%"),
            (99.9, "99\u{a0}%"),
            (100.0, "100\u{a0}%"),
            (100.1, "101\u{a0}%"),
            (123_400.0, "123,400\u{a0}%"),
        ] {
            assert_eq!(share(part, 100.0), text);
        }
        assert_eq!(share(1.0, 0.0), "–");
    }

    #[test]
    fn times_are_told_in_one_unit() {
        let now: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        for (at, rough) in [
            ("2026-11-21T10:00:00Z", "now"),
            ("2026-11-21T09:58:45Z", "75\u{a0}s ago"),
            ("2026-11-21T09:58:00Z", "2\u{a0}min ago"),
            ("2026-11-21T08:20:00Z", "100\u{a0}min ago"),
            ("2026-11-21T08:00:00Z", "2\u{a0}h ago"),
            ("2026-11-21T10:05:59Z", "in 5\u{a0}min"),
            ("2026-11-20T10:00:00Z", "24\u{a0}h ago"),
            ("2026-11-01T10:00:00Z", "20\u{a0}d ago"),
        ] {
            assert_eq!(Moment::new(at.parse().unwrap(), now).rough, rough);
        }
        assert_eq!(Moment::next(now, now).rough, "due now");
        assert_eq!(took(Duration::from_millis(40)), "40\u{a0}ms");
        assert_eq!(took(Duration::from_millis(1240)), "1.2\u{a0}s");
        assert_eq!(took(Duration::from_mins(3)), "3\u{a0}min");
    }

    #[test]
    fn a_place_stays_on_the_drawing() {
        assert_eq!(Percent::of(2.0, 1.0).to_string(), "100.00%");
        assert_eq!(Percent::of(1.0, 0.0).to_string(), "0.00%");
        assert_eq!(Percent::of(1.0, 4.0).rest().to_string(), "75.00%");
    }

    #[test]
    fn a_key_is_shown_in_words() {
        assert_eq!(title("genesys_cloud"), "Genesys Cloud");
        assert_eq!(title(""), "");
    }
}
