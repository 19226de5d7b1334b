//! The `client_query` collector: the endpoints of watched OAuth clients, by `/api/v2/oauth/clients/{clientId}/usage/query`.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use super::complete::Window;
use super::days::interval;
use super::each_client::{EachClient, Results};
use super::execution::{self, Execution, Pacing, State};
use super::fold::{Fold, Party};
use super::legacy::{Created, Envelope};
use super::room::{Room, SUMS_LIMIT};
use super::settings::ClientQuerySettings;
use crate::catalogue::genesys_cloud as catalogue;
use crate::clock::Clock;
use crate::collector::{Collector, PendingJobs};
use crate::model::{CollectError, Reading};
use crate::rest::{Call, Client, Error};

/// Endpoints (client, method, URI) that have series of their own; the rest of each client is folded into `other`.
const ENDPOINTS: usize = 200;

/// The collector.
pub(super) struct ClientQueryCollector {
    client: Arc<Client>,
    settings: ClientQuerySettings,
    clock: Clock,
    pacing: Pacing,
    /// For the sums of all clients, those included that a failed run had finished.
    room: Room,
    queries: EachClient<Fold>,
}

/// The query of one client.
struct Query<'a> {
    client: &'a Client,
    client_id: &'a str,
    window: Window,
    room: &'a Room,
}

impl Execution for Query<'_> {
    type Output = Fold;

    fn what(&self) -> &'static str {
        "a client's usage query"
    }

    fn call(&self) -> Call {
        let (first, last) = self.window.asked().into_inner();
        let body = json!({
            "interval": interval(first, last),
            "granularity": "Day",
            "groupBy": ["OAuthClientId", "HttpMethod", "TemplateUri"],
        });
        let path = ["api", "v2", "oauth", "clients", self.client_id, "usage", "query"];
        Call::post("postClientUsageQuery", &path, body)
    }

    async fn start(&self, call: &Call) -> Result<String, Error> {
        self.client.json::<Created>(call).await?.id(call)
    }

    async fn poll(&self, id: &str) -> Result<State<Fold>, Error> {
        let path = ["api", "v2", "oauth", "clients", self.client_id, "usage", "query", "results", id];
        let call = Call::get("getClientUsageQueryResults", &path);
        let new_fold = || Fold::within(self.room, self.window.asked(), Party::Asked);
        let answer = self.client.rows::<_, Envelope>(&call, "results", new_fold).await?;
        Ok(answer.envelope.whole(answer.rows))
    }
}

impl ClientQueryCollector {
    pub(super) fn new(
        client: Arc<Client>,
        settings: ClientQuerySettings,
        clock: Clock,
        pacing: Pacing,
    ) -> Self {
        let pacing = pacing.within(settings.schedule.timeout);
        let room = Room::new(SUMS_LIMIT, "sums, those of the other clients included");
        Self { client, settings, clock, pacing, room, queries: EachClient::new("endpoint figures") }
    }
}

impl Collector for ClientQueryCollector {
    fn name(&self) -> &'static str {
        "client_query"
    }

    async fn collect(&mut self, jobs: &PendingJobs) -> Result<Reading, CollectError> {
        let now = self.clock.now();
        let window = Window::new(self.settings.days, now);
        let (client, patience, room) = (&*self.client, self.pacing.with(jobs), &self.room);
        let ask = |client_id| async move {
            let fold = execution::complete(&Query { client, client_id, window, room }, patience).await?;
            Ok(fold.understood()?)
        };
        let results = self.queries.ask_days(window, now, &self.settings.clients, ask).await?;
        Ok(reading(&results, window, now))
    }
}

fn reading(results: &Results<Fold>, window: Window, now: Timestamp) -> Reading {
    let (mut reading, days) = results.reading(window, now);
    for (client_id, fold) in &results.done {
        for ([_, method, template_uri], counts) in fold.over(&days) {
            for (status, requests) in counts.above_zero() {
                let labels = [client_id, method, template_uri, status];
                reading.samples.push(&catalogue::OAUTH_CLIENT_ENDPOINT_REQUESTS, labels, requests as f64);
            }
        }
    }
    reading.samples.keep_largest(&catalogue::OAUTH_CLIENT_ENDPOINT_REQUESTS, ENDPOINTS);
    reading
}
