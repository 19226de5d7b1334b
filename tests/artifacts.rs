//! The `artifacts` command: everything that is there is embedded, what is written is accepted by the programs it is for, and nothing
//! of anybody else's is overwritten.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use regex::Regex;
use serde_json::Value;
use support::program;

fn command(folder: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ccaas-exporter"))
        .arg("artifacts")
        .arg(format!("--output.directory={}", folder.display()))
        .args(more)
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8([output.stdout.as_slice(), &output.stderr].concat()).unwrap()
}

fn written(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

/// A folder as the command writes it.
fn all() -> (tempfile::TempDir, BTreeMap<String, String>) {
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path(), &[]);
    assert!(output.status.success(), "{}", said(&output));
    let files = written(folder.path());
    (folder, files)
}

/// The files of the sources that are delivered: where they are, and where they are written to.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = BTreeMap::new();
    for (from, to, ending) in [
        ("dashboards", "dashboards/", "json"),
        ("dashboards/rules", "rules/", "yml"),
        ("docs/runbooks", "runbooks/", "md"),
        ("packaging/compose", "", ""),
    ] {
        for (name, text) in written(&root.join(from)) {
            if name.ends_with(ending) && (from == "packaging/compose" || !name.contains('/')) {
                sources.insert(format!("{to}{name}"), text);
            }
        }
    }
    for (from, to) in [("dashboards/thresholds.yml", "thresholds.yml"), ("docs/alerts.md", "alerts.md")] {
        sources.insert(to.to_owned(), fs::read_to_string(root.join(from)).unwrap());
    }
    sources
}

#[test]
fn every_file_there_is_is_written_and_no_other() {
    let (_folder, files) = all();
    let sources = sources();
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&files), names(&sources), "src/artifacts/files.rs has the list of what is embedded");
    for (name, text) in &files {
        assert_eq!(text, &sources[name], "{name}");
    }
}

#[test]
fn it_says_what_it_wrote_and_leaves_what_is_right_alone() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("made/on/the/way");
    let output = command(&inner, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let count = written(&inner).len();
    assert_eq!(said(&output).matches("written  ").count(), count);
    assert!(said(&output).contains("made/on/the/way/rules/alerts.yml"));

    let again = command(&inner, &[]);
    assert_eq!(again.status.code(), Some(0));
    assert_eq!(said(&again).matches("unchanged  ").count(), count, "{}", said(&again));
}

