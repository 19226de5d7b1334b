//! The metric catalogue: every vendor family's name, labels, unit and HELP, defined once.
//!
//! Collectors fill these families, exposition prints them, and whatever documents them reads the same definitions.

#[expect(
    clippy::doc_markdown,
    clippy::too_long_first_doc_paragraph,
    reason = "the doc comments are HELP texts, which are shown as they are"
)]
pub mod genesys_cloud;
#[expect(
    clippy::doc_markdown,
    clippy::too_long_first_doc_paragraph,
    reason = "the doc comments are HELP texts, which are shown as they are"
)]
pub mod talkdesk;

/// A metric family. All vendor families are gauges and carry `organization` before their own labels.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// The metric name.
    pub name: &'static str,
    /// The labels besides `organization`.
    pub labels: &'static [&'static str],
    /// The labels that become `other` where there are too many series; empty where nothing can be folded.
    pub folds: &'static [&'static str],
    /// What a value counts, such as `requests` or `seconds`; empty for info metrics.
    pub unit: &'static str,
    /// The HELP text: what it is, its endpoint and field, and that it is cached.
    pub help: &'static str,
}

/// A [`Family`] with `N` labels of its own, so that a sample with a label too few does not compile.
#[derive(Debug)]
pub struct Gauge<const N: usize> {
    /// The definition.
    pub family: Family,
}

/// How samples that become equal (after a label value was cut) are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// Counts and quantities add up.
    Sum,
    /// Times, lengths, prices and info metrics do not: the largest stays.
    Largest,
}

impl Family {
    /// How equal samples of this family are merged.
    #[must_use]
    pub fn merge(&self) -> Merge {
        let adds_up =
            !self.unit.is_empty() && self.unit != "seconds" && !self.name.ends_with("_price_amount");
        if adds_up { Merge::Sum } else { Merge::Largest }
    }
}

/// Every vendor family, in the order in which `/metrics` shows them.
pub fn families() -> impl Iterator<Item = &'static Family> {
    genesys_cloud::FAMILIES.iter().chain(talkdesk::FAMILIES).copied()
}

/// Defines gauges as `NAME = "metric" ["label"…] "unit";`, with `folding ["label"…]` before the semicolon where series can be
/// folded. The doc comment is the HELP text, and `FAMILIES` lists them in this order.
macro_rules! gauges {
    ($( #[doc = $first:literal] $( #[doc = $more:literal] )* $constant:ident = $name:literal [$($label:literal),*] $unit:literal $(folding [$($fold:literal),+])?; )+) => {
        $(
            #[doc = $first] $( #[doc = $more] )*
            pub static $constant: $crate::catalogue::Gauge<{ <[&str]>::len(&[$($label),*]) }> =
                $crate::catalogue::Gauge {
                    family: $crate::catalogue::Family {
                        name: $name,
                        labels: &[$($label),*],
                        folds: &[$($($fold),+)?],
                        unit: $unit,
                        help: concat!($first, $($more),*).trim_ascii_start(),
                    },
                };
        )+

        /// The families of this provider, in the order in which `/metrics` shows them.
        pub static FAMILIES: &[&$crate::catalogue::Family] = &[$( &$constant.family ),+];
    };
}
use gauges;
