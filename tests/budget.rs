//! What collecting costs and how it keeps to its limits: over sockets, on a clock that jumps over every wait.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ccaas_exporter::app;
use ccaas_exporter::config::Config;
use ccaas_exporter::model::{Estimate, Plan, Task};
use ccaas_exporter::simulator::{Options, Simulator};
use support::scripted::{Answer, TOKEN, ok, stage_with};
use support::{fixed_clock, set_refresh};
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_mins(1);

/// Every collector at its defaults, with one client, customer and search where these must be named.
const EVERYTHING: &str = "{client_query: {enabled: true, clients: [a]}, app_client_usage: {enabled: true, clients: [a]}, \
                          searches: [{name: s}], contracts: {enabled: true}, invoices: {enabled: true}, \
                          trustee_overview: {enabled: true, customers: [{name: c, organization_id: o}]}}";

fn config(provider: &str) -> Config {
    let text = format!("organizations: [{{name: acme, {provider}}}]");
    Config::parse(Path::new("test.yml"), &text, &|_| None).unwrap()
}

fn plan(collectors: &str) -> Plan {
    let place = "region: us-east-1, client_id: x, client_secret: y";
    let config = config(&format!("genesys_cloud: {{{place}, collectors: {collectors}}}"));
    config.organizations[0].provider.plan(50)
}

fn task<'a>(plan: &'a Plan, collector: &str) -> &'a Task {
    plan.tasks.iter().find(|task| task.collector == collector).unwrap()
}

/// The number that a text starts with.
fn leading(text: &str) -> u64 {
    let digits: String = text.trim().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("{text:?} starts with no number"))
}

#[test]
fn the_readme_tells_what_is_planned() {
    let readme = include_str!("../README.md");
    let plan_of_all = plan(EVERYTHING);
    for planned in &plan_of_all.tasks {
        let name = format!("| `{}`", planned.collector);
        let row =
            readme.lines().find(|line| line.starts_with(&name) && line.split('|').count() == 6).unwrap();
        let columns: Vec<&str> = row.split('|').collect();
        let told = [leading(columns[2]), leading(columns[3]), leading(columns[4])];
        let runs = planned.runs() as u64;
        assert_eq!(told, [planned.requests.usual, runs, planned.a_day(Estimate::Usual)], "{row}");
    }
    let look_back = readme.lines().find(|line| line.starts_with("| first look-back")).unwrap();
    assert_eq!(leading(look_back.split('|').nth(2).unwrap()), task(&plan_of_all, "usage").once);
    let usual =
        format!("That is {} requests a day for what is on by default", plan("{}").a_day(Estimate::Usual));
    assert!(readme.contains(&usual), "{usual}");
    let talkdesk = config("talkdesk: {account: globex, client_id: x, client_secret: y}");
    let usual = talkdesk.organizations[0].provider.plan(50).a_day(Estimate::Usual);
    assert!(readme.contains(&format!("that is {usual} requests a day: 4 for `usage`")), "{usual}");
}

#[test]
fn a_plan_follows_the_settings() {
    let usage = |settings: &str| task(&plan(&format!("{{usage: {{{settings}}}}}")), "usage").clone();
    assert_eq!(usage("endpoints: 0").requests.usual, 4);
    assert_eq!(usage("reread_days: 90").requests.usual, 12, "a query has 89 days at the most");
    assert_eq!(usage("refresh: 12h").a_day(Estimate::Usual), 16);
    assert_eq!(usage("lookback: 30d").once, 3, "four pages at once instead of one");

    let few = plan("{client_summary: {max_clients: 10}}");
    assert_eq!(task(&few, "client_summary").a_run(Estimate::Usual), 40);
    assert_eq!(
        task(&few, "client_summary").a_run(Estimate::Least),
        0,
        "nobody knows how many clients there are"
    );
    let alone = plan("{oauth_clients: {enabled: false}}");
    assert_eq!(alone.runs(Estimate::Usual)[1], ("client_summary", 202), "it reads the client list itself");

    let searches = plan("{searches: [{name: a, refresh: 1h}, {name: b, refresh: 1d}]}");
    let of_both = searches.runs(Estimate::Least).into_iter().find(|(name, _)| *name == "searches").unwrap();
    assert_eq!(of_both.1, 4, "at the start both are made");
    let a_day: u64 = searches
        .tasks
        .iter()
        .filter(|task| task.collector == "searches")
        .map(|task| task.a_day(Estimate::Least))
        .sum();
    assert_eq!(a_day, 48 + 2);
}

