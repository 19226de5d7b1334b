//! What several sections have in the same form: secrets, URLs, paths, name patterns, schedules.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use regex::Regex;
use secrecy::ExposeSecret;
use url::{Host, Url};

use super::fields::{Either, Fields};
use super::value::Value;
use super::{duration, file};
use crate::model::Schedule;
use crate::secret::Secret;

pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const HOUR: Duration = Duration::from_hours(1);
pub(super) const DAY: Duration = Duration::from_hours(24);

/// Below this, a vendor's usage API would be asked without end for figures that hardly change.
const MIN_REFRESH: Duration = Duration::from_secs(10);
const MAX_REFRESH: Duration = Duration::from_hours(365 * 24);
pub(super) const REFRESH: RangeInclusive<Duration> = MIN_REFRESH..=MAX_REFRESH;
const DEFAULT_TIMEOUT: Duration = Duration::from_mins(15);
pub(super) const DEFAULT_MAX_STALENESS: Duration = Duration::from_hours(7 * 24);

/// A collector's section. A disabled one is read all the same: its faults would show on the day it is enabled.
pub(super) fn collector<T>(
    section: &Value,
    by_default: bool,
    read: impl FnOnce(&mut Fields) -> T,
) -> Option<T> {
    section.mapping(|fields| {
        let enabled = fields.get("enabled").boolean().unwrap_or(by_default);
        let settings = read(fields);
        enabled.then_some(settings)
    })
}

/// The three keys that every collector has beside `enabled`.
pub(super) fn schedule(fields: &mut Fields, default_refresh: Duration) -> Schedule {
    let refresh = Given::read(fields, "refresh", MIN_REFRESH, MAX_REFRESH, default_refresh);
    let default_timeout = default_timeout(refresh.duration);
    let timeout = Given::read(fields, "timeout", SECOND, MAX_REFRESH, default_timeout);
    let max_staleness = Given::read(fields, "max_staleness", SECOND, 10 * MAX_REFRESH, DEFAULT_MAX_STALENESS);
    let written = duration::format(refresh.duration);
    if timeout.duration >= refresh.duration && timeout.comparable && refresh.comparable {
        timeout.fault(&format!("a duration below refresh, which is {written}"));
    }
    // A run may start a quarter of the interval late and take its time: figures must outlive that.
    if max_staleness.duration < 2 * refresh.duration && max_staleness.comparable && refresh.comparable {
        max_staleness.fault(&format!("a duration of at least twice refresh, which is {written}"));
    }
    Schedule { refresh: refresh.duration, timeout: timeout.duration, max_staleness: max_staleness.duration }
}

/// A duration that is compared with another one.
struct Given<'a> {
    value: Value<'a>,
    duration: Duration,
    /// Not when a default stands in for a faulty value: comparing that would only mislead.
    comparable: bool,
}

impl<'a> Given<'a> {
    fn read(
        fields: &mut Fields<'a>,
        key: &'static str,
        least: Duration,
        most: Duration,
        default: Duration,
    ) -> Self {
        let value = fields.get(key);
        let given = value.duration(&(least..=most));
        let comparable = given.is_some() || !value.is_set();
        Self { value, duration: given.unwrap_or(default), comparable }
    }

    fn fault(&self, expected: &str) {
        let default = if self.value.is_set() { "" } else { " (the default)" };
        self.value.fault(format!("expected {expected}, found {}{default}", duration::format(self.duration)));
    }
}

/// 15 minutes, or nine tenths of a shorter `refresh`.
pub(super) fn default_timeout(refresh: Duration) -> Duration {
    DEFAULT_TIMEOUT.min(refresh / 10 * 9)
}

/// The OAuth client: its id and its secret. `None` where one is missing or wrong; then there is a fault.
pub(super) fn oauth_client(fields: &mut Fields) -> Option<(String, Secret)> {
    let expected = "the id of an OAuth client";
    let client_id = fields.required("client_id", expected).text(expected);
    let client_secret = secret(fields, "client_secret", "client_secret_file", |_| Ok(()));
    if !fields.has("client_secret") && !fields.has("client_secret_file") {
        fields.fault("missing the secret of the OAuth client; set client_secret_file or client_secret");
    }
    client_id.zip(client_secret)
}

/// A secret given in place, or the file that holds it.
pub(super) fn secret(
    fields: &mut Fields,
    key: &'static str,
    file_key: &'static str,
    check: impl Fn(&str) -> Result<(), String>,
) -> Option<Secret> {
    let (value, secret) = match fields.either(key, file_key) {
        Either::First(value) => {
            let text = value.scalar("a text", true)?.text;
            // A block scalar ends with a line break, like a file.
            let secret = Secret::inline(text.trim_end_matches(['\r', '\n']));
            (value, secret)
        }
        Either::Second(value) => {
            let path = path(&value)?;
            (value, Secret::File(path))
        }
        Either::Neither | Either::Both => return None,
    };
    // The file is read again on each use; reading it now tells of a wrong path before anything starts.
    let checked =
        secret.read().map_err(|error| unreadable(&error.why)).and_then(|text| match text.expose_secret() {
            "" => Err("expected a text, found an empty one".to_owned()),
            text => check(text),
        });
    checked.map_err(|message| value.fault(message)).ok()?;
    Some(secret)
}

