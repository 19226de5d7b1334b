//! Faults that a scenario asks for: which request is hit, and by what.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::dice::Dice;
use super::duration;

/// What goes wrong, and when. The default is that nothing does.
#[derive(Debug, Clone, Default)]
pub struct Scenario {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    operation: String,
    after: u64,
    times: u64,
    probability: f64,
    fault: Fault,
}

/// What is wrong with one answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fault {
    /// An error of the vendor instead of the answer.
    Status {
        status: StatusCode,
        code: Option<String>,
        headers: HeaderMap,
    },
    /// More headers on the answer.
    Headers(HeaderMap),
    Delay(Duration),
    Hang,
    Reset,
    /// The body ends after so many bytes, and the connection with it.
    Truncate(usize),
    /// The page of a gateway instead of the answer.
    Html(StatusCode),
    WrongJson,
    Garbage,
    Job(Fate),
    RepeatPage,
    /// The form of the links between pages.
    Links(Links),
    /// So many rows at the end of the page are missing.
    DropRows(usize),
    /// The page begins with so many rows of the one before.
    DuplicateRows(usize),
    /// Numbers are written as texts.
    TextNumbers,
    ExpireToken,
    Restate {
        days_ago: u16,
        factor: f64,
    },
}

/// What becomes of a job instead of its success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Fate {
    Failed,
    Cancelled,
    Lost,
    Endless,
}

/// How a page says that there is another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Links {
    /// Paths on the same host that name the page alone: size, filter and order are lost.
    Relative,
    /// The same on the host of the vendor's samples, where there is no API.
    ForeignHost,
    /// The page follows an `&` without a `?` before it.
    Broken,
    /// No `_links` and no counters; the next link is a bare text at the top level.
    TopLevel,
    /// Counters alone.
    Absent,
    /// Neither links nor counters.
    Nothing,
    /// A cursor that says nothing to the client, and no counters.
    Cursor,
    /// The last page has a next link that is null.
    NullNext,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    faults: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    operation: Spanned<String>,
    #[serde(default)]
    after: u64,
    times: Option<u64>,
    probability: Option<Spanned<f64>>,
    fault: Spanned<Kinds>,
}

/// All kinds beside each other, as they are written; exactly one must be given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kinds {
    status: Option<u16>,
    code: Option<String>,
    headers: Option<BTreeMap<String, String>>,
    delay: Option<String>,
    hang: Option<bool>,
    reset: Option<bool>,
    truncate: Option<usize>,
    html: Option<u16>,
    wrong_json: Option<bool>,
    garbage: Option<bool>,
    job: Option<Fate>,
    repeat_page: Option<bool>,
    links: Option<Links>,
    drop_rows: Option<usize>,
    duplicate_rows: Option<usize>,
    text_numbers: Option<bool>,
    expire_token: Option<bool>,
    restate: Option<Restate>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restate {
    days_ago: u16,
    factor: f64,
}

impl Scenario {
    /// Reads a scenario from YAML; an empty document is one without faults.
    ///
    /// # Errors
    /// One sentence that names the line and the key, for the person who wrote the file.
    pub fn parse(yaml: &str) -> Result<Self, String> {
        let options = serde_saphyr::options! { with_snippet: false };
        let file: Option<File> = serde_saphyr::from_str_with_options(yaml, options).map_err(|error| {
            // The parser knows the place, not always the key, so the line is shown.
            let line = error.location().and_then(|place| usize::try_from(place.line()).ok());
            match line.and_then(|line| yaml.lines().nth(line.checked_sub(1)?)) {
                Some(line) => format!("{error}: `{}`", line.trim()),
                None => error.to_string(),
            }
        })?;
        let entries = file.map(|file| file.faults).unwrap_or_default();
        let rules = entries.into_iter().enumerate().map(|(index, entry)| {
            entry
                .check()
                .map_err(|(line, key, message)| format!("line {line}: faults[{index}].{key}: {message}"))
        });
        Ok(Self { rules: rules.collect::<Result<_, _>>()? })
    }
}

