//! One file: whole or not there, and known again or refused.
//!
//! The first line names the format and its version, the second is a checksum of all that follows, the third the owner; the
//! rest is JSON. A file is written beside its place and renamed into it, so that whatever happens the old one or the new one
//! is there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Owner;
use crate::model::CollectorId;

/// What every file begins with, before its version.
const FORMAT: &str = "ccaas-exporter storage ";

/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;

/// No organization has figures that need more.
const LONGEST: u64 = 512 * 1024 * 1024;

/// Figures are the customer's business: nobody else on the machine may read them.
const FILE_MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// The longest name of an organization that stands in file names as it is.
const PLAIN_NAME: usize = 64;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error("{0}")]
    Unreadable(io::Error),
    #[error("it is no file of ccaas-exporter")]
    Foreign,
    #[error("it is of version {0}, which another version of ccaas-exporter wrote")]
    OtherVersion(u32),
    #[error("its checksum is wrong: it is damaged or not complete")]
    Damaged,
    #[error("it belongs to another collector or account")]
    NotOurs,
    #[error("its content has another shape than this version writes")]
    OtherShape,
}

impl Unusable {
    /// Whether another try would find the same.
    pub(super) fn is_of_content(&self) -> bool {
        !matches!(self, Self::Unreadable(_))
    }
}

/// The file name for a kind of record of a collector and an account: whoever comes back to an account finds its files again.
/// Names of organizations may hold anything, so only plain ones are used as they are.
pub(super) fn name(Owner { id, account }: &Owner, kind: &str) -> String {
    let CollectorId { organization, provider, collector } = id;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    let is_usable = organization.len() <= PLAIN_NAME && !organization.starts_with('-');
    let organization = if is_usable && organization.chars().all(is_plain) {
        organization.clone()
    } else {
        let lowered = organization.to_lowercase();
        let slug: String =
            lowered.chars().map(|c| if is_plain(c) { c } else { '-' }).take(PLAIN_NAME).collect();
        format!("{}~{:08x}", slug.trim_start_matches('-'), crc32fast::hash(organization.as_bytes()))
    };
    format!("{organization}.{provider}.{:08x}.{collector}.{kind}", crc32fast::hash(account.as_bytes()))
}

/// Makes the folder, if it is not there.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path)
}

/// How files are opened to be written: only their owner may read them.
pub(super) fn for_writing() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(FILE_MODE);
    options
}

/// Reads a record of `owner`; `None` if there is no file.
pub(super) fn read<T: DeserializeOwned>(owner: &str, path: &Path) -> Result<Option<T>, Unusable> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Unusable::Unreadable(error)),
    };
    // Anything but a plain file (a pipe, a device, a link to one) might never end.
    if !metadata.is_file() || metadata.len() > LONGEST {
        return Err(Unusable::Foreign);
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(Unusable::Unreadable)?;
    file.take(LONGEST).read_to_end(&mut bytes).map_err(Unusable::Unreadable)?;
    parse(owner, &bytes).map(Some)
}

/// The record in the bytes of a file.
pub(super) fn parse<T: DeserializeOwned>(owner: &str, bytes: &[u8]) -> Result<T, Unusable> {
    let (format, rest) = line(bytes).ok_or(Unusable::Foreign)?;
    let version = format.strip_prefix(FORMAT).and_then(|version| version.parse().ok());
    match version.ok_or(Unusable::Foreign)? {
        VERSION => {}
        other => return Err(Unusable::OtherVersion(other)),
    }
    let (checksum, rest) = line(rest).ok_or(Unusable::Damaged)?;
    if checksum != format!("{:08x}", crc32fast::hash(rest)) {
        return Err(Unusable::Damaged);
    }
    let (whose, rest) = line(rest).ok_or(Unusable::Damaged)?;
    if whose != one_line(owner) {
        return Err(Unusable::NotOurs);
    }
    serde_json::from_slice(rest).map_err(|_| Unusable::OtherShape)
}

/// The first line, and what follows it.
fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]))
}

/// The bytes of a file.
pub(super) fn format(owner: &str, record: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut content = one_line(owner).into_bytes();
    content.push(b'\n');
    serde_json::to_writer(&mut content, record)?;
    let mut bytes = format!("{FORMAT}{VERSION}\n{:08x}\n", crc32fast::hash(&content)).into_bytes();
    bytes.append(&mut content);
    Ok(bytes)
}

/// Neither names nor URLs have line breaks; were there any, they would not break the format.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

