//! Secrets that cannot be printed, and that follow their file when it changes.

use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};

/// What a redacted secret looks like in `/config`, as in Prometheus.
pub const REDACTED: &str = "<secret>";

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
    /// When the file cannot be read or is empty; the message names the file, never its content.
    pub fn read(&self) -> Result<SecretString, String> {
        match self {
            Self::Inline(text) => Ok(text.clone()),
            Self::File(path) => {
                let text = std::fs::read_to_string(path)
                    .map(SecretString::from)
                    .map_err(|error| format!("cannot read the secret file {}: {error}", path.display()))?;
                match text.expose_secret().trim_end_matches(['\r', '\n']) {
                    "" => Err(format!("the secret file {} is empty", path.display())),
                    trimmed => Ok(SecretString::from(trimmed)),
                }
            }
        }
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
    fn an_empty_or_missing_file_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_owned();
        assert!(Secret::File(path.clone()).read().unwrap_err().contains("is empty"));
        drop(file);
        assert!(Secret::File(path.clone()).read().unwrap_err().contains(path.to_str().unwrap()));
    }
}
