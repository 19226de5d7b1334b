//! The report of billable usage: made in the background, and asked for with the same parameters until it is there.

use std::collections::VecDeque;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;

use crate::simulator::answer::Answer;
use crate::simulator::dice::Dice;
use crate::simulator::exchange::Call;
use crate::simulator::faults::{Fate, Fault};
use crate::simulator::genesys_cloud::Session;
use crate::simulator::genesys_cloud::organization::Organization;
use crate::simulator::genesys_cloud::refusal::Refusal;
use crate::simulator::locked;
use crate::simulator::planted::{PLANTED_EMAIL, PLANTED_PERSON, PLANTED_PHONE};

const DAY_SECONDS: f64 = 86_400.0;
/// How long a report can be read; then it is made anew.
const LIFETIME_SECONDS: i64 = 30 * 60;
/// Reports kept at a time.
const KEPT: usize = 200;

/// The reports of an organization that are made or ready.
#[derive(Default)]
pub(in super::super) struct Reports(VecDeque<Report>);

struct Report {
    /// The query as it was written, to the byte: nothing else names a report.
    query: String,
    started: Timestamp,
    polls: u32,
    fate: Option<Fate>,
}

/// How much there is of a charge.
enum Extent {
    /// A part of the employees, one resource for each.
    Seats(f64),
    /// So many telephones and the like.
    Devices(u16),
    /// So much for each employee and day; nobody in particular.
    Metered(f64),
}

const CHARGES: [(&str, Extent); 14] = [
    ("Genesys Cloud CX 2", Extent::Seats(1.0)),
    ("Genesys Cloud CX 3 Digital Upgrade", Extent::Seats(0.2)),
    ("Genesys Cloud Communicate", Extent::Seats(0.15)),
    ("Genesys Cloud EX", Extent::Seats(0.05)),
    ("Workforce Engagement Management Add-on II", Extent::Seats(0.6)),
    ("Speech and Text Analytics", Extent::Seats(0.5)),
    ("Standalone Phone Station", Extent::Devices(17)),
    ("Edge Appliance", Extent::Devices(2)),
    ("Genesys Cloud Voice Outbound Minutes", Extent::Metered(9.31)),
    ("Genesys Cloud Voice Inbound Minutes", Extent::Metered(14.87)),
    ("BYOC Cloud Minutes", Extent::Metered(3.5)),
    ("Data Storage GB", Extent::Metered(0.65)),
    ("Messaging Segments", Extent::Metered(2.25)),
    ("Bot Flow Minutes", Extent::Metered(0.0)),
];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    start_date: String,
    end_date: String,
    status: &'static str,
    usages: Vec<Usage>,
    self_uri: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    name: &'static str,
    total_usage: String,
    resources: Vec<Resource>,
}

#[derive(Serialize)]
struct Resource {
    name: String,
    date: String,
}

/// `getBillableUsage`
pub(in super::super) fn billable_usage(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let (start, end) = (instant(call, "startDate")?, instant(call, "endDate")?);
    if end <= start {
        return Err(Refusal::bad("invalid.date", "[endDate] is not after [startDate]."));
    }
    let organization = session.organization;
    let done = locked(&organization.reports).poll(call, session.vendor.pending_polls)?;
    let known = end.min(call.now);
    let body = Body {
        start_date: written(start),
        end_date: written(end),
        status: if done { "Complete" } else { "InProgress" },
        usages: if done { usages(organization, start, known) } else { Vec::new() },
        self_uri: "/api/v2/billing/reports/billableusage",
    };
    Ok(Answer::json(StatusCode::OK, &body))
}

/// A date-time of the query, with `Z` or, as one of the vendor's own clients writes it, with an offset.
fn instant(call: &Call, parameter: &str) -> Result<Timestamp, Refusal> {
    let Some(text) = call.query(parameter) else {
        return Err(Refusal::bad("bad.request", format!("The parameter [{parameter}] is required.")));
    };
    let message = format!("[{text}] is not a valid value of [{parameter}].");
    text.parse().map_err(|_| Refusal::bad("invalid.date", message))
}

/// With milliseconds, as the vendor's answers have it.
fn written(time: Timestamp) -> String {
    format!("{time:.3}")
}

impl Reports {
    /// Whether the report that a request asks for is ready; the first request starts it.
    fn poll(&mut self, call: &Call, pending_polls: u32) -> Result<bool, Refusal> {
        let query = call.query.as_deref().unwrap_or_default();
        self.0.retain(|report| call.now.as_second() - report.started.as_second() < LIFETIME_SECONDS);
        if !self.0.iter().any(|report| report.query == query) {
            if self.0.len() >= KEPT {
                self.0.pop_front();
            }
            self.0.push_back(Report { query: query.to_owned(), started: call.now, polls: 0, fate: None });
        }
        let Some(position) = self.0.iter().position(|report| report.query == query) else { return Ok(false) };
        let report = &mut self.0[position];
        if let Some(Fault::Job(fate)) = call.fault {
            report.fate = Some(fate);
        }
        let polls = report.polls;
        report.polls = polls.saturating_add(1);
        match report.fate {
            Some(Fate::Endless) => Ok(false),
            _ if polls < pending_polls => Ok(false),
            None => Ok(true),
            // It begins again from nothing.
            Some(Fate::Lost) => {
                self.0.remove(position);
                Ok(false)
            }
            Some(Fate::Failed | Fate::Cancelled) => {
                self.0.remove(position);
                Err(Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "error", "The report failed."))
            }
        }
    }
}

fn usages(organization: &Organization, start: Timestamp, known: Timestamp) -> Vec<Usage> {
    let seats = f64::from(organization.profile.seats);
    let seconds = known.as_second().saturating_sub(start.as_second()).max(0) as f64;
    let charges = CHARGES.iter().map(|(name, extent)| {
        let dice = organization.world.dice.named("billable usage").named(name);
        let (total_usage, resources) = match extent {
            Extent::Seats(share) => counted(dice, "agent", (seats * share).round(), start, seconds),
            Extent::Devices(count) => counted(dice, "station", f64::from(*count), start, seconds),
            Extent::Metered(rate) => (format!("{:.4}", seats * rate * seconds / DAY_SECONDS), Vec::new()),
        };
        Usage { name, total_usage, resources }
    });
    charges.collect()
}

/// As many resources as are counted. The first are somebody's.
fn counted(dice: Dice, kind: &str, count: f64, start: Timestamp, seconds: f64) -> (String, Vec<Resource>) {
    let planted = [PLANTED_EMAIL, PLANTED_PERSON, PLANTED_PHONE].map(str::to_owned).into_iter();
    let names = planted.chain((1..).map(|number: u32| format!("{kind}{number}@example.com")));
    let resources =
        names.zip(0_u16..).take_while(|(_, index)| f64::from(*index) < count).map(|(name, index)| {
            let seen = dice.of(index.into()).between(0.0, seconds).floor();
            let date = start + std::time::Duration::from_secs_f64(seen);
            Resource { name, date: written(date) }
        });
    (format!("{count}"), resources.collect())
}
