//! One process for a folder.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::file;

/// The name of the file that is locked. It stays when the process ends; the lock does not.
const NAME: &str = "lock";

/// The lock on a folder; it ends with the process, however that ends.
pub(super) struct Lock(#[expect(dead_code, reason = "held, not read")] File);

/// The folder belongs to another process.
#[derive(Debug, thiserror::Error)]
#[error("another ccaas-exporter uses the storage in {}: give each its own --storage.path", .0.display())]
pub struct InUse(PathBuf);

/// Why there is no lock.
pub(super) enum Refused {
    InUse(InUse),
    Trouble(io::Error),
}

impl Lock {
    /// Takes the lock on `folder`, which must exist.
    pub(super) fn take(folder: &Path) -> Result<Self, Refused> {
        let path = folder.join(NAME);
        // A link leads elsewhere, where a file would be made.
        if path.is_symlink() {
            let error = io::Error::other(format!("{} is a link", path.display()));
            return Err(Refused::Trouble(error));
        }
        let file = file::for_writing().create(true).truncate(false).open(path);
        let file = file.map_err(Refused::Trouble)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Refused::InUse(InUse(folder.to_owned()))),
            Err(TryLockError::Error(error)) => Err(Refused::Trouble(error)),
        }
    }
}
