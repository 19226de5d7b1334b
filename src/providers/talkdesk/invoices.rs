//! The `invoices` collector: `GET /express/invoices`, whose rows are lines. An invoice's total stands on each of its lines, so
//! only the lines' own amounts are summed up.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::calendar::{Month, day_of};
use super::paging::{self, List};
use super::row::{Row, Unreadable};
use super::settings::MonthlySettings;
use crate::catalogue::talkdesk as catalogue;
use crate::clock::Clock;
use crate::collector::{Collector, PendingJobs};
use crate::model::{CollectError, Reading, Samples, Sum};
use crate::rest::Client;

const INVOICES: List = List {
    operation: "listTalkdeskInvoiceLines",
    path: &["express", "invoices"],
    key: "invoices",
    order_by: "date:asc",
};

/// The collector.
pub(super) struct InvoicesCollector {
    client: Arc<Client>,
    clock: Clock,
    settings: MonthlySettings,
}

/// Amounts by account, currency and month of the invoice.
struct Amounts {
    /// Invoices of earlier months are left out.
    oldest: Month,
    sums: BTreeMap<(String, String, Month), Sum>,
}

impl Amounts {
    fn since(oldest: Month) -> Self {
        Self { oldest, sums: BTreeMap::new() }
    }

    /// Adds a line.
    fn add(&mut self, row: Row) -> Result<(), Unreadable> {
        let (account, currency) = (row.account_id()?, row.text("currency")?);
        let month = Month::of(row.day("date")?.ok_or(Unreadable)?);
        if let Some(amount) = row.number("amount")?.filter(|_| month >= self.oldest) {
            let key = (account.into_owned(), currency.into_owned(), month);
            self.sums.entry(key).or_default().add(amount);
        }
        Ok(())
    }

    fn samples(&self) -> Samples {
        let mut samples = Samples::default();
        for ((account, currency, month), amount) in &self.sums {
            samples.push(
                &catalogue::INVOICES_AMOUNT,
                [account, currency, &month.to_string()],
                amount.value(),
            );
        }
        samples
    }
}

impl InvoicesCollector {
    pub(super) fn new(client: Arc<Client>, clock: Clock, settings: MonthlySettings) -> Self {
        Self { client, clock, settings }
    }
}

impl Collector for InvoicesCollector {
    fn name(&self) -> &'static str {
        "invoices"
    }

    async fn collect(&mut self, _: &PendingJobs) -> Result<Reading, CollectError> {
        let now = self.clock.now();
        let oldest = Month::of(day_of(now)).back(self.settings.months.saturating_sub(1));
        let mut amounts = Amounts::since(oldest);
        // Without a filter the vendor sends everything there ever was.
        let filter = Some(format!("date ge '{}'", oldest.first_day()));
        let invalid_rows = paging::read(&self.client, &INVOICES, filter, |row| amounts.add(row)).await?;
        Ok(Reading {
            samples: amounts.samples(),
            data_through: Some(now),
            invalid_rows,
            ..Reading::default()
        })
    }
}

#[cfg(any(test, fuzzing))]
/// For [`crate::fuzzing`]: the samples of one line.
pub(super) fn samples(row: Row) -> Option<Samples> {
    let mut amounts = Amounts::since(Month::parse("2025-11").expect("a month"));
    amounts.add(row).ok()?;
    Some(amounts.samples())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::providers::talkdesk::row::tests::any_json;

    fn amounts(lines: &[Value]) -> Vec<(String, f64)> {
        let mut amounts = Amounts::since(Month::parse("2025-11").unwrap());
        for line in lines {
            Row::new(line).and_then(|row| amounts.add(row)).unwrap();
        }
        let samples = amounts.samples();
        let mut shown = Vec::new();
        for table in samples.tables() {
            for row in 0..table.len() {
                shown.push((table.labels(row).collect::<Vec<_>>().join("|"), table.value(row)));
            }
        }
        shown
    }

    #[test]
    fn lines_add_up_and_the_invoice_total_on_each_of_them_does_not() {
        let line = |amount: Value| {
            json!({
                "account_id": "acc", "number": "INV1", "date": "2026-11-01", "currency": "USD", "amount": amount,
                "total_invoice_amount": 120.0, "total_tax_amount": 20.0,
            })
        };
        let lines = [line(json!(70)), line(json!("60.5")), line(json!(-30.5)), line(json!(null))];
        assert_eq!(amounts(&lines), [("acc|USD|2026-11".to_owned(), 100.0)]);
    }

    #[test]
    fn accounts_currencies_and_months_stay_apart_and_old_invoices_are_left_out() {
        let line = |account: &str, currency: &str, date: &str| json!({"account ID": account, "currency": currency, "date": date, "amount": 1});
        let lines = [
            line("a", "USD", "2026-11-01"),
            line("a", "EUR", "2026-11-01T00:00:00.000Z"),
            line("a", "USD", "2026-10-31"),
            line("b", "USD", "2026-11-01"),
            line("b", "USD", "2025-10-31"),
        ];
        let labels: Vec<String> = amounts(&lines).into_iter().map(|(labels, _)| labels).collect();
        assert_eq!(labels, ["a|EUR|2026-11", "a|USD|2026-10", "a|USD|2026-11", "b|USD|2026-11"]);
    }

    #[test]
    fn a_line_that_cannot_be_understood_is_told() {
        let mut amounts = Amounts::since(Month::parse("2025-11").unwrap());
        for line in [
            json!({"date": "2026-11-01", "amount": 1}),
            json!({"account_id": "a", "amount": 1}),
            json!({"account_id": "a", "date": "November", "amount": 1}),
            json!({"account_id": "a", "date": "2026-11-01", "amount": {}}),
        ] {
            assert_eq!(amounts.add(Row::new(&line).unwrap()), Err(Unreadable), "{line}");
        }
        assert!(amounts.samples().is_empty());
    }

    proptest! {
        #[test]
        fn no_json_makes_a_line_panic(value in any_json()) {
            let mut amounts = Amounts::since(Month::parse("2025-11").unwrap());
            let _ = Row::new(&value).and_then(|row| amounts.add(row));
        }
    }
}