#[test]
fn what_is_only_assumed_refuses_no_configuration() {
    let place = "region: us-east-1, client_id: x, client_secret: y, rate_limit: {requests_per_minute: 1}";
    let collectors = "collectors: {client_summary: {refresh: 1h}}";
    let config = config(&format!("genesys_cloud: {{{place}, {collectors}}}"));
    let excesses = config.organizations[0].provider.plan(50).excesses(Estimate::Usual);
    assert_eq!(excesses.len(), 2, "neither a day nor a run of 50 summaries fits: {excesses:?}");
}

#[test]
fn a_section_with_another_fault_is_not_reckoned_with() {
    let clients = clients(20);
    let text = format!(
        "organizations: [{{name: acme, genesys_cloud: {{region: us-east-1, client_id: x, client_secret: y, \
         rate_limit: {{requests_per_minute: many}}, \
         collectors: {{client_query: {{enabled: true, refresh: 10s, clients: [{clients}]}}}}}}}}]"
    );
    let refused = |text: &str| Config::parse(Path::new("test.yml"), text, &|_| None).unwrap_err().to_string();
    assert_eq!(
        refused(&text),
        "test.yml:1: organizations[0].genesys_cloud.rate_limit.requests_per_minute: expected a whole number from 1 to 300, \
         found \"many\""
    );
    assert!(refused(&text.replace("many", "200")).contains("plan at least 345,615 requests a day"));
}

#[test]
fn the_demo_fits_its_limits_also_by_what_is_only_assumed() {
    let simulator = Simulator::new(Options::new(fixed_clock()));
    for organization in app::demo_config(&simulator, "http://127.0.0.1:1").unwrap().organizations {
        let excesses = organization.provider.plan(50).excesses(Estimate::Usual);
        assert!(excesses.is_empty(), "{}: {excesses:?}", organization.name);
    }
}

/// When the vendor got which request.
#[derive(Clone, Default)]
struct Arrivals(Arc<Mutex<Vec<(Instant, String)>>>);

impl Arrivals {
    fn note(&self, uri: &str) {
        self.0.lock().unwrap().push((Instant::now(), uri.to_owned()));
    }

    fn all(&self) -> Vec<(Instant, String)> {
        self.0.lock().unwrap().clone()
    }
}

