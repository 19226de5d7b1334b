//! `/`: the fleet and each organization for people, made here and complete without a script.
//!
//! Views hold what the templates of `templates/status` show, in words and places; the templates decide how it looks.

mod collector;
mod fair_use;
mod organization;
mod query;
mod spend;
mod words;

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{Html, IntoResponse, Response};
use jiff::Timestamp;

use self::organization::{Details, Organization, Row};
use self::query::{Query, StateFilter};
use self::words::{Number, counted, exact, title};
use super::Http;

/// Organizations on one page of the list.
const PAGE: usize = 50;

/// So few organizations are shown with all details at once.
const FEW: usize = 4;

/// The page needs nothing but its own style, and nobody may frame it or change where its form goes.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Where the style is, and the icon.
pub(super) const STYLE_PATH: &str = "/status.css";
pub(super) const ICON_PATH: &str = "/status.svg";

const STYLE: &str = include_str!("../../../templates/status/status.css");
const ICON: &str = include_str!("../../../templates/status/status.svg");

/// What every page has.
struct Frame {
    title: String,
    version: &'static str,
    /// Relative to the page, which may be behind a path of a proxy.
    telemetry_path: String,
    /// Of the page.
    now: String,
    /// The page itself.
    link: String,
}

#[derive(Template)]
#[template(path = "status/fleet.html")]
struct Fleet {
    frame: Frame,
    figures: Vec<Figure>,
    notice: Option<String>,
    form: Option<Form>,
    found: String,
    rows: Vec<Row>,
    pager: Option<Pager>,
    details: Vec<Details>,
}

#[derive(Template)]
#[template(path = "status/one.html")]
struct One {
    frame: Frame,
    organization: Details,
}

#[derive(Template)]
#[template(path = "status/missing.html")]
struct Missing {
    frame: Frame,
    name: String,
}

/// A number at the top.
struct Figure {
    label: &'static str,
    number: Number,
    /// Where those that it counts are listed.
    link: Option<String>,
    /// How bad it is that there are any.
    key: &'static str,
}

/// The search.
struct Form {
    text: String,
    states: Vec<Choice>,
    providers: Vec<Choice>,
    narrows: bool,
}

/// One of several values that can be asked for.
struct Choice {
    key: String,
    label: String,
    is_chosen: bool,
}

/// The ways to the other pages of the list.
struct Pager {
    text: String,
    previous: Option<String>,
    next: Option<String>,
}

