//! The life of one collector: wait, run, record, and so on until the process stops.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::schedule;
use crate::clock::Clock;
use crate::collector::{Collector, PendingJobs};
use crate::exposition::{self, Encoded};
use crate::model::{CollectError, Failure, Reading, Reason, Schedule, surprises};
use crate::store::Slot;

/// What the loop of one collector needs besides the collector.
pub struct Runner {
    /// Where outcomes go.
    pub slot: Slot,
    /// When to run.
    pub schedule: Schedule,
    /// The time of day.
    pub clock: Clock,
    /// How many collectors start together.
    pub collectors: usize,
}

/// Runs `collector` until `stop`.
pub async fn run(mut collector: impl Collector, runner: Runner, stop: CancellationToken) {
    let Schedule { refresh, timeout, .. } = runner.schedule;
    let id = runner.slot.id().clone();
    let jobs = PendingJobs::in_memory();
    let mut failures = 0;
    let mut wait = schedule::first_wait(&id, refresh, runner.collectors);
    loop {
        runner.slot.waiting(runner.clock.now(), wait, timeout);
        let due = Instant::now() + wait;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep_until(due) => break,
                () = collector.changed() => reevaluate(&mut collector, &runner.slot).await,
            }
        }
        let started = Instant::now();
        jobs.run_begins(runner.clock.now());
        let run = tokio::time::timeout(timeout, collector.collect(&jobs));
        let (outcome, surprises) = tokio::select! {
            () = stop.cancelled() => return,
            ended = surprises::collecting(&id, run) => ended,
        };
        let outcome = outcome.unwrap_or_else(|_| Err(late(timeout).into()));
        runner.slot.surprised(&surprises);
        let turn = runner.slot.turn().await;
        let mut claim = 0;
        let outcome = match outcome {
            Ok(reading) => encode(&runner.slot, reading).await.map_err(|NoRoom { series, failure }| {
                claim = series;
                failure.into()
            }),
            Err(error) => Err(error),
        };
        jobs.run_ended(outcome.is_ok());
        let now = runner.clock.now();
        wait = match &outcome {
            Ok(_) | Err(CollectError::NotSupported(_)) => {
                failures = 0;
                schedule::regular_wait(&id, refresh, now)
            }
            Err(CollectError::Failed(failure)) => {
                failures += 1;
                schedule::backoff(failure.reason, failures, refresh, failure.retry_after)
            }
        };
        log(&runner.slot, &outcome, started.elapsed(), wait);
        runner.slot.record(now, started.elapsed(), outcome);
        runner.slot.claim(claim);
        drop(turn);
    }
}

/// What a collector brought needs more room than there is.
struct NoRoom {
    series: usize,
    failure: Failure,
}

/// Shows the last good figures in the light of what other collectors have found out.
async fn reevaluate(collector: &mut impl Collector, slot: &Slot) {
    let Some(reading) = collector.reevaluate() else { return };
    let id = slot.id();
    let (organization, provider, collector) = (id.organization.as_str(), id.provider, id.collector);
    let _turn = slot.turn().await;
    match encode(slot, reading).await {
        Ok((reading, encoded)) => {
            tracing::debug!(organization, provider, collector, "re-evaluated");
            slot.reevaluated(reading, encoded);
        }
        Err(NoRoom { failure: error, .. }) => {
            tracing::warn!(organization, provider, collector, %error, "cannot re-evaluate, the last good figures stay");
        }
    }
}

/// Turns samples into finished lines that the organization has room for, folding what can be folded.
async fn encode(slot: &Slot, mut reading: Reading) -> Result<(Reading, Encoded), NoRoom> {
    let (organization, room) = (slot.id().organization.clone(), slot.room());
    let mut samples = std::mem::take(&mut reading.samples);
    // Sorting and compressing many series takes milliseconds, which the other tasks should not wait for.
    let encoded = tokio::task::spawn_blocking(move || {
        samples.shrink_to(room.fair);
        exposition::encode(&organization, &samples)
    })
    .await
    .expect("encoding does not panic");
    if encoded.series() <= room.left {
        return Ok((reading, encoded));
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
fn log(slot: &Slot, outcome: &Result<(Reading, Encoded), CollectError>, took: Duration, wait: Duration) {
    let id = slot.id();
    let (organization, provider, collector) = (id.organization.as_str(), id.provider, id.collector);
    let (duration_ms, next_run_s) = (took.as_millis(), wait.as_secs());
    match outcome {
        Ok((reading, encoded)) => {
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
                "collection failed, the last good figures stay"
            );
        }
    }
}
