//! One row of a list, read more tolerantly than its documentation: everything is optional, null is absent, a number may be a
//! string and an id a number. A value of another shape makes the whole row unreadable, because a sum that leaves a part of a
//! row out would lie.

use std::borrow::Cow;

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::calendar;
use crate::model::{Surprise, surprises};

/// The documentation prints the account's key in two ways, its examples in a third.
const ACCOUNT_ID: [&str; 3] = ["account_id", "account ID", "accountId"];

/// No amount, price or quantity is larger; what is, is none. Sums of smaller ones stay finite.
const LARGEST_NUMBER: f64 = 1e15;

/// One row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a>(&'a Map<String, Value>);

/// A row that cannot be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

impl<'a> Row<'a> {
    /// The row that an element of the list is.
    pub(super) fn new(value: &'a Value) -> Result<Self, Unreadable> {
        value.as_object().map(Self).ok_or(Unreadable)
    }

    /// The account that the row belongs to; without it a row says nothing.
    pub(super) fn account_id(self) -> Result<Cow<'a, str>, Unreadable> {
        required(self.first_of(&ACCOUNT_ID))
    }

    /// A text that the row must have.
    pub(super) fn required(self, key: &str) -> Result<Cow<'a, str>, Unreadable> {
        required(self.get(key))
    }

    /// A text; an absent one is empty.
    pub(super) fn text(self, key: &str) -> Result<Cow<'a, str>, Unreadable> {
        text(self.get(key))
    }

    /// A number. One that is none, or larger than any figure, makes the row unreadable: a sum without it would lie.
    pub(super) fn number(self, key: &str) -> Result<Option<f64>, Unreadable> {
        let number = match self.get(key) {
            None => None,
            Some(Value::Number(number)) => number.as_f64(),
            Some(Value::String(text)) if text.trim().is_empty() => None,
            Some(Value::String(text)) => Some(text.trim().parse().map_err(|_| Unreadable)?),
            Some(_) => return Err(Unreadable),
        };
        let is_figure = |number: f64| number.abs() <= LARGEST_NUMBER;
        if number.is_none_or(is_figure) { Ok(number) } else { Err(Unreadable) }
    }

    /// A day.
    pub(super) fn day(self, key: &str) -> Result<Option<Date>, Unreadable> {
        match self.text(key)?.as_ref() {
            "" => Ok(None),
            text => calendar::parse_day(text).map(Some).ok_or(Unreadable),
        }
    }

    /// Notices values of the named fields that are not among those documented.
    pub(super) fn check(self, kind: Surprise, fields: &[(&'static str, &[&str])]) {
        for (key, documented) in fields {
            let value = self.get(key).and_then(Value::as_str).unwrap_or_default();
            surprises::check(kind, key, value, documented);
        }
    }

    fn get(self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    fn first_of(self, keys: &[&str]) -> Option<&'a Value> {
        keys.iter().find_map(|key| self.get(key))
    }
}

fn text(value: Option<&Value>) -> Result<Cow<'_, str>, Unreadable> {
    match value {
        None => Ok(Cow::Borrowed("")),
        Some(Value::String(text)) => Ok(Cow::Borrowed(text)),
        Some(Value::Number(number)) => Ok(Cow::Owned(number.to_string())),
        Some(_) => Err(Unreadable),
    }
}

fn required(value: Option<&Value>) -> Result<Cow<'_, str>, Unreadable> {
    text(value).and_then(|text| if text.is_empty() { Err(Unreadable) } else { Ok(text) })
}

