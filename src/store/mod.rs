//! The last good figures of every collector, and what there is to tell about each.
//!
//! A collector writes through its [`Slot`]. Whoever serves reads what is [`Published`], which is replaced whole by one atomic
//! swap: no scrape waits for a collection, and none sees half of one.

mod publish;
mod status;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::{Notify, OwnedMutexGuard, oneshot};
use tokio::time::Instant;

pub use publish::publish;
pub use status::{CollectorStatus, LastError, Outcome, Run};

use crate::exposition::{Encoded, Part, Piece, Selection, render};
use crate::model::requests::Sent;
use crate::model::{CollectError, CollectorId, Reading, Schedule, Surprises};
use crate::telemetry::CollectorMetrics;

/// A collector that is late by more than this is stuck.
const WATCHDOG_GRACE: Duration = Duration::from_mins(1);

/// The store: a cheap handle.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

struct Shared {
    max_series_per_organization: AtomicUsize,
    /// In the order of the configuration.
    collectors: Mutex<Vec<State>>,
    /// The number of the next slot.
    next_slot: AtomicU64,
    /// By organization: whose turn it is to take room.
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// What is to be done once a text without the removed collectors is published.
    departures: Mutex<Vec<Departure>>,
    /// Whether collectors were removed and those in their place may still be missing.
    changing: AtomicBool,
    changed: Notify,
    published: ArcSwap<Published>,
}

/// What the store holds of one collector.
struct State {
    /// The number of the slot that writes here.
    slot: u64,
    status: CollectorStatus,
    lines: Option<Arc<Encoded>>,
    /// The requests of the run that is under way, if one is.
    running: Option<Sent>,
    /// The series that it had no room for in its last run.
    claim: usize,
    /// When the current wait and run must be over.
    deadline: Option<Instant>,
    metrics: CollectorMetrics,
    /// What to tell of runs whose figures are not published yet: `up` must not be 1 before they are there.
    untold: Vec<Report>,
}

/// Tells the metrics of a collector what is to be told once its figures are published.
type Report = Box<dyn FnOnce(&CollectorMetrics) + Send>;

/// Collectors that were removed and are still in the text.
struct Departure {
    farewell: Box<dyn FnOnce() + Send>,
    done: oneshot::Sender<()>,
}

/// The vendor families of all collectors.
#[derive(Debug, Default)]
pub struct Published {
    /// Their text.
    pub piece: Piece,
    /// Grows with each new text, and when what it tells of is told by the metrics too.
    pub generation: u64,
    /// Whether every collector had ended a run when this text, or one before it, was made.
    pub ready: bool,
}

/// Room for the series of one collector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// What the others leave.
    pub left: usize,
    /// What the others leave and do not wait for: to be kept to by folding.
    pub fair: usize,
}

/// A collector's way into the store.
pub struct Slot {
    store: Store,
    number: u64,
    id: CollectorId,
    /// Of the organization.
    turns: Arc<tokio::sync::Mutex<()>>,
}

impl Store {
    /// An empty store.
    #[must_use]
    pub fn new(max_series_per_organization: usize) -> Self {
        Self(Arc::new(Shared {
            max_series_per_organization: AtomicUsize::new(max_series_per_organization),
            collectors: Mutex::default(),
            next_slot: AtomicU64::default(),
            turns: Mutex::default(),
            departures: Mutex::default(),
            changing: AtomicBool::default(),
            changed: Notify::new(),
            published: ArcSwap::default(),
        }))
    }

    /// A place for one more collector.
    #[must_use]
    pub fn slot(&self, id: CollectorId, schedule: Schedule, metrics: CollectorMetrics) -> Slot {
        let slot = self.0.next_slot.fetch_add(1, Ordering::Relaxed);
        let status = CollectorStatus::new(id.clone(), schedule);
        let (lines, running, claim, deadline, untold) = (None, None, 0, None, Vec::new());
        let state = State { slot, status, lines, running, claim, deadline, metrics, untold };
        self.lock().push(state);
        let turns = lock(&self.0.turns).entry(id.organization.clone()).or_default().clone();
        Slot { store: self.clone(), number: slot, id, turns }
    }

    /// Removes the collectors of these organizations; what still comes through their slots is lost. Returns once a text
    /// without them is published. `farewell` is called as soon as it is, for what has to go together with them. The change ends
    /// with [`Store::arrange`].
    pub async fn remove(&self, organizations: &HashSet<String>, farewell: impl FnOnce() + Send + 'static) {
        self.0.changing.store(true, Ordering::Relaxed);
        self.lock().retain(|state| !organizations.contains(&state.status.id.organization));
        lock(&self.0.turns).retain(|organization, _| !organizations.contains(organization));
        let (done, published) = oneshot::channel();
        lock(&self.0.departures).push(Departure { farewell: Box::new(farewell), done });
        self.0.changed.notify_one();
        // Without a publisher there is nobody to wait for: the program is about to end.
        let _ = published.await;
    }

