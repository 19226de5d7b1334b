//! What collecting will cost: the requests that the enabled collectors of an organization plan, and the limit they must fit.

use std::fmt;
use std::time::Duration;

use super::limit::{DAY, Limit, whole};

/// A message names so many of the tasks that cost most.
const TASKS_NAMED: usize = 3;

/// The requests that an organization's enabled collectors plan. Tokens are not among them: they come from the login host, one
/// in their lifetime.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What all of them together must fit.
    pub limit: Limit,
    /// One or more for each collector.
    pub tasks: Vec<Task>,
}

/// What a collector, or a part of it, asks for again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The collector's key in the configuration.
    pub collector: &'static str,
    /// Which part of the collector, such as `[0]` for the first search; empty where it is the whole. It shows no value of the
    /// configuration, which may come from a variable.
    pub part: String,
    /// Time between two runs.
    pub refresh: Duration,
    /// A run that takes longer is ended.
    pub timeout: Duration,
    /// How many are asked for in each run.
    pub units: u64,
    /// What they are, in the singular; empty where there is only one of them.
    pub unit: &'static str,
    /// Requests that each unit takes in each run.
    pub requests: Requests,
    /// Requests that the first run after a start takes besides, as far as that can be known.
    pub once: u64,
}

/// A number of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requests {
    /// It never takes fewer, if all goes well.
    pub least: u64,
    /// It usually takes so many: with what is assumed of polls, pages and what only the vendor knows.
    pub usual: u64,
}

/// Which of the two is reckoned with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Estimate {
    /// What is certain from the configuration.
    Least,
    /// What is assumed.
    Usual,
}

/// A plan that does not fit its limit. Its text shows the arithmetic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Excess {
    /// All collectors together, over a day.
    Day {
        /// The arithmetic.
        text: String,
    },
    /// One run of a collector, within its timeout.
    Run {
        /// The collector's key.
        collector: &'static str,
        /// The arithmetic.
        text: String,
    },
}

impl Requests {
    /// As many as `least` and as `usual`.
    #[must_use]
    pub fn new(least: u64, usual: u64) -> Self {
        Self { least, usual }
    }

    fn of(self, estimate: Estimate) -> u64 {
        match estimate {
            Estimate::Least => self.least,
            Estimate::Usual => self.usual,
        }
    }
}

impl Task {
    /// Runs a day.
    #[must_use]
    pub fn runs(&self) -> f64 {
        DAY.div_duration_f64(self.refresh)
    }

    /// Requests of a run.
    #[must_use]
    pub fn a_run(&self, estimate: Estimate) -> u64 {
        self.units.saturating_mul(self.requests.of(estimate))
    }

    /// Requests a day, whole ones.
    #[must_use]
    pub fn a_day(&self, estimate: Estimate) -> u64 {
        whole(self.a_run(estimate) as f64 * self.runs())
    }

    fn name(&self) -> String {
        format!("{}{}", self.collector, self.part)
    }

    /// `8 clients × 2 requests`.
    fn product(&self, estimate: Estimate) -> String {
        let requests = counted(self.requests.of(estimate), "request");
        if self.unit.is_empty() {
            requests
        } else {
            format!("{} × {requests}", counted(self.units, self.unit))
        }
    }
}

impl Plan {
    /// Requests a day of all collectors.
    #[must_use]
    pub fn a_day(&self, estimate: Estimate) -> u64 {
        self.tasks.iter().map(|task| task.a_day(estimate)).fold(0, u64::saturating_add)
    }

    /// Requests of one run of each collector.
    #[must_use]
    pub fn runs(&self, estimate: Estimate) -> Vec<(&'static str, u64)> {
        let mut runs: Vec<(&'static str, u64)> = Vec::new();
        for task in &self.tasks {
            match runs.iter_mut().find(|(collector, _)| *collector == task.collector) {
                Some((_, requests)) => *requests = requests.saturating_add(task.a_run(estimate)),
                None => runs.push((task.collector, task.a_run(estimate))),
            }
        }
        runs
    }

    /// Everything in which the plan does not fit its limit.
    #[must_use]
    pub fn excesses(&self, estimate: Estimate) -> Vec<Excess> {
        let day = self.day_excess(estimate).map(|text| Excess::Day { text });
        let run = |(collector, requests)| {
            self.run_excess(estimate, collector, requests).map(|text| Excess::Run { collector, text })
        };
        day.into_iter().chain(self.runs(estimate).into_iter().filter_map(run)).collect()
    }

    fn day_excess(&self, estimate: Estimate) -> Option<String> {
        let (planned, allowed) = (self.a_day(estimate), self.limit.a_day());
        let term = |task: &Task| {
            let (product, runs) = (task.product(estimate), task.runs());
            let a_day = grouped(task.a_day(estimate));
            format!("{}: {product} × {} = {a_day}", task.name(), counted_runs(runs))
        };
        (planned > allowed).then(|| {
            format!(
                "the enabled collectors plan {} {} requests a day ({}), more than the {} that {} allows",
                estimate.word(),
                grouped(planned),
                terms(self.tasks.iter(), |task| task.a_day(estimate), term),
                grouped(allowed),
                self.limit
            )
        })
    }

    fn run_excess(&self, estimate: Estimate, collector: &str, requests: u64) -> Option<String> {
        let tasks = self.tasks.iter().filter(|task| task.collector == collector);
        let timeout = tasks.clone().map(|task| task.timeout).max()?;
        let allowed = self.limit.most_within(timeout);
        let term = |task: &Task| match task.part.as_str() {
            "" => task.product(estimate),
            _ => format!("{}: {}", task.name(), task.product(estimate)),
        };
        (requests > allowed).then(|| {
            format!(
                "one run of {collector} takes {} {} requests ({}), more than the {} that {} lets pass within its timeout of {} s",
                estimate.word(),
                grouped(requests),
                terms(tasks, |task| task.a_run(estimate), term),
                grouped(allowed),
                self.limit,
                timeout.as_secs()
            )
        })
    }
}

impl Estimate {
    fn word(self) -> &'static str {
        match self {
            Self::Least => "at least",
            Self::Usual => "usually",
        }
    }
}

