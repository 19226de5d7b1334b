//! Random lives of collectors in paused time: whatever happens to them, what is served stays true.
//!
//! `HISTORIES` sets how many lives there are; `make soak` has ten thousand.

#![allow(clippy::float_cmp, reason = "the figures are whole numbers")]

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Runner, Together, run};
use crate::catalogue::genesys_cloud::OAUTH_CLIENT_WINDOW;
use crate::clock::Clock;
use crate::collector::{Collector, Memory, PendingJobs};
use crate::exposition::{Format, Selection, inflate};
use crate::model::{CollectError, CollectorId, Failure, Reading, Reason, Schedule};
use crate::storage::{Owner, Storage};
use crate::store::{self, Store};
use crate::telemetry::Telemetry;

const HOUR: Duration = Duration::from_hours(1);
const SCHEDULE: Schedule =
    Schedule { refresh: HOUR, timeout: Duration::from_mins(10), max_staleness: Duration::from_hours(3) };

/// The shortest pause between the starts of two runs, whatever happens. It doubles with each run that the process did not survive.
const SHORTEST_PAUSE: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_mins(30);

/// How late the publisher may notice that figures have become too old.
const SLACK: Duration = Duration::from_mins(2);

const NAMES: [&str; 2] = ["usage", "limits"];

/// What is true of a collector, as it knows itself.
#[derive(Debug, Default)]
struct Truth {
    is_running: bool,
    runs: u64,
    /// Runs in a row that a kill ended.
    unfinished: u32,
    /// Of this process.
    polls: u64,
    failures: u64,
    last: Option<Ended>,
    /// The figure of the last good run, and when it ended.
    good: Option<(u64, Instant)>,
    last_start: Option<Instant>,
    not_before: Option<Instant>,
    changed: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    Well,
    NotSupported,
    Failed,
}

/// A collector that does anything.
struct Moody {
    name: &'static str,
    dice: fastrand::Rng,
    truth: Arc<Mutex<Truth>>,
    remembered: u64,
    is_kept: bool,
}

#[derive(Serialize, Deserialize)]
struct Remembered(u64);

fn lock(truth: &Mutex<Truth>) -> MutexGuard<'_, Truth> {
    truth.lock().unwrap()
}

/// A run that is dropped is no longer running.
struct Running(Arc<Mutex<Truth>>);

impl Drop for Running {
    fn drop(&mut self) {
        let mut truth = self.0.lock().unwrap();
        truth.is_running = false;
        truth.changed = Some(Instant::now());
    }
}

impl Moody {
    fn begin(&self) -> (u64, Running) {
        let mut truth = lock(&self.truth);
        let now = Instant::now();
        assert!(!truth.is_running, "two runs of {} overlap", self.name);
        if self.is_kept {
            let apart = truth.last_start.map(|last| now - last);
            let pause =
                SHORTEST_PAUSE.saturating_mul(2_u32.saturating_pow(truth.unfinished.saturating_sub(1)));
            let is_patient = apart.is_none_or(|apart| apart >= pause.min(LONGEST_PAUSE));
            assert!(is_patient, "asked again after {apart:?}, {} runs were killed", truth.unfinished);
            assert!(truth.not_before.is_none_or(|at| at <= now), "the vendor asked for more patience");
        }
        truth.is_running = true;
        truth.runs += 1;
        truth.unfinished += 1;
        truth.last_start = Some(now);
        (truth.runs, Running(self.truth.clone()))
    }

    fn end(&self, ended: Ended) {
        let mut truth = lock(&self.truth);
        truth.last = Some(ended);
        truth.unfinished = 0;
        truth.polls += 1;
        truth.failures += u64::from(ended == Ended::Failed);
        truth.not_before = None;
    }
}

