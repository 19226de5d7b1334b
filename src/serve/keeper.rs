//! The settings in use, which follow their files.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::gate::Settings;

/// Reads the settings and says which files they came from; else what is wrong, in words.
type Load = dyn Fn() -> Result<Settings, String> + Send + Sync;

/// Keeps the last good settings.
pub struct Keeper {
    current: ArcSwap<Settings>,
    load: Option<Arc<Load>>,
    seen: Mutex<Seen>,
}

/// What is known of the files.
struct Seen {
    at: Instant,
    prints: Vec<Print>,
    /// What was last complained about.
    complaint: Option<String>,
}

impl Keeper {
    /// Settings that stay.
    #[must_use]
    pub fn fixed(settings: Settings) -> Self {
        Self::build(settings, Vec::new(), None)
    }

    /// Settings that are loaded now, and again after a change of one of their files.
    ///
    /// # Errors
    /// Those of the first loading. Later ones are logged, and the last good settings stay.
    pub fn following<E: ToString>(
        load: impl Fn() -> Result<Settings, E> + Send + Sync + 'static,
    ) -> Result<Self, E> {
        let (settings, prints) = read(&load, Vec::new())?;
        Ok(Self::build(settings, prints, Some(Arc::new(move || load().map_err(|error| error.to_string())))))
    }

    /// Whether connections are encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.current.load().tls.is_some()
    }

    fn build(settings: Settings, prints: Vec<Print>, load: Option<Arc<Load>>) -> Self {
        let seen = Mutex::new(Seen { at: Instant::now(), prints, complaint: None });
        Self { current: ArcSwap::from_pointee(settings), load, seen }
    }

    /// The settings. Their files are looked at first, unless that was done less than `recheck` ago or is being done.
    pub(super) async fn current(&self, recheck: Duration) -> Arc<Settings> {
        if let Some(load) = &self.load
            && let Ok(mut seen) = self.seen.try_lock()
            && seen.at.elapsed() >= recheck
        {
            self.look(&mut seen, load).await;
        }
        self.current.load_full()
    }

    async fn look(&self, seen: &mut Seen, load: &Arc<Load>) {
        let (before, files, load) = (seen.prints.clone(), self.current.load().files.clone(), load.clone());
        let looked =
            tokio::task::spawn_blocking(move || (prints(&files) != before).then(|| read(&*load, files)));
        let looked = looked.await;
        seen.at = Instant::now();
        match looked {
            Ok(None) => {}
            Ok(Some(loaded)) => {
                let current = self.current.load_full();
                match loaded.and_then(|(new, prints)| Ok((new.succeed(&current)?, prints))) {
                    Ok((settings, prints)) => {
                        tracing::info!("the web configuration has changed and is in use");
                        self.current.store(Arc::new(settings));
                        (seen.prints, seen.complaint) = (prints, None);
                    }
                    // The prints stay as they were: it is read again until it is good.
                    Err(complaint) if seen.complaint.as_ref() != Some(&complaint) => {
                        tracing::warn!(
                            error = complaint,
                            "the web configuration cannot be used; the last good one stays"
                        );
                        seen.complaint = Some(complaint);
                    }
                    Err(_) => {}
                }
            }
            Err(error) => tracing::warn!(%error, "the web configuration could not be looked at"),
        }
    }
}

/// Reads the settings, and the prints of their files from before that: what changes meanwhile is found the next time.
fn read<E>(
    load: &(impl Fn() -> Result<Settings, E> + ?Sized),
    mut files: Vec<PathBuf>,
) -> Result<(Settings, Vec<Print>), E> {
    loop {
        let prints = prints(&files);
        let settings = load()?;
        if settings.files == files {
            return Ok((settings, prints));
        }
        // It names other files than expected, of which there are no prints yet.
        files.clone_from(&settings.files);
    }
}

/// What changes with a file's content, be it written anew or reached through a link that now leads elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Print {
    File { device: u64, inode: u64, size: u64, modified: (i64, i64), changed: (i64, i64) },
    Missing(ErrorKind),
}

impl Print {
    fn of(path: &Path) -> Self {
        match std::fs::metadata(path) {
            Ok(file) => Self::File {
                device: file.dev(),
                inode: file.ino(),
                size: file.size(),
                modified: (file.mtime(), file.mtime_nsec()),
                changed: (file.ctime(), file.ctime_nsec()),
            },
            Err(error) => Self::Missing(error.kind()),
        }
    }
}

fn prints(files: &[PathBuf]) -> Vec<Print> {
    files.iter().map(|file| Print::of(file)).collect()
}