/// Good answers to the queries of watched clients and of an app's clients.
fn answer(method: &str, uri: &str) -> Answer {
    match (method, uri) {
        (_, uri) if uri.contains("oauth/token") => ok(TOKEN),
        ("POST", uri) if uri.contains("/usage/client/") => ok(r#"{"id":"job"}"#),
        ("POST", _) => ok(r#"{"executionId":"query"}"#),
        (_, uri) if uri.contains("/usage/client/") => ok(
            r#"{"queryStatus":"Succeeded","entities":[{"date":"2026-11-20","organizationId":"o","requestCount":1,"status200":1}]}"#,
        ),
        _ => ok(
            r#"{"queryStatus":"Complete","results":[{"date":"2026-11-20","httpMethod":"GET","templateUri":"u","requests":1,"status200":1}]}"#,
        ),
    }
}

fn clients(count: usize) -> String {
    (0..count).map(|n| format!("c{n}")).collect::<Vec<_>>().join(", ")
}

#[tokio::test(start_paused = true)]
async fn two_collectors_share_a_low_limit_fairly_and_keep_it_in_every_window() {
    const LIMIT: usize = 60;
    let arrivals = Arrivals::default();
    let noted = arrivals.clone();
    let clients = clients(40);
    let collectors = format!(
        "client_query: {{enabled: true, clients: [{clients}]}}, app_client_usage: {{enabled: true, clients: [{clients}]}}"
    );
    let begun = Instant::now();
    let stage = stage_with(
        &collectors,
        |settings| settings.requests_per_minute = NonZeroU32::new(LIMIT as u32).unwrap(),
        move |method, uri, _| {
            noted.note(uri);
            answer(method, uri)
        },
    )
    .await;
    tokio::time::sleep(MINUTE).await;
    let metrics = stage.metrics().await;
    let remaining = metrics.value("ccaas_exporter_api_budget_remaining_requests", &[]).unwrap();
    assert!(remaining <= 6.0, "{remaining} left, with many waiting");
    tokio::time::sleep(2 * MINUTE).await;
    let metrics = stage.metrics().await;
    for collector in ["client_query", "app_client_usage"] {
        assert_eq!(metrics.collector("up", collector), 1.0, "{collector} did not end");
    }
    let remaining = metrics.value("ccaas_exporter_api_budget_remaining_requests", &[]).unwrap();
    assert!(remaining > 6.0, "{remaining} left, with nobody waiting");

    let arrived = arrivals.all();
    assert_eq!(arrived.len(), 161, "a token, and two requests for each client of each collector");
    for (first, beyond) in arrived.iter().zip(&arrived[LIMIT..]) {
        // A request that is sent takes its moment to arrive.
        let apart = beyond.0 - first.0;
        assert!(apart + Duration::from_millis(50) >= MINUTE, "{apart:?}");
    }
    // While both wait, each asks eight queries side by side: so neither goes much more often than that in a row.
    let both = &arrived[1..100];
    let mut longest = 0;
    for turns in
        both.chunk_by(|one, other| one.1.contains("/usage/client/") == other.1.contains("/usage/client/"))
    {
        longest = longest.max(turns.len());
    }
    assert!(longest <= 16, "one collector had {longest} turns in a row");
    let of_the_app = both.iter().filter(|(_, uri)| uri.contains("/usage/client/")).count();
    assert!((35..=65).contains(&of_the_app), "{of_the_app} of 99 requests");

    let busy = arrived.last().unwrap().0 - begun;
    let throttled = metrics.value("ccaas_exporter_api_throttled_seconds_total", &[]).unwrap();
    let share = throttled / busy.as_secs_f64();
    assert!((0.8..=1.0).contains(&share), "{throttled} s of {busy:?} although somebody waited nearly always");
    stage.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_refusals_does_not_feed_itself() {
    const STORM: Duration = Duration::from_mins(30);
    let arrivals = Arrivals::default();
    let noted = arrivals.clone();
    let begun = Instant::now();
    let collectors = "usage: {}, client_summary: {}, oauth_clients: {}, limits: {}, billable_usage: {}, \
                      client_query: {enabled: true, clients: [a, b, c, d, e, f, g, h]}";
    let stage = stage_with(
        collectors,
        |settings| {
            set_refresh(settings, Duration::from_mins(10));
        },
        move |method, uri, _| {
            if uri.contains("oauth/token") {
                return ok(TOKEN);
            }
            noted.note(uri);
            match begun.elapsed() < STORM {
                true => (429, vec![], "{}".into()),
                false if uri.contains("limits") => ok(r#"{"entities":[]}"#),
                false => answer(method, uri),
            }
        },
    )
    .await;
    tokio::time::sleep_until(begun + STORM).await;
    let requests = arrivals.all().len();
    // The waits are 3, 6, 12 … 96 s, then 180 s, a quarter less at the least: at the most 18 of them, each ended by one request
    // or, where answers are slow, by as many as the organization may have in flight.
    assert!((10..=18 + 4).contains(&requests), "{requests} requests in a storm of half an hour");
    let metrics = stage.metrics().await;
    let throttled = metrics.value("ccaas_exporter_api_throttled_seconds_total", &[]).unwrap();
    assert!(throttled <= STORM.as_secs_f64(), "{throttled} s of half an hour");
    let failed = metrics.failures("limits", "rate_limited") + metrics.failures("limits", "timeout");
    assert!(failed >= 1.0, "waiting out a storm is not success");

    // One success, and all is as before.
    tokio::time::sleep(15 * MINUTE).await;
    let metrics = stage.metrics().await;
    for collector in ["limits", "client_query"] {
        assert_eq!(metrics.collector("up", collector), 1.0, "{collector}");
    }
    stage.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_login_host_that_wants_to_be_left_alone_does_not_stop_requests_with_a_good_token() {
    let begun = Instant::now();
    let arrivals = Arrivals::default();
    let noted = arrivals.clone();
    let stage = stage_with(
        "limits: {}",
        |settings| set_refresh(settings, MINUTE),
        move |_, uri, _| {
            if !uri.contains("oauth/token") {
                return ok(r#"{"entities":[]}"#);
            }
            noted.note(uri);
            // To be renewed after 54 minutes.
            match noted.all().len() {
                1 => ok(r#"{"access_token":"t","expires_in":3600}"#),
                _ => (429, vec![("retry-after", "170".to_owned())], "{}".into()),
            }
        },
    )
    .await;
    tokio::time::sleep_until(begun + 58 * MINUTE).await;
    let metrics = stage.metrics().await;
    assert_eq!(metrics.failures("limits", "rate_limited") + metrics.failures("limits", "timeout"), 0.0);
    assert_eq!(metrics.collector("up", "limits"), 1.0);
    let throttled = metrics.value("ccaas_exporter_api_throttled_seconds_total", &[]).unwrap_or(0.0);
    assert!(throttled < 1.0, "{throttled} s");
    let asked: Vec<Instant> = arrivals.all().into_iter().map(|(at, _)| at).collect();
    assert!((2..=3).contains(&asked.len()), "{asked:?}");
    assert!(asked[1] >= begun + 54 * MINUTE, "{asked:?}");
    stage.stop().await;
}

#[tokio::test(start_paused = true)]
async fn waiting_for_the_vendor_counts_against_the_timeout_of_the_run() {
    let begun = Instant::now();
    let stage = stage_with(
        "limits: {}",
        |settings| settings.limits.as_mut().unwrap().timeout = Duration::from_secs(20),
        |_, uri, _| if uri.contains("oauth/token") { ok(TOKEN) } else { (429, vec![], "{}".into()) },
    )
    .await;
    // 3, 6 and 12 s, a quarter less at the least, and the fourth refusal would come only then; or the timeout is over before.
    stage
        .until("the failure", |metrics| {
            metrics.failures("limits", "timeout") + metrics.failures("limits", "rate_limited") >= 1.0
        })
        .await;
    assert!(begun.elapsed() <= Duration::from_secs(22), "{:?}", begun.elapsed());
    stage.stop().await;
}

#[tokio::test(start_paused = true)]
async fn more_contracts_than_can_be_read_fail_at_once_and_cost_one_request() {
    let arrivals = Arrivals::default();
    let noted = arrivals.clone();
    let contract = |n| format!(r#"{{"id":"c{n}","status":"Active"}}"#);
    let contracts = (0..501).map(contract).collect::<Vec<_>>().join(",");
    let stage = stage_with(
        "contracts: {enabled: true}",
        |_| {},
        move |_, uri, _| {
            if uri.contains("oauth/token") {
                return ok(TOKEN);
            }
            noted.note(uri);
            ok(format!(r#"{{"entities":[{contracts}]}}"#))
        },
    )
    .await;
    let metrics = stage.ready().await;
    assert_eq!(metrics.failures("contracts", "limit"), 1.0);
    assert_eq!(arrivals.all().len(), 1);
    let page = stage.text("/").await;
    assert!(page.contains("501 contracts are active, more than the 500 that are read"), "{page}");
    stage.stop().await;
}
