//! Credentials, tokens and the rate limit.

use std::time::Duration;

use jiff::ToSpan;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::Hands;
use crate::simulator::Options;
use crate::simulator::testing::{Bench, options};

#[tokio::test]
async fn credentials_are_checked() {
    let bench = Bench::start(options()).await;
    let form = |body: &'static str| {
        let request = bench.http.post(bench.url("/oauth/token"));
        request.header("Content-Type", "application/x-www-form-urlencoded").body(body)
    };
    for (request, status, error) in [
        (form("grant_type=client_credentials").basic_auth("demo", Some("wrong")), 401, "invalid_client"),
        (form("grant_type=client_credentials"), 401, "invalid_client"),
        (form("grant_type=password").basic_auth("demo", Some("demo-secret")), 400, "unsupported_grant_type"),
        (form("").basic_auth("demo", Some("demo-secret")), 400, "invalid_request"),
    ] {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status);
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(body["error"], error);
    }
    let post =
        form("grant_type=client_credentials&client_id=demo&client_secret=demo-secret").send().await.unwrap();
    let body: Value = serde_json::from_slice(&post.bytes().await.unwrap()).unwrap();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("bearer"), &json!(86_400)));
}

#[tokio::test]
async fn tokens_end() {
    let hands = Hands::new();
    let mut bench =
        Bench::start(Options { clock: hands.clock(), token_lifetime: Duration::from_mins(10), ..options() })
            .await;
    let path = "/api/v2/tokens/me";
    let (_, info) = bench.get(path).await;
    assert_eq!(info["OAuthClient"]["id"], "demo");
    hands.forward(10.minutes());
    let (status, body) = bench.get(path).await;
    assert_eq!((status, body["code"].as_str()), (StatusCode::UNAUTHORIZED, Some("bad.credentials")));
    bench.renew().await;
    assert_eq!(bench.get(path).await.0, StatusCode::OK);
    let bare = bench.http.get(bench.url(path)).send().await.unwrap();
    assert_eq!(bare.status(), StatusCode::UNAUTHORIZED);
    assert!(String::from_utf8_lossy(&bare.bytes().await.unwrap()).contains("authentication.required"));
}

#[tokio::test]
async fn a_client_that_asks_too_often_has_to_wait() {
    let bench = Bench::start(Options { requests_per_minute: 2, ..options() }).await;
    let path = "/api/v2/organizations/limits/namespaces/platform.api";
    for count in ["1", "2"] {
        let answer = bench.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.headers()["inin-ratelimit-count"], count);
        assert_eq!(answer.headers()["inin-ratelimit-allowed"], "2");
    }
    let answer = bench.request(Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    let message = format!("Rate limit exceeded the maximum. Retry the request in [{wait}] seconds");
    assert_eq!(body["message"], message.as_str());
}
