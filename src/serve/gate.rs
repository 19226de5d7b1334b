//! What stands between a connection and the routes: rate limit, headers, users, the number of scrapes.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::response::IntoResponse;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use hyper::header::{HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use hyper::service::Service;
use hyper::{Request, Response, StatusCode};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;

use super::Shared;
use super::activity::Answering;
use super::body::Answer;
use super::scrapes::InFlight;
use super::users::{Admission, Users};

/// What is made anew for everybody who asks, and can be large: the pages for people and programs.
const PAGES: [&str; 2] = ["/", "/api/v1/status"];

/// What the web configuration says.
#[derive(Default)]
pub struct Settings {
    /// Encryption; `None` is plain HTTP.
    pub tls: Option<Arc<ServerConfig>>,
    /// Headers of every answer.
    pub headers: HeaderMap,
    /// Who may ask; nobody has to say who they are when there are none.
    pub users: Arc<Users>,
    /// How many requests are answered.
    pub rate_limit: Option<RateLimit>,
    /// The files that all this was read from.
    pub files: Vec<PathBuf>,
}

impl Settings {
    /// Logs what is allowed and not wise.
    pub(super) fn warn(&self) {
        if let Some((lowest, highest)) = self.users.mixed_costs() {
            tracing::warn!(
                lowest,
                highest,
                "basic_auth_users has bcrypt hashes of different costs: who has a lower one is refused faster than somebody unknown, \
                 which tells that the name is known; give all the same cost"
            );
        }
    }

    /// These settings in the place of `current`, as far as they can change while the exporter runs.
    pub(super) fn succeed(mut self, current: &Self) -> Result<Self, String> {
        match (&current.tls, &self.tls) {
            (None, Some(_)) => return Err("TLS cannot be switched on without a restart".to_owned()),
            (Some(_), None) => return Err("TLS cannot be switched off without a restart".to_owned()),
            _ => {}
        }
        // A file is empty for a moment when it is written anew; nobody is to come in through that moment.
        if self.users.is_empty() && !current.users.is_empty() {
            return Err("the last user cannot be removed without a restart".to_owned());
        }
        if self.users.is_like(&current.users) {
            // Nobody needs to be checked again.
            self.users = current.users.clone();
        }
        // The bucket stays as full as it is.
        if self.rate_limit == current.rate_limit {
            self.rate_limit.clone_from(&current.rate_limit);
        }
        Ok(self)
    }
}

/// A bucket of requests, for all clients together.
#[derive(Clone)]
pub struct RateLimit {
    interval: Duration,
    burst: NonZeroU32,
    bucket: Arc<DefaultDirectRateLimiter>,
}

impl RateLimit {
    /// One request in `interval`, and up to `burst` at once; `None` when the interval is zero.
    #[must_use]
    pub fn new(interval: Duration, burst: NonZeroU32) -> Option<Self> {
        let quota = Quota::with_period(interval)?.allow_burst(burst);
        Some(Self { interval, burst, bucket: Arc::new(RateLimiter::direct(quota)) })
    }
}

impl PartialEq for RateLimit {
    fn eq(&self, other: &Self) -> bool {
        (self.interval, self.burst) == (other.interval, other.burst)
    }
}

/// Answers a request whose head is `head`.
pub(super) async fn answer(head: Parts, answering: Answering, shared: &Arc<Shared>) -> Response<Answer> {
    let settings = shared.keeper.current(shared.limits.recheck).await;
    let (mut response, in_flight) = if is_beyond_the_rate(&settings) {
        (
            refusal(
                StatusCode::TOO_MANY_REQUESTS,
                "too many requests: see rate_limit in the web configuration\n",
            ),
            None,
        )
    } else {
        match settings.users.admit(&head.headers).await {
            Admission::Granted => route(head, &answering, shared).await,
            Admission::Denied => (unauthorized(), None),
            Admission::Busy => (later("too many passwords wait to be checked; ask again later\n"), None),
        }
    };
    for (name, value) in &settings.headers {
        response.headers_mut().insert(name, value.clone());
    }
    response.map(|body| Answer::new(body, answering, in_flight))
}

fn is_beyond_the_rate(settings: &Settings) -> bool {
    settings.rate_limit.as_ref().is_some_and(|limit| limit.bucket.check().is_err())
}

/// Hands the request to its route; a scrape or a page only if there are not too many.
async fn route(
    head: Parts,
    answering: &Answering,
    shared: &Arc<Shared>,
) -> (Response<Body>, Option<InFlight>) {
    let path = head.uri.path();
    let bounded = if path == shared.telemetry_path {
        Some((&shared.scrapes, "too many scrapes at a time: see --web.max-requests\n"))
    } else {
        PAGES.contains(&path).then_some((&shared.pages, "too many pages at a time; ask again later\n"))
    };
    let routes = TowerToHyperService::new(shared.router.clone());
    let request = Request::from_parts(head, Body::empty());
    let Some((places, refusal)) = bounded else {
        return (routes.call(request).await.unwrap_or_else(|impossible| match impossible {}), None);
    };
    let Some(in_flight) = places.enter(answering) else { return (later(refusal), None) };
    // A task of its own, so that a client that has gone does not free the place before the work for it is done.
    let work = tokio::spawn(async move { (routes.call(request).await, in_flight) });
    match work.await {
        Ok((response, in_flight)) => {
            in_flight.is_made();
            (response.unwrap_or_else(|impossible| match impossible {}), Some(in_flight))
        }
        Err(error) => {
            tracing::error!(%error, "an answer has ended by a defect of the exporter");
            (StatusCode::INTERNAL_SERVER_ERROR.into_response(), None)
        }
    }
}

fn refusal(status: StatusCode, text: &'static str) -> Response<Body> {
    (status, text).into_response()
}

fn later(text: &'static str) -> Response<Body> {
    let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, text);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn unauthorized() -> Response<Body> {
    let mut response = refusal(StatusCode::UNAUTHORIZED, "Unauthorized\n");
    let scheme = HeaderValue::from_static("Basic realm=\"ccaas-exporter\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    response
}
