//! Calls to one organization's vendor: a token on each, retries where they can help, bounded answers.

use std::hash::{DefaultHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::call::Call;
use super::channel::{Answer, Channel};
use super::credential::Credential;
use super::documented::{Checker, Documentation, ENTRIES};
use super::error::{Error, Kind};
use super::governor::{Governor, LONGEST_WAIT};
use super::rows::{RowSplitter, SplitError};
use super::transport::Transport;
use crate::clock::Clock;
use crate::model::{Limit, harmless};
use crate::secret::Secret;
use crate::telemetry::ApiMetrics;

/// The longest answer without rows.
const JSON_LIMIT: usize = 8 * 1024 * 1024;

/// The most values in an answer that is parsed whole. As objects they take up to a hundred times the room of their text.
const VALUES_LIMIT: usize = 300_000;

/// The longest answer with rows; they are folded as they arrive, so this bounds time and traffic rather than memory.
const ROWS_LIMIT: u64 = 512 * 1024 * 1024;

/// The longest error body that is looked into for the vendor's code.
const ERROR_LIMIT: usize = 64 * 1024;

/// Tries after the first one.
const RETRIES: usize = 3;

/// What differs between vendors in how they answer.
#[derive(Clone, Copy)]
pub struct Dialect {
    /// Header with the id that the vendor's support asks for, if it sends one.
    pub correlation_header: Option<&'static str>,
    /// Headers of the vendor's rate-limit window, if it announces one: requests used, requests allowed, seconds left.
    pub rate_limit_headers: Option<[&'static str; 3]>,
    /// Error codes that neither a new token nor another try will mend.
    pub final_codes: &'static [&'static str],
    /// What to check when the login host refuses the credentials.
    pub refused_advice: &'static str,
    /// The fields that the answers are documented to have.
    pub documentation: Documentation,
}

/// Where a vendor is and who asks.
pub struct Endpoint {
    /// Base URL of the API.
    pub api_url: Url,
    /// URL of the token endpoint.
    pub token_url: Url,
    /// The OAuth client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret,
    /// The scopes to ask for; empty for all that were granted.
    pub scopes: Vec<&'static str>,
    /// The exporter's own limit.
    pub limit: Limit,
    /// How the vendor answers.
    pub dialect: Dialect,
}

/// A client for one organization's vendor.
pub struct Client {
    channel: Channel,
    credential: Arc<Credential>,
    api_url: Url,
    dialect: Dialect,
}

/// What a call with rows brought.
pub struct Rows<S, T> {
    /// The sink that took the rows.
    pub rows: S,
    /// The rest of the answer.
    pub envelope: T,
    /// A digest of the rows' bytes: equal pages have equal digests.
    pub digest: u64,
    /// How many rows there were.
    pub count: usize,
}

/// Takes the rows of one answer. Each try gets a new one, so that no row counts twice.
pub trait RowSink: Send {
    /// Takes one row, the bytes of a JSON value.
    ///
    /// # Errors
    /// When the answer must not be used at all; a row that cannot be understood is the sink's to count.
    fn row(&mut self, row: &[u8]) -> Result<(), RowsRefused>;
}

/// A sink's refusal to take more rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowsRefused {
    /// How many it is willing to hold.
    pub limit: usize,
    /// Of what, in the plural.
    pub of: &'static str,
}

#[derive(Deserialize)]
struct ErrorBody {
    code: Option<Code>,
}

/// An error code, of which not every vendor says whether it is a text or a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum Code {
    Text(String),
    Number(u64),
}

impl Code {
    fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

impl Client {
    /// A client that shares `transport` with all others.
    #[must_use]
    pub fn new(endpoint: Endpoint, transport: Arc<Transport>, metrics: ApiMetrics, clock: Clock) -> Self {
        Self {
            channel: Channel {
                share: transport.share(),
                transport,
                governor: Arc::new(Governor::new(endpoint.limit)),
                metrics,
                clock: clock.clone(),
            },
            api_url: endpoint.api_url.clone(),
            dialect: endpoint.dialect,
            credential: Arc::new(Credential::new(endpoint, clock)),
        }
    }

