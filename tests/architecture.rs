//! Who may know whom: every room of `src` has a row here, and `docs/architecture.md` explains them.
//!
//! The test reads the source as syntax: `use` trees and paths, `super::` resolved. It does not see what a macro's tokens name.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::Visit;

/// Crates that every room may name.
const FREE: &[&str] = &[
    "std",
    "core",
    "alloc",
    "crate",
    "self",
    "super",
    "Self",
    "tokio",
    "tokio_util",
    "tracing",
    "thiserror",
    "jiff",
];

/// Room, the rooms it may name, the guarded crates it may name.
const ROOMS: &[(&str, &[&str], &[&str])] = &[
    ("catalogue", &[], &[]),
    ("clock", &[], &[]),
    ("model", &["catalogue"], &["rust_decimal", "serde"]),
    ("artifacts", &[], &["askama", "tempfile"]),
    ("collector", &["model"], &["serde", "serde_json"]),
    ("secret", &[], &["secrecy", "serde"]),
    ("lifecycle", &[], &[]),
    ("exposition", &["catalogue", "model"], &["bytes", "flate2", "itoa", "ryu"]),
    ("telemetry", &["exposition", "model"], &["prometheus"]),
    ("reference", &["catalogue", "telemetry"], &["serde", "serde_json"]),
    (
        "rest",
        &["clock", "model", "secret", "telemetry"],
        &[
            "anyhow",
            "backon",
            "bytes",
            "fastrand",
            "governor",
            "reqwest",
            "secrecy",
            "serde",
            "serde_json",
            "url",
        ],
    ),
    (
        "providers",
        &["catalogue", "clock", "collector", "model", "rest", "secret", "telemetry"],
        &["futures_util", "regex", "serde", "serde_json", "url"],
    ),
    ("storage", &["collector", "model", "telemetry"], &["crc32fast", "serde", "serde_json"]),
    ("store", &["clock", "exposition", "model", "telemetry"], &["anyhow", "arc_swap", "serde"]),
    ("collect", &["clock", "collector", "exposition", "model", "storage", "store"], &["fastrand"]),
    (
        "http",
        &["clock", "exposition", "lifecycle", "model", "store", "telemetry"],
        &["askama", "axum", "bytes", "futures_util", "serde", "url"],
    ),
    (
        "serve",
        &[],
        &[
            "arc_swap",
            "aws_lc_rs",
            "axum",
            "base64",
            "bcrypt",
            "governor",
            "hyper",
            "hyper_util",
            "rlimit",
            "rustls",
            "socket2",
            "tokio_rustls",
            "x509_parser",
        ],
    ),
    (
        "config",
        &["artifacts", "model", "providers", "secret", "serve"],
        &["granit_parser", "hyper", "regex", "rustls", "secrecy", "serde", "serde_saphyr", "url"],
    ),
    ("simulator", &["clock"], &["axum", "futures_util", "serde", "serde_json", "serde_saphyr", "url"]),
    ("cli", &[], &["clap"]),
    (
        "app",
        &[
            "clock",
            "collect",
            "collector",
            "config",
            "http",
            "lifecycle",
            "model",
            "providers",
            "rest",
            "serve",
            "simulator",
            "storage",
            "store",
            "telemetry",
        ],
        &["anyhow", "listenfd", "sd_notify"],
    ),
];

/// The files that are no room of their own: the front door and the binary.
const FRONT: &[&str] = &["lib.rs", "main.rs"];

/// What a file names: paths from the root of the crate, and other crates.
#[derive(Default)]
struct Names {
    module: Vec<String>,
    local: Vec<String>,
    found: Vec<Vec<String>>,
}

impl Names {
    fn path(&mut self, segments: &[String]) {
        let mut module = self.module.clone();
        let mut rest = segments;
        match segments.first().map(String::as_str) {
            Some("crate") => return self.found.push(segments[1..].to_vec()),
            Some("self") => rest = &segments[1..],
            Some("super") => {}
            Some(_) => return self.found.push(vec!["::".into(), segments[0].clone()]),
            None => return,
        }
        while rest.first().is_some_and(|segment| segment == "super") {
            module.pop();
            rest = &rest[1..];
        }
        module.extend_from_slice(rest);
        self.found.push(module);
    }

    fn tree(&mut self, prefix: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.tree(&with(&path.ident), &path.tree),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(prefix, tree)),
            syn::UseTree::Name(name) => self.path(&with(&name.ident)),
            syn::UseTree::Rename(name) => self.path(&with(&name.ident)),
            syn::UseTree::Glob(_) => self.path(prefix),
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&[], &item.tree);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        // Tests may name whatever they need.
        if item.attrs.iter().any(|attribute| attribute.path().is_ident("cfg")) {
            return;
        }
        self.module.push(item.ident.to_string());
        syn::visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 || path.leading_colon.is_some() {
            let segments: Vec<String> =
                path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            if !self.local.contains(&segments[0]) {
                self.path(&segments);
            }
        }
        syn::visit::visit_path(self, path);
    }
}

