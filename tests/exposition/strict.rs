//! A reader of both exposition formats as their specifications put them, and no more: what they do not allow is refused. It shares
//! nothing with the writer.
//!
//! Of what they do allow it refuses what this exporter never sends: timestamps, exemplars, comments, empty lines.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Text,
    OpenMetrics,
}

/// The labels of a series, by name.
pub type Labels = BTreeMap<String, String>;

#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: Labels,
    pub value: f64,
}

#[derive(Debug, Default)]
struct Family {
    name: String,
    help: Option<String>,
    kind: Option<String>,
    samples: Vec<Sample>,
}

/// All samples, or what is wrong and in which line.
pub fn parse(text: &str, format: Format) -> Result<Vec<Sample>, String> {
    let mut body = text;
    if format == Format::OpenMetrics {
        body = text.strip_suffix("# EOF\n").ok_or("the text does not end in `# EOF` and a line feed")?;
    }
    if !body.is_empty() && !body.ends_with('\n') {
        return Err("the last line does not end".into());
    }
    let mut reader = Reader {
        format,
        family: Family::default(),
        closed: BTreeSet::new(),
        names: BTreeMap::new(),
        series: BTreeSet::new(),
        samples: Vec::new(),
    };
    // Only a line feed ends a line: other separators are text.
    for (number, line) in body.split_terminator('\n').enumerate() {
        reader.line(line).map_err(|why| format!("line {}: {why}: {line:?}", number + 1))?;
    }
    reader.end_family().map_err(|why| format!("at the end: {why}"))?;
    Ok(reader.samples)
}

struct Reader {
    format: Format,
    family: Family,
    /// Families that had their place.
    closed: BTreeSet<String>,
    /// Which family a sample name belongs to.
    names: BTreeMap<String, String>,
    series: BTreeSet<(String, Vec<(String, String)>)>,
    samples: Vec<Sample>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').ok_or("HELP without a text")?;
            let help = unescape(help, self.format == Format::OpenMetrics, false)?;
            self.metadata(name)?;
            if self.family.kind.is_some() || self.family.help.replace(help).is_some() {
                return Err("HELP stands twice or behind TYPE".into());
            }
            return Ok(());
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').ok_or("TYPE without a type")?;
            if !["counter", "gauge", "histogram"].contains(&kind) {
                return Err(format!("type {kind:?}"));
            }
            self.metadata(name)?;
            if self.family.kind.replace(kind.to_owned()).is_some() {
                return Err("TYPE stands twice".into());
            }
            if self.format == Format::OpenMetrics && kind == "counter" && name.ends_with("_total") {
                return Err("a counter's family is named without _total".into());
            }
            return Ok(());
        }
        if line.starts_with('#') || line.is_empty() {
            return Err("neither metadata nor a sample".into());
        }
        let sample = sample(line)?;
        self.belongs(&sample)?;
        let labels = sample.labels.clone().into_iter().collect();
        if !self.series.insert((sample.name.clone(), labels)) {
            return Err("the series stands twice".into());
        }
        let owner = self.names.entry(sample.name.clone()).or_insert_with(|| self.family.name.clone());
        if *owner != self.family.name {
            return Err(format!("the name is one of family {owner} too"));
        }
        self.family.samples.push(sample.clone());
        self.samples.push(sample);
        Ok(())
    }

    /// Metadata of a family, which begins with it.
    fn metadata(&mut self, name: &str) -> Result<(), String> {
        if !is_name(name, true) {
            return Err(format!("{name:?} is no metric name"));
        }
        if self.family.name == name {
            return if self.family.samples.is_empty() {
                Ok(())
            } else {
                Err("metadata behind samples".into())
            };
        }
        self.end_family()?;
        if !self.closed.insert(name.to_owned()) {
            return Err(format!("family {name} stands in two places"));
        }
        self.family = Family { name: name.to_owned(), ..Family::default() };
        Ok(())
    }

    fn belongs(&self, sample: &Sample) -> Result<(), String> {
        let family = self.family.name.as_str();
        let kind = self.family.kind.as_deref().ok_or("a sample without TYPE before it")?;
        self.family.help.as_ref().ok_or("a sample without HELP before it")?;
        let suffix = sample.name.strip_prefix(family).ok_or("a sample within another family")?;
        let fits = match (kind, self.format) {
            ("gauge", _) | ("counter", Format::Text) => suffix.is_empty(),
            ("counter", Format::OpenMetrics) => suffix == "_total",
            _ => ["_bucket", "_sum", "_count"].contains(&suffix),
        };
        if !fits {
            return Err(format!("no sample of the {kind} {family}"));
        }
        if (suffix == "_bucket" && kind == "histogram") != sample.labels.contains_key("le") {
            return Err("le belongs to buckets".into());
        }
        if kind != "gauge" && (sample.value.is_nan() || sample.value < 0.0) {
            return Err("a count that is negative or none".into());
        }
        Ok(())
    }

    fn end_family(&mut self) -> Result<(), String> {
        let family = std::mem::take(&mut self.family);
        if family.kind.as_deref() != Some("histogram") {
            return Ok(());
        }
        let mut histograms: BTreeMap<Labels, Histogram> = BTreeMap::new();
        for Sample { name, mut labels, value } in family.samples {
            let bound = labels.remove("le");
            let histogram = histograms.entry(labels).or_default();
            match bound {
                Some(bound) => histogram.buckets.push((number(&bound)?, value)),
                None if name.ends_with("_count") => histogram.count = Some(value),
                None => histogram.has_sum = true,
            }
        }
        if histograms.into_values().all(|histogram| histogram.is_whole()) {
            Ok(())
        } else {
            Err(format!("histogram {} is not whole", family.name))
        }
    }
}

