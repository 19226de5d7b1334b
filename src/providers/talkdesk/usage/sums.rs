//! Usage rows summed up over everything that is no label: several rows may share account, product, month and type.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::catalogue::talkdesk as catalogue;
use crate::model::{Samples, Sum, Surprise};
use crate::providers::talkdesk::calendar::Month;
use crate::providers::talkdesk::pairs;
use crate::providers::talkdesk::row::{Row, Unreadable};

/// The types of usage that the API documents.
const TYPES: [&str; 13] = [
    "AMD",
    "API_REQUEST",
    "CALL",
    "CALL_SERVICE",
    "CREDIT_COMMIT",
    "DIALER",
    "MESSAGE",
    "NUMBER",
    "PRODUCT_SERVICE",
    "RECHARGE",
    "SPEECH_TRANSCRIPTION",
    "VOICEMAIL_TRANSCRIPTION",
    "OTHER",
];

/// The types that are credits and no consumption.
const CREDITS: [&str; 2] = ["CREDIT_COMMIT", "RECHARGE"];

/// The units that the API documents.
const UNITS: [&str; 11] = [
    "CHARS",
    "CONVERSATIONS",
    "GB",
    "MINUTES",
    "NUMBERS",
    "PAGES",
    "REQUESTS",
    "SECONDS",
    "SEGMENTS",
    "SESSIONS",
    "OTHER",
];

/// The directions that the API documents.
const DIRECTIONS: [&str; 3] = ["INBOUND", "OUTBOUND", "OTHER"];

/// The resolutions that the API documents.
const RESOLUTIONS: [&str; 6] = ["ABANDONED", "ANSWERED", "MACHINE", "MISSED", "VOICEMAIL", "OTHER"];

/// The sums of the wanted months.
#[derive(Serialize, Deserialize)]
pub(super) struct Sums {
    wanted: BTreeSet<Month>,
    /// A month without rows is not there.
    pub(super) months: BTreeMap<Month, MonthSums>,
    pub(super) products: BTreeSet<String>,
}

/// The sums of one month.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct MonthSums {
    /// By account, product, type and unit.
    #[serde(with = "pairs")]
    units: BTreeMap<[String; 4], Sum>,
    /// By account, product, type, currency and wallet.
    #[serde(with = "pairs")]
    amounts: BTreeMap<[String; 5], Sum>,
}

impl Sums {
    /// For rows of `wanted` months; others, which a vendor that ignores the filter sends, are left out.
    pub(super) fn new(wanted: &[Month]) -> Self {
        Self { wanted: wanted.iter().copied().collect(), months: BTreeMap::new(), products: BTreeSet::new() }
    }

    /// The months whose rows are summed up.
    pub(super) fn wanted(&self) -> impl DoubleEndedIterator<Item = Month> {
        self.wanted.iter().copied()
    }

    /// Whether rows of this month are summed up.
    pub(super) fn is_wanted(&self, month: Month) -> bool {
        self.wanted.contains(&month)
    }

    /// Adds a row, as a whole or not at all.
    pub(super) fn add(&mut self, row: Row) -> Result<(), Unreadable> {
        let account = row.account_id()?.into_owned();
        let month = Month::parse(&row.required("month")?).ok_or(Unreadable)?;
        let [product, usage_type] = [row.text("product_id")?, row.text("type")?].map(String::from);
        let [unit, currency] = [row.text("unit")?, row.text("currency")?].map(String::from);
        let wallet = row.text("wallet_name")?.into_owned();
        let (units, amount) = (row.number("number_of_units")?, row.number("total_amount")?);
        if !self.is_wanted(month) {
            return Ok(());
        }
        if !product.is_empty() {
            self.products.insert(product.clone());
        }
        row.check(
            Surprise::EnumValue,
            &[("type", &TYPES), ("direction", &DIRECTIONS), ("resolution", &RESOLUTIONS)],
        );
        row.check(Surprise::Unit, &[("unit", &UNITS)]);
        let sums = self.months.entry(month).or_default();
        let key = [account, product, usage_type];
        if let Some(units) = units {
            let [account, product, usage_type] = key.clone();
            sums.units.entry([account, product, usage_type, unit]).or_default().add(units);
        }
        if let Some(amount) = amount {
            let [account, product, usage_type] = key;
            sums.amounts.entry([account, product, usage_type, currency, wallet]).or_default().add(amount);
        }
        Ok(())
    }

