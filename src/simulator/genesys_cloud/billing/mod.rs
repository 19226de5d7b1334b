//! What the vendor charges for: the contract, its periods and invoices, the report, and the partner's view of customers.

mod charges;
pub(super) mod contracts;
pub(super) mod invoices;
mod periods;
pub(super) mod report;
pub(super) mod trustee;

pub(super) use self::periods::Period;
pub(super) use self::report::Reports;
pub(super) use self::trustee::{CUSTOMERS, Customer};

/// A contract with the vendor.
pub(super) struct Deal {
    currency: &'static str,
    /// Some things are invoiced in another one.
    other_currency: &'static str,
    /// The contract ends with the billing period that it is in so many days after the world began.
    days_left: i64,
    /// How many billing periods it has.
    months: usize,
    prepaid_seats: u16,
    /// API requests of a billing period that cost nothing, and those that are paid in advance.
    fair_use_requests: u64,
    prepaid_requests: u64,
    request_rate: f64,
    /// How much is used of everything else, as a part of what is usual.
    intensity: f64,
    /// What a billing period leaves of the tokens that were bought for it.
    tokens_left: f64,
    /// For how many days one invoice was unpaid when the world began.
    overdue_days: Option<i64>,
}

/// The deal of an organization that uses more than it bought: it is due for another one.
pub(super) const STRAINED: Deal = Deal {
    currency: "USD",
    other_currency: "EUR",
    days_left: 45,
    months: 12,
    prepaid_seats: 100,
    fair_use_requests: 10_000_000,
    prepaid_requests: 1_000_000,
    request_rate: 0.0005,
    intensity: 1.15,
    tokens_left: 0.12,
    overdue_days: Some(50),
};

/// The deal of an organization that bought enough.
pub(super) const COMFORTABLE: Deal = Deal {
    currency: "EUR",
    other_currency: "USD",
    days_left: 500,
    months: 24,
    prepaid_seats: 90,
    fair_use_requests: 12_000_000,
    prepaid_requests: 0,
    request_rate: 0.00045,
    intensity: 0.55,
    tokens_left: 0.78,
    overdue_days: None,
};

/// Rounded to hundredths, as money is.
fn hundredths(amount: f64) -> f64 {
    (amount * 100.0).round() / 100.0
}