    /// Keeps true at every scrape what time alone changes: `ccaas_exporter_api_budget_remaining_requests` and
    /// `ccaas_exporter_oauth_token_expiry_timestamp_seconds`.
    pub fn metrics_refresher(&self) -> impl Fn() + Send + Sync + 'static {
        let (governor, metrics) = (self.channel.governor.clone(), self.channel.metrics.clone());
        let credential = self.credential.clone();
        move || {
            metrics.set_budget_remaining(governor.remaining());
            metrics.set_token_expiry(credential.expiry().unwrap_or(Timestamp::UNIX_EPOCH));
        }
    }

    /// Calls and reads the answer, an object, whole.
    ///
    /// # Errors
    /// See [`Kind`].
    pub async fn json<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Error> {
        self.json_and_length(call).await.map(|(answer, _)| answer)
    }

    /// The same, and the answer's length in bytes, for collectors that keep the text of many answers.
    ///
    /// # Errors
    /// See [`Kind`].
    pub async fn json_and_length<T: DeserializeOwned>(&self, call: &Call) -> Result<(T, usize), Error> {
        with_retries(|| async {
            let body = self.whole(call).await?;
            Ok((parse(call.operation, &body)?, body.len()))
        })
        .await
    }

    /// Calls and reads the answer, of whatever shape, whole.
    ///
    /// # Errors
    /// See [`Kind`].
    pub async fn value(&self, call: &Call) -> Result<serde_json::Value, Error> {
        with_retries(|| async {
            let body = self.whole(call).await?;
            parse_any(call.operation, &body)
        })
        .await
    }

    /// One try: the whole body of a successful answer, held against its documentation.
    async fn whole(&self, call: &Call) -> Result<Vec<u8>, Error> {
        let body = self.open(call).await?.body(JSON_LIMIT).await?;
        if let Some(checker) = self.checker(call) {
            checker.check(&body);
        }
        Ok(body)
    }

    /// Calls and hands the rows of the answer's top-level array `key` to a sink while they arrive.
    ///
    /// # Errors
    /// See [`Kind`].
    pub async fn rows<S: RowSink, T: DeserializeOwned>(
        &self,
        call: &Call,
        key: &'static str,
        new_sink: impl Fn() -> S + Sync,
    ) -> Result<Rows<S, T>, Error> {
        with_retries(|| self.try_rows(call, key, new_sink())).await
    }

    async fn try_rows<S: RowSink, T: DeserializeOwned>(
        &self,
        call: &Call,
        key: &'static str,
        mut rows: S,
    ) -> Result<Rows<S, T>, Error> {
        let mut answer = self.open(call).await?;
        let checker = self.checker(call);
        let row_checker = checker.and_then(|checker| checker.within(key));
        let mut splitter = RowSplitter::new(key);
        let mut digest = DefaultHasher::new();
        let mut length = 0_u64;
        let mut count = 0;
        while let Some(piece) = answer.piece().await? {
            length += piece.len() as u64;
            if length > ROWS_LIMIT {
                let detail = format!("the answer is longer than {ROWS_LIMIT} bytes");
                return Err(Error::new(Kind::TooLarge, call.operation, detail));
            }
            splitter
                .feed(&piece, &mut |row| {
                    digest.write(row);
                    if let Some(checker) = row_checker.filter(|_| count < ENTRIES) {
                        checker.check(row);
                    }
                    count += 1;
                    rows.row(row).map_err(Stop::Rows)
                })
                .map_err(|stop| stop.into_error(call.operation))?;
        }
        let envelope = splitter.finish().map_err(|error| Stop::Split(error).into_error(call.operation))?;
        if let Some(checker) = checker {
            checker.check(&envelope);
        }
        Ok(Rows { rows, envelope: parse(call.operation, &envelope)?, digest: digest.finish(), count })
    }

