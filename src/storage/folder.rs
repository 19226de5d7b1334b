//! The folder of all files, and whether it is ours.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::disk::Disk;
use super::file::{self, Safety};
use super::lock::{InUse, Lock, Refused};
use crate::telemetry::StorageMetrics;

pub(super) struct Folder {
    pub(super) path: PathBuf,
    pub(super) disk: Arc<Disk>,
    metrics: StorageMetrics,
    /// Held as long as the folder is used; `None` until it could be taken.
    lock: Mutex<Option<Lock>>,
    /// Whether another process turned out to use the folder, which is told once.
    is_in_use: AtomicBool,
}

impl Folder {
    /// Takes the folder. One that cannot be used, or not within `patience`, is tried again with each write.
    pub(super) fn open(path: &Path, metrics: StorageMetrics, patience: Duration) -> Result<Arc<Self>, InUse> {
        let folder = Arc::new(Self {
            path: path.to_owned(),
            disk: Disk::new(path, metrics.clone()),
            metrics,
            lock: Mutex::default(),
            is_in_use: AtomicBool::new(false),
        });
        let (sender, claimed) = mpsc::channel();
        let claiming = folder.clone();
        std::thread::spawn(move || {
            let claim = claiming.claim();
            drop(claiming);
            let _ = sender.send(claim);
        });
        let late = || Refused::Trouble(io::Error::new(io::ErrorKind::TimedOut, "the disk does not answer"));
        match claimed.recv_timeout(patience).unwrap_or_else(|_| Err(late())) {
            Ok(()) => {}
            Err(Refused::InUse(in_use)) => return Err(in_use),
            Err(Refused::Trouble(error)) => folder.disk.failed(path, &error),
        }
        Ok(folder)
    }

    /// Makes the folder, if it is not there, and sees to it that nobody else uses it.
    fn claim(&self) -> Result<(), Refused> {
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        file::make_folder(&self.path).map_err(Refused::Trouble)?;
        if lock.is_none() {
            *lock = Some(Lock::take(&self.path)?);
        }
        Ok(())
    }

    /// Writes a record, if the folder is ours.
    pub(super) fn write(
        &self,
        owner: &str,
        path: &Path,
        record: &impl Serialize,
        safety: Safety,
    ) -> io::Result<()> {
        match self.claim() {
            Ok(()) => self.is_in_use.store(false, Ordering::Relaxed),
            Err(Refused::Trouble(error)) => return Err(error),
            Err(Refused::InUse(in_use)) => {
                if !self.is_in_use.swap(true, Ordering::Relaxed) {
                    tracing::warn!(error = %in_use, "nothing is stored as long as the other one runs");
                }
                return Err(io::Error::other(in_use));
            }
        }
        file::write(owner, path, record, safety)
    }

    /// Reads a record. What cannot be used is set aside, if the folder is ours.
    pub(super) fn read<T: DeserializeOwned>(&self, owner: &str, path: &Path) -> Option<T> {
        match file::read(owner, path) {
            Ok(record) => record,
            Err(error) => {
                let may_be_moved = error.is_of_content() && self.claim().is_ok();
                let aside = may_be_moved.then(|| file::set_aside(path).ok()).flatten();
                self.not_read(path, &error.to_string(), aside.as_deref());
                None
            }
        }
    }

    /// Tells that a file is of no use.
    pub(super) fn not_read(&self, path: &Path, why: &str, set_aside: Option<&Path>) {
        let set_aside = set_aside.map(|aside| tracing::field::display(aside.display()));
        self.metrics.read_failed();
        tracing::warn!(file = %path.display(), why, set_aside, "a stored file cannot be used");
    }
}
