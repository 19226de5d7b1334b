//! Secrets that cannot be printed, and that follow their file when it changes.

use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};
use tokio::sync::Semaphore;

/// What a redacted secret looks like in `/config`, as in Prometheus.
pub const REDACTED: &str = "<secret>";

/// No secret of a vendor or proxy is nearly as long.
const LONGEST_SECRET: u64 = 64 * 1024;

/// A file that takes longer than this to be read cannot be read: its file system may hang.
const LONGEST_READ: Duration = Duration::from_secs(5);

/// A secret from the configuration: its text, or the file that holds it.
#[derive(Clone)]
pub enum Secret {
    /// Given in the configuration or the environment.
    Inline(SecretString),
    /// Read from this file each time it is needed, so that a rotated secret needs no restart.
    File(PathBuf),
}

impl Secret {
    /// A secret given as text.
    #[must_use]
    pub fn inline(text: impl Into<String>) -> Self {
        Self::Inline(SecretString::from(text.into()))
    }

    /// The secret's current text, without the line break that editors leave at the end of a file.
    ///
    /// # Errors
    /// When the file cannot be read, is no plain file, or is empty or too long.
    pub fn read(&self) -> Result<SecretString, SecretError> {
        match self {
            Self::Inline(text) => Ok(text.clone()),
            Self::File(path) => read_file(path).map_err(|why| SecretError { path: path.clone(), why }),
        }
    }
}

/// Reads a secret in the background, for tasks that must not hold up their thread when the file is slow.
///
/// One read is under way at a time: a file that hangs takes one thread, however often it is asked for.
pub struct Reader {
    secret: Secret,
    turn: Arc<Semaphore>,
}

impl Reader {
    /// A reader of `secret`.
    #[must_use]
    pub fn new(secret: Secret) -> Self {
        Self { secret, turn: Arc::new(Semaphore::new(1)) }
    }

    /// The secret's current text, as [`Secret::read`] has it.
    ///
    /// # Errors
    /// The same, and when the file takes longer than 5 s.
    pub async fn read(&self) -> Result<SecretString, SecretError> {
        let Secret::File(path) = &self.secret else { return self.secret.read() };
        let failed = |why: String| SecretError { path: path.clone(), why };
        let reading = async {
            let turn = self.turn.clone().acquire_owned().await.expect("the semaphore is never closed");
            let secret = self.secret.clone();
            let reading = tokio::task::spawn_blocking(move || {
                let text = secret.read();
                // Kept until here, also when nobody waits any more.
                drop(turn);
                text
            });
            let broken_off =
                |_| Err(failed("reading it was broken off, because the exporter ends".to_owned()));
            reading.await.unwrap_or_else(broken_off)
        };
        match tokio::time::timeout(LONGEST_READ, reading).await {
            Ok(text) => text,
            Err(_) => Err(failed(format!("it cannot be read within {} s", LONGEST_READ.as_secs()))),
        }
    }

    /// As if a read hung until the result is dropped.
    #[cfg(test)]
    pub(crate) async fn hang(&self) -> tokio::sync::OwnedSemaphorePermit {
        self.turn.clone().acquire_owned().await.expect("the semaphore is never closed")
    }
}

/// Whether two are the same setting; of a file not what is in it, which [`Fingerprint`] tells.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Inline(text), Self::Inline(other)) => text.expose_secret() == other.expose_secret(),
            (Self::File(path), Self::File(other)) => path == other,
            _ => false,
        }
    }
}

/// Tells whether something secret has changed, without keeping it. It means nothing in another process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The fingerprint of `content`.
    #[must_use]
    pub fn of(content: impl Hash) -> Self {
        static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        Self(KEY.hash_one(content))
    }

    /// The fingerprint of a secret's text.
    #[must_use]
    pub fn of_secret(text: &SecretString) -> Self {
        Self::of(text.expose_secret())
    }
}

/// A secret file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use the secret file {}: {why}", .path.display())]
pub struct SecretError {
    path: PathBuf,
    /// Why, without the path: what stands in the place of a path may be the secret itself.
    pub why: String,
}

fn read_file(path: &Path) -> Result<SecretString, String> {
    use std::io::Read;
    // Anything but a plain file (a pipe, a device, a folder) might never end.
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a plain file".to_owned());
    }
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    file.take(LONGEST_SECRET + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    let text = SecretString::from(text);
    match text.expose_secret().trim_end_matches(['\r', '\n']) {
        "" => Err("it is empty".to_owned()),
        long if long.len() as u64 > LONGEST_SECRET => {
            Err(format!("it is longer than {LONGEST_SECRET} bytes"))
        }
        trimmed => Ok(SecretString::from(trimmed)),
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => formatter.write_str(REDACTED),
            Self::File(path) => write!(formatter, "file {}", path.display()),
        }
    }
}

/// An inline secret is redacted; of a file secret the path is shown, which is no secret.
impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Inline(_) => serializer.serialize_str(REDACTED),
            Self::File(path) => serializer.collect_str(&path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_printed_form_shows_an_inline_secret() {
        let secret = Secret::inline("hunter2");
        assert_eq!(format!("{secret:?}"), REDACTED);
        assert_eq!(serde_json::to_string(&secret).unwrap(), format!("\"{REDACTED}\""));
    }

    #[test]
    fn a_file_is_read_anew_each_time_without_its_last_line_break() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let secret = Secret::File(file.path().to_owned());
        for text in ["first", "second"] {
            std::fs::write(file.path(), format!("{text}\r\n")).unwrap();
            assert_eq!(secret.read().unwrap().expose_secret(), text);
        }
    }

    #[test]
    fn settings_are_compared_by_text_or_by_path_and_contents_by_fingerprint() {
        let (inline, file) = (Secret::inline("a"), Secret::File("a".into()));
        assert!(inline == Secret::inline("a") && file == Secret::File("a".into()));
        assert!(inline != Secret::inline("b") && file != Secret::File("b".into()) && inline != file);
        let of = |text: &str| Fingerprint::of_secret(&SecretString::from(text));
        assert!(of("a") == of("a") && of("a") != of("b"));
    }

    #[test]
    fn an_unusable_file_is_named_with_the_reason() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_owned();
        let why = |path: &Path| Secret::File(path.to_owned()).read().unwrap_err().why;
        assert_eq!(why(&path), "it is empty");
        std::fs::write(&path, "x".repeat(70_000)).unwrap();
        assert_eq!(why(&path), "it is longer than 65536 bytes");
        assert_eq!(why(path.parent().unwrap()), "it is not a plain file");
        assert_eq!(why(Path::new("/dev/zero")), "it is not a plain file");
        drop(file);
        let error = Secret::File(path.clone()).read().unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()) && !error.why.contains("tmp"), "{error}");
    }
}
