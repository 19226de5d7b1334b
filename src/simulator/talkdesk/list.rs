//! The lists that can be asked for, as data: every operation of this API is one.

use jiff::Timestamp;
use serde_json::Value;

use super::filter::{Field, Filter, Kind};
use super::usage::Restated;
use super::world::World;
use super::{invoices, products, subscriptions, usage, world};

pub(in crate::simulator) struct List {
    /// The name of its rows in `_embedded`.
    pub(super) name: &'static str,
    pub(super) scope: &'static str,
    /// Fields to order by.
    pub(super) order: &'static [&'static str],
    /// The `order_by` of a request that has none.
    pub(super) usual_order: &'static str,
    pub(super) fields: &'static [Field],
    /// Whether its links stand at the top level as well: the vendor's documents show both.
    pub(super) has_stray_links: bool,
    /// The rows that meet the filter, in an order that stays.
    pub(super) rows: fn(&View) -> Vec<Value>,
}

/// What rows are made from.
pub(super) struct View<'a> {
    pub(super) world: &'a World,
    pub(super) now: Timestamp,
    pub(super) filter: &'a Filter,
    pub(super) restated: &'a Restated,
}

const fn name(name: &'static str) -> Field {
    Field { name, kind: Kind::Name }
}

const fn day(name: &'static str) -> Field {
    Field { name, kind: Kind::Day }
}

pub(super) const ACCOUNTS: List = List {
    name: "accounts",
    scope: "express-accounts:read",
    order: &["id"],
    usual_order: "id:desc",
    fields: &[],
    has_stray_links: false,
    rows: world::rows,
};

pub(super) const PRODUCTS: List = List {
    name: "products",
    scope: "express-products:read",
    order: &["id"],
    usual_order: "id:desc",
    fields: &[name("id")],
    has_stray_links: false,
    rows: products::rows,
};

pub(super) const SUBSCRIPTIONS: List = List {
    name: "subscriptions",
    scope: "express-accounts-subscriptions:read",
    order: &["start_date", "end_date"],
    usual_order: "start_date:desc",
    fields: &[name("account_id"), day("start_date"), day("end_date")],
    has_stray_links: false,
    rows: subscriptions::rows,
};

pub(super) const INVOICES: List = List {
    name: "invoices",
    scope: "express-accounts-invoices:read",
    order: &["date"],
    usual_order: "date:desc",
    fields: &[name("account_id"), name("number"), day("date")],
    has_stray_links: false,
    rows: invoices::rows,
};

pub(super) const USAGE: List = List {
    name: "usage",
    scope: "express-accounts-usage:read",
    order: &["id"],
    usual_order: "id:desc",
    fields: &[name("account_id"), name("month")],
    has_stray_links: true,
    rows: usage::rows,
};
