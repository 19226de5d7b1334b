//! The public contract: what `/metrics` looks like for a fixed seed and a fixed clock, in both formats, and what real tools
//! say of it.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use support::{Setup, golden, program};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Families whose values vary from run to run; their names, labels and HELP do not.
const VARYING: [&str; 8] = [
    "process_",
    "ccaas_exporter_build_info",
    "ccaas_exporter_scrape_duration_seconds",
    "ccaas_exporter_collector_duration_seconds",
    "ccaas_exporter_collector_next_run_timestamp_seconds",
    "ccaas_exporter_api_request_duration_seconds",
    "ccaas_exporter_api_throttled_seconds_total",
    "ccaas_exporter_api_budget_remaining_requests",
];

/// Leaves only what must not change by itself.
fn settled(text: &str) -> String {
    let varies = |line: &str| VARYING.iter().any(|name| line.starts_with(name));
    // The vendor answers 200 or 202 as it likes.
    let is_success = |line: &&str| line.starts_with("ccaas_exporter_api_requests_total{code=\"20");
    let lines = text.lines().filter(|line| !is_success(line)).map(|line| match line.rsplit_once(' ') {
        Some((series, _)) if varies(line) => {
            let series = if series.starts_with("ccaas_exporter_build_info") {
                "ccaas_exporter_build_info{…}"
            } else {
                series
            };
            format!("{series} …\n")
        }
        _ => format!("{line}\n"),
    });
    lines.collect()
}

fn setup() -> Setup {
    Setup::everything().change(|settings| settings.usage.as_mut().unwrap().endpoints = 10)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_is_as_agreed_and_promtool_finds_nothing() {
    let stage = setup().start().await;
    stage.ready().await;
    let text = stage.text("/metrics").await;
    golden("tests/golden/metrics.prom", &settled(&text));
    let (good, said) = program("promtool", &["check", "metrics"], &text);
    assert!(good && said.is_empty(), "{said}");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openmetrics_differs_only_where_it_must() {
    let stage = setup().start().await;
    stage.ready().await;
    let openmetrics = stage
        .http
        .get(format!("{}/metrics", stage.url))
        .header("accept", "application/openmetrics-text")
        .send()
        .await
        .unwrap();
    assert_eq!(
        openmetrics.headers()["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let openmetrics = openmetrics.text().await.unwrap();
    assert!(openmetrics.ends_with("\n# EOF\n"));
    assert_eq!(openmetrics.matches("# EOF").count(), 1);

    // The samples are the same; only the metadata of counters has another name.
    let text = stage.text("/metrics").await;
    let samples = |text: &str| -> Vec<String> {
        settled(text).lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    };
    assert_eq!(samples(&openmetrics), samples(&text));
    for line in openmetrics.lines().filter(|line| line.starts_with("# TYPE") && line.ends_with(" counter")) {
        assert!(!line.contains("_total "), "{line}");
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gzip_body_is_one_member_of_the_same_text() {
    use std::io::Read;
    let stage = setup().start().await;
    stage.ready().await;

    // Read from the socket, because clients undo the encoding.
    let mut socket = TcpStream::connect(stage.url.trim_start_matches("http://")).await.unwrap();
    socket
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let (head, body) = (std::str::from_utf8(&answer[..end]).unwrap().to_lowercase(), &answer[end..]);
    for header in [
        "content-encoding: gzip",
        "vary: accept, accept-encoding",
        &format!("content-length: {}", body.len()),
    ] {
        assert!(head.contains(header), "no {header} in {head}");
    }

    let mut decoder = flate2::read::GzDecoder::new(body);
    let mut text = String::new();
    decoder.read_to_string(&mut text).unwrap();
    assert!(decoder.into_inner().is_empty(), "something stands behind the first member");
    assert_eq!(settled(&text), settled(&stage.text("/metrics").await));
    stage.stop().await;
}
