//! Which format and encoding a scraper asks for, by its `Accept` and `Accept-Encoding` headers with their q-values.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING};

use crate::exposition::Format;

/// The encodings of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As it is.
    Identity,
    /// gzip, the form in which bodies are kept.
    Gzip,
}

impl Encoding {
    /// The value of `Content-Encoding`, where there is one.
    pub(super) fn header(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
        }
    }
}

/// The format with the highest q-value; plain text when in doubt, as every scraper reads it.
pub(super) fn format(headers: &HeaderMap) -> Format {
    let mut text = 0.0_f32;
    let mut openmetrics = 0.0_f32;
    for Preference { value, parameters, weight } in preferences(headers, &ACCEPT) {
        let version = parameters.iter().find(|(name, _)| *name == "version").map(|(_, version)| *version);
        match (value, version) {
            ("application/openmetrics-text", None | Some("1.0.0" | "0.0.1")) => {
                openmetrics = openmetrics.max(weight);
            }
            ("text/plain", None | Some("0.0.4")) | ("text/*" | "*/*", _) => text = text.max(weight),
            _ => {}
        }
    }
    if openmetrics > text { Format::OpenMetrics } else { Format::Text }
}

/// gzip wherever it is as welcome as anything else.
pub(super) fn encoding(headers: &HeaderMap) -> Encoding {
    let (mut gzip, mut any, mut identity) = (None, None, None);
    for Preference { value, weight, .. } in preferences(headers, &ACCEPT_ENCODING) {
        match value.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => gzip = Some(weight),
            "*" => any = Some(weight),
            "identity" => identity = Some(weight),
            _ => {}
        }
    }
    let gzip = gzip.or(any).unwrap_or(0.0);
    if gzip > 0.0 && gzip >= identity.unwrap_or(0.0) { Encoding::Gzip } else { Encoding::Identity }
}

/// One element of such a header.
struct Preference<'a> {
    value: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
    weight: f32,
}

fn preferences<'a>(
    headers: &'a HeaderMap,
    name: &axum::http::HeaderName,
) -> impl Iterator<Item = Preference<'a>> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|element| {
            let mut parts = element.split(';').map(str::trim);
            let value = parts.next().unwrap_or("");
            let parameters: Vec<_> = parts.filter_map(|parameter| parameter.split_once('=')).collect();
            let weight = parameters
                .iter()
                .find(|(name, _)| *name == "q")
                .map_or(Some(1.0), |(_, weight)| weight.parse().ok())
                .filter(|weight| (0.0..=1.0).contains(weight))
                .unwrap_or(0.0);
            Preference { value, parameters, weight }
        })
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn the_format_follows_the_q_values() {
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                          text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (accept, expected) in [
            (prometheus, Format::OpenMetrics),
            ("application/openmetrics-text;q=0.2, text/plain;q=0.3", Format::Text),
            ("application/openmetrics-text", Format::OpenMetrics),
            ("application/openmetrics-text; version=2.0.0, text/plain;q=0.1", Format::Text),
            ("application/openmetrics-text;q=0", Format::Text),
            ("*/*", Format::Text),
            ("", Format::Text),
            ("text/html;q=banana", Format::Text),
        ] {
            assert_eq!(format(&headers(ACCEPT, accept)), expected, "{accept}");
        }
        assert_eq!(format(&HeaderMap::new()), Format::Text);
    }

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        for (accept, expected) in [
            ("gzip", Encoding::Gzip),
            ("deflate, gzip;q=0.5, br", Encoding::Gzip),
            ("*", Encoding::Gzip),
            ("gzip;q=0", Encoding::Identity),
            ("gzip;q=0, *", Encoding::Identity),
            ("gzip;q=0.5, identity;q=0.9", Encoding::Identity),
            ("identity", Encoding::Identity),
            ("GZIP", Encoding::Gzip),
            ("zstd", Encoding::Identity),
        ] {
            assert_eq!(encoding(&headers(ACCEPT_ENCODING, accept)), expected, "{accept}");
        }
        assert_eq!(encoding(&HeaderMap::new()), Encoding::Identity);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(value in "[ -~]*") {
            let _ = format(&headers(ACCEPT, &value));
            let _ = encoding(&headers(ACCEPT_ENCODING, &value));
        }
    }
}
