//! What collecting from one organization costs: lists in pages of 250 rows, of which one is usually enough.

use super::settings::Settings;
use crate::model::{Plan, Requests, Schedule, Task};

/// The requests that the enabled collectors plan. How many pages a list has only the vendor knows; one is assumed.
#[must_use]
pub fn plan(settings: &Settings) -> Plan {
    let list = |collector, schedule: Option<Schedule>| {
        schedule.map(|Schedule { refresh, timeout, .. }| Task {
            collector,
            part: String::new(),
            refresh,
            timeout,
            units: 1,
            unit: "",
            requests: Requests::new(1, 1),
            once: 0,
        })
    };
    let tasks = [
        list("usage", settings.usage.map(|usage| usage.schedule)),
        list("accounts", settings.accounts),
        list("products", settings.products),
        list("subscriptions", settings.subscriptions),
        list("invoices", settings.invoices.map(|invoices| invoices.schedule)),
    ];
    Plan { limit: settings.limit(), tasks: tasks.into_iter().flatten().collect() }
}
