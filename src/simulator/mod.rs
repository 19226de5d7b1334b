//! The clouds, played over real HTTP: for the demo, for trying things without an account, and for our tests.
//!
//! Everything is a function of a seed, of a clock and of the requests made so far. Faults come from a [`Scenario`].
//! Of the exporter's other rooms only the clock is used: what the simulator says of the vendors is said twice in
//! this program, independently, and that is what makes it a proof.

mod answer;
mod dice;
mod duration;
mod exchange;
mod faults;
mod genesys_cloud;
mod limit;
mod log;
mod login;
mod planted;
mod talkdesk;
#[cfg(test)]
mod testing;
mod wire;

use std::fmt::Write as _;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{MethodFilter, get};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use exchange::{Call, Front, Vendor};
use faults::Faults;
use genesys_cloud::GenesysCloud;
use log::Log;
use login::Login;
use talkdesk::Talkdesk;
use wire::{Cord, Wires};

pub use faults::Scenario;
pub use log::ReceivedRequest;
pub use planted::{PLANTED_EMAIL, PLANTED_PERSON, PLANTED_PHONE, PLANTED_SECRET};

/// The client id that the simulator accepts, for either vendor.
pub const CLIENT_ID: &str = "demo";
/// All client ids that the simulator accepts: each has a Genesys Cloud organization of its own.
pub const CLIENT_IDS: [&str; 3] = [CLIENT_ID, "demo-calm", "demo-partner"];
/// The secret of all [`CLIENT_IDS`], until [`Simulator::set_client_secret`].
pub const CLIENT_SECRET: &str = "demo-secret";

/// What is played.
#[derive(Debug, Clone)]
pub struct Options {
    /// The same seed gives the same world.
    pub seed: u64,
    /// How many OAuth clients of the first organization make requests or once did.
    pub clients: usize,
    /// How many days before the start the traffic began.
    pub days: u16,
    /// The day of a month, 1 to 28, on which the billing periods of Genesys Cloud begin.
    pub billing_day: u8,
    /// The time of day of the vendors.
    pub clock: Clock,
    /// What one client may ask of Genesys Cloud in a minute before it gets 429.
    pub requests_per_minute: u32,
    /// What one client may ask of Talkdesk in a second before it gets 429.
    pub talkdesk_requests_per_second: u32,
    /// How long an access token is good for.
    pub token_lifetime: Duration,
    /// How many polls of a job find it unfinished.
    pub pending_polls: u32,
    /// What goes wrong.
    pub scenario: Scenario,
}

impl Options {
    /// The default world, without faults.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            seed: 0,
            clients: genesys_cloud::CLIENTS_DEFAULT,
            days: 400,
            billing_day: 21,
            clock,
            requests_per_minute: 300,
            talkdesk_requests_per_second: 2,
            token_lifetime: Duration::from_hours(24),
            pending_polls: 2,
            scenario: Scenario::default(),
        }
    }
}

/// A running world; a clone is another handle to the same one.
#[derive(Clone)]
pub struct Simulator(Arc<Shared>);

struct Shared {
    seed: u64,
    billing_day: u8,
    clock: Clock,
    log: Mutex<Log>,
    faults: Mutex<Faults>,
    login: Arc<Login>,
    genesys_cloud: Arc<GenesysCloud>,
    talkdesk: Arc<Talkdesk>,
}

