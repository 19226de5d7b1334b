//! Answers of another shape than the contract says.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::scripted::{Answer, TOKEN, ok, stage};
use crate::support::{self, Metrics};

const USAGE: &str = "usage: {lookback: 1d}";
const CLIENTS: &str = "oauth_clients: {}";

/// Seven clients, each with ten requests on one of the newest days.
fn rows() -> String {
    let row = |n: usize| {
        format!(
            r#"{{"date":"2026-11-{}","oauthClient":{{"id":"c{n}","name":"n"}},"requestCount":10,"status200":10}}"#,
            14 + n
        )
    };
    (0..7).map(row).collect::<Vec<_>>().join(",")
}

fn samples(metrics: &Metrics) -> usize {
    metrics.of("genesyscloud_api_client_trailing_requests", &[]).count()
}

/// Good figures first; then the answers of `spoil`, which must fail for `reason` and change nothing.
async fn keeps_good_figures(
    reason: &str,
    spoil: impl Fn(&str, &str) -> Option<Answer> + Send + Sync + 'static,
) {
    let spoilt = Arc::new(AtomicBool::new(false));
    let is_spoilt = spoilt.clone();
    let stage = stage(USAGE, move |method, uri, _| {
        if uri.contains("oauth/token") {
            return ok(TOKEN);
        }
        if let Some(answer) = spoil(method, uri).filter(|_| is_spoilt.load(Ordering::SeqCst)) {
            return answer;
        }
        if method == "POST" {
            return ok(r#"{"id":"job"}"#);
        }
        ok(format!(r#"{{"queryStatus":"SUCCEEDED","entities":[{}]}}"#, rows()))
    })
    .await;
    let good = stage.until("figures", |metrics| samples(metrics) > 0).await;
    spoilt.store(true, Ordering::SeqCst);
    let bad = stage.until(reason, |metrics| metrics.failures("usage", reason) >= 1.0).await;
    assert_eq!(bad.collector("up", "usage"), 0.0);
    assert_eq!(bad.collector("supported", "usage"), 1.0);
    assert_eq!(samples(&bad), samples(&good));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_another_shape_do_not_become_an_empty_day() {
    keeps_good_figures("decode", |method, _| {
        let rows = rows().replace(r#""date""#, r#""day""#);
        (method == "GET").then(|| ok(format!(r#"{{"queryStatus":"Succeeded","entities":[{rows}]}}"#)))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_row_that_cannot_be_understood_does_not_make_a_sum_smaller() {
    for bad in ["-10", "1.5", "1e400", "\"ten\"", "[[[[[[10]]]]]]"] {
        keeps_good_figures("decode", move |method, _| {
            let rows = rows().replacen(":10", &format!(":{bad}"), 1);
            (method == "GET").then(|| ok(format!(r#"{{"queryStatus":"Succeeded","entities":[{rows}]}}"#)))
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_suddenly_empty_is_not_believed() {
    keeps_good_figures("truncated", |method, _| {
        (method == "GET").then(|| ok(r#"{"queryStatus":"Succeeded","entities":[]}"#))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_a_state_is_not_waited_for() {
    keeps_good_figures("decode", |method, _| {
        (method == "GET").then(|| ok(r#"{"message":"down for maintenance"}"#))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_page_that_is_not_done_is_not_the_end() {
    for second in [r#"{"queryStatus":"Failed"}"#, r#"{"queryStatus":"Running"}"#] {
        keeps_good_figures("job_failed", move |method, uri| {
            let first =
                format!(r#"{{"queryStatus":"Succeeded","entities":[{}],"nextUri":"/x?after=2"}}"#, rows());
            (method == "GET").then(|| ok(if uri.contains("after=") { second } else { &first }))
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_lost_between_its_pages_is_expired_and_no_missing_api() {
    keeps_good_figures("job_expired", |method, uri| {
        let first =
            format!(r#"{{"queryStatus":"Succeeded","entities":[{}],"nextUri":"/x?after=2"}}"#, rows());
        let lost = (404, vec![], r#"{"code":"not.found"}"#.to_owned());
        (method == "GET").then(|| if uri.contains("after=") { lost } else { ok(first) })
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_come_again_under_new_cursors_are_not_counted_twice() {
    let page = Arc::new(AtomicUsize::new(1));
    keeps_good_figures("truncated", move |method, _| {
        let number = page.fetch_add(1, Ordering::SeqCst);
        let rows = if number.is_multiple_of(2) { rows() } else { rows().replace("\"c", "\"d") };
        let body =
            format!(r#"{{"queryStatus":"Succeeded","entities":[{rows}],"nextUri":"/x?after={number}"}}"#);
        (method == "GET").then(|| ok(body))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_run_whose_job_is_lost_does_not_change_the_api() {
    let lost = Arc::new(AtomicUsize::new(0));
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = calls.clone();
    let stage = stage(USAGE, move |method, uri, _| {
        if uri.contains("oauth/token") {
            return ok(TOKEN);
        }
        seen.lock().unwrap().push(format!("{method} {uri}"));
        if method == "POST" {
            return ok(r#"{"id":"job","executionId":"job"}"#);
        }
        if uri.contains("after=") && lost.fetch_add(1, Ordering::SeqCst) == 0 {
            return (404, vec![], r#"{"code":"not.found"}"#.into());
        }
        let next = if uri.contains("after=") { "null" } else { r#""/x?after=2""# };
        let rows = if uri.contains("after=") { String::new() } else { rows() };
        ok(format!(r#"{{"queryStatus":"Succeeded","entities":[{rows}],"nextUri":{next}}}"#))
    })
    .await;
    stage.until("figures", |metrics| samples(metrics) > 0).await;
    assert!(
        calls.lock().unwrap().iter().all(|call| call.contains("aggregates")),
        "{:?}",
        calls.lock().unwrap()
    );
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_legacy_answer_that_promises_more_is_truncated() {
    let legacy = USAGE.replace("usage: {", "usage: {api: legacy, ");
    let stage = stage(&legacy, |method, uri, _| match method {
        _ if uri.contains("oauth/token") => ok(TOKEN),
        "POST" => ok(r#"{"executionId":"e"}"#),
        _ => ok(r#"{"queryStatus":"Complete","results":[],"cursors":{"after":"more"}}"#),
    })
    .await;
    let metrics = stage.until("the failure", |metrics| metrics.failures("usage", "truncated") >= 1.0).await;
    assert_eq!(samples(&metrics), 0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_list_of_another_shape_is_not_an_empty_list() {
    let spoilt = Arc::new(AtomicBool::new(false));
    let is_spoilt = spoilt.clone();
    let stage = stage(CLIENTS, move |_, uri, _| {
        if uri.contains("oauth/token") {
            return ok(TOKEN);
        }
        if is_spoilt.load(Ordering::SeqCst) {
            return ok(r#"{"message":"down for maintenance"}"#);
        }
        ok(r#"{"entities":[{"id":"a","name":"n"},{"id":"b","name":"m"}],"pageCount":1,"total":2}"#)
    })
    .await;
    let clients = |metrics: &Metrics| metrics.of("genesyscloud_oauth_client_info", &[]).count();
    stage.until("the list", |metrics| clients(metrics) == 2).await;
    spoilt.store(true, Ordering::SeqCst);
    let metrics =
        stage.until("the failure", |metrics| metrics.failures("oauth_clients", "decode") >= 1.0).await;
    assert_eq!(clients(&metrics), 2);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_too_long_is_not_read_to_its_end() {
    let stage = stage(CLIENTS, |_, uri, _| {
        if uri.contains("oauth/token") {
            return ok(TOKEN);
        }
        let padding = "x".repeat(9 * 1024 * 1024);
        ok(format!(r#"{{"entities":[{{"id":"a","name":"{padding}"}}],"pageCount":1}}"#))
    })
    .await;
    let metrics =
        stage.until("the failure", |metrics| metrics.failures("oauth_clients", "limit") >= 1.0).await;
    assert_eq!(metrics.of("genesyscloud_oauth_client_info", &[]).count(), 0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn absurd_times_neither_stop_the_program_nor_a_collector() {
    let absurd = "18446744073709551615";
    let stage = stage("oauth_clients: {}, usage: {lookback: 1d}", move |_, uri, _| {
        if uri.contains("oauth/token") {
            return ok(format!(r#"{{"access_token":"t","expires_in":{absurd}}}"#));
        }
        if uri.contains("oauth/clients") {
            return ok(r#"{"entities":[{"id":"a","name":"n"}],"pageCount":1}"#);
        }
        (429, vec![("Retry-After", absurd.to_owned())], "{}".into())
    })
    .await;
    let metrics =
        stage.until("the failure", |metrics| metrics.failures("usage", "rate_limited") >= 1.0).await;
    let now = support::NOW.parse::<jiff::Timestamp>().unwrap().as_second() as f64;
    assert!(metrics.collector("next_run_timestamp_seconds", "usage") < now + 2.0 * 86_400.0);
    stage.until("the neighbour", |metrics| metrics.collector("up", "oauth_clients") == 1.0).await;
    assert_eq!(stage.get("/-/healthy").await.status(), 200);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_host_that_asks_for_an_hour_is_asked_once() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let stage = stage(USAGE, move |_, uri, _| {
        assert!(uri.contains("oauth/token"), "nothing else is asked without a token");
        count.fetch_add(1, Ordering::SeqCst);
        (429, vec![("Retry-After", "3600".into())], "{}".into())
    })
    .await;
    let metrics =
        stage.until("the failure", |metrics| metrics.failures("usage", "rate_limited") >= 1.0).await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    let now = support::NOW.parse::<jiff::Timestamp>().unwrap().as_second() as f64;
    assert!(metrics.collector("next_run_timestamp_seconds", "usage") >= now + 3600.0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vendor_text_in_labels_is_kept_and_vendor_text_in_errors_is_not() {
    let personal = "no access for jane.doe@example.com +49 170 1234567";
    let name = "quote \\\" backslash \\\\ newline \\n snow ☃";
    let stage = stage("oauth_clients: {}, usage: {lookback: 1d}", move |method, uri, _| {
        if uri.contains("oauth/token") {
            return ok(TOKEN);
        }
        if uri.contains("oauth/clients") {
            return ok(format!(r#"{{"entities":[{{"id":"a","name":"{name}"}}],"pageCount":1}}"#));
        }
        if method == "POST" {
            return ok(r#"{"id":"job"}"#);
        }
        ok(format!(
            r#"{{"queryStatus":"Failed","errorBody":{{"code":"{personal}","message":"{personal}"}}}}"#
        ))
    })
    .await;
    let metrics = stage
        .until("both", |metrics| {
            metrics.failures("usage", "job_failed") >= 1.0 && metrics.collector("up", "oauth_clients") == 1.0
        })
        .await;
    let info = metrics.of("genesyscloud_oauth_client_info", &[]).next().unwrap();
    assert_eq!(info.label("client_name"), "quote \" backslash \\ newline \n snow ☃");
    for page in ["/", "/api/v1/status", "/metrics", "/config"] {
        assert!(!stage.text(page).await.contains("jane.doe"), "{page}");
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_very_many_users_is_read() {
    const USERS: usize = 40_000;
    let stage = stage("billable_usage: {}", move |_, uri, _| {
        if uri.contains("oauth/token") {
            return ok(TOKEN);
        }
        let user = |n| format!(r#"{{"name":"user-{n}@example.com","date":"2026-11-01T00:00:00.000Z"}}"#);
        let users: Vec<String> = (0..USERS).map(user).collect();
        ok(format!(
            r#"{{"status":"Complete","usages":[{{"name":"CX 2","totalUsage":"40000","resources":[{}]}}]}}"#,
            users.join(",")
        ))
    })
    .await;
    let metrics = stage.until("the report", |metrics| metrics.collector("up", "billable_usage") == 1.0).await;
    let resources = metrics.value("genesyscloud_billable_usage_resources", &[("charge", "CX 2")]);
    assert_eq!(resources, Some(USERS as f64));
    stage.stop().await;
}
