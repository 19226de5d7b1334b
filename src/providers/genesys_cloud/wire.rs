//! Reading what Genesys Cloud sends, more tolerantly than its schema: absent, null and `""` are one, a number may be an integer,
//! a float or a decimal string, and enums are compared without regard to case.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

use super::days;

/// No count, quantity or amount is larger; what is, is none. Sums of smaller ones stay finite.
const LARGEST_NUMBER: f64 = 1e15;

/// Text, or nothing.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Text<'a>(pub(super) Option<Cow<'a, str>>);

/// A whole number of things, or nothing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count(pub(super) Option<u64>);

/// Text that becomes a label value: none is the empty one.
#[derive(Debug, Default, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(from = "Option<String>")]
pub(super) struct Label(pub(super) String);

/// A quantity or an amount of money, or nothing.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub(super) struct Decimal(pub(super) Option<f64>);

/// How long a list is; its entries are never kept. No list is nothing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Length(pub(super) Option<u64>);

/// The entries of a list that can be understood, and how many cannot. No list is an empty one.
#[derive(Debug, Clone)]
pub(super) struct Lenient<T> {
    pub(super) entries: Vec<T>,
    pub(super) invalid: u64,
}

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

impl Label {
    pub(super) fn get(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|text| !text.is_empty())
    }

    /// Whether it is this word, in whatever case.
    pub(super) fn is(&self, word: &str) -> bool {
        self.0.eq_ignore_ascii_case(word)
    }
}

impl From<Option<String>> for Label {
    fn from(text: Option<String>) -> Self {
        Self(text.unwrap_or_default())
    }
}

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self { entries: Vec::new(), invalid: 0 }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not an `Option`: serde would take a list that is missing for one that is null.
        let list = match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Array(list) => list,
            serde_json::Value::Null => Vec::new(),
            _ => return Err(D::Error::custom("expected a list or null")),
        };
        let mut lenient = Self::default();
        for entry in list {
            match entry_of(entry) {
                Some(entry) => lenient.entries.push(entry),
                None => lenient.invalid += 1,
            }
        }
        Ok(lenient)
    }
}

impl<'de> Deserialize<'de> for Length {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LengthVisitor;
        impl<'de> Visitor<'de> for LengthVisitor {
            type Value = Length;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list or null")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Length, A::Error> {
                let mut length = 0;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    length += 1;
                }
                Ok(Length(Some(length)))
            }
            fn visit_unit<E>(self) -> Result<Length, E> {
                Ok(Length(None))
            }
        }
        deserializer.deserialize_any(LengthVisitor)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DecimalVisitor;
        impl Visitor<'_> for DecimalVisitor {
            type Value = Decimal;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number, a number as a string, or null")
            }
            fn visit_f64<E: Error>(self, number: f64) -> Result<Decimal, E> {
                if number.abs() <= LARGEST_NUMBER {
                    Ok(Decimal(Some(number)))
                } else {
                    Err(E::custom("not a quantity"))
                }
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Decimal, E> {
                self.visit_f64(number as f64)
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Decimal, E> {
                self.visit_f64(number as f64)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Decimal, E> {
                match text.trim() {
                    "" => Ok(Decimal(None)),
                    text => text.parse().map_err(E::custom).and_then(|number| self.visit_f64(number)),
                }
            }
            fn visit_unit<E>(self) -> Result<Decimal, E> {
                Ok(Decimal(None))
            }
        }
        deserializer.deserialize_any(DecimalVisitor)
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
                if (0.0..=LARGEST_NUMBER).contains(&number) && number.fract() == 0.0 {
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

/// A row of an answer, which is an object: `serde` would also fill a struct from a list, field by field.
pub(super) fn row<'a, T: Deserialize<'a>>(row: &'a [u8]) -> Option<T> {
    if row.starts_with(b"[") { None } else { serde_json::from_slice(row).ok() }
}

/// The same for an entry that has been parsed.
pub(super) fn entry_of<T: DeserializeOwned>(entry: serde_json::Value) -> Option<T> {
    if entry.is_array() { None } else { serde_json::from_value(entry).ok() }
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

/// The UTC day of a plain date or of a date-time.
pub(super) fn first_day(text: &str) -> Option<Date> {
    match text.parse::<Timestamp>() {
        Ok(moment) => Some(days::of(moment)),
        Err(_) => day(text),
    }
}

/// The day after a last day, which is a plain date or a date-time within the day.
pub(super) fn end_day(text: &str) -> Option<Date> {
    match text.parse::<Timestamp>() {
        // What ends at a midnight ends there.
        Ok(moment) if days::midnight(days::of(moment)) == moment => Some(days::of(moment)),
        Ok(moment) => Some(days::plus(days::of(moment), 1)),
        Err(_) => day(text).map(|day| days::plus(day, 1)),
    }
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

    #[test]
    fn a_decimal_is_read_from_whatever_form_it_has() {
        for (json, number) in [
            ("7", Some(7.0)),
            ("-2.5", Some(-2.5)),
            ("\"23.74\"", Some(23.74)),
            ("\" 0.00 \"", Some(0.0)),
            ("\"\"", None),
            ("null", None),
        ] {
            assert_eq!(serde_json::from_str::<Decimal>(json).unwrap(), Decimal(number), "{json}");
        }
        for json in ["true", "[]", "\"many\"", "\"NaN\"", "\"inf\"", "\"1e400\"", "1e16", "-1e16"] {
            assert!(serde_json::from_str::<Decimal>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_list_is_counted_and_forgotten() {
        let length = |json: &str| serde_json::from_str::<Length>(json).unwrap().0;
        assert_eq!(length(r#"[{"name":"jane@example.com"},null,[1]]"#), Some(3));
        assert_eq!((length("[]"), length("null")), (Some(0), None));
    }

    #[test]
    fn entries_that_cannot_be_understood_are_counted() {
        let lenient: Lenient<Decimal> = serde_json::from_str(r#"[1,"2",{"a":1},null,[1]]"#).unwrap();
        assert_eq!((lenient.entries.len(), lenient.invalid), (3, 2));
        assert!(serde_json::from_str::<Lenient<Decimal>>("null").unwrap().entries.is_empty());
    }

    #[test]
    fn a_last_day_is_included_whatever_its_form() {
        for text in ["2026-11-20", "2026-11-20T23:59:59Z", "2026-11-20T23:59:59.999Z", "2026-11-21T00:00:00Z"]
        {
            assert_eq!(end_day(text), Some(date(2026, 11, 21)), "{text}");
        }
        for text in ["2026-11-20", "2026-11-20T00:00:00.000Z", "2026-11-20T23:59:59Z"] {
            assert_eq!(first_day(text), Some(date(2026, 11, 20)), "{text}");
        }
        assert_eq!((end_day("soon"), first_day("")), (None, None));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_day_panic(text: String) {
            let _ = (day(&text), first_day(&text), end_day(&text));
        }
    }
}
