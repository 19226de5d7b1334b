//! Makes a new text whenever something changed, and drops what has become too old.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::{CollectorStatus, Departure, Outcome, Published, Report, State, Store, lock};
use crate::clock::Clock;
use crate::exposition::Selection;
use crate::model::{CollectorId, Folded};
use crate::telemetry::CollectorMetrics;

/// How often to look for figures that have become too old, whatever the clock does.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Publishes until `stop`. Changes that come while a text is made wait for the next one, so a burst of them costs little.
///
/// # Errors
/// When the text cannot be made. Nothing would be served anew after that, so it must end the program.
pub async fn publish(store: Store, clock: Clock, stop: CancellationToken) -> anyhow::Result<()> {
    loop {
        let departures = std::mem::take(&mut *lock(&store.0.departures));
        let next_expiry = store.drop_stale(clock.now());
        let all_ran = store.all_ran();
        let untold = store.take_untold();
        let rendering = store.clone();
        let piece = tokio::task::spawn_blocking(move || rendering.render(&Selection::default())).await??;
        // First the figures, then that they are there, then that whoever asks may rely on both.
        let Published { generation, ready: was_ready, .. } = **store.0.published.load();
        let swap = |piece, generation, ready| {
            store.0.published.store(Arc::new(Published { piece, generation, ready }));
        };
        swap(piece.clone(), generation + 1, was_ready);
        for Untold { metrics, series, folded, reports } in untold {
            for report in reports {
                report(&metrics);
            }
            metrics.set_series(series);
            metrics.set_folded(folded);
        }
        let mut departed = Vec::new();
        for Departure { farewell, done } in departures {
            farewell();
            departed.push(done);
        }
        // Being ready is about the start: an organization that is added later does not make the others less ready.
        swap(piece, generation + 2, was_ready || all_ran);
        for done in departed {
            // Whoever removed them may have given up waiting.
            let _ = done.send(());
        }

        let pause = next_expiry
            .and_then(|expiry| Duration::try_from(expiry.duration_since(clock.now())).ok())
            .map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE));
        let changed = async {
            // Without a change a new text would be the same: only a passed expiry is one.
            loop {
                tokio::select! {
                    () = store.0.changed.notified() => return,
                    () = tokio::time::sleep(pause) => if store.has_stale(clock.now()) { return },
                }
            }
        };
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = changed => {}
        }
    }
}

/// What is to be told of a collector once its figures are published.
struct Untold {
    metrics: CollectorMetrics,
    series: usize,
    /// How much of its organization is folded.
    folded: Folded,
    reports: Vec<Report>,
}

impl Store {
    /// Drops figures older than their collector's `max_staleness`; says when the next ones will be.
    pub(super) fn drop_stale(&self, now: Timestamp) -> Option<Timestamp> {
        let mut next = None;
        for state in self.lock().iter_mut().filter(|state| state.lines.is_some()) {
            let Some(expiry) = state.status.expiry() else { continue };
            if expiry > now {
                next = Some(next.map_or(expiry, |next: Timestamp| next.min(expiry)));
                continue;
            }
            state.lines = None;
            state.status.series = 0;
            state.status.overview = None;
            state.status.folded = Folded::default();
            let id = &state.status.id;
            let age =
                state.status.last_success.map_or(SignedDuration::ZERO, |success| now.duration_since(success));
            tracing::warn!(
                organization = id.organization,
                provider = id.provider,
                collector = id.collector,
                age_s = age.as_secs(),
                "the last good figures are older than max_staleness and are no longer served"
            );
        }
        next
    }

    /// Whether every collector of the configuration has ended a run.
    fn all_ran(&self) -> bool {
        let collectors = self.lock();
        !self.0.changing.load(Ordering::Relaxed)
            && collectors.iter().all(|state| state.status.outcome != Outcome::Pending)
    }

    /// What is to be told of each collector.
    fn take_untold(&self) -> Vec<Untold> {
        let mut collectors = self.lock();
        let mut folded: HashMap<(String, &str), Folded> = HashMap::new();
        for CollectorStatus { id, folded: of_collector, .. } in collectors.iter().map(|state| &state.status) {
            let sum = folded.entry((id.organization.clone(), id.provider)).or_default();
            *sum = *sum + *of_collector;
        }
        let tell = |state: &mut State| {
            let CollectorId { organization, provider, .. } = &state.status.id;
            let folded = folded.get(&(organization.clone(), *provider)).copied().unwrap_or_default();
            let (metrics, series) = (state.metrics.clone(), state.status.series);
            Untold { metrics, series, folded, reports: std::mem::take(&mut state.untold) }
        };
        collectors.iter_mut().map(tell).collect()
    }

    fn has_stale(&self, now: Timestamp) -> bool {
        self.lock()
            .iter()
            .any(|state| state.lines.is_some() && state.status.expiry().is_some_and(|expiry| expiry <= now))
    }
}
