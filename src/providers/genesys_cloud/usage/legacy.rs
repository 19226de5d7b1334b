//! The usage of an organization from the legacy API: `/api/v2/usage/query`.

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::json;

use super::fold::{Fold, Grouping, UsageRow};
use crate::model::CollectError;
use crate::providers::genesys_cloud::counts::RowCounts;
use crate::providers::genesys_cloud::days::plus;
use crate::providers::genesys_cloud::execution::{self, Completed, Execution, Pacing, State};
use crate::providers::genesys_cloud::legacy::{Created, Envelope};
use crate::providers::genesys_cloud::wire::{Text, day};
use crate::rest::{Call, Client, Error};

/// A query of whole days.
pub(super) struct LegacyQuery<'a> {
    pub(super) client: &'a Client,
    pub(super) first: Date,
    pub(super) last: Date,
    pub(super) grouping: Grouping,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    #[serde(borrow, default)]
    date: Text<'a>,
    #[serde(borrow, default)]
    client_id: Text<'a>,
    #[serde(borrow, default)]
    client_name: Text<'a>,
    #[serde(borrow, default)]
    http_method: Text<'a>,
    #[serde(borrow, default)]
    template_uri: Text<'a>,
    #[serde(flatten)]
    counts: RowCounts,
}

impl LegacyQuery<'_> {
    /// Runs the query; its result comes whole, without pages.
    pub(super) async fn read(&self, pacing: Pacing) -> Result<Completed<Fold>, CollectError> {
        execution::complete(self, pacing).await
    }
}

impl Execution for LegacyQuery<'_> {
    type Output = Fold;

    fn what(&self) -> &'static str {
        "the usage query"
    }

    async fn start(&self) -> Result<String, Error> {
        let group_by: &[&str] = match self.grouping {
            Grouping::Client => &["OAuthClientId"],
            Grouping::Endpoint => &["OAuthClientId", "HttpMethod", "TemplateUri"],
        };
        let interval = format!("{}T00:00:00Z/{}T00:00:00Z", self.first, plus(self.last, 1));
        let body = json!({"interval": interval, "granularity": "Day", "groupBy": group_by});
        let call = Call::post("postUsageQuery", &["api", "v2", "usage", "query"], body);
        self.client.json::<Created>(&call).await?.id(&call)
    }

    async fn poll(&self, id: &str) -> Result<State<Fold>, Error> {
        let call = Call::get("getUsageQueryResults", &["api", "v2", "usage", "query", id, "results"]);
        let days = self.first..=self.last;
        let answer =
            self.client.rows::<_, Envelope>(&call, "results", || Fold::new(days.clone(), read_row)).await?;
        Ok(answer.envelope.state(answer.rows))
    }
}

fn read_row(row: &[u8], take: &mut dyn FnMut(&UsageRow<'_>)) -> bool {
    let Ok(row) = serde_json::from_slice::<Row>(row) else { return false };
    let Some(day) = row.date.get().and_then(day) else { return false };
    take(&UsageRow {
        day,
        client_id: row.client_id.get().unwrap_or(""),
        client_name: row.client_name.get().unwrap_or(""),
        method: row.http_method.get().unwrap_or(""),
        template_uri: row.template_uri.get().unwrap_or(""),
        counts: row.counts,
    });
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_row_is_understood() {
        let row = br#"{"clientId":"id-1","clientName":"nightly-sync","organizationId":"","userId":"",
            "templateUri":"api/v2/routing/queues","httpMethod":"","status200":6,"status300":0,"status400":2,
            "status500":0,"status429":1,"requests":8,"date":"2026-11-19T00:00:00Z"}"#;
        let mut seen = Vec::new();
        assert!(read_row(row, &mut |row| {
            seen.push((row.client_id.to_owned(), row.template_uri.to_owned(), row.counts.disjoint().total()));
        }));
        assert_eq!(seen, [("id-1".into(), "api/v2/routing/queues".into(), 8)]);
    }
}
