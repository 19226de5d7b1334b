//! Samples in columns.

use std::borrow::Cow;

use crate::catalogue::{Family, Gauge};

/// Samples of one collector, a table for each family. Columns, not objects: a million series stay small.
#[derive(Debug, Default, Clone)]
pub struct Samples {
    pub(super) tables: Vec<Table>,
}

/// The samples of one family.
#[derive(Debug, Clone)]
pub struct Table {
    family: &'static Family,
    text: String,
    ends: Vec<u32>,
    values: Vec<f64>,
}

/// The longest label value, in characters; see [`clip`].
pub const LABEL_VALUE_CHARACTERS: usize = 256;

/// Cuts vendor text to [`LABEL_VALUE_CHARACTERS`], the last of them `…` where something was cut.
#[must_use]
pub fn clip(text: &str) -> Cow<'_, str> {
    // Bytes bound characters from above, so the usual short text is never walked.
    if text.len() <= LABEL_VALUE_CHARACTERS || text.chars().nth(LABEL_VALUE_CHARACTERS).is_none() {
        return Cow::Borrowed(text);
    }
    let mut cut: String = text.chars().take(LABEL_VALUE_CHARACTERS - 1).collect();
    cut.push('…');
    Cow::Owned(cut)
}

impl Samples {
    /// Adds one sample. `labels` are the values of the family's labels, in its order, as the vendor
    /// sent them.
    pub fn push<const N: usize>(&mut self, gauge: &'static Gauge<N>, labels: [&str; N], value: f64) {
        let position = self.position(&gauge.family);
        self.tables[position].push(labels, value);
    }

    /// Adds all samples of `more`.
    pub fn append(&mut self, more: &Self) {
        for table in &more.tables {
            let position = self.position(table.family);
            for row in 0..table.len() {
                self.tables[position].push(table.labels(row), table.value(row));
            }
        }
    }

    /// The place of a family's table, which is made where there is none.
    pub(super) fn position(&mut self, family: &'static Family) -> usize {
        let known = self.tables.iter().position(|table| std::ptr::eq(table.family, family));
        known.unwrap_or_else(|| {
            self.tables.push(Table::new(family));
            self.tables.len() - 1
        })
    }

    /// The tables, in the order in which their families were first used.
    #[must_use]
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// How many samples there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tables.iter().map(Table::len).sum()
    }

    /// Whether there is no sample at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Table {
    pub(super) fn new(family: &'static Family) -> Self {
        Self { family, text: String::new(), ends: Vec::new(), values: Vec::new() }
    }

    pub(super) fn push(&mut self, labels: impl IntoIterator<Item = impl AsRef<str>>, value: f64) {
        for label in labels {
            self.text.push_str(label.as_ref());
            self.ends.push(u32::try_from(self.text.len()).expect("a family's labels stay below 4 GiB"));
        }
        self.values.push(value);
    }

    /// The family that the samples belong to.
    #[must_use]
    pub fn family(&self) -> &'static Family {
        self.family
    }

    /// How many samples there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no sample.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The label values of sample `row`, in the family's order.
    pub fn labels(&self, row: usize) -> impl Iterator<Item = &str> {
        let width = self.family.labels.len();
        (row * width..(row + 1) * width).map(|cell| {
            let start = cell.checked_sub(1).map_or(0, |previous| self.ends[previous] as usize);
            &self.text[start..self.ends[cell] as usize]
        })
    }

    /// The value of sample `row`.
    #[must_use]
    pub fn value(&self, row: usize) -> f64 {
        self.values[row]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_label_value_is_kept_as_it_is() {
        let text = "é".repeat(LABEL_VALUE_CHARACTERS);
        assert_eq!(clip(&text), text);
    }

    #[test]
    fn a_long_label_value_is_cut_to_256_characters_with_an_ellipsis() {
        let cut = clip(&"é".repeat(300)).into_owned();
        assert_eq!(cut.chars().count(), LABEL_VALUE_CHARACTERS);
        assert!(cut.ends_with("é…"));
    }
}
