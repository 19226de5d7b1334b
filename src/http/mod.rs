//! What the exporter serves; how, is the business of `serve`.
//!
//! | path | answers |
//! |---|---|
//! | `/metrics` | all series; `?organization=` and `?collect[]=` (repeatable) narrow them, `?strict=true` refuses while a selected collector fails |
//! | `/` | a page for people: the fleet, narrowed by `?q=`, `?state=`, `?provider=` and `?page=`; `?organization=` for one. Its style is `/status.css`, its icon `/status.svg` |
//! | `/api/v1/status` | the same as JSON; `?organization=` (repeatable) narrows it, and adds days and runs |
//! | `/sd` | Prometheus HTTP service discovery: one target for each organization |
//! | `/config` | the configuration in use, without its secrets; after a reload the new one |
//! | `/-/healthy` | 200 while every collector's loop is alive; never depends on a vendor, or an outage there would restart the exporter |
//! | `/-/ready` | 200 once every collector has ended a run, good or bad: a vendor's outage must not hide the series that report it. It is about the start: a reload does not take it back |
//! | `POST /-/reload` | reads the configuration anew: 200 when it is in use, 500 with all faults when it is refused; 403 without `--web.enable-lifecycle` |
//! | `POST /-/quit` | ends the exporter as SIGTERM does; 403 without `--web.enable-lifecycle` |

mod discovery;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod lifecycle;
mod metrics;
mod negotiation;
mod page;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, StatusCode};
use axum::routing::{get, post};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::lifecycle::Control;
use crate::store::Store;
use crate::telemetry::Telemetry;

/// What the handlers read.
pub struct Http {
    /// The vendor families.
    pub store: Store,
    /// The exporter's own families.
    pub telemetry: Arc<Telemetry>,
    /// The time of day.
    pub clock: Clock,
    /// The configuration in use as YAML, without its secrets.
    pub config: watch::Receiver<String>,
    /// Reloads and ends the program; `None` where requests must not.
    pub control: Option<Control>,
    /// Where the metrics are, `/metrics` unless configured otherwise.
    pub telemetry_path: String,
    own_families: metrics::OwnFamilies,
}

impl Http {
    /// Everything in one place.
    #[must_use]
    pub fn new(
        store: Store,
        telemetry: Arc<Telemetry>,
        clock: Clock,
        config: watch::Receiver<String>,
        control: Option<Control>,
        telemetry_path: String,
    ) -> Self {
        Self {
            store,
            telemetry,
            clock,
            config,
            control,
            telemetry_path,
            own_families: metrics::OwnFamilies::default(),
        }
    }
}

/// The routes.
pub fn router(http: Http) -> Router {
    let telemetry_path = http.telemetry_path.clone();
    Router::new()
        .route("/", get(page::page))
        .route(page::STYLE_PATH, get(page::style))
        .route(page::ICON_PATH, get(page::icon))
        .route("/api/v1/status", get(status::status))
        .route("/sd", get(discovery::discovery))
        .route("/config", get(config))
        .route("/-/healthy", get(healthy))
        .route("/-/ready", get(ready))
        .route("/-/reload", post(lifecycle::reload))
        .route("/-/quit", post(lifecycle::quit))
        .route(&telemetry_path, get(metrics::metrics))
        .with_state(Arc::new(http))
}

async fn config(State(http): State<Arc<Http>>) -> ([(HeaderName, &'static str); 1], String) {
    ([(CONTENT_TYPE, "application/yaml; charset=utf-8")], http.config.borrow().clone())
}

async fn healthy(State(http): State<Arc<Http>>) -> (StatusCode, String) {
    let stuck = http.store.stuck();
    if stuck.is_empty() {
        return (StatusCode::OK, "healthy\n".to_owned());
    }
    let stuck: Vec<String> =
        stuck.iter().map(|id| format!("{id} has not run when it should have\n")).collect();
    (StatusCode::SERVICE_UNAVAILABLE, stuck.concat())
}

async fn ready(State(http): State<Arc<Http>>) -> (StatusCode, &'static str) {
    if http.store.published().ready {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready: not every collector has ended its first run\n")
    }
}
