//! `/api/v1/status`: what the status page tells people, for programs.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use url::form_urlencoded;

use super::Http;
use crate::model::{FairUse, MonthSpend, Overview};
use crate::store::{CollectorStatus, LastError, Outcome, Run};

/// The answer. Times are RFC 3339 in UTC, days `YYYY-MM-DD` in UTC; what is not known is null.
#[derive(Serialize)]
struct Status {
    version: &'static str,
    now: Timestamp,
    ready: bool,
    organizations: Vec<Organization>,
    collectors: Vec<Collector>,
}

#[derive(Serialize)]
struct Organization {
    organization: String,
    provider: &'static str,
    /// Of the figures below.
    last_success: Option<Timestamp>,
    fair_use: Option<FairUseStatus>,
    spend: Option<Vec<Spend>>,
}

#[derive(Serialize)]
struct FairUseStatus {
    period_start: Date,
    /// The day after the last one.
    period_end: Date,
    period_source: String,
    newest_complete_day: Date,
    requests_to_date: u64,
    trailing_days: u16,
    trailing_daily_mean_requests: f64,
    days_left: u32,
    forecast_requests: f64,
    allowance_requests: Option<f64>,
    allowance_source: Option<String>,
    overage_forecast_requests: Option<f64>,
    overage_forecast_amount: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    daily_requests: Option<Vec<DayRequests>>,
}

#[derive(Serialize)]
struct DayRequests {
    day: Date,
    requests: u64,
}

#[derive(Serialize)]
struct Spend {
    month: String,
    is_running: bool,
    amounts: Vec<Amount>,
}

#[derive(Serialize)]
struct Amount {
    amount: f64,
    currency: String,
}

#[derive(Serialize)]
struct Collector {
    organization: String,
    provider: &'static str,
    collector: &'static str,
    state: Outcome,
    last_attempt: Option<Timestamp>,
    last_success: Option<Timestamp>,
    data_through: Option<Timestamp>,
    next_run: Option<Timestamp>,
    refresh_seconds: f64,
    duration_seconds: Option<f64>,
    series: usize,
    last_error: Option<LastError>,
    own_requests: OwnRequests,
    /// The newest runs, the oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    runs: Option<VecDeque<Run>>,
}

/// Requests to the vendor.
#[derive(Serialize)]
struct OwnRequests {
    last_run: Option<u64>,
    since_start: u64,
}

/// All organizations, or those that `organization` names; only these with their days and runs, which are most of the answer.
pub(super) async fn status(State(http): State<Arc<Http>>, RawQuery(query): RawQuery) -> Response {
    // Many organizations take a while, which the other tasks should not wait for.
    tokio::task::spawn_blocking(move || answer(&http, query.as_deref().unwrap_or_default()))
        .await
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

fn answer(http: &Http, query: &str) -> Response {
    let mut collectors = http.store.status();
    let parameters = form_urlencoded::parse(query.as_bytes());
    let wanted: Vec<String> =
        parameters.filter(|(name, _)| name == "organization").map(|(_, value)| value.into_owned()).collect();
    for wanted in &wanted {
        if !collectors.iter().any(|collector| collector.id.organization == *wanted) {
            let refusal = format!("organization: none of that name is configured: {wanted:?}\n");
            return (StatusCode::BAD_REQUEST, refusal).into_response();
        }
    }
    let is_narrow = !wanted.is_empty();
    if is_narrow {
        collectors.retain(|collector| wanted.contains(&collector.id.organization));
    }
    Json(Status {
        version: env!("CARGO_PKG_VERSION"),
        now: http.clock.now(),
        ready: http.store.published().ready,
        organizations: collectors
            .chunk_by(|one, other| one.id.organization == other.id.organization)
            .map(|collectors| Organization::of(collectors, is_narrow))
            .collect(),
        collectors: collectors.into_iter().map(|status| Collector::of(status, is_narrow)).collect(),
    })
    .into_response()
}

impl Organization {
    /// The organization that all these collectors belong to, with its days if they are wanted.
    fn of(collectors: &[CollectorStatus], with_days: bool) -> Self {
        let mut organization = Self {
            organization: collectors[0].id.organization.clone(),
            provider: collectors[0].id.provider,
            last_success: None,
            fair_use: None,
            spend: None,
        };
        for collector in collectors {
            match collector.overview.as_deref() {
                None => continue,
                Some(Overview::FairUse(fair_use)) => {
                    organization.fair_use = Some(FairUseStatus::of(fair_use, with_days));
                }
                Some(Overview::Spend(months)) => {
                    organization.spend = Some(months.iter().map(Spend::from).collect());
                }
            }
            organization.last_success = collector.last_success;
        }
        organization
    }
}

impl FairUseStatus {
    fn of(fair_use: &FairUse, with_days: bool) -> Self {
        let days = fair_use.days.iter().map(|(day, requests)| DayRequests { day: *day, requests: *requests });
        let amount = |(amount, currency): (f64, &str)| Amount { amount, currency: currency.to_owned() };
        Self {
            period_start: fair_use.period_start,
            period_end: fair_use.period_end,
            period_source: fair_use.period_source.to_string(),
            newest_complete_day: fair_use.newest_day,
            requests_to_date: fair_use.to_date,
            trailing_days: fair_use.trailing_days,
            trailing_daily_mean_requests: fair_use.trailing_mean,
            days_left: fair_use.days_left(),
            forecast_requests: fair_use.forecast(),
            allowance_requests: fair_use.allowance.as_ref().map(|allowance| allowance.requests),
            allowance_source: fair_use.allowance.as_ref().map(|allowance| allowance.source.to_string()),
            overage_forecast_requests: fair_use.overage(),
            overage_forecast_amount: fair_use.overage_amount().map(amount),
            daily_requests: with_days.then(|| days.collect()),
        }
    }
}

impl From<&MonthSpend> for Spend {
    fn from(spend: &MonthSpend) -> Self {
        let amount =
            |(amount, currency): &(f64, String)| Amount { amount: *amount, currency: currency.clone() };
        Self {
            month: spend.month.clone(),
            is_running: spend.is_running,
            amounts: spend.amounts.iter().map(amount).collect(),
        }
    }
}

impl Collector {
    fn of(status: CollectorStatus, with_runs: bool) -> Self {
        let last_run = status.history.back().map(|run| run.requests);
        Self {
            organization: status.id.organization,
            provider: status.id.provider,
            collector: status.id.collector,
            state: status.outcome,
            last_attempt: status.last_attempt,
            last_success: status.last_success,
            data_through: status.data_through,
            next_run: status.next_run,
            refresh_seconds: status.schedule.refresh.as_secs_f64(),
            duration_seconds: status.duration.map(|duration| duration.as_secs_f64()),
            series: status.series,
            last_error: status.last_error,
            own_requests: OwnRequests { last_run, since_start: status.requests },
            runs: with_runs.then(|| Arc::unwrap_or_clone(status.history)),
        }
    }
}
