//! Invoices and their lines: a preview of the vendor, like the contracts.

use serde_json::{Value, json};

use super::contracts::{choice, customer, date, deal, product};
use super::periods::Period;
use super::{Deal, hundredths};
use crate::simulator::answer::Answer;
use crate::simulator::dice::Dice;
use crate::simulator::exchange::Call;
use crate::simulator::genesys_cloud::day::Day;
use crate::simulator::genesys_cloud::organization::Organization;
use crate::simulator::genesys_cloud::refusal::Refusal;
use crate::simulator::genesys_cloud::{Session, pages};
use crate::simulator::planted::{PLANTED_EMAIL, PLANTED_PERSON, PLANTED_PHONE, PLANTED_SECRET};

/// How far back invoices go.
const MONTHS: usize = 18;
/// Days from the end of a billing period to its invoice, and from that to its payment.
const DAYS_TO_INVOICE: i64 = 2;
const DAYS_TO_PAYMENT: i64 = 20;
/// Days before the start of the world on which other things were invoiced that are paid already.
const OTHER_DAYS: [i64; 2] = [130, 260];

struct Invoice {
    dice: Dice,
    day: Day,
    currency: &'static str,
    paid: bool,
    lines: Vec<Line>,
}

struct Line {
    sku: &'static str,
    product: &'static str,
    unit: &'static str,
    quantity: f64,
    price: f64,
    /// What it is for.
    period: Period,
}

/// `listInvoices`
pub(in super::super) fn list(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let organization = session.organization;
    let deal = deal(organization)?;
    let (from, to) = (date(call, "dateStart")?, date(call, "dateEnd")?);
    // The answer spells it `Unpaid`.
    let paid = choice(call, "paymentStatus", &["Paid", "UnPaid"])?.map(|status| status == "Paid");
    let mut invoices = invoices(organization, deal, Day::of(call.now));
    invoices.retain(|invoice| {
        from.is_none_or(|from| invoice.day.date() >= from)
            && to.is_none_or(|to| invoice.day.date() <= to)
            && paid.is_none_or(|paid| invoice.paid == paid)
    });
    let entities: Vec<Value> = invoices.iter().map(|invoice| entity(organization, invoice)).collect();
    pages::list(&organization.world, call, &entities)
}

/// `listInvoiceLines`
pub(in super::super) fn lines(session: &Session, call: &Call) -> Result<Answer, Refusal> {
    let organization = session.organization;
    let id = call.parameter("invoiceId");
    let invoices = invoices(organization, deal(organization)?, Day::of(call.now));
    let invoice = invoices.iter().find(|invoice| invoice.dice.uuid() == id);
    let invoice = invoice.ok_or_else(|| Refusal::not_found(format!("The invoice [{id}] was not found.")))?;
    let lines = invoice.lines.iter().enumerate();
    let entities: Vec<Value> =
        lines.map(|(index, line)| line_entity(organization, invoice, index, line)).collect();
    pages::list(&organization.world, call, &entities)
}

/// Those that were sent until today, the newest first.
fn invoices(organization: &Organization, deal: &Deal, today: Day) -> Vec<Invoice> {
    let dice = organization.world.dice.named("invoice");
    let monthly = organization.world.period(today).back().take(MONTHS).map(|period| {
        let day = period.last.plus(DAYS_TO_INVOICE);
        let dice = dice.of(day.number().unsigned_abs());
        let paid = day.plus(DAYS_TO_PAYMENT) <= today;
        Invoice { dice, day, currency: deal.currency, paid, lines: monthly_lines(deal, dice, period) }
    });
    let others = OTHER_DAYS.map(|days| (days, true)).into_iter();
    let others = others.chain(deal.overdue_days.map(|days| (days, false))).map(|(days, paid)| {
        let day = organization.world.start.plus(-days);
        let dice = dice.named("other").of(day.number().unsigned_abs());
        Invoice {
            dice,
            day,
            currency: deal.other_currency,
            paid,
            lines: other_lines(dice, organization.world.period(day)),
        }
    });
    let mut invoices: Vec<Invoice> = monthly.chain(others).filter(|invoice| invoice.day <= today).collect();
    invoices.sort_by_key(|invoice| std::cmp::Reverse(invoice.day));
    invoices
}

/// The plan in advance, and what went beyond it in the period.
fn monthly_lines(deal: &Deal, dice: Dice, period: Period) -> Vec<Line> {
    let voice = (41_000.0 * deal.intensity * dice.named("voice").between(0.9, 1.1)).round();
    let line = |sku, product, unit, quantity, price| Line { sku, product, unit, quantity, price, period };
    vec![
        line("GC-170-NV-ECX2", "Genesys Cloud CX 2", "User", f64::from(deal.prepaid_seats), 140.0),
        line("GC-170-NV-VOICE", "Genesys Cloud Voice", "Minute", voice, 0.014),
        line("GC-170-NV-STO", "Genesys Cloud Data Storage", "GB", 500.0, 0.08),
        line("GC-170-NV-SUP", "Premier Support", "EA", 1.0, 450.0),
        line(
            "GC-170-NV-CRD",
            "Service Credit",
            "EA",
            -1.0,
            hundredths(dice.named("credit").between(5.0, 90.0)),
        ),
    ]
}

/// Training and telephones are sold by another branch of the vendor.
fn other_lines(dice: Dice, period: Period) -> Vec<Line> {
    let line = |sku, product, unit, quantity, price| Line { sku, product, unit, quantity, price, period };
    vec![
        line("EDU-100-CLS", "Administrator Course", "Course", 2.0, 1_190.0),
        line(
            "HW-200-PHN",
            "Desk Phone",
            "Each",
            (4.0 + dice.named("phones").between(0.0, 8.0)).floor(),
            129.9,
        ),
    ]
}

impl Line {
    fn amount(&self) -> f64 {
        hundredths(self.quantity * self.price)
    }
}

fn entity(organization: &Organization, invoice: &Invoice) -> Value {
    let customer = customer(organization);
    let address = json!({
        "contactName": PLANTED_PERSON,
        "email": PLANTED_EMAIL,
        "phone": PLANTED_PHONE,
        "street": "1 Demo Street",
        "city": "Demoville",
        "country": "US",
    });
    json!({
        "id": invoice.dice.uuid(),
        "billToCustomer": customer,
        "shipToCustomer": customer,
        "soldToCustomer": customer,
        "dateInvoiced": invoice.day.date().to_string(),
        "billToAddress": address,
        "shipToAddress": address,
        "currencyIsoCode": invoice.currency,
        "paymentStatus": if invoice.paid { "Paid" } else { "Unpaid" },
        "paymentTerms": "Net 30",
        "paymentLink": format!("https://pay.example.com/{PLANTED_SECRET}"),
        "customerPoNumber": format!("PO-{}", invoice.dice.named("order").number() % 100_000),
        "customerInvoiceType": "Standard",
        "amount": hundredths(invoice.lines.iter().map(Line::amount).sum()),
    })
}

fn line_entity(organization: &Organization, invoice: &Invoice, index: usize, line: &Line) -> Value {
    json!({
        "id": invoice.dice.named("line").of(index as u64).uuid(),
        "product": product(line.sku, line.product, line.unit),
        "description": format!("{} for {PLANTED_PERSON}", line.product),
        "dateTransacted": invoice.day.date().to_string(),
        "dateStart": line.period.first.date().to_string(),
        "dateEnd": line.period.last.date().to_string(),
        "organization": { "id": organization.id(), "name": organization.profile.name },
        "quantity": line.quantity,
        "unitOfMeasure": line.unit,
        "amount": line.amount(),
    })
}
