//! The samples of one collector as the finished lines of `/metrics`.

use std::borrow::Cow;
use std::cmp::Ordering;

use flate2::Compression;

use super::Piece;
use crate::catalogue::{self, Merge};
use crate::model::{Folded, Samples, Sum, Table, clip};

/// The lines of one collector, by family. They are kept deflated: some 15 bytes a series instead of 150.
#[derive(Debug, Default)]
pub struct Encoded {
    /// Position of the family in the catalogue, which is its place on `/metrics`, and its lines.
    pub(super) blocks: Vec<(usize, Piece)>,
    series: usize,
    folded: Folded,
}

impl Encoded {
    /// How much of the samples stands in folded series.
    #[must_use]
    pub fn folded(&self) -> Folded {
        self.folded
    }

    /// How many series there are.
    #[must_use]
    pub fn series(&self) -> usize {
        self.series
    }
}

/// Turns `samples` of `organization` into lines, sorted by label values.
///
/// Samples of a family that have the same label values (which cutting long values can cause) are merged, so that no line
/// ever stands twice: a duplicate would cost Prometheus the whole scrape.
#[must_use]
pub fn encode(organization: &str, samples: &Samples) -> Encoded {
    let mut encoded = Encoded { folded: samples.folded(), ..Encoded::default() };
    for table in samples.tables() {
        let family = catalogue::families()
            .position(|family| std::ptr::eq(family, table.family()))
            .expect("every gauge is defined in the catalogue");
        let (lines, series) = lines(organization, table);
        encoded.series += series;
        encoded.blocks.push((family, Piece::text(&lines, Compression::fast())));
    }
    encoded
}

fn lines(organization: &str, table: &Table) -> (Vec<u8>, usize) {
    let mut rows: Vec<usize> = (0..table.len()).collect();
    rows.sort_unstable_by(|&a, &b| labels(table, a).cmp(labels(table, b)));

    let mut out = Vec::with_capacity(rows.len() * 128);
    let mut series = 0;
    for same in rows.chunk_by(|&a, &b| labels(table, a).cmp(labels(table, b)) == Ordering::Equal) {
        let values = same.iter().map(|&row| table.value(row));
        let value = match table.family().merge() {
            Merge::Sum => values.sum::<Sum>().value(),
            Merge::Largest => values.fold(f64::NEG_INFINITY, f64::max),
        };
        out.extend_from_slice(table.family().name.as_bytes());
        out.extend_from_slice(b"{organization=\"");
        escape(&mut out, organization);
        for (name, label) in table.family().labels.iter().zip(labels(table, same[0])) {
            out.extend_from_slice(b"\",");
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"=\"");
            escape(&mut out, &label);
        }
        out.extend_from_slice(b"\"} ");
        number(&mut out, value);
        out.push(b'\n');
        series += 1;
    }
    (out, series)
}

/// The label values of a row as they are shown.
fn labels(table: &Table, row: usize) -> impl Iterator<Item = Cow<'_, str>> {
    table.labels(row).map(clip)
}

/// A label value in both formats: backslash, quote and line feed are escaped, all else is UTF-8 as it is.
fn escape(out: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            byte => out.push(byte),
        }
    }
}

/// A sample value: counts as integers, all else in the shortest form that reads back the same.
fn number(out: &mut Vec<u8>, value: f64) {
    /// Whole numbers below this are exact in an `f64`.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within the exact range")]
        out.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
    } else {
        out.extend_from_slice(ryu::Buffer::new().format(value).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalogue::genesys_cloud::{CLIENT_LAST_ACTIVE_TIMESTAMP, OAUTH_CLIENT_REQUESTS};
    use crate::model::Samples;

    fn text(samples: &Samples) -> String {
        String::from_utf8(lines("acme", &samples.tables()[0]).0).unwrap()
    }

    #[test]
    fn lines_are_sorted_by_label_values() {
        let mut samples = Samples::default();
        samples.push(&OAUTH_CLIENT_REQUESTS, ["b", "2xx"], 1.0);
        samples.push(&OAUTH_CLIENT_REQUESTS, ["a", "5xx"], 0.25);
        assert_eq!(
            text(&samples),
            "genesyscloud_oauth_client_requests{organization=\"acme\",client_id=\"a\",status=\"5xx\"} 0.25\n\
             genesyscloud_oauth_client_requests{organization=\"acme\",client_id=\"b\",status=\"2xx\"} 1\n"
        );
    }

    #[test]
    fn label_values_that_become_equal_by_cutting_are_merged() {
        let long = |last: &str| "x".repeat(300) + last;
        let mut samples = Samples::default();
        samples.push(&OAUTH_CLIENT_REQUESTS, [&long("1"), "2xx"], 1.0);
        samples.push(&OAUTH_CLIENT_REQUESTS, [&long("2"), "2xx"], 2.0);
        assert!(text(&samples).ends_with("} 3\n"));
        assert_eq!(text(&samples).lines().count(), 1);

        let mut samples = Samples::default();
        samples.push(&CLIENT_LAST_ACTIVE_TIMESTAMP, [&long("1")], 1.0);
        samples.push(&CLIENT_LAST_ACTIVE_TIMESTAMP, [&long("2")], 2.0);
        assert!(text(&samples).ends_with("} 2\n"), "times do not add up");
    }

    proptest! {
        #[test]
        fn any_label_text_comes_back_from_its_line(value in any::<String>()) {
            let mut samples = Samples::default();
            samples.push(&CLIENT_LAST_ACTIVE_TIMESTAMP, [&value], 1.0);
            let line = text(&samples);
            prop_assert_eq!(line.matches('\n').count(), 1, "one sample is one line");
            let quoted = line.split_once("client_id=").unwrap().1.strip_suffix("} 1\n").unwrap();
            let mut characters = quoted.strip_prefix('"').unwrap().strip_suffix('"').unwrap().chars();
            let mut read = String::new();
            while let Some(character) = characters.next() {
                prop_assert_ne!(character, '"');
                read.push(match character {
                    '\\' => match characters.next() { Some('n') => '\n', Some(other) => other, None => '\\' },
                    plain => plain,
                });
            }
            prop_assert_eq!(read, clip(&value));
        }

        #[test]
        fn any_finite_value_comes_back_from_its_text(value in any::<f64>().prop_filter("finite", |value| value.is_finite())) {
            let mut out = Vec::new();
            number(&mut out, value);
            let read: f64 = String::from_utf8(out).unwrap().parse().unwrap();
            prop_assert_eq!(read.to_bits(), if value == 0.0 { 0 } else { value.to_bits() });
        }
    }
}
