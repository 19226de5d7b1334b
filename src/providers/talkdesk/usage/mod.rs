//! The `usage` collector: `GET /express/usage/month`, the newest months by account, product and type.

mod sums;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use self::sums::Sums;
use super::calendar::{Month, day_of};
use super::paging::{self, List};
use super::seen::Seen;
use super::settings::MonthlySettings;
use crate::catalogue::talkdesk as catalogue;
use crate::clock::Clock;
use crate::collector::{Collector, Memory, PendingJobs};
use crate::model::{CollectError, Failure, MonthSpend, Overview, Reading, Reason};
use crate::rest::Client;

const NAME: &str = "usage";

const USAGE: List = List {
    operation: "listMonthlyUsage",
    path: &["express", "usage", "month"],
    key: "usage",
    order_by: "id:asc",
};

/// A vendor that goes on saying so long that a month has no rows, which had some, means it.
const VANISHED_BELIEVED_AFTER: Duration = Duration::from_hours(24);

/// The collector.
pub(super) struct UsageCollector {
    client: Arc<Client>,
    clock: Clock,
    settings: MonthlySettings,
    seen: Arc<Seen>,
    last: Option<Last>,
    /// Since when a month's rows are all gone.
    vanished_since: Option<Timestamp>,
}

/// What the last good run read.
#[derive(Serialize, Deserialize)]
struct Last {
    /// The month that was running.
    current: Month,
    sums: Sums,
}

impl Last {
    /// The consumption of the newest two months.
    fn overview(&self) -> Overview {
        let spend = |month: Month| MonthSpend {
            month: month.to_string(),
            is_running: month == self.current,
            amounts: self.sums.consumption(month),
        };
        Overview::Spend(self.sums.wanted().rev().take(2).map(spend).collect())
    }

    /// A month whose rows are all gone, which is not believed at once: a failure must never look like zero.
    fn vanished(&self, sums: &Sums) -> Option<Month> {
        self.sums
            .months
            .keys()
            .copied()
            .find(|month| sums.is_wanted(*month) && !sums.months.contains_key(month))
    }

    /// How many months changed that were closed when they were read.
    fn restatements(&self, sums: &Sums) -> u64 {
        let closed = sums.wanted().filter(|month| *month < self.current && self.sums.is_wanted(*month));
        let changed = closed.filter(|month| match (self.sums.months.get(month), sums.months.get(month)) {
            (Some(before), Some(now)) => now.differs_from(before),
            (before, now) => before.is_some() != now.is_some(),
        });
        changed.count() as u64
    }
}

impl UsageCollector {
    pub(super) fn new(client: Arc<Client>, clock: Clock, settings: MonthlySettings, seen: Arc<Seen>) -> Self {
        Self { client, clock, settings, seen, last: None, vanished_since: None }
    }
}

impl Collector for UsageCollector {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn collect(&mut self, _: &PendingJobs) -> Result<Reading, CollectError> {
        let now = self.clock.now();
        let months = newest_months(day_of(now), self.settings.months);
        let current = months[0];
        let mut sums = Sums::new(&months);
        let filter = Some(filter(&months));
        let invalid_rows = paging::read(&self.client, &USAGE, filter, |row| sums.add(row)).await?;
        let vanished = self.last.as_ref().and_then(|last| last.vanished(&sums));
        let since = *self.vanished_since.get_or_insert(now);
        let is_news =
            Duration::try_from(now.duration_since(since)).is_ok_and(|ago| ago < VANISHED_BELIEVED_AFTER);
        if let Some(month) = vanished.filter(|_| is_news) {
            let message = format!("the vendor has no usage at all in {month}, where it had some before");
            return Err(Failure::new(Reason::Truncated, message).into());
        }

        self.vanished_since = None;
        let restatements = self.last.as_ref().map_or(0, |last| last.restatements(&sums));
        let mut samples = sums.samples();
        for (relative, month) in [("current", current), ("previous", current.back(1))] {
            samples.push(&catalogue::MONTH_INFO, [&month.to_string(), relative], 1.0);
        }
        self.seen.saw(NAME, sums.products.clone());
        let last = Last { current, sums };
        let overview = last.overview();
        self.last = Some(last);
        Ok(Reading { samples, data_through: Some(now), overview: Some(overview), invalid_rows, restatements })
    }

