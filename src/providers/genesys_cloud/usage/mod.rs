//! The `usage` collector: API requests of the organization's OAuth clients, by day.
//!
//! A refresh asks for the newest days by client, sums them up, and asks for the endpoints of the newest complete day if its
//! figures changed. The first refreshes also look back for who was active when; that is asked for once.

mod endpoints;
mod history;
mod legacy;
mod overview;
mod samples;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use self::endpoints::endpoints;
use self::history::History;
use self::legacy::LegacyQuery;
use self::samples::{Context, FairUse, samples};
use super::billing::terms::{Reader, Terms};
use super::complete::{newest_complete, newest_settled};
use super::counts::StatusCounts;
use super::days::{self, midnight, plus};
use super::execution::{Ended, Pacing};
use super::fold::{Fold, Grouping};
use super::jobs::{JobQuery, Scope};
use super::period::{Period, first_to_read};
use super::settings::{Settings, UsageApi, UsageSettings};
use crate::clock::Clock;
use crate::collector::{Collector, Memory, PendingJobs};
use crate::model::{CollectError, Failure, Overview, Reading, Reason, Samples};
use crate::rest::{Client, Kind};

/// Days of one query. The jobs API takes 90, and counts the day of the interval's end.
pub(super) const QUERY_DAYS: i64 = 89;

/// Days whose sums are kept at the least. A contract may tell later than the figures in which period they count; it can start
/// anywhere within these.
pub(super) const KEPT_DAYS: i64 = 62;

/// The jobs API refuses a start more than a year ago, to the second.
pub(super) const OLDEST_DAY: i64 = 364;

/// Where the jobs API was refused it is tried again so much later: a permission may have been granted since.
const SECOND_CHANCE_AFTER: Duration = Duration::from_hours(24);

/// The API that an organization's figures come from. The two count differently, so they are never mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Api {
    Jobs,
    Legacy,
}

/// The collector.
pub(super) struct UsageCollector {
    client: Arc<Client>,
    settings: Arc<Settings>,
    usage: UsageSettings,
    clock: Clock,
    pacing: Pacing,
    reader: Reader,
    /// What was known of billing when the figures were evaluated last.
    terms: Terms,
    plain_dates: AtomicBool,
    known: Known,
    notes: Notes,
}

/// What is known so far, and remembered across a restart.
#[derive(Default, Serialize, Deserialize)]
struct Known {
    /// Chosen with the first figures, and kept as long as they are.
    api: Option<Api>,
    /// When the jobs API was refused last.
    refused: Option<Timestamp>,
    history: History,
    /// Whether the vendor has nothing older than what was looked back to.
    has_nothing_older: bool,
    detail: Option<Detail>,
    /// The newest day that was told as complete: only up to it can a change be a restatement.
    published: Option<Date>,
}

/// The endpoints of a day.
#[derive(Serialize, Deserialize)]
struct Detail {
    day: Date,
    /// How many were kept.
    largest: usize,
    /// The sums of the day's clients when the endpoints were read: while they stay, so do the endpoints.
    sums: Vec<(String, StatusCounts)>,
    endpoints: Samples,
}

/// What was noticed besides figures since the last good run.
#[derive(Default)]
struct Notes {
    invalid_rows: u64,
    restatements: u64,
}

impl UsageCollector {
    pub(super) fn new(
        client: Arc<Client>,
        settings: Arc<Settings>,
        usage: UsageSettings,
        clock: Clock,
        pacing: Pacing,
        reader: Reader,
    ) -> Self {
        let pacing = pacing.within(usage.schedule.timeout);
        Self {
            client,
            settings,
            usage,
            clock,
            pacing,
            reader,
            terms: Terms::default(),
            plain_dates: AtomicBool::new(false),
            known: Known::default(),
            notes: Notes::default(),
        }
    }

