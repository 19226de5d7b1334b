//! The life of one collector: go on where the last process ended, then wait, run, record, and so on until the process stops.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Together, schedule};
use crate::clock::Clock;
use crate::collector::{Collector, Jobs, Keep, Memory, PendingJobs};
use crate::exposition::{self, Encoded};
use crate::model::requests::{self, Sent};
use crate::model::{CollectError, Failure, Reading, Reason, Samples, Schedule, surprises};
use crate::storage::{Course, Drawer, Ended, Figures};
use crate::store::Slot;

/// A vendor may ask for a day. A clock that was wrong may have written down more.
const LONGEST_ASKED_WAIT: Duration = Duration::from_hours(25);

/// What the loop of one collector needs besides the collector.
pub struct Runner {
    /// Where outcomes go.
    pub slot: Slot,
    /// Where they are kept across a restart.
    pub drawer: Arc<Drawer>,
    /// A digest of the settings; the schedule of other settings is not kept to.
    pub settings: u32,
    /// When to run.
    pub schedule: Schedule,
    /// The time of day.
    pub clock: Clock,
    /// How many collectors start together.
    pub collectors: usize,
    /// Whether the configuration has changed: then it runs soon, whatever was planned.
    pub soon: bool,
}

/// A collector in its life.
struct Life<C> {
    collector: C,
    runner: Runner,
    jobs: PendingJobs,
    /// Failed runs in a row.
    failures: u32,
    /// Runs in a row that were begun and never ended, the process with them.
    unfinished: u32,
}

/// Figures with their text, which the organization has room for.
struct Ready {
    reading: Reading,
    encoded: Encoded,
}

/// A run that has ended.
struct Run {
    took: Duration,
    /// To the vendor.
    requests: u64,
    outcome: Result<Reading, CollectError>,
}

/// What a collector brought needs more room than there is.
struct NoRoom {
    series: usize,
    failure: Failure,
}

/// Runs `collector` until `stop`; those that are `together` with it take up what they remember first.
pub async fn run(collector: impl Collector, runner: Runner, together: Together, stop: CancellationToken) {
    let Some((mut life, mut wait)) = stop.run_until_cancelled(Life::resume(collector, runner)).await else {
        return;
    };
    if stop.run_until_cancelled(together.wait()).await.is_none() {
        return;
    }
    loop {
        if stop.run_until_cancelled(life.wait(wait)).await.is_none() {
            return;
        }
        let started = life.begin().await;
        let Some((outcome, requests)) = stop.run_until_cancelled(life.collect()).await else {
            return life.interrupted().await;
        };
        wait = life.end(Run { took: started.elapsed(), requests, outcome }).await;
    }
}

impl<C: Collector> Life<C> {
    /// Takes up what the last process left, and says how long to wait before the first run.
    async fn resume(mut collector: C, runner: Runner) -> (Self, Duration) {
        let (figures, course) = runner.drawer.load().await;
        let first_wait = schedule::first_wait(runner.slot.id(), runner.schedule.refresh, runner.collectors);
        let had_figures = matches!(course.last, Some((.., Ended::Well)));
        let turn = runner.slot.turn().await;
        let restored = restore(&mut collector, &runner.slot, figures, runner.clock.now()).await;
        // Without the figures that it had, and under other settings, its old schedule would only keep people waiting. One that
        // holds back a process that dies in its runs is kept all the same.
        let is_kept = course.unfinished > 0 || restored.is_some() || !had_figures;
        let is_same = course.settings == runner.settings && !runner.soon;
        let now = runner.clock.now();
        let left = |at: Option<Timestamp>, longest: Duration| {
            let left = Duration::try_from(at?.duration_since(now)).ok()?;
            Some(left.min(longest))
        };
        let longest = schedule::longest_wait(runner.schedule.refresh);
        let mut wait = left(course.next_run.filter(|_| is_same && is_kept), longest).unwrap_or(first_wait);
        if course.unfinished == 0
            && course.last.as_ref().is_some_and(|(at, _, ended)| ended.may_be_mended() || *at > now)
        {
            wait = wait.min(schedule::LONGEST_WAIT_AFTER_REFUSAL);
        }
        wait = wait.max(left(course.not_before, LONGEST_ASKED_WAIT).unwrap_or_default());
        let jobs = PendingJobs::new(course.jobs, keep_in(runner.drawer.clone()));
        let life = Self { collector, runner, jobs, failures: course.failures, unfinished: course.unfinished };
        life.plan(wait);
        let last = course.last.map(|(at, took, ended)| (at.min(now), took, ended.into_result()));
        life.runner.slot.restore(restored, last, course.is_not_supported);
        drop(turn);
        (life, wait)
    }

