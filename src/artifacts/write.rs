//! Writes files into a folder: each whole or not at all, and none over a file that is another one.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::Artifact;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there.
    New,
    /// It was there and is another one now.
    Replaced,
    /// It was there as it should be.
    Unchanged,
    /// It is a sample that was there and differs: somebody has made it their own.
    Kept,
}

/// Which files that are there and differ are replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replace {
    /// Those that fit the metrics of this version.
    pub fitting: bool,
    /// Samples, which people edit.
    pub samples: bool,
}

/// A file of the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where it is.
    pub path: PathBuf,
    /// What became of it.
    pub outcome: Outcome,
}

/// Why a folder was not written.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// These files, of which none is a sample, are there and differ; nothing was written.
    #[error("{}", differs(.0))]
    Differs(Vec<PathBuf>),
    /// A file cannot be read or written. Those before it are written.
    #[error("{}: {error}", path.display())]
    Failed {
        /// Which one.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

fn differs(paths: &[PathBuf]) -> String {
    let list: Vec<String> = paths.iter().map(|path| format!("  {}", path.display())).collect();
    format!(
        "these files are there and differ from what would be written; nothing was written. Give --force to replace them, or another \
         --output.directory:\n{}",
        list.join("\n")
    )
}

/// Writes `artifacts` into `folder`, which is made where it is missing. Samples that differ are kept, unless
/// `replace` says otherwise.
///
/// # Errors
/// Other files that differ, unless `replace` says otherwise; a file that cannot be read or written.
pub fn write(folder: &Path, artifacts: &[Artifact], replace: Replace) -> Result<Vec<Written>, Refusal> {
    let mut plan = Vec::new();
    for artifact in artifacts {
        let path = folder.join(artifact.path);
        let mut outcome = outcome(&path, &artifact.text).map_err(|error| failed(&path, error))?;
        if outcome == Outcome::Replaced && artifact.is_sample && !replace.samples {
            outcome = Outcome::Kept;
        }
        plan.push((artifact, Written { path, outcome }));
    }
    let differing =
        plan.iter().filter(|(artifact, written)| written.outcome == Outcome::Replaced && !artifact.is_sample);
    let differing: Vec<PathBuf> = differing.map(|(_, written)| written.path.clone()).collect();
    if !differing.is_empty() && !replace.fitting {
        return Err(Refusal::Differs(differing));
    }
    for (artifact, written) in &plan {
        if matches!(written.outcome, Outcome::New | Outcome::Replaced) {
            put(&written.path, &artifact.text, written.outcome)
                .map_err(|error| failed(&written.path, error))?;
        }
    }
    Ok(plan.into_iter().map(|(_, written)| written).collect())
}

fn failed(path: &Path, error: io::Error) -> Refusal {
    Refusal::Failed { path: path.to_owned(), error }
}

/// What will become of the file `path`.
fn outcome(path: &Path, text: &str) -> io::Result<Outcome> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Outcome::New),
        link => link?,
    };
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(io::Error::other(
                "a link is there that leads nowhere: remove it, or make what it leads to",
            ));
        }
        metadata => metadata?,
    };
    if !metadata.is_file() {
        return Err(io::Error::other("something is there that is no plain file"));
    }
    // A file of another length differs, however large it is.
    let is_same = metadata.len() == text.len() as u64 && fs::read(path)? == text.as_bytes();
    Ok(if is_same { Outcome::Unchanged } else { Outcome::Replaced })
}

/// Writes the file beside its place and moves it there. One that is replaced keeps its permissions, and a link that leads to it stays.
fn put(path: &Path, text: &str, outcome: Outcome) -> io::Result<()> {
    let replaced = if outcome == Outcome::Replaced { Some(fs::canonicalize(path)?) } else { None };
    let path = replaced.as_deref().unwrap_or(path);
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder)?;
    // Prometheus and Grafana often run as other users; the umask still applies.
    let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(0o666)).tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if replaced.is_some() {
        file.as_file().set_permissions(fs::metadata(path)?.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
