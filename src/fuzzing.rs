//! What fuzzing reaches: every reader of what comes from outside, as functions of bytes that panic where a promise is broken.
//!
//! Only there with `--cfg fuzzing` and in tests; no part of the library. `fuzz/` runs the [`TARGETS`] with made-up input, and a test
//! here runs them with the inputs that are kept in `fuzz/corpus`.

use std::path::Path;

use crate::config::{Config, duration};
use crate::exposition::{Part, encode, render};
use crate::model::Samples;
use crate::providers::{genesys_cloud, talkdesk};
use crate::simulator::Scenario;
use crate::{http, rest};

/// A reader, and the name of its folder in `fuzz/corpus` and of its file in `fuzz/targets`.
pub type Target = (&'static str, fn(&[u8]));

/// Every reader.
pub const TARGETS: &[Target] = &[
    ("config", config),
    ("durations", |data| with_text(data, durations)),
    ("genesys_answers", genesys_cloud::fuzzing::answers),
    ("genesys_billable_usage", genesys_cloud::fuzzing::billable_usage),
    ("genesys_contracts", genesys_cloud::fuzzing::contracts),
    ("genesys_days", |data| with_text(data, genesys_cloud::fuzzing::days)),
    ("genesys_usage_rows", genesys_cloud::fuzzing::usage_rows),
    ("headers", |data| with_text(data, rest::fuzzing::headers)),
    ("page", |data| with_text(data, http::fuzzing::page)),
    ("rows", rest::fuzzing::split_rows),
    ("scenario", |data| with_text(data, scenario)),
    ("scrape", |data| with_text(data, http::fuzzing::scrape)),
    ("storage", crate::storage::fuzzing),
    ("talkdesk_pages", talkdesk::fuzzing::pages),
    ("talkdesk_row", talkdesk::fuzzing::row),
    ("token", rest::fuzzing::token),
    ("web_config", |data| with_text(data, web_config)),
];

/// Runs the target of this name.
pub fn run(name: &str, data: &[u8]) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).expect("a target of this name");
    target(data);
}

fn with_text(data: &[u8], target: fn(&str)) {
    if let Ok(text) = std::str::from_utf8(data) {
        target(text);
    }
}

/// Figures are finite, and the samples can be shown.
pub(crate) fn check_samples(samples: &Samples) {
    for table in samples.tables() {
        for row in 0..table.len() {
            assert!(table.value(row).is_finite(), "{}: {}", table.family().name, table.value(row));
            assert_eq!(table.labels(row).count(), table.family().labels.len());
        }
    }
    let lines = encode("organization", samples);
    assert!(lines.series() <= samples.len());
    render([Part { organization: "organization", lines: &lines }]).expect("lines are put together");
}

/// A configuration: its faults are told in words that name the file.
fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // A file that is named is read, and a made-up one must not be a device.
    if text.contains("_file") {
        return;
    }
    if let Err(error) = Config::parse(Path::new("fuzzed.yml"), text, &|_| Some("expanded".to_owned())) {
        assert!(format!("{error:#}").contains("fuzzed.yml"), "{error:#}");
    }
}

/// A web configuration: its faults are told in words that name the file.
fn web_config(text: &str) {
    if text.contains("_file") {
        return;
    }
    if let Err(faults) = crate::config::web::parse(Path::new("fuzzed.yml"), text) {
        assert!(faults.to_string().contains("fuzzed.yml"), "{faults}");
    }
}

/// A scenario: a fault is told in words.
fn scenario(text: &str) {
    if let Err(message) = Scenario::parse(text) {
        assert!(!message.is_empty());
    }
}

/// A duration reads back what was written.
fn durations(text: &str) {
    if let Some(duration) = duration::parse(text) {
        assert_eq!(duration::parse(&duration::format(duration)), Some(duration));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_for_every_target_breaks_no_promise() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        for (name, target) in TARGETS {
            assert!(root.join(format!("targets/{name}.rs")).exists(), "no fuzz/targets/{name}.rs");
            let inputs = std::fs::read_dir(root.join("corpus").join(name)).unwrap();
            let inputs: Vec<_> = inputs.map(|input| input.unwrap().path()).collect();
            assert!(!inputs.is_empty(), "{name}");
            for input in inputs {
                let data = std::fs::read(&input).unwrap();
                let kept = std::panic::catch_unwind(|| target(&data));
                assert!(kept.is_ok(), "{}", input.display());
            }
        }
        let targets = std::fs::read_dir(root.join("targets")).unwrap().count();
        assert_eq!(targets, TARGETS.len(), "every file in fuzz/targets is one of TARGETS");
    }
}