    /// Tells when the next run is.
    fn plan(&self, wait: Duration) {
        let Runner { slot, schedule, clock, .. } = &self.runner;
        slot.waiting(clock.now(), wait, schedule.timeout);
    }

    /// Waits, and listens to what other collectors find out meanwhile.
    async fn wait(&mut self, wait: Duration) {
        let Runner { slot, drawer, .. } = &self.runner;
        let due = Instant::now() + wait;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(due) => return,
                () = self.collector.changed() => reevaluate(&mut self.collector, slot, drawer).await,
            }
        }
    }

    /// Notes that a run begins, before anything is asked: a process that dies in it comes back later and later.
    async fn begin(&mut self) -> Instant {
        let Runner { drawer, schedule, clock, settings, .. } = &self.runner;
        let now = clock.now();
        self.jobs.run_begins(now);
        self.unfinished = self.unfinished.saturating_add(1);
        let pause = schedule::backoff(Reason::Network, self.unfinished, schedule.refresh, None);
        drawer
            .change(|course| {
                course.settings = *settings;
                course.unfinished = self.unfinished;
                course.next_run = now.checked_add(pause).ok();
            })
            .await;
        Instant::now()
    }

    /// The run ends with the process, which was told to end: that is no crash.
    async fn interrupted(&mut self) {
        let unfinished = self.unfinished.saturating_sub(1);
        self.runner.drawer.change(|course| course.unfinished = unfinished).await;
    }

    /// Runs once, and says how many requests to the vendor that took.
    async fn collect(&mut self) -> (Result<Reading, CollectError>, u64) {
        let timeout = self.runner.schedule.timeout;
        let run = tokio::time::timeout(timeout, self.collector.collect(&self.jobs));
        let run = surprises::collecting(self.runner.slot.id(), run);
        let sent = Sent::default();
        self.runner.slot.running(sent.clone());
        let (outcome, surprises) = requests::counting(sent.clone(), run).await;
        self.runner.slot.surprised(&surprises);
        (outcome.unwrap_or_else(|_| Err(late(timeout).into())), sent.count())
    }

    /// Records how a run ended, and says how long to wait for the next one.
    async fn end(&mut self, Run { took, requests, outcome }: Run) -> Duration {
        let turn = self.runner.slot.turn().await;
        let mut claim = 0;
        let outcome = match outcome {
            Ok(reading) => encode(&self.runner.slot, reading).await.map_err(|NoRoom { series, failure }| {
                claim = series;
                failure.into()
            }),
            Err(error) => Err(error),
        };
        let now = self.runner.clock.now();
        let wait = self.next_wait(now, &outcome);
        log(&self.runner.slot, &outcome, took, wait);
        // First kept, then shown: what has been shown once is not taken back by a restart.
        let outcome = self.keep(now, took, wait, outcome).await;
        self.plan(wait);
        self.runner.slot.record(now, took, requests, outcome);
        self.runner.slot.claim(claim);
        drop(turn);
        wait
    }

    fn next_wait(&mut self, now: Timestamp, outcome: &Result<Ready, CollectError>) -> Duration {
        let (id, refresh) = (self.runner.slot.id(), self.runner.schedule.refresh);
        match outcome {
            Ok(_) | Err(CollectError::NotSupported(_)) => {
                self.failures = 0;
                schedule::regular_wait(id, refresh, now)
            }
            Err(CollectError::Failed(failure)) => {
                self.failures = self.failures.saturating_add(1);
                schedule::backoff(failure.reason, self.failures, refresh, failure.retry_after)
            }
        }
    }

    /// Keeps what a restart must not lose. The samples are only kept, not needed any more.
    async fn keep(
        &mut self,
        now: Timestamp,
        took: Duration,
        wait: Duration,
        outcome: Result<Ready, CollectError>,
    ) -> Result<(Reading, Encoded), CollectError> {
        self.unfinished = 0;
        let jobs = self.jobs.run_ended(outcome.is_ok());
        let drawer = &self.runner.drawer;
        let (ended, outcome) = match outcome {
            Ok(Ready { reading, encoded }) => {
                let memory = self.collector.memory();
                let reading = keep_figures(drawer, Some(now), memory, reading).await;
                (Ended::Well, Ok((reading, encoded)))
            }
            Err(error) => (Ended::from(&error), Err(error)),
        };
        let not_before = match &outcome {
            Err(CollectError::Failed(failure)) => {
                failure.retry_after.and_then(|asked| now.checked_add(asked).ok())
            }
            _ => None,
        };
        let failures = self.failures;
        drawer
            .change(|course| {
                let settings = course.settings;
                let is_not_supported = match ended {
                    Ended::Well => false,
                    Ended::NotSupported(_) => true,
                    Ended::Failed(..) => course.is_not_supported,
                };
                let (last, next_run) = (Some((now, took, ended)), now.checked_add(wait).ok());
                *course = Course {
                    settings,
                    next_run,
                    not_before,
                    is_not_supported,
                    unfinished: 0,
                    failures,
                    last,
                    jobs,
                };
            })
            .await;
        outcome
    }
}

