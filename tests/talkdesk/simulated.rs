//! The figures of the simulated vendor, computed once more from its plain answers.

use std::collections::BTreeMap;
use std::time::Duration;

use ccaas_exporter::clock::Clock;
use ccaas_exporter::simulator::{
    CLIENT_ID, CLIENT_SECRET, Options, PLANTED_EMAIL, PLANTED_PERSON, PLANTED_PHONE, Simulator,
};
use serde_json::Value;

use crate::scene::*;
use crate::support::{Metrics, NOW, Stage, Vendor, fixed_clock, scenario};

/// Labels besides `organization`, joined; value.
type Figures = BTreeMap<String, f64>;

fn simulator(faults: &str) -> Simulator {
    let options = Options::new(fixed_clock());
    Simulator::new(Options { talkdesk_requests_per_second: 10_000, scenario: scenario(faults), ..options })
}

async fn stage(simulator: Simulator, clock: Clock, collectors: &str, refresh: Duration) -> Stage {
    let vendor = Vendor::start(simulator.clone(), "127.0.0.1:0").await;
    let config = config(&vendor.url(), collectors, refresh);
    Stage::start(config, clock, simulator, vendor).await
}

/// All rows of a list, as anybody gets them who asks page by page.
async fn plain(stage: &Stage, path: &str, key: &str, filter: &str) -> Vec<Value> {
    let vendor = stage.vendor.as_ref().unwrap().url();
    let token = stage.http.post(format!("{vendor}/oauth/token")).basic_auth(CLIENT_ID, Some(CLIENT_SECRET));
    let token = token.header("content-type", "application/x-www-form-urlencoded");
    let token = token.body("grant_type=client_credentials").send().await.unwrap();
    let token = token.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned();
    let mut rows = Vec::new();
    for page in 1.. {
        let filter =
            if filter.is_empty() { String::new() } else { format!("&filter={}", filter.replace(' ', "%20")) };
        let url = format!("{vendor}/express/{path}?page={page}&per_page=100{filter}");
        let body: Value = stage.http.get(url).bearer_auth(&token).send().await.unwrap().json().await.unwrap();
        rows.extend(body["_embedded"][key].as_array().unwrap().iter().cloned());
        if page >= body["total_pages"].as_u64().unwrap() {
            break;
        }
    }
    rows
}

fn figures(metrics: &Metrics, family: &str) -> Figures {
    let labels = |sample: &crate::support::text::Sample| {
        let labels = sample.labels.iter().filter(|(name, _)| *name != "organization");
        labels.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
    };
    metrics.of(family, &[]).map(|sample| (labels(sample), sample.value)).collect()
}

/// Sums `value` of the rows by fields, each under the name of a label.
fn sums(rows: &[Value], value: &str, fields: &[(&str, &str)]) -> Figures {
    let mut sums = Figures::new();
    for row in rows {
        let Some(number) = number(&row[value]) else { continue };
        *sums.entry(labels(row, fields)).or_default() += number;
    }
    sums
}

