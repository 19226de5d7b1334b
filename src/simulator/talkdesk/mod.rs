//! Talkdesk: its Billing Insights API, with the habits that its documents describe and the doubts that they leave.

mod filter;
mod invoices;
mod list;
mod meters;
mod month;
mod page;
mod products;
mod query;
mod refusal;
mod subscriptions;
#[cfg(test)]
mod tests;
mod usage;
mod world;

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::MethodFilter;

use self::list::{List, View};
use self::month::{Month, today};
use self::query::Query;
use self::refusal::Refusal;
use self::usage::Restated;
use self::world::World;
use super::answer::Answer;
use super::exchange::{Call, Operation, Vendor};
use super::faults::Fault;
use super::limit::Limit;
use super::login::Login;
use super::{CLIENT_ID, Options, locked};

/// The window of the rate limit.
const WINDOW: Duration = Duration::from_secs(1);

/// The vendor, and its one organization, which belongs to [`CLIENT_ID`].
pub(super) struct Talkdesk {
    login: Arc<Login>,
    limit: Limit,
    world: World,
    restated: Mutex<Restated>,
}

const fn api(id: &'static str, path: &'static str, list: List) -> Operation<List> {
    Operation { id, method: MethodFilter::GET, path, handler: list }
}

impl Vendor for Talkdesk {
    type Handler = List;

    const OPERATIONS: &'static [Operation<List>] = &[
        api("listAccounts", "/express/accounts", list::ACCOUNTS),
        api("listProducts", "/express/products", list::PRODUCTS),
        api("listSubscriptions", "/express/subscriptions", list::SUBSCRIPTIONS),
        // The vendor's description calls it as the other vendor does one of its operations.
        api("listTalkdeskInvoiceLines", "/express/invoices", list::INVOICES),
        api("listMonthlyUsage", "/express/usage/month", list::USAGE),
    ];

    fn respond(&self, list: &List, call: &Call) -> Answer {
        let answer = match &call.fault {
            Some(Fault::Status { status, code, headers }) => {
                Err(Refusal::scripted(*status, code.as_deref(), headers))
            }
            _ => self.admit(list, call).and_then(|()| self.page(list, call)),
        };
        answer.unwrap_or_else(Refusal::answer)
    }

    fn refuse(&self, _: &Call, status: StatusCode) -> Answer {
        Refusal::usual(status).answer()
    }
}

impl Talkdesk {
    pub(super) fn new(options: &Options, login: Arc<Login>) -> Self {
        Self {
            login,
            limit: Limit::new(options.talkdesk_requests_per_second, WINDOW),
            world: World::new(options.seed, options.clock.now()),
            restated: Mutex::default(),
        }
    }

    /// The accounts for the front page: a line for each.
    pub(super) fn accounts(&self) -> String {
        self.world.accounts.iter().fold(String::new(), |mut text, account| {
            // Writing to a text cannot fail.
            let _ = writeln!(text, "  {}  {} ({})", account.id, account.name, account.status);
            text
        })
    }

    /// Checks the token, the rate limit, and what the token is good for.
    fn admit(&self, list: &List, call: &Call) -> Result<(), Refusal> {
        let grant = self.login.grant(call).map_err(|_| Refusal::usual(StatusCode::UNAUTHORIZED))?;
        let window = self.limit.count(grant.client_id);
        if window.is_exceeded() {
            return Err(Refusal::too_many(window.reset));
        }
        if grant.client_id != CLIENT_ID {
            return Err(Refusal::foreign("The client has no organization."));
        }
        if grant.scopes.contains(&list.scope) { Ok(()) } else { Err(Refusal::usual(StatusCode::FORBIDDEN)) }
    }

    fn page(&self, list: &List, call: &Call) -> Result<Answer, Refusal> {
        if let Some(Fault::Restate { days_ago, factor }) = call.fault {
            let day = today(call.now).saturating_sub(jiff::Span::new().days(days_ago));
            locked(&self.restated).insert(Month::of(day), factor);
        }
        let query = Query::read(list, call.query.as_deref().unwrap_or_default())?;
        let accounts = &self.world.accounts;
        let is_own = |id: &str| accounts.iter().any(|account| account.id == id);
        if !query.filter.values_of("account_id").into_iter().all(is_own) {
            return Err(Refusal::foreign("The account does not belong to the organization."));
        }
        let restated = locked(&self.restated).clone();
        let view = View { world: &self.world, now: call.now, filter: &query.filter, restated: &restated };
        let mut rows = (list.rows)(&view);
        query.sort(&mut rows);
        let body = page::page(list, &query, &call.path, &rows, call.fault.as_ref());
        Ok(Answer::json(StatusCode::OK, &body))
    }
}
