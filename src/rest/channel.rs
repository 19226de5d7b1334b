//! One request on its way: allowed by the governor, counted whatever becomes of it, read within bounds.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::{RequestBuilder, Response, StatusCode};
use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use super::error::{Error, Kind};
use super::governor::Governor;
use super::transport::Transport;
use crate::telemetry::ApiMetrics;

/// No limit of a vendor is longer than daily.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(24);

/// The way to one organization's vendor: everything that its requests share.
pub(super) struct Channel {
    pub(super) transport: Arc<Transport>,
    pub(super) governor: Arc<Governor>,
    pub(super) metrics: ApiMetrics,
}

/// An answer whose head has arrived. It holds its place among the requests in flight until it is dropped.
pub(super) struct Answer<'a> {
    response: Response,
    operation: &'static str,
    in_flight: InFlight<'a>,
}

/// Counts its request when it ends, also when whoever waits for it gives up.
struct InFlight<'a> {
    _place: SemaphorePermit<'a>,
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
        let waited = self.governor.wait().await;
        self.metrics.throttled(waited);
        let place = self.transport.place().await;
        let started = Instant::now();
        let code = "cancelled".to_owned();
        let mut in_flight = InFlight { _place: place, metrics: &self.metrics, operation, started, code };
        match request.send().await {
            Ok(response) => {
                response.status().as_str().clone_into(&mut in_flight.code);
                Ok(Answer { response, operation, in_flight })
            }
            Err(error) => Err(in_flight.broken(&error)),
        }
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

    /// `Retry-After` in whole seconds, a day at the most; a date, which these vendors do not send, counts as absent.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?
            .trim()
            .parse()
            .ok()
            .map(|seconds| Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
    }
}

impl InFlight<'_> {
    /// What a broken connection means. The library's own text could hold the URL, so it stays out.
    fn broken(&mut self, error: &reqwest::Error) -> Error {
        let (code, kind, detail) = if error.is_timeout() {
            ("timeout", Kind::Timeout, "no complete answer in time")
        } else if error.is_connect() {
            ("network", Kind::Unreachable, "cannot connect (name, network, proxy or TLS)")
        } else if is_broken_compression(error) {
            ("network", Kind::Malformed, "the answer's compression is broken")
        } else {
            ("network", Kind::Unreachable, "the connection broke before the answer was complete")
        };
        code.clone_into(&mut self.code);
        Error::new(kind, self.operation, detail)
    }
}

/// Whether a decompressor refused the body, as against a body that did not arrive.
fn is_broken_compression(error: &reqwest::Error) -> bool {
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
        self.metrics.request(self.operation, &self.code, self.started.elapsed());
    }
}
