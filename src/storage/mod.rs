//! What is kept across a restart: the last good figures of each collector with their true age, when it runs next, and what it
//! has pending at the vendor.
//!
//! There are two files for each collector: its figures, written after each good run, and its course (schedule, outcome, pending
//! jobs), written whenever that changes. Trouble with the disk never stops collecting or serving: it is logged once, shown by
//! `ccaas_exporter_storage_last_write_successful`, and tried again with the next write.

mod file;
mod lock;
mod record;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use self::file::Safety;
pub use self::lock::InUse;
use self::lock::{Lock, Refused};
pub use self::record::{Course, Ended, Figures};
use crate::model::CollectorId;
use crate::telemetry::StorageMetrics;

/// A disk that takes longer than this to write is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The folder of all files; or none, when nothing is to be kept.
#[derive(Clone)]
pub struct Storage(Option<Arc<Folder>>);

struct Folder {
    path: PathBuf,
    metrics: StorageMetrics,
    /// Whether the last write failed, so that trouble is logged when it begins and when it ends.
    failing: AtomicBool,
    /// Held as long as the folder is used; `None` where it could not be taken.
    lock: Option<Lock>,
}

/// A short text for a long one: another text has, all but certainly, another one.
#[must_use]
pub fn digest(text: &str) -> u32 {
    crc32fast::hash(text.as_bytes())
}

/// Whose files they are. What somebody else wrote under the same name is no use.
#[derive(Debug, Clone)]
pub struct Owner {
    /// The collector.
    pub id: CollectorId,
    /// The account at the vendor: where it is and who asks, never a secret.
    pub account: String,
}

/// The place of one collector.
pub struct Drawer {
    folder: Option<Arc<Folder>>,
    owner: String,
    figures: PathBuf,
    course: PathBuf,
    /// The course as it is now. Held while it is written, so that writes keep their order.
    current: Mutex<Course>,
}

impl Storage {
    /// Keeps nothing.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Keeps files in the folder `path`, which is made if it is not there. A folder that cannot be used is no error, as the
    /// exporter can do without: it is logged, shown, and tried again.
    ///
    /// # Errors
    /// When another exporter uses the folder: the two would take turns in each other's files.
    pub fn open(path: &Path, metrics: StorageMetrics) -> Result<Self, InUse> {
        let mut folder =
            Folder { path: path.to_owned(), metrics, failing: AtomicBool::new(false), lock: None };
        match file::make_folder(path).map_err(Refused::Trouble).and_then(|()| Lock::take(path)) {
            Ok(lock) => folder.lock = Some(lock),
            Err(Refused::InUse(in_use)) => return Err(in_use),
            Err(Refused::Trouble(error)) => folder.failed("use", path, &error),
        }
        Ok(Self(Some(Arc::new(folder))))
    }

    /// The place of a collector.
    #[must_use]
    pub fn drawer(&self, owner: &Owner) -> Drawer {
        let Owner { id, account } = owner;
        let path = |kind| match &self.0 {
            Some(folder) => folder.path.join(file::name(id, kind)),
            None => PathBuf::new(),
        };
        Drawer {
            folder: self.0.clone(),
            owner: format!("{id} of {account}"),
            figures: path("figures"),
            course: path("course"),
            current: Mutex::default(),
        }
    }
}

impl Drawer {
    /// What was kept before the process started. What cannot be used is set aside, with a warning.
    pub async fn load(&self) -> (Option<Figures>, Course) {
        let figures = self.read(&self.figures).await;
        let course: Course = self.read(&self.course).await.unwrap_or_default();
        self.current.lock().await.clone_from(&course);
        (figures, course)
    }

    /// Keeps the figures of a good run.
    pub async fn keep(&self, figures: Figures) {
        self.write(&self.figures, figures, Safety::PowerCut).await;
    }

    /// Keeps the course with this change. Nothing is written when there is none.
    pub async fn change(&self, change: impl FnOnce(&mut Course)) {
        let mut current = self.current.lock().await;
        let before = current.clone();
        change(&mut current);
        if *current != before {
            // Written often, and a power cut costs only what a damaged file costs: a few requests.
            self.write(&self.course, current.clone(), Safety::Kill).await;
        }
    }

    async fn read<T: DeserializeOwned + Send + 'static>(&self, path: &Path) -> Option<T> {
        let folder = self.folder.clone()?;
        let (owner, path) = (self.owner.clone(), path.to_owned());
        let read = tokio::task::spawn_blocking(move || folder.read(&owner, &path));
        // A defect in reading must not cost more than what was kept.
        read.await.unwrap_or_default()
    }

    async fn write(&self, path: &Path, record: impl Serialize + Send + 'static, safety: Safety) {
        let Some(folder) = self.folder.clone() else { return };
        let (owner, path) = (self.owner.clone(), path.to_owned());
        let write = tokio::task::spawn_blocking(move || folder.write(&owner, &path, &record, safety));
        if tokio::time::timeout(PATIENCE, write).await.is_err() {
            tracing::warn!("the disk takes long to write, the exporter goes on without waiting for it");
        }
    }
}

impl Folder {
    fn read<T: DeserializeOwned>(&self, owner: &str, path: &Path) -> Option<T> {
        match file::read(owner, path) {
            Ok(record) => record,
            Err(error) => {
                self.metrics.read_failed();
                let why = error.to_string();
                let aside = error.is_of_content().then(|| file::set_aside(path).ok()).flatten();
                let set_aside = aside.map(|aside| aside.display().to_string()).unwrap_or_default();
                tracing::warn!(file = %path.display(), why, set_aside, "a stored file cannot be used");
                None
            }
        }
    }

    fn write(&self, owner: &str, path: &Path, record: &impl Serialize, safety: Safety) {
        match file::make_folder(&self.path).and_then(|()| file::write(owner, path, record, safety)) {
            Ok(()) => {
                self.metrics.written();
                if self.failing.swap(false, Ordering::Relaxed) {
                    tracing::info!(folder = %self.path.display(), "figures can be stored again");
                }
            }
            Err(error) => self.failed("write", path, &error),
        }
    }

    fn failed(&self, what: &str, path: &Path, error: &std::io::Error) {
        self.metrics.write_failed();
        if !self.failing.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                path = %path.display(), %error,
                "cannot {what} the storage: figures are served, but would be lost with a restart; \
                 check --storage.path, its permissions and the space on its disk"
            );
        }
    }
}

#[cfg(any(test, fuzzing))]
/// For [`crate::fuzzing`]: the content of a stored file, whose checksum is right. What can be read is written as it was.
pub(crate) fn fuzzing(data: &[u8]) {
    const OWNER: &str = "genesys_cloud/acme/usage of id at https://api.example.com/";
    fn read<T: DeserializeOwned + Serialize>(json: &[u8]) {
        let content = [OWNER.as_bytes(), b"\n", json].concat();
        let head = format!("ccaas-exporter storage 1\n{:08x}\n", crc32fast::hash(&content));
        let Ok(record) = file::parse::<T>(OWNER, &[head.as_bytes(), &content].concat()) else { return };
        let written = file::format(OWNER, &record).expect("what was read can be written");
        let again: T = file::parse(OWNER, &written).expect("what was written can be read");
        assert_eq!(file::format(OWNER, &again).expect("and written again"), written);
    }
    read::<Figures>(data);
    read::<Course>(data);
    let _ = file::parse::<Course>(OWNER, data);
}
