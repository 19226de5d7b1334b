//! Errors as the vendor words them.

use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::simulator::answer::Answer;
use crate::simulator::planted::PLANTED_PERSON;

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    status: StatusCode,
    code: String,
    message: String,
    /// The parameter that is wrong, and how.
    field: Option<(&'static str, String)>,
    headers: Box<HeaderMap>,
}

impl Refusal {
    /// The code and the message that usually come with a status.
    pub(super) fn usual(status: StatusCode) -> Self {
        let (code, message) = match status.as_u16() {
            401 => ("3110001", "The user does not have permissions to execute this request."),
            403 => ("3110002", "Required scopes not given from JWT token."),
            404 => ("3110006", "The resource was not found."),
            429 => ("0012001", "Too many requests."),
            500.. => ("0011000", "An unexpected error occurred."),
            _ => ("3110000", "Invalid parameters."),
        };
        let (code, message) = (code.to_owned(), message.to_owned());
        Self { status, code, message, field: None, headers: Box::default() }
    }

    /// 400 because of a parameter.
    pub(super) fn bad(parameter: &'static str, why: impl Into<String>) -> Self {
        Self { field: Some((parameter, why.into())), ..Self::usual(StatusCode::BAD_REQUEST) }
    }

    /// 403 because of something that belongs to another organization, or to none.
    pub(super) fn foreign(message: &str) -> Self {
        Self { message: message.to_owned(), ..Self::usual(StatusCode::FORBIDDEN) }
    }

    /// 429, to be repeated after some seconds.
    pub(super) fn too_many(seconds: u64) -> Self {
        let mut refusal = Self::usual(StatusCode::TOO_MANY_REQUESTS);
        refusal.headers.insert("Retry-After", seconds.into());
        refusal
    }

    /// A status that a scenario asks for.
    pub(super) fn scripted(status: StatusCode, code: Option<&str>, headers: &HeaderMap) -> Self {
        let usual = Self::usual(status);
        let code = code.map_or(usual.code, str::to_owned);
        Self { code, headers: Box::new(headers.clone()), ..usual }
    }

    /// In the shape of the API.
    pub(super) fn answer(self) -> Answer {
        // A name of the caller's own may stand here.
        let mut body = json!({ "code": self.code, "message": self.message, "description": PLANTED_PERSON });
        if let Some((name, description)) = self.field {
            body["description"] = Value::from(format!("The value of {name} is not valid."));
            body["fields"] = json!([{ "name": name, "description": description }]);
        }
        let mut answer = Answer::json(self.status, &body);
        answer.headers.extend(*self.headers);
        answer
    }
}
