//! Monthly usage: what was used, and what it cost.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::list::View;
use super::meters::{METERS, Meter, Volume};
use super::month::{Month, today};
use super::world::{Account, Habit, World, hex};
use crate::simulator::dice::Dice;
use crate::simulator::planted::{PLANTED_PERSON, PLANTED_PHONE};

/// Months whose figures the vendor changed, and by what factor.
pub(super) type Restated = BTreeMap<Month, f64>;

/// What one combination of a meter counted in one month.
pub(super) struct Cell {
    dice: Dice,
    pub(super) meter: &'static Meter,
    direction: Option<&'static str>,
    resolution: Option<&'static str>,
    place: &'static str,
    price: f64,
    units: f64,
    pub(super) amount: f64,
}

impl Cell {
    /// Whether it is consumption, and no movement of credit.
    pub(super) fn is_consumption(&self) -> bool {
        !matches!(self.meter.kind, "CREDIT_COMMIT" | "RECHARGE")
    }

    fn description(&self) -> String {
        let (text, place) = (self.meter.text, self.place);
        match self.meter.kind {
            // Free texts are written by people about people.
            "NUMBER" => format!("{text} {place}, {PLANTED_PERSON}, {PLANTED_PHONE}"),
            _ => format!("{text} {place}").trim_end().to_owned(),
        }
    }
}

impl World {
    /// What an account used in a month, as known by `now`; what is not used yet has no row.
    pub(super) fn usage(&self, account: &Account, month: Month, now: Timestamp) -> Vec<Cell> {
        if !self.is_used(account, month) {
            return Vec::new();
        }
        let since = month.since(self.start);
        let surge = if account.habit == Habit::Surging && since >= 0 && since % 2 == 0 { 1.7 } else { 1.0 };
        // One and a half percent a month.
        let growth = 1.015_f64.powi(since.clamp(-60, 60));
        let worked = month.worked(now) * account.size * surge * growth;
        let mut cells = Vec::new();
        for (index, meter) in METERS.iter().enumerate().filter(|(_, meter)| !meter.is_new || since >= 0) {
            let combinations = meter.directions.iter().flat_map(|direction| {
                let resolutions = meter.resolutions.iter();
                resolutions.flat_map(move |resolution| {
                    meter.places.iter().map(move |place| (*direction, *resolution, *place))
                })
            });
            for (number, (direction, resolution, (place, factor))) in combinations.enumerate() {
                let line = account.dice.of(index as u64).of(number as u64);
                let dice = line.named("month").of(month.number());
                let share = line.named("share").between(0.4, 1.6);
                let (units, billed) = match meter.volume {
                    Volume::Daily(units) => {
                        let units = units * worked * share * dice.named("noise").between(0.97, 1.03);
                        let units =
                            if matches!(meter.unit, "MINUTES" | "GB") { units } else { units.floor() };
                        // Prices are for increments, so more is paid for than was used.
                        (units, units * dice.named("increments").between(1.01, 1.05))
                    }
                    Volume::Monthly(units) => {
                        let units = (units * account.size * share).round();
                        (units, units)
                    }
                };
                let price = meter.price * factor;
                let (units, amount) = (rounded(units, 2), rounded(billed * price, 4));
                if units > 0.0 {
                    cells.push(Cell { dice, meter, direction, resolution, place, price, units, amount });
                }
            }
        }
        cells
    }
}

/// `listMonthlyUsage`
pub(super) fn rows(view: &View) -> Vec<Value> {
    let (world, last) = (view.world, Month::of(today(view.now)));
    let months = (0..=last.since(world.first)).map(|number| world.first.plus(number));
    let mut rows = Vec::new();
    for month in months {
        let factor = view.restated.get(&month).copied().unwrap_or(1.0);
        for account in &world.accounts {
            let value = |field: &str| match field {
                "account_id" => Some(account.id.clone()),
                "month" => Some(month.to_string()),
                _ => None,
            };
            if view.filter.matches(&value) {
                let cells = world.usage(account, month, view.now);
                rows.extend(cells.iter().map(|cell| row(account, month, cell, factor)));
            }
        }
    }
    rows
}

fn row(account: &Account, month: Month, cell: &Cell, factor: f64) -> Value {
    let meter = cell.meter;
    let gap = cell.dice.named("gap").unit();
    let unless = |gone: bool, value: f64| (!gone).then_some(value);
    json!({
        "id": hex(cell.dice.named("row"), 32),
        "account_id": account.id,
        "product_id": meter.product,
        "aggr_product_id": meter.aggregate,
        "month": month.to_string(),
        "type": meter.kind,
        "description": cell.description(),
        "currency": account.currency,
        "direction": cell.direction,
        "resolution": cell.resolution,
        "unit": meter.unit,
        "price": unless(gap < 0.02, rounded(cell.price, 6)),
        "wallet_name": meter.wallet,
        "number_of_units": unless((0.02..0.03).contains(&gap), rounded(cell.units * factor, 2)),
        "total_amount": unless((0.03..0.035).contains(&gap), rounded(cell.amount * factor, 4)),
    })
}

/// A figure with so many digits after the point.
pub(super) fn rounded(figure: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (figure * scale).round() / scale
}
