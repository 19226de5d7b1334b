//! What is kept across a restart: the last good figures of each collector with their true age, when it runs next, and what it
//! has pending at the vendor.
//!
//! There are two files for each collector: its figures, written after each good run, and its course (schedule, outcome, pending
//! jobs), written whenever that changes. Trouble with the disk never stops collecting or serving, not even a disk that hangs: it
//! is logged once, shown by `ccaas_exporter_storage_last_write_successful`, and tried again with the next write.

mod disk;
mod file;
mod folder;
mod lock;
mod record;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use self::disk::PATIENCE;
use self::file::Safety;
use self::folder::Folder;
pub use self::lock::InUse;
pub use self::record::{Course, Ended, Figures};
use crate::model::CollectorId;
use crate::telemetry::StorageMetrics;

/// The folder of all files; or none, when nothing is to be kept.
#[derive(Clone)]
pub struct Storage(Option<Arc<Folder>>);

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
    /// The course as it is now. Held until the disk is asked to write it, so that writes keep their order.
    current: Mutex<Course>,
}

impl Storage {
    /// Keeps nothing.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Keeps files in the folder `path`, which is made if it is not there. A folder that cannot be used is no error, as the
    /// exporter can do without: it is logged, shown, and tried again. Waits for a disk that hangs, but not for long.
    ///
    /// # Errors
    /// When another exporter uses the folder: the two would take turns in each other's files. Where that turns out only later,
    /// nothing is written.
    pub fn open(path: &Path, metrics: StorageMetrics) -> Result<Self, InUse> {
        Ok(Self(Some(Folder::open(path, metrics, PATIENCE)?)))
    }

    /// The place of a collector.
    #[must_use]
    pub fn drawer(&self, owner: &Owner) -> Drawer {
        let Owner { id, account } = owner;
        let path = |kind| match &self.0 {
            Some(folder) => folder.path.join(file::name(owner, kind)),
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
        self.current().clone_from(&course);
        (figures, course)
    }

    /// Keeps the figures of a good run.
    pub async fn keep(&self, figures: Figures) {
        self.write(&self.figures, figures, Safety::PowerCut).await;
    }

    /// Keeps the course with this change: when this ends, it outlives the process, or the disk is in trouble. Nothing is written when
    /// nothing changes.
    pub async fn change(&self, change: impl FnOnce(&mut Course)) {
        let written = {
            let mut current = self.current();
            let before = current.clone();
            change(&mut current);
            if *current == before {
                return;
            }
            // Written often, and a power cut costs only what a damaged file costs: a few requests.
            self.write(&self.course, current.clone(), Safety::Kill)
        };
        written.await;
    }

    async fn read<T: DeserializeOwned + Send + 'static>(&self, path: &Path) -> Option<T> {
        let folder = self.folder.as_ref()?;
        let (reading, owner, file) = (folder.clone(), self.owner.clone(), path.to_owned());
        let read = folder.disk.read(path, move || reading.read(&owner, &file)).await;
        read.unwrap_or_else(|| {
            folder.not_read(path, "it was not read in time", None);
            None
        })
    }

    /// Has a record written; its turn is that of the call.
    fn write<T: Serialize + Send + 'static>(
        &self,
        path: &Path,
        record: T,
        safety: Safety,
    ) -> impl Future<Output = ()> + use<T> {
        let written = self.folder.as_ref().map(|folder| {
            let (writing, owner, file) = (folder.clone(), self.owner.clone(), path.to_owned());
            folder.disk.write(path, move || writing.write(&owner, &file, &record, safety))
        });
        async move {
            if let Some(written) = written {
                written.await;
            }
        }
    }

    fn current(&self) -> MutexGuard<'_, Course> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Drawer {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            folder.disk.forget(&self.figures);
            folder.disk.forget(&self.course);
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
