//! The reference of all metrics, made from the definitions that `/metrics` uses.

use std::fmt::Write;

use serde::Serialize;

use crate::catalogue::{Family, genesys_cloud, talkdesk};
use crate::telemetry;

/// What every series of a vendor family carries before the family's own labels.
const ORGANIZATION: &str = "organization";

const INTRODUCTION: &str = "\
# Metrics

All vendor figures are gauges: totals of closed UTC days, of months or of a billing period, which the vendor may still correct. `rate()` and \
`increase()` on them are meaningless. Every one carries `organization`. Figures are estimates for operation; the invoice is the \
vendor's.
";

const GENESYS_CLOUD: &str = "
Label `status` has disjoint values that sum to the vendor's total: `2xx`, `3xx`, `4xx` (without 429), `429`, `5xx`, \
`other`. Label `fair_use` is `counted` or, for clients that the configuration excludes, `excluded`. Where there are more endpoints \
than are kept apart, `method` and `template_uri` of the rest are `other`.
";

const TALKDESK: &str = "
Labels `month` and `invoice_month` are `YYYY-MM` in UTC; `wallet` is empty where the vendor names none. Where there are more products \
than there is room for, `product_id` of the rest is `other`.
";

const EXPORTER: &str = "
The usual `process_*` families are there as well.
";

/// One metric, as the reference tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Metric {
    /// The name.
    pub name: String,
    /// `gauge`, `counter` or `histogram`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The label names.
    pub labels: Vec<String>,
    /// The HELP text.
    pub help: String,
    /// What a value counts; empty where it counts nothing.
    pub unit: &'static str,
}

/// All metrics: those of the vendors in the order of `/metrics`, then those of the exporter itself.
#[must_use]
pub fn metrics() -> Vec<Metric> {
    sections().into_iter().flat_map(|section| section.metrics).collect()
}

/// All metrics as the page `docs/metrics.md`.
#[must_use]
pub fn markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    for Section { title, metrics, after } in sections() {
        // Writing to a text cannot fail.
        let _ = write!(
            page,
            "\n## {title}\n\n| metric | type | labels | unit | meaning |\n|---|---|---|---|---|\n"
        );
        for Metric { name, kind, labels, help, unit } in metrics {
            let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
            let [labels, unit] = [labels.join(", "), unit.to_owned()].map(or_dash);
            let _ = writeln!(page, "| `{name}` | {kind} | {labels} | {unit} | {help} |");
        }
        page.push_str(after);
    }
    page
}

/// All metrics as a JSON array.
#[must_use]
pub fn json() -> String {
    serde_json::to_string_pretty(&metrics()).expect("plain structs with text keys are JSON")
}

struct Section {
    title: &'static str,
    metrics: Vec<Metric>,
    /// What is said below the table.
    after: &'static str,
}

fn sections() -> [Section; 3] {
    let vendor = |families: &[&Family]| families.iter().map(|family| Metric::from(*family)).collect();
    let own = telemetry::definitions().into_iter().map(Metric::from).collect();
    [
        Section { title: "Genesys Cloud", metrics: vendor(genesys_cloud::FAMILIES), after: GENESYS_CLOUD },
        Section { title: "Talkdesk", metrics: vendor(talkdesk::FAMILIES), after: TALKDESK },
        Section { title: "The exporter itself", metrics: own, after: EXPORTER },
    ]
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "–".to_owned() } else { text }
}

impl From<&Family> for Metric {
    fn from(family: &Family) -> Self {
        let labels = std::iter::once(ORGANIZATION).chain(family.labels.iter().copied());
        Self {
            name: family.name.to_owned(),
            kind: "gauge",
            labels: labels.map(str::to_owned).collect(),
            help: family.help.to_owned(),
            unit: family.unit,
        }
    }
}

impl From<telemetry::Definition> for Metric {
    fn from(definition: telemetry::Definition) -> Self {
        let telemetry::Definition { name, kind, labels, help } = definition;
        let unit = if name.contains("_seconds") { "seconds" } else { "" };
        Self { name, kind, labels, help, unit }
    }
}
