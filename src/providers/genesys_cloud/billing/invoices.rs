//! The `invoices` collector: how much was invoiced and whether it is paid, from the preview operation
//! `/api/v2/billing/contracts/invoices`. Addresses, names and payment links in the answer are not read.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::Date;
use serde::Deserialize;

use super::preview;
use crate::catalogue::genesys_cloud as catalogue;
use crate::clock::Clock;
use crate::collector::{Collector, PendingJobs};
use crate::model::{CollectError, Reading, Surprise, surprises};
use crate::providers::genesys_cloud::days::{self, midnight};
use crate::providers::genesys_cloud::settings::InvoicesSettings;
use crate::providers::genesys_cloud::wire::{Decimal, Label, first_day};
use crate::rest::{Call, Client};

/// The payment states that the API documents for its answers. In a query one of them is spelled `UnPaid`.
const PAYMENT_STATUSES: [&str; 2] = ["Paid", "Unpaid"];

/// The collector.
pub(in crate::providers::genesys_cloud) struct InvoicesCollector {
    client: Arc<Client>,
    settings: InvoicesSettings,
    clock: Clock,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Invoice {
    id: Label,
    date_invoiced: Label,
    currency_iso_code: Label,
    payment_status: Label,
    amount: Decimal,
}

impl Invoice {
    fn is_unpaid(&self) -> bool {
        self.payment_status.is("Unpaid")
    }
}

impl InvoicesCollector {
    pub(in crate::providers::genesys_cloud) fn new(
        client: Arc<Client>,
        settings: InvoicesSettings,
        clock: Clock,
    ) -> Self {
        Self { client, settings, clock }
    }

    /// The first day of the oldest month.
    fn first_day(&self) -> Date {
        let months = i32::from(self.settings.months) - 1;
        days::of(self.clock.now()).first_of_month().saturating_sub(months.months())
    }
}

/// The figures of invoices from `first` on; an invoice without a day, or older, is left out.
fn push(reading: &mut Reading, invoices: &[Invoice], first: Date) {
    let mut counts: BTreeMap<[&str; 2], u32> = BTreeMap::new();
    let mut oldest_unpaid: Option<Date> = None;
    let mut ids = HashSet::new();
    // Pages over a list that grows can bring an invoice twice.
    let invoices = invoices.iter().filter(|invoice| invoice.id.get().is_none_or(|id| ids.insert(id)));
    for invoice in invoices {
        let Some(day) = first_day(&invoice.date_invoiced.0) else {
            reading.invalid_rows += 1;
            continue;
        };
        if day < first {
            continue;
        }
        let (currency, status) = (invoice.currency_iso_code.0.as_str(), invoice.payment_status.0.as_str());
        surprises::check(Surprise::EnumValue, "paymentStatus", status, &PAYMENT_STATUSES);
        *counts.entry([currency, status]).or_default() += 1;
        // Money without a currency is no money.
        if let (Decimal(Some(amount)), false) = (invoice.amount, currency.is_empty()) {
            let month = day.strftime("%Y-%m").to_string();
            reading.samples.push(&catalogue::INVOICES_AMOUNT, [currency, status, &month], amount);
        }
        if invoice.is_unpaid() {
            oldest_unpaid = Some(oldest_unpaid.map_or(day, |oldest| oldest.min(day)));
        }
    }
    for (labels, count) in counts {
        reading.samples.push(&catalogue::INVOICES, labels, f64::from(count));
    }
    if let Some(day) = oldest_unpaid {
        let seconds = midnight(day).as_second() as f64;
        reading.samples.push(&catalogue::INVOICE_OLDEST_UNPAID_TIMESTAMP, [], seconds);
    }
}

impl Collector for InvoicesCollector {
    fn name(&self) -> &'static str {
        "invoices"
    }

    async fn collect(&mut self, _: &PendingJobs) -> Result<Reading, CollectError> {
        let first = self.first_day();
        let path = ["api", "v2", "billing", "contracts", "invoices"];
        let call = Call::get("listInvoices", &path).query("dateStart", first.to_string());
        let (invoices, invalid) = preview::list::<Invoice>(&self.client, call).await?;
        let data_through = Some(self.clock.now());
        let mut reading = Reading { data_through, invalid_rows: invalid, ..Reading::default() };
        push(&mut reading, &invoices, first);
        if !invoices.is_empty() && reading.invalid_rows == invoices.len() as u64 + invalid {
            return Err(preview::unusable("listInvoices", reading.invalid_rows));
        }
        Ok(reading)
    }
}

#[cfg(any(test, fuzzing))]
/// For [`crate::fuzzing`]: the samples of a list with one entry.
pub(in crate::providers::genesys_cloud) fn samples(entry: &[u8]) -> Option<crate::model::Samples> {
    let invoice: Invoice = serde_json::from_slice(entry).ok()?;
    let mut reading = Reading::default();
    push(&mut reading, &[invoice], jiff::civil::date(2025, 11, 1));
    Some(reading.samples)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::model::Table;

    fn reading(json: &str) -> Reading {
        let invoices: Vec<Invoice> = serde_json::from_str(json).unwrap();
        let mut reading = Reading::default();
        push(&mut reading, &invoices, date(2026, 10, 1));
        reading
    }

    fn table(reading: &Reading, name: &str) -> Vec<(String, f64)> {
        let tables = reading.samples.tables().iter().filter(|table| table.family().name == name);
        let rows = tables.flat_map(|table: &Table| {
            (0..table.len()).map(|row| (table.labels(row).collect::<Vec<_>>().join(" "), table.value(row)))
        });
        rows.collect()
    }

    #[test]
    fn invoices_are_counted_by_currency_and_status_and_the_oldest_unpaid_is_told() {
        let reading = reading(
            r#"[{"id":"1","dateInvoiced":"2026-11-02","currencyIsoCode":"USD","paymentStatus":"Unpaid","amount":10.5},
                {"id":"2","dateInvoiced":"2026-10-02T00:00:00Z","currencyIsoCode":"USD","paymentStatus":"Unpaid","amount":"2"},
                {"id":"2","dateInvoiced":"2026-10-02","currencyIsoCode":"USD","paymentStatus":"Unpaid","amount":2},
                {"id":"3","dateInvoiced":"2026-10-05","currencyIsoCode":"EUR","paymentStatus":"Paid","amount":null},
                {"id":"4","dateInvoiced":"2026-09-30","currencyIsoCode":"EUR","paymentStatus":"Paid","amount":7}]"#,
        );
        assert_eq!(
            table(&reading, "genesyscloud_invoices"),
            [("EUR Paid".into(), 1.0), ("USD Unpaid".into(), 2.0)]
        );
        assert_eq!(
            table(&reading, "genesyscloud_invoices_amount"),
            [("USD Unpaid 2026-11".into(), 10.5), ("USD Unpaid 2026-10".into(), 2.0)]
        );
        let oldest = table(&reading, "genesyscloud_invoice_oldest_unpaid_timestamp_seconds");
        assert_eq!(oldest, [(String::new(), midnight(date(2026, 10, 2)).as_second() as f64)]);
    }

    #[test]
    fn oddities_are_counted() {
        let odd = r#"[{"id":"1"},{"id":"2","dateInvoiced":"2026-11-02","paymentStatus":"Disputed"}]"#;
        let (reading, surprises) = surprises::noticing(|| reading(odd));
        assert_eq!((reading.invalid_rows, surprises.count(Surprise::EnumValue)), (1, 1));
    }
}
