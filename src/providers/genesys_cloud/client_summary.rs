//! The `client_summary` collector: the usage summary of each OAuth client, started by
//! `GET /api/v2/oauth/clients/{clientId}/usage/summary` and read from the client's query results.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use regex::Regex;

use super::counts::StatusCounts;
use super::days::{self, midnight};
use super::execution::{self, Completed, Execution, Pacing, State};
use super::legacy::{Created, Envelope};
use super::oauth_clients::{Directory, Listing};
use super::row::Row;
use super::settings::ClientSummarySettings;
use crate::catalogue::genesys_cloud as catalogue;
use crate::clock::Clock;
use crate::model::{CollectError, Reading};
use crate::rest::{Call, Client, Error, RowSink, RowsRefused};

/// Summaries that are asked for side by side; the rate limit holds all the same.
const SIDE_BY_SIDE: usize = 8;

/// The collector.
pub(super) struct ClientSummaryCollector {
    pub(super) client: Arc<Client>,
    pub(super) directory: Arc<Directory>,
    pub(super) settings: ClientSummarySettings,
    pub(super) clock: Clock,
    pub(super) pacing: Pacing,
}

/// The summary of one client.
struct Summary<'a> {
    client: &'a Client,
    client_id: &'a str,
    days: u16,
}

/// The sum over a summary's rows, whether they are by day or not.
#[derive(Default)]
struct Sum {
    rows: u64,
    counts: StatusCounts,
    invalid_rows: u64,
}

impl RowSink for Sum {
    fn row(&mut self, row: &[u8]) -> Result<(), RowsRefused> {
        match serde_json::from_slice::<Row>(row) {
            Ok(row) => {
                self.rows += 1;
                self.counts.add(&row.counts());
            }
            Err(_) => self.invalid_rows += 1,
        }
        Ok(())
    }
}

impl Execution for Summary<'_> {
    type Output = Sum;

    fn what(&self) -> &'static str {
        "a client's usage summary"
    }

    async fn start(&self) -> Result<String, Error> {
        let path = ["api", "v2", "oauth", "clients", self.client_id, "usage", "summary"];
        let call = Call::get("getClientUsageSummary", &path).query("days", self.days.to_string());
        self.client.json::<Created>(&call).await?.id(&call)
    }

    async fn poll(&self, id: &str) -> Result<State<Sum>, Error> {
        let path = ["api", "v2", "oauth", "clients", self.client_id, "usage", "query", "results", id];
        let call = Call::get("getClientUsageQueryResults", &path);
        let answer = self.client.rows::<_, Envelope>(&call, "results", Sum::default).await?;
        Ok(answer.envelope.state(answer.rows))
    }
}

impl ClientSummaryCollector {
    /// Collects once: all clients, or nothing.
    pub(super) async fn collect(&mut self) -> Result<Reading, CollectError> {
        let listing = self.directory.listing(self.settings.schedule.refresh).await?;
        let client_ids = self.select(&listing);
        let summaries: Vec<_> = client_ids.into_iter().map(|client_id| self.summary(client_id)).collect();
        let summaries: Vec<_> = stream::iter(summaries).buffer_unordered(SIDE_BY_SIDE).try_collect().await?;
        // Whether a summary holds some of today is not documented; yesterday it does hold.
        let data_through = Some(midnight(days::of(self.clock.now())));
        let mut reading = Reading { data_through, ..Reading::default() };
        for (client_id, Completed { output: sum, unknown_states }) in summaries.into_iter().flatten() {
            reading.invalid_rows += sum.invalid_rows;
            reading.unknown_enum_values += unknown_states;
            if sum.rows > 0 {
                for (status, requests) in sum.counts.shown() {
                    reading.samples.push(
                        &catalogue::OAUTH_CLIENT_REQUESTS,
                        [client_id, status],
                        requests as f64,
                    );
                }
            }
        }
        let window = f64::from(self.settings.days) * 86_400.0;
        reading.samples.push(&catalogue::OAUTH_CLIENT_WINDOW, [], window);
        Ok(reading)
    }

    /// The summary of one client; none when the client has gone since the list was read.
    async fn summary<'a>(
        &'a self,
        client_id: &'a str,
    ) -> Result<Option<(&'a str, Completed<Sum>)>, CollectError> {
        let summary = Summary { client: &self.client, client_id, days: self.settings.days };
        match execution::complete(&summary, self.pacing).await {
            Ok(completed) => Ok(Some((client_id, completed))),
            Err(CollectError::NotSupported(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The clients to ask for: those whose names are wanted, active ones first, as many as the settings allow.
    fn select<'a>(&self, listing: &'a Listing) -> Vec<&'a str> {
        let matches = |patterns: &[Regex], name: &str| patterns.iter().any(|pattern| pattern.is_match(name));
        let mut wanted: Vec<_> = listing
            .clients
            .values()
            .filter(|client| {
                let name = client.name.as_deref().unwrap_or("");
                matches(&self.settings.include, name) && !matches(&self.settings.exclude, name)
            })
            .collect();
        wanted.sort_by_key(|client| !client.is_active());
        if wanted.len() > self.settings.max_clients {
            tracing::warn!(
                clients = wanted.len(),
                max_clients = self.settings.max_clients,
                "client_summary leaves out clients: more match than max_clients"
            );
            wanted.truncate(self.settings.max_clients);
        }
        wanted.into_iter().map(|client| client.id.as_str()).collect()
    }
}