impl Collector for Moody {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn collect(&mut self, jobs: &PendingJobs) -> Result<Reading, CollectError> {
        let (run, _running) = self.begin();
        if jobs.find("figures").is_none() && self.dice.bool() {
            jobs.started("figures", "1").await;
        }
        tokio::time::sleep(Duration::from_millis(self.dice.u64(0..400_000))).await;
        match self.dice.u8(0..10) {
            0..4 => {
                self.remembered = run;
                self.end(Ended::Well);
                lock(&self.truth).good = Some((run, Instant::now()));
                let mut reading = Reading::default();
                reading.samples.push(&OAUTH_CLIENT_WINDOW, [], run as f64);
                Ok(reading)
            }
            4 => {
                self.end(Ended::NotSupported);
                Err(CollectError::NotSupported("not for you".to_owned()))
            }
            5 => {
                // The timeout ends it; what is noted here is what is to be told then.
                let truth = self.truth.clone();
                let deadline = lock(&truth).last_start.unwrap() + SCHEDULE.timeout;
                tokio::time::sleep_until(deadline - Duration::from_millis(1)).await;
                self.end(Ended::Failed);
                std::future::pending().await
            }
            6 => {
                self.end(Ended::Failed);
                let asked = Duration::from_secs(self.dice.u64(0..20_000));
                lock(&self.truth).not_before = Some(Instant::now() + asked);
                let failure = Failure::new(Reason::RateLimited, "too many requests");
                Err(Failure { retry_after: Some(asked), ..failure }.into())
            }
            _ => {
                self.end(Ended::Failed);
                let reason = Reason::ALL[self.dice.usize(..Reason::ALL.len())];
                Err(Failure::new(reason, "something is wrong").into())
            }
        }
    }

    async fn changed(&mut self) {
        tokio::time::sleep(Duration::from_secs(self.dice.u64(1..20_000))).await;
    }

    fn reevaluate(&mut self) -> Option<Reading> {
        let mut reading = Reading::default();
        reading.samples.push(&OAUTH_CLIENT_WINDOW, [], self.remembered as f64);
        (self.remembered > 0).then_some(reading)
    }

    fn memory(&self) -> Memory {
        Memory::of(&Remembered(self.remembered))
    }

    fn recall(&mut self, memory: &Memory) -> Result<(), serde_json::Error> {
        self.remembered = memory.read::<Remembered>()?.map_or(0, |remembered| remembered.0);
        Ok(())
    }
}

/// The sample of a family that the organization `name` has.
fn value(text: &str, name: &str, family: &str) -> Option<f64> {
    let label = format!("organization=\"{name}\"");
    let is_it = |line: &&str| line.starts_with(&format!("{family}{{")) && line.contains(&label);
    text.lines().find(is_it).map(|line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
}

/// A process.
struct Process {
    store: Store,
    telemetry: Telemetry,
    tasks: Vec<JoinHandle<()>>,
}

impl Process {
    fn start(
        clock: &Clock,
        folder: Option<&std::path::Path>,
        truths: &[Arc<Mutex<Truth>>; 2],
        dice: &mut fastrand::Rng,
    ) -> Self {
        let telemetry = Telemetry::new();
        let storage = match folder {
            Some(folder) => Storage::open(folder, telemetry.storage()).expect("the last process is gone"),
            None => Storage::none(),
        };
        let store = Store::new(10);
        let stop = CancellationToken::new();
        let mut tasks = Vec::new();
        let together = Together::new();
        for (name, truth) in NAMES.into_iter().zip(truths) {
            {
                let mut truth = lock(truth);
                (truth.polls, truth.failures) = (0, 0);
                if folder.is_none() {
                    (truth.last, truth.good) = (None, None);
                }
            }
            // Each has an organization of its own, so that its figure is told apart.
            let id =
                CollectorId { organization: name.to_owned(), provider: "genesys_cloud", collector: name };
            let metrics = telemetry.collector(&id, SCHEDULE.refresh);
            let drawer = Arc::new(storage.drawer(&Owner { id: id.clone(), account: "account".to_owned() }));
            let slot = store.slot(id, SCHEDULE, metrics);
            let runner = Runner {
                slot,
                drawer,
                settings: 1,
                schedule: SCHEDULE,
                clock: clock.clone(),
                collectors: 2,
                soon: false,
            };
            let (dice, truth) = (dice.fork(), truth.clone());
            let collector = Moody { name, dice, truth, remembered: 0, is_kept: folder.is_some() };
            tasks.push(tokio::spawn(run(collector, runner, together.clone(), stop.clone())));
        }
        let publisher = store::publish(store.clone(), clock.clone(), stop);
        tasks.push(tokio::spawn(async move { publisher.await.expect("publishes") }));
        Self { store, telemetry, tasks }
    }

    async fn kill(self) {
        for task in self.tasks {
            task.abort();
            if let Err(error) = task.await {
                assert!(error.is_cancelled(), "a task has panicked: {error}");
            }
        }
    }

    /// Compares what is served with what is true.
    fn check(&self, truths: &[Arc<Mutex<Truth>>; 2]) {
        let pieces = inflate(vec![self.store.published().piece.clone()]);
        let bytes: Vec<u8> = pieces.flat_map(|piece| piece.unwrap()).collect();
        let (vendor, own) =
            (String::from_utf8(bytes).unwrap(), self.telemetry.encode(Format::Text, &Selection::default()));
        for (name, truth) in NAMES.into_iter().zip(truths) {
            let truth = lock(truth);
            if truth.changed.is_some_and(|changed| changed.elapsed() < Duration::from_millis(5)) {
                continue;
            }
            let shown = value(&vendor, name, "genesyscloud_oauth_client_window_seconds");
            let expected = truth.good.map(|(figure, _)| figure as f64);
            match truth.good.map(|(_, at)| at.elapsed()) {
                Some(age) if age >= SCHEDULE.max_staleness + SLACK => assert_eq!(shown, None, "{age:?} old"),
                Some(age) if age + SLACK >= SCHEDULE.max_staleness => {}
                _ => assert_eq!(shown, expected, "{name}: {truth:?}"),
            }
            let of = |family: &str| value(&own, name, &format!("ccaas_exporter_{family}")).unwrap();
            if !truth.is_running {
                let up = matches!(truth.last, Some(Ended::Well | Ended::NotSupported));
                assert_eq!(of("collector_up"), f64::from(u8::from(up)), "{name}: {truth:?}");
                assert_eq!(of("collector_polls_total"), truth.polls as f64);
            }
            assert_eq!(of("collector_series"), if shown.is_some() { 1.0 } else { 0.0 });
            assert_eq!(of("collector_last_success_timestamp_seconds") > 0.0, truth.good.is_some());
            if let Some((_, at)) = truth.good {
                let told = of("collector_last_success_timestamp_seconds");
                let now = START.parse::<Timestamp>().unwrap().as_second() as f64 + lifetime();
                assert!((now - told - at.elapsed().as_secs_f64()).abs() < 1.0, "the age is the true one");
            }
        }
    }
}

const START: &str = "2026-11-21T10:00:00Z";

thread_local! {
    static BEGUN: std::cell::Cell<Option<Instant>> = const { std::cell::Cell::new(None) };
}

/// Seconds since the history began.
fn lifetime() -> f64 {
    BEGUN.get().map_or(0.0, |begun| begun.elapsed().as_secs_f64())
}

/// A folder in memory where there is such a place: the lives are many, and their disk is not what is tested.
fn memory_folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// Somebody removes the figures of the first collector.
fn lose_figures(folder: &std::path::Path, truth: &Mutex<Truth>) {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_figures = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with(NAMES[0]) && name.ends_with(".figures")
    };
    for path in files.filter(is_figures) {
        std::fs::remove_file(path).unwrap();
    }
    let mut truth = lock(truth);
    truth.good = None;
    if truth.last == Some(Ended::Well) {
        truth.last = None;
    }
}

