//! Reading the body of a query, with the vendor's complaints about it.

use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::query::{Granularity, Metrics};
use super::refusal::Refusal;
use crate::simulator::exchange::Call;

/// The JSON object of a request.
pub(super) struct Body(Map<String, Value>);

impl Body {
    pub(super) fn read(call: &Call) -> Result<Self, Refusal> {
        let content_type = call.header("content-type").unwrap_or_default();
        if !content_type.to_ascii_lowercase().starts_with("application/json") {
            let message = format!("Content type '{content_type}' is not supported.");
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported.media.type", message));
        }
        match serde_json::from_slice(&call.body) {
            Ok(Value::Object(object)) => Ok(Self(object)),
            _ => Err(Refusal::bad("bad.request", "The request body is not a JSON object.")),
        }
    }

    /// Refuses properties that the operation does not have.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        match self.0.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(Refusal::bad("invalid.property", format!("Unknown property [{key}]."))),
            None => Ok(()),
        }
    }

    /// A list of texts, empty when it is left out.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, Refusal> {
        let wrong = || Refusal::bad("invalid.value", format!("[{key}] must be a list of texts."));
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) => {
                items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
            }
            Some(_) => Err(wrong()),
        }
    }

    /// A list of values that the vendor enumerates; the spelling has to be exact.
    pub(super) fn choices(&self, key: &str, allowed: &[&str]) -> Result<Vec<String>, Refusal> {
        let values = self.texts(key)?;
        match values.iter().find(|value| !allowed.contains(&value.as_str())) {
            Some(value) => {
                Err(Refusal::bad("invalid.value", format!("[{value}] is not a valid value of [{key}].")))
            }
            None => Ok(values),
        }
    }

    /// A text, none when it is left out; one of `allowed` if there are such.
    pub(super) fn text(&self, key: &str, allowed: Option<&[&str]>) -> Result<Option<String>, Refusal> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if allowed.is_none_or(|allowed| allowed.contains(&text.as_str())) => {
                Ok(Some(text.clone()))
            }
            Some(other) => {
                Err(Refusal::bad("invalid.value", format!("{other} is not a valid value of [{key}].")))
            }
        }
    }

    pub(super) fn metrics(&self) -> Result<Metrics, Refusal> {
        let names = ["Requests", "Status200", "Status300", "Status400", "Status429", "Status500"];
        let mut metrics = Metrics::NONE;
        let asked = self.choices("metrics", &names)?;
        if asked.is_empty() {
            return Ok(Metrics::ALL);
        }
        for name in asked {
            match name.as_str() {
                "Requests" => metrics.requests = true,
                "Status200" => metrics.status200 = true,
                "Status300" => metrics.status300 = true,
                "Status400" => metrics.status400 = true,
                "Status429" => metrics.status429 = true,
                _ => metrics.status500 = true,
            }
        }
        Ok(metrics)
    }

    /// The granularity; none when it is left out.
    pub(super) fn granularity(&self) -> Result<Option<Granularity>, Refusal> {
        let granularity = self.text("granularity", Some(&["Day", "Week", "Month"]))?;
        Ok(granularity.map(|granularity| match granularity.as_str() {
            "Day" => Granularity::Day,
            "Week" => Granularity::Week,
            _ => Granularity::Month,
        }))
    }

    /// Sorting is checked and otherwise ignored: its field names are not documented.
    pub(super) fn check_sorting(&self) -> Result<(), Refusal> {
        let valid = |item: &Value| {
            item.get("fieldName").is_some_and(Value::is_string)
                && item
                    .get("order")
                    .and_then(Value::as_str)
                    .is_none_or(|order| ["Asc", "Desc"].contains(&order))
        };
        match self.0.get("sortBy") {
            None | Some(Value::Null) => Ok(()),
            Some(Value::Array(items)) if items.iter().all(valid) => Ok(()),
            Some(_) => {
                Err(Refusal::bad("invalid.value", "[sortBy] needs fieldName, and Asc or Desc as order."))
            }
        }
    }

    /// Start and end of the interval.
    pub(super) fn interval(&self) -> Result<(Timestamp, Timestamp), Refusal> {
        let Some(text) = self.0.get("interval").and_then(Value::as_str) else {
            return Err(Refusal::bad("bad.request", "The property [interval] is required."));
        };
        let wrong = || Refusal::bad("invalid.date", format!("[{text}] is not a valid ISO 8601 interval."));
        let (start, end) = text.split_once('/').ok_or_else(wrong)?;
        let (start, end) = (instant(start).ok_or_else(wrong)?, instant(end).ok_or_else(wrong)?);
        if end < start {
            return Err(Refusal::bad("invalid.date", format!("[{text}] ends before it starts.")));
        }
        Ok((start, end))
    }
}

/// An instant as `2026-11-19T00:00:00Z`, with an offset, without a zone (UTC), as `2026-11-19` or `2026-11`.
fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let date = match text.len() {
        7 => format!("{text}-01").parse::<Date>().ok()?.to_datetime(jiff::civil::Time::midnight()),
        10 => text.parse::<Date>().ok()?.to_datetime(jiff::civil::Time::midnight()),
        _ => text.parse::<DateTime>().ok()?,
    };
    TimeZone::UTC.to_timestamp(date).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_every_published_form() {
        let midnight = "2026-11-01T00:00:00Z".parse().ok();
        for text in [
            "2026-11-01T00:00:00Z",
            "2026-11-01T00:00:00.000Z",
            "2026-11-01T00:00:00",
            "2026-11-01T01:00:00+01:00",
            "2026-11-01",
            "2026-11",
        ] {
            assert_eq!(instant(text), midnight, "{text}");
        }
        for text in ["", "yesterday", "2026-13", "2026-11-31", "2026"] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
