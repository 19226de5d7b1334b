//! What changes the program instead of telling of it: `/-/reload` and `/-/quit`, where a flag allows them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;

use super::Http;

/// A status and a text for people.
type Answer = (StatusCode, String);

const FORBIDDEN: &str = "reloading and ending the exporter by request is not enabled: start it with --web.enable-lifecycle, \
                         or send it a signal (SIGHUP reloads, SIGTERM ends)\n";

fn forbidden() -> Answer {
    (StatusCode::FORBIDDEN, FORBIDDEN.to_owned())
}

pub(super) async fn reload(State(http): State<Arc<Http>>) -> Answer {
    let Some(control) = &http.control else { return forbidden() };
    match control.reload().await {
        Ok(done) => (StatusCode::OK, format!("{done}\n")),
        Err(why) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("the configuration in use stays as it is:\n{why}\n"))
        }
    }
}

pub(super) async fn quit(State(http): State<Arc<Http>>) -> Answer {
    let Some(control) = &http.control else { return forbidden() };
    control.quit();
    (StatusCode::OK, "the exporter ends\n".to_owned())
}