    /// Notices what the answers to `call` have beyond their documentation. An answer is looked at before it is parsed: where
    /// that fails, a new field may be the reason.
    fn checker(&self, call: &Call) -> Option<Checker> {
        Checker::of(self.dialect.documentation, call.operation)
    }

    /// One try, up to the head of a successful answer; a refused token is renewed once.
    async fn open(&self, call: &Call) -> Result<Answer<'_>, Error> {
        let mut renewed = false;
        loop {
            let token = self.credential.token(&self.channel).await?;
            let http = self.channel.transport.http();
            let mut request =
                http.request(call.method.clone(), call.url(&self.api_url)).bearer_auth(token.expose());
            request = request.header("accept", "application/json");
            if let Some(body) = &call.body {
                request = request.header("content-type", "application/json").body(body.to_string());
            }
            let answer = self.channel.send(call.operation, request).await?;
            self.observe_rate_limit(&answer);
            if answer.status().is_success() {
                self.channel.accepted(&answer);
                return Ok(answer);
            }
            let error = self.refusal(call.operation, answer, token.expose()).await;
            if error.kind != Kind::Unauthorized || renewed || self.is_final(&error) {
                return Err(error);
            }
            self.credential.refused(&token);
            renewed = true;
        }
    }

    fn observe_rate_limit(&self, answer: &Answer<'_>) {
        let Some(names) = self.dialect.rate_limit_headers else { return };
        let [count, allowed, reset] = names.map(|name| answer.number(name));
        if let (Some(count), Some(allowed), Some(reset)) = (count, allowed, reset) {
            self.channel.governor.observe(count, allowed, Duration::from_secs(reset.into()));
        }
    }

    /// What an unsuccessful answer means. Its body is looked into for the vendor's code and for nothing else.
    async fn refusal(&self, operation: &'static str, answer: Answer<'_>, token: &str) -> Error {
        // Not even an echo of the token may get into a log.
        let shown = |text: &str| harmless(text).filter(|text| !text.contains(token));
        let mut error = status_error(operation, answer.status().as_u16());
        error.correlation_id =
            self.dialect.correlation_header.and_then(|name| answer.header(name)).and_then(shown);
        match answer.status().as_u16() {
            429 => error.kind = self.channel.rate_limited(&answer),
            503 => self.channel.unavailable(&answer),
            _ => {}
        }
        // A body that cannot be read must not hide the status.
        if let Ok(body) = answer.body(ERROR_LIMIT).await {
            let code = serde_json::from_slice::<ErrorBody>(&body).ok().and_then(|body| body.code);
            error.code = code.and_then(|code| shown(&code.into_text()));
        }
        // A code that no other try will mend makes the request itself the trouble.
        if error.kind == Kind::Unavailable && self.is_final(&error) {
            error.kind = Kind::Rejected;
        }
        error
    }

    fn is_final(&self, error: &Error) -> bool {
        error.code.as_deref().is_some_and(|code| self.dialect.final_codes.contains(&code))
    }
}

/// What a status outside 2xx means; of 429 the headers say more.
pub(super) fn status_error(operation: &'static str, status: u16) -> Error {
    let kind = match status {
        401 => Kind::Unauthorized,
        403 => Kind::Forbidden,
        404 | 410 => Kind::NotFound,
        408 => Kind::Timeout,
        501 => Kind::Rejected,
        500.. => Kind::Unavailable,
        _ => Kind::Rejected,
    };
    let detail = format!("the vendor answered {status}");
    Error { status: Some(status), ..Error::new(kind, operation, detail) }
}

/// Repeats what a moment's patience may mend, after a random part of a growing delay ("full jitter"). A wait that the vendor
/// asked for is the governor's to keep, for everyone who shares the credential.
async fn with_retries<T, F: Future<Output = Result<T, Error>>>(
    attempt: impl FnMut() -> F,
) -> Result<T, Error> {
    let delays = ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(Duration::from_secs(30))
        .with_factor(3.0)
        .with_max_times(RETRIES);
    attempt
        .retry(delays)
        .when(|error| match error.kind {
            Kind::RateLimited(wait) => wait <= LONGEST_WAIT,
            Kind::Unavailable | Kind::Timeout | Kind::Unreachable => true,
            _ => false,
        })
        .adjust(|error, delay| match error.kind {
            Kind::RateLimited(_) => delay.map(|_| Duration::ZERO),
            _ => delay.map(|delay| delay.mul_f64(fastrand::f64())),
        })
        .await
}

