//! Billing of Genesys Cloud, through the whole program: the figures are those that anybody with a token gets from the vendor.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are copied, not computed"
)]

mod support;

use std::collections::BTreeMap;
use std::time::Duration;

use ccaas_exporter::providers::genesys_cloud::Customer;
use ccaas_exporter::simulator::CLIENT_IDS;
use serde_json::Value;
use support::{Metrics, Setup, Stage, scenario};

const CONTRACTS: &str = "/api/v2/billing/contracts";

fn decimal(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.parse().unwrap()),
        value => value.as_f64(),
    }
}

/// The values of a family by the values of some labels, joined.
fn by(metrics: &Metrics, name: &str, labels: &[&str]) -> BTreeMap<String, f64> {
    let key = |sample: &support::text::Sample| {
        labels.iter().map(|label| sample.label(label).to_owned()).collect::<Vec<_>>().join("|")
    };
    metrics.of(name, &[]).map(|sample| (key(sample), sample.value)).collect()
}

fn count(metrics: &Metrics, name: &str) -> usize {
    metrics.of(name, &[]).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_billable_usage_report_is_asked_for_with_the_same_words_until_it_is_done() {
    let stage = Setup::only("billable_usage: {}").start().await;
    let metrics = stage.ready().await;
    let queries: Vec<_> = stage
        .simulator
        .requests()
        .into_iter()
        .filter(|request| request.operation == "getBillableUsage")
        .collect();
    assert!(queries.len() >= 2, "the report is not done at once");
    // From the start of the period that yesterday is in (the 21st) to the midnight of today.
    let expected = "startDate=2026-10-21T00%3A00%3A00Z&endDate=2026-11-21T00%3A00%3A00Z";
    assert!(queries.iter().all(|request| request.query.as_deref() == Some(expected)), "{queries:?}");

    let report = stage.vendor().get(&format!("/api/v2/billing/reports/billableusage?{expected}")).await;
    let mut quantities = BTreeMap::new();
    let mut resources = BTreeMap::new();
    for usage in report["usages"].as_array().unwrap() {
        let name = usage["name"].as_str().unwrap().to_owned();
        quantities.insert(name.clone(), decimal(&usage["totalUsage"]).unwrap());
        resources.insert(name, usage["resources"].as_array().unwrap().len() as f64);
    }
    assert!(quantities.len() > 5 && resources.values().sum::<f64>() > 50.0);
    assert_eq!(by(&metrics, "genesyscloud_billable_usage_quantity", &["charge"]), quantities);
    assert_eq!(by(&metrics, "genesyscloud_billable_usage_resources", &["charge"]), resources);
    stage.stop().await;
}

/// The details of the open and of the last closed period of the active contract, by the first day.
async fn periods(stage: &Stage) -> (Value, BTreeMap<String, Value>) {
    let list = stage.vendor().get(CONTRACTS).await;
    let active =
        list["entities"].as_array().unwrap().iter().find(|contract| contract["status"] == "Active").unwrap();
    let id = active["id"].as_str().unwrap();
    let contract = stage.vendor().get(&format!("{CONTRACTS}/{id}")).await;
    let mut all: Vec<&Value> = contract["billingPeriods"].as_array().unwrap().iter().collect();
    all.sort_by_key(|period| std::cmp::Reverse(period["dateStart"].as_str().unwrap().to_owned()));
    let mut details = BTreeMap::new();
    for period in &all[..2] {
        let path = format!("{CONTRACTS}/{id}/billingperiods/{}", period["id"].as_str().unwrap());
        details.insert(period["dateStart"].as_str().unwrap().to_owned(), stage.vendor().get(&path).await);
    }
    (contract, details)
}

#[tokio::test(flavor = "multi_thread")]
async fn contracts_are_told_with_their_open_and_last_closed_period() {
    let stage = Setup::only("contracts: {enabled: true}").start().await;
    let metrics = stage.ready().await;
    let (contract, details) = periods(&stage).await;
    let id = contract["id"].as_str().unwrap();
    assert_eq!(count(&metrics, "genesyscloud_contract_info"), 2, "the closed contract is told too");
    let at = |text: &str| {
        text.parse::<jiff::civil::Date>().unwrap().to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp()
    };
    let end = at(contract["dateEnd"].as_str().unwrap()).as_second() as f64 + 86_400.0;
    assert_eq!(
        metrics.value("genesyscloud_contract_end_timestamp_seconds", &[("contract_id", id)]),
        Some(end)
    );
    let items = &contract["plans"][0]["items"];
    let committed = by(&metrics, "genesyscloud_contract_committed_quantity", &["item"]);
    let prices = by(&metrics, "genesyscloud_contract_unit_price_amount", &["item"]);
    for item in items.as_array().unwrap() {
        let name = item["name"].as_str().unwrap();
        assert_eq!(committed[name], decimal(&item["quantity"]).unwrap());
        assert_eq!(prices[name], decimal(&item["price"]).unwrap());
    }

    for (name, field) in [
        ("genesyscloud_billing_prepaid_quantity", "prepaidQuantity"),
        ("genesyscloud_billing_fair_use_quantity", "fairuseQuantity"),
        ("genesyscloud_billing_used_quantity", "actualQuantity"),
        ("genesyscloud_billing_overage_quantity", "overageQuantity"),
        ("genesyscloud_billing_overage_amount", "overageCharge"),
        ("genesyscloud_billing_converted_tokens", "convertedTokenCount"),
    ] {
        let mut expected = BTreeMap::new();
        for (start, period) in &details {
            for charge in period["charges"].as_array().unwrap() {
                if let Some(quantity) = decimal(&charge[field]) {
                    let charge = charge["name"].as_str().or(charge["product"]["name"].as_str()).unwrap();
                    *expected.entry(format!("{start}|{charge}")).or_insert(0.0) += quantity;
                }
            }
        }
        assert!(!expected.is_empty(), "{field}");
        let told = by(&metrics, name, &["period_start", "charge"]);
        assert_eq!(told.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{field}");
        assert!(
            told.iter().all(|(key, value)| (value - expected[key]).abs() < 1e-6),
            "{told:?} {expected:?}"
        );
    }
    for (name, field) in [
        ("genesyscloud_wallet_starting_balance", "startingBalance"),
        ("genesyscloud_wallet_ending_balance", "endingBalance"),
        ("genesyscloud_wallet_consumed_quantity", "balanceConsumption"),
    ] {
        let mut expected = BTreeMap::new();
        for (start, period) in &details {
            for wallet in period["wallets"].as_array().unwrap() {
                let wallet_name = wallet["name"].as_str().unwrap();
                expected.insert(format!("{start}|{wallet_name}"), decimal(&wallet[field]).unwrap());
            }
        }
        assert!(!expected.is_empty(), "{field}");
        assert_eq!(by(&metrics, name, &["period_start", "wallet"]), expected, "{field}");
    }
    // A unit that the vendor does not document passes, and is noticed.
    let surprises = metrics
        .value("ccaas_exporter_schema_surprises_total", &[("collector", "contracts"), ("kind", "unit")]);
    let units = by(&metrics, "genesyscloud_billing_used_quantity", &["unit"]);
    assert!(surprises.unwrap() > 0.0, "{units:?}");
    let open = by(&metrics, "genesyscloud_billing_period_open", &["period_start"]);
    assert_eq!(open, BTreeMap::from([("2026-10-21".into(), 0.0), ("2026-11-21".into(), 1.0)]));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_that_is_known_later_changes_the_usage_figures_without_a_request() {
    let faults = "faults: [{operation: listContracts, times: 1, fault: {delay: 3s}}]";
    let stage = Setup::only("usage: {lookback: 10d}, contracts: {enabled: true}")
        .change(|settings| settings.anchor_day = Some(5))
        .scenario(faults)
        .start()
        .await;
    let source = |metrics: &Metrics, source: &str| {
        metrics.value("genesyscloud_api_period_info", &[("source", source)])
    };
    let before = stage.until("usage figures", |metrics| source(metrics, "anchor_day").is_some()).await;
    assert_eq!(before.value("genesyscloud_api_allowance_info", &[("source", "licenses")]), Some(1.0));
    let started = stage.simulator.count("postUsageAggregatesJob");
    let attempt = before.collector("last_attempt_timestamp_seconds", "usage");

    let after = stage.until("the contract's period", |metrics| source(metrics, "contract").is_some()).await;
    assert_eq!(source(&after, "anchor_day"), None);
    assert_eq!(stage.simulator.count("postUsageAggregatesJob"), started, "no vendor request");
    assert_eq!(after.collector("last_attempt_timestamp_seconds", "usage"), attempt);
    assert_eq!(after.collector("polls_total", "usage"), before.collector("polls_total", "usage"));

    let (_, details) = periods(&stage).await;
    // Yesterday, the newest complete day, is the last day of the closed period.
    let charges = details["2026-10-21"]["charges"].as_array().unwrap();
    let charge = charges
        .iter()
        .find(|charge| charge["name"].as_str().is_some_and(|name| name.contains("API")))
        .unwrap();
    let allowance =
        decimal(&charge["fairuseQuantity"]).unwrap() + decimal(&charge["prepaidQuantity"]).unwrap_or(0.0);
    assert_eq!(after.value("genesyscloud_api_allowance_requests", &[]), Some(allowance));
    assert_eq!(after.value("genesyscloud_api_allowance_info", &[("source", "contract")]), Some(1.0));
    assert_eq!(
        after.value("genesyscloud_api_overage_unit_price_amount", &[]),
        decimal(&charge["overageRate"])
    );

    // The contract's own count is the sum of what the usage figures count, over the whole period.
    let billed = after.value("genesyscloud_api_billed_requests", &[]).unwrap();
    assert_eq!(billed, decimal(&charge["actualQuantity"]).unwrap());
    let counted = after.of("genesyscloud_api_client_period_to_date_requests", &[("fair_use", "counted")]);
    assert_eq!(counted.map(|sample| sample.value).sum::<f64>(), billed);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn previews_that_are_refused_or_look_different_are_not_available_and_no_failure() {
    for fault in ["{status: 403}", "{status: 404}", "{status: 400}", "{wrong_json: true}"] {
        let stage = Setup::only("contracts: {enabled: true}, invoices: {enabled: true}")
            .refresh(Duration::from_millis(300))
            .start()
            .await;
        let good = stage.ready().await;
        let rules: Vec<String> = ["listContracts", "listInvoices"]
            .iter()
            .map(|operation| format!("{{operation: {operation}, fault: {fault}}}"))
            .collect();
        stage.simulator.set_scenario(scenario(&format!("faults: [{}]", rules.join(", "))));
        let gone = |metrics: &Metrics| {
            ["contracts", "invoices"].iter().all(|collector| metrics.collector("supported", collector) == 0.0)
        };
        let refused = stage.until("the previews to be gone", gone).await;
        for collector in &["contracts", "invoices"] {
            assert_eq!(refused.collector("up", collector), 1.0, "{fault}");
            let labels = [("collector", *collector)];
            let failures = refused.of("ccaas_exporter_collector_failures_total", &labels);
            assert_eq!(failures.map(|sample| sample.value).sum::<f64>(), 0.0, "{fault} {collector}");
        }
        // The last good figures stay until they are too old.
        for family in ["genesyscloud_contract_info", "genesyscloud_invoices"] {
            assert_eq!(count(&refused, family), count(&good, family), "{fault}");
        }
        stage.simulator.set_scenario(scenario("{}"));
        stage
            .until("the previews to be back", |metrics| metrics.collector("supported", "contracts") == 1.0)
            .await;
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invoices_are_counted_and_summed_by_currency_status_and_month() {
    let stage = Setup::only("invoices: {enabled: true, months: 13}").start().await;
    let metrics = stage.ready().await;
    let (mut counts, mut amounts) = (BTreeMap::new(), BTreeMap::new());
    let mut oldest = String::from("9999");
    let mut path = format!("{CONTRACTS}/invoices?pageSize=200&dateStart=2025-11-01");
    loop {
        let page = stage.vendor().get(&path).await;
        for invoice in page["entities"].as_array().unwrap() {
            let text = |field: &str| invoice[field].as_str().unwrap().to_owned();
            let key = format!("{}|{}", text("currencyIsoCode"), text("paymentStatus"));
            *counts.entry(key.clone()).or_insert(0.0) += 1.0;
            let month = text("dateInvoiced")[..7].to_owned();
            *amounts.entry(format!("{key}|{month}")).or_insert(0.0) += decimal(&invoice["amount"]).unwrap();
            if text("paymentStatus") == "Unpaid" {
                oldest = oldest.min(text("dateInvoiced"));
            }
        }
        match page["nextUri"].as_str() {
            Some(next) => path = next[next.find("/api").unwrap()..].to_owned(),
            None => break,
        }
    }
    assert!(counts.len() >= 3, "{counts:?}");
    assert_eq!(by(&metrics, "genesyscloud_invoices", &["currency", "payment_status"]), counts);
    let told = by(&metrics, "genesyscloud_invoices_amount", &["currency", "payment_status", "invoice_month"]);
    assert_eq!(told.keys().collect::<Vec<_>>(), amounts.keys().collect::<Vec<_>>());
    assert!(told.iter().all(|(key, amount)| (amount - amounts[key]).abs() < 1e-6), "{told:?}");
    let oldest = format!("{oldest}T00:00:00Z").parse::<jiff::Timestamp>().unwrap().as_second() as f64;
    assert_eq!(metrics.value("genesyscloud_invoice_oldest_unpaid_timestamp_seconds", &[]), Some(oldest));
    stage.stop().await;
}

fn customers(settings: &mut ccaas_exporter::providers::genesys_cloud::Settings, ids: &[String]) {
    CLIENT_IDS[2].clone_into(&mut settings.client_id);
    let customer = |(index, id): (usize, &String)| Customer {
        name: format!("customer-{index}"),
        organization_id: id.clone(),
    };
    settings.trustee_overview.as_mut().unwrap().customers = ids.iter().enumerate().map(customer).collect();
}

const TRUSTEE: &str = "trustee_overview: {enabled: true, customers: [{name: a, organization_id: a}]}";

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_sees_its_customers_and_one_that_is_gone_is_left_out() {
    let ids = Setup::new().customer_ids();
    let mut asked = ids.clone();
    asked.insert(0, "11111111-0000-0000-0000-000000000000".to_owned());
    let stage = Setup::only(TRUSTEE).change(move |settings| customers(settings, &asked)).start().await;
    let metrics = stage.ready().await;
    assert_eq!(metrics.collector("up", "trustee_overview"), 1.0);
    let labels = ["customer", "part_number", "product", "grouping", "unit"];
    let (mut used, mut prepaid, mut prices) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (index, id) in ids.iter().enumerate() {
        let path = format!("/api/v2/billing/trusteebillingoverview/{id}?billingPeriodIndex=0");
        let overview = stage.vendor().get_as(CLIENT_IDS[2], &path).await;
        for usage in overview["usages"].as_array().unwrap() {
            let text = |field: &str| usage[field].as_str().unwrap_or_default().to_owned();
            let customer = format!("customer-{}", index + 1);
            let key =
                [customer, text("partNumber"), text("name"), text("grouping"), text("unitOfMeasureType")]
                    .join("|");
            for (sums, field) in [(&mut used, "usageQuantity"), (&mut prepaid, "prepayQuantity")] {
                if let Some(quantity) = decimal(&usage[field]) {
                    *sums.entry(key.clone()).or_insert(0.0) += quantity;
                }
            }
            if let Some(price) = decimal(&usage["overagePrice"]) {
                prices.insert(key, price);
            }
        }
    }
    assert!(prepaid.keys().any(|key| key.contains("fair-use")), "{prepaid:?}");
    assert!(prepaid.len() != used.len(), "some quantities are absent: {prepaid:?} {used:?}");
    assert_eq!(by(&metrics, "genesyscloud_trustee_usage_quantity", &labels), used);
    assert_eq!(by(&metrics, "genesyscloud_trustee_prepaid_quantity", &labels), prepaid);
    assert_eq!(by(&metrics, "genesyscloud_trustee_overage_unit_price_amount", &labels), prices);
    assert_eq!(count(&metrics, "genesyscloud_trustee_subscription_info"), 2);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_without_any_trust_is_told_so() {
    let nobody = vec!["11111111-0000-0000-0000-000000000000".to_owned()];
    let stage = Setup::only(TRUSTEE).change(move |settings| customers(settings, &nobody)).start().await;
    let metrics = stage.ready().await;
    assert_eq!(metrics.collector("supported", "trustee_overview"), 0.0);
    stage.stop().await;
    let ids = Setup::new().customer_ids();
    let stage = Setup::only(TRUSTEE)
        .change(move |settings| {
            customers(settings, &ids);
            settings.client_id = CLIENT_IDS[0].to_owned();
        })
        .start()
        .await;
    let metrics = stage.ready().await;
    assert_eq!(
        (metrics.collector("up", "trustee_overview"), metrics.failures("trustee_overview", "forbidden")),
        (0.0, 1.0)
    );
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_whose_pages_repeat_is_not_taken_for_whole() {
    let faults = "faults: [{operation: listInvoices, fault: {repeat_page: true}}]";
    let stage = Setup::only("invoices: {enabled: true}").scenario(faults).start().await;
    let metrics = stage.ready().await;
    assert_eq!(metrics.failures("invoices", "truncated"), 1.0);
    assert_eq!(count(&metrics, "genesyscloud_invoices"), 0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_another_shape_is_no_empty_report() {
    let ids = Setup::new().customer_ids();
    let stage = Setup::only(&format!("billable_usage: {{}}, {TRUSTEE}"))
        .change(move |settings| customers(settings, &ids))
        .refresh(Duration::from_millis(300))
        .start()
        .await;
    let good = stage.ready().await;
    let figures = ["genesyscloud_billable_usage_quantity", "genesyscloud_trustee_usage_quantity"];
    assert!(figures.iter().all(|figure| count(&good, figure) > 5));
    stage.simulator.set_scenario(scenario("faults: [{operation: '*', fault: {wrong_json: true}}]"));
    let failing = stage
        .until("decode failures", |metrics| {
            ["billable_usage", "trustee_overview"]
                .iter()
                .all(|collector| metrics.failures(collector, "decode") >= 1.0)
        })
        .await;
    for figure in figures {
        assert_eq!(count(&failing, figure), count(&good, figure), "{figure}");
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_usage_api_that_is_gone_leaves_its_last_figures_whatever_a_contract_tells_then() {
    let faults = "faults:\n  - {operation: listContracts, times: 1, fault: {delay: 4s}}\n  \
                  - {operation: postUsageAggregatesJob, after: 3, fault: {status: 404}}";
    let stage = Setup::only("usage: {api: jobs, lookback: 10d}, contracts: {enabled: true}")
        .refresh(Duration::from_millis(300))
        .scenario(faults)
        .start()
        .await;
    let clients = |metrics: &Metrics| count(metrics, "genesyscloud_api_client_last_day_requests");
    let gone =
        stage.until("usage to be gone", |metrics| metrics.collector("supported", "usage") == 0.0).await;
    assert!(clients(&gone) > 20 && count(&gone, "genesyscloud_contract_info") == 0);
    let later = stage.until("the contract", |metrics| count(metrics, "genesyscloud_contract_info") > 0).await;
    assert_eq!(clients(&later), clients(&gone));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overview_of_the_organization_itself_tells_the_period_and_the_price() {
    let own = Setup::new().organization_id(CLIENT_IDS[2]);
    let id = own.clone();
    let stage = Setup::only(&format!("usage: {{lookback: 10d}}, {TRUSTEE}"))
        .change(move |settings| {
            customers(settings, std::slice::from_ref(&id));
            settings.anchor_day = Some(5);
            settings.overage_unit_price = None;
        })
        .start()
        .await;
    let source = |metrics: &Metrics| metrics.value("genesyscloud_api_period_info", &[("source", "trustee")]);
    let metrics = stage.until("the overview's period", |metrics| source(metrics).is_some()).await;
    // The newest complete day is the last one of the closed period.
    let path = format!("/api/v2/billing/trusteebillingoverview/{own}?billingPeriodIndex=1");
    let closed = stage.vendor().get_as(CLIENT_IDS[2], &path).await;
    let start = closed["billingPeriodStartDate"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let told = metrics.value("genesyscloud_api_period_start_timestamp_seconds", &[]);
    assert_eq!(told, Some(start.as_second() as f64));
    let price = closed["usages"].as_array().unwrap().iter().find_map(|usage| {
        let is_api = usage["name"].as_str()?.contains("API") && usage["grouping"] != "fair-use";
        decimal(&usage["overagePrice"]).filter(|_| is_api)
    });
    assert_eq!(metrics.value("genesyscloud_api_overage_unit_price_amount", &[]), price);
    assert!(price.is_some());
    stage.stop().await;
}
