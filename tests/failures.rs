//! What goes wrong at the vendor, and what the exporter makes of it: the right reason, no zeros, old figures kept, recovery.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::time::Duration;

use support::{Metrics, Setup, Stage, Vendor, poll, scenario};

const USAGE: &str = "usage: {lookback: 30d}";
const SHORT: Duration = Duration::from_millis(400);

/// The vendor samples of a scrape, as text.
fn figures(metrics: &Metrics) -> Vec<String> {
    let vendor = metrics.samples.iter().filter(|sample| sample.name.starts_with("genesyscloud_"));
    vendor.map(|sample| format!("{}{:?} {}", sample.name, sample.labels, sample.value)).collect()
}

/// Collects once in health, then under the faults: the run fails for `reason` and the figures stay. Then health again.
async fn fails_and_recovers(faults: &str, reason: &str) {
    let mut setup = Setup::only(USAGE).refresh(SHORT);
    setup.request_timeout = Duration::from_millis(700);
    let stage = setup.start().await;
    let healthy = stage.until("the first figures", |metrics| metrics.collector("up", "usage") == 1.0).await;
    let good = figures(&healthy);
    assert!(good.len() > 50, "{good:?}");

    stage.simulator.set_scenario(scenario(faults));
    let failing = stage.until(reason, |metrics| metrics.failures("usage", reason) >= 1.0).await;
    assert_eq!(figures(&failing), good, "a failure changes no figure");
    for other in ["auth", "forbidden", "rate_limited", "timeout", "network", "server", "decode"] {
        assert!(other == reason || failing.failures("usage", other) == 0.0, "also counted as {other}");
    }
    let failing = stage.until("down", |metrics| metrics.collector("up", "usage") == 0.0).await;
    assert!(failing.collector("last_success_timestamp_seconds", "usage") > 0.0);
    let status: serde_json::Value = stage.get("/api/v1/status").await.json().await.unwrap();
    assert_eq!(status["collectors"][0]["last_error"]["reason"], reason);

    stage.simulator.set_scenario(scenario("faults: []"));
    let recovered = stage.until("recovery", |metrics| metrics.collector("up", "usage") == 1.0).await;
    assert_eq!(figures(&recovered), good);
    stage.stop().await;
}

macro_rules! failures {
    ($($name:ident: $reason:literal, $faults:literal;)+) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            fails_and_recovers(concat!("faults:\n  - ", $faults), $reason).await;
        }
    )+};
}

