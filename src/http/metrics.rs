//! `/metrics`: the ready text of the vendor families, and the exporter's own families behind it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use tokio::time::Instant;
use url::form_urlencoded;

use super::Http;
use super::negotiation::{self, Encoding};
use crate::exposition::{Format, LEVEL, Piece, Selection, gzip, inflate};
use crate::store::Outcome;

/// The exporter's own families are encoded at most this often, however many ask.
const OWN_FAMILIES_AGE: Duration = Duration::from_secs(1);

/// The exporter's own families, by format, as of a moment and of what is published.
#[derive(Default)]
pub(super) struct OwnFamilies(Mutex<Option<Encoded>>);

struct Encoded {
    at: Instant,
    generation: u64,
    text: Option<Piece>,
    openmetrics: Option<Piece>,
}

impl OwnFamilies {
    /// The piece for `format`, to follow what was published as `generation`.
    fn piece(&self, generation: u64, format: Format, encode: impl FnOnce() -> Piece) -> Piece {
        let mut current = self.0.lock().expect("encoding constant families does not panic");
        let encoded = match current.as_mut() {
            Some(encoded) if encoded.generation == generation && encoded.at.elapsed() < OWN_FAMILIES_AGE => {
                encoded
            }
            _ => current.insert(Encoded { at: Instant::now(), generation, text: None, openmetrics: None }),
        };
        let piece = match format {
            Format::Text => &mut encoded.text,
            Format::OpenMetrics => &mut encoded.openmetrics,
        };
        piece.get_or_insert_with(encode).clone()
    }
}

/// What the query string asks for.
struct Question {
    selection: Selection,
    strict: bool,
}

pub(super) async fn metrics(
    State(http): State<Arc<Http>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let started = Instant::now();
    let response = match question(&http, query.as_deref().unwrap_or("")) {
        Ok(question) => answer(&http, &question, &headers).await,
        Err(refusal) => (StatusCode::BAD_REQUEST, refusal).into_response(),
    };
    http.telemetry.observe_scrape(started.elapsed());
    response
}

async fn answer(http: &Arc<Http>, question: &Question, headers: &HeaderMap) -> Response {
    if question.strict
        && let Some(failing) = failing(http, &question.selection)
    {
        return (StatusCode::SERVICE_UNAVAILABLE, failing).into_response();
    }
    let format = negotiation::format(headers);
    let own = || {
        let text = http.telemetry.encode(format, &question.selection) + format.end();
        Piece::text(text.as_bytes(), LEVEL)
    };
    let pieces = if question.selection.is_everything() {
        let published = http.store.published();
        let own = http.own_families.piece(published.generation, format, own);
        [published.piece.clone(), own]
    } else {
        let (store, selection) = (http.store.clone(), question.selection.clone());
        let rendered = tokio::task::spawn_blocking(move || store.render(&selection)).await;
        match rendered {
            Ok(Ok(vendor)) => [vendor, own()],
            _ => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    };
    body(&pieces, format, negotiation::encoding(headers))
}

fn body(pieces: &[Piece; 2], format: Format, encoding: Encoding) -> Response {
    let mut response = match encoding {
        Encoding::Gzip => {
            let parts = gzip(pieces);
            let length = parts.iter().map(Bytes::len).sum::<usize>();
            // Ready parts with a length known beforehand: nothing is copied and nothing is chunked.
            let body = Body::from_stream(stream::iter(parts.into_iter().map(Ok::<_, std::io::Error>)));
            ([(CONTENT_LENGTH, HeaderValue::from(length))], body).into_response()
        }
        Encoding::Identity => Body::from_stream(stream::iter(inflate(pieces.to_vec()))).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    headers.insert(VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    if let Some(encoding) = encoding.header() {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// Reads `organization`, `collect[]` and `strict`; other parameters are left to whoever put them there.
fn question(http: &Http, query: &str) -> Result<Question, String> {
    let (mut organizations, mut collectors, mut strict) = (Vec::new(), Vec::new(), false);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "organization" => organizations.push(value.into_owned()),
            "collect[]" => collectors.push(value.into_owned()),
            "strict" => {
                strict = value.parse().map_err(|_| "strict: expected true or false\n".to_owned())?;
            }
            _ => {}
        }
    }
    if organizations.is_empty() && collectors.is_empty() {
        return Ok(Question { selection: Selection::default(), strict });
    }
    let status = http.store.status();
    for wanted in &organizations {
        if !status.iter().any(|collector| collector.id.organization == *wanted) {
            return Err(format!("organization: none of that name is configured: {wanted:?}\n"));
        }
    }
    for wanted in &collectors {
        if !status.iter().any(|collector| collector.id.collector == wanted) {
            return Err(format!("collect[]: no collector of that name is enabled: {wanted:?}\n"));
        }
    }
    Ok(Question { selection: Selection::new(organizations, collectors), strict })
}

/// The selected collectors whose last run failed, as a text for people.
fn failing(http: &Http, selection: &Selection) -> Option<String> {
    let failing: Vec<String> = http
        .store
        .status()
        .iter()
        .filter(|collector| collector.outcome == Outcome::Failed && collector.is_selected(selection))
        .map(|collector| format!("{} is failing\n", collector.id))
        .collect();
    (!failing.is_empty()).then(|| failing.concat())
}
