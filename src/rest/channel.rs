//! One request on its way: allowed by the governor, counted whatever becomes of it, read within bounds.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::{RequestBuilder, Response, StatusCode};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::error::{Error, Kind};
use super::governor::{Governor, LONGEST_WAIT};
use super::transport::Transport;
use crate::clock::Clock;
use crate::model::{Surprise, surprises};
use crate::telemetry::ApiMetrics;

/// No limit of a vendor is longer than daily.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// The way to one organization's vendor: everything that its requests share.
pub(super) struct Channel {
    pub(super) transport: Arc<Transport>,
    pub(super) governor: Arc<Governor>,
    pub(super) metrics: ApiMetrics,
    pub(super) clock: Clock,
    /// The organization's own share of the places in flight.
    pub(super) share: Semaphore,
}

/// An answer whose head has arrived. It holds its place among the requests in flight until it is dropped.
pub(super) struct Answer<'a> {
    response: Response,
    operation: &'static str,
    clock: &'a Clock,
    in_flight: InFlight<'a>,
}

/// Counts its request when it ends, also when whoever waits for it gives up.
struct InFlight<'a> {
    _places: [SemaphorePermit<'a>; 2],
    metrics: &'a ApiMetrics,
    operation: &'static str,
    started: Instant,
    code: String,
}

impl Channel {
    /// Sends `request` when the limits allow it and waits for the head of the answer.
    pub(super) async fn send(
        &self,
        operation: &'static str,
        request: RequestBuilder,
    ) -> Result<Answer<'_>, Error> {
        let places = self.places().await;
        let started = Instant::now();
        let code = "cancelled".to_owned();
        let mut in_flight = InFlight { _places: places, metrics: &self.metrics, operation, started, code };
        match request.send().await {
            Ok(response) => {
                response.status().as_str().clone_into(&mut in_flight.code);
                let answer = Answer { response, operation, clock: &self.clock, in_flight };
                let [deprecation, sunset] = ["deprecation", "sunset"].map(|name| answer.header(name));
                if let Some(announced) = announced(deprecation, sunset) {
                    surprises::note(Surprise::Deprecation, operation, &announced);
                }
                Ok(answer)
            }
            Err(error) => Err(in_flight.broken(&error)),
        }
    }
}

/// Counts the time that a limit holds up requests, also when whoever waits gives up.
struct Throttled<'a> {
    metrics: &'a ApiMetrics,
    since: Instant,
}

impl Drop for Throttled<'_> {
    fn drop(&mut self) {
        self.metrics.throttled(self.since.elapsed());
    }
}

impl Channel {
    /// Places for one request that may be sent now. None is held while a limit makes it wait.
    async fn places(&self) -> [SemaphorePermit<'_>; 2] {
        let mut turn = self.governor.turn().await;
        loop {
            while let Some(until) = turn.held_until() {
                // Only the next request in the queue counts the time: a second in which several wait is one second.
                self.sleep_throttled(until).await;
            }
            let own = self.share.acquire().await.expect("the semaphore is never closed");
            let shared = self.transport.place().await;
            // The bucket may be empty, or the vendor may have asked for a pause while this request waited for its places.
            if turn.take() {
                return [own, shared];
            }
        }
    }

    /// Waits for a limit, and counts the time.
    pub(super) async fn sleep_throttled(&self, until: Instant) {
        let _throttled = Throttled { metrics: &self.metrics, since: Instant::now() };
        tokio::time::sleep_until(until).await;
    }

    /// A vendor in trouble that says for how long is left alone so long, by everyone who shares the credential.
    pub(super) fn unavailable(&self, answer: &Answer<'_>) {
        if let Some(wait) = answer.retry_after().filter(|wait| *wait <= LONGEST_WAIT) {
            self.governor.pause(wait);
        }
    }

    /// The vendor took a request.
    pub(super) fn accepted(&self, answer: &Answer<'_>) {
        self.governor.accepted(answer.in_flight.started);
    }

    /// What a 429 asks for. Everyone who shares the credential waits, unless it is longer than a run may take.
    pub(super) fn rate_limited(&self, answer: &Answer<'_>) -> Kind {
        let wait =
            answer.asked_wait().unwrap_or_else(|| self.governor.wait_after_refusal(answer.in_flight.started));
        if wait <= LONGEST_WAIT {
            self.governor.pause(wait);
        }
        Kind::RateLimited(wait)
    }
}