failures! {
    a_refused_token_is_an_auth_failure: "auth",
        "{operation: postUsageAggregatesJob, fault: {status: 401, code: bad.credentials}}";
    an_address_that_is_not_allowed_is_an_auth_failure: "auth",
        "{operation: postUsageAggregatesJob, fault: {status: 401, code: ip.not.authorized}}";
    a_missing_permission_after_figures_came_is_forbidden: "forbidden",
        "{operation: postUsageAggregatesJob, fault: {status: 403, code: missing.any.permissions}}";
    an_error_of_the_vendor_is_a_server_failure: "server",
        "{operation: getUsageAggregatesJob, fault: {status: 503, code: service.unavailable}}";
    a_gateways_html_page_does_not_hide_the_status: "server",
        "{operation: getUsageAggregatesJob, fault: {html: 502}}";
    html_with_status_200_is_a_decode_failure: "decode",
        "{operation: getUsageAggregatesJob, fault: {html: 200}}";
    text_that_is_not_json_is_a_decode_failure: "decode",
        "{operation: postUsageAggregatesJob, fault: {garbage: true}}";
    json_of_another_shape_is_a_decode_failure: "decode",
        "{operation: postUsageAggregatesJob, fault: {wrong_json: true}}";
    a_body_that_ends_early_is_a_network_failure: "network",
        "{operation: getUsageAggregatesJob, fault: {truncate: 100}}";
    a_reset_connection_is_a_network_failure: "network",
        "{operation: getUsageAggregatesJob, fault: {reset: true}}";
    a_vendor_that_never_answers_is_a_timeout: "timeout",
        "{operation: getUsageAggregatesJob, fault: {hang: true}}";
    a_failed_job_is_a_job_failure: "job_failed",
        "{operation: postUsageAggregatesJob, fault: {job: failed}}";
    a_cancelled_job_is_a_job_failure: "job_failed",
        "{operation: postUsageAggregatesJob, fault: {job: cancelled}}";
    a_job_lost_again_and_again_is_expired: "job_expired",
        "{operation: postUsageAggregatesJob, fault: {job: lost}}";
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_asks_for_an_hour_ends_the_run_and_gets_its_hour() {
    let faults = "faults:\n  - {operation: postUsageAggregatesJob, fault: {status: 429, headers: {Retry-After: '3600'}}}";
    let stage = Setup::only(USAGE).refresh(SHORT).scenario(faults).start().await;
    let metrics =
        stage.until("the failure", |metrics| metrics.failures("usage", "rate_limited") == 1.0).await;
    let now = support::NOW.parse::<jiff::Timestamp>().unwrap().as_second() as f64;
    assert!(metrics.collector("next_run_timestamp_seconds", "usage") >= now + 3600.0);
    assert_eq!(stage.simulator.count("postUsageAggregatesJob"), 1, "not asked again meanwhile");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_does_not_end_is_a_timeout() {
    let setup = Setup::only(USAGE).refresh(Duration::from_mins(1));
    let setup =
        setup.change(|settings| settings.usage.as_mut().unwrap().schedule.timeout = Duration::from_secs(1));
    let stage = setup
        .scenario("faults:\n  - {operation: postUsageAggregatesJob, fault: {job: endless}}")
        .start()
        .await;
    let metrics = stage.ready().await;
    assert_eq!(metrics.failures("usage", "timeout"), 1.0);
    assert!(figures(&metrics).is_empty(), "no figure is better than a wrong one: {:?}", figures(&metrics));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_page_is_truncated_and_counts_nothing_twice() {
    // Enough rows for several pages, every page the same again and again.
    let mut setup = Setup::only(USAGE).refresh(Duration::from_mins(1));
    setup.options.clients = 60;
    let stage = setup
        .scenario("faults:\n  - {operation: getUsageAggregatesJob, after: 2, fault: {repeat_page: true}}")
        .start()
        .await;
    let metrics = stage.ready().await;
    assert_eq!(metrics.failures("usage", "truncated"), 1.0);
    assert!(figures(&metrics).is_empty());
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_lost_once_is_started_again() {
    let faults = "faults:\n  - {operation: postUsageAggregatesJob, times: 1, fault: {job: lost}}";
    let stage = Setup::only(USAGE).scenario(faults).start().await;
    let metrics = stage.ready().await;
    assert_eq!(metrics.collector("up", "usage"), 1.0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_retry_after_is_waited_for_and_trouble_that_passes_is_no_failure() {
    let faults = "faults:\n  - {operation: postUsageAggregatesJob, times: 1, fault: {status: 429, headers: {Retry-After: '1'}}}\n  \
                  - {operation: getUsageAggregatesJob, times: 1, fault: {status: 503}}";
    let stage = Setup::only(USAGE).scenario(faults).start().await;
    let metrics = stage.ready().await;
    assert_eq!(metrics.collector("up", "usage"), 1.0);
    let code = |code| {
        metrics
            .of("ccaas_exporter_api_requests_total", &[("code", code)])
            .map(|sample| sample.value)
            .sum::<f64>()
    };
    assert_eq!((code("429"), code("503")), (1.0, 1.0));
    let throttled = metrics.value("ccaas_exporter_api_throttled_seconds_total", &[]).unwrap();
    assert!(throttled >= 1.0, "the wait counts as throttled: {throttled}");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_is_renewed_once() {
    let faults = "faults:\n  - {operation: getUsageAggregatesJob, times: 1, fault: {expire_token: true}}";
    let stage = Setup::only(USAGE).scenario(faults).start().await;
    let metrics = stage.ready().await;
    assert_eq!(metrics.collector("up", "usage"), 1.0);
    assert_eq!(stage.simulator.count("createToken"), 2);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_second_is_not_bought_for_every_request() {
    let mut setup = Setup::only(USAGE).refresh(SHORT);
    // The vendor's clock stands still, so it refuses no token.
    setup.options.token_lifetime = Duration::from_secs(1);
    let stage = setup.start().await;
    let metrics = stage.ready().await;
    assert_eq!(metrics.collector("up", "usage"), 1.0);
    assert!(stage.simulator.requests().len() > 3);
    assert_eq!(stage.simulator.count("createToken"), 1);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_address_is_not_answered_with_a_new_token() {
    let faults =
        "faults:\n  - {operation: postUsageAggregatesJob, fault: {status: 401, code: ip.not.authorized}}";
    let stage = Setup::only(USAGE).scenario(faults).start().await;
    assert_eq!(stage.ready().await.failures("usage", "auth"), 1.0);
    assert_eq!(stage.simulator.count("createToken"), 1);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_requests_at_once_need_one_token() {
    // Slow enough that every collector has come for the token before it is there.
    let faults = "faults:\n  - {operation: createToken, fault: {delay: 2s}}";
    let stage = Setup::new().scenario(faults).start().await;
    stage.ready().await;
    assert!(stage.simulator.requests().len() > 40);
    assert_eq!(stage.simulator.count("createToken"), 1);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_jobs_api_the_legacy_one_is_asked_and_only_that() {
    for fault in
        ["{status: 404, code: not.found}", "{status: 403, code: missing.permissions}", "{status: 410}"]
    {
        let faults = format!("faults:\n  - {{operation: postUsageAggregatesJob, fault: {fault}}}");
        let stage = Setup::only(USAGE).refresh(SHORT).scenario(&faults).start().await;
        let metrics =
            stage.until("three runs", |metrics| metrics.collector("polls_total", "usage") >= 3.0).await;
        assert_eq!(metrics.collector("up", "usage"), 1.0, "{fault}");
        assert_eq!(stage.simulator.count("postUsageAggregatesJob"), 1, "asked once: {fault}");
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_goes_away_gives_way_to_the_other_and_leaves_nothing_of_its_figures() {
    let stage = Setup::only(USAGE).refresh(SHORT).start().await;
    let excluded = |metrics: &Metrics| {
        metrics.of("genesyscloud_api_client_last_day_requests", &[("fair_use", "excluded")]).count()
    };
    let jobs = stage.until("figures of the jobs API", |metrics| excluded(metrics) > 0).await;
    stage
        .simulator
        .set_scenario(scenario("faults:\n  - {operation: postUsageAggregatesJob, fault: {status: 410}}"));
    let legacy = stage
        .until("figures of the legacy API", |metrics| {
            excluded(metrics) == 0 && metrics.collector("supported", "usage") == 1.0
        })
        .await;
    assert_eq!(legacy.collector("up", "usage"), 1.0);
    assert!(figures(&legacy).len() < figures(&jobs).len());
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_does_not_exist_is_not_supported_and_no_failure() {
    let faults = "faults:\n  - {operation: listOAuthClients, fault: {status: 404, code: not.found}}";
    let stage = Setup::only("oauth_clients: {}, usage: {lookback: 30d}").scenario(faults).start().await;
    let metrics = stage.ready().await;
    assert_eq!(metrics.collector("supported", "oauth_clients"), 0.0);
    assert_eq!(metrics.collector("up", "oauth_clients"), 1.0);
    assert_eq!(metrics.collector("last_success_timestamp_seconds", "oauth_clients"), 0.0);
    assert_eq!(metrics.collector("up", "usage"), 1.0, "the neighbour does not care");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_goes_down_takes_no_figure_along_and_comes_back_by_itself() {
    // A real clock, so that ages grow; the day that just ended is complete in both scrapes.
    let mut setup = Setup::new().refresh(Duration::from_secs(1));
    setup.clock = ccaas_exporter::clock::Clock::system();
    setup.options.clock = setup.clock.clone();
    let mut stage = setup.start().await;
    let up = |metrics: &Metrics, value: f64| {
        ["usage", "client_summary", "oauth_clients"]
            .iter()
            .all(|collector| metrics.collector("up", collector) == value)
    };
    stage.until("all up", |metrics| up(metrics, 1.0)).await;

    let address = stage.stop_vendor().await;
    let down = stage.until("all down", |metrics| up(metrics, 0.0)).await;
    assert!(figures(&down).len() > 100);
    let last_success = down.collector("last_success_timestamp_seconds", "usage");
    assert!(down.failures("usage", "network") + down.failures("usage", "timeout") >= 1.0);
    for reason in ["server", "decode", "auth"] {
        assert_eq!(down.failures("usage", reason), 0.0, "{reason}");
    }
    let later = stage
        .until("another attempt", |metrics| {
            metrics.collector("last_attempt_timestamp_seconds", "usage")
                > down.collector("last_attempt_timestamp_seconds", "usage")
        })
        .await;
    assert_eq!(later.collector("last_success_timestamp_seconds", "usage"), last_success, "the age grows");
    assert_eq!(figures(&later), figures(&down), "the values stay");
    assert_eq!(
        stage.get("/-/healthy").await.status(),
        200,
        "an outage at the vendor is no reason to be restarted"
    );
    assert_eq!(stage.get("/metrics?strict=true").await.status(), 503);

    stage.vendor = Some(Vendor::start(stage.simulator.clone(), &address).await);
    let recovered = stage.until("all up again", |metrics| up(metrics, 1.0)).await;
    assert!(recovered.collector("last_success_timestamp_seconds", "usage") > last_success);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_older_than_max_staleness_are_dropped() {
    let mut setup = Setup::only(USAGE).refresh(SHORT);
    setup = setup
        .change(|settings| settings.usage.as_mut().unwrap().schedule.max_staleness = Duration::from_secs(2));
    let start: jiff::Timestamp = support::NOW.parse().unwrap();
    let begun = std::time::Instant::now();
    setup.clock = ccaas_exporter::clock::Clock::from_fn(move || start + begun.elapsed());
    let stage = setup.start().await;
    stage.until("figures", |metrics| figures(metrics).len() > 50).await;
    stage.simulator.set_scenario(scenario("faults:\n  - {operation: '*', fault: {status: 500}}"));
    let dropped = stage.until("nothing left", |metrics| figures(metrics).is_empty()).await;
    assert_eq!(dropped.collector("series", "usage"), 0.0);
    assert!(dropped.collector("last_success_timestamp_seconds", "usage") > 0.0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_past_day_is_counted_as_restated() {
    let stage = Setup::only(USAGE).refresh(SHORT).start().await;
    stage.until("two runs", |metrics| metrics.collector("polls_total", "usage") >= 2.0).await;
    let restated = |metrics: &Metrics| {
        metrics.value("ccaas_exporter_restatements_total", &[("collector", "usage")]).unwrap()
    };
    assert_eq!(restated(&stage.metrics().await), 0.0);
    stage.simulator.set_scenario(scenario("faults:\n  - {operation: postUsageAggregatesJob, times: 1, fault: {restate: {days_ago: 3, factor: 1.5}}}"));
    stage.until("one restatement", |metrics| restated(metrics) == 1.0).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restatement_is_counted_even_when_the_run_that_noticed_it_failed() {
    let stage = Setup::only(USAGE).refresh(SHORT).start().await;
    stage.until("two runs", |metrics| metrics.collector("polls_total", "usage") >= 2.0).await;
    stage.simulator.set_scenario(scenario(
        "faults:\n  - {operation: postUsageAggregatesJob, times: 1, fault: {restate: {days_ago: 1, factor: 1.5}}}\n  \
         - {operation: postUsageAggregatesJob, after: 1, times: 1, fault: {job: failed}}",
    ));
    stage.until("the failure", |metrics| metrics.failures("usage", "job_failed") == 1.0).await;
    let recovered = stage.until("recovery", |metrics| metrics.collector("up", "usage") == 1.0).await;
    assert_eq!(recovered.value("ccaas_exporter_restatements_total", &[("collector", "usage")]), Some(1.0));
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_with_old_days_does_not_hold_up_the_new_ones() {
    let faults = "faults:\n  - {operation: postUsageAggregatesJob, after: 2, times: 1, fault: {job: failed}}";
    let stage = Setup::only("usage: {}").refresh(SHORT).scenario(faults).start().await;
    let metrics = stage.ready().await;
    assert_eq!(metrics.collector("up", "usage"), 1.0);
    assert!(figures(&metrics).len() > 50);
    let active =
        |metrics: &Metrics| metrics.of("genesyscloud_api_client_last_active_timestamp_seconds", &[]).count();
    let at_first = active(&metrics);
    stage.until("the rest of the look-back", |metrics| active(metrics) > at_first).await;
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_that_refuses_old_days_is_not_asked_for_them_again() {
    let faults = "faults:\n  - {operation: postUsageAggregatesJob, after: 2, times: 2, fault: {status: 400, code: invalid.date}}";
    let stage = Setup::only("usage: {}").refresh(SHORT).scenario(faults).start().await;
    let metrics = stage.until("three runs", |metrics| metrics.collector("polls_total", "usage") >= 3.0).await;
    assert_eq!(metrics.collector("up", "usage"), 1.0);
    // Two for the first run, the refusal of date-times and of dates, and one for each run after it.
    let runs = metrics.collector("polls_total", "usage") as usize;
    assert!(stage.simulator.count("postUsageAggregatesJob") <= 4 + runs, "{runs} runs");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_back_that_takes_long_does_not_use_up_the_run() {
    let faults = "faults:\n  - {operation: postUsageAggregatesJob, after: 2, fault: {job: endless}}";
    let setup = Setup::only("usage: {}").scenario(faults);
    let setup =
        setup.change(|settings| settings.usage.as_mut().unwrap().schedule.timeout = Duration::from_secs(4));
    let stage = setup.start().await;
    let metrics = stage.ready().await;
    assert_eq!(metrics.collector("up", "usage"), 1.0);
    assert!(figures(&metrics).len() > 50);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_summary_of_one_client_that_fails_hides_no_other() {
    let faults = "faults:\n  - {operation: getClientUsageSummary, times: 1, fault: {job: failed}}";
    let stage = Setup::only("client_summary: {}").scenario(faults).start().await;
    let metrics = stage.ready().await;
    assert_eq!(metrics.collector("up", "client_summary"), 1.0);
    assert_eq!(
        metrics.value("ccaas_exporter_rows_invalid_total", &[]),
        Some(1.0),
        "what is left out is told"
    );
    assert!(metrics.sums("genesyscloud_oauth_client_requests", "client_id").len() >= 8);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn summaries_that_are_finished_are_not_paid_for_again() {
    let faults =
        "faults:\n  - {operation: getClientUsageQueryResults, after: 30, times: 1, fault: {status: 400}}";
    let stage = Setup::only("client_summary: {}").refresh(SHORT).scenario(faults).start().await;
    let metrics = stage.until("success", |metrics| metrics.collector("up", "client_summary") == 1.0).await;
    assert_eq!(metrics.failures("client_summary", "server"), 1.0);
    let clients = metrics.sums("genesyscloud_oauth_client_requests", "client_id").len();
    // Those in flight when one failed are started again, the finished ones are not.
    assert!(stage.simulator.count("getClientUsageSummary") <= clients + 8 + 4);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn summaries_that_no_client_has_are_not_supported() {
    let faults = "faults:\n  - {operation: getClientUsageSummary, fault: {status: 404, code: not.found}}";
    let stage = Setup::only("client_summary: {}").scenario(faults).start().await;
    let metrics = stage.ready().await;
    assert_eq!(metrics.collector("supported", "client_summary"), 0.0);
    assert_eq!(metrics.collector("last_success_timestamp_seconds", "client_summary"), 0.0);
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exporter_stops_in_time_while_a_scraper_holds_its_connection() {
    let stage: Stage = Setup::new().start().await;
    stage.ready().await;
    let address = stage.url.trim_start_matches("http://").to_owned();
    let _half_open = tokio::net::TcpStream::connect(&address).await.unwrap();
    let begun = std::time::Instant::now();
    stage.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    poll("the port to be free", async || tokio::net::TcpListener::bind(&address).await.ok()).await;
}