impl fmt::Display for Excess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day { text } | Self::Run { text, .. } => formatter.write_str(text),
        }
    }
}

/// The terms of the tasks that cost most.
fn terms<'a>(
    tasks: impl Iterator<Item = &'a Task>,
    cost: impl Fn(&Task) -> u64,
    term: impl Fn(&Task) -> String,
) -> String {
    let mut tasks: Vec<&Task> = tasks.filter(|task| cost(task) > 0).collect();
    tasks.sort_by_key(|task| std::cmp::Reverse(cost(task)));
    let mut terms: Vec<String> = tasks.iter().take(TASKS_NAMED).map(|task| term(task)).collect();
    if tasks.len() > TASKS_NAMED {
        terms.push(format!("{} more", tasks.len() - TASKS_NAMED));
    }
    terms.join("; ")
}

fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// `8,640 runs`; a tenth of a run is told only of few.
fn counted_runs(runs: f64) -> String {
    if runs >= 10.0 || runs.fract() == 0.0 {
        counted(whole(runs.round()), "run")
    } else {
        format!("{runs:.1} runs")
    }
}

/// `20,160`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn task(collector: &'static str, units: u64, least: u64, refresh: u64) -> Task {
        let refresh = Duration::from_secs(refresh);
        Task {
            collector,
            part: String::new(),
            refresh,
            timeout: refresh / 10 * 9,
            units,
            unit: if units == 1 { "" } else { "client" },
            requests: Requests::new(least, 2 * least),
            once: 0,
        }
    }

    fn plan(requests_per_minute: u32, tasks: Vec<Task>) -> Plan {
        Plan { limit: Limit::per_minute(NonZeroU32::new(requests_per_minute).unwrap()), tasks }
    }

    fn texts(plan: &Plan, estimate: Estimate) -> Vec<String> {
        plan.excesses(estimate).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_day_of_all_collectors_shows_its_arithmetic() {
        let plan = plan(10, vec![task("client_query", 8, 7, 240), task("usage", 1, 2, 21_600)]);
        assert_eq!(
            texts(&plan, Estimate::Least)[0],
            "the enabled collectors plan at least 20,168 requests a day (client_query: 8 clients × 7 requests × 360 runs = 20,160; \
             usage: 2 requests × 4 runs = 8), more than the 14,400 that requests_per_minute: 10 allows"
        );
    }

    #[test]
    fn a_plan_that_just_fits_is_no_excess_and_one_request_more_is() {
        // 1,440 requests a day, one a minute.
        assert!(texts(&plan(1, vec![task("limits", 1, 1, 60)]), Estimate::Least).is_empty());
        let one_more = plan(1, vec![task("limits", 1, 1, 60), task("usage", 1, 1, 86_400)]);
        assert_eq!(texts(&one_more, Estimate::Least).len(), 1);
    }

    #[test]
    fn a_run_longer_than_its_timeout_is_an_excess_of_its_collector() {
        let plan = plan(60, vec![task("client_query", 2000, 2, 10)]);
        let excesses = plan.excesses(Estimate::Least);
        let Excess::Run { collector: "client_query", text } = &excesses[1] else { panic!("{excesses:?}") };
        assert_eq!(
            text,
            "one run of client_query takes at least 4,000 requests (2,000 clients × 2 requests), more than the 14 that \
             requests_per_minute: 60 lets pass within its timeout of 9 s"
        );
    }

    #[test]
    fn what_is_only_assumed_is_no_certain_excess() {
        let plan = plan(1, vec![task("limits", 1, 1, 60)]);
        assert!(texts(&plan, Estimate::Least).is_empty());
        assert!(texts(&plan, Estimate::Usual)[0].contains("usually 2,880 requests a day"));
    }

    #[test]
    fn a_message_names_only_the_dearest_tasks() {
        let plan = plan(1, (1..=6).map(|n| task("searches", 1, n, 10)).collect());
        let text = &texts(&plan, Estimate::Least)[0];
        assert!(text.contains("6 requests × 8,640 runs = 51,840") && text.contains("; 3 more)"), "{text}");
    }
}
