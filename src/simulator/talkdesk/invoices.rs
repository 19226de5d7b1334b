//! Invoice lines: invoices are written on the 1st for the usage of the month before.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::list::View;
use super::month::{Month, today};
use super::products::{DISCOUNT, name};
use super::subscriptions::day;
use super::usage::rounded;
use super::world::{Account, World, hex};
use crate::simulator::planted::PLANTED_PERSON;

/// Fields that came later; older lines have none of them.
const NEWER: [&str; 4] = ["invoice_line_number", "due_date", "product_name", "total_tax_amount"];
/// Invoices older than so many months when the world began lack the newer fields.
const OLD_MONTHS: i32 = -6;

/// What one line is about.
struct Line {
    product: &'static str,
    quantity: f64,
    rate: f64,
    amount: f64,
}

/// `listTalkdeskInvoiceLines`
pub(super) fn rows(view: &View) -> Vec<Value> {
    let (world, last) = (view.world, Month::of(today(view.now)));
    let months = (1..=last.since(world.first)).map(|number| world.first.plus(number));
    let mut rows = Vec::new();
    for month in months {
        let accounts = world.accounts.iter().enumerate();
        for (index, account) in accounts.filter(|(_, account)| world.is_used(account, month.plus(-1))) {
            let number = format!("INV{:06}{index}", month.number());
            let value = |field: &str| match field {
                "account_id" => Some(account.id.clone()),
                "number" => Some(number.clone()),
                "date" => Some(month.first().to_string()),
                _ => None,
            };
            if view.filter.matches(&value) {
                rows.extend(invoice(world, account, month, &number));
            }
        }
    }
    rows
}

fn invoice(world: &World, account: &Account, month: Month, number: &str) -> Vec<Value> {
    let lines = lines(world, account, month);
    let net: f64 = lines.iter().map(|line| line.amount).sum();
    let tax = rounded(net * if account.currency == "EUR" { 0.19 } else { 0.0825 }, 2);
    let (date, due) = (month.first(), month.first().saturating_add(jiff::Span::new().days(30)));
    let last = date.yesterday().unwrap_or(date);
    let us = |day: Date| day.strftime("%m/%d/%Y").to_string();
    let period = format!("{} - {}", us(month.plus(-1).first()), us(last));
    let rows = lines.iter().enumerate().map(|(index, line)| {
        let dice = account.dice.named("invoice").of(month.number()).of(index as u64);
        let position = index + 1;
        let mut row = json!({
            "id": hex(dice, 32),
            "account_id": account.id,
            "number": number,
            "invoice_line_number": if dice.unit() < 0.5 { json!(position) } else { json!(position.to_string()) },
            "date": day(date, dice),
            "due_date": day(due, dice),
            "currency": account.currency,
            "total_invoice_amount": rounded(net + tax, 2),
            "product_id": line.product,
            "description": format!("{period}, for {PLANTED_PERSON}"),
            "product_name": name(line.product),
            "quantity": line.quantity,
            "rate": line.rate,
            "amount": line.amount,
            "total_tax_amount": tax,
        });
        if month.since(world.start) < OLD_MONTHS
            && let Some(fields) = row.as_object_mut() {
                fields.retain(|field, _| !NEWER.contains(&field.as_str()));
            }
        row
    });
    rows.collect()
}

/// Licences, usage of the month before as it is known in the end, and a discount on the licences.
fn lines(world: &World, account: &Account, month: Month) -> Vec<Line> {
    let (mut calls, mut others) = (0.0, 0.0);
    for cell in world.usage(account, month.plus(-1), jiff::Timestamp::MAX) {
        match cell.meter.kind {
            "CALL" => calls += cell.amount,
            _ if cell.is_consumption() => others += cell.amount,
            _ => {}
        }
    }
    let (calls, others) = (rounded(calls, 2), rounded(others, 2));
    let seats = (account.size * 120.0).ceil();
    let fee = |product, rate| Line { product, quantity: seats, rate, amount: rounded(seats * rate, 2) };
    let whole = |product, amount| Line { product, quantity: 1.0, rate: amount, amount };
    vec![
        fee("TD-LIC-APP-RC-101910", 95.0),
        fee("TD-ADD-WFM-RC-102010", 22.5),
        whole("TD-USG-TEL-UG-102210", calls),
        whole("TD-OTH-MIS-OT-102810", others),
        whole(DISCOUNT, -rounded(seats * 9.5, 2)),
    ]
}
