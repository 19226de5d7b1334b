//! The usage of an organization from the legacy API: `/api/v2/usage/query`.

use jiff::civil::Date;
use serde_json::json;

use crate::providers::genesys_cloud::days::interval;
use crate::providers::genesys_cloud::execution::{self, Completed, Ended, Execution, Patience, State};
use crate::providers::genesys_cloud::fold::{Fold, Grouping, Party};
use crate::providers::genesys_cloud::legacy::{Created, Envelope};
use crate::rest::{Call, Client, Error};

/// A query of whole days.
pub(super) struct LegacyQuery<'a> {
    pub(super) client: &'a Client,
    pub(super) first: Date,
    pub(super) last: Date,
    pub(super) grouping: Grouping,
}

impl LegacyQuery<'_> {
    /// Runs the query; its result comes whole, without pages.
    pub(super) async fn read(&self, patience: Patience<'_>) -> Result<Completed<Fold>, Ended> {
        execution::complete(self, patience).await
    }
}

impl Execution for LegacyQuery<'_> {
    type Output = Fold;

    fn what(&self) -> &'static str {
        "the usage query"
    }

    fn call(&self) -> Call {
        let group_by: &[&str] = match self.grouping {
            Grouping::Client => &["OAuthClientId"],
            Grouping::Endpoint => &["OAuthClientId", "HttpMethod", "TemplateUri"],
        };
        let interval = interval(self.first, self.last);
        let body = json!({"interval": interval, "granularity": "Day", "groupBy": group_by});
        Call::post("postUsageQuery", &["api", "v2", "usage", "query"], body)
    }

    async fn start(&self, call: &Call) -> Result<String, Error> {
        self.client.json::<Created>(call).await?.id(call)
    }

    async fn poll(&self, id: &str) -> Result<State<Fold>, Error> {
        let call = Call::get("getUsageQueryResults", &["api", "v2", "usage", "query", id, "results"]);
        let days = self.first..=self.last;
        let new_fold = || Fold::new(days.clone(), Party::Client);
        let answer = self.client.rows::<_, Envelope>(&call, "results", new_fold).await?;
        Ok(answer.envelope.whole(answer.rows))
    }
}