/// Parses an answer that is an object. `serde` would also fill a struct from a list, field by field.
fn parse<T: DeserializeOwned>(operation: &'static str, body: &[u8]) -> Result<T, Error> {
    if body.trim_ascii_start().starts_with(b"[") {
        let detail = "the answer is JSON of another shape than documented (a list)";
        return Err(Error::new(Kind::Unexpected, operation, detail));
    }
    parse_any(operation, body)
}

/// Parses an answer. `serde`'s own message could quote the answer, so only the place is told.
fn parse_any<T: DeserializeOwned>(operation: &'static str, body: &[u8]) -> Result<T, Error> {
    // Every value but the first of a list or object follows a comma. Those within texts count too, which does no harm.
    let values = body.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    if values > VALUES_LIMIT {
        let detail = format!("the answer has more than {VALUES_LIMIT} values");
        return Err(Error::new(Kind::TooLarge, operation, detail));
    }
    serde_json::from_slice(body).map_err(|error| {
        let (kind, what) = if error.is_data() {
            (Kind::Unexpected, "JSON of another shape than documented")
        } else {
            (Kind::Malformed, "not JSON")
        };
        let detail = format!("the answer is {what} (line {}, column {})", error.line(), error.column());
        Error::new(kind, operation, detail)
    })
}

/// Why reading rows stopped.
enum Stop {
    Split(SplitError),
    Rows(RowsRefused),
}

impl From<SplitError> for Stop {
    fn from(error: SplitError) -> Self {
        Self::Split(error)
    }
}

impl Stop {
    fn into_error(self, operation: &'static str) -> Error {
        let (kind, detail) = match self {
            Self::Split(SplitError::TooLong) => {
                (Kind::TooLarge, "one row of the answer is too long".to_owned())
            }
            Self::Split(SplitError::NotJson) => (Kind::Malformed, "the answer is not JSON".to_owned()),
            Self::Split(SplitError::Incomplete) => (Kind::Malformed, "the answer ends too early".to_owned()),
            Self::Rows(RowsRefused { limit, of }) => {
                (Kind::TooLarge, format!("the answer brings more than {limit} {of}"))
            }
        };
        Error::new(kind, operation, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parse_error_tells_the_place_but_quotes_nothing() {
        let error = parse_any::<Vec<u64>>("getTokenInfo", br#"["planted@example.com"]"#).unwrap_err();
        assert_eq!(error.kind, Kind::Unexpected);
        assert!(!error.to_string().contains("planted"), "{error}");
        assert!(error.to_string().contains("column"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn trouble_is_retried_three_times_and_a_refusal_not_at_all() {
        for (kind, tries) in
            [(Kind::Unavailable, 4), (Kind::Timeout, 4), (Kind::Forbidden, 1), (Kind::Malformed, 1)]
        {
            let mut tried = 0;
            let result: Result<(), Error> = with_retries(|| {
                tried += 1;
                async move { Err(Error::new(kind, "getTokenInfo", "")) }
            })
            .await;
            assert_eq!((result.unwrap_err().kind, tried), (kind, tries));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_of_minutes_is_taken_and_one_of_hours_is_not() {
        for (seconds, tries) in [(180, 4), (181, 1)] {
            let mut tried = 0;
            let refused = with_retries(|| {
                tried += 1;
                let wait = Kind::RateLimited(Duration::from_secs(seconds));
                async move { Err::<(), _>(Error::new(wait, "getTokenInfo", "")) }
            });
            assert!(refused.await.is_err());
            assert_eq!(tried, tries, "{seconds} s");
        }
    }
}