    /// What a month's consumption costs, by currency; credits are none.
    pub(super) fn consumption(&self, month: Month) -> Vec<(f64, String)> {
        let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
        for ([_, _, usage_type, currency, _], amount) in
            self.months.get(&month).iter().flat_map(|sums| &sums.amounts)
        {
            if !CREDITS.contains(&usage_type.as_str()) {
                sums.entry(currency).or_default().add(amount.value());
            }
        }
        sums.into_iter().map(|(currency, sum)| (sum.value(), currency.to_owned())).collect()
    }

    /// The sums as samples. What no row tells has none, which is not zero.
    pub(super) fn samples(&self) -> Samples {
        let mut samples = Samples::default();
        for (month, sums) in &self.months {
            let month = month.to_string();
            for ([account, product, usage_type, unit], units) in &sums.units {
                let labels = [account, product, usage_type, unit, &month].map(String::as_str);
                samples.push(&catalogue::USAGE_UNITS, labels, units.value());
            }
            for ([account, product, usage_type, currency, wallet], amount) in &sums.amounts {
                let labels = [account, product, usage_type, currency, wallet, &month].map(String::as_str);
                samples.push(&catalogue::USAGE_AMOUNT, labels, amount.value());
            }
        }
        samples
    }
}

impl MonthSums {
    /// Whether any figure is another one than before.
    pub(super) fn differs_from(&self, before: &Self) -> bool {
        differ(&self.units, &before.units) || differ(&self.amounts, &before.amounts)
    }
}