#[derive(Default)]
struct Histogram {
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    has_sum: bool,
}

impl Histogram {
    fn is_whole(&self) -> bool {
        let rises = self.buckets.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 <= two[1].1);
        let last = self.buckets.last().copied();
        rises
            && self.has_sum
            && last.is_some_and(|(bound, count)| bound == f64::INFINITY && Some(count) == self.count)
    }
}

fn sample(line: &str) -> Result<Sample, String> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, mut rest) = line.split_at(end);
    if !is_name(name, true) {
        return Err(format!("{name:?} is no metric name"));
    }
    let mut labels = Labels::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, behind) = rest.split_once("=\"").ok_or("a label without a value")?;
            if !is_name(label, false) || label.starts_with("__") {
                return Err(format!("{label:?} is no label name"));
            }
            let end = closing_quote(behind).ok_or("a label value without an end")?;
            let value = unescape(&behind[..end], true, true)?;
            if labels.insert(label.to_owned(), value).is_some() {
                return Err(format!("label {label} stands twice"));
            }
            rest = &behind[end + 1..];
            if let Some(behind) = rest.strip_prefix('}') {
                rest = behind;
                break;
            }
            rest = rest.strip_prefix(',').ok_or("neither a comma nor a brace behind a label")?;
        }
    }
    let value = rest.strip_prefix(' ').ok_or("no space before the value")?;
    Ok(Sample { name: name.to_owned(), labels, value: number(value)? })
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        ends
    })
}

/// `\\`, `\n` and, where they may, `\"`; no bare quote within quotes.
fn unescape(text: &str, has_quotes: bool, is_quoted: bool) -> Result<String, String> {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next() {
                Some('\\') => '\\',
                Some('n') => '\n',
                Some('"') if has_quotes => '"',
                other => return Err(format!("the escape {other:?}")),
            },
            '"' if is_quoted => return Err("a bare quote".into()),
            other => other,
        });
    }
    Ok(plain)
}

/// A letter or `_` (or, in metric names, `:`), then digits too.
fn is_name(name: &str, is_metric: bool) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_' || (is_metric && byte == b':');
    !name.is_empty()
        && name.bytes().enumerate().all(|(at, byte)| is_letter(byte) || (at > 0 && byte.is_ascii_digit()))
}

/// The `number` of the `OpenMetrics` grammar; nothing else that a programming language would take.
fn number(text: &str) -> Result<f64, String> {
    let wrong = || format!("{text:?} is no number");
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if ["inf", "infinity"].contains(&&*unsigned.to_ascii_lowercase()) || text.eq_ignore_ascii_case("nan") {
        return text.parse().map_err(|_| wrong());
    }
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let is_number = are_digits(whole)
        && are_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && are_digits(exponent)
        && !exponent.is_empty();
    if is_number { text.parse().map_err(|_| wrong()) } else { Err(wrong()) }
}

