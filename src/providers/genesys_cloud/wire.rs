//! Reading what Genesys Cloud sends, more tolerantly than its schema: absent, null and `""` are one, a number may be an integer,
//! a float or a decimal string, and enums are compared without regard to case.

use std::borrow::Cow;
use std::fmt;

use jiff::civil::Date;
use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// No count of requests is larger; what is, is not a count.
const LARGEST_COUNT: f64 = 1e15;

/// Text, or nothing.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Text<'a>(pub(super) Option<Cow<'a, str>>);

/// A whole number of things, or nothing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count(pub(super) Option<u64>);

impl Text<'_> {
    /// The text, `""` counting as none.
    pub(super) fn get(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.is_empty())
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string or null")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Borrowed(text))))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(text.to_owned()))))
            }
            fn visit_unit<E>(self) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;
        impl Visitor<'_> for CountVisitor {
            type Value = Count;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter
                    .write_str("a count: a number that is not negative, such a number as a string, or null")
            }
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range")]
            fn visit_f64<E: Error>(self, number: f64) -> Result<Count, E> {
                if (0.0..=LARGEST_COUNT).contains(&number) && number.fract() == 0.0 {
                    Ok(Count(Some(number as u64)))
                } else {
                    Err(E::custom("not a count"))
                }
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Count, E> {
                self.visit_f64(number as f64).map(|_: Count| Count(Some(number)))
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Count, E> {
                self.visit_f64(number as f64)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Count, E> {
                match text.trim() {
                    "" => Ok(Count(None)),
                    text => text.parse().map_err(E::custom).and_then(|number| self.visit_f64(number)),
                }
            }
            fn visit_unit<E>(self) -> Result<Count, E> {
                Ok(Count(None))
            }
        }
        deserializer.deserialize_any(CountVisitor)
    }
}

/// The UTC day of a plain date (`2026-11-19`) or of a date-time at its midnight (`2026-11-19T00:00:00Z`).
pub(super) fn day(text: &str) -> Option<Date> {
    let (date, time) = text.split_at_checked("2026-11-19".len())?;
    let is_midnight = time.is_empty() || {
        let time = time.strip_prefix("T00:00:00")?;
        let time = time.strip_prefix('.').map_or(time, |fraction| fraction.trim_start_matches('0'));
        ["", "Z", "+00:00", "+0000"].contains(&time)
    };
    is_midnight.then(|| date.parse().ok())?
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_count_is_read_from_whatever_form_it_has() {
        for (json, count) in [
            ("7", Some(7)),
            ("7.0", Some(7)),
            ("\"7\"", Some(7)),
            ("\" 7.0 \"", Some(7)),
            ("null", None),
            ("\"\"", None),
        ] {
            assert_eq!(serde_json::from_str::<Count>(json).unwrap(), Count(count), "{json}");
        }
    }

    #[test]
    fn what_is_not_a_count_is_refused() {
        for json in ["-1", "1.5", "1e300", "\"NaN\"", "\"inf\"", "\"-3\"", "true", "[]", "\"many\""] {
            assert!(serde_json::from_str::<Count>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn empty_text_is_no_text() {
        for json in ["null", "\"\""] {
            assert_eq!(serde_json::from_str::<Text>(json).unwrap().get(), None);
        }
        assert_eq!(serde_json::from_str::<Text>("\"GET\"").unwrap().get(), Some("GET"));
    }

    #[test]
    fn a_day_is_read_from_a_date_and_from_a_date_time() {
        for text in ["2026-11-19", "2026-11-19T00:00:00Z", "2026-11-19T00:00:00.000Z", "2026-11-19T00:00:00"]
        {
            assert_eq!(day(text), Some(date(2026, 11, 19)), "{text}");
        }
        for text in [
            "",
            "2026-11",
            "2026-13-01",
            "2026-11-191",
            "19.11.2026",
            "2026-11-19T23:00:00-05:00",
            "2026-11-19T12:00:00Z",
        ] {
            assert_eq!(day(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_day_panic(text: String) {
            let _ = day(&text);
        }
    }
}
