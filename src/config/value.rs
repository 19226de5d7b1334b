//! Typed reading of the tree: a value that does not fit leaves a fault and reading goes on, so that one run finds
//! every fault. Whoever reads puts a default in the place of what is missing; with faults the result is discarded.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use super::document::{Content, Entry, Node};
use super::duration;
use super::faults::Fault;
use super::fields::Fields;
use super::variables::{Environment, Unexpanded, expand};

/// What all values of one file share.
pub(super) struct Input<'a> {
    /// Where variables come from; without it, `${…}` is a text like any other.
    pub(super) environment: Option<Environment<'a>>,
    /// Relative paths in the file start here.
    pub(super) folder: PathBuf,
    pub(super) faults: RefCell<Vec<Fault>>,
}

/// A value at its place, or the place of a value that is missing or empty.
#[derive(Clone)]
pub(super) struct Value<'a> {
    input: &'a Input<'a>,
    node: Option<&'a Node>,
    path: String,
    line: usize,
}

/// A scalar after replacement of variables.
pub(super) struct Scalar<'a> {
    pub(super) text: Cow<'a, str>,
    /// As the file has it, before replacement.
    raw: &'a str,
    quoted: bool,
}

impl Scalar<'_> {
    fn replaced(&self) -> bool {
        matches!(self.text, Cow::Owned(_))
    }

    /// For messages: what the file says, never what a variable holds.
    fn shown(&self) -> String {
        const LONGEST: usize = 60;
        let mut shown: String = self.raw.chars().take(LONGEST).flat_map(char::escape_debug).collect();
        if self.raw.chars().nth(LONGEST).is_some() {
            shown.push('…');
        }
        let note = if self.replaced() { " (the variable's value is not shown)" } else { "" };
        if self.raw.is_empty() { "an empty text".to_owned() } else { format!("\"{shown}\"{note}") }
    }
}

impl<'a> Value<'a> {
    pub(super) fn root(input: &'a Input<'a>, node: &'a Node) -> Self {
        Self { input, node: Some(node), path: String::new(), line: node.line }
    }

    /// The value of a key within this one; `None` for a key that is missing.
    pub(super) fn within(&self, key: &str, entry: Option<&'a Entry>) -> Self {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        let node = entry.map(|entry| entry.value.as_ref());
        Self { input: self.input, node, path, line: entry.map_or(self.line, |entry| entry.line) }
    }

    /// The value of a key of this mapping, for its place: it has been read before.
    pub(super) fn child(&self, key: &str) -> Self {
        let entries = match self.content() {
            Some(Content::Mapping(entries)) => entries.as_slice(),
            _ => &[],
        };
        self.within(key, entries.iter().find(|entry| entry.key == key))
    }

    /// How many faults there are so far, anywhere.
    pub(super) fn faults(&self) -> usize {
        self.input.faults.borrow().len()
    }

    /// Whether there is anything to read; a key without a value counts as missing.
    pub(super) fn is_set(&self) -> bool {
        self.content().is_some()
    }