    async fn run(&mut self, jobs: &PendingJobs) -> Result<Reading, CollectError> {
        self.terms = self.reader.read();
        let begun = Instant::now();
        let settled = newest_settled(self.clock.now(), self.usage.settle);
        self.forget_what_is_too_old();
        if !self.has_taken_second_chance(settled, jobs).await {
            self.read_newest(settled, jobs).await?;
        }
        let day = newest_complete(self.clock.now(), settled, self.known.history.has_rows(settled));
        self.known.history.forget_before(self.oldest_needed(day), self.lookback_start(day));
        self.read_endpoints(day, jobs).await?;
        // A slow vendor must not use up the run's time with days that nothing else waits for.
        let patience = (self.usage.schedule.timeout * 3 / 4).saturating_sub(begun.elapsed());
        if tokio::time::timeout(patience, self.look_back(settled, jobs)).await.is_err() {
            tracing::info!("looking back takes long, it goes on with the next run");
        }

        self.known.published = Some(day);
        let notes = std::mem::take(&mut self.notes);
        Ok(Reading {
            invalid_rows: notes.invalid_rows,
            restatements: notes.restatements,
            ..self.evaluate(day)
        })
    }

    /// The figures of the newest complete `day` in the light of what is known of billing.
    fn evaluate(&self, day: Date) -> Reading {
        let context = self.context(day);
        let mut samples = samples(&self.known.history, &context);
        if let Some(detail) = &self.known.detail {
            samples.append(&detail.endpoints);
        }
        let overview = Some(Overview::FairUse(overview::overview(&self.known.history, &context)));
        Reading { samples, data_through: Some(midnight(plus(day, 1))), overview, ..Reading::default() }
    }