/// Whether any sum shows another value; the order of the rows changes none.
fn differ<K: PartialEq>(one: &BTreeMap<K, Sum>, other: &BTreeMap<K, Sum>) -> bool {
    fn shown<K>(sums: &BTreeMap<K, Sum>) -> impl Iterator<Item = (&K, u64)> {
        sums.iter().map(|(key, sum)| (key, sum.value().to_bits()))
    }
    !shown(one).eq(shown(other))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::model::Surprises;
    use crate::model::surprises::noticing;
    use crate::providers::talkdesk::row::tests::{any_json, object};

    fn add(sums: &mut Sums, rows: &[Value]) -> usize {
        let result = |row| Row::new(row).and_then(|row| sums.add(row));
        rows.iter().map(result).filter(Result::is_err).count()
    }

    fn sums(rows: &[Value]) -> Sums {
        let mut sums = Sums::new(&["2026-11", "2026-10"].map(|month| Month::parse(month).unwrap()));
        assert_eq!(add(&mut sums, rows), 0);
        sums
    }

    fn shown(sums: &Sums) -> Vec<(&'static str, String, f64)> {
        let mut shown = Vec::new();
        for table in sums.samples().tables() {
            for row in 0..table.len() {
                let labels: Vec<&str> = table.labels(row).collect();
                shown.push((table.family().name, labels.join("|"), table.value(row)));
            }
        }
        shown
    }

    /// A row of the current month with a few other fields.
    fn row(more: Value) -> Value {
        let mut row = json!({
            "id": "r", "account_id": "acc", "product_id": "TD-X", "aggr_product_id": "TD-Y", "month": "2026-11", "type": "CALL",
            "unit": "MINUTES", "currency": "USD", "wallet_name": "contact center", "price": 0.02,
        });
        row.as_object_mut().unwrap().extend(object(more));
        row
    }

    #[test]
    fn consumption_is_told_by_currency_and_credits_are_none() {
        let of = |usage_type: &str, currency: &str, amount: f64| {
            row(json!({"type": usage_type, "currency": currency, "total_amount": amount}))
        };
        let sums = sums(&[
            of("CALL", "USD", 0.1),
            of("DIALER", "USD", 0.2),
            of("CALL", "EUR", 5.0),
            of("RECHARGE", "USD", 100.0),
            of("CREDIT_COMMIT", "EUR", 100.0),
        ]);
        let month = |text| Month::parse(text).unwrap();
        assert_eq!(sums.consumption(month("2026-11")), [(5.0, "EUR".to_owned()), (0.3, "USD".to_owned())]);
        assert!(sums.consumption(month("2026-10")).is_empty());
    }

    #[test]
    fn rows_with_equal_labels_add_up_whatever_else_they_differ_in() {
        let sums = sums(&[
            row(
                json!({"description": "Outbound", "direction": "OUTBOUND", "number_of_units": 1200.5, "total_amount": 24.0}),
            ),
            row(
                json!({"description": "Inbound", "resolution": "MISSED", "number_of_units": "3", "total_amount": 3}),
            ),
        ]);
        assert_eq!(
            shown(&sums),
            [
                ("talkdesk_usage_units", "acc|TD-X|CALL|MINUTES|2026-11".to_owned(), 1203.5),
                ("talkdesk_usage_amount", "acc|TD-X|CALL|USD|contact center|2026-11".to_owned(), 27.0),
            ]
        );
    }

    #[test]
    fn units_currencies_wallets_and_credits_stay_apart() {
        let sums = sums(&[
            row(json!({"number_of_units": 1, "total_amount": 1})),
            row(json!({"number_of_units": 60, "unit": "SECONDS"})),
            row(json!({"total_amount": 2, "currency": "EUR"})),
            row(json!({"total_amount": 4, "wallet_name": null})),
            row(json!({"total_amount": -500, "type": "CREDIT_COMMIT"})),
            row(json!({"total_amount": 50, "type": "RECHARGE"})),
        ]);
        let amounts: Vec<f64> =
            shown(&sums).iter().filter(|row| row.0.ends_with("amount")).map(|row| row.2).collect();
        assert_eq!((sums.samples().len(), amounts), (7, vec![2.0, 4.0, 1.0, -500.0, 50.0]));
    }

    #[test]
    fn what_is_missing_is_not_zero() {
        let sums = sums(&[
            json!({"account ID": "acc", "month": "2026-11", "total_amount": null}),
            row(json!({"number_of_units": ""})),
        ]);
        assert!(sums.samples().is_empty());
        assert!(
            sums.months.contains_key(&Month::parse("2026-11").unwrap()),
            "the month has rows all the same"
        );
    }

    #[test]
    fn rows_of_other_months_are_left_out() {
        let row = row(json!({"month": "2026-09", "product_id": "TD-OLD", "total_amount": 7, "type": "NEW"}));
        let (sums, surprises) = noticing(|| sums(&[row]));
        assert!(sums.months.is_empty() && sums.products.is_empty());
        assert_eq!(surprises, Surprises::default());
    }

    #[test]
    fn a_row_that_cannot_be_understood_adds_nothing() {
        let mut sums = sums(&[]);
        let bad = [
            row(json!({"account_id": null, "total_amount": 1})),
            row(json!({"month": "November", "total_amount": 1})),
            row(json!({"month": null, "total_amount": 1})),
            row(json!({"number_of_units": 7, "total_amount": "ten"})),
            row(json!({"product_id": {}, "total_amount": 1})),
            json!("row"),
        ];
        assert_eq!(add(&mut sums, &bad), bad.len());
        assert!(sums.months.is_empty());
    }

    #[test]
    fn values_beyond_the_documentation_are_kept_and_noticed() {
        let row =
            row(json!({"type": "BRAND_NEW", "unit": "PIGEONS", "direction": null, "number_of_units": "3"}));
        let (sums, surprises) = noticing(|| sums(&[row]));
        assert_eq!(shown(&sums)[0].1, "acc|TD-X|BRAND_NEW|PIGEONS|2026-11");
        assert_eq!([Surprise::EnumValue, Surprise::Unit].map(|kind| surprises.count(kind)), [1, 1]);
        assert!(sums.products.contains("TD-X"));
    }

    #[test]
    fn another_order_of_rows_is_no_change_and_another_figure_is() {
        let month = Month::parse("2026-11").unwrap();
        let amounts = |amounts: &[f64]| {
            let rows: Vec<Value> =
                amounts.iter().map(|amount| row(json!({"total_amount": amount}))).collect();
            sums(&rows).months.remove(&month).unwrap()
        };
        let before = amounts(&[0.1, 0.2, 0.3]);
        assert!(!amounts(&[0.3, 0.2, 0.1]).differs_from(&before));
        assert!(amounts(&[0.3, 0.2, 0.11]).differs_from(&before));
        let more =
            sums(&[row(json!({"total_amount": 0.6})), row(json!({"total_amount": 1, "currency": "EUR"}))]);
        assert!(more.months[&month].differs_from(&before));
    }

    proptest! {
        #[test]
        fn no_rows_make_sums_panic_or_infinite(rows in prop::collection::vec(any_json(), 0..8)) {
            let mut sums = Sums::new(&["2026-11"].map(|month| Month::parse(month).unwrap()));
            let rows: Vec<Value> = rows.into_iter().map(|more| match more {
                Value::Object(_) => row(more),
                other => other,
            }).collect();
            add(&mut sums, &rows);
            prop_assert!(shown(&sums).iter().all(|(_, _, value)| value.is_finite()));
        }
    }
}