fn labels(row: &Value, fields: &[(&str, &str)]) -> String {
    let mut labels: Vec<String> =
        fields.iter().map(|(label, field)| format!("{label}={}", text(&row[field]))).collect();
    labels.sort();
    labels.join(",")
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn assert_same(found: &Figures, expected: &Figures) {
    assert!(!expected.is_empty(), "nothing to compare");
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (labels, value) in found {
        assert!(
            (value - expected[labels]).abs() < 1e-6 * value.abs().max(1.0),
            "{labels}: {value}, {}",
            expected[labels]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_is_the_sum_of_the_plain_answers() {
    let stage = stage(simulator("faults: []"), fixed_clock(), ALL, ONCE).await;
    stage.ready().await;
    let metrics = stage.until("the products", |metrics| metrics.of(PRODUCT, &[]).count() > 10).await;

    let usage = plain(&stage, "usage/month", "usage", "(month eq '2026-11' or month eq '2026-10')").await;
    assert!(usage.len() > 500, "only {} rows", usage.len());
    let of_all = [
        ("account_id", "account_id"),
        ("product_id", "product_id"),
        ("usage_type", "type"),
        ("month", "month"),
    ];
    let fields = [of_all.as_slice(), &[("unit", "unit")]].concat();
    assert_same(&figures(&metrics, UNITS), &sums(&usage, "number_of_units", &fields));
    let fields = [of_all.as_slice(), &[("currency", "currency"), ("wallet", "wallet_name")]].concat();
    assert_same(&figures(&metrics, AMOUNT), &sums(&usage, "total_amount", &fields));

    let accounts = plain(&stage, "accounts", "accounts", "").await;
    let fields = [("account_id", "id"), ("account_name", "name"), ("account_status", "status")];
    let expected = accounts.iter().map(|account| (labels(account, &fields), 1.0)).collect();
    assert_same(&figures(&metrics, "talkdesk_account_info"), &expected);

    let invoices = plain(&stage, "invoices", "invoices", "(date ge '2025-11-01')").await;
    let invoices: Vec<Value> = invoices
        .into_iter()
        .map(|mut line| {
            line["month"] = text(&line["date"])[..7].into();
            line
        })
        .collect();
    let fields = [("account_id", "account_id"), ("currency", "currency"), ("invoice_month", "month")];
    assert_same(&figures(&metrics, "talkdesk_invoices_amount"), &sums(&invoices, "amount", &fields));

    let subscriptions = plain(&stage, "subscriptions", "subscriptions", "").await;
    let today = &NOW[..10];
    let day = |value: &Value| text(value).get(..10).map(str::to_owned);
    let active: Vec<Value> =
        subscriptions.iter().filter(|line| line["status"] == "ACTIVATED").cloned().collect();
    let starts =
        active.into_iter().filter(|line| day(&line["start_date"]).is_none_or(|day| day.as_str() <= today));
    let active: Vec<Value> =
        starts.filter(|line| day(&line["end_date"]).is_none_or(|day| today <= day.as_str())).collect();
    let fields =
        [("account_id", "account_id"), ("contract_number", "contract_number"), ("product_id", "product_id")];
    assert_same(&figures(&metrics, "talkdesk_subscription_quantity"), &sums(&active, "quantity", &fields));
    assert!(active.len() < subscriptions.len());

    let products = plain(&stage, "products", "products", "").await;
    let is_seen =
        |product: &&Value| usage.iter().chain(&subscriptions).any(|row| row["product_id"] == product["id"]);
    let fields = [
        ("product_id", "id"),
        ("product_name", "name"),
        ("family", "family"),
        ("unit_of_measure", "unit_of_measure"),
        ("charge_type", "charge_type"),
    ];
    let expected: Figures =
        products.iter().filter(is_seen).map(|product| (labels(product, &fields), 1.0)).collect();
    let shown =
        stage.until("all of them", |metrics| metrics.of(PRODUCT, &[]).count() == expected.len()).await;
    assert_same(&figures(&shown, PRODUCT), &expected);

    let scrape = stage.text("/metrics").await;
    for planted in [PLANTED_EMAIL, PLANTED_PERSON, PLANTED_PHONE] {
        assert!(!scrape.contains(planted), "{planted}");
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_of_links_and_numbers_changes_no_figure() {
    let read = async |faults: &str| {
        let stage = stage(simulator(faults), fixed_clock(), USAGE, ONCE).await;
        let metrics = stage.ready().await;
        assert_eq!(metrics.collector("up", "usage"), 1.0, "{faults}");
        stage.stop().await;
        [UNITS, AMOUNT].map(|family| figures(&metrics, family))
    };
    let [units, amounts] = read("faults: []").await;
    for fault in [
        "links: foreign_host",
        "links: broken",
        "links: top_level",
        "links: absent",
        "links: nothing",
        "links: cursor",
        "links: null_next",
        "text_numbers: true",
        "duplicate_rows: 2",
    ] {
        let [found_units, found_amounts] =
            read(&format!("faults: [{{operation: listMonthlyUsage, fault: {{{fault}}}}}]")).await;
        assert_same(&found_units, &units);
        assert_same(&found_amounts, &amounts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_not_whole_is_truncated() {
    for fault in ["drop_rows: 3", "repeat_page: true"] {
        let faults = format!("faults: [{{operation: listMonthlyUsage, fault: {{{fault}}}}}]");
        let stage = stage(simulator(&faults), fixed_clock(), USAGE, ONCE).await;
        let metrics = stage.until(fault, |metrics| metrics.failures("usage", "truncated") >= 1.0).await;
        assert_eq!(metrics.of(UNITS, &[]).count(), 0);
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_dies_between_pages_is_renewed_once() {
    let faults = "faults: [{operation: listMonthlyUsage, after: 1, times: 1, fault: {expire_token: true}}]";
    let simulator = simulator(faults);
    let stage = stage(simulator.clone(), fixed_clock(), USAGE, ONCE).await;
    let metrics = stage.ready().await;
    assert_eq!(metrics.collector("up", "usage"), 1.0);
    assert_eq!(simulator.count("createToken"), 2);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_the_vendor_corrects_is_a_restatement() {
    let simulator = simulator("faults: []");
    let stage = stage(simulator.clone(), fixed_clock(), USAGE, OFTEN).await;
    let restated = |metrics: &Metrics| {
        metrics.value("ccaas_exporter_restatements_total", &[("collector", "usage")]).unwrap()
    };
    let before = stage.until("figures", |metrics| metrics.of(UNITS, &[]).count() > 0).await;
    assert_eq!(restated(&before), 0.0);
    let fault = "{restate: {days_ago: 30, factor: 1.5}}";
    simulator.set_scenario(scenario(&format!(
        "faults: [{{operation: listMonthlyUsage, times: 1, fault: {fault}}}]"
    )));
    stage.until("the restatement", |metrics| restated(metrics) >= 1.0).await;
    stage.stop().await;
}