/// What is wrong with a file. The path is not told: what stands in its place may be a secret.
pub(super) fn unreadable(why: &str) -> String {
    format!(
        "cannot use the file that it names: {why}; a relative path starts at the folder of the configuration"
    )
}

/// A path; a relative one starts at the folder of the configuration file.
pub(super) fn path(value: &Value) -> Option<PathBuf> {
    value.text("a path").map(|path| value.input().folder.join(path))
}

/// A PEM file with at least one certificate.
pub(super) fn certificates(value: &Value) -> Option<PathBuf> {
    let path = path(value)?;
    let text = match file::content(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => {
            value.fault(unreadable(&error.to_string()));
            return None;
        }
    };
    let block = text.split_once("-----BEGIN CERTIFICATE-----").map(|(_, block)| block);
    if !block.is_some_and(|block| block.contains("-----END CERTIFICATE-----")) {
        value
            .fault("expected a PEM file with at least one certificate, found none in the file that it names");
        return None;
    }
    Some(path)
}

/// A base URL that paths are appended to, such as `example`; it always ends with a slash.
pub(super) fn base_url(value: &Value, example: &str) -> Option<Url> {
    let mut url = vendor_url(value, &format!("a base URL such as {example}"))?;
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Some(url)
}

/// A URL that credentials or tokens are sent to.
pub(super) fn vendor_url(value: &Value, expected: &str) -> Option<Url> {
    value.check(expected, |text| {
        let url = web_url(text)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err("one with a user name or password".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("one with a query (?) or a fragment (#)".to_owned());
        }
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err(
                "one with http, which would send the access token in clear text; use https".to_owned()
            );
        }
        Ok(url)
    })
}

/// An absolute `http` or `https` URL. The objection does not repeat it, because it may hold a password.
pub(super) fn web_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("a text that is no URL ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("one that does not start with https:// or http://".to_owned());
    }
    Ok(url)
}

/// Nobody listens in between, so a simulator on the same machine needs no certificate.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Name patterns.
pub(super) fn patterns(value: &Value, default: &[&str]) -> Vec<Regex> {
    if !value.is_set() {
        return default.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect();
    }
    let items = value.items("a list of regular expressions such as [\"^batch-\"]");
    let pattern = |item: &Value| {
        if !item.is_set() {
            item.fault("expected a regular expression, found nothing");
        }
        pattern(item)
    };
    items.iter().flatten().filter_map(pattern).collect()
}

/// A name pattern.
pub(super) fn pattern(item: &Value) -> Option<Regex> {
    item.check("a regular expression", |text| {
        Regex::new(text).map_err(|error| {
            // The other lines draw the pattern, which may come from a variable.
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default();
            format!("a text that is none ({})", reason.trim_start_matches("error: "))
        })
    })
}

/// A list of texts that are not empty, each once.
pub(super) fn texts(value: &Value, expected: &str) -> Vec<String> {
    list(value, expected, |text| (!text.trim().is_empty()).then(|| text.to_owned()))
}

/// A list of texts as `parse` understands them, each once.
pub(super) fn list(value: &Value, expected: &str, parse: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut parsed = Vec::new();
    for item in value.items(&format!("a list, each item {expected}")).iter().flatten() {
        if !item.is_set() {
            item.fault(format!("expected {expected}, found nothing"));
        }
        let Some(text) = item.parse(expected, &parse) else { continue };
        if parsed.contains(&text) {
            item.fault("stands in this list already; keep one of the two");
        }
        parsed.push(text);
    }
    parsed
}

/// A label value stays readable in a dashboard's legend.
const MAX_NAME_CHARACTERS: usize = 128;

/// Names that must be unique, with the places they stand at.
#[derive(Default)]
pub(super) struct Names(Vec<(String, String)>);

impl Names {
    /// The `name` of a mapping; `what` says of whom, such as `a name for the organization`.
    pub(super) fn read(&mut self, fields: &mut Fields, what: &str) -> Option<String> {
        let expected = format!("{what}, up to 128 characters, none of them a control character");
        let value = fields.required("name", what);
        let name = value.parse(&expected, |text| {
            let fits = text.chars().count() <= MAX_NAME_CHARACTERS && !text.chars().any(char::is_control);
            (fits && !text.trim().is_empty()).then(|| text.to_owned())
        })?;
        let place = format!("{} in line {}", value.path(), value.line());
        match self.0.iter().find(|(other, _)| *other == name) {
            Some((_, first)) => value.fault(format!("expected a name of its own, found the same as {first}")),
            None => self.0.push((name.clone(), place)),
        }
        Some(name)
    }
}
