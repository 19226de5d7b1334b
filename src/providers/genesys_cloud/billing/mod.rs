//! Billing: what Genesys Cloud charges, has committed and has invoiced.
//!
//! The figures come from the vendor as they are; nothing is converted and nothing is summed across currencies or units. What the
//! usage figures depend on (billing period, allowance, price) goes to them by way of [`terms`].

pub(super) mod billable_usage;
pub(super) mod contracts;
pub(super) mod invoices;
mod preview;
pub(super) mod terms;
pub(super) mod trustee_overview;