pub(super) async fn page(State(http): State<Arc<Http>>, RawQuery(query): RawQuery) -> Response {
    // Many organizations take a while, which the other tasks should not wait for.
    tokio::task::spawn_blocking(move || made(&http, query.as_deref().unwrap_or_default()))
        .await
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

fn made(http: &Http, query: &str) -> Response {
    let mut query = Query::parse(query);
    let (now, status) = (http.clock.now(), http.store.status());
    let organizations = Organization::all(&status, now);
    if !organizations.iter().any(|organization| organization.provider == query.provider) {
        query.provider.clear();
    }
    let frame = |title: &str| Frame {
        title: title.to_owned(),
        version: env!("CARGO_PKG_VERSION"),
        telemetry_path: http.telemetry_path.trim_start_matches('/').to_owned(),
        now: exact(now),
        link: query.to_string(),
    };
    let Some(name) = &query.organization else {
        return answer(StatusCode::OK, &Fleet::new(organizations, &query, now, frame("Status")));
    };
    if let Some(organization) = organizations.iter().find(|organization| organization.name == name) {
        let details = organization.details(now, "organization".to_owned(), 2);
        return answer(StatusCode::OK, &One { frame: frame(name), organization: details });
    }
    let name = name.chars().take(query::LONGEST_TEXT).collect();
    answer(StatusCode::NOT_FOUND, &Missing { frame: frame("No such organization"), name })
}

pub(super) async fn style() -> Response {
    part("text/css; charset=utf-8", STYLE)
}

pub(super) async fn icon() -> Response {
    part("image/svg+xml", ICON)
}

/// What belongs to the page and does not change while the program runs.
fn part(content_type: &'static str, text: &'static str) -> Response {
    let headers =
        [(CONTENT_TYPE, content_type), (X_CONTENT_TYPE_OPTIONS, "nosniff"), (CACHE_CONTROL, "max-age=300")];
    (headers, text).into_response()
}

fn answer(status: StatusCode, page: &impl Template) -> Response {
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        // It is true for a moment.
        (CACHE_CONTROL, "no-store"),
    ];
    match page.render() {
        Ok(html) => (status, headers, Html(html)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

impl Fleet {
    fn new(mut organizations: Vec<Organization<'_>>, query: &Query, now: Timestamp, frame: Frame) -> Self {
        let (figures, notice) = (figures(&organizations), notice(&organizations));
        let total = organizations.len();
        let form = (total > FEW || query.narrows()).then(|| Form::new(&organizations, query));
        organizations.retain(|organization| organization.matches(query));
        organizations.sort_by_cached_key(Organization::order);
        let (found, are_few) = (organizations.len(), total <= FEW);
        let pages = found.div_ceil(PAGE).max(1);
        let page = query.page.min(pages);
        let shown = organizations.iter().enumerate().skip((page - 1) * PAGE).take(PAGE);
        let id = |place: usize| format!("organization-{}", place + 1);
        Self {
            frame,
            figures,
            notice,
            form,
            found: if query.narrows() {
                format!("{} of {}", found, counted(total, "organization"))
            } else {
                counted(total, "organization")
            },
            rows: shown
                .clone()
                .map(|(place, organization)| {
                    let link = if are_few {
                        format!("#{}", id(place))
                    } else {
                        Query::of(organization.name).to_string()
                    };
                    organization.row(now, link)
                })
                .collect(),
            pager: (pages > 1).then(|| Pager {
                text: format!("Page {page} of {pages}"),
                previous: (page > 1).then(|| query.with_page(page - 1).to_string()),
                next: (page < pages).then(|| query.with_page(page + 1).to_string()),
            }),
            details: shown
                .filter(|_| are_few)
                .map(|(place, organization)| organization.details(now, id(place), 3))
                .collect(),
        }
    }
}

fn figures(organizations: &[Organization<'_>]) -> Vec<Figure> {
    let sum = |count: fn(&Organization<'_>) -> usize| organizations.iter().map(count).sum::<usize>();
    let figure = |label, count: usize, key, state: Option<StateFilter>| Figure {
        label,
        number: Number::whole(count as f64),
        link: state.filter(|_| count > 0).map(|state| Query::only(state).to_string()),
        key: if count > 0 { key } else { "none" },
    };
    vec![
        figure("organizations", organizations.len(), "plain", None),
        figure("collectors failing", sum(|one| one.failing), "bad", Some(StateFilter::Failing)),
        figure(
            "allowance exceeded",
            sum(|one| usize::from(one.is_exceeded())),
            "bad",
            Some(StateFilter::Exceeded),
        ),
        figure(
            "will exceed allowance",
            sum(|one| usize::from(one.will_exceed())),
            "warn",
            Some(StateFilter::Forecast),
        ),
        figure("collectors stale", sum(|one| one.stale), "warn", Some(StateFilter::Stale)),
    ]
}

/// What is worth a sentence about all of them.
fn notice(organizations: &[Organization<'_>]) -> Option<String> {
    let sum = |count: fn(&Organization<'_>) -> usize| organizations.iter().map(count).sum::<usize>();
    let (all, failing, waiting) = (sum(|one| one.count), sum(|one| one.failing), sum(|one| one.waiting));
    if organizations.is_empty() {
        return Some("No organization is configured here.".to_owned());
    }
    if waiting == all {
        return Some(
            "Nothing has been collected yet: the first runs are under way. Reload the page for first figures.".to_owned(),
        );
    }
    if failing == all {
        return Some(
            "Every collector is failing. What they share is the likely cause: the network, the proxy, the clock of this machine."
                .to_owned(),
        );
    }
    (waiting > 0).then(|| {
        format!(
            "Of {all} collectors, {waiting} did not end a first run yet. Reload the page for newer figures."
        )
    })
}

impl Form {
    fn new(organizations: &[Organization<'_>], query: &Query) -> Self {
        let states = StateFilter::ALL.into_iter().map(|state| Choice {
            key: state.key().to_owned(),
            label: state.label().to_owned(),
            is_chosen: state == query.state,
        });
        let providers: BTreeSet<&str> =
            organizations.iter().map(|organization| organization.provider).collect();
        let any = Choice { key: String::new(), label: "Any provider".to_owned(), is_chosen: false };
        let providers = providers.into_iter().map(|provider| Choice {
            key: provider.to_owned(),
            label: title(provider),
            is_chosen: provider == query.provider,
        });
        Self {
            text: query.text.clone(),
            states: states.collect(),
            providers: std::iter::once(any).chain(providers).collect(),
            narrows: query.narrows(),
        }
    }
}
