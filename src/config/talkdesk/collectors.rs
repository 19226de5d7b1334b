//! Reads the `collectors` of a `talkdesk` section.

use std::time::Duration;

use crate::config::fields::Fields;
use crate::config::shared::{self, DAY, HOUR, collector};
use crate::model::Schedule;
use crate::providers::talkdesk::MonthlySettings;

/// The collectors that are enabled.
pub(super) struct Collectors {
    pub(super) usage: Option<MonthlySettings>,
    pub(super) accounts: Option<Schedule>,
    pub(super) products: Option<Schedule>,
    pub(super) subscriptions: Option<Schedule>,
    pub(super) invoices: Option<MonthlySettings>,
}

pub(super) fn all(fields: &mut Fields) -> Collectors {
    let daily = |fields: &mut Fields| shared::schedule(fields, DAY);
    let collectors = Collectors {
        usage: collector(&fields.get("usage"), true, |fields| monthly(fields, 6 * HOUR, 2, 24)),
        accounts: collector(&fields.get("accounts"), true, daily),
        products: collector(&fields.get("products"), true, daily),
        subscriptions: collector(&fields.get("subscriptions"), true, daily),
        invoices: collector(&fields.get("invoices"), false, |fields| monthly(fields, DAY, 13, 36)),
    };
    if let Collectors { usage: None, accounts: None, products: None, subscriptions: None, invoices: None } =
        collectors
    {
        fields.fault("every collector is disabled; enable one, or remove the organization");
    }
    collectors
}

fn monthly(fields: &mut Fields, refresh: Duration, months: u16, most: u16) -> MonthlySettings {
    MonthlySettings {
        schedule: shared::schedule(fields, refresh),
        months: fields.get("months").number(&(1..=most)).unwrap_or(months),
    }
}
