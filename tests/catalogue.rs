//! `docs/metrics.md` is made from the definitions that `/metrics` uses, and shows every family.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::collections::BTreeMap;
use std::fmt::Write;

use ccaas_exporter::catalogue::{Family, families};
use support::{Setup, golden};

/// The exporter's own families of a scrape: type, HELP and labels by name.
fn own_families(text: &str) -> BTreeMap<String, (String, String, Vec<String>)> {
    let mut own: BTreeMap<String, (String, String, Vec<String>)> = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            help.clone_into(&mut own.entry(name.to_owned()).or_default().1);
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            kind.clone_into(&mut own.entry(name.to_owned()).or_default().0);
        } else if let Some((name, labels)) = line.split_once('{') {
            let labels = labels.split("\",").filter_map(|label| Some(label.split_once("=\"")?.0.to_owned()));
            let labels: Vec<String> = labels.filter(|label| label != "le").collect();
            let family =
                ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            if let Some(entry) = own.get_mut(family) {
                entry.2 = labels;
            }
        }
    }
    own.retain(|name, _| name.starts_with("ccaas_exporter_"));
    own
}

fn row(out: &mut String, name: &str, kind: &str, labels: &str, unit: &str, help: &str) {
    let dash = |text: &str| if text.is_empty() { "–".to_owned() } else { text.to_owned() };
    writeln!(out, "| `{name}` | {kind} | {} | {} | {help} |", dash(labels), dash(unit)).unwrap();
}

fn vendor_row(out: &mut String, family: &Family) {
    let labels = std::iter::once("organization").chain(family.labels.iter().copied());
    let labels: Vec<String> = labels.map(|label| format!("`{label}`")).collect();
    row(out, family.name, "gauge", &labels.join(", "), family.unit, family.help);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metric_catalogue_is_what_the_exporter_serves() {
    let stage = Setup::new().start().await;
    stage.ready().await;
    let text = stage.text("/metrics").await;
    stage.stop().await;

    let mut page = String::from(
        "# Metrics\n\n\
         All vendor figures are gauges: totals of closed UTC days, of months or of a billing period, which the vendor may still correct. \
         `rate()` and `increase()` on them are meaningless. Every one carries `organization`. Figures are estimates for operation; \
         the invoice is the vendor's.\n\n\
         ## Genesys Cloud\n\n| metric | type | labels | unit | meaning |\n|---|---|---|---|---|\n",
    );
    let of_vendor = |prefix: &'static str| families().filter(move |family| family.name.starts_with(prefix));
    for family in of_vendor("genesyscloud_") {
        vendor_row(&mut page, family);
        let served = text.contains(&format!("\n{}{{", family.name));
        assert!(served, "{} is defined but was not served", family.name);
    }
    page.push_str(
        "\nLabel `status` has disjoint values that sum to the vendor's total: `2xx`, `3xx`, `4xx` (without 429), `429`, `5xx`, \
         `other`. Label `fair_use` is `counted` or, for clients that the configuration excludes, `excluded`.\n\n\
         ## Talkdesk\n\n| metric | type | labels | unit | meaning |\n|---|---|---|---|---|\n",
    );
    of_vendor("talkdesk_").for_each(|family| vendor_row(&mut page, family));
    page.push_str(
        "\nLabels `month` and `invoice_month` are `YYYY-MM` in UTC; `wallet` is empty where the vendor names none.\n\n\
         ## The exporter itself\n\n| metric | type | labels | unit | meaning |\n|---|---|---|---|---|\n",
    );
    for (name, (kind, help, labels)) in own_families(&text) {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let unit = if name.contains("_seconds") { "seconds" } else { "" };
        row(&mut page, &name, &kind, &labels.join(", "), unit, &help);
    }
    page.push_str("\nThe usual `process_*` families are there as well.\n");
    golden("docs/metrics.md", &page);
}