    fn memory(&self) -> Memory {
        Memory::of(&self.last)
    }

    fn recall(&mut self, memory: &Memory) -> Result<(), serde_json::Error> {
        self.last = memory.read()?;
        if let Some(last) = &self.last {
            self.seen.saw(NAME, last.sums.products.clone());
        }
        Ok(())
    }
}

/// The current month and those before it, `count` in all, the newest first.
fn newest_months(today: Date, count: u16) -> Vec<Month> {
    (0..count.max(1)).map(|back| Month::of(today).back(back)).collect()
}

/// The months one by one: the API shows no other comparison than `eq` for them.
fn filter(months: &[Month]) -> String {
    let months: Vec<String> = months.iter().map(|month| format!("month eq '{month}'")).collect();
    format!("({})", months.join(" or "))
}

#[cfg(any(test, fuzzing))]
/// For [`crate::fuzzing`]: the samples of one row.
pub(super) fn samples(row: super::row::Row) -> Option<crate::model::Samples> {
    let mut sums = Sums::new(&newest_months(jiff::civil::date(2026, 11, 21), 2));
    sums.add(row).ok()?;
    Some(sums.samples())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use serde_json::json;

    use super::*;
    use crate::providers::talkdesk::row::Row;

    /// A reading of `months`, in `current`, with one amount in each of some of them.
    fn last(current: &str, months: &[&str], amounts: &[(&str, f64)]) -> Last {
        let month = |text: &str| Month::parse(text).unwrap();
        let mut sums = Sums::new(&months.iter().copied().map(month).collect::<Vec<_>>());
        for (month, amount) in amounts {
            let row = json!({"account_id": "a", "month": month, "total_amount": amount});
            sums.add(Row::new(&row).unwrap()).unwrap();
        }
        Last { current: month(current), sums }
    }

    #[test]
    fn a_closed_month_that_changes_is_restated_and_a_running_one_is_not() {
        let before = last(
            "2026-11",
            &["2026-11", "2026-10", "2026-09"],
            &[("2026-11", 1.0), ("2026-10", 1.0), ("2026-09", 1.0)],
        );
        let restated = |current: &str, months: &[&str], amounts: &[(&str, f64)]| {
            before.restatements(&last(current, months, amounts).sums)
        };
        let months = ["2026-11", "2026-10"];
        assert_eq!(restated("2026-11", &months, &[("2026-11", 2.0), ("2026-10", 1.0)]), 0);
        assert_eq!(restated("2026-11", &months, &[("2026-11", 1.0), ("2026-10", 2.0)]), 1);
        // November had not ended when it was read: what came after is no correction.
        assert_eq!(restated("2026-12", &["2026-12", "2026-11"], &[("2026-11", 2.0)]), 0);
        let empty = last("2026-11", &months, &[("2026-11", 1.0)]);
        assert_eq!(empty.restatements(&before.sums), 1, "rows that come late to a closed month change it");
    }

    #[test]
    fn a_month_that_loses_all_rows_is_not_believed_and_a_new_empty_one_is() {
        let before = last("2026-11", &["2026-11", "2026-10"], &[("2026-11", 1.0), ("2026-10", 1.0)]);
        let vanished = |months: &[&str], amounts: &[(&str, f64)]| {
            before.vanished(&last("2026-11", months, amounts).sums).map(|month| month.to_string())
        };
        assert_eq!(vanished(&["2026-11", "2026-10"], &[]).as_deref(), Some("2026-10"));
        assert_eq!(vanished(&["2026-11", "2026-10"], &[("2026-10", 1.0)]).as_deref(), Some("2026-11"));
        assert_eq!(vanished(&["2026-12", "2026-11"], &[("2026-11", 1.0)]), None);
        assert_eq!(vanished(&["2026-12"], &[]), None);
    }

    #[test]
    fn the_newest_months_are_asked_for_by_name() {
        assert_eq!(
            filter(&newest_months(date(2026, 1, 31), 2)),
            "(month eq '2026-01' or month eq '2025-12')"
        );
        assert_eq!(filter(&newest_months(date(2026, 1, 31), 1)), "(month eq '2026-01')");
    }

    #[test]
    fn the_filter_of_the_most_months_is_within_what_the_api_takes() {
        assert!(filter(&newest_months(date(2026, 1, 31), 24)).len() <= 1600);
    }
}
