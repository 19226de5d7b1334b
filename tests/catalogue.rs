//! `docs/metrics.md` and the `catalogue` command say what `/metrics` serves.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeMap;

use ccaas_exporter::reference::{self, Metric};
use support::{Setup, golden};

/// Type, HELP and labels of each family of a scrape, by name.
fn served(text: &str) -> BTreeMap<String, (String, String, Vec<String>)> {
    let mut families: BTreeMap<String, (String, String, Vec<String>)> = BTreeMap::new();
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            help.clone_into(&mut families.entry(name.to_owned()).or_default().1);
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' '))
        {
            kind.clone_into(&mut families.entry(name.to_owned()).or_default().0);
        } else if let Some((name, labels)) = line.split_once('{') {
            let labels = labels.split("\",").filter_map(|label| Some(label.split_once("=\"")?.0.to_owned()));
            let labels: Vec<String> = labels.filter(|label| label != "le").collect();
            let family =
                ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            let family = if families.contains_key(family) { family } else { name };
            families.get_mut(family).unwrap().2 = labels;
        }
    }
    families.retain(|name, _| !name.starts_with("process_"));
    families
}

#[test]
fn the_page_is_what_the_command_prints() {
    golden("docs/metrics.md", &reference::markdown());
}

#[test]
fn the_json_has_a_name_a_type_labels_help_and_a_unit_for_every_metric() {
    let metrics: Vec<serde_json::Value> = serde_json::from_str(&reference::json()).unwrap();
    assert_eq!(metrics.len(), reference::metrics().len());
    for metric in metrics {
        let keys: Vec<&str> = metric.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["help", "labels", "name", "type", "unit"], "{metric}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_is_what_the_exporter_serves() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Setup::everything().storage(folder.path()).start().await;
    stage.ready().await;
    let text = stage.text("/metrics").await;
    stage.stop().await;

    let served = served(&text);
    let known = reference::metrics();
    for (name, (kind, help, labels)) in &served {
        let metric: &Metric =
            known.iter().find(|metric| metric.name == *name).unwrap_or_else(|| panic!("{name}"));
        assert_eq!((metric.kind, &metric.help, &metric.labels), (kind.as_str(), help, labels), "{name}");
    }
    for Metric { name, .. } in &known {
        assert!(served.contains_key(name), "{name} is in the catalogue but was not served");
    }
}
