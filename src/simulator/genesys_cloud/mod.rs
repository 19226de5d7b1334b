//! Genesys Cloud: its token endpoint and its API, with the habits that its documents and users describe.

mod access;
mod billing;
mod body;
mod cast;
mod day;
mod directory;
mod endpoints;
mod events;
mod executions;
mod job_rows;
mod jobs;
mod legacy;
mod operations;
mod organization;
mod pages;
mod query;
mod rate_limits;
mod refusal;
mod search;
#[cfg(test)]
mod tests;
mod traffic;
mod world;

use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode};

use self::access::{Access, Admission};
use self::billing::trustee;
use self::day::Day;
use self::executions::{Family, Progress};
use self::organization::Organization;
use self::query::Query;
use self::refusal::Refusal;
use self::world::Client;
use super::answer::Answer;
use super::dice::Dice;
use super::exchange::{Call, Operation, Vendor};
use super::faults::Fault;
use super::login::Login;
use super::{Options, locked};

/// The clients of the default world.
pub(super) const CLIENTS_DEFAULT: usize = cast::CAST.len();

/// The vendor: its organizations, and who may talk to them.
pub(super) struct GenesysCloud {
    dice: Dice,
    organizations: Vec<Organization>,
    access: Access,
    pending_polls: u32,
}

/// How an operation answers. A refusal is turned into an answer in one place.
type Handler = fn(&Session, &Call) -> Result<Answer, Refusal>;

/// A caller with a good token.
pub(super) struct Session<'a> {
    vendor: &'a GenesysCloud,
    organization: &'a Organization,
}

impl Vendor for GenesysCloud {
    type Handler = Handler;

    const OPERATIONS: &'static [Operation<Handler>] = operations::OPERATIONS;

    fn respond(&self, handler: &Handler, call: &Call) -> Answer {
        let Admission { caller, window } = self.access.admit(&self.organizations, call);
        // A scripted error comes first, so that a scenario says exactly which requests meet it.
        let answer = match &call.fault {
            Some(Fault::Status { status, code, headers }) => {
                Err(Refusal::scripted(*status, code.as_deref(), headers))
            }
            _ => caller.and_then(|position| {
                let organization = &self.organizations[position];
                if let Some(Fault::Restate { days_ago, factor }) = call.fault {
                    let day = Day::of(call.now).plus(-i64::from(days_ago));
                    locked(&organization.restated).insert(day, factor);
                }
                handler(&Session { vendor: self, organization }, call)
            }),
        };
        let mut answer = answer.unwrap_or_else(|refusal| refusal.answer(&self.context(call)));
        self.mark(&mut answer, call);
        if let Some(window) = window {
            answer.headers.insert("inin-ratelimit-count", window.count.into());
            answer.headers.insert("inin-ratelimit-allowed", window.allowed.into());
            answer.headers.insert("inin-ratelimit-reset", window.reset.into());
        }
        answer
    }

    fn refuse(&self, call: &Call, status: StatusCode) -> Answer {
        let mut refusal = Refusal::scripted(status, None, &axum::http::HeaderMap::new());
        if status == StatusCode::NOT_FOUND {
            refusal.message = format!("The path {} is not known.", call.path);
        }
        let mut answer = refusal.answer(&self.context(call));
        self.mark(&mut answer, call);
        answer
    }
}

impl GenesysCloud {
    pub(super) fn new(options: &Options, login: Arc<Login>) -> Self {
        Self {
            dice: Dice::new(options.seed).named("genesys cloud requests"),
            organizations: Organization::all(options),
            access: Access::new(options, login),
            pending_polls: options.pending_polls,
        }
    }

    /// Client id and organization id of every organization.
    pub(super) fn organizations(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.organizations.iter().map(|organization| (organization.client_id, organization.id()))
    }

    /// The first OAuth client with a name, of the organization that a client id leads to.
    pub(super) fn oauth_client_id(&self, client_id: &str, name: &str) -> Option<&str> {
        let organization =
            self.organizations.iter().find(|organization| organization.client_id == client_id)?;
        let client = organization.world.clients.iter().find(|client| client.name == name)?;
        Some(&client.id)
    }

    /// The organizations whose billing the partner among the organizations may see.
    pub(super) fn customer_ids(&self) -> Vec<String> {
        self.organizations.iter().flat_map(trustee::customer_ids).collect()
    }

    /// The correlation id of a request.
    fn context(&self, call: &Call) -> String {
        self.dice.of(call.number).uuid()
    }

    fn mark(&self, answer: &mut Answer, call: &Call) {
        if let Ok(value) = HeaderValue::try_from(self.context(call)) {
            answer.headers.insert("ININ-Correlation-Id", value);
        }
    }
}

impl Session<'_> {
    /// The client of the path, if the organization has it.
    fn client(&self, call: &Call) -> Result<&Client, Refusal> {
        let id = call.parameter("clientId");
        let client = self.organization.world.listed(id);
        client.ok_or_else(|| Refusal::not_found(format!("The OAuth client [{id}] was not found.")))
    }

    /// Starts an execution, and says its id.
    fn start(&self, call: &Call, family: Family, query: Query) -> String {
        let id = self.vendor.dice.named("execution").of(call.number).uuid();
        let restated = locked(&self.organization.restated).clone();
        let mut executions = locked(&self.organization.executions);
        executions.start(id.clone(), family, query, call.now, restated, call.fault.as_ref());
        id
    }

    fn poll(&self, call: &Call, id: &str, family: &Family) -> Result<Progress, Refusal> {
        let organization = self.organization;
        let (executions, world) = (&organization.executions, &organization.world);
        let pending = self.vendor.pending_polls;
        executions::poll(executions, world, (id, family), call.now, pending, call.fault.as_ref())
    }
}

/// The status of a query that was started: both mean the same, and both occur.
fn accepted(session: &Session, call: &Call) -> StatusCode {
    let even = session.vendor.dice.named("accepted").of(call.number).number().is_multiple_of(2);
    if even { StatusCode::OK } else { StatusCode::ACCEPTED }
}