    /// Whether it is a mapping without keys.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self.content(), Some(Content::Mapping(entries)) if entries.is_empty())
    }

    pub(super) fn line(&self) -> usize {
        self.line
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn input(&self) -> &'a Input<'a> {
        self.input
    }

    pub(super) fn fault(&self, message: impl Into<String>) {
        let fault = Fault { line: Some(self.line), key: self.path.clone(), message: message.into() };
        self.input.faults.borrow_mut().push(fault);
    }

    fn content(&self) -> Option<&'a Content> {
        self.node.map(|node| &node.content).filter(|content| !matches!(content, Content::Null))
    }

    /// The scalar, its variables replaced. `secret`: nothing of it may stand in a message.
    pub(super) fn scalar(&self, expected: &str, secret: bool) -> Option<Scalar<'a>> {
        let (raw, quoted) = match self.content()? {
            Content::Scalar { text, quoted } => (text, *quoted),
            other => {
                self.fault(format!("expected {expected}, found {}", kind(other)));
                return None;
            }
        };
        let Some(environment) = self.input.environment else {
            return Some(Scalar { text: Cow::Borrowed(raw), raw, quoted });
        };
        match expand(raw, environment) {
            Ok(text) => return Some(Scalar { text, raw, quoted }),
            // Beside other text, what looks like a name may be a part of the secret.
            Err(Unexpanded::Unset(name)) if secret && raw.len() != name.len() + "${}".len() => {
                self.fault("a variable named in ${…} is not set; write $${ for a literal ${");
            }
            Err(Unexpanded::Unset(name)) => self.fault(format!("the environment variable {name} is not set")),
            Err(Unexpanded::Malformed) => {
                self.fault(
                    "expected a variable as ${NAME}, found ${ without that; write $${ for a literal ${",
                );
            }
        }
        None
    }

    /// The text as `parse` understands it.
    pub(super) fn parse<T>(&self, expected: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let scalar = self.scalar(expected, false)?;
        let parsed = parse(&scalar.text);
        if parsed.is_none() {
            self.fault(format!("expected {expected}, found {}", scalar.shown()));
        }
        parsed
    }

    /// The text as `check` understands it; what `check` objects to must not repeat the text.
    pub(super) fn check<T>(
        &self,
        expected: &str,
        check: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let scalar = self.scalar(expected, false)?;
        check(&scalar.text)
            .map_err(|objection| self.fault(format!("expected {expected}, found {objection}")))
            .ok()
    }

    /// A text that may not be empty, whatever it looks like.
    pub(super) fn text(&self, expected: &str) -> Option<String> {
        self.parse(expected, |text| (!text.trim().is_empty()).then(|| text.to_owned()))
    }

    /// `true` or `false` and no other word.
    pub(super) fn boolean(&self) -> Option<bool> {
        self.plain("true or false", |text| text.parse().ok())
    }

    pub(super) fn number<N>(&self, range: &RangeInclusive<N>) -> Option<N>
    where
        N: TryFrom<u64> + Display + PartialOrd,
    {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        self.plain(&expected, |text| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            let number = N::try_from(text.parse().ok().filter(|_| digits)?).ok()?;
            range.contains(&number).then_some(number)
        })
    }

    pub(super) fn amount(&self, expected: &str) -> Option<f64> {
        self.amount_up_to(expected, f64::MAX)
    }

    /// A number above 0 that is not above `most`.
    pub(super) fn amount_up_to(&self, expected: &str, most: f64) -> Option<f64> {
        self.plain(expected, |text| text.parse().ok().filter(|amount: &f64| *amount > 0.0 && *amount <= most))
    }

    pub(super) fn amount_between(&self, expected: &str, range: &RangeInclusive<f64>) -> Option<f64> {
        self.plain(expected, |text| text.parse().ok().filter(|amount| range.contains(amount)))
    }

    pub(super) fn duration(&self, range: &RangeInclusive<Duration>) -> Option<Duration> {
        let (least, most) = (duration::format(*range.start()), duration::format(*range.end()));
        self.parse(&format!("a duration from {least} to {most}, such as 30s, 6h or 7d"), |text| {
            duration::parse(text).filter(|duration| range.contains(duration))
        })
    }

    /// A value that quotes would turn into a text. Where a variable was replaced quotes are fine, because within
    /// `{}` YAML demands them around `${NAME}`.
    fn plain<T>(&self, expected: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let scalar = self.scalar(expected, false)?;
        let parsed = parse(&scalar.text);
        match parsed {
            Some(_) if scalar.quoted && !scalar.replaced() => {
                self.fault(format!(
                    "expected {expected}, found the text {}; remove the quotes",
                    scalar.shown()
                ));
                None
            }
            Some(parsed) => Some(parsed),
            None => {
                self.fault(format!("expected {expected}, found {}", scalar.shown()));
                None
            }
        }
    }

    /// The items of a list; `None` when it is missing or no list.
    pub(super) fn items(&self, expected: &str) -> Option<Vec<Value<'a>>> {
        match self.content()? {
            Content::Sequence(items) => {
                let item = |(index, node): (usize, &'a Rc<Node>)| Value {
                    input: self.input,
                    node: Some(node),
                    path: format!("{}[{index}]", self.path),
                    line: node.line,
                };
                Some(items.iter().enumerate().map(item).collect())
            }
            other => {
                self.fault(format!("expected {expected}, found {}", kind(other)));
                None
            }
        }
    }

    /// The keys and values of a mapping whose keys are the user's own; none when it is missing.
    pub(super) fn entries(&self, expected: &str) -> Vec<(&'a str, Value<'a>)> {
        match self.content() {
            None => Vec::new(),
            Some(Content::Mapping(entries)) => {
                let fields = Fields::new(self.clone(), entries);
                fields.check_duplicates();
                entries.iter().map(|entry| (entry.key.as_str(), fields.place(entry))).collect()
            }
            Some(other) => {
                self.fault(format!("expected {expected}, found {}", kind(other)));
                Vec::new()
            }
        }
    }

    /// Reads a mapping; a missing one reads as empty. Keys that `read` does not ask for are faults.
    pub(super) fn mapping<T>(&self, read: impl FnOnce(&mut Fields<'a>) -> T) -> T {
        match self.content() {
            None => read(&mut Fields::new(self.clone(), &[])),
            Some(Content::Mapping(entries)) => {
                let mut fields = Fields::new(self.clone(), entries);
                fields.check_duplicates();
                let result = read(&mut fields);
                fields.check_unknown();
                result
            }
            Some(other) => {
                // A scalar is not shown: it may be a secret whose key lacks the space after the colon.
                self.fault(format!("expected a mapping of keys and values, found {}", kind(other)));
                let before = self.input.faults.borrow().len();
                let result = read(&mut Fields::new(self.clone(), &[]));
                // What is missing in a mapping that is none is no news.
                self.input.faults.borrow_mut().truncate(before);
                result
            }
        }
    }
}

fn kind(content: &Content) -> &'static str {
    match content {
        Content::Null => "nothing",
        Content::Scalar { .. } => "a single value",
        Content::Sequence(_) => "a list",
        Content::Mapping(_) => "a mapping",
    }
}
