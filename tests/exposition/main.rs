//! Whatever the vendors write into texts and figures: `/metrics` is valid in both formats and says the same again.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

#[path = "../support/mod.rs"]
mod support;

mod strict;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use ccaas_exporter::catalogue::genesys_cloud::{
    BILLED_REQUESTS, CLIENT_LAST_ACTIVE_TIMESTAMP, OAUTH_CLIENT_REQUESTS,
};
use ccaas_exporter::catalogue::talkdesk::{ACCOUNT_INFO, USAGE_AMOUNT};
use ccaas_exporter::catalogue::{Gauge, Merge};
use ccaas_exporter::exposition::{self, Part};
use ccaas_exporter::model::{Samples, Sum, clip};
use proptest::prelude::*;
use strict::{Format, Labels, Sample};
use support::program;
use support::scripted::{TOKEN, ok, stage};

/// A sample to be: its family and labels are chosen from what is here.
#[derive(Debug, Clone)]
struct Wish {
    organization: usize,
    family: u8,
    texts: [String; 6],
    value: f64,
}

/// By family and labels: the values to be merged.
type Expected = BTreeMap<(&'static str, Labels), (Merge, Vec<f64>)>;

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[\\\\\"\n\r{},= #a]{0,8}",
        "[ab]?",
        "(x|é){250,300}",
        Just("# EOF".to_owned()),
        Just("\u{2028}\u{85}\u{0}\u{feff}\u{202e}".to_owned()),
    ]
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u32>().prop_map(f64::from),
        any::<f64>().prop_filter("finite", |value| value.is_finite()),
        Just(-0.0),
        Just(f64::MAX),
        Just(5e-324),
        Just(9_007_199_254_740_993.0),
    ]
}

fn any_wish() -> impl Strategy<Value = Wish> {
    (0..3_usize, 0..5_u8, prop::array::uniform6(any_text()), any_value())
        .prop_map(|(organization, family, texts, value)| Wish { organization, family, texts, value })
}

fn push<const N: usize>(
    gauge: &'static Gauge<N>,
    wish: &Wish,
    organization: &str,
    samples: &mut Samples,
    expected: &mut Expected,
) {
    let texts: [&str; N] = std::array::from_fn(|at| wish.texts[at].as_str());
    samples.push(gauge, texts, wish.value);
    let labels = gauge
        .family
        .labels
        .iter()
        .zip(texts)
        .map(|(name, text)| ((*name).to_owned(), clip(text).into_owned()));
    let labels = labels.chain([("organization".to_owned(), organization.to_owned())]).collect();
    let merged = expected.entry((gauge.family.name, labels)).or_insert((gauge.family.merge(), Vec::new()));
    merged.1.push(wish.value);
}

fn text(parts: &[(String, exposition::Encoded)]) -> String {
    let parts = parts.iter().map(|(organization, lines)| Part { organization, lines });
    let piece = exposition::render(parts).unwrap();
    let text: Vec<_> = exposition::inflate(vec![piece]).collect::<Result<_, _>>().unwrap();
    String::from_utf8(text.concat()).expect("UTF-8")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_mix_of_families_texts_and_figures_comes_back(
        organizations in prop::collection::btree_set(any_text().prop_filter("a name", |name| !name.is_empty()), 3),
        wishes in prop::collection::vec(any_wish(), 0..60),
    ) {
        let mut expected = Expected::new();
        let mut parts = Vec::new();
        for (index, organization) in organizations.iter().enumerate() {
            let mut samples = Samples::default();
            for wish in wishes.iter().filter(|wish| wish.organization == index) {
                match wish.family {
                    0 => push(&BILLED_REQUESTS, wish, organization, &mut samples, &mut expected),
                    1 => push(&CLIENT_LAST_ACTIVE_TIMESTAMP, wish, organization, &mut samples, &mut expected),
                    2 => push(&OAUTH_CLIENT_REQUESTS, wish, organization, &mut samples, &mut expected),
                    3 => push(&ACCOUNT_INFO, wish, organization, &mut samples, &mut expected),
                    _ => push(&USAGE_AMOUNT, wish, organization, &mut samples, &mut expected),
                }
            }
            parts.push((organization.clone(), exposition::encode(organization, &samples)));
        }
        let text = text(&parts);
        let read = strict::parse(&text, Format::Text).unwrap();
        for format in [exposition::Format::Text, exposition::Format::OpenMetrics] {
            let strictly = match format {
                exposition::Format::Text => Format::Text,
                exposition::Format::OpenMetrics => Format::OpenMetrics,
            };
            prop_assert_eq!(&strict::parse(&(text.clone() + format.end()), strictly).unwrap(), &read);
        }
        prop_assert_eq!(read.len(), expected.len());
        for Sample { name, labels, value } in read {
            let (_, (merge, values)) = expected.iter().find(|((family, known), _)| *family == name && *known == labels).unwrap();
            let wanted = match merge {
                Merge::Sum => values.iter().copied().sum::<Sum>().value(),
                Merge::Largest => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            };
            prop_assert_eq!(value, wanted);
        }
    }
}

