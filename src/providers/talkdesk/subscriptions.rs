//! The `subscriptions` collector: `GET /express/subscriptions`, of whose contract lines only the active ones are figures.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;

use super::calendar::{day_of, end_of};
use super::paging::{self, List};
use super::row::{Row, Unreadable};
use super::seen::Seen;
use crate::catalogue::talkdesk as catalogue;
use crate::clock::Clock;
use crate::collector::{Collector, Memory, PendingJobs};
use crate::model::{CollectError, Reading, Samples, Sum, Surprise};
use crate::rest::Client;

const NAME: &str = "subscriptions";

const SUBSCRIPTIONS: List = List {
    operation: "listSubscriptions",
    path: &["express", "subscriptions"],
    key: "subscriptions",
    order_by: "start_date:asc",
};

/// The state of a line that is in force.
const ACTIVATED: &str = "ACTIVATED";

/// The periods, frequencies, states and pricing models that the API documents.
const PERIODS: [&str; 5] = ["ANNUAL", "QUARTER", "MONTH", "SEMI_ANNUAL", "OTHER"];
const STATUSES: [&str; 2] = [ACTIVATED, "OTHER"];
const PRICING_MODELS: [&str; 3] = ["FIXED_FEE", "TIME_AND_MATERIALS", "OTHER"];

/// The collector.
pub(super) struct SubscriptionsCollector {
    client: Arc<Client>,
    clock: Clock,
    seen: Arc<Seen>,
}

/// The contract lines that are active on a day, put together.
struct Lines {
    today: Date,
    /// By account, contract and product.
    quantities: BTreeMap<[String; 3], Sum>,
    /// By account, contract, product and currency: prices do not add up, the largest stays.
    prices: BTreeMap<[String; 4], f64>,
    /// The last day, by account and contract.
    ends: BTreeMap<[String; 2], Date>,
    /// Of all lines, active or not.
    products: BTreeSet<String>,
}

impl Lines {
    fn new(today: Date) -> Self {
        Self {
            today,
            quantities: BTreeMap::new(),
            prices: BTreeMap::new(),
            ends: BTreeMap::new(),
            products: BTreeSet::new(),
        }
    }

    /// Adds a line, as a whole or not at all.
    fn add(&mut self, row: Row) -> Result<(), Unreadable> {
        let account = row.account_id()?.into_owned();
        let [contract, product] = [row.text("contract_number")?, row.text("product_id")?].map(String::from);
        let [status, currency] = [row.text("status")?, row.text("currency")?].map(String::from);
        let (start, end) = (row.day("start_date")?, row.day("end_date")?);
        let (quantity, price) = (row.number("quantity")?, row.number("unit_price")?);
        row.check(
            Surprise::EnumValue,
            &[
                ("status", &STATUSES),
                ("billing_period", &PERIODS),
                ("billing_frequency", &PERIODS),
                ("pricing_model", &PRICING_MODELS),
            ],
        );
        if !product.is_empty() {
            self.products.insert(product.clone());
        }
        let runs = start.is_none_or(|start| start <= self.today) && end.is_none_or(|end| self.today <= end);
        if !runs || !status.eq_ignore_ascii_case(ACTIVATED) {
            return Ok(());
        }
        if let Some(end) = end {
            let latest = self.ends.entry([account.clone(), contract.clone()]).or_insert(end);
            *latest = end.max(*latest);
        }
        let line = [account, contract, product];
        if let Some(price) = price {
            let [account, contract, product] = line.clone();
            let largest = self.prices.entry([account, contract, product, currency]).or_insert(price);
            *largest = price.max(*largest);
        }
        if let Some(quantity) = quantity {
            self.quantities.entry(line).or_default().add(quantity);
        }
        Ok(())
    }

    fn samples(&self) -> Samples {
        let mut samples = Samples::default();
        for (labels, quantity) in &self.quantities {
            let labels = labels.each_ref().map(String::as_str);
            samples.push(&catalogue::SUBSCRIPTION_QUANTITY, labels, quantity.value());
        }
        for (labels, price) in &self.prices {
            samples.push(&catalogue::SUBSCRIPTION_UNIT_PRICE, labels.each_ref().map(String::as_str), *price);
        }
        for (labels, day) in &self.ends {
            let end = end_of(*day).as_second() as f64;
            samples.push(&catalogue::SUBSCRIPTION_END_TIMESTAMP, labels.each_ref().map(String::as_str), end);
        }
        samples
    }
}

impl SubscriptionsCollector {
    pub(super) fn new(client: Arc<Client>, clock: Clock, seen: Arc<Seen>) -> Self {
        Self { client, clock, seen }
    }
}

impl Collector for SubscriptionsCollector {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn collect(&mut self, _: &PendingJobs) -> Result<Reading, CollectError> {
        let now = self.clock.now();
        let mut lines = Lines::new(day_of(now));
        let invalid_rows = paging::read(&self.client, &SUBSCRIPTIONS, None, |row| lines.add(row)).await?;
        let samples = lines.samples();
        self.seen.saw(NAME, lines.products);
        Ok(Reading { samples, data_through: Some(now), invalid_rows, ..Reading::default() })
    }

