//! The settings in use, which follow their files.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

use super::gate::Settings;

/// Reads the settings and says which files they came from; else what is wrong, in words.
type Load = dyn Fn() -> Result<Settings, String> + Send + Sync;

/// Whoever has the files looked at waits so long for what is found: enough for files that can be read, so that a user who was removed
/// is not let in once more.
const PATIENCE: Duration = Duration::from_millis(100);

/// A look that takes longer than this is told of in the log.
const LONGEST_LOOK: Duration = Duration::from_secs(10);

/// Keeps the last good settings.
pub struct Keeper {
    current: Arc<ArcSwap<Settings>>,
    load: Option<Arc<Load>>,
    /// Held as long as a look takes, so that there is one at a time.
    seen: Arc<Mutex<Seen>>,
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

    /// Logs what is allowed in the settings and not wise. Of later ones that is done when they are loaded.
    pub fn warn(&self) {
        self.current.load().warn();
    }

    fn build(settings: Settings, prints: Vec<Print>, load: Option<Arc<Load>>) -> Self {
        let seen = Seen { at: Instant::now(), prints, complaint: None };
        Self { current: Arc::new(ArcSwap::from_pointee(settings)), load, seen: Arc::new(Mutex::new(seen)) }
    }

    /// The settings. Their files are looked at first, unless that was done less than `recheck` ago or is being done. A look that
    /// takes long goes on by itself, and these are the settings of before.
    pub(super) async fn current(&self, recheck: Duration) -> Arc<Settings> {
        if let Some(load) = &self.load
            && let Ok(seen) = self.seen.clone().try_lock_owned()
            && seen.at.elapsed() >= recheck
        {
            // A task of its own, which neither the patience nor the connection of whoever began it ends.
            let looking = tokio::spawn(look(seen, self.current.clone(), load.clone()));
            let _ = tokio::time::timeout(PATIENCE, looking).await;
        }
        self.current.load_full()
    }
}

async fn look(mut seen: OwnedMutexGuard<Seen>, settings: Arc<ArcSwap<Settings>>, load: Arc<Load>) {
    let current = settings.load_full();
    let (before, files) = (seen.prints.clone(), current.files.clone());
    let mut looking =
        tokio::task::spawn_blocking(move || (prints(&files) != before).then(|| read(&*load, files)));
    let looked = if let Ok(looked) = tokio::time::timeout(LONGEST_LOOK, &mut looking).await {
        looked
    } else {
        tracing::warn!("the files of the web configuration cannot be read; is their file system there?");
        looking.await
    };
    seen.at = Instant::now();
    match looked {
        Ok(None) => {}
        Ok(Some(loaded)) => match loaded.and_then(|(new, prints)| Ok((new.succeed(&current)?, prints))) {
            Ok((new, prints)) => {
                tracing::info!("the web configuration has changed and is in use");
                new.warn();
                settings.store(Arc::new(new));
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
        },
        Err(error) => tracing::warn!(%error, "the web configuration could not be looked at"),
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

#[cfg(test)]
mod tests {
    use std::sync::Mutex as Blocking;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn files_that_hang_hold_up_nobody_and_take_one_thread() {
        let (go, wait) = channel::<()>();
        let (wait, loads) = (Blocking::new(wait), Arc::new(AtomicUsize::new(0)));
        let counted = loads.clone();
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_owned();
        let keeper = Keeper::following(move || -> Result<Settings, String> {
            if counted.fetch_add(1, Ordering::SeqCst) > 1 {
                wait.lock().unwrap().recv().unwrap();
            }
            Ok(Settings { files: vec![path.clone()], ..Settings::default() })
        })
        .unwrap();
        let first = keeper.current(Duration::ZERO).await;
        assert_eq!(
            loads.load(Ordering::SeqCst),
            2,
            "once more for the files that it names, and no change since"
        );
        std::fs::write(file.path(), "changed").unwrap();
        // The first one waits a moment, the others not at all.
        let asked = Instant::now();
        for _ in 0..100 {
            assert!(Arc::ptr_eq(&keeper.current(Duration::ZERO).await, &first));
        }
        assert!(asked.elapsed() < PATIENCE * 50, "{:?}", asked.elapsed());
        assert_eq!(loads.load(Ordering::SeqCst), 3);
        go.send(()).unwrap();
        let found = async {
            while Arc::ptr_eq(&keeper.current(Duration::MAX).await, &first) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), found).await.expect("the change is found in the end");
    }
}