    /// What the figures of `day` depend on besides the days that were read.
    fn context(&self, day: Date) -> Context<'_> {
        let fair_use = match self.known.api {
            Some(Api::Jobs) => FairUse::Except(&self.settings.fair_use_excluded_clients),
            _ => FairUse::AllCounted,
        };
        let (terms, settings, usage) = (&self.terms, &*self.settings, &self.usage);
        Context { day, period: self.period(day), terms, settings, usage, fair_use }
    }

    /// The billing period of `day`. One that starts before the days that were read would have a sum that lacks some.
    fn period(&self, day: Date) -> Period {
        let period = Period::of(day, &self.terms, self.settings.anchor_day);
        let is_covered = self.known.history.covered().is_some_and(|(from, _)| from <= period.start);
        if is_covered { period } else { Period::configured(day, self.settings.anchor_day) }
    }

    /// The oldest day whose sums are needed while `day`, or the day before it, is the newest complete one.
    fn oldest_needed(&self, day: Date) -> Date {
        let earlier = plus(day, -1);
        let days = i64::from(self.usage.trailing_days.max(self.usage.reread_days)).max(KEPT_DAYS);
        Period::of(earlier, &self.terms, self.settings.anchor_day)
            .start
            .min(plus(earlier, -days))
            .max(plus(days::of(self.clock.now()), -OLDEST_DAY))
    }

    /// What was remembered for so long that the vendor no longer has the days between is no use.
    fn forget_what_is_too_old(&mut self) {
        let oldest = plus(days::of(self.clock.now()), i64::from(self.usage.reread_days) - OLDEST_DAY);
        if self.known.history.covered().is_some_and(|(_, newest)| newest < oldest) {
            self.known = Known::default();
        }
    }

    /// Tries the jobs API again where the legacy one is only the second choice: whether all figures were read from it. If not, those
    /// of the legacy one stay, and are what is read on.
    async fn has_taken_second_chance(&mut self, settled: Date, jobs: &PendingJobs) -> bool {
        let now = self.clock.now();
        let is_recent = |refused: Timestamp| {
            Duration::try_from(now.duration_since(refused)).is_ok_and(|ago| ago < SECOND_CHANCE_AFTER)
        };
        let is_second_choice = self.usage.api == UsageApi::Auto && self.known.api == Some(Api::Legacy);
        if !is_second_choice || self.known.refused.is_some_and(is_recent) {
            return false;
        }
        self.known.refused = Some(now);
        // Together half of the run's time: a run that is cut off in here would lose what is set aside, and the rest is for the
        // legacy API.
        let patience = self.usage.schedule.timeout / 4;
        let probe = self.ask(Api::Jobs, settled, settled, Grouping::Client, jobs);
        if tokio::time::timeout(patience, probe).await.is_ok_and(|answer| answer.is_ok()) {
            let legacy = std::mem::take(&mut self.known);
            let read = tokio::time::timeout(patience, self.read_newest(settled, jobs)).await;
            let (first, last) = self.known.history.covered().unwrap_or((settled, settled));
            let has_rows =
                self.known.history.has_any_rows(first, last) || !legacy.history.has_any_rows(first, last);
            if matches!(read, Ok(Ok(()))) && self.known.api == Some(Api::Jobs) && has_rows {
                tracing::info!("the usage jobs API is available now, all figures are read anew from it");
                return true;
            }
            self.known = legacy;
        }
        false
    }

    /// Reads the days that are new, and again those that may have been restated.
    async fn read_newest(&mut self, settled: Date, jobs: &PendingJobs) -> Result<(), CollectError> {
        let needed = self.oldest_needed(settled);
        let reread = i64::from(self.usage.reread_days);
        let mut first = first_to_read(self.known.history.covered(), needed, settled, reread);
        while first <= settled {
            let last = plus(first, QUERY_DAYS - 1).min(settled);
            let fold = self.read(first, last, Grouping::Client, jobs).await?;
            if fold.cells.is_empty() && self.known.history.has_any_rows(first, last) {
                let message = format!(
                    "the vendor has no usage at all from {first} to {last}, where it had some before"
                );
                return Err(Failure::new(Reason::Truncated, message).into());
            }
            let changed = self.known.history.replace(first, last, fold);
            let published = |day: &&Date| self.known.published.is_some_and(|published| **day <= published);
            self.notes.restatements += changed.iter().filter(published).count() as u64;
            first = plus(last, 1);
        }
        Ok(())
    }

    /// The first day of the look-back.
    fn lookback_start(&self, day: Date) -> Date {
        plus(day, 1 - i64::from(self.usage.lookback_days))
    }

    /// Reads older days backwards, once, for when each client was last active. Nothing else depends on them, so trouble with them
    /// does not hold up the figures: what was read stays, and the rest is tried again with the next run.
    async fn look_back(&mut self, settled: Date, jobs: &PendingJobs) {
        let today = days::of(self.clock.now());
        let oldest = self.lookback_start(settled).max(plus(today, -OLDEST_DAY));
        while !self.known.has_nothing_older {
            let Some(from) = self.known.history.looked_back_to().filter(|from| *from > oldest) else { break };
            let (first, last) = (plus(from, -QUERY_DAYS).max(oldest), plus(from, -1));
            match self.read(first, last, Grouping::Client, jobs).await {
                Ok(fold) => {
                    self.known.history.replace(first, last, fold);
                    self.known.history.forget_before(self.oldest_needed(settled), oldest);
                }
                // How far back the vendor keeps its figures is not documented: a refusal is the answer.
                Err(Ended::NotStarted(refusal)) if refusal.kind == Kind::Rejected => {
                    tracing::info!(%first, %last, why = %refusal, "the vendor has no usage that old");
                    self.known.has_nothing_older = true;
                }
                Err(ended) => {
                    let error = CollectError::from(ended);
                    tracing::warn!(%first, %last, %error, "cannot look back further for when clients were last active");
                    break;
                }
            }
        }
    }

    /// Reads the endpoints of `day`, unless its figures are those they were read with.
    async fn read_endpoints(&mut self, day: Date, jobs: &PendingJobs) -> Result<(), CollectError> {
        let sums: Vec<(String, StatusCounts)> = self
            .known
            .history
            .window(day, day)
            .into_iter()
            .map(|(client_id, sum)| (client_id.to_owned(), sum))
            .collect();
        let is_known =
            self.known.detail.as_ref().is_some_and(|detail| detail.day == day && detail.sums == sums);
        if self.usage.endpoints == 0 || is_known {
            return Ok(());
        }
        let fold = self.read(day, day, Grouping::Endpoint, jobs).await?;
        let endpoints = endpoints(&fold.cells, self.usage.endpoints);
        self.known.detail = Some(Detail { day, largest: self.usage.endpoints, sums, endpoints });
        Ok(())
    }

    /// Asks the organization's API, which the first answer chooses where the configuration leaves it open.
    async fn read(
        &mut self,
        first: Date,
        last: Date,
        grouping: Grouping,
        jobs: &PendingJobs,
    ) -> Result<Fold, Ended> {
        let api = match (self.known.api, self.usage.api) {
            (Some(api), _) => api,
            (None, UsageApi::Legacy) => Api::Legacy,
            (None, UsageApi::Jobs | UsageApi::Auto) => Api::Jobs,
        };
        let (api, result) = match self.ask(api, first, last, grouping, jobs).await {
            Err(Ended::NotStarted(refused))
                if self.known.api.is_none()
                    && self.usage.api == UsageApi::Auto
                    && matches!(refused.kind, Kind::Forbidden | Kind::NotFound) =>
            {
                tracing::info!(why = %refused, "the usage jobs API is not available, asking the legacy usage API");
                self.known.refused = Some(self.clock.now());
                (Api::Legacy, self.ask(Api::Legacy, first, last, grouping, jobs).await)
            }
            result => (api, result),
        };
        let fold = result?.understood()?;
        self.known.api = Some(api);
        self.notes.invalid_rows += fold.invalid_rows;
        Ok(fold)
    }

    async fn ask(
        &self,
        api: Api,
        first: Date,
        last: Date,
        grouping: Grouping,
        jobs: &PendingJobs,
    ) -> Result<Fold, Ended> {
        let (client, patience) = (&*self.client, self.pacing.with(jobs));
        match api {
            Api::Jobs => {
                let scope = Scope::Organization(grouping);
                let query = JobQuery { client, scope, first, last, plain_dates: &self.plain_dates };
                query.read(patience).await
            }
            Api::Legacy => LegacyQuery { client, first, last, grouping }.read(patience).await,
        }
    }
}

