//! Contract lines: past, present and future ones.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::list::View;
use super::products;
use super::usage::rounded;
use super::world::{Account, Habit, hex};
use crate::simulator::dice::Dice;
use crate::simulator::planted::PLANTED_EMAIL;

/// A contract that accounts have.
struct Contract {
    lines: u64,
    /// When it starts, in months from the start of the world: from one of them to before the other.
    starts: (f64, f64),
    /// How long it lasts, in months.
    term: i32,
}

const CONTRACTS: [Contract; 3] = [
    Contract { lines: 3, starts: (-44.0, -38.0), term: 24 },
    Contract { lines: 5, starts: (-22.0, -2.0), term: 24 },
    Contract { lines: 1, starts: (1.0, 4.0), term: 12 },
];
/// How much earlier all contracts of an account began that has left.
const GONE_MONTHS: i32 = -48;
const BILLING: [&str; 5] = ["ANNUAL", "QUARTER", "MONTH", "SEMI_ANNUAL", "OTHER"];

/// `listSubscriptions`
pub(super) fn rows(view: &View) -> Vec<Value> {
    let mut rows = Vec::new();
    for account in &view.world.accounts {
        // Who tries the service has no contract yet.
        let is_new = account.habit == Habit::New;
        let contracts = CONTRACTS.iter().enumerate();
        for (index, contract) in contracts.filter(|(_, contract)| !is_new || contract.starts.0 > 0.0) {
            let dice = account.dice.named("contract").of(index as u64);
            let (low, high) = contract.starts;
            let gone = if account.habit == Habit::Gone { GONE_MONTHS } else { 0 };
            #[expect(clippy::cast_possible_truncation, reason = "some months before or after")]
            let first = view.world.start.plus(dice.named("start").between(low, high).floor() as i32 + gone);
            let (start, end) = (first.first(), first.plus(contract.term).first().yesterday());
            let end = end.unwrap_or(Date::MAX);
            let value = |field: &str| match field {
                "account_id" => Some(account.id.clone()),
                "start_date" => Some(start.to_string()),
                "end_date" => Some(end.to_string()),
                _ => None,
            };
            if view.filter.matches(&value) {
                let lines = (0..contract.lines).map(|line| row(account, contract, dice, line, (start, end)));
                rows.extend(lines);
            }
        }
    }
    rows
}

fn row(account: &Account, contract: &Contract, of_contract: Dice, line: u64, days: (Date, Date)) -> Value {
    let dice = of_contract.named("line").of(line);
    let products = products::recurring();
    let (product, name) = dice.named("product").choose(&products, ("", ""));
    let number = 20_000 + of_contract.named("number").number() % 10_000;
    // The form belongs to the contract, so that its lines stay together.
    let is_number = of_contract.named("form").unit() < 0.3;
    let renews = dice.named("renewal").unit() < 0.7;
    json!({
        "id": hex(dice, 32),
        "account_id": account.id,
        "contract_number": if is_number { json!(number) } else { json!(format!("{number:08}")) },
        "currency": account.currency,
        "billing_period": of_contract.named("period").choose(&BILLING, BILLING[0]),
        "billing_frequency": dice.named("frequency").choose(&BILLING, BILLING[0]),
        "status": if dice.named("status").unit() < 0.9 { "ACTIVATED" } else { "OTHER" },
        "term": if line.is_multiple_of(2) { json!(contract.term.to_string()) } else { json!(contract.term) },
        "start_date": day(days.0, dice),
        "end_date": day(days.1, dice),
        "edition": format!("{name}, ordered by {PLANTED_EMAIL}"),
        "auto_renewal": renews.then_some(dice.named("automatic").unit() < 0.5),
        "renewal_uplift": renews.then(|| dice.named("uplift").choose(&[3.0, 5.0, 7.5, 9.0], 5.0)),
        "product_id": product,
        "quantity": rounded(dice.named("quantity").between(5.0, 400.0), 0),
        "unit_price": rounded(dice.named("price").between(8.0, 140.0), 2),
        "pricing_model": if dice.named("model").unit() < 0.8 { "FIXED_FEE" } else { "TIME_AND_MATERIALS" },
        "concurrent": dice.named("concurrent").unit() < 0.3,
        "seasonal": dice.named("seasonal").unit() < 0.1,
    })
}

/// A day in one of the two forms in which the vendor writes days.
pub(super) fn day(day: Date, dice: Dice) -> String {
    if dice.named("day").unit() < 0.5 { day.to_string() } else { format!("{day}T00:00:00.000Z") }
}
