//! Figures and dates that cannot be, and some that only look so.

use std::time::Duration;

use crate::vendor::{Kind, Reply, good, keeps_good_figures, listen, stage};

/// What is no count, and what neither is an amount.
const NO_COUNTS: [&str; 16] = [
    "NaN",
    "Infinity",
    "-Infinity",
    "\"NaN\"",
    "\"-inf\"",
    "1e400",
    "-1e400",
    "\"1e400\"",
    "18446744073709551616",
    "\"18446744073709551616\"",
    "99999999999999999999999999999999999999999999999999",
    "1e16",
    "0x10",
    "[10]",
    "{\"a\":10}",
    "true",
];

/// Days that are none, or not those that were asked for in a form that is one.
const NO_DAYS: [&str; 12] = [
    "2026-02-29",
    "2026-11-31",
    "2026-00-10",
    "2026-11-20T23:59:60Z",
    "2026-11-20T25:00:00Z",
    "10000-01-01",
    "-2026-11-20",
    "2026-11-20T00:00:00+14:00",
    "20.11.2026",
    "٢٠٢٦-١١-٢٠",
    "tomorrow",
    "",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_figure_is_in_no_sum() {
    let cases: Vec<String> = (0..NO_COUNTS.len()).map(|case| format!("n{case}")).collect();
    keeps_good_figures(
        &cases,
        Duration::from_secs(10),
        |case, request| {
            let kind = request.kind();
            let value = NO_COUNTS[case[1..].parse::<usize>().unwrap()];
            matches!(kind, Kind::Rows | Kind::Page)
                .then(|| Reply::body(good(kind).replacen(":10", &format!(":{value}"), 1)))
        },
        |_, kind| if kind == Kind::List { &[] } else { &["decode"] },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_day_or_month_is_in_no_sum() {
    let cases: Vec<String> = (0..NO_DAYS.len()).map(|case| format!("d{case}")).collect();
    keeps_good_figures(
        &cases,
        Duration::from_secs(10),
        |case, request| {
            let kind = request.kind();
            let value = NO_DAYS[case[1..].parse::<usize>().unwrap()];
            let day = if kind == Kind::Rows { "2026-11-20" } else { "2026-11" };
            matches!(kind, Kind::Rows | Kind::Page)
                .then(|| Reply::body(good(kind).replacen(&format!("\"{day}\""), &format!("\"{value}\""), 1)))
        },
        |_, kind| if kind == Kind::List { &[] } else { &["decode"] },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_in_odd_forms_are_what_they_say() {
    // A form, the count that it is, the amount that it is.
    const FORMS: [(&str, f64, f64); 8] = [
        ("10.0", 10.0, 10.0),
        ("1e1", 10.0, 10.0),
        ("100E-1", 10.0, 10.0),
        ("\"10\"", 10.0, 10.0),
        ("\" 10.00 \"", 10.0, 10.0),
        ("-0", 0.0, 0.0),
        ("-0.0", 0.0, 0.0),
        ("1000000000000000", 1e15, 1e15),
    ];
    let cases: Vec<String> = (0..FORMS.len()).map(|case| format!("f{case}")).collect();
    let url = listen(|request| {
        let case: usize = request.organization[1..].split('-').next().unwrap().parse().unwrap();
        Reply::body(good(request.kind()).replace(":10", &format!(":{}", FORMS[case].0)))
    })
    .await;
    let stage = stage(&url, &cases, Duration::from_secs(10)).await;
    let metrics = stage
        .until("all up", |metrics| {
            metrics.of("ccaas_exporter_collector_up", &[]).filter(|sample| sample.value == 1.0).count()
                == 3 * FORMS.len()
        })
        .await;
    for (case, (form, count, amount)) in FORMS.iter().enumerate() {
        let labels = [("organization", &*format!("f{case}-g")), ("client_id", "c6"), ("status", "2xx")];
        assert_eq!(
            metrics.value("genesyscloud_api_client_last_day_requests", &labels),
            Some(*count),
            "{form}"
        );
        let labels = [("organization", &*format!("f{case}-t"))];
        assert_eq!(metrics.value("talkdesk_usage_amount", &labels), Some(*amount), "{form}");
    }
    assert!(!stage.text("/metrics").await.contains("} -0"), "no zero is negative");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_at_the_ends_of_the_calendar_neither_stop_nor_spoil_anything() {
    const DATES: [&str; 11] = [
        "-009999-01-02T01:59:59Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00Z",
        "2028-02-29T00:00:00Z",
        "2027-02-29T00:00:00Z",
        "2026-06-30T23:59:60Z",
        "9999-12-31T23:59:59.999999999Z",
        "10000-01-01T00:00:00Z",
        "99999999999999999999-01-01T00:00:00Z",
    ];
    let cases: Vec<String> = (0..DATES.len()).map(|case| format!("e{case}")).collect();
    let url = listen(|request| {
        let case: usize = request.organization[1..].split('-').next().unwrap().parse().unwrap();
        let date = DATES[case];
        Reply::body(match request.kind() {
            Kind::List => {
                format!(r#"{{"entities":[{{"id":"a","dateCreated":"{date}","dateToDelete":"{date}"}}]}}"#)
            }
            // One row of another day among a hundred good ones: it was not asked for, so it is left out.
            Kind::Rows => {
                let good: Vec<_> = (0..120)
                    .map(|n| {
                        format!(r#"{{"date":"2026-11-20","oauthClient":{{"id":"c{n}"}},"requestCount":10}}"#)
                    })
                    .collect();
                format!(
                    r#"{{"queryStatus":"SUCCEEDED","entities":[{{"date":"{date}","requestCount":7}},{}]}}"#,
                    good.join(",")
                )
            }
            kind => good(kind),
        })
    })
    .await;
    let stage = stage(&url, &cases, Duration::from_secs(10)).await;
    let metrics = stage
        .until("all up", |metrics| {
            metrics.of("ccaas_exporter_collector_up", &[]).filter(|sample| sample.value == 1.0).count()
                == 3 * DATES.len()
        })
        .await;
    for (case, date) in DATES.iter().enumerate() {
        let organization = format!("e{case}-g");
        let labels = [("organization", &*organization)];
        let clients = metrics.of("genesyscloud_api_client_last_active_timestamp_seconds", &labels).count();
        assert_eq!(clients, 120, "{date}");
        let created = metrics.value("genesyscloud_oauth_client_created_timestamp_seconds", &labels);
        let known = date.parse::<jiff::Timestamp>().ok().map(|at| at.as_second() as f64);
        assert_eq!(created, known, "{date}");
    }
    stage.stop().await;
}