    /// Puts the collectors into the order that their organizations have here.
    pub fn arrange<'a>(&self, organizations: impl IntoIterator<Item = &'a str>) {
        let places: HashMap<&str, usize> = organizations.into_iter().zip(0..).collect();
        self.lock().sort_by_key(|state| places.get(state.status.id.organization.as_str()).copied());
        self.0.changing.store(false, Ordering::Relaxed);
        self.0.changed.notify_one();
    }

    /// Changes how many series one organization may have. Each collector keeps to it from its next run on.
    pub fn set_max_series_per_organization(&self, series: usize) {
        self.0.max_series_per_organization.store(series, Ordering::Relaxed);
    }

    fn max_series_per_organization(&self) -> usize {
        self.0.max_series_per_organization.load(Ordering::Relaxed)
    }

    /// The current text.
    #[must_use]
    pub fn published(&self) -> Arc<Published> {
        self.0.published.load_full()
    }

    /// The text of only the selected organizations and collectors.
    ///
    /// # Errors
    /// See [`render`].
    pub fn render(&self, selection: &Selection) -> std::io::Result<Piece> {
        let lines: Vec<(String, Arc<Encoded>)> = self
            .lock()
            .iter()
            .filter(|state| state.status.is_selected(selection))
            .filter_map(|state| Some((state.status.id.organization.clone(), state.lines.clone()?)))
            .collect();
        render(lines.iter().map(|(organization, lines)| Part { organization, lines }))
    }

    /// What there is to tell about each collector, in the order of the configuration.
    #[must_use]
    pub fn status(&self) -> Vec<CollectorStatus> {
        self.lock().iter().map(State::status).collect()
    }

    /// The collectors that should have ended a run long ago: something is wrong with the exporter itself.
    #[must_use]
    pub fn stuck(&self) -> Vec<CollectorId> {
        let now = Instant::now();
        self.lock()
            .iter()
            .filter(|state| state.deadline.is_some_and(|deadline| deadline < now))
            .map(|state| state.status.id.clone())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<State>> {
        lock(&self.0.collectors)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it holds the lock")
}

impl Slot {
    /// The collector.
    #[must_use]
    pub fn id(&self) -> &CollectorId {
        &self.id
    }

    /// The next run starts `wait` after `now` and takes `timeout` at the most.
    pub fn waiting(&self, now: Timestamp, wait: Duration, timeout: Duration) {
        self.update(|state| {
            let next_run = now.checked_add(wait).unwrap_or(Timestamp::MAX);
            state.status.next_run = Some(next_run);
            state.deadline = Some(Instant::now() + wait + timeout + WATCHDOG_GRACE);
            state.metrics.set_next_run(next_run);
        });
    }

    /// When the last good run ended.
    #[must_use]
    pub fn last_success(&self) -> Option<Timestamp> {
        let collectors = self.store.lock();
        collectors.iter().find(|state| state.slot == self.number)?.status.last_success
    }

    /// The collector's turn to take room for its series. Until it is dropped, no other one of the organization takes any.
    pub async fn turn(&self) -> OwnedMutexGuard<()> {
        self.turns.clone().lock_owned().await
    }

    /// How much room the organization has for series of this collector.
    #[must_use]
    pub fn room(&self) -> Room {
        let collectors = self.store.lock();
        let others = collectors.iter().filter(|state| {
            state.slot != self.number && state.status.id.organization == self.id.organization
        });
        let (taken, claimed) = others.fold((0, 0), |(taken, claimed), state| {
            let series = state.status.series;
            (taken + series, claimed + series.max(state.claim))
        });
        let left = |taken| self.store.max_series_per_organization().saturating_sub(taken);
        Room { left: left(taken), fair: left(claimed) }
    }

    /// There was no room for these series in the run that was recorded last. Until the next one the others of the organization
    /// fold as much as they can to make some, unless so many could never find room.
    pub fn claim(&self, series: usize) {
        let can_fit = series <= self.store.max_series_per_organization();
        self.update(|state| state.claim = if can_fit { series } else { 0 });
    }

    /// Shows what was known before the process started: figures with the time when they were collected, and how the last run
    /// ended. Nothing of it is counted, as it was counted then.
    pub fn restore(
        &self,
        figures: Option<(Timestamp, Reading, Encoded)>,
        last: Option<(Timestamp, Duration, Result<(), CollectError>)>,
        is_not_supported: bool,
    ) {
        self.update(|state| {
            if let Some((at, mut reading, lines)) = figures {
                state.status.succeeded(at, &mut reading);
                state.show(lines);
                state.untold.push(Box::new(move |metrics| metrics.restored(at, &reading)));
            }
            if is_not_supported {
                state.untold.push(Box::new(CollectorMetrics::not_supported));
            }
            let Some((at, took, outcome)) = last else { return };
            state.status.attempted(at, took);
            let has_figures = state.status.last_success.is_some();
            let report: Report = match outcome {
                // The figures are lost: it is as if there had been no run.
                Ok(()) if !has_figures => return,
                Ok(()) => Box::new(|_| {}),
                Err(CollectError::NotSupported(why)) => {
                    state.status.not_supported(at, why);
                    Box::new(CollectorMetrics::not_supported)
                }
                Err(CollectError::Failed(failure)) => {
                    state.status.failed(at, failure);
                    Box::new(CollectorMetrics::down)
                }
            };
            state.untold.push(Box::new(move |metrics| {
                metrics.last_attempt(at, took);
                report(metrics);
            }));
        });
        self.store.0.changed.notify_one();
    }

    /// A run, good or not, met these surprises.
    pub fn surprised(&self, surprises: &Surprises) {
        self.update(|state| state.metrics.surprised(surprises));
    }

    /// A run is under way, which counts its requests here.
    pub fn running(&self, sent: Sent) {
        self.update(|state| state.running = Some(sent));
    }

    /// A run ended at `now`, after so many `requests` to the vendor. Only a good one replaces the figures.
    pub fn record(
        &self,
        now: Timestamp,
        took: Duration,
        requests: u64,
        outcome: Result<(Reading, Encoded), CollectError>,
    ) {
        self.update(|state| {
            state.status.attempted(now, took);
            let report: Report = match outcome {
                Ok((mut reading, lines)) => {
                    state.status.succeeded(now, &mut reading);
                    state.show(lines);
                    Box::new(move |metrics| metrics.succeeded(now, &reading))
                }
                Err(CollectError::NotSupported(why)) => {
                    state.status.not_supported(now, why);
                    Box::new(CollectorMetrics::not_supported)
                }
                Err(CollectError::Failed(failure)) => {
                    let reason = failure.reason;
                    state.status.failed(now, failure);
                    Box::new(move |metrics| metrics.failed(reason))
                }
            };
            state.status.ran(now, took, requests);
            state.running = None;
            state.untold.push(Box::new(move |metrics| {
                metrics.attempted(now, took);
                report(metrics);
            }));
        });
        self.store.0.changed.notify_one();
    }

    /// The figures of the last good run in another light. Those that have become too old stay dropped, and their age stays.
    pub fn reevaluated(&self, mut reading: Reading, lines: Encoded) {
        self.update(|state| {
            if state.lines.is_some() {
                state.status.reevaluated(&mut reading);
                state.show(lines);
                state.untold.push(Box::new(move |metrics| metrics.reevaluated(&reading)));
            }
        });
        self.store.0.changed.notify_one();
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        // A removed collector may be at its last words.
        if let Some(state) = self.store.lock().iter_mut().find(|state| state.slot == self.number) {
            change(state);
        }
    }
}

impl State {
    /// What there is to tell, with the requests of the run that is under way.
    fn status(&self) -> CollectorStatus {
        let mut status = self.status.clone();
        status.requests = status.requests.saturating_add(self.running.as_ref().map_or(0, Sent::count));
        status
    }

    /// Puts `lines` in the place of what was shown.
    fn show(&mut self, lines: Encoded) {
        self.status.series = lines.series();
        self.status.folded = lines.folded();
        self.lines = Some(Arc::new(lines));
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::model::Overview;
    use crate::telemetry::Telemetry;

    #[tokio::test(start_paused = true)]
    async fn a_removed_organization_is_neither_shown_nor_missed_and_its_last_words_are_lost() {
        let (telemetry, store) = (Arc::new(Telemetry::new()), Store::new(10));
        let hour = Duration::from_hours(1);
        let slot = |organization: &str| {
            let id = CollectorId { organization: organization.into(), provider: "x", collector: "usage" };
            let schedule = Schedule { refresh: hour, timeout: hour, max_staleness: hour };
            store.slot(id.clone(), schedule, telemetry.collector(&id, hour))
        };
        let (acme, globex) = (slot("acme"), slot("globex"));
        let (clock, stop) = (crate::clock::Clock::fixed(Timestamp::UNIX_EPOCH), CancellationToken::new());
        let publishing = tokio::spawn(publish(store.clone(), clock, stop.clone()));
        let failed = || Err(crate::model::Failure::new(crate::model::Reason::Server, "").into());
        globex.record(Timestamp::UNIX_EPOCH, hour, 0, failed());
        acme.waiting(Timestamp::UNIX_EPOCH, Duration::ZERO, Duration::ZERO);
        tokio::time::sleep(hour).await;
        assert_eq!(store.stuck().len(), 1);

        let gone = HashSet::from(["acme".to_owned()]);
        let (farewell, names) = (telemetry.clone(), gone.clone());
        store.remove(&gone, move || farewell.remove(&names)).await;
        assert!(!store.published().ready, "those in its place are missing");
        assert!(store.stuck().is_empty() && store.status().len() == 1);
        acme.waiting(Timestamp::UNIX_EPOCH, Duration::ZERO, Duration::ZERO);
        acme.record(Timestamp::UNIX_EPOCH, hour, 0, failed());
        tokio::time::sleep(hour).await;
        assert!(store.stuck().is_empty());
        let text = telemetry.encode(crate::exposition::Format::Text, &Selection::default());
        assert!(!text.contains("acme") && text.contains("globex"));

        let anew = slot("acme");
        store.arrange(["acme", "globex"]);
        assert_eq!(store.status()[0].id, *anew.id());
        assert_eq!(store.status()[0].outcome, Outcome::Pending);
        anew.record(Timestamp::UNIX_EPOCH, hour, 0, failed());
        tokio::time::sleep(hour).await;
        assert!(store.published().ready);
        slot("initech").waiting(Timestamp::UNIX_EPOCH, hour, hour);
        anew.record(Timestamp::UNIX_EPOCH, hour, 0, failed());
        tokio::time::sleep(hour).await;
        assert!(store.published().ready, "a newcomer does not take it back");
        stop.cancel();
        publishing.await.unwrap().unwrap();
    }

    #[test]
    fn figures_at_a_glance_go_with_the_series_and_the_last_runs_are_remembered() {
        let (telemetry, store) = (Telemetry::new(), Store::new(10));
        let id = CollectorId { organization: "acme".to_owned(), provider: "x", collector: "usage" };
        let hour = Duration::from_hours(1);
        let schedule = Schedule { refresh: hour, timeout: hour, max_staleness: 24 * hour };
        let slot = store.slot(id.clone(), schedule, telemetry.collector(&id, hour));
        let reading = || Reading { overview: Some(Overview::Spend(Vec::new())), ..Reading::default() };
        let is_told = || store.status()[0].overview.is_some();
        slot.reevaluated(reading(), Encoded::default());
        assert!(!is_told(), "there are no series");

        let at = |run: i64| Timestamp::from_second(3600 * run).unwrap();
        slot.record(at(0), hour, 5, Ok((reading(), Encoded::default())));
        assert!(is_told());
        for run in 1..=20 {
            let failure = crate::model::Failure::new(crate::model::Reason::Server, "");
            slot.record(at(run), hour, 2, Err(failure.into()));
        }
        assert!(is_told(), "a failure changes no figure");
        let status = &store.status()[0];
        assert_eq!((status.history.len(), status.requests), (20, 5 + 20 * 2));
        assert_eq!((status.history[0].at, status.history[19].at), (at(1), at(20)));
        assert_eq!(status.history[0].reason, Some("server"));
        store.drop_stale(at(23));
        assert!(is_told());
        store.drop_stale(at(24));
        assert!(!is_told(), "the figures are too old");
        slot.reevaluated(reading(), Encoded::default());
        assert!(!is_told(), "they stay dropped");
    }

    #[test]
    fn others_make_room_for_a_claim_that_can_be_met_and_for_no_other() {
        let (telemetry, store) = (Telemetry::new(), Store::new(10));
        let slot = |collector| {
            let id = CollectorId { organization: "acme".to_owned(), provider: "genesys_cloud", collector };
            let hour = Duration::from_hours(1);
            let schedule = Schedule { refresh: hour, timeout: hour, max_staleness: hour };
            store.slot(id.clone(), schedule, telemetry.collector(&id, hour))
        };
        let (usage, contracts) = (slot("usage"), slot("contracts"));
        for (claim, fair) in [(8, 2), (11, 10), (8, 2), (0, 10)] {
            contracts.claim(claim);
            assert_eq!(usage.room(), Room { left: 10, fair }, "{claim}");
        }
    }
}