/// Keeps figures that were collected `at` a time, and what the collector remembers. They are not needed any more then.
async fn keep_figures(
    drawer: &Drawer,
    at: Option<Timestamp>,
    memory: Memory,
    mut reading: Reading,
) -> Reading {
    let (samples, data_through) = (std::mem::take(&mut reading.samples), reading.data_through);
    if let Some(at) = at {
        let overview = reading.overview.clone();
        drawer.keep(Figures { at, data_through, samples, overview, memory }).await;
    }
    reading
}

/// Keeps new jobs in the collector's course.
fn keep_in(drawer: Arc<Drawer>) -> Keep {
    Box::new(move |jobs: Jobs| -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let drawer = drawer.clone();
        Box::pin(async move { drawer.change(|course| course.jobs = jobs).await })
    })
}

/// The figures that were kept, with the time when they were collected. The collector remembers what it knew then.
async fn restore(
    collector: &mut impl Collector,
    slot: &Slot,
    figures: Option<Figures>,
    now: Timestamp,
) -> Option<(Timestamp, Reading, Encoded)> {
    let Figures { at, data_through, samples, overview, memory } = figures?;
    let id = slot.id();
    let (organization, provider, name) = (id.organization.as_str(), id.provider, id.collector);
    if at > now {
        tracing::warn!(organization, provider, collector = name, %at, "the stored figures are from the future: a clock was wrong; they are collected anew soon");
    }
    let at = at.min(now);
    if let Err(error) = collector.recall(&memory) {
        tracing::warn!(organization, provider, collector = name, %error, "what the collector remembers cannot be read");
    }
    match encode(slot, Reading { samples, data_through, overview, ..Reading::default() }).await {
        Ok(Ready { mut reading, encoded }) => {
            reading.samples = Samples::default();
            tracing::info!(organization, provider, collector = name, series = encoded.series(), %at, "restored");
            Some((at, reading, encoded))
        }
        Err(NoRoom { failure: error, .. }) => {
            tracing::warn!(organization, provider, collector = name, %error, "cannot restore the last good figures");
            None
        }
    }
}

impl Ended {
    /// Whether somebody may have mended what the run failed for while the process was down.
    fn may_be_mended(&self) -> bool {
        matches!(self, Self::Failed(Reason::Auth | Reason::Forbidden | Reason::Network, _))
    }

