//! A mapping while it is read: its keys, and what is said about keys that nobody asked for.

use std::collections::HashMap;

use super::document::Entry;
use super::value::Value;

/// A mapping while it is read.
pub(super) struct Fields<'a> {
    value: Value<'a>,
    entries: &'a [Entry],
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(value: Value<'a>, entries: &'a [Entry]) -> Self {
        Self { value, entries, known: Vec::new() }
    }

    /// The value of `key`.
    pub(super) fn get(&mut self, key: &'static str) -> Value<'a> {
        self.known.push(key);
        self.value.within(key, self.entries.iter().find(|entry| entry.key == key))
    }

    /// The value of `key`; a fault when it is missing or empty.
    pub(super) fn required(&mut self, key: &'static str, expected: &str) -> Value<'a> {
        let value = self.get(key);
        if !value.is_set() {
            value.fault(format!("missing; expected {expected}"));
        }
        value
    }

    /// The value that is set of two keys that exclude each other.
    pub(super) fn either(&mut self, first: &'static str, second: &'static str) -> Either<'a> {
        let (one, other) = (self.get(first), self.get(second));
        match (one.is_set(), other.is_set()) {
            (true, true) => {
                self.fault(format!("{first} and {second} exclude each other; keep one of them"));
                Either::Both
            }
            (true, false) => Either::First(one),
            (false, true) => Either::Second(other),
            (false, false) => Either::Neither,
        }
    }

    /// Whether `key` stands there, be it without a value.
    pub(super) fn contains(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Whether `key` has a value.
    pub(super) fn has(&self, key: &str) -> bool {
        let entry = self.entries.iter().find(|entry| entry.key == key);
        self.value.within(key, entry).is_set()
    }

    /// A fault of the mapping as a whole.
    pub(super) fn fault(&self, message: impl Into<String>) {
        self.value.fault(message);
    }

    pub(super) fn place(&self, entry: &'a Entry) -> Value<'a> {
        // What is no key may be a secret whose key lacks the space after the colon.
        let key = if is_presentable(&entry.key) { &entry.key } else { "(key not shown)" };
        self.value.within(key, Some(entry))
    }

    pub(super) fn check_duplicates(&self) {
        let mut first_lines = HashMap::new();
        for entry in self.entries {
            match first_lines.get(entry.key.as_str()) {
                Some(line) => {
                    let message = format!("this key already stands in line {line}; keep one of the two");
                    self.place(entry).fault(message);
                }
                None => {
                    first_lines.insert(entry.key.as_str(), entry.line);
                }
            }
        }
    }

    pub(super) fn check_unknown(&self) {
        for entry in self.entries.iter().filter(|entry| !self.known.contains(&entry.key.as_str())) {
            let advice = match nearest(&entry.key, &self.known) {
                _ if !is_presentable(&entry.key) => {
                    "not a key; is the space after the colon missing?".to_owned()
                }
                Some(key) => format!("unknown key; did you mean {key}?"),
                None => "unknown key".to_owned(),
            };
            self.place(entry).fault(format!("{advice} (known keys: {})", self.known.join(", ")));
        }
    }
}

/// What [`Fields::either`] found.
pub(super) enum Either<'a> {
    First(Value<'a>),
    Second(Value<'a>),
    Neither,
    /// The fault is already noted.
    Both,
}

fn is_presentable(key: &str) -> bool {
    const LONGEST: usize = 40;
    key.len() <= LONGEST && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.<".contains(&byte))
}

/// The known key that `key` was probably meant to be.
fn nearest(key: &str, known: &[&'static str]) -> Option<&'static str> {
    let limit = (key.len() / 3).clamp(1, 3);
    let close = known.iter().map(|candidate| (distance(key, candidate), *candidate));
    close.filter(|(distance, _)| *distance <= limit).min_by_key(|(distance, _)| *distance).map(|(_, key)| key)
}

/// Edits between two ASCII keys (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, left) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in other.bytes().enumerate() {
            let change = diagonal + usize::from(left != right);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}
