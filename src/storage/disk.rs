//! One thing at a time, on one thread: a disk that hangs holds up that thread and nobody else for long.
//!
//! What is to be written waits by file, and the newest record of a file takes the place of an older one. So there is never more to
//! do than there are files, no record overtakes a newer one, and a disk that comes back gets what is true by then.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::telemetry::StorageMetrics;

/// A disk that takes longer than this is not waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The disk below a folder: what it is to do, and which files it fails to write.
pub(super) struct Disk {
    folder: PathBuf,
    metrics: StorageMetrics,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What is to be done, and in which order. A job that takes the place of an older one takes its turn too.
    waiting: HashMap<Target, Job>,
    turns: VecDeque<Target>,
    /// What is being done.
    running: Option<Target>,
    /// How much has been done, to tell a long queue from a disk that hangs.
    done: u64,
    /// The files whose newest record is not stored, though it should be; the folder itself, when it could not be used.
    failing: BTreeSet<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Target {
    Read(PathBuf),
    Write(PathBuf),
}

struct Job {
    work: Work,
    /// Who waits for it, or for an older one whose place it took.
    told: Vec<oneshot::Sender<()>>,
}

type Work = Box<dyn FnOnce() -> io::Result<()> + Send>;

impl Disk {
    /// The disk below `folder`, with nothing to do.
    pub(super) fn new(folder: &Path, metrics: StorageMetrics) -> Arc<Self> {
        Arc::new(Self { folder: folder.to_owned(), metrics, state: Mutex::default() })
    }

    /// Has `path` written by `work`, and waits until it or a newer record is, but not longer than [`PATIENCE`]: then the file counts
    /// as failing until it is written after all. Its turn is that of the call, not of the first poll.
    pub(super) fn write<W: FnOnce() -> io::Result<()> + Send + 'static>(
        self: &Arc<Self>,
        path: &Path,
        work: W,
    ) -> impl Future<Output = ()> + use<W> {
        let target = Target::Write(path.to_owned());
        let written = self.submit(&target, Box::new(work));
        let disk = self.clone();
        async move {
            if timeout(PATIENCE, written).await.is_err() {
                disk.late(&target);
            }
        }
    }

    /// What `work` reads from `path`, after all that was to be written there before. `None` if the disk does nothing at all for as
    /// long as [`PATIENCE`]: many files may take longer together.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        path: &Path,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (sender, mut result) = oneshot::channel();
        let work = move || {
            if !sender.is_closed() {
                let _ = sender.send(work());
            }
            Ok(())
        };
        let mut read = self.submit(&Target::Read(path.to_owned()), Box::new(work));
        loop {
            let done = self.state().done;
            if timeout(PATIENCE, &mut read).await.is_ok() {
                return result.try_recv().ok();
            }
            if self.state().done == done {
                return None;
            }
        }
    }

    /// Trouble with `path` that is not the end of a write.
    pub(super) fn failed(&self, path: &Path, error: &io::Error) {
        self.fail(&mut self.state(), path, error);
    }

    /// Nobody writes `path` any more, so it cannot go on failing.
    pub(super) fn forget(&self, path: &Path) {
        let mut state = self.state();
        state.failing.remove(path);
        self.show(&state);
    }

    fn submit(self: &Arc<Self>, target: &Target, work: Work) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        let is_idle = state.running.is_none() && state.turns.is_empty();
        if let Some(job) = state.waiting.get_mut(target) {
            job.work = work;
            job.told.retain(|waiting| !waiting.is_closed());
            job.told.push(sender);
        } else {
            state.waiting.insert(target.clone(), Job { work, told: vec![sender] });
            state.turns.push_back(target.clone());
        }
        if is_idle {
            let disk = self.clone();
            // There is a thread only while there is something to do. The runtime waits for it, but not for long, when it ends.
            tokio::task::spawn_blocking(move || disk.work());
        }
        receiver
    }

    fn work(&self) {
        let mut next = self.state().next();
        while let Some(Job { work, told }) = next {
            // A defect must not cost more than the file.
            let outcome = panic::catch_unwind(AssertUnwindSafe(work))
                .unwrap_or_else(|_| Err(io::Error::other("a defect of the exporter")));
            let mut state = self.state();
            let is_awaited = told.iter().any(|waiting| !waiting.is_closed());
            if let Some(Target::Write(path)) = state.running.take() {
                self.settle(&mut state, &path, outcome, is_awaited);
            }
            state.done += 1;
            next = state.next();
            drop(state);
            for waiting in told {
                let _ = waiting.send(());
            }
        }
    }

    /// A write has ended.
    fn settle(&self, state: &mut State, path: &Path, outcome: io::Result<()>, is_awaited: bool) {
        match outcome {
            // A newer record that is late already is still to come.
            Ok(()) if state.waiting.contains_key(&Target::Write(path.to_owned())) => {}
            Ok(()) => {
                let was_failing = state.failing.remove(&self.folder) | state.failing.remove(path);
                if was_failing && state.failing.is_empty() {
                    tracing::info!(folder = %self.folder.display(), "all figures can be stored again");
                }
                self.show(state);
            }
            Err(error) if is_awaited => self.fail(state, path, &error),
            // It is late and counts as failing already, or its collector is gone.
            Err(_) => {}
        }
    }

    /// Nobody waits for a write any longer.
    fn late(&self, target: &Target) {
        let mut state = self.state();
        let is_pending = state.running.as_ref() == Some(target) || state.waiting.contains_key(target);
        if let Target::Write(path) = target
            && is_pending
        {
            let why = format!("the disk takes longer than {} s", PATIENCE.as_secs());
            self.fail(&mut state, path, &io::Error::new(io::ErrorKind::TimedOut, why));
        }
    }

    fn fail(&self, state: &mut State, path: &Path, error: &io::Error) {
        self.metrics.write_failed();
        if state.failing.is_empty() {
            tracing::warn!(
                path = %path.display(), %error,
                "cannot write the storage: figures are served, but would be lost with a restart; \
                 check --storage.path, its permissions, its disk and the space on it"
            );
        }
        state.failing.insert(path.to_owned());
    }

    fn show(&self, state: &State) {
        if state.failing.is_empty() {
            self.metrics.written();
        }
    }

    /// Nothing that is done under the lock can panic halfway.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&mut self) -> Option<Job> {
        let target = self.turns.pop_front()?;
        let job = self.waiting.remove(&target);
        self.running = Some(target);
        job
    }
}
