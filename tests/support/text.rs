//! A reader of the exposition text, written for the tests alone: it refuses what Prometheus would refuse, and duplicates too.

use std::collections::BTreeMap;

/// A sample.
#[derive(Debug, Clone)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// All samples of a scrape.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub samples: Vec<Sample>,
}

impl Metrics {
    pub fn parse(text: &str) -> Self {
        let mut samples = Vec::new();
        let mut seen = std::collections::HashSet::new();
        let mut closed = std::collections::HashSet::new();
        let mut family = String::new();
        for line in text.lines().filter(|line| !line.is_empty() && *line != "# EOF") {
            if let Some(rest) = line.strip_prefix("# ") {
                let name = rest.split(' ').nth(1).expect("a name").to_owned();
                if name != family {
                    assert!(closed.insert(name.clone()), "the family {name} stands in two places");
                    family = name;
                }
                continue;
            }
            let sample = sample(line);
            assert!(sample.name.starts_with(&family), "{line}: not of the family {family}");
            assert!(seen.insert(format!("{}{:?}", sample.name, sample.labels)), "{line}: stands twice");
            samples.push(sample);
        }
        Self { samples }
    }

    /// The samples of a name whose labels are as given (others may be there).
    pub fn of<'a>(&'a self, name: &'a str, labels: &'a [(&str, &str)]) -> impl Iterator<Item = &'a Sample> {
        self.samples.iter().filter(move |sample| {
            sample.name == name && labels.iter().all(|(label, value)| sample.label(label) == *value)
        })
    }

    /// The one such sample.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut samples = self.of(name, labels);
        let value = samples.next().map(|sample| sample.value);
        assert!(samples.next().is_none(), "{name}{labels:?} is not one series");
        value
    }

    /// Sums by the value of one label.
    pub fn sums(&self, name: &str, label: &str) -> BTreeMap<String, u64> {
        let mut sums = BTreeMap::new();
        for sample in self.of(name, &[]) {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts are whole")]
            let count = sample.value as u64;
            *sums.entry(sample.label(label).to_owned()).or_default() += count;
        }
        sums
    }

    /// A per-collector figure of the exporter itself.
    pub fn collector(&self, name: &str, collector: &str) -> f64 {
        let name = format!("ccaas_exporter_collector_{name}");
        self.value(&name, &[("collector", collector)]).unwrap_or_else(|| panic!("no {name} of {collector}"))
    }

    /// How often the collector failed for `reason`.
    pub fn failures(&self, collector: &str, reason: &str) -> f64 {
        self.value("ccaas_exporter_collector_failures_total", &[("collector", collector), ("reason", reason)])
            .expect("every reason exists from the start")
    }
}

impl Sample {
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

fn sample(line: &str) -> Sample {
    let (name, rest) = match line.find('{') {
        Some(brace) => (&line[..brace], &line[brace + 1..]),
        None => line.split_once(' ').expect("a value"),
    };
    let mut labels = BTreeMap::new();
    let mut rest = rest;
    if line.contains('{') {
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once("=\"").expect("a label");
            let (value, after) = quoted(after);
            labels.insert(label.trim_start_matches(',').to_owned(), value);
            rest = after;
        }
        rest = &rest[1..];
    }
    let text = rest.trim();
    assert!(!text.contains(' '), "{line}: no sample has a timestamp");
    let value = text.parse().unwrap_or_else(|_| panic!("{line}: no value"));
    Sample { name: name.to_owned(), labels, value }
}

fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => match characters.next().expect("an escaped character").1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    panic!("{text}: the label value does not end");
}
