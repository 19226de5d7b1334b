//! What people read about the rules is what there is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;

use ccaas_exporter::config;
use regex::Regex;
use serde_json::Value;

use super::support::golden;
use super::{ALERTS, RECORDS, alerts, files, list, read, sorted, text};

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let pages = files("docs/runbooks", ".md");
    let names: Vec<&str> = pages.iter().map(|path| path.rsplit('/').next().unwrap()).collect();
    let expected: Vec<String> = ALERTS.iter().map(|alert| format!("{alert}.md")).collect();
    assert_eq!(names, sorted(expected.iter().map(String::as_str).chain(["README.md"])));
    let index = read("docs/runbooks/README.md");
    for alert in ALERTS {
        assert!(index.contains(&format!("[{alert}]({alert}.md)")), "the index lacks {alert}");
        let page = read(&format!("docs/runbooks/{alert}.md"));
        for section in ["What it means", "Confirm", "What to do", "When to silence"] {
            assert!(page.contains(&format!("\n## {section}\n")), "{alert} lacks {section}");
        }
    }
}

/// The thresholds as the page shows them: key, default, meaning.
fn threshold_table() -> String {
    let file = read("dashboards/thresholds.yml");
    let mut table = "| key | default | meaning |\n|---|---|---|\n".to_owned();
    let mut section = String::new();
    for line in file.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (entry, comment) = line.split_once('#').unwrap_or((line, ""));
        let (key, value) = entry.split_once(':').unwrap();
        if value.trim().is_empty() {
            section = format!("{key}.");
            continue;
        }
        let key = if key.starts_with(' ') { format!("{section}{}", key.trim()) } else { key.to_owned() };
        writeln!(table, "| `{key}` | `{}` | {} |", value.trim(), comment.trim()).unwrap();
    }
    table
}

/// The alerts as the page shows them, each with the first sentence of its runbook.
fn alert_table() -> String {
    let mut table = "| alert | meaning | severity | audience | for |\n|---|---|---|---|---|\n".to_owned();
    for (_, rule) in alerts() {
        let (name, labels) = (text(&rule, "alert"), &rule["labels"]);
        let [severity, audience] = ["severity", "audience"].map(|key| text(labels, key));
        let wait = text(&rule, "for");
        let page = read(&format!("docs/runbooks/{name}.md"));
        let (_, meaning) = page.split_once("## What it means\n\n").unwrap();
        let meaning = meaning.replace('\n', " ");
        let (first, _) = meaning.split_once(". ").unwrap();
        writeln!(table, "| [{name}](runbooks/{name}.md) | {first} | {severity} | {audience} | {wait} |")
            .unwrap();
    }
    table
}

#[test]
fn the_page_about_alerts_shows_what_there_is() {
    let page = read("docs/alerts.md");
    let mut shown = page.clone();
    for (name, table) in [("alerts", alert_table()), ("thresholds", threshold_table())] {
        let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- end of {name} -->\n"));
        let (before, rest) =
            shown.split_once(&begin).unwrap_or_else(|| panic!("docs/alerts.md lacks {begin}"));
        let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("docs/alerts.md lacks {end}"));
        shown = format!("{before}{begin}\n{table}\n{end}{after}");
    }
    golden("docs/alerts.md", &shown);
    for record in RECORDS {
        assert!(page.contains(&format!("`{record}`")), "docs/alerts.md lacks {record}");
    }
}

#[test]
fn each_threshold_decides_about_the_alerts_that_it_names() {
    let (_, source) = config::thresholds::load(None).unwrap();
    let names = Regex::new(r"\b(?:GenesysCloud|Talkdesk|Ccaas)[A-Z]\w+").unwrap();
    let render = |source: &str| -> BTreeMap<String, Value> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("thresholds.yml");
        fs::write(&path, source).unwrap();
        let (thresholds, _) =
            config::thresholds::load(Some(&path)).unwrap_or_else(|faults| panic!("{faults}"));
        let file: Value = serde_saphyr::from_str(&thresholds.alerts()).unwrap();
        let rules = list(&file, "groups").iter().flat_map(|group| list(group, "rules").to_vec());
        rules.map(|rule| (text(&rule, "alert").to_owned(), rule)).collect()
    };
    let before = render(&source);
    let lines: Vec<&str> = source.lines().collect();
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        let (entry, comment) = line.split_once('#').unwrap_or((line, ""));
        let Some((key, value)) = entry.split_once(": ").filter(|(_, value)| !value.trim().is_empty()) else {
            continue;
        };
        let other = match value.trim() {
            "1" => "1.5".to_owned(),
            value if value.parse::<f64>().is_ok_and(|value| value < 1.0) => "0.123".to_owned(),
            value if value.parse::<f64>().is_ok() => "7".to_owned(),
            value if value.ends_with(['m', 'h', 'd']) => "77h".to_owned(),
            _ => "other".to_owned(),
        };
        let mut changed = lines.clone();
        let line = format!("{key}: {other}");
        changed[number] = &line;
        let after = render(&changed.join("\n"));
        let touched: BTreeSet<&str> =
            ALERTS.into_iter().filter(|alert| before[*alert] != after[*alert]).collect();
        assert!(!touched.is_empty(), "{key} changes nothing");
        // The second line of a pair goes on with what the first one names.
        for name in names.find_iter(comment) {
            assert_eq!(touched, BTreeSet::from([name.as_str()]), "{key}");
        }
    }
}