#[test]
fn what_the_specifications_do_not_allow_is_refused() {
    let head = "# HELP a_b text\n# TYPE a_b gauge\n";
    for (bad, format) in [
        ("a_b 1\n".to_owned(), Format::Text),
        ("# TYPE a_b gauge\na_b 1\n".to_owned(), Format::Text),
        ("# TYPE a_b gauge\n# HELP a_b text\na_b 1\n".to_owned(), Format::Text),
        ("# HELP a_b text\n# TYPE a_b gouge\na_b 1\n".to_owned(), Format::Text),
        (format!("{head}a_b 1"), Format::Text),
        (format!("{head}a_b 1\n"), Format::OpenMetrics),
        (format!("{head}a_b 1\n# EOF"), Format::OpenMetrics),
        (format!("{head}# EOF\na_b 1\n# EOF\n"), Format::OpenMetrics),
        (format!("{head}a_b 1\na_b 1\n"), Format::Text),
        (format!("{head}a_b{{x=\"1\",y=\"2\"}} 1\na_b{{y=\"2\",x=\"1\"}} 1\n"), Format::Text),
        (format!("{head}a_b 1\n{head}"), Format::Text),
        (format!("{head}a_b 1\n# HELP c d\n# TYPE c gauge\nc 1\n{head}a_b{{x=\"1\"}} 1\n"), Format::Text),
        (format!("{head}c 1\n"), Format::Text),
        (format!("{head}a_b_total 1\n"), Format::Text),
        (format!("{head}a_b 1 1700000000\n"), Format::Text),
        (format!("{head}a_b  1\n"), Format::Text),
        (format!("{head}a_b 1 \n"), Format::Text),
        (format!("{head}a_b{{}} 1\n"), Format::Text),
        (format!("{head}a_b{{x=\"1\",}} 1\n"), Format::Text),
        (format!("{head}a_b{{x=\"1\" }} 1\n"), Format::Text),
        (format!("{head}a_b{{x=\"1}} 1\n"), Format::Text),
        (format!("{head}a_b{{x=\"\\t\"}} 1\n"), Format::Text),
        (format!("{head}a_b{{x=\"\\\"}} 1\n"), Format::Text),
        (format!("{head}a_b{{x=\"a\nb\"}} 1\n"), Format::Text),
        (format!("{head}a_b{{x=\"a\"b\"}} 1\n"), Format::Text),
        (format!("{head}a_b{{x=\"1\",x=\"2\"}} 1\n"), Format::Text),
        (format!("{head}a_b{{1x=\"1\"}} 1\n"), Format::Text),
        (format!("{head}a_b{{__x=\"1\"}} 1\n"), Format::Text),
        (format!("{head}a_b{{x:y=\"1\"}} 1\n"), Format::Text),
        (format!("{head}a_b one\n"), Format::Text),
        (format!("{head}a_b 0x10\n"), Format::Text),
        (format!("{head}a_b 1_0\n"), Format::Text),
        (format!("{head}a_b .\n"), Format::Text),
        (format!("{head}a_b 1e\n"), Format::Text),
        (format!("{head}a_b\n"), Format::Text),
        (format!("{head}\na_b 1\n"), Format::Text),
        (format!("{head}# a comment\na_b 1\n"), Format::Text),
        ("# HELP a-b text\n# TYPE a-b gauge\na-b 1\n".to_owned(), Format::Text),
        ("# HELP a \\x\n# TYPE a gauge\na 1\n".to_owned(), Format::Text),
        ("# HELP a x\n# TYPE a counter\na -1\n".to_owned(), Format::Text),
        ("# HELP a x\n# TYPE a counter\na 1\n# EOF\n".to_owned(), Format::OpenMetrics),
        ("# HELP a_total x\n# TYPE a_total counter\na_total 1\n# EOF\n".to_owned(), Format::OpenMetrics),
        (
            "# HELP a x\n# TYPE a counter\na_total 1\n# HELP a_total x\n# TYPE a_total gauge\na_total{b=\"\"} 1\n# EOF\n".to_owned(),
            Format::OpenMetrics,
        ),
        ("# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n".to_owned(), Format::Text),
        ("# HELP a x\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n".to_owned(), Format::Text),
        ("# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n".to_owned(), Format::Text),
        ("# HELP a x\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 1\n".to_owned(), Format::Text),
    ] {
        assert!(parse(&bad, format).is_err(), "{bad}");
    }
    let good = format!("{head}a_b{{x=\"q\\\" b\\\\ n\\n\r\u{2028}\"}} -1.5e+3\na_b +Inf\n");
    let samples = parse(&good, Format::Text).unwrap();
    assert_eq!(samples[0].labels["x"], "q\" b\\ n\n\r\u{2028}");
    assert_eq!((samples[0].value, samples[1].value), (-1500.0, f64::INFINITY));
    assert_eq!(parse(&(good + "# EOF\n"), Format::OpenMetrics).unwrap(), samples);
}