/// Texts that have broken one reader or another.
fn names() -> Vec<String> {
    let mut names: Vec<String> = (0_u8..=0x7f).map(|byte| format!("byte {}", char::from(byte))).collect();
    names.extend(
        [
            "\\",
            "\\\\",
            "\\n",
            "\n",
            "\"",
            "\"} 1\n# EOF\n",
            "\r\n",
            "\u{85}",
            "\u{2028}",
            "\u{feff}",
            "\u{202e}abc",
            "\u{0}",
            "🐝",
            "e\u{301}",
            "{a=\"b\"}",
            "# HELP",
            " ",
            "",
        ]
        .map(str::to_owned),
    );
    names.push("\u{10ffff}".repeat(300));
    names.push("\\".repeat(300));
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_texts_pass_three_independent_readers_in_both_formats() {
    let names = names();
    let clients: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(id, name)| serde_json::json!({"id": id.to_string(), "name": name}))
        .collect();
    let list = serde_json::json!({"entities": clients, "total": names.len()}).to_string();
    let stage = stage(
        "oauth_clients: {}",
        move |_, uri, _| if uri.contains("oauth/token") { ok(TOKEN) } else { ok(&list) },
    )
    .await;
    stage.ready().await;
    for (accept, format) in
        [("text/plain", Format::Text), ("application/openmetrics-text;version=1.0.0", Format::OpenMetrics)]
    {
        let answer =
            stage.http.get(format!("{}/metrics", stage.url)).header("accept", accept).send().await.unwrap();
        let text = answer.text().await.unwrap();
        let samples = strict::parse(&text, format).unwrap();
        let shown: BTreeMap<usize, String> = samples
            .iter()
            .filter(|sample| sample.name == "genesyscloud_oauth_client_info")
            .map(|sample| (sample.labels["client_id"].parse().unwrap(), sample.labels["client_name"].clone()))
            .collect();
        assert_eq!(shown.len(), names.len());
        for (id, name) in names.iter().enumerate() {
            assert_eq!(shown[&id], clip(name), "{name:?}");
        }
        if format == Format::Text {
            let (good, said) = program("promtool", &["check", "metrics"], &text);
            assert!(good && said.is_empty(), "{said}");
        } else {
            python_agrees(&text, samples.len());
        }
    }
    stage.stop().await;
}

/// The reader of Prometheus' own Python client, where `make prepare` could install it.
fn python_agrees(text: &str, samples: usize) {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/sdk/prometheus-client");
    if !package.join(".installed").exists() {
        println!("skipped: prometheus_client is not installed (make prepare)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("metrics.om");
    std::fs::write(&file, text).unwrap();
    let script = "import sys\nfrom prometheus_client.openmetrics.parser import text_fd_to_metric_families as read\n\
                  with open(sys.argv[1], newline='\\n', encoding='utf-8') as f: print(sum(len(m.samples) for m in read(f)))";
    let output =
        Command::new("python3").args(["-c", script]).arg(&file).env("PYTHONPATH", package).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), samples.to_string());
}
