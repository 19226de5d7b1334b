//! One request on its way: allowed by the governor, counted whatever becomes of it, read within bounds.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::fmt::rfc2822;
use reqwest::{RequestBuilder, Response, StatusCode};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::error::{Error, Kind};
use super::governor::Governor;
use super::transport::Transport;
use crate::telemetry::ApiMetrics;

/// No limit of a vendor is longer than daily.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// A longer wait than this ends the run instead: some limits are daily and ask for hours.
pub(super) const LONGEST_WAIT: Duration = Duration::from_mins(3);

/// What a 429 without `Retry-After` is taken to ask for.
const DEFAULT_WAIT: Duration = Duration::from_secs(3);

/// The way to one organization's vendor: everything that its requests share.
pub(super) struct Channel {
    pub(super) transport: Arc<Transport>,
    pub(super) governor: Arc<Governor>,
    pub(super) metrics: ApiMetrics,
    /// The organization's own share of the places in flight.
    pub(super) share: Semaphore,
}

/// An answer whose head has arrived. It holds its place among the requests in flight until it is dropped.
pub(super) struct Answer<'a> {
    response: Response,
    operation: &'static str,
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
                Ok(Answer { response, operation, in_flight })
            }
            Err(error) => Err(in_flight.broken(&error)),
        }
    }
}

impl Channel {
    /// Places for one request that may be sent now. None is held while a limit makes it wait.
    async fn places(&self) -> [SemaphorePermit<'_>; 2] {
        loop {
            let begun = Instant::now();
            let heard = self.governor.wait_for_vendor().await;
            self.metrics.throttled(begun.elapsed());
            let own = self.share.acquire().await.expect("the semaphore is never closed");
            let shared = self.transport.place().await;
            // The vendor may have asked for a pause while this request waited for its places.
            match self.governor.take(heard) {
                Ok(()) => return [own, shared],
                Err(wait) => {
                    drop((own, shared));
                    self.metrics.throttled(wait);
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    /// A vendor in trouble that says for how long is left alone so long, by everyone who shares the credential.
    pub(super) fn unavailable(&self, answer: &Answer<'_>) {
        if let Some(wait) = answer.retry_after().filter(|wait| *wait <= LONGEST_WAIT) {
            self.governor.pause(wait);
        }
    }

    /// What a 429 asks for. Everyone who shares the credential waits, unless it is longer than a run may take.
    pub(super) fn rate_limited(&self, answer: &Answer<'_>) -> Kind {
        let wait = answer.retry_after().unwrap_or(DEFAULT_WAIT);
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

    /// `Retry-After`, a day at the most: whole seconds, or a date as against the vendor's own `Date`.
    fn retry_after(&self) -> Option<Duration> {
        let wait = retry_after(self.header("retry-after")?, self.header("date"))?;
        Some(wait.min(LONGEST_RETRY_AFTER))
    }
}

pub(super) fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment = |text: &str| rfc2822::parse(text.trim()).ok().map(|at| at.timestamp());
    Duration::try_from(moment(value)?.duration_since(moment(date?)?)).ok()
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
        let now = Some("Sat, 21 Nov 2026 10:00:00 GMT");
        for (value, seconds) in [
            ("120", Some(120)),
            (" 120 ", Some(120)),
            ("Sat, 21 Nov 2026 10:01:30 GMT", Some(90)),
            ("Sat, 21 Nov 2026 09:00:00 GMT", None),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs), "{value}");
        }
        assert_eq!(retry_after("Sat, 21 Nov 2026 10:01:30 GMT", None), None);
    }
}
