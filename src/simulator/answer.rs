//! Answers, and what is left of them after a fault.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use futures_util::stream;
use serde::Serialize;

use super::faults::Fault;
use super::planted::{PLANTED_EMAIL, PLANTED_PERSON};

/// What is sent back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("answers are plain structs with text keys");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        Self { status, headers, body: body.into() }
    }

    fn of_type(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self { status, headers, body: body.into() }
    }
}

/// Replaces a good answer by what a broken service or a gateway before it would send.
pub(super) fn spoil(answer: Answer, fault: Option<&Fault>) -> Answer {
    let Answer { status, headers, .. } = &answer;
    let mut spoiled = match fault {
        Some(Fault::Html(status)) => {
            let page = format!(
                "<html><head><title>{status}</title></head><body><h1>{status}</h1><p>Ask {PLANTED_EMAIL}.</p></body></html>\n"
            );
            Answer::of_type(*status, "text/html", page)
        }
        Some(Fault::WrongJson) => Answer::of_type(
            *status,
            "application/json",
            format!(
                r#"{{"message":"down for maintenance, ask {PLANTED_EMAIL}","unexpected":{{"shape":[1,"two",null]}}}}"#
            ),
        ),
        Some(Fault::Garbage) => Answer::of_type(
            *status,
            "application/json",
            format!("\u{0}}}{{ this is not JSON \u{fffd} {PLANTED_PERSON}"),
        ),
        _ => return answer,
    };
    // A gateway knows nothing of the vendor's own headers; the service itself still sends them.
    if !matches!(fault, Some(Fault::Html(_))) {
        for (name, value) in headers {
            spoiled.headers.entry(name).or_insert_with(|| value.clone());
        }
    }
    spoiled
}

/// Sends an answer, or a part of it.
pub(super) fn send(answer: Answer, fault: Option<&Fault>) -> Response {
    let Answer { status, headers, body } = answer;
    let mut response = match fault {
        // At least one byte is missing, so that the fault is felt by short answers too.
        Some(Fault::Truncate(bytes)) => {
            cut(body.slice(..(*bytes).min(body.len().saturating_sub(1))), Some(body.len()))
        }
        _ => Response::new(Body::from(body)),
    };
    *response.status_mut() = status;
    response.headers_mut().extend(headers);
    if let Some(Fault::Headers(more)) = fault {
        response.headers_mut().extend(more.clone());
    }
    response
}

/// An answer that ends early, and its connection with it. Without a body, not even the head is sent.
pub(super) fn cut(sent: Bytes, promised: Option<usize>) -> Response {
    let broken = || Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted));
    let Some(promised) = promised else {
        return Response::new(Body::from_stream(stream::iter([broken()])));
    };
    let pieces = stream::unfold(Some(sent), move |sent| async move {
        let Some(sent) = sent else {
            // What was sent so far leaves for the peer before the connection breaks.
            tokio::task::yield_now().await;
            return Some((broken(), None));
        };
        Some((Ok(sent), None))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    response.headers_mut().insert(CONTENT_LENGTH, promised.into());
    response
}

#[cfg(test)]
mod tests {
    use reqwest::{Method, StatusCode};

    use crate::simulator::testing::Bench;

    const PATH: &str = "/api/v2/organizations/me";

    async fn bench(fault: &str) -> Bench {
        Bench::with_faults(&format!("faults: [{{operation: getOrganization, times: 1, fault: {fault}}}]"))
            .await
    }

    #[tokio::test]
    async fn a_scripted_error_has_the_vendors_shape_and_headers() {
        let fault = "{status: 429, code: too.many.requests, headers: {Retry-After: '7200'}}";
        let bench = bench(fault).await;
        let answer = bench.request(Method::GET, PATH).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers()["retry-after"], "7200");
        let context = answer.headers()["inin-correlation-id"].to_str().unwrap().to_owned();
        let body: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(body["code"], "too.many.requests");
        assert_eq!(body["contextId"], context.as_str());
        assert_eq!(bench.get(PATH).await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn more_headers_leave_the_answer_as_it_is() {
        let bench = bench("{headers: {Sunset: 'Thu, 31 Dec 2026 23:59:59 GMT'}}").await;
        let answer = bench.request(Method::GET, PATH).send().await.unwrap();
        assert_eq!(answer.headers()["sunset"], "Thu, 31 Dec 2026 23:59:59 GMT");
        assert!(answer.headers().contains_key("inin-correlation-id"));
        let body: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!((StatusCode::OK, body), bench.get(PATH).await);
    }

    #[tokio::test]
    async fn a_gateway_answers_in_html() {
        let bench = bench("{html: 502}").await;
        let answer = bench.request(Method::GET, PATH).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
        assert_eq!(answer.headers()["content-type"], "text/html");
        assert!(!answer.headers().contains_key("inin-correlation-id"));
    }

    #[tokio::test]
    async fn spoiled_bodies_keep_the_status() {
        let bench = bench("{wrong_json: true}").await;
        let (status, body) = bench.get(PATH).await;
        assert!(status == StatusCode::OK && body.is_object());
        let bench = self::bench("{garbage: true}").await;
        let answer = bench.request(Method::GET, PATH).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(serde_json::from_slice::<serde_json::Value>(&answer.bytes().await.unwrap()).is_err());
    }

    #[tokio::test]
    async fn a_truncated_body_arrives_in_part() {
        for bytes in [20, 1_000_000] {
            let bench = bench(&format!("{{truncate: {bytes}}}")).await;
            let mut answer = bench.request(Method::GET, PATH).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            let first = answer.chunk().await.unwrap().unwrap();
            assert!(!first.is_empty() && first.len() <= bytes);
            assert!(answer.chunk().await.is_err());
        }
    }
}