impl Simulator {
    /// Makes the world; nothing listens yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let login = Arc::new(Login::new(&options));
        let genesys_cloud = Arc::new(GenesysCloud::new(&options, Arc::clone(&login)));
        let talkdesk = Arc::new(Talkdesk::new(&options, Arc::clone(&login)));
        Self(Arc::new(Shared {
            seed: options.seed,
            billing_day: options.billing_day,
            clock: options.clock,
            log: Mutex::default(),
            faults: Mutex::new(Faults::new(options.seed, options.scenario)),
            login,
            genesys_cloud,
            talkdesk,
        }))
    }

    /// The vendors' operations, the API host and the login host on one address.
    pub fn router(&self) -> Router {
        self.router_until(CancellationToken::new())
    }

    fn router_until(&self, stopping: CancellationToken) -> Router {
        let front = Front { shared: Arc::clone(&self.0), stopping };
        let simulator = self.clone();
        let router = Router::new().route("/", get(async move || simulator.index()));
        let router = exchange::mount(router, &front, &self.0.login);
        let router = exchange::mount(router, &front, &self.0.genesys_cloud);
        let router = exchange::mount(router, &front, &self.0.talkdesk);
        let other = front.clone();
        router
            .fallback(move |request: Request| stranger(front.clone(), StatusCode::NOT_FOUND, request))
            .method_not_allowed_fallback(move |request: Request| {
                stranger(other.clone(), StatusCode::METHOD_NOT_ALLOWED, request)
            })
    }

    /// Plays another scenario from now on, from its beginning.
    pub fn set_scenario(&self, scenario: Scenario) {
        *locked(&self.0.faults) = Faults::new(self.0.seed, scenario);
    }

    /// Has all clients rotate their secret: from now on only this one buys tokens. Those that were bought before stay good.
    pub fn set_client_secret(&self, secret: &str) {
        self.0.login.set_secret(secret);
    }

    /// The requests since the start, oldest first: the newest 100,000 of them.
    #[must_use]
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        locked(&self.0.log).requests()
    }

    /// How many requests of an operation there were since the start.
    #[must_use]
    pub fn count(&self, operation: &str) -> usize {
        locked(&self.0.log).count(operation)
    }

    /// The id of the Genesys Cloud organization that a client id belongs to.
    #[must_use]
    pub fn organization_id(&self, client_id: &str) -> Option<&str> {
        self.0.genesys_cloud.organizations().find(|(known, _)| *known == client_id).map(|(_, id)| id)
    }

    /// The id of an OAuth client of the Genesys Cloud organization that `client_id` belongs to; of several with the `name`, the first.
    #[must_use]
    pub fn oauth_client_id(&self, client_id: &str, name: &str) -> Option<&str> {
        self.0.genesys_cloud.oauth_client_id(client_id, name)
    }

    /// The day of a month on which the billing periods of Genesys Cloud begin.
    #[must_use]
    pub fn billing_day(&self) -> u8 {
        self.0.billing_day
    }

    /// The ids of the Genesys Cloud organizations whose billing the partner's client may see.
    #[must_use]
    pub fn customer_ids(&self) -> Vec<String> {
        self.0.genesys_cloud.customer_ids()
    }

    /// The ids of the simulated organizations, customers and accounts, for people.
    #[must_use]
    pub fn directory(&self) -> String {
        let mut text = "Genesys Cloud organizations, by client id:\n".to_owned();
        for (client_id, id) in self.0.genesys_cloud.organizations() {
            // Writing to a text cannot fail.
            let _ = writeln!(text, "  {client_id:<12} {id}");
        }
        let _ = writeln!(text, "  customers of the partner: {}", self.customer_ids().join(", "));
        let _ = write!(text, "\nTalkdesk accounts:\n{}", self.0.talkdesk.accounts());
        text
    }

    /// The page at `/`: what this is, and how to use it.
    fn index(&self) -> String {
        let mut page = format!(
            "ccaas-exporter simulator\n\n\
             Plays the usage and billing APIs of Genesys Cloud and Talkdesk; nothing here is real.\n\
             Use this address as API host and as login host of both.\n\n\
             client id:     {CLIENT_ID}\n\
             client secret: {CLIENT_SECRET}\n\n\
             Get a token:   curl -u {CLIENT_ID}:{CLIENT_SECRET} -d grant_type=client_credentials <this address>/oauth/token\n\
             Use it:        curl -H 'Authorization: Bearer <token>' <this address>/api/v2/organizations/me\n               \
                            curl -H 'Authorization: Bearer <token>' <this address>/express/accounts\n\n\
             In the exporter's configuration:\n  \
               genesys_cloud: {{api_url: <this address>, login_url: <this address>, client_id: {CLIENT_ID}, client_secret: {CLIENT_SECRET}}}\n  \
               talkdesk: {{api_url: <this address>, token_url: <this address>/oauth/token, client_id: {CLIENT_ID}, client_secret: {CLIENT_SECRET}}}\n\n\
             {}\n\
             Operations:\n",
            self.directory(),
        );
        for (id, method, path) in operations() {
            let method = if method == MethodFilter::GET { "GET" } else { "POST" };
            // Writing to a text cannot fail.
            let _ = writeln!(page, "  {id:<28} {method:<4} {path}");
        }
        page
    }
}

/// A request that no vendor knows, answered in the manner of the one that its path belongs to.
async fn stranger(front: Front, status: StatusCode, request: Request) -> Response {
    let shared = Arc::clone(&front.shared);
    let respond = move |call: Result<Call, (Call, StatusCode)>| {
        let (call, status) = call.map_or_else(|refused| refused, |call| (call, status));
        if call.path.starts_with("/express/") {
            shared.talkdesk.refuse(&call, status)
        } else {
            shared.genesys_cloud.refuse(&call, status)
        }
    };
    front.handle("unknown", Vec::new(), request, respond).await
}

/// Id, method and path of every operation.
fn operations() -> impl Iterator<Item = (&'static str, MethodFilter, &'static str)> {
    fn of<V: Vendor>() -> impl Iterator<Item = (&'static str, MethodFilter, &'static str)> {
        V::OPERATIONS.iter().map(|operation| (operation.id, operation.method, operation.path))
    }
    of::<Login>().chain(of::<GenesysCloud>()).chain(of::<Talkdesk>())
}

/// A lock that outlives a panic elsewhere: the state behind it is whole between any two statements.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves the simulator until `shutdown`; requests that a fault keeps hanging end then.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    listener: TcpListener,
    simulator: Simulator,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let stopping = CancellationToken::new();
    let router = simulator.router_until(stopping.clone());
    axum::serve(Wires(listener), router.into_make_service_with_connect_info::<Cord>())
        .with_graceful_shutdown(async move {
            shutdown.await;
            stopping.cancel();
        })
        .await
}