/// The breaches of the rules in one file, whose place below `src` is `place`.
fn breaches(place: &Path, source: &str, crates: &[String]) -> Vec<String> {
    let mut module: Vec<String> =
        place.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|last| last == "mod") {
        module.pop();
    }
    let room = module[0].clone();
    let Some((_, rooms, guarded)) = ROOMS.iter().find(|(name, ..)| *name == room) else {
        return vec![format!("{}: the room {room} has no row in tests/architecture.rs", place.display())];
    };
    let file = syn::parse_file(source).unwrap_or_else(|error| panic!("{}: {error}", place.display()));
    let mut names = Names { module: module.clone(), ..Names::default() };
    names.visit_file(&file);

    let mut breaches = Vec::new();
    for found in names.found {
        match found.as_slice() {
            [marker, name] if marker == "::" => {
                let name = name.as_str();
                let is_guarded = crates.iter().any(|known| known == name) && !FREE.contains(&name);
                if is_guarded && !guarded.contains(&name) {
                    breaches.push(format!("{}: {room} must not name the crate {name}", place.display()));
                }
            }
            [other, ..] if *other != room => {
                let is_room = ROOMS.iter().any(|(name, ..)| name == other);
                if is_room && !rooms.contains(&other.as_str()) {
                    breaches.push(format!("{}: {room} must not know {other}", place.display()));
                }
            }
            [_, provider, ..] if room == "providers" && module.len() > 1 && *provider != module[1] => {
                breaches
                    .push(format!("{}: one provider must not know another ({provider})", place.display()));
            }
            _ => {}
        }
    }
    breaches.sort();
    breaches.dedup();
    breaches
}

fn source_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Tests and what they share with fuzzing may name whatever they need, also those in files of their own.
fn is_test(place: &Path) -> bool {
    place.with_extension("").iter().any(|part| part == "tests" || part == "testing" || part == "fuzzing")
}

fn source() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&root, &mut files);
    files
        .into_iter()
        .map(|path| (path.strip_prefix(&root).unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .filter(|(place, _)| !FRONT.contains(&place.to_str().unwrap()) && !is_test(place))
        .collect()
}

/// The crates of the manifest, as Rust names them.
fn crates() -> Vec<String> {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let names: Vec<String> = dependencies
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0.trim().replace('-', "_")))
        .filter(|name| !name.is_empty())
        .collect();
    assert!(names.contains(&"reqwest".to_owned()), "the manifest was not understood: {names:?}");
    names
}

#[test]
fn every_room_knows_only_whom_it_may() {
    let crates = crates();
    let breaches: Vec<String> =
        source().iter().flat_map(|(place, source)| breaches(place, source, &crates)).collect();
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn every_row_is_a_room_and_no_permission_is_unused() {
    let files = source();
    for (room, rooms, guarded) in ROOMS {
        let of_room: Vec<&String> = files
            .iter()
            .filter(|(place, _)| place.with_extension("").iter().next().is_some_and(|first| first == *room))
            .map(|(_, source)| source)
            .collect();
        assert!(!of_room.is_empty(), "{room} is no room: remove its row");
        for name in rooms.iter().chain(*guarded) {
            let used = of_room.iter().any(|source| {
                source.contains(&format!("{name}::")) || source.contains(&format!("crate::{name}"))
            });
            assert!(used, "{room} does not need {name}: remove the permission");
        }
    }
}

/// The rule has teeth: each planted breach is caught, and innocent lines are not.
#[test]
fn planted_breaches_are_caught() {
    let crates = crates();
    let caught = |place: &str, source: &str| !breaches(Path::new(place), source, &crates).is_empty();
    for (place, source) in [
        ("model.rs", "use reqwest::Client;"),
        ("model.rs", "use crate::store::Store;"),
        ("store/mod.rs", "use crate::{http::router, model::Reading};"),
        ("rest/client.rs", "fn f() -> crate::providers::genesys_cloud::Settings { loop {} }"),
        ("exposition/render.rs", "use super::super::store::Store;"),
        ("exposition/mod.rs", "mod inner { use super::super::rest::Client; }"),
        ("providers/genesys_cloud/usage/mod.rs", "use crate::providers::talkdesk::Settings;"),
        ("providers/genesys_cloud/mod.rs", "use super::talkdesk;"),
        ("providers/genesys_cloud/mod.rs", "fn f() { prometheus::gather(); }"),
        ("simulator/mod.rs", "use crate::config::Config;"),
        ("newcomer.rs", ""),
    ] {
        assert!(caught(place, source), "{place}: {source}");
    }
    for (place, source) in [
        ("model.rs", "// use reqwest::Client;\nuse std::fmt;"),
        ("rest/client.rs", "use reqwest::Client; use super::error::Error; use crate::model::Reading;"),
        ("exposition/mod.rs", "#[cfg(test)] mod tests { use crate::store::Store; }"),
        (
            "providers/genesys_cloud/usage/mod.rs",
            "use super::execution; use crate::providers::genesys_cloud::wire;",
        ),
    ] {
        assert!(!caught(place, source), "{place}: {source}");
    }
}

/// The places that know a vendor by name, as `docs/architecture.md` lists them for whoever adds another one.
const VENDOR_PLACES: &[&str] = &[
    "app/demo.rs",
    "app/launcher.rs",
    "artifacts/",
    "catalogue/mod.rs",
    "catalogue/talkdesk.rs",
    "config/environment.rs",
    "config/file.rs",
    "config/mod.rs",
    "config/redacted.rs",
    "config/talkdesk/",
    "config/thresholds.rs",
    "providers/mod.rs",
    "providers/talkdesk/",
    "reference.rs",
    "simulator/",
];

#[test]
fn a_vendor_is_known_only_where_the_documentation_says() {
    let known = |place: &Path| VENDOR_PLACES.iter().any(|known| place.to_str().unwrap().starts_with(known));
    for (place, source) in source() {
        let code = source.split("#[cfg(test)]\nmod tests").next().unwrap().to_lowercase();
        assert!(
            known(&place) || !code.contains("talkdesk"),
            "{} names a vendor: see `A vendor` in docs/architecture.md",
            place.display()
        );
    }
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md")).unwrap();
    let section = page.split("- *A vendor*:").nth(1).unwrap();
    for place in
        ["providers", "catalogue", "reference.rs", "config/file.rs", "config/redacted.rs", "app/launcher.rs"]
    {
        assert!(section.contains(place), "{place}");
    }
}