async fn history(seed: u64) -> u64 {
    let mut dice = fastrand::Rng::with_seed(seed);
    let begun = Instant::now();
    BEGUN.set(Some(begun));
    let start: Timestamp = START.parse().unwrap();
    let clock = Clock::from_fn(move || start.checked_add(begun.elapsed()).unwrap());
    let folder = dice.bool().then(memory_folder);
    let folder = folder.as_ref().map(tempfile::TempDir::path);
    let truths: [Arc<Mutex<Truth>>; 2] = Default::default();
    let mut process = Process::start(&clock, folder, &truths, &mut dice);
    for _ in 0..30 {
        let longest = [3_000_000, 60_000][dice.usize(0..2)];
        tokio::time::sleep(Duration::from_millis(dice.u64(1..longest))).await;
        process.check(&truths);
        if dice.u8(0..3) == 0 {
            process.kill().await;
            if let Some(folder) = folder.filter(|_| dice.u8(0..4) == 0) {
                lose_figures(folder, &truths[0]);
            }
            tokio::time::sleep(Duration::from_millis(dice.u64(1..longest / 10))).await;
            process = Process::start(&clock, folder, &truths, &mut dice);
            tokio::time::sleep(Duration::from_millis(20)).await;
            process.check(&truths);
        }
    }
    process.kill().await;
    truths.iter().map(|truth| lock(truth).runs).sum()
}

#[test]
fn whatever_happens_what_is_served_stays_true() {
    let histories: u64 = std::env::var("HISTORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    let first = std::env::var("FIRST_HISTORY").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut runs = 0;
    for seed in first..first + histories {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let life = std::panic::catch_unwind(|| runtime.block_on(history(seed)));
        runs += life.unwrap_or_else(|cause| {
            let said = cause.downcast_ref::<String>().cloned().unwrap_or_default();
            panic!("history {seed} (FIRST_HISTORY={seed} HISTORIES=1): {said}")
        });
    }
    assert!(runs > histories * 10, "{runs} runs in {histories} histories");
}
