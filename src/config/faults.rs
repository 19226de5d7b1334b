//! What is wrong with a configuration: every fault, each with its place.

use std::fmt;

/// One fault of a configuration. Its text never holds a secret or the value of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// Line of the file, from 1; `None` where there is none, as in the environment.
    pub(super) line: Option<usize>,
    /// Path of the key, such as `organizations[0].genesys_cloud.region`; empty for the file as a whole.
    pub(super) key: String,
    /// What was expected, what was found.
    pub(super) message: String,
}

/// Every fault of one configuration, in the order of its lines; there is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    source: String,
    faults: Vec<Fault>,
}

impl Faults {
    /// The faults found in `source`; `None` when there are none.
    pub(super) fn new(source: impl Into<String>, mut faults: Vec<Fault>) -> Option<Self> {
        // An aliased part of a file is read once for each place it is used at.
        faults.sort_by_key(|fault| fault.line);
        faults.dedup();
        (!faults.is_empty()).then(|| Self { source: source.into(), faults })
    }

    /// One fault of `source` as a whole, or of one line of it.
    pub(super) fn single(source: impl Into<String>, line: Option<usize>, message: impl Into<String>) -> Self {
        let fault = Fault { line, key: String::new(), message: message.into() };
        Self { source: source.into(), faults: vec![fault] }
    }

    /// The faults, each as the line that is shown for it.
    pub fn iter(&self) -> impl Iterator<Item = String> + '_ {
        self.faults.iter().map(|fault| {
            let line = fault.line.map(|line| format!(":{line}")).unwrap_or_default();
            let mut text = format!("{}{line}", self.source);
            for part in [&fault.key, &fault.message].into_iter().filter(|part| !part.is_empty()) {
                text.push_str(": ");
                text.push_str(part);
            }
            text
        })
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, fault) in self.iter().enumerate() {
            if position > 0 {
                formatter.write_str("\n")?;
            }
            formatter.write_str(&fault)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