    fn into_result(self) -> Result<(), CollectError> {
        match self {
            Self::Well => Ok(()),
            Self::NotSupported(why) => Err(CollectError::NotSupported(why)),
            Self::Failed(reason, message) => Err(Failure::new(reason, message).into()),
        }
    }
}

impl From<&CollectError> for Ended {
    fn from(error: &CollectError) -> Self {
        match error {
            CollectError::NotSupported(why) => Self::NotSupported(why.clone()),
            CollectError::Failed(failure) => Self::Failed(failure.reason, failure.message.clone()),
        }
    }
}

/// Shows the last good figures in the light of what other collectors have found out.
async fn reevaluate(collector: &mut impl Collector, slot: &Slot, drawer: &Drawer) {
    let Some(reading) = collector.reevaluate() else { return };
    let id = slot.id();
    let (organization, provider, name) = (id.organization.as_str(), id.provider, id.collector);
    let _turn = slot.turn().await;
    match encode(slot, reading).await {
        Ok(Ready { reading, encoded }) => {
            tracing::debug!(organization, provider, collector = name, "re-evaluated");
            let memory = collector.memory();
            let reading = keep_figures(drawer, slot.last_success(), memory, reading).await;
            slot.reevaluated(reading, encoded);
        }
        Err(NoRoom { failure: error, .. }) => {
            tracing::warn!(organization, provider, collector = name, %error, "cannot re-evaluate, the last good figures stay");
        }
    }
}

/// Turns samples into finished lines that the organization has room for, folding what can be folded.
async fn encode(slot: &Slot, mut reading: Reading) -> Result<Ready, NoRoom> {
    let (organization, room) = (slot.id().organization.clone(), slot.room());
    let mut samples = std::mem::take(&mut reading.samples);
    // Sorting and compressing many series takes milliseconds, which the other tasks should not wait for.
    let encoded;
    (samples, encoded) = tokio::task::spawn_blocking(move || {
        samples.shrink_to(room.fair);
        let encoded = exposition::encode(&organization, &samples);
        (samples, encoded)
    })
    .await
    .expect("encoding does not panic");
    if encoded.series() <= room.left {
        reading.samples = samples;
        return Ok(Ready { reading, encoded });
    }
    let message = format!(
        "{} series, all detail folded, are more than the {} that global.max_series_per_organization leaves to this \
         collector: lower the collector's own bounds or raise the limit",
        encoded.series(),
        room.left
    );
    Err(NoRoom { series: encoded.series(), failure: Failure::new(Reason::Limit, message) })
}

fn late(timeout: Duration) -> Failure {
    Failure::new(
        Reason::Timeout,
        format!(
            "the run did not end within its timeout of {} s; the vendor is slow, the rate limit low, or the timeout short",
            timeout.as_secs()
        ),
    )
}

/// The one place that logs how a run ended.
fn log(slot: &Slot, outcome: &Result<Ready, CollectError>, took: Duration, wait: Duration) {
    let id = slot.id();
    let (organization, provider, collector) = (id.organization.as_str(), id.provider, id.collector);
    let (duration_ms, next_run_s) = (took.as_millis(), wait.as_secs());
    match outcome {
        Ok(Ready { reading, encoded }) => {
            let (series, invalid_rows, restatements) =
                (encoded.series(), reading.invalid_rows, reading.restatements);
            tracing::info!(
                organization,
                provider,
                collector,
                series,
                invalid_rows,
                restatements,
                duration_ms,
                next_run_s,
                "collected"
            );
        }
        Err(CollectError::NotSupported(why)) => {
            tracing::info!(
                organization,
                provider,
                collector,
                why,
                next_run_s,
                "not available for this organization"
            );
        }
        Err(CollectError::Failed(failure)) => {
            let reason = failure.reason.as_str();
            tracing::warn!(
                organization,
                provider,
                collector,
                reason,
                error = failure.message,
                duration_ms,
                next_run_s,
                "collection failed, good figures of an earlier run stay"
            );
        }
    }
}
