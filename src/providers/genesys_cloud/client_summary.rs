//! The `client_summary` collector: the usage summary of each OAuth client, started by
//! `GET /api/v2/oauth/clients/{clientId}/usage/summary` and read from the client's query results.

use std::sync::Arc;

use jiff::civil::Date;

use super::counts::StatusCounts;
use super::days::{self, midnight};
use super::each_client::{EachClient, Results};
use super::execution::{self, Ended, Execution, Pacing, Patience, State};
use super::legacy::{Created, Envelope};
use super::oauth_clients::{Directory, Listing};
use super::row::Row;
use super::settings::{ClientSummarySettings, Pattern};
use super::wire;
use crate::catalogue::genesys_cloud as catalogue;
use crate::clock::Clock;
use crate::collector::{Collector, PendingJobs};
use crate::model::{CollectError, Failure, Reading, Reason};
use crate::rest::{Call, Client, Error, RowSink, RowsRefused};

/// The collector.
pub(super) struct ClientSummaryCollector {
    client: Arc<Client>,
    directory: Arc<Directory>,
    settings: ClientSummarySettings,
    clock: Clock,
    pacing: Pacing,
    summaries: EachClient<Sum>,
}

/// The summary of one client.
struct Summary<'a> {
    client: &'a Client,
    client_id: &'a str,
    days: u16,
    /// The day of the question, from which the days are counted back.
    today: Date,
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
        match wire::row::<Row>(row) {
            Some(row) => {
                self.rows += 1;
                self.counts.add(&row.counts());
            }
            None => self.invalid_rows += 1,
        }
        Ok(())
    }
}

impl Execution for Summary<'_> {
    type Output = Sum;

    fn what(&self) -> &'static str {
        "a client's usage summary"
    }

    fn call(&self) -> Call {
        let path = ["api", "v2", "oauth", "clients", self.client_id, "usage", "summary"];
        Call::get("getClientUsageSummary", &path).query("days", self.days.to_string())
    }

    fn question(&self) -> String {
        format!("{} on {}", self.call().question(), self.today)
    }

    async fn start(&self, call: &Call) -> Result<String, Error> {
        self.client.json::<Created>(call).await?.id(call)
    }

    async fn poll(&self, id: &str) -> Result<State<Sum>, Error> {
        let path = ["api", "v2", "oauth", "clients", self.client_id, "usage", "query", "results", id];
        let call = Call::get("getClientUsageQueryResults", &path);
        let answer = self.client.rows::<_, Envelope>(&call, "results", Sum::default).await?;
        Ok(answer.envelope.whole(answer.rows))
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
        let summaries = EachClient::new("usage summaries");
        Self { client, directory, settings, clock, pacing, summaries }
    }

    fn reading(&self, summaries: &Results<Sum>, today: Date) -> Reading {
        let mut reading = Reading {
            // Whether a summary holds some of today is not documented; yesterday it does hold.
            data_through: Some(midnight(today)),
            invalid_rows: summaries.left_out,
            ..Reading::default()
        };
        for (client_id, sum) in &summaries.done {
            reading.invalid_rows += sum.invalid_rows;
            for (status, requests) in sum.counts.shown().filter(|_| sum.rows > 0) {
                reading.samples.push(&catalogue::OAUTH_CLIENT_REQUESTS, [client_id, status], requests as f64);
            }
        }
        let window = f64::from(self.settings.days) * 86_400.0;
        reading.samples.push(&catalogue::OAUTH_CLIENT_WINDOW, [], window);
        reading
    }

    /// The clients to ask for: those whose names are wanted, active ones first, as many as the settings allow.
    fn select<'a>(&self, listing: &'a Listing) -> Vec<&'a str> {
        let matches =
            |patterns: &[Pattern], name: &str| patterns.iter().any(|pattern| pattern.is_match(name));
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

    async fn collect(&mut self, jobs: &PendingJobs) -> Result<Reading, CollectError> {
        let today = days::of(self.clock.now());
        let listing = self.directory.listing(self.settings.schedule.refresh).await?;
        let client_ids = self.select(&listing);
        let (client, days, patience) = (&*self.client, self.settings.days, self.pacing.with(jobs));
        let ask = |client_id| summary(Summary { client, client_id, days, today }, patience);
        let summaries = self.summaries.ask(today, &client_ids, |_| true, ask).await?;
        Ok(self.reading(&summaries, today))
    }
}

/// Asks for one client's summary.
async fn summary(summary: Summary<'_>, patience: Patience<'_>) -> Result<Sum, Ended> {
    let sum = execution::complete(&summary, patience).await?;
    if sum.invalid_rows > sum.rows {
        return Err(Failure::new(Reason::Decode, "the rows of a usage summary cannot be understood").into());
    }
    Ok(sum)
}
