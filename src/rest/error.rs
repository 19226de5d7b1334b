//! How a request to a vendor fails. The kinds are decisions: each asks for another reaction.

use std::fmt;
use std::time::Duration;

use crate::model::{CollectError, Failure, Reason};

/// A request that failed for good, after whatever retries were due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What to do about it.
    pub kind: Kind,
    /// The operation of the vendor's API, such as `getUsageAggregatesJob`.
    pub operation: &'static str,
    /// What happened, in the exporter's own words.
    pub detail: String,
    /// The HTTP status, if it is what the vendor refused with.
    pub status: Option<u16>,
    /// The vendor's error code, such as `missing.permissions`.
    pub code: Option<String>,
    /// The vendor's correlation id, to quote to its support.
    pub correlation_id: Option<String>,
}

/// What to do about a failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The credentials are wrong; asking again will not help.
    Unauthorized,
    /// A permission is missing; asking again will not help.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// The request itself was refused; it must not be repeated unchanged.
    Rejected,
    /// Too many requests; how long the vendor wants us to wait.
    RateLimited(Duration),
    /// The vendor has trouble of its own.
    Unavailable,
    /// No answer in time.
    Timeout,
    /// No connection, or it broke.
    Unreachable,
    /// The answer is not JSON, or not all of it.
    Malformed,
    /// The answer is JSON of another shape than the contract says.
    Unexpected,
    /// The answer is larger than the exporter is willing to read.
    TooLarge,
}

impl Error {
    /// An error without a vendor's code.
    pub(crate) fn new(kind: Kind, operation: &'static str, detail: impl Into<String>) -> Self {
        Self { kind, operation, detail: detail.into(), status: None, code: None, correlation_id: None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.operation, self.detail)?;
        if let Some(code) = &self.code {
            write!(formatter, ", code {code}")?;
        }
        if let Some(correlation_id) = &self.correlation_id {
            write!(formatter, ", correlation id {correlation_id}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<Error> for CollectError {
    /// Of what does not exist the vendor offers nothing; all else is a failure.
    fn from(error: Error) -> Self {
        match error.kind {
            Kind::NotFound => Self::NotSupported(error.to_string()),
            _ => Self::Failed(error.into()),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let reason = match error.kind {
            Kind::Unauthorized => Reason::Auth,
            Kind::Forbidden => Reason::Forbidden,
            Kind::RateLimited(_) => Reason::RateLimited,
            Kind::Rejected | Kind::Unavailable | Kind::NotFound => Reason::Server,
            Kind::Timeout => Reason::Timeout,
            Kind::Unreachable => Reason::Network,
            Kind::Malformed | Kind::Unexpected => Reason::Decode,
            Kind::TooLarge => Reason::Limit,
        };
        let retry_after = match error.kind {
            Kind::RateLimited(wait) => Some(wait),
            _ => None,
        };
        Self { reason, message: error.to_string(), retry_after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_operation_code_and_correlation_id() {
        let mut error = Error::new(Kind::Forbidden, "listOAuthClients", "the vendor answered 403");
        error.code = Some("missing.permissions".into());
        error.correlation_id = Some("abc-1".into());
        assert_eq!(
            error.to_string(),
            "listOAuthClients: the vendor answered 403, code missing.permissions, correlation id abc-1"
        );
    }
}
