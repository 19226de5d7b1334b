//! Errors as the vendor words them.

use axum::http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::simulator::answer::Answer;
use crate::simulator::planted::PLANTED_PERSON;

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::simulator) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: String,
    pub(super) message: String,
    pub(super) headers: Box<HeaderMap>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), headers: Box::default() }
    }

    /// 400 with a code that says what is wrong.
    pub(super) fn bad(code: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not.found", message)
    }

    /// 429, to be repeated after some seconds.
    pub(super) fn too_many(seconds: u64) -> Self {
        let message = format!("Rate limit exceeded the maximum. Retry the request in [{seconds}] seconds");
        let mut refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, "too.many.requests.retry.after", message);
        refusal.headers.insert("Retry-After", seconds.into());
        refusal
    }

    /// A status that a scenario asks for; without a code it is the one that usually comes with the status.
    pub(super) fn scripted(status: StatusCode, code: Option<&str>, headers: &HeaderMap) -> Self {
        let seconds = headers.get("Retry-After").and_then(|seconds| seconds.to_str().ok());
        let usual = match status.as_u16() {
            401 => "bad.credentials",
            403 => "missing.any.permissions",
            404 => "not.found",
            405 => "method.not.allowed",
            408 => "client.timeout",
            409 => "request.conflict",
            413 => "request.entity.too.large",
            415 => "unsupported.media.type",
            429 => "too.many.requests.retry.after",
            503 => "service.unavailable",
            504 => "request.timeout",
            500.. => "internal.server.error",
            _ => "bad.request",
        };
        let message = match (status.as_u16(), seconds) {
            (429, Some(seconds)) => {
                format!("Rate limit exceeded the maximum. Retry the request in [{seconds}] seconds")
            }
            _ => status.canonical_reason().unwrap_or("Unknown status").to_owned(),
        };
        let headers = Box::new(headers.clone());
        Self { headers, ..Self::new(status, code.unwrap_or(usual), message) }
    }

    /// In the shape of the API.
    pub(super) fn answer(self, context: &str) -> Answer {
        let body = json!({
            "message": self.message,
            "code": self.code,
            "status": self.status.as_u16(),
            "contextId": context,
            // Names of the caller's own may stand here.
            "entityName": PLANTED_PERSON,
            "details": [],
            "errors": [],
        });
        let mut answer = Answer::json(self.status, &body);
        answer.headers.extend(*self.headers);
        answer
    }
}