/// What a written file outlives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Safety {
    /// The process: the system has the file, whole, when it is written.
    Kill,
    /// The machine too: it is on the disk, which takes some milliseconds.
    PowerCut,
}

/// Writes a record of `owner`, as safely as is asked for.
pub(super) fn write(owner: &str, path: &Path, record: &impl Serialize, safety: Safety) -> io::Result<()> {
    let beside = path.with_added_extension("new");
    let written = format(owner, record).and_then(|bytes| {
        // What a process left here that died while it wrote is no use, and a link is not followed.
        let _ = fs::remove_file(&beside);
        let mut file = for_writing().create_new(true).open(&beside)?;
        file.write_all(&bytes)?;
        if safety == Safety::PowerCut {
            file.sync_all()?;
        }
        fs::rename(&beside, path)
    });
    if written.is_err() {
        // Half a file must not go on taking the space that was missing.
        let _ = fs::remove_file(&beside);
    }
    if written.is_err() || safety == Safety::Kill {
        return written;
    }
    // The new name is on the disk only once the folder is.
    File::open(path.parent().unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all())
}

/// Moves a file out of the way, in the place of one that was moved there before.
pub(super) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = path.with_added_extension("unusable");
    fs::rename(path, &aside)?;
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use proptest::prelude::*;

    use super::*;

    const OWNER: &str = "genesys_cloud/acme/usage of https://api.example.com/ id";

    fn owner(organization: &str, account: &str) -> Owner {
        let organization = organization.to_owned();
        let id = CollectorId { organization, provider: "genesys_cloud", collector: "usage" };
        Owner { id, account: account.to_owned() }
    }

    #[test]
    fn a_record_comes_back_from_a_file_that_only_its_owner_may_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.figures");
        assert_eq!(read::<u32>(OWNER, &path).unwrap(), None);
        for record in [1_u32, 2] {
            write(OWNER, &path, &record, Safety::PowerCut).unwrap();
            assert_eq!(read::<u32>(OWNER, &path).unwrap(), Some(record));
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing stays beside it");
    }

    #[test]
    fn a_file_that_is_not_ours_or_not_whole_is_refused_with_the_reason() {
        let good = format(OWNER, &7_u32).unwrap();
        assert_eq!(parse::<u32>(OWNER, &good).unwrap(), 7);
        let refused = |bytes: &[u8]| parse::<u32>(OWNER, bytes).unwrap_err();
        for end in 0..good.len() {
            assert!(matches!(refused(&good[..end]), Unusable::Damaged | Unusable::Foreign), "cut at {end}");
        }
        for place in 0..good.len() {
            let mut bytes = good.clone();
            bytes[place] ^= 1;
            let _ = refused(&bytes);
        }
        assert!(matches!(refused(b"# a note\n"), Unusable::Foreign));
        assert!(matches!(refused(b"ccaas-exporter storage 2\n"), Unusable::OtherVersion(2)));
        assert!(matches!(parse::<u32>("somebody else", &good).unwrap_err(), Unusable::NotOurs));
        assert!(matches!(parse::<String>(OWNER, &good).unwrap_err(), Unusable::OtherShape));
    }

    #[test]
    fn what_is_no_plain_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
        assert!(matches!(read::<u32>(OWNER, &link).unwrap_err(), Unusable::Foreign));
        assert!(matches!(read::<u32>(OWNER, folder.path()).unwrap_err(), Unusable::Foreign));
    }

    #[test]
    fn every_organization_has_file_names_of_its_own() {
        assert_eq!(name(&owner("acme", "a"), "course"), "acme.genesys_cloud.e8b7be43.usage.course");
        assert_ne!(name(&owner("acme", "a"), "course"), name(&owner("acme", "b"), "course"));
        let names: std::collections::BTreeSet<String> =
            ["acme", "Acme", "ACME", "a.b", "a/b", "../a", "ä", "é", ".", "-n"]
                .iter()
                .map(|organization| name(&owner(organization, "a"), "course").to_lowercase())
                .collect();
        assert_eq!(names.len(), 10, "{names:?}");
        assert!(names.iter().all(|name| !name.contains('/') && !name.starts_with(['.', '-'])), "{names:?}");
        assert!(name(&owner(&"ß".repeat(128), "a"), "figures").len() < 200);
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(bytes: Vec<u8>) {
            let _ = parse::<u32>(OWNER, &bytes);
        }
    }
}