#[cfg(test)]
pub(super) mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_account_is_found_under_each_name_that_the_documentation_has_for_it() {
        for row in [
            json!({"account_id": "a"}),
            json!({"account ID": "a"}),
            json!({"accountId": "a"}),
            json!({"account_id": "a", "account ID": "b"}),
            json!({"account_id": null, "account ID": "a"}),
        ] {
            assert_eq!(Row::new(&row).unwrap().account_id().unwrap(), "a", "{row}");
        }
        for row in
            [json!({}), json!({"account_id": ""}), json!({"account_id": null}), json!({"account_id": []})]
        {
            assert_eq!(Row::new(&row).unwrap().account_id(), Err(Unreadable), "{row}");
        }
    }

    #[test]
    fn what_is_no_object_is_no_row() {
        for value in [json!(null), json!(7), json!("a"), json!([])] {
            assert_eq!(Row::new(&value).unwrap_err(), Unreadable);
        }
    }

    #[test]
    fn a_number_is_read_from_a_number_and_from_a_string() {
        for (value, number) in [
            (json!(3), Some(3.0)),
            (json!(-24.01), Some(-24.01)),
            (json!("3"), Some(3.0)),
            (json!(" 1200.5 "), Some(1200.5)),
            (json!(null), None),
            (json!(""), None),
        ] {
            let row = json!({"n": value});
            assert_eq!(Row::new(&row).unwrap().number("n"), Ok(number), "{row}");
        }
        assert_eq!(Row::new(&json!({})).unwrap().number("n"), Ok(None));
    }

    #[test]
    fn what_is_no_number_makes_the_row_unreadable() {
        for value in [
            json!("many"),
            json!("1,5"),
            json!("NaN"),
            json!("-inf"),
            json!("1e400"),
            json!(true),
            json!([1]),
            json!({}),
            json!(1e16),
            json!("-1e300"),
        ] {
            let row = json!({"n": value});
            assert_eq!(Row::new(&row).unwrap().number("n"), Err(Unreadable), "{row}");
        }
    }

    #[test]
    fn text_keeps_its_zeros_and_a_number_is_taken_for_text() {
        let row = json!({"a": "00021679", "b": 21679, "c": null, "d": {}});
        let row = Row::new(&row).unwrap();
        assert_eq!(row.text("a").unwrap(), "00021679");
        assert_eq!(row.text("b").unwrap(), "21679");
        assert_eq!((row.text("c").unwrap(), row.text("x").unwrap()), ("".into(), "".into()));
        assert_eq!(row.text("d"), Err(Unreadable));
    }

    #[test]
    fn a_day_has_both_documented_forms_and_nonsense_is_unreadable() {
        let row = json!({"a": "2023-08-31T00:00:00.000Z", "b": "2023-08-31", "c": null, "d": "soon"});
        let row = Row::new(&row).unwrap();
        assert_eq!(row.day("a"), Ok(Some(date(2023, 8, 31))));
        assert_eq!(row.day("b"), Ok(Some(date(2023, 8, 31))));
        assert_eq!((row.day("c"), row.day("d")), (Ok(None), Err(Unreadable)));
    }

    #[test]
    fn only_values_beyond_the_documentation_are_unknown() {
        let row = json!({"a": "call", "b": "BRAND_NEW", "c": null, "d": ""});
        let known: &[&str] = &["CALL"];
        let fields = [("a", known), ("b", known), ("c", known), ("d", known), ("x", known)];
        let row = Row::new(&row).unwrap();
        let ((), surprises) = surprises::noticing(|| row.check(Surprise::EnumValue, &fields));
        assert_eq!(surprises.count(Surprise::EnumValue), 1);
    }

    /// The fields of an object.
    pub fn object(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(fields) => fields,
            other => panic!("{other} is no object"),
        }
    }

    /// Any JSON, in which the keys of the API stand often.
    pub fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "https://[a-z]{1,5}/x[?&]page=[0-9]{1,2}|.{0,12}|20[0-9]{2}-[01][0-9](-[0-3][0-9])?"
                .prop_map(Value::from),
        ];
        let key = "_embedded|_links|next|href|usage|page|per_page|total|total_pages|id|account_id|account ID|month|\
                   type|unit|currency|number_of_units|total_amount|start_date|end_date|status|quantity|.{0,4}";
        leaf.prop_recursive(4, 48, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::hash_map(key, inner, 0..9)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_json_makes_a_row_panic(value in any_json()) {
            if let Ok(row) = Row::new(&value) {
                let _ = (row.account_id(), row.required("id"), row.text("type"), row.day("start_date"));
                prop_assert!(row.number("quantity").ok().flatten().is_none_or(f64::is_finite));
            }
        }
    }
}
