//! The `products` collector: `GET /express/products`, of which only what the organization uses or subscribes to is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;

use super::paging::{self, List};
use super::row::{Row, Unreadable};
use super::seen;
use crate::catalogue::talkdesk as catalogue;
use crate::clock::Clock;
use crate::collector::{Collector, Memory, PendingJobs};
use crate::model::{CollectError, Reading, Surprise};
use crate::rest::Client;

const PRODUCTS: List =
    List { operation: "listProducts", path: &["express", "products"], key: "products", order_by: "id:asc" };

/// What the labels behind the id are made of.
const LABELS: [&str; 4] = ["name", "family", "unit_of_measure", "charge_type"];

/// The families that the API documents.
const FAMILIES: [&str; 14] = [
    "ADD_ON",
    "ADD_ON_PACKAGES",
    "CONSUMPTION",
    "CREDIT",
    "CREDIT_USAGE",
    "FINANCE",
    "LEGACY_ADD_ON",
    "LEGACY_LICENSE",
    "LICENSE",
    "PRODUCT_USAGE_RATE",
    "PROFESSIONAL_SERVICES",
    "SUNSET",
    "THIRD_PARTY_APPCONNECT",
    "OTHER",
];

/// The units that the API documents; they are not those of usage.
const UNITS: [&str; 18] = [
    "CHARACTERS",
    "CREDITS",
    "EACH",
    "MINUTES",
    "PER_API_CALL",
    "PER_ACCOUNT",
    "PER_CONNECTION",
    "PER_CONVERSATION",
    "PER_GB",
    "PER_INTERACTION",
    "PER_MINUTE",
    "PER_PAGE",
    "PER_SEAT",
    "PER_SESSION",
    "PER_USE",
    "PER_UTTERANCE",
    "PER_VALIDATION",
    "OTHER",
];

/// The charge types that the API documents.
const CHARGE_TYPES: [&str; 6] =
    ["FIXED_RECURRING", "ONE_TIME", "ONE_TIME_CHARGE", "RECURRING", "USAGE", "OTHER"];

/// The collector.
pub(super) struct ProductsCollector {
    client: Arc<Client>,
    clock: Clock,
    seen: watch::Receiver<seen::Products>,
    /// The catalogue of the last good run, and when it was read.
    known: Option<(Timestamp, BTreeMap<String, Product>)>,
}

/// The labels of a product behind its id.
type Product = [String; LABELS.len()];

impl ProductsCollector {
    pub(super) fn new(client: Arc<Client>, clock: Clock, seen: watch::Receiver<seen::Products>) -> Self {
        Self { client, clock, seen, known: None }
    }
}

impl Collector for ProductsCollector {
    fn name(&self) -> &'static str {
        "products"
    }

    async fn collect(&mut self, _: &PendingJobs) -> Result<Reading, CollectError> {
        let now = self.clock.now();
        let mut products = BTreeMap::new();
        let invalid_rows = paging::read(&self.client, &PRODUCTS, None, |row| {
            let (id, product) = product(row)?;
            products.insert(id, product);
            check(row);
            Ok(())
        })
        .await?;
        self.known = Some((now, products));
        let shown = self.reevaluate().unwrap_or_default();
        Ok(Reading { invalid_rows, ..shown })
    }

    async fn changed(&mut self) {
        if self.seen.changed().await.is_err() {
            // Nobody is left who could see anything.
            std::future::pending::<()>().await;
        }
    }

    fn reevaluate(&mut self) -> Option<Reading> {
        let (read_at, products) = self.known.as_ref()?;
        let mut reading = Reading { data_through: Some(*read_at), ..Reading::default() };
        let seen = self.seen.borrow_and_update();
        let ids: BTreeSet<&String> = seen.values().flatten().collect();
        for (id, product) in ids.into_iter().filter_map(|id| products.get_key_value(id)) {
            let [name, family, unit_of_measure, charge_type] = product;
            let labels = [id, name, family, unit_of_measure, charge_type].map(String::as_str);
            reading.samples.push(&catalogue::PRODUCT_INFO, labels, 1.0);
        }
        Some(reading)
    }

    fn memory(&self) -> Memory {
        Memory::of(&self.known)
    }

    fn recall(&mut self, memory: &Memory) -> Result<(), serde_json::Error> {
        self.known = memory.read()?;
        Ok(())
    }
}

fn product(row: Row) -> Result<(String, Product), Unreadable> {
    let mut product = Product::default();
    for (label, key) in product.iter_mut().zip(LABELS) {
        *label = row.text(key)?.into_owned();
    }
    Ok((row.required("id")?.into_owned(), product))
}

fn check(row: Row) {
    row.check(Surprise::EnumValue, &[("family", &FAMILIES), ("charge_type", &CHARGE_TYPES)]);
    row.check(Surprise::Unit, &[("unit_of_measure", &UNITS)]);
}

#[cfg(any(test, fuzzing))]
/// For [`crate::fuzzing`]: whether the row is a product.
pub(super) fn is_product(row: Row) -> bool {
    check(row);
    product(row).is_ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::Surprises;
    use crate::model::surprises::noticing;

    #[test]
    fn what_a_placeholder_lacks_is_empty() {
        let row = json!({"id": "TD-X", "name": "Discount", "family": null, "charge_type": ""});
        let (id, product) = product(Row::new(&row).unwrap()).unwrap();
        assert_eq!((id.as_str(), product), ("TD-X", ["Discount", "", "", ""].map(str::to_owned)));
        assert_eq!(noticing(|| check(Row::new(&row).unwrap())).1, Surprises::default());
    }

    #[test]
    fn a_product_without_an_id_is_none_and_new_enum_values_are_noticed() {
        let row =
            json!({"name": "x", "family": "QUANTUM", "unit_of_measure": "PER_QUBIT", "charge_type": "USAGE"});
        assert_eq!(product(Row::new(&row).unwrap()), Err(Unreadable));
        let ((), surprises) = noticing(|| check(Row::new(&row).unwrap()));
        assert_eq!([Surprise::EnumValue, Surprise::Unit].map(|kind| surprises.count(kind)), [1, 1]);
    }
}
