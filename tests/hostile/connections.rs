//! Connections that break anywhere, lead elsewhere, or carry too much beside the answer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::scripted::TOKEN;
use crate::vendor::{Kind, Reply, good, keeps_good_figures, listen, stage};

/// The shortest answers that are good ones.
fn short(kind: Kind) -> &'static str {
    match kind {
        Kind::Rows => r#"{"queryStatus":"SUCCEEDED","entities":[{"date":"2026-11-20","requestCount":10}]}"#,
        Kind::List => r#"{"entities":[{"id":"a"}],"total":1}"#,
        Kind::Page => r#"{"_embedded":{"usage":[{"account_id":"a","month":"2026-11","total_amount":10}]}}"#,
        Kind::Token => r#"{"access_token":"t"}"#,
        Kind::Other => r#"{"id":"job"}"#,
    }
}

/// With its length, so that a cut is noticed at any byte, or without, so that the end of the connection is that of the body.
fn answer(kind: Kind, has_length: bool) -> String {
    let body = short(kind);
    let length = if has_length { format!("Content-Length: {}\r\n", body.len()) } else { String::new() };
    format!("HTTP/1.1 200 OK\r\n{length}\r\n{body}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_at_any_byte_of_an_answer_changes_no_figure() {
    // The shortest answer is cut at every byte, the others in as many places.
    let whole = |case: &str, kind: Kind| answer(kind, case.starts_with("length"));
    let cut = move |case: &str, kind: Kind| {
        let number: usize = case.rsplit_once('x').unwrap().1.parse().unwrap();
        number * whole(case, kind).len() / whole(case, Kind::List).len()
    };
    let cuts =
        |form: &'static str| (0..whole(form, Kind::List).len()).map(move |cut| format!("{form}x{cut}"));
    let cases: Vec<String> = cuts("length").chain(cuts("open")).collect();
    keeps_good_figures(
        &cases,
        Duration::from_secs(10),
        move |case, request| {
            let kind = request.kind();
            let is_watched = matches!(kind, Kind::Rows | Kind::List | Kind::Page);
            is_watched.then(|| {
                let whole = whole(case, kind);
                Reply::bytes(&whole.as_bytes()[..cut(case, kind)])
            })
        },
        move |case, kind| {
            let whole = whole(case, kind);
            let head = whole.find("\r\n\r\n").unwrap() + 4;
            // A body that ends with the connection is complete as far as HTTP knows.
            if case.starts_with("open") && cut(case, kind) >= head { &["decode"] } else { &["network"] }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_redirect_is_followed_and_no_token_comes_to_another_host() {
    let visitors = Arc::new(Mutex::new(Vec::new()));
    let seen = visitors.clone();
    let elsewhere = listen(move |request| {
        seen.lock().unwrap().push(request.head.clone());
        Reply::body(good(request.kind()))
    })
    .await;
    let codes = ["301", "302", "303", "307", "308"];
    let cases: Vec<String> = codes.iter().flat_map(|code| [format!("d{code}"), format!("t{code}")]).collect();
    let target = elsewhere.clone();
    keeps_good_figures(
        &cases,
        Duration::from_secs(10),
        move |case, request| {
            let (what, code) = case.split_at(1);
            let is_meant = (what == "t") == (request.kind() == Kind::Token);
            is_meant.then(|| {
                let location = format!("{target}/{}/{}", request.organization, request.path);
                Reply::bytes(format!(
                    "HTTP/1.1 {code} Elsewhere\r\nConnection: close\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
                ))
            })
        },
        |case, _| if case.starts_with('t') { &["auth"] } else { &["server"] },
    )
    .await;
    assert_eq!(*visitors.lock().unwrap(), Vec::<String>::new(), "somebody came");
    // The listener does record whoever comes.
    reqwest::Client::builder().no_proxy().build().unwrap().get(&elsewhere).send().await.unwrap();
    assert_eq!(visitors.lock().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_to_another_host_are_followed_on_the_configured_one() {
    let visitors = Arc::new(Mutex::new(Vec::new()));
    let seen = visitors.clone();
    let elsewhere = listen(move |request| {
        seen.lock().unwrap().push(request.head.clone());
        Reply::body(good(request.kind()))
    })
    .await;
    let url = listen(move |request| {
        let is_first = !request.path.contains("after=") && !request.path.contains("?page=2&");
        let next = format!("{elsewhere}/x?after=2&page=2");
        let row = if is_first { "c1" } else { "c2" };
        Reply::body(match request.kind() {
            Kind::Rows => format!(
                r#"{{"queryStatus":"SUCCEEDED","entities":[{{"date":"2026-11-20","oauthClient":{{"id":"{row}"}},"requestCount":10}}],"nextUri":{}}}"#,
                if is_first { format!("\"{next}\"") } else { "null".to_owned() }
            ),
            Kind::Page => format!(
                r#"{{"_embedded":{{"usage":[{{"id":"{row}","account_id":"{row}","month":"2026-11","total_amount":10}}]}},"_links":{{"self":"x"{}}}}}"#,
                if is_first { format!(",\"next\":\"{next}\"") } else { String::new() }
            ),
            kind => good(kind),
        })
    })
    .await;
    let stage = stage(&url, &["links".to_owned()], Duration::from_secs(10)).await;
    stage
        .until("both pages of both vendors", |metrics| {
            let count = |family| metrics.of(family, &[]).filter(|sample| sample.value > 0.0).count();
            count("genesyscloud_api_client_last_active_timestamp_seconds") == 2
                && count("talkdesk_usage_amount") == 2
        })
        .await;
    stage.stop().await;
    assert_eq!(*visitors.lock().unwrap(), Vec::<String>::new(), "somebody came");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_very_long_header_is_borne_and_not_shown() {
    let url = listen(|request| {
        let body = good(request.kind());
        let long = "planted".repeat(15_000);
        Reply::bytes(format!(
            "HTTP/1.1 200 OK\r\nININ-Correlation-Id: {long}\r\nRetry-After: {long}\r\ninin-ratelimit-count: {long}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    })
    .await;
    let stage = stage(&url, &["headers".to_owned()], Duration::from_secs(10)).await;
    let metrics = stage
        .until("all up", |metrics| {
            metrics.of("ccaas_exporter_collector_up", &[]).filter(|sample| sample.value == 1.0).count() == 3
        })
        .await;
    assert!(metrics.of("talkdesk_usage_amount", &[]).count() > 0);
    for page in ["/", "/api/v1/status", "/metrics"] {
        assert!(!stage.text(page).await.contains("planted"), "{page}");
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_goes_only_to_the_configured_hosts_and_only_as_a_header() {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = heads.clone();
    let url = listen(move |request| {
        seen.lock().unwrap().push(request.head.clone());
        Reply::body(good(request.kind()))
    })
    .await;
    let stage = stage(&url, &["tokens".to_owned()], Duration::from_secs(10)).await;
    stage.until("figures", |metrics| metrics.of("talkdesk_usage_amount", &[]).count() > 0).await;
    stage.stop().await;
    assert!(TOKEN.contains("planted-token"));
    let heads = heads.lock().unwrap();
    assert!(heads.iter().any(|head| head.contains("planted-token")));
    for line in heads.iter().flat_map(|head| head.lines()).filter(|line| line.contains("planted-token")) {
        assert!(line.to_ascii_lowercase().starts_with("authorization: bearer "), "{line}");
    }
}
