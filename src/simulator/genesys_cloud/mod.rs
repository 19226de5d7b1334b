//! Genesys Cloud: its token endpoint and its API, with the habits that its documents and users describe.

mod access;
mod body;
mod cast;
mod day;
mod directory;
mod endpoints;
mod executions;
mod jobs;
mod legacy;
mod query;
mod refusal;
#[cfg(test)]
mod tests;
mod traffic;
mod world;

use std::sync::{Arc, Mutex};

use axum::http::{HeaderValue, StatusCode};
use axum::routing::MethodFilter;

use self::access::{Access, Admission};
use self::day::Day;
use self::executions::{Executions, Family, Progress};
use self::query::Query;
use self::refusal::Refusal;
use self::traffic::Restated;
use self::world::World;
use super::answer::Answer;
use super::dice::Dice;
use super::exchange::{Call, Operation, Vendor};
use super::faults::Fault;
use super::login::Login;
use super::{CLIENT_ID, Options, locked};

/// The clients of the default world.
pub(super) const CLIENTS_DEFAULT: usize = cast::CAST.len();

/// The vendor: its organizations, and who may talk to them.
pub(super) struct GenesysCloud {
    dice: Dice,
    organizations: Vec<Organization>,
    access: Access,
    pending_polls: u32,
}

/// A customer of the vendor. Tokens lead to one, and nothing leads from one to another.
struct Organization {
    id: String,
    name: &'static str,
    /// The OAuth client that the exporter uses.
    client_id: &'static str,
    world: World,
    restated: Mutex<Restated>,
    executions: Mutex<Executions>,
}

/// How an operation answers. A refusal is turned into an answer in one place.
type Handler = fn(&Session, &Call) -> Result<Answer, Refusal>;

/// A caller with a good token.
pub(super) struct Session<'a> {
    vendor: &'a GenesysCloud,
    organization: &'a Organization,
}

const fn api(
    id: &'static str,
    method: MethodFilter,
    path: &'static str,
    handler: Handler,
) -> Operation<Handler> {
    Operation { id, method, path, handler }
}

const GET: MethodFilter = MethodFilter::GET;
const POST: MethodFilter = MethodFilter::POST;

impl Vendor for GenesysCloud {
    type Handler = Handler;

    const OPERATIONS: &'static [Operation<Handler>] = &[
        api("postUsageQuery", POST, "/api/v2/usage/query", legacy::start_query),
        api("getUsageQueryResults", GET, "/api/v2/usage/query/{executionId}/results", legacy::query_results),
        api(
            "getClientUsageSummary",
            GET,
            "/api/v2/oauth/clients/{clientId}/usage/summary",
            legacy::start_summary,
        ),
        api(
            "getClientUsageQueryResults",
            GET,
            "/api/v2/oauth/clients/{clientId}/usage/query/results/{executionId}",
            legacy::client_results,
        ),
        api("postUsageAggregatesJob", POST, "/api/v2/usage/aggregates/query/jobs", jobs::start),
        api("getUsageAggregatesJob", GET, "/api/v2/usage/aggregates/query/jobs/{jobId}", jobs::results),
        api("listOAuthClients", GET, "/api/v2/oauth/clients", directory::clients),
        api("getOrganization", GET, "/api/v2/organizations/me", directory::organization),
        api("getTokenInfo", GET, "/api/v2/tokens/me", directory::token),
        api(
            "getEffectiveLimits",
            GET,
            "/api/v2/organizations/limits/namespaces/{namespaceName}",
            directory::limits,
        ),
    ];

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
        let world = World::new(options.seed, options.clients, options.days, options.clock.now());
        let organization = Organization {
            id: world.dice.named("organization").uuid(),
            name: "Demo Contact Centre",
            client_id: CLIENT_ID,
            world,
            restated: Mutex::default(),
            executions: Mutex::default(),
        };
        Self {
            dice: Dice::new(options.seed).named("genesys cloud requests"),
            organizations: vec![organization],
            access: Access::new(options, login),
            pending_polls: options.pending_polls,
        }
    }

    /// The organization that the demo's credentials belong to.
    pub(super) fn organization_id(&self) -> &str {
        self.organizations.first().map_or("", |organization| &organization.id)
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
