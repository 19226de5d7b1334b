//! The `client_summary` collector: the usage summary of each OAuth client, started by
//! `GET /api/v2/oauth/clients/{clientId}/usage/summary` and read from the client's query results.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::{StreamExt, stream};
use jiff::civil::Date;
use regex::Regex;

use super::counts::StatusCounts;
use super::days::{self, midnight};
use super::execution::{self, Completed, Ended, Execution, Pacing, State};
use super::legacy::{Created, Envelope};
use super::oauth_clients::{Directory, Listing};
use super::row::Row;
use super::settings::ClientSummarySettings;
use crate::catalogue::genesys_cloud as catalogue;
use crate::clock::Clock;
use crate::collector::Collector;
use crate::model::{CollectError, Failure, Reading, Reason};
use crate::rest::{Call, Client, Error, Kind, RowSink, RowsRefused};

/// Summaries that are asked for side by side; the rate limit holds all the same.
const SIDE_BY_SIDE: usize = 8;

/// Failures that say nothing about the other clients.
const OF_ONE_CLIENT: [Reason; 3] = [Reason::JobFailed, Reason::JobExpired, Reason::Truncated];

/// The collector.
pub(super) struct ClientSummaryCollector {
    client: Arc<Client>,
    directory: Arc<Directory>,
    settings: ClientSummarySettings,
    clock: Clock,
    pacing: Pacing,
    /// What a run of this day had finished when it failed, so that the next one need not pay for it again.
    finished: (Date, BTreeMap<String, Outcome>),
}

/// What became of one client's summary.
enum Outcome {
    Sum(Completed<Sum>),
    /// The client has gone since the list was read.
    Gone,
    /// The vendor could not make this one.
    LeftOut,
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
    pub(super) fn new(
        client: Arc<Client>,
        directory: Arc<Directory>,
        settings: ClientSummarySettings,
        clock: Clock,
        pacing: Pacing,
    ) -> Self {
        let pacing = pacing.within(settings.schedule.timeout);
        Self { client, directory, settings, clock, pacing, finished: (Date::ZERO, BTreeMap::new()) }
    }

    fn reading(
        &self,
        client_ids: &[&str],
        outcomes: &BTreeMap<String, Outcome>,
        today: Date,
    ) -> Result<Reading, CollectError> {
        // Whether a summary holds some of today is not documented; yesterday it does hold.
        let mut reading = Reading { data_through: Some(midnight(today)), ..Reading::default() };
        let (mut sums, mut left_out) = (0, 0);
        for client_id in client_ids {
            match &outcomes[*client_id] {
                Outcome::Sum(Completed { output: sum, unknown_states }) => {
                    sums += 1;
                    reading.invalid_rows += sum.invalid_rows;
                    reading.unknown_enum_values += unknown_states;
                    for (status, requests) in sum.counts.shown().filter(|_| sum.rows > 0) {
                        reading.samples.push(
                            &catalogue::OAUTH_CLIENT_REQUESTS,
                            [client_id, status],
                            requests as f64,
                        );
                    }
                }
                Outcome::Gone => {}
                Outcome::LeftOut => left_out += 1,
            }
        }
        if sums == 0 && left_out > 0 {
            return Err(Failure::new(Reason::JobFailed, "the vendor made none of the usage summaries").into());
        }
        if sums == 0 && !client_ids.is_empty() {
            return Err(CollectError::NotSupported(
                "the vendor has usage summaries of none of the clients".into(),
            ));
        }
        reading.invalid_rows += left_out;
        let window = f64::from(self.settings.days) * 86_400.0;
        reading.samples.push(&catalogue::OAUTH_CLIENT_WINDOW, [], window);
        Ok(reading)
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

impl Collector for ClientSummaryCollector {
    fn name(&self) -> &'static str {
        "client_summary"
    }

    async fn collect(&mut self) -> Result<Reading, CollectError> {
        let today = days::of(self.clock.now());
        if self.finished.0 != today {
            self.finished = (today, BTreeMap::new());
        }
        let listing = self.directory.listing(self.settings.schedule.refresh).await?;
        let client_ids = self.select(&listing);
        let finished = &mut self.finished.1;
        let (client, days, pacing) = (&*self.client, self.settings.days, self.pacing);
        let missing = client_ids.iter().filter(|client_id| !finished.contains_key(**client_id));
        let summaries: Vec<_> = missing.map(|client_id| summary(client, client_id, days, pacing)).collect();
        let mut summaries = stream::iter(summaries).buffer_unordered(SIDE_BY_SIDE);
        while let Some((client_id, outcome)) = summaries.next().await {
            finished.insert(client_id.to_owned(), outcome?);
        }
        drop(summaries);

        let outcomes = std::mem::take(finished);
        self.reading(&client_ids, &outcomes, today)
    }
}

/// Asks for one client's summary. Trouble of this one client is its own; any other ends the run.
async fn summary<'a>(
    client: &Client,
    client_id: &'a str,
    days: u16,
    pacing: Pacing,
) -> (&'a str, Result<Outcome, CollectError>) {
    let outcome = match execution::complete(&Summary { client, client_id, days }, pacing).await {
        Ok(completed) if completed.output.invalid_rows > completed.output.rows => {
            Err(Failure::new(Reason::Decode, "the rows of a usage summary cannot be understood").into())
        }
        Ok(completed) => Ok(Outcome::Sum(completed)),
        Err(Ended::NotStarted(error)) if error.kind == Kind::NotFound => Ok(Outcome::Gone),
        Err(Ended::Failed(failure)) if OF_ONE_CLIENT.contains(&failure.reason) => {
            tracing::warn!(
                client_id,
                error = failure.message,
                "the usage summary of this client is left out"
            );
            Ok(Outcome::LeftOut)
        }
        Err(ended) => Err(ended.into()),
    };
    (client_id, outcome)
}