/// The line, the key and what is wrong there.
type Wrong = (u64, &'static str, String);

impl Entry {
    fn check(self) -> Result<Rule, Wrong> {
        let operation = self.operation.value;
        if operation != "*" && !super::operations().any(|(id, ..)| id == operation) {
            let known: Vec<_> = super::operations().map(|(id, ..)| id).collect();
            let message = format!("unknown operation `{operation}`; known are `*`, {}", known.join(", "));
            return Err((self.operation.defined.line(), "operation", message));
        }
        let probability = self.probability.as_ref().map_or(1.0, |probability| probability.value);
        if !(0.0..=1.0).contains(&probability) {
            let line = self.probability.map_or(0, |probability| probability.defined.line());
            return Err((line, "probability", format!("{probability} is not between 0 and 1")));
        }
        let line = self.fault.defined.line();
        let fault = self.fault.value.only().map_err(|message| (line, "fault", message))?;
        Ok(Rule { operation, after: self.after, times: self.times.unwrap_or(u64::MAX), probability, fault })
    }
}

impl Kinds {
    /// The one kind that is given.
    fn only(self) -> Result<Fault, String> {
        if self.status.is_none() && self.code.is_some() {
            return Err("`code` belongs to `status`".into());
        }
        let headers = self.headers.map(header_map).transpose()?;
        let code = self.code;
        let switches = [
            (self.hang, Fault::Hang, "hang"),
            (self.reset, Fault::Reset, "reset"),
            (self.wrong_json, Fault::WrongJson, "wrong_json"),
            (self.garbage, Fault::Garbage, "garbage"),
            (self.repeat_page, Fault::RepeatPage, "repeat_page"),
            (self.text_numbers, Fault::TextNumbers, "text_numbers"),
            (self.expire_token, Fault::ExpireToken, "expire_token"),
        ];
        if let Some((.., name)) = switches.iter().find(|(given, ..)| *given == Some(false)) {
            return Err(format!("`{name}` is either true or left out"));
        }
        let mut given: Vec<Fault> =
            switches.into_iter().filter_map(|(given, fault, _)| given.map(|_| fault)).collect();
        match (self.status, headers) {
            (Some(status), headers) => {
                let (status, headers) = (answerable(status)?, headers.unwrap_or_default());
                given.push(Fault::Status { status, code, headers });
            }
            (None, headers) => given.extend(headers.map(Fault::Headers)),
        }
        if let Some(text) = self.delay {
            given
                .push(Fault::Delay(duration::parse(&text).map_err(|message| format!("`delay`: {message}"))?));
        }
        if let Some(Restate { days_ago, factor }) = self.restate {
            if !(0.0..=1000.0).contains(&factor) {
                return Err(format!("the `factor` {factor} of `restate` is not between 0 and 1000"));
            }
            given.push(Fault::Restate { days_ago, factor });
        }
        given.extend(self.truncate.map(Fault::Truncate));
        given.extend(self.html.map(answerable).transpose()?.map(Fault::Html));
        given.extend(self.job.map(Fault::Job));
        given.extend(self.links.map(Fault::Links));
        given.extend(self.drop_rows.map(Fault::DropRows));
        given.extend(self.duplicate_rows.map(Fault::DuplicateRows));
        match (given.pop(), given.len()) {
            (Some(fault), 0) => Ok(fault),
            (_, others) => Err(format!(
                "exactly one of status, headers, delay, hang, reset, truncate, html, wrong_json, garbage, job, repeat_page, \
                 links, drop_rows, duplicate_rows, text_numbers, expire_token, restate is needed, not {}",
                if others == 0 { 0 } else { others + 1 }
            )),
        }
    }
}

/// A status below 200 announces another answer, so it cannot be one.
fn answerable(status: u16) -> Result<StatusCode, String> {
    StatusCode::from_u16(status)
        .ok()
        .filter(|status| (200..600).contains(&status.as_u16()))
        .ok_or_else(|| format!("{status} is not an HTTP status from 200 to 599"))
}

fn header_map(headers: BTreeMap<String, String>) -> Result<HeaderMap, String> {
    let parsed = headers.into_iter().map(|(name, value)| {
        match (HeaderName::try_from(&name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(value)) => Ok((name, value)),
            _ => Err(format!("`{name}` is not an HTTP header that can be sent")),
        }
    });
    parsed.collect()
}

/// A scenario in play: its rules, and how often each was met.
#[derive(Debug)]
pub(super) struct Faults {
    dice: Dice,
    rules: Vec<Played>,
}

#[derive(Debug)]
struct Played {
    rule: Rule,
    seen: u64,
    hits: u64,
}

impl Faults {
    pub(super) fn new(seed: u64, scenario: Scenario) -> Self {
        let rules = scenario.rules.into_iter().map(|rule| Played { rule, seen: 0, hits: 0 });
        Self { dice: Dice::new(seed).named("faults"), rules: rules.collect() }
    }

    /// The fault that hits this request: of the first rule that matches and has hits left.
    pub(super) fn hit(&mut self, operation: &str) -> Option<Fault> {
        let mut won = None;
        for (index, played) in self.rules.iter_mut().enumerate() {
            if played.rule.operation != "*" && played.rule.operation != operation {
                continue;
            }
            // Every matching request counts for `after`, also one that an earlier rule takes.
            let seen = played.seen;
            played.seen += 1;
            let drawn = self.dice.of(index as u64).of(seen).unit() < played.rule.probability;
            if won.is_none() && drawn && seen >= played.rule.after && played.hits < played.rule.times {
                played.hits += 1;
                won = Some(played.rule.fault.clone());
            }
        }
        won
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(yaml: &str, requests: usize) -> Vec<bool> {
        let mut faults = Faults::new(1, Scenario::parse(yaml).unwrap());
        (0..requests).map(|_| faults.hit("getOrganization").is_some()).collect()
    }

    #[test]
    fn after_and_times_choose_the_requests_that_are_hit() {
        let yaml = "faults: [{operation: '*', after: 1, times: 2, fault: {hang: true}}]";
        assert_eq!(hits(yaml, 5), [false, true, true, false, false]);
        assert_eq!(hits("faults: [{operation: createToken, fault: {hang: true}}]", 2), [false, false]);
    }

    #[test]
    fn a_probability_hits_about_its_share_and_always_the_same_requests() {
        let yaml = "faults: [{operation: '*', probability: 0.25, fault: {hang: true}}]";
        let first = hits(yaml, 4000);
        assert_eq!(first, hits(yaml, 4000));
        let hit = first.iter().filter(|hit| **hit).count();
        assert!((900..1100).contains(&hit), "{hit}");
    }

    #[test]
    fn the_first_rule_with_hits_left_wins() {
        let yaml = "faults:\n- {operation: '*', times: 1, fault: {status: 500}}\n- {operation: '*', times: 2, fault: {hang: true}}";
        let mut faults = Faults::new(1, Scenario::parse(yaml).unwrap());
        assert!(matches!(faults.hit("x"), Some(Fault::Status { .. })));
        assert_eq!(faults.hit("x"), Some(Fault::Hang));
        assert_eq!(faults.hit("x"), Some(Fault::Hang));
        assert_eq!(faults.hit("x"), None);
    }

    #[test]
    fn a_mistake_is_named_with_line_and_key() {
        for (yaml, expected) in [
            (
                "faults:\n  - operation: getOrganisation\n    fault: {hang: true}",
                "line 2: faults[0].operation",
            ),
            ("faults:\n  - operation: '*'\n    fault: {hang: true, reset: true}", "line 3: faults[0].fault"),
            ("faults:\n  - operation: '*'\n    fault: {}", "not 0"),
            ("faults:\n  - operation: '*'\n    fault: {html: 99}", "99 is not an HTTP status"),
            ("faults:\n  - operation: '*'\n    fault: {code: x, hang: true}", "belongs to `status`"),
            ("faults:\n  - operation: '*'\n    fault: {headers: {a: b}, hang: true}", "not 2"),
            ("faults:\n  - operation: '*'\n    fault: {hang: false}", "`hang` is either true"),
            ("faults:\n  - operation: '*'\n    fault: {delay: 2 weeks}", "2 weeks"),
            (
                "faults:\n  - operation: '*'\n    probability: 2\n    fault: {hang: true}",
                "line 3: faults[0].probability",
            ),
            ("faults:\n  - operation: '*'\n    fault: {status: 500, headers: {'a b': c}}", "`a b`"),
            ("faults:\n  - operation: '*'\n    typo: 1\n    fault: {hang: true}", "line 3"),
            ("fault: []", "unknown field `fault`"),
            (
                "faults:\n  - operation: '*'\n    fault: {status: abc}",
                "line 3, column 21: `fault: {status: abc}`",
            ),
            ("faults:\n  - operation: '*'\n    fault: {job: broken}", "broken"),
            ("faults:\n  - operation: '*'\n    fault: {links: sideways}", "sideways"),
        ] {
            let error = Scenario::parse(yaml).unwrap_err();
            assert!(error.contains(expected), "{yaml}\n{error}");
        }
    }

    #[test]
    fn an_empty_document_has_no_faults() {
        for yaml in ["", "# nothing\n", "faults: []"] {
            assert!(Scenario::parse(yaml).unwrap().rules.is_empty());
        }
    }
}