#[test]
fn a_file_that_differs_stops_it_before_anything_is_written() {
    let (folder, files) = all();
    let mine = folder.path().join("rules/recording.yml");
    fs::write(&mine, "groups: []\n").unwrap();
    let lost = folder.path().join("prometheus.yml");
    fs::remove_file(&lost).unwrap();

    for flags in [&[][..], &["--force-samples"]] {
        let output = command(folder.path(), flags);
        assert_eq!(output.status.code(), Some(2));
        let said = said(&output);
        assert!(said.contains("rules/recording.yml") && said.contains("--force"), "{said}");
        assert_eq!(fs::read_to_string(&mine).unwrap(), "groups: []\n");
        assert!(!lost.exists(), "nothing is written beside a file that differs");
    }

    let output = command(folder.path(), &["--force"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("replaced") && said(&output).contains("written"), "{}", said(&output));
    assert_eq!(written(folder.path()), files, "no other file is left behind");
}

#[test]
fn a_sample_that_somebody_edited_is_kept_with_a_word_until_its_own_flag_is_given() {
    let (folder, files) = all();
    let samples =
        ["alertmanager.yml", "compose.yaml", "grafana/provisioning/datasources/ccaas.yml", "prometheus.yml"];
    for name in samples {
        fs::write(folder.path().join(name), format!("# {name} of ours\n")).unwrap();
    }
    fs::write(folder.path().join("alerts.md"), "").unwrap();
    let output = command(folder.path(), &["--force"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(said(&output).matches("replaced ").count(), 1, "{}", said(&output));
    let after = written(folder.path());
    for (name, text) in &files {
        if samples.contains(&name.as_str()) {
            assert_eq!(after[name], format!("# {name} of ours\n"));
            let line = said(&output).lines().find(|line| line.contains(name)).unwrap().to_owned();
            assert!(line.starts_with("kept ") && line.contains("differs from the sample"), "{line}");
        } else {
            assert_eq!(&after[name], text);
        }
    }
    assert_eq!(command(folder.path(), &["--force-samples"]).status.code(), Some(0));
    assert_eq!(written(folder.path()), files);
}

#[test]
fn thresholds_that_are_edited_in_the_folder_hold_there_until_others_are_named() {
    let (folder, files) = all();
    let edited = "fair_use: {overage_amount: 777}\n";
    fs::write(folder.path().join("thresholds.yml"), edited).unwrap();
    let output = command(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2), "the alerts differ now");
    let is_named = |name: &str| said(&output).lines().any(|line| line.trim().ends_with(name));
    assert!(is_named("rules/alerts.yml") && !is_named("thresholds.yml"), "{}", said(&output));
    assert_eq!(command(folder.path(), &["--force"]).status.code(), Some(0));
    let after = written(folder.path());
    assert_eq!(after["thresholds.yml"], edited);
    assert!(after["rules/alerts.yml"].contains("overage_forecast_amount > 777\n"));

    let others = tempfile::tempdir().unwrap();
    let path = others.path().join("others.yml");
    fs::write(&path, &files["thresholds.yml"]).unwrap();
    let output = command(folder.path(), &["--force", &format!("--thresholds={}", path.display())]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(written(folder.path()), files);

    fs::write(folder.path().join("thresholds.yml"), "fair_use:\n  overage_amout: 1\n").unwrap();
    let output = command(folder.path(), &["--force"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("thresholds.yml:2: fair_use.overage_amout: unknown key"),
        "{}",
        said(&output)
    );
}

#[test]
fn what_is_replaced_keeps_its_permissions_and_links_are_followed_to_plain_files_only() {
    let (folder, files) = all();
    let elsewhere = tempfile::tempdir().unwrap();
    let (link, target) = (folder.path().join("rules/recording.yml"), elsewhere.path().join("recording.yml"));
    fs::write(&target, "groups: []\n").unwrap();
    fs::set_permissions(&target, Permissions::from_mode(0o640)).unwrap();
    fs::remove_file(&link).unwrap();
    symlink(&target, &link).unwrap();
    assert_eq!(command(folder.path(), &[]).status.code(), Some(2), "what it leads to differs");
    let output = command(folder.path(), &["--force"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&target).unwrap(), files["rules/recording.yml"]);
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1, "no other file is left behind");

    fs::remove_file(&target).unwrap();
    for flags in [&[][..], &["--force", "--force-samples"]] {
        let output = command(folder.path(), flags);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            said(&output).contains("recording.yml: a link is there that leads nowhere"),
            "{}",
            said(&output)
        );
        assert!(!target.exists() && fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}

#[test]
fn it_says_that_alerts_link_to_a_path_until_there_is_an_address() {
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path(), &[]);
    let place = folder.path().display();
    for expected in [
        "The alerts link to docs/runbooks, which is a path".to_owned(),
        format!("Set runbook_url in {place}/thresholds.yml"),
        format!("The pages are in {place}/runbooks."),
    ] {
        assert!(said(&output).contains(&expected), "{expected}: {}", said(&output));
    }
    let files = written(folder.path());
    let named = Regex::new(r"runbook_url: docs/(runbooks/\w+\.md)").unwrap();
    let links: Vec<&str> =
        named.captures_iter(&files["rules/alerts.yml"]).map(|link| link.get(1).unwrap().as_str()).collect();
    assert!(links.len() > 20 && links.iter().all(|link| files.contains_key(*link)), "{links:?}");

    fs::write(folder.path().join("thresholds.yml"), "runbook_url: https://wiki.example.com/runbooks\n")
        .unwrap();
    let output = command(folder.path(), &["--force"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(!said(&output).contains("link to"), "{}", said(&output));
    assert!(written(folder.path())["rules/alerts.yml"].contains("https://wiki.example.com/runbooks/Ccaas"));
}

#[test]
fn what_cannot_be_written_is_a_failure_of_the_run() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("compose.yaml")).unwrap();
    let output = command(folder.path(), &["--force"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("compose.yaml: something is there that is no plain file"),
        "{}",
        said(&output)
    );

    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let output = command(&file, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}

#[test]
fn thresholds_of_a_file_are_rendered_and_kept_beside_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    let thresholds = folder.path().join("mine.yml");
    let text = "# ours\nfair_use: {overage_amount: 12345}\nwait: {figures: 0s}\nexporter_job: 'phones:1'\n";
    fs::write(&thresholds, text).unwrap();
    let out = folder.path().join("out");
    let flag = format!("--thresholds={}", thresholds.display());
    let output = command(&out, &[&flag]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let files = written(&out);
    assert_eq!(files["thresholds.yml"], text);
    assert!(files["rules/alerts.yml"].contains("overage_forecast_amount > 12345\n"));
    assert!(files["rules/alerts.yml"].contains("for: 0s\n"));
    assert!(files["rules/alerts.yml"].contains("up{job=\"phones:1\"} == 0"));
    assert_eq!(files["prometheus.yml"].matches("job_name: \"phones:1\"\n").count(), 2);
    assert!(!files["prometheus.yml"].contains("job_name: ccaas-exporter"));
    let (good, told) =
        program("promtool", &["check", "config", out.join("prometheus.yml").to_str().unwrap()], "");
    assert!(good, "{told}");
    let (good, told) =
        program("promtool", &["check", "rules", out.join("rules/alerts.yml").to_str().unwrap()], "");
    assert!(good, "{told}");
}

#[test]
fn faults_of_thresholds_are_wrong_use_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let thresholds = folder.path().join("mine.yml");
    fs::write(&thresholds, "fair_use:\n  overage_amout: 1\nclients: {idle_days: 0}\n").unwrap();
    let out = folder.path().join("out");
    let output = command(&out, &[&format!("--thresholds={}", thresholds.display())]);
    assert_eq!(output.status.code(), Some(2));
    for expected in [
        "mine.yml:2: fair_use.overage_amout: unknown key; did you mean overage_amount?",
        "mine.yml:3: clients.idle_days: ",
    ] {
        assert!(said(&output).contains(expected), "{}", said(&output));
    }
    assert!(!out.exists());
    let output = command(&out, &["--thresholds=/nowhere/at-all.yml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("there is no such file"), "{}", said(&output));
}

#[test]
fn prometheus_and_alertmanager_take_their_configurations() {
    let (folder, _) = all();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (good, told) = program("promtool", &["check", "config", &path("prometheus.yml")], "");
    assert!(good && told.contains("2 rule files found"), "{told}");
    let (good, told) = program("amtool", &["check-config", &path("alertmanager.yml")], "");
    assert!(good, "{told}");
}

#[test]
fn the_job_with_service_discovery_is_a_good_one_too() {
    let (folder, files) = all();
    let sample = &files["prometheus.yml"];
    let (before, rest) = sample.split_once("  - job_name: ccaas-exporter\n").unwrap();
    let (_, commented) = rest.split_once("  #\n").unwrap();
    let lines: Vec<String> = commented.lines().map(|line| line.replacen("  # ", "  ", 1)).collect();
    let uncommented = lines.join("\n");
    let path = folder.path().join("with-discovery.yml");
    fs::write(&path, format!("{before}{uncommented}")).unwrap();
    let (good, told) = program("promtool", &["check", "config", path.to_str().unwrap()], "");
    assert!(good, "{told}\n{before}{uncommented}");
    assert!(uncommented.contains("http_sd_configs") && uncommented.contains("target_label: instance"));
}

#[test]
fn alerts_go_to_their_audience() {
    let (folder, _) = all();
    let config = format!("--config.file={}", folder.path().join("alertmanager.yml").display());
    for (labels, receiver) in [
        (["audience=finops", "severity=critical"], "finops"),
        (["audience=finops", "severity=warning"], "finops"),
        (["audience=platform", "severity=warning"], "platform"),
        (["audience=exporter", "severity=critical"], "exporter"),
        (["audience=finops", "severity=info"], "info"),
    ] {
        let (good, told) =
            program("amtool", &["config", "routes", "test", &config, labels[0], labels[1]], "");
        assert!(good && told.lines().any(|line| line == receiver), "{labels:?} goes to {told}");
    }
}

#[test]
fn no_alert_mutes_those_of_another_organization() {
    let (_folder, files) = all();
    let config: Value = serde_saphyr::from_str(&files["alertmanager.yml"]).unwrap();
    let rules = config["inhibit_rules"].as_array().unwrap();
    assert!(rules.len() > 1);
    for rule in rules {
        let equal = rule["equal"].as_array().unwrap_or_else(|| panic!("mutes everything: {rule}"));
        assert!(equal.iter().any(|label| label == "organization"), "{rule}");
    }
}

#[test]
fn alertmanager_remembers_longer_than_it_waits_to_repeat() {
    let (_folder, files) = all();
    let number = |text: &str, pattern: &str| -> Vec<u64> {
        let pattern = Regex::new(pattern).unwrap();
        pattern.captures_iter(text).map(|found| found[1].parse().unwrap()).collect()
    };
    let days = number(&files["alertmanager.yml"], r"repeat_interval: (\d+)d\n");
    assert_eq!(days.len(), files["alertmanager.yml"].matches("repeat_interval:").count(), "another unit");
    let hours = number(&files["compose.yaml"], r"--data\.retention=(\d+)h\n");
    assert!(hours[0] > 24 * days.iter().max().unwrap(), "{hours:?} {days:?}");
}

#[test]
fn compose_is_pinned_listens_here_only_and_mounts_what_is_written() {
    let (_folder, files) = all();
    let compose: Value = serde_saphyr::from_str(&files["compose.yaml"]).unwrap();
    let services = compose["services"].as_object().unwrap();
    assert_eq!(services.keys().collect::<Vec<_>>(), ["alertmanager", "exporter", "grafana", "prometheus"]);
    for (name, service) in services {
        let (_, tag) = service["image"].as_str().unwrap().split_once(':').unwrap();
        assert!(
            tag.starts_with(|first: char| first.is_ascii_digit() || first == 'v') && tag.contains('.'),
            "{name}: {tag}"
        );
        for port in service["ports"].as_array().unwrap() {
            assert!(
                port.as_str().unwrap().starts_with("127.0.0.1:"),
                "{name} listens beyond this machine: {port}"
            );
        }
        for volume in service["volumes"].as_array().unwrap() {
            let (from, _) = volume.as_str().unwrap().split_once(':').unwrap();
            let is_there = match from.strip_prefix("./") {
                Some(place) => {
                    files.keys().any(|file| file == place || file.starts_with(&format!("{place}/")))
                }
                None => compose["volumes"].as_object().unwrap().contains_key(from),
            };
            assert!(is_there, "{name} mounts {from}, which is not there");
        }
    }
    assert_eq!(
        compose["services"]["exporter"]["image"],
        format!("ccaas-exporter:{}", env!("CARGO_PKG_VERSION"))
    );
    // A password is a file that has to be made, and none is in the text.
    assert!(compose["secrets"]["grafana_admin_password"]["file"].is_string());
    let environment = compose["services"]["grafana"]["environment"].as_object().unwrap();
    for key in environment.keys().filter(|key| key.contains("PASSWORD")) {
        assert!(key.ends_with("__FILE"), "{key}");
    }
}
