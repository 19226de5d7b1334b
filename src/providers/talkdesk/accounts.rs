//! The `accounts` collector: `GET /express/accounts`.

use std::sync::Arc;

use super::paging::{self, List};
use super::row::{Row, Unreadable};
use crate::catalogue::talkdesk as catalogue;
use crate::clock::Clock;
use crate::collector::{Collector, PendingJobs};
use crate::model::{CollectError, Reading, Surprise};
use crate::rest::Client;

const ACCOUNTS: List =
    List { operation: "listAccounts", path: &["express", "accounts"], key: "accounts", order_by: "id:asc" };

/// The states that the API documents.
const STATUSES: [&str; 7] = ["ACTIVE", "CHURNED", "IN_TRIAL", "INACTIVE", "PROSPECT", "TRIAL_LOST", "OTHER"];

/// The collector.
pub(super) struct AccountsCollector {
    client: Arc<Client>,
    clock: Clock,
}

impl AccountsCollector {
    pub(super) fn new(client: Arc<Client>, clock: Clock) -> Self {
        Self { client, clock }
    }
}

impl Collector for AccountsCollector {
    fn name(&self) -> &'static str {
        "accounts"
    }

    async fn collect(&mut self, _: &PendingJobs) -> Result<Reading, CollectError> {
        let mut reading = Reading { data_through: Some(self.clock.now()), ..Reading::default() };
        let invalid_rows = paging::read(&self.client, &ACCOUNTS, None, |row| add(&mut reading, row)).await?;
        Ok(Reading { invalid_rows, ..reading })
    }
}

/// Adds an account. Its `company_name` belongs to a customer's records and is never read.
fn add(reading: &mut Reading, row: Row) -> Result<(), Unreadable> {
    let (id, name, status) = (row.required("id")?, row.text("name")?, row.text("status")?);
    reading.samples.push(&catalogue::ACCOUNT_INFO, [&id, &name, &status], 1.0);
    row.check(Surprise::EnumValue, &[("status", &STATUSES)]);
    Ok(())
}

#[cfg(any(test, fuzzing))]
/// For [`crate::fuzzing`]: the samples of one account.
pub(super) fn samples(row: Row) -> Option<crate::model::Samples> {
    let mut reading = Reading::default();
    add(&mut reading, row).ok()?;
    Some(reading.samples)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::surprises::noticing;

    #[test]
    fn an_account_is_shown_without_its_company_and_with_a_status_of_any_kind() {
        let mut reading = Reading::default();
        let rows = [
            json!({"id": "a", "name": "acme", "company_name": "planted", "status": "ACTIVE"}),
            json!({"id": "b", "name": null, "company_name": "planted", "status": "HIBERNATING"}),
        ];
        let ((), surprises) = noticing(|| {
            for row in &rows {
                add(&mut reading, Row::new(row).unwrap()).unwrap();
            }
        });
        let table = &reading.samples.tables()[0];
        assert_eq!(table.labels(0).collect::<Vec<_>>(), ["a", "acme", "ACTIVE"]);
        assert_eq!(table.labels(1).collect::<Vec<_>>(), ["b", "", "HIBERNATING"]);
        assert_eq!(surprises.count(Surprise::EnumValue), 1);
    }

    #[test]
    fn an_account_without_an_id_is_none() {
        let mut reading = Reading::default();
        let row = json!({"name": "acme", "status": "ACTIVE"});
        assert_eq!(add(&mut reading, Row::new(&row).unwrap()), Err(Unreadable));
        assert!(reading.samples.is_empty());
    }
}