    fn memory(&self) -> Memory {
        Memory::of(&self.seen.by(NAME))
    }

    fn recall(&mut self, memory: &Memory) -> Result<(), serde_json::Error> {
        self.seen.saw(NAME, memory.read()?.unwrap_or_default());
        Ok(())
    }
}

#[cfg(any(test, fuzzing))]
/// For [`crate::fuzzing`]: the samples of one line.
pub(super) fn samples(row: Row) -> Option<Samples> {
    let mut lines = Lines::new(jiff::civil::date(2026, 11, 21));
    lines.add(row).ok()?;
    Some(lines.samples())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::model::surprises::noticing;
    use crate::providers::talkdesk::row::tests::{any_json, object};

    fn line(more: Value) -> Value {
        let mut line = json!({
            "account_id": "acc", "contract_number": "00021679", "product_id": "TD-X", "currency": "USD", "status": "ACTIVATED",
            "start_date": "2026-01-01", "end_date": "2026-12-31", "quantity": 10, "unit_price": 75.0,
        });
        line.as_object_mut().unwrap().extend(object(more));
        line
    }

    fn lines(rows: &[Value]) -> Lines {
        let mut lines = Lines::new(date(2026, 11, 21));
        for row in rows {
            Row::new(row).and_then(|row| lines.add(row)).unwrap();
        }
        lines
    }

    fn key<const N: usize>(labels: [&str; N]) -> [String; N] {
        labels.map(str::to_owned)
    }

    #[test]
    fn quantities_add_up_and_the_largest_price_and_the_latest_end_stay() {
        let lines = lines(&[
            line(json!({})),
            line(json!({"quantity": "2.5", "unit_price": 80, "end_date": "2027-06-30T00:00:00.000Z"})),
            line(json!({"quantity": null, "unit_price": null, "end_date": null})),
        ]);
        let contract = key(["acc", "00021679"]);
        let quantity = [12.5].into_iter().sum::<Sum>();
        assert_eq!(lines.quantities, BTreeMap::from([(key(["acc", "00021679", "TD-X"]), quantity)]));
        assert_eq!(lines.prices, BTreeMap::from([(key(["acc", "00021679", "TD-X", "USD"]), 80.0)]));
        assert_eq!(lines.ends, BTreeMap::from([(contract, date(2027, 6, 30))]));
        assert_eq!(lines.samples().len(), 3);
    }

    #[test]
    fn the_end_is_the_midnight_after_the_last_day() {
        let samples = lines(&[line(json!({"quantity": null, "unit_price": null}))]).samples();
        let midnight: jiff::Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
        assert!((samples.tables()[0].value(0) - midnight.as_second() as f64).abs() < f64::EPSILON);
    }

    #[test]
    fn only_a_line_that_is_activated_and_runs_today_is_a_figure() {
        for (more, is_active) in [
            (json!({}), true),
            (json!({"status": "Activated"}), true),
            (json!({"start_date": null, "end_date": null}), true),
            (json!({"start_date": "2026-11-21", "end_date": "2026-11-21T00:00:00.000Z"}), true),
            (json!({"start_date": "2026-11-22"}), false),
            (json!({"end_date": "2026-11-20"}), false),
            (json!({"status": "OTHER"}), false),
            (json!({"status": null}), false),
        ] {
            let lines = lines(&[line(more.clone())]);
            assert_eq!(!lines.samples().is_empty(), is_active, "{more}");
            assert!(lines.products.contains("TD-X"), "what is not active is seen all the same");
        }
    }

    #[test]
    fn a_contract_number_keeps_its_zeros_and_may_be_a_number() {
        let lines = lines(&[line(json!({})), line(json!({"contract_number": 21679}))]);
        let contracts: Vec<&str> = lines.ends.keys().map(|[_, contract]| contract.as_str()).collect();
        assert_eq!(contracts, ["00021679", "21679"]);
    }

    #[test]
    fn a_line_that_cannot_be_understood_adds_nothing() {
        let mut lines = lines(&[]);
        for more in [json!({"account_id": ""}), json!({"end_date": "soon"}), json!({"quantity": []})] {
            assert_eq!(lines.add(Row::new(&line(more)).unwrap()), Err(Unreadable));
        }
        assert!(lines.samples().is_empty() && lines.products.is_empty());
    }

    #[test]
    fn values_beyond_the_documentation_are_noticed() {
        let more = json!({"status": "PAUSED", "billing_period": "MONTH", "billing_frequency": "WEEK", "pricing_model": "MOOD"});
        let (_, surprises) = noticing(|| lines(&[line(more)]));
        assert_eq!(surprises.count(Surprise::EnumValue), 3);
    }

    proptest! {
        #[test]
        fn no_json_makes_a_line_panic(value in any_json()) {
            let mut lines = Lines::new(date(2026, 11, 21));
            let _ = Row::new(&value).and_then(|row| lines.add(row));
            let _ = lines.samples();
        }
    }
}
