//! The `billable_usage` collector: the vendor's report of billable licences, devices and consumption, from
//! `/api/v2/billing/reports/billableusage`. The names behind the numbers are people and devices: they are counted and forgotten.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use serde::Deserialize;

use super::terms::Reader;
use crate::catalogue::genesys_cloud as catalogue;
use crate::clock::Clock;
use crate::collector::{Collector, PendingJobs};
use crate::model::{CollectError, Failure, Reading, Reason, Surprise, surprises};
use crate::providers::genesys_cloud::days::{self, midnight, plus};
use crate::providers::genesys_cloud::execution::Pacing;
use crate::providers::genesys_cloud::period::Period;
use crate::providers::genesys_cloud::settings::Settings;
use crate::providers::genesys_cloud::wire::{self, Decimal, Label, Length};
use crate::rest::{Call, Client, RowSink, RowsRefused};

/// More charges than an organization can have.
const CHARGES_LIMIT: usize = 10_000;

/// The collector.
pub(in crate::providers::genesys_cloud) struct BillableUsageCollector {
    client: Arc<Client>,
    settings: Arc<Settings>,
    clock: Clock,
    pacing: Pacing,
    terms: Reader,
}

/// The report without its rows. While it is made its status is `InProgress`; a report without a status is done.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    status: Label,
    /// Empty here, as the rows are read apart; missing or null while the report is made.
    #[serde(default)]
    usages: Length,
}

/// One charge of the report.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    name: String,
    #[serde(default)]
    total_usage: Decimal,
    #[serde(default)]
    resources: Length,
}

#[derive(Default)]
struct Usages {
    usages: Vec<Usage>,
    invalid: u64,
}

impl RowSink for Usages {
    fn row(&mut self, row: &[u8]) -> Result<(), RowsRefused> {
        match wire::row(row) {
            Some(usage) => self.usages.push(usage),
            None => self.invalid += 1,
        }
        if self.usages.len() > CHARGES_LIMIT {
            return Err(RowsRefused { limit: CHARGES_LIMIT, of: "charges" });
        }
        Ok(())
    }
}

impl BillableUsageCollector {
    pub(in crate::providers::genesys_cloud) fn new(
        client: Arc<Client>,
        settings: Arc<Settings>,
        timeout: Duration,
        clock: Clock,
        pacing: Pacing,
        terms: Reader,
    ) -> Self {
        Self { client, settings, clock, pacing: pacing.within(timeout), terms }
    }

    /// From the start of the billing period that yesterday is in to the midnight of today: never empty, and the same all day long.
    fn interval(&mut self) -> (Date, Date) {
        let today = days::of(self.clock.now());
        let period = Period::of(plus(today, -1), &self.terms.read(), self.settings.anchor_day);
        (period.start, today)
    }

    fn reading(end: Date, Usages { usages, invalid }: Usages) -> Result<Reading, CollectError> {
        if usages.is_empty() && invalid > 0 {
            let message =
                format!("none of the {invalid} charges of the billable usage report can be understood");
            return Err(Failure::new(Reason::Decode, message).into());
        }
        let mut reading =
            Reading { data_through: Some(midnight(end)), invalid_rows: invalid, ..Reading::default() };
        for Usage { name, total_usage, resources } in &usages {
            if let Decimal(Some(quantity)) = total_usage {
                reading.samples.push(&catalogue::BILLABLE_USAGE_QUANTITY, [name], *quantity);
            }
            if let Length(Some(resources)) = resources {
                reading.samples.push(&catalogue::BILLABLE_USAGE_RESOURCES, [name], *resources as f64);
            }
        }
        Ok(reading)
    }
}

impl Collector for BillableUsageCollector {
    fn name(&self) -> &'static str {
        "billable_usage"
    }

    /// The parameters are the report's only name, so the same call is sent until the report is done. The run's timeout ends it.
    async fn collect(&mut self, _: &PendingJobs) -> Result<Reading, CollectError> {
        let (start, end) = self.interval();
        let call = Call::get("getBillableUsage", &["api", "v2", "billing", "reports", "billableusage"])
            .query("startDate", format!("{start}T00:00:00Z"))
            .query("endDate", format!("{end}T00:00:00Z"));
        let mut waits = self.pacing.waits();
        loop {
            let report = self.client.rows::<_, Envelope>(&call, "usages", Usages::default).await?;
            let Envelope { status, usages } = report.envelope;
            if status.get().is_none() || status.is("Complete") {
                if usages == Length(None) {
                    let message = format!("{}: the answer is no billable usage report", call.operation());
                    return Err(Failure::new(Reason::Decode, message).into());
                }
                return Self::reading(end, report.rows);
            }
            surprises::check(Surprise::EnumValue, "status", &status.0, &["InProgress"]);
            tokio::time::sleep(waits.next().expect("the waits do not end")).await;
        }
    }
}

#[cfg(any(test, fuzzing))]
/// For [`crate::fuzzing`]: the samples of a report with these rows.
pub(in crate::providers::genesys_cloud) fn samples<'a>(
    mut rows: impl Iterator<Item = &'a [u8]>,
) -> Option<crate::model::Samples> {
    let mut usages = Usages::default();
    rows.try_for_each(|row| usages.row(row)).ok()?;
    BillableUsageCollector::reading(jiff::civil::date(2026, 11, 21), usages)
        .ok()
        .map(|reading| reading.samples)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn reading(rows: &[&str]) -> Result<Reading, CollectError> {
        let mut usages = Usages::default();
        for row in rows {
            usages.row(row.as_bytes()).unwrap();
        }
        BillableUsageCollector::reading(date(2026, 11, 21), usages)
    }

    #[test]
    fn quantities_are_decimals_in_strings_and_resources_only_a_number() {
        let row = r#"{"name":"Genesys Cloud CX 2","totalUsage":"17.50",
            "resources":[{"name":"jane@example.com","date":"2026-11-01T00:00:00Z"},{"name":"x"}]}"#;
        let reading = reading(&[row]).unwrap();
        let values: Vec<f64> = reading.samples.tables().iter().map(|table| table.value(0)).collect();
        assert_eq!(values, [17.5, 2.0]);
        assert!(!format!("{reading:?}").contains("jane"));
    }

    #[test]
    fn an_absent_quantity_is_no_sample() {
        for row in [r#"{"name":"a"}"#, r#"{"name":"a","totalUsage":"","resources":null}"#] {
            assert!(reading(&[row]).unwrap().samples.is_empty(), "{row}");
        }
    }

    #[test]
    fn a_charge_that_cannot_be_understood_is_counted_and_a_report_of_such_fails() {
        assert_eq!(reading(&[r#"{"name":"a"}"#, "7"]).unwrap().invalid_rows, 1);
        assert!(reading(&["7"]).is_err());
    }
}
