//! The web configuration as its users meet it: what is refused and in which words, and that promtool agrees with what is not.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use ccaas_exporter::config::web;
use proptest::prelude::*;
use support::certificates::Authority;
use support::program;

/// Stands where a secret may end up by mistake.
const PLANTED: &str = "hunter2";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with the certificates and keys that the examples name.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("authority");
    let server = authority.sign(&["localhost"]);
    let other = authority.sign(&["other"]);
    for (name, text) in [
        ("ca.pem", &authority.pem()),
        ("server.pem", &server.certificate),
        ("server.key", &server.key),
        ("other.key", &other.key),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn fixtures(kind: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join("tests/fixtures/web_config").join(kind)).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|found| found == "yml")).collect();
    files.sort();
    files
}

/// Puts `text` where its relative paths lead somewhere.
fn place(folder: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("web.yml");
    fs::write(&path, text).unwrap();
    path
}

/// With `UPDATE_EXPECTED=1` the messages are written instead of compared; read the difference before committing it.
#[test]
fn bad_files_are_refused_in_these_words() {
    let folder = folder();
    let bad = fixtures("bad");
    assert!(bad.len() >= 15, "only {} files", bad.len());
    for file in bad {
        let path = place(&folder, &fs::read_to_string(&file).unwrap());
        let Err(faults) = web::load(&path) else { panic!("{} loads", file.display()) };
        let messages = format!("{faults}\n").replace(&format!("{}/", folder.path().display()), "");
        let expected = file.with_extension("expected");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&expected, &messages).unwrap();
        }
        assert_eq!(messages, fs::read_to_string(&expected).unwrap_or_default(), "{}", file.display());
        assert!(!messages.contains(PLANTED), "{} leaks: {messages}", file.display());
    }
}

#[test]
fn good_files_are_taken_by_promtool_too() {
    let folder = folder();
    for (kind, least) in [("good", 8), ("good_newer", 2)] {
        let files = fixtures(kind);
        assert!(files.len() >= least, "only {} files", files.len());
        for file in files {
            let path = place(&folder, &fs::read_to_string(&file).unwrap());
            if let Err(faults) = web::load(&path) {
                panic!("{}:\n{faults}", file.display());
            }
            // An older promtool does not know every key.
            if kind == "good" {
                let (good, said) = program("promtool", &["check", "web-config", path.to_str().unwrap()], "");
                assert!(good, "{}: {said}", file.display());
            }
        }
    }
}

#[test]
fn the_examples_of_the_documentation_load_and_promtool_takes_them() {
    let folder = folder();
    fs::create_dir(folder.path().join("tls")).unwrap();
    for name in ["ca.pem", "server.pem", "server.key"] {
        fs::copy(folder.path().join(name), folder.path().join("tls").join(name)).unwrap();
    }
    let page = fs::read_to_string(root().join("docs/web-config.md")).unwrap();
    let examples: Vec<&str> =
        page.split("\n```yaml\n").skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect();
    assert!(examples.len() >= 2, "only {} examples", examples.len());
    for example in examples {
        let path = place(&folder, example);
        if let Err(faults) = web::load(&path) {
            panic!("{faults}\n{example}");
        }
        let is_newer = ["client_allowed_sans", "rate_limit"].iter().any(|key| example.contains(key));
        if !is_newer {
            let (good, said) = program("promtool", &["check", "web-config", path.to_str().unwrap()], "");
            assert!(good, "{said}\n{example}");
        }
    }
}

#[test]
fn certificates_and_keys_may_stand_in_the_file() {
    let folder = folder();
    let text = |name: &str| {
        let text = fs::read_to_string(folder.path().join(name)).unwrap();
        text.lines().fold(String::new(), |indented, line| indented + "    " + line + "\n")
    };
    let (certificate, key, authority) = (text("server.pem"), text("server.key"), text("ca.pem"));
    let inline = format!(
        "tls_server_config:\n  cert: |\n{certificate}  key: |\n{key}  client_ca: |\n{authority}  client_auth_type: RequireAndVerifyClientCert\n"
    );
    let settings = web::load(&place(&folder, &inline)).unwrap_or_else(|faults| panic!("{faults}"));
    assert!(settings.tls.is_some());
    assert_eq!(settings.files.len(), 1);
}

#[test]
fn every_file_that_is_read_is_known() {
    let folder = folder();
    let text = fs::read_to_string(root().join("tests/fixtures/web_config/good/everything.yml")).unwrap();
    let settings = web::load(&place(&folder, &text)).unwrap_or_else(|faults| panic!("{faults}"));
    let mut names: Vec<_> =
        settings.files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["ca.pem", "server.key", "server.pem", "web.yml"]);
    assert_eq!(settings.headers.len(), 4, "a blank header is none");
}

#[test]
fn what_cannot_be_read_is_named() {
    let folder = folder();
    let message = |path: &Path| web::load(path).err().unwrap().to_string();
    assert!(message(&folder.path().join("none.yml")).contains("none.yml: there is no such file"));
    assert!(message(folder.path()).contains("cannot read the file"));
}

proptest! {
    /// Random edits of a right file reach further than random text.
    #[test]
    fn no_damaged_file_panics_or_tells_a_hash(start in 0_usize..1200, length in 0_usize..40, put in "[ \n:{}\\[\\],&*\"'$a-]{0,6}") {
        let folder = tempfile::tempdir().unwrap();
        let good = include_str!("fixtures/web_config/good/everything.yml");
        let mut characters: Vec<char> = good.chars().collect();
        let start = start.min(characters.len());
        let end = (start + length).min(characters.len());
        characters.splice(start..end, put.chars());
        let text: String = characters.into_iter().collect();
        if let Err(faults) = web::load(&place(&folder, &text)) {
            prop_assert!(!faults.to_string().contains("GZu8pC79vHwbXmVgbOWGc"), "{}", faults);
        }
    }
}
