//! One organization: what state it is in, and what there is to show of it.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::collector::{CollectorView, is_stale};
use super::fair_use::{Chart, FairUseView};
use super::query::{Query, StateFilter};
use super::spend::SpendView;
use super::words::{Moment, Number, counted, title};
use crate::model::{FairUse, MonthSpend, Overview};
use crate::store::{CollectorStatus, Outcome};

/// What is known of an organization, for finding and sorting it.
pub(super) struct Organization<'a> {
    pub(super) name: &'a str,
    pub(super) provider: &'static str,
    collectors: &'a [CollectorStatus],
    /// The collector that tells the figures at a glance.
    told_by: Option<&'a CollectorStatus>,
    /// Of its collectors; as are those that follow.
    pub(super) count: usize,
    pub(super) failing: usize,
    pub(super) stale: usize,
    pub(super) waiting: usize,
}

/// What it is about, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    AllFailing,
    Exceeded,
    Failing,
    WillExceed,
    Stale,
    Waiting,
    UnknownAllowance,
    Good,
}

/// A standing in words.
pub(super) struct Badge {
    /// Its class and symbol.
    pub(super) key: &'static str,
    pub(super) label: String,
}

/// A row of the list.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) link: String,
    pub(super) provider: String,
    pub(super) badges: Vec<Badge>,
    pub(super) fair_use: Option<FairUseView>,
    pub(super) spend: Option<SpendView>,
    pub(super) read: Option<Moment>,
    pub(super) collectors: String,
}

/// All there is to show.
pub(super) struct Details {
    pub(super) name: String,
    /// To it alone.
    pub(super) link: String,
    /// Of its section.
    pub(super) id: String,
    /// Of the headings within it.
    pub(super) level: u8,
    pub(super) provider: String,
    pub(super) badges: Vec<Badge>,
    pub(super) fair_use: Option<(FairUseView, Chart)>,
    pub(super) spend: Option<SpendView>,
    /// When the figures were read.
    pub(super) read: Option<Moment>,
    pub(super) requests: Number,
    pub(super) collectors: Vec<CollectorView>,
}

impl<'a> Organization<'a> {
    /// Those that all these collectors belong to, each with its own.
    pub(super) fn all(collectors: &'a [CollectorStatus], now: Timestamp) -> Vec<Self> {
        let of_one =
            |one: &CollectorStatus, other: &CollectorStatus| one.id.organization == other.id.organization;
        collectors.chunk_by(of_one).map(|collectors| Self::of(collectors, now)).collect()
    }

    fn of(collectors: &'a [CollectorStatus], now: Timestamp) -> Self {
        let count =
            |is: &dyn Fn(&CollectorStatus) -> bool| collectors.iter().filter(|status| is(status)).count();
        Self {
            name: &collectors[0].id.organization,
            provider: collectors[0].id.provider,
            told_by: collectors.iter().find(|status| status.overview.is_some()),
            failing: count(&|status| status.outcome == Outcome::Failed),
            stale: count(&|status| is_stale(status, now)),
            waiting: count(&|status| status.outcome == Outcome::Pending),
            count: collectors.len(),
            collectors,
        }
    }

