//! Tokens, scopes, organizations and the rate limit.

use jiff::ToSpan;
use reqwest::{Method, StatusCode};

use super::{ACCOUNTS, ALL, USAGE};
use crate::simulator::testing::{Bench, Hands, options};
use crate::simulator::{CLIENT_ID, Options};

#[tokio::test]
async fn a_token_is_good_for_its_scopes_alone() {
    let mut bench = Bench::start(options()).await;
    bench.token = bench.new_token(CLIENT_ID, "express-accounts-usage:read").await;
    for path in ALL {
        let (status, body) = bench.get(path).await;
        if path == USAGE {
            assert_eq!(status, StatusCode::OK);
        } else {
            assert_eq!((status, body["code"].as_str()), (StatusCode::FORBIDDEN, Some("3110002")), "{path}");
            assert_eq!(body["message"], "Required scopes not given from JWT token.");
        }
    }
}

#[tokio::test]
async fn a_token_with_scopes_ends_after_ten_minutes() {
    let hands = Hands::new();
    let mut bench = Bench::start(Options { clock: hands.clock(), ..options() }).await;
    bench.token = bench.new_token(CLIENT_ID, "express-accounts:read").await;
    hands.forward(598.seconds());
    assert_eq!(bench.get(ACCOUNTS).await.0, StatusCode::OK);
    hands.forward(1.seconds());
    let (status, body) = bench.get(ACCOUNTS).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::UNAUTHORIZED, Some("3110001")));
    let bare = bench.http.get(bench.url(ACCOUNTS)).send().await.unwrap();
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_client_without_an_organization_is_refused() {
    let mut bench = Bench::start(options()).await;
    bench.token = bench.new_token("demo-calm", "").await;
    let (status, body) = bench.get(ACCOUNTS).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::FORBIDDEN, Some("3110002")));
}

#[tokio::test]
async fn a_client_that_asks_too_often_has_to_wait() {
    assert_eq!(Options::new(options().clock).talkdesk_requests_per_second, 2);
    let bench = Bench::start(Options { talkdesk_requests_per_second: 0, ..options() }).await;
    let answer = bench.request(Method::GET, ACCOUNTS).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers()["retry-after"], "1");
    let body: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    assert_eq!(body["code"], "0012001");
}

#[tokio::test]
async fn strange_paths_and_methods_are_refused_in_the_vendors_shape() {
    let bench = Bench::start(options()).await;
    let (status, body) = bench.get("/express/nothing").await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::NOT_FOUND, Some("3110006")));
    let (status, body) = bench.post(ACCOUNTS, &serde_json::json!({})).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::METHOD_NOT_ALLOWED, Some("3110000")));
}

#[tokio::test]
async fn a_scripted_error_has_the_vendors_shape() {
    let faults = "faults:\n- {operation: listAccounts, times: 1, fault: {status: 429, headers: {Retry-After: '7'}}}\n- {operation: listAccounts, times: 1, fault: {status: 503, code: '42'}}";
    let bench = Bench::with_faults(faults).await;
    let answer = bench.request(Method::GET, ACCOUNTS).send().await.unwrap();
    assert_eq!(
        (answer.status(), &answer.headers()["retry-after"]),
        (StatusCode::TOO_MANY_REQUESTS, &"7".parse().unwrap())
    );
    let (status, body) = bench.get(ACCOUNTS).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::SERVICE_UNAVAILABLE, Some("42")));
    assert!(body["message"].is_string());
}