impl Answer<'_> {
    pub(super) fn status(&self) -> StatusCode {
        self.response.status()
    }

    /// The value of a header, if it is there and text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// A header whose value is a whole number.
    pub(super) fn number(&self, name: &str) -> Option<u32> {
        self.header(name)?.trim().parse().ok()
    }

    /// The next piece of the body.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, Error> {
        match self.response.chunk().await {
            Ok(piece) => Ok(piece),
            Err(error) => Err(self.in_flight.broken(&error)),
        }
    }

    /// The whole body, which must not be longer than `limit` bytes.
    pub(super) async fn body(mut self, limit: usize) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece().await? {
            if body.len() + piece.len() > limit {
                let detail = format!("the answer is longer than {limit} bytes");
                return Err(Error::new(Kind::TooLarge, self.operation, detail));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// The wait that a refusal asks for, a day at the most. To come back at once is none: a vendor that asks for that and refuses
    /// again has not said for how long.
    pub(super) fn asked_wait(&self) -> Option<Duration> {
        self.retry_after().filter(|wait| !wait.is_zero())
    }

    /// `Retry-After`, a day at the most: whole seconds, or a date as against the vendor's own `Date`, or our time without one.
    fn retry_after(&self) -> Option<Duration> {
        let wait = retry_after(self.header("retry-after")?, self.header("date"), self.clock)?;
        Some(wait.min(LONGEST_RETRY_AFTER))
    }
}

/// What `Deprecation` (RFC 9745) and `Sunset` (RFC 8594) announce, in words of the exporter: the day of the end, else that of the
/// deprecation, as far as they can be read; nothing when neither header is there.
fn announced(deprecation: Option<&str>, sunset: Option<&str>) -> Option<String> {
    let http_date = |text: &str| rfc2822::parse(text).ok().map(|at| at.timestamp());
    // Drafts before the RFC had an HTTP date, or `true`.
    let date = |text: &str| match text.strip_prefix('@') {
        Some(seconds) => Timestamp::from_second(seconds.parse().ok()?).ok(),
        None => http_date(text),
    };
    let day = |at: Timestamp| at.strftime("%Y-%m-%d");
    let sunset_day = sunset.and_then(|text| http_date(text.trim())).map(|at| format!("sunset:{}", day(at)));
    let deprecation_day =
        deprecation.and_then(|text| date(text.trim())).map(|at| format!("deprecation:{}", day(at)));
    let dateless = || deprecation.map(|_| "deprecation").or(sunset.map(|_| "sunset")).map(str::to_owned);
    sunset_day.or(deprecation_day).or_else(dateless)
}

pub(super) fn retry_after(value: &str, date: Option<&str>, clock: &Clock) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = |text: &str| rfc2822::parse(text.trim()).ok().map(|at| at.timestamp());
    let now = date.and_then(moment).unwrap_or_else(|| clock.now());
    Duration::try_from(moment(value)?.duration_since(now)).ok()
}

impl InFlight<'_> {
    /// What a broken connection means. The library's own text could hold the URL, so it stays out.
    fn broken(&mut self, error: &reqwest::Error) -> Error {
        let (code, kind, detail) = if error.is_timeout() {
            ("timeout", Kind::Timeout, "no complete answer in time")
        } else if error.is_builder() {
            ("cancelled", Kind::Malformed, "no request can be made with the token that the login host gave")
        } else if error.is_connect() {
            ("network", Kind::Unreachable, "cannot connect (name, network, proxy or TLS)")
        } else if is_broken_encoding(error) {
            ("network", Kind::Malformed, "the answer's compression or its chunks are broken")
        } else {
            ("network", Kind::Unreachable, "the connection broke before the answer was complete")
        };
        code.clone_into(&mut self.code);
        Error::new(kind, self.operation, detail)
    }
}

/// Whether the body arrived as something that is no compression or no chunks, as against a body that did not arrive.
fn is_broken_encoding(error: &reqwest::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::InvalidData)
        {
            return true;
        }
        cause = error.source();
    }
    false
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let (operation, code, took) = (self.operation, &self.code, self.started.elapsed());
        tracing::debug!(operation, code, duration_ms = took.as_millis(), "vendor request");
        self.metrics.request(operation, code, took);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_from_seconds_and_from_a_date() {
        // Our clock is ten minutes ahead of the vendor's.
        let clock = Clock::fixed("2026-11-21T10:10:00Z".parse().unwrap());
        let now = Some("Sat, 21 Nov 2026 10:00:00 GMT");
        for (value, date, seconds) in [
            ("120", now, Some(120)),
            (" 120 ", now, Some(120)),
            ("Sat, 21 Nov 2026 10:01:30 GMT", now, Some(90)),
            ("Sat, 21 Nov 2026 09:00:00 GMT", now, None),
            ("soon", now, None),
            ("-1", now, None),
            ("Sat, 21 Nov 2026 10:11:30 GMT", None, Some(90)),
            ("Sat, 21 Nov 2026 10:11:30 GMT", Some("today"), Some(90)),
            ("Sat, 21 Nov 2026 10:01:30 GMT", None, None),
        ] {
            assert_eq!(
                retry_after(value, date, &clock),
                seconds.map(Duration::from_secs),
                "{value}, {date:?}"
            );
        }
    }

    #[test]
    fn an_end_is_announced_by_its_day_and_never_in_the_vendors_words() {
        let (date, seconds) = (Some("Thu, 31 Dec 2026 23:59:59 GMT"), Some("@1782864000"));
        for (deprecation, sunset, expected) in [
            (None, None, None),
            (seconds, None, Some("deprecation:2026-07-01")),
            (date, None, Some("deprecation:2026-12-31")),
            (seconds, date, Some("sunset:2026-12-31")),
            (None, date, Some("sunset:2026-12-31")),
            (Some("true"), None, Some("deprecation")),
            (seconds, Some("ask jane@example.com"), Some("deprecation:2026-07-01")),
            (None, Some("ask jane@example.com"), Some("sunset")),
            (Some("@99999999999999"), None, Some("deprecation")),
        ] {
            assert_eq!(announced(deprecation, sunset).as_deref(), expected, "{deprecation:?} {sunset:?}");
        }
    }
}