    fn overview(&self) -> Option<&'a Overview> {
        self.told_by?.overview.as_deref()
    }

    fn fair_use(&self) -> Option<&'a FairUse> {
        match self.overview()? {
            Overview::FairUse(fair_use) => Some(fair_use),
            Overview::Spend(_) => None,
        }
    }

    fn spend(&self) -> Option<&'a [MonthSpend]> {
        match self.overview()? {
            Overview::Spend(months) => Some(months),
            Overview::FairUse(_) => None,
        }
    }

    pub(super) fn is_exceeded(&self) -> bool {
        self.fair_use().is_some_and(FairUse::is_exceeded)
    }

    pub(super) fn will_exceed(&self) -> bool {
        !self.is_exceeded() && self.fair_use().is_some_and(FairUse::will_be_exceeded)
    }

    /// Everything that is to be said of it, the worst first.
    fn standings(&self) -> Vec<Standing> {
        let all = [
            (Standing::AllFailing, self.failing == self.collectors.len()),
            (Standing::Exceeded, self.is_exceeded()),
            (Standing::Failing, self.failing > 0 && self.failing < self.collectors.len()),
            (Standing::WillExceed, self.will_exceed()),
            (Standing::Stale, self.stale > 0),
            (Standing::Waiting, self.waiting > 0),
            (
                Standing::UnknownAllowance,
                self.fair_use().is_some_and(|fair_use| fair_use.allowance.is_none()),
            ),
        ];
        let mut standings: Vec<Standing> =
            all.into_iter().filter_map(|(standing, is)| is.then_some(standing)).collect();
        if standings.is_empty() {
            standings.push(Standing::Good);
        }
        standings
    }

    /// The worst come first, among equals those with the most of their allowance used by forecast.
    pub(super) fn order(&self) -> impl Ord + use<'a> {
        let worst = self.standings()[0];
        let forecast = self
            .fair_use()
            .and_then(|fair_use| Some(fair_use.forecast() / fair_use.allowance.as_ref()?.requests));
        // Ratios are not negative, and the bits of such numbers are in their order.
        let forecast = forecast.filter(|ratio| *ratio > 0.0).map_or(0, f64::to_bits);
        (worst, Reverse(forecast), self.name)
    }

    /// Whether it is among those that are asked for.
    pub(super) fn matches(&self, query: &Query) -> bool {
        let is_in_state = match query.state {
            StateFilter::All => true,
            StateFilter::Failing => self.failing > 0,
            StateFilter::Stale => self.stale > 0,
            StateFilter::Exceeded => self.is_exceeded(),
            StateFilter::Forecast => self.will_exceed(),
            StateFilter::Over => self.is_exceeded() || self.will_exceed(),
        };
        is_in_state
            && (query.provider.is_empty() || self.provider == query.provider)
            && self.name.to_lowercase().contains(&query.text.to_lowercase())
    }

    fn badges(&self, now: Timestamp) -> Vec<Badge> {
        // One has a name, more are a number.
        let named = |count: usize, is: &dyn Fn(&CollectorStatus) -> bool| match self
            .collectors
            .iter()
            .find(|one| is(one))
        {
            Some(only) if count == 1 => only.id.collector.to_owned(),
            _ => counted(count, "collector"),
        };
        let is_failing = |status: &CollectorStatus| status.outcome == Outcome::Failed;
        let of = |standing| {
            let (key, label) = match standing {
                Standing::AllFailing if self.failing > 1 => {
                    ("bad", format!("all {} collectors failing", self.failing))
                }
                Standing::Exceeded => ("bad", "allowance exceeded".to_owned()),
                Standing::AllFailing | Standing::Failing => {
                    ("bad", named(self.failing, &is_failing) + " failing")
                }
                Standing::WillExceed => ("warn", "will exceed its allowance".to_owned()),
                Standing::Stale => ("warn", named(self.stale, &|status| is_stale(status, now)) + " stale"),
                Standing::Waiting if self.waiting == self.collectors.len() => {
                    ("wait", "waiting for first figures".to_owned())
                }
                Standing::Waiting => ("wait", counted(self.waiting, "collector") + " waiting"),
                Standing::UnknownAllowance => ("none", "allowance unknown".to_owned()),
                Standing::Good => ("good", "good".to_owned()),
            };
            Badge { key, label }
        };
        self.standings().into_iter().map(of).collect()
    }

    fn read(&self, now: Timestamp) -> Option<Moment> {
        self.told_by?.last_success.map(|at| Moment::new(at, now))
    }

    /// A row that leads to `link`.
    pub(super) fn row(&self, now: Timestamp, link: String) -> Row {
        Row {
            name: self.name.to_owned(),
            link,
            provider: title(self.provider),
            badges: self.badges(now),
            fair_use: self.fair_use().map(FairUseView::from),
            spend: self.spend().and_then(|months| SpendView::new(months, now)),
            read: self.read(now),
            collectors: counted(self.collectors.len(), "collector"),
        }
    }

    /// All there is to show, in a section with this id and headings of this level.
    pub(super) fn details(&self, now: Timestamp, id: String, level: u8) -> Details {
        let requests = self.collectors.iter().map(|status| status.requests).fold(0, u64::saturating_add);
        Details {
            name: self.name.to_owned(),
            link: Query::of(self.name).to_string(),
            id,
            level,
            provider: title(self.provider),
            badges: self.badges(now),
            fair_use: self.fair_use().map(|fair_use| (FairUseView::from(fair_use), Chart::new(fair_use))),
            spend: self.spend().and_then(|months| SpendView::new(months, now)),
            read: self.read(now),
            requests: Number::whole(requests as f64),
            collectors: self.collectors.iter().map(|status| CollectorView::new(status, now)).collect(),
        }
    }
}