impl Collector for UsageCollector {
    fn name(&self) -> &'static str {
        "usage"
    }

    async fn collect(&mut self, jobs: &PendingJobs) -> Result<Reading, CollectError> {
        let result = self.run(jobs).await;
        if matches!(result, Err(CollectError::NotSupported(_))) {
            // The API that the figures came from is gone. If another is chosen, its figures must not join these.
            self.known = Known::default();
        }
        result
    }

    async fn changed(&mut self) {
        self.reader.changed().await;
    }

    fn reevaluate(&mut self) -> Option<Reading> {
        self.terms = self.reader.read();
        self.known.published.map(|day| self.evaluate(day))
    }

    fn memory(&self) -> Memory {
        Memory::of(&self.known)
    }

    /// Figures of an API that is not to be asked any more are of no use to those of the other.
    fn recall(&mut self, memory: &Memory) -> Result<(), serde_json::Error> {
        let known: Known = memory.read()?.unwrap_or_default();
        let is_wanted = match self.usage.api {
            UsageApi::Auto => true,
            UsageApi::Jobs => known.api != Some(Api::Legacy),
            UsageApi::Legacy => known.api != Some(Api::Jobs),
        };
        if is_wanted {
            self.known = known;
        }
        // Endpoints that were kept in another number are read anew.
        self.known.detail = self.known.detail.take().filter(|detail| detail.largest == self.usage.endpoints);
        Ok(())
    }
}
