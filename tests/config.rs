//! The configuration as its users meet it: what is refused and in which words, what the documentation shows, what
//! `/config` tells.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unnecessary_wraps,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

use std::fs;
use std::path::{Path, PathBuf};

use ccaas_exporter::config::{Config, Faults, HOW_TO_START, Provider};
use ccaas_exporter::providers::{genesys_cloud, talkdesk};
use proptest::prelude::*;

/// Stands as a secret, or where one may end up by mistake, in nearly every bad file.
const PLANTED: &str = "hunter2";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn environment(name: &str) -> Option<String> {
    match name {
        "SECRET" => Some(PLANTED.to_owned()),
        "PATTERN" => Some(format!("{PLANTED}(")),
        _ => None,
    }
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    files.sort();
    files
}

/// The settings of the first organization, which is one of Genesys Cloud.
fn genesys_cloud(config: &Config) -> &genesys_cloud::Settings {
    match &config.organizations[0].provider {
        Provider::GenesysCloud(settings) => settings,
        Provider::Talkdesk(_) => panic!("another provider"),
    }
}

/// The settings of the last organization, which is one of Talkdesk.
fn talkdesk(config: &Config) -> &talkdesk::Settings {
    match &config.organizations.last().unwrap().provider {
        Provider::Talkdesk(settings) => settings,
        Provider::GenesysCloud(_) => panic!("another provider"),
    }
}

fn parse(text: &str) -> Result<Config, Faults> {
    Config::parse(Path::new("test.yml"), text, &environment)
}

/// With `UPDATE_EXPECTED=1` the messages are written instead of compared; read the difference before committing it.
#[test]
fn bad_configurations_are_refused_in_these_words() {
    let bad = files("tests/fixtures/config", "yml");
    assert!(bad.len() >= 25, "only {} files", bad.len());
    for file in bad {
        let faults = Config::load(&file, &environment).expect_err(&format!("{} loads", file.display()));
        let folder = format!("{}/", file.parent().unwrap().display());
        let messages = format!("{faults}\n").replace(&folder, "");
        let expected = file.with_extension("expected");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&expected, &messages).unwrap();
        }
        assert_eq!(messages, fs::read_to_string(&expected).unwrap_or_default(), "{}", file.display());
        for text in [messages, format!("{faults:?}")] {
            // `hunter2.txt` is a path, which is no secret.
            assert!(!text.replace("hunter2.txt", "").contains("hunter"), "{} leaks: {text}", file.display());
        }
    }
}

/// A folder with the files that the examples of the documentation name.
fn documented_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("secrets")).unwrap();
    for organization in ["acme", "globex"] {
        fs::write(folder.path().join("secrets").join(organization), PLANTED).unwrap();
    }
    fs::write(folder.path().join("secrets/proxy"), format!("http://user:{PLANTED}@proxy:3128\n")).unwrap();
    let certificate = "-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n";
    fs::write(folder.path().join("ca.pem"), certificate).unwrap();
    folder
}

/// Every variable of an example has a value.
fn documented_environment(_: &str) -> Option<String> {
    Some(PLANTED.to_owned())
}

fn load_documented(folder: &tempfile::TempDir, text: &str) -> Result<Config, Faults> {
    Config::parse(&folder.path().join("ccaas-exporter.yml"), text, &documented_environment)
}

/// The fenced `yaml` blocks of a Markdown file that are whole configurations.
fn configurations_in(markdown: &str) -> Vec<String> {
    let blocks = markdown.split("\n```yaml\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    blocks
        .filter(|block| block.lines().any(|line| line.starts_with("organizations:")))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_configuration_in_the_documentation_loads() {
    let folder = documented_folder();
    let mut examples: Vec<(PathBuf, String)> = Vec::new();
    for file in files("docs/examples", "yml") {
        let text = fs::read_to_string(&file).unwrap();
        examples.push((file, text));
    }
    for file in files("docs", "md").into_iter().chain(files(".", "md")) {
        let text = fs::read_to_string(&file).unwrap();
        examples.extend(configurations_in(&text).into_iter().map(|block| (file.clone(), block)));
    }
    assert!(examples.len() >= 3, "only {} examples", examples.len());
    for (file, text) in examples {
        if let Err(faults) = load_documented(&folder, &text) {
            panic!("{}:\n{faults}\n{text}", file.display());
        }
    }
}

#[test]
fn the_file_in_the_help_loads() {
    let file = HOW_TO_START.split_once("--config.file:\n").unwrap().1;
    let config = load_documented(&documented_folder(), file).unwrap();
    assert_eq!(config.organizations[0].name, "acme");
}

#[test]
fn the_full_example_shows_the_defaults() {
    let folder = documented_folder();
    let minimal = load_documented(&folder, include_str!("../docs/examples/minimal.yml")).unwrap();
    let full = load_documented(&folder, include_str!("../docs/examples/full.yml")).unwrap();
    let [minimal, full] = [&minimal, &full].map(genesys_cloud);
    assert_eq!(format!("{:?}", minimal.usage), format!("{:?}", full.usage));
    assert_eq!(format!("{:?}", minimal.client_summary), format!("{:?}", full.client_summary));
    assert_eq!(format!("{:?}", minimal.oauth_clients), format!("{:?}", full.oauth_clients));
    assert_eq!((minimal.limits, minimal.billable_usage), (full.limits, full.billable_usage));
    assert_eq!(minimal.api_charge_pattern.as_str(), full.api_charge_pattern.as_str());
    assert_eq!(minimal.requests_per_minute, full.requests_per_minute);
    assert_eq!(minimal.api_url.as_str(), "https://api.mypurecloud.com/");
    assert_eq!(minimal.login_url.as_str(), "https://login.mypurecloud.com/");
}

#[test]
fn the_full_example_shows_the_defaults_of_what_must_be_asked_for() {
    let full = load_documented(&documented_folder(), include_str!("../docs/examples/full.yml")).unwrap();
    let least = "      collectors:\n        \
                 client_query: {enabled: true, clients: [4b1e7a52-0000-0000-0000-000000000000]}\n        \
                 searches: [{name: user changes, oauth_client_names: [nightly-sync], \
                 http_methods: [POST, PUT, PATCH, DELETE], template_uris: ['api/v2/users/{userId}']}]\n        \
                 app_client_usage: {enabled: true, clients: [c07d9f31-0000-0000-0000-000000000000]}\n";
    let least = parse(&one("acme", least)).unwrap();
    let [least, full] = [&least, &full].map(genesys_cloud);
    assert_eq!(format!("{:?}", least.client_query), format!("{:?}", full.client_query));
    assert_eq!(format!("{:?}", least.searches), format!("{:?}", full.searches));
    assert_eq!(format!("{:?}", least.app_client_usage), format!("{:?}", full.app_client_usage));
}

#[test]
fn the_full_example_shows_the_defaults_of_talkdesk() {
    let full = load_documented(&documented_folder(), include_str!("../docs/examples/full.yml")).unwrap();
    let minimal = parse(&one_of_talkdesk("account: globex")).unwrap();
    let [minimal, full] = [&minimal, &full].map(talkdesk);
    assert_eq!(minimal.usage, full.usage);
    assert_eq!(minimal.accounts, full.accounts);
    assert_eq!(minimal.products, full.products);
    assert_eq!(minimal.subscriptions, full.subscriptions);
    assert!(minimal.invoices.is_none() && full.invoices.is_none(), "invoices are off by default");
    assert_eq!(minimal.requests_per_second, full.requests_per_second);
}

#[test]
fn the_redacted_configuration_has_no_secret_and_loads_again() {
    let folder = documented_folder();
    let full = include_str!("../docs/examples/full.yml").replace("${GLOBEX_CLIENT_ID}", "00123");
    let config = load_documented(&folder, &full).unwrap();
    let redacted = config.redacted_yaml();
    for text in [redacted.clone(), format!("{config:?}")] {
        assert!(!text.contains(PLANTED), "{text}");
    }
    assert!(redacted.contains("client_secret: <secret>"), "{redacted}");
    let again = Config::parse(Path::new("elsewhere/copy.yml"), &redacted, &environment).unwrap();
    assert_eq!(again.redacted_yaml(), redacted);
    assert_eq!(format!("{again:?}"), format!("{config:?}"));
}

#[test]
fn an_inline_proxy_with_its_password_is_redacted() {
    let text = format!("global: {{proxy_url: 'http://user:{PLANTED}@proxy'}}\n{}", one("a", ""));
    let redacted = parse(&text).unwrap().redacted_yaml();
    assert!(redacted.contains("proxy_url: <secret>") && !redacted.contains(PLANTED), "{redacted}");
}

/// A configuration of one organization; `more` are further lines of its section.
fn one(name: &str, more: &str) -> String {
    let secret = "client_id: 00123\n      client_secret: x";
    format!(
        "organizations:\n  - name: {name}\n    genesys_cloud:\n      region: mypurecloud.de\n      {secret}\n{more}"
    )
}

/// A configuration of one Talkdesk organization that lives where `place` says.
fn one_of_talkdesk(place: &str) -> String {
    format!("organizations: [{{name: globex, talkdesk: {{{place}, client_id: 00123, client_secret: x}}}}]")
}

#[test]
fn a_talkdesk_organization_is_found_by_account_and_region_or_by_urls() {
    for (place, api_url, token_url) in [
        ("account: globex", "https://api.talkdeskapp.com/", "https://globex.talkdeskid.com/oauth/token"),
        (
            "account: globex, region: eu",
            "https://api.talkdeskapp.eu/",
            "https://globex.talkdeskid.eu/oauth/token",
        ),
        (
            "account: globex, region: ca",
            "https://api.talkdeskappca.com/",
            "https://globex.talkdeskidca.com/oauth/token",
        ),
        (
            "account: globex, region: au",
            "https://api.talkdeskapp.au/",
            "https://globex.talkdeskid.au/oauth/token",
        ),
        (
            "region: au, token_url: 'https://id.example/t'",
            "https://api.talkdeskapp.au/",
            "https://id.example/t",
        ),
        (
            "token_url: 'https://id.example/oauth/token'",
            "https://api.talkdeskapp.com/",
            "https://id.example/oauth/token",
        ),
        (
            "api_url: 'http://127.0.0.1:10089/td', token_url: 'http://localhost:10089/oauth/token', \
             rate_limit: {requests_per_second: 10000}",
            "http://127.0.0.1:10089/td/",
            "http://localhost:10089/oauth/token",
        ),
    ] {
        let config = parse(&one_of_talkdesk(place)).unwrap();
        let settings = talkdesk(&config);
        assert_eq!((settings.api_url.as_str(), settings.token_url.as_str()), (api_url, token_url), "{place}");
        assert_eq!(settings.client_id, "00123");
    }
}

#[test]
fn months_and_invoices_of_talkdesk_can_be_chosen() {
    let collectors = "account: globex, collectors: {usage: {months: 24}, accounts: {enabled: false}, \
                      invoices: {enabled: true, refresh: 12h, months: 36}}";
    let config = parse(&one_of_talkdesk(collectors)).unwrap();
    let settings = talkdesk(&config);
    assert_eq!((settings.usage.unwrap().months, settings.invoices.unwrap().months), (24, 36));
    assert_eq!(settings.invoices.unwrap().schedule.refresh.as_secs(), 12 * 3600);
    assert!(settings.accounts.is_none() && settings.products.is_some());
}

#[test]
fn text_is_taken_as_it_is_written() {
    let config = parse(&one("0x1F", "")).unwrap();
    assert_eq!(config.organizations[0].name, "0x1F");
    let settings = genesys_cloud(&config);
    assert_eq!(settings.client_id, "00123");
    assert_eq!(settings.api_url.as_str(), "https://api.mypurecloud.de/");
}

#[test]
fn a_short_refresh_shortens_the_default_timeout() {
    let more = "      collectors: {usage: {refresh: 10s}, oauth_clients: {enabled: false}}\n";
    let config = parse(&one("acme", more)).unwrap();
    let settings = genesys_cloud(&config);
    let schedule = settings.usage.as_ref().unwrap().schedule;
    assert_eq!(schedule.timeout.as_secs(), 9);
    assert!(settings.oauth_clients.is_none());
}

#[test]
fn a_simulator_on_this_machine_needs_no_tls_and_knows_no_vendor_limit() {
    let text = "organizations:\n  - name: acme\n    genesys_cloud:\n      api_url: http://127.0.0.1:10089/api\n      \
                login_url: http://[::1]:10089\n      client_id: demo\n      client_secret: demo-secret\n      \
                rate_limit: {requests_per_minute: 100000}\n";
    let config = parse(text).unwrap();
    let settings = genesys_cloud(&config);
    assert_eq!(settings.api_url.as_str(), "http://127.0.0.1:10089/api/");
    assert_eq!(settings.login_url.as_str(), "http://[::1]:10089/");
}

#[test]
fn a_missing_file_says_how_to_start() {
    let faults = Config::load(Path::new("/nowhere/ccaas-exporter.yml"), &environment).unwrap_err();
    assert!(
        faults.to_string().starts_with("/nowhere/ccaas-exporter.yml: there is no such file. How to start:")
    );
}

#[test]
fn a_file_that_is_no_text_or_too_large_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.yml");
    fs::write(&file, b"a: 1\nb: \xff\n").unwrap();
    let faults = Config::load(&file, &environment).unwrap_err().to_string();
    assert!(faults.ends_with("x.yml:2: expected UTF-8 text, found other bytes"), "{faults}");
    fs::write(&file, "#".repeat((1 << 20) + 1)).unwrap();
    assert!(Config::load(&file, &environment).unwrap_err().to_string().contains("larger than 1 MiB"));
    assert!(
        Config::load(folder.path(), &environment).unwrap_err().to_string().contains("cannot read the file")
    );
}

fn from_variables(variables: &[(&str, &str)]) -> Result<Option<Config>, Faults> {
    Config::from_environment(&|name| {
        variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn variables_alone_configure_one_organization() {
    let folder = documented_folder();
    let secret = folder.path().join("secrets/acme");
    let variables = [
        ("GENESYSCLOUD_REGION", "eu-central-1"),
        ("GENESYSCLOUD_OAUTHCLIENT_ID", "${NOT_REPLACED}"),
        ("GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE", secret.to_str().unwrap()),
        ("GENESYSCLOUD_OAUTHCLIENT_SECRET", ""),
    ];
    let config = from_variables(&variables).unwrap().unwrap();
    assert_eq!(config.organizations[0].name, "default");
    let settings = genesys_cloud(&config);
    assert_eq!(settings.client_id, "${NOT_REPLACED}");
    assert!(format!("{:?}", settings.client_secret).contains("secrets/acme"));
    assert!(settings.usage.is_some());
    assert!(from_variables(&[("CCAAS_EXPORTER_ORGANIZATION", "acme")]).unwrap().is_none());
}

#[test]
fn variables_of_talkdesk_configure_one_organization_too() {
    let variables = [
        ("CCAAS_EXPORTER_ORGANIZATION", "globex"),
        ("TALKDESK_ACCOUNT", "globex-emea"),
        ("TALKDESK_CLIENT_ID", "id"),
        ("TALKDESK_CLIENT_SECRET", PLANTED),
    ];
    let config = from_variables(&variables).unwrap().unwrap();
    assert_eq!(config.organizations[0].name, "globex");
    assert_eq!(talkdesk(&config).api_url.as_str(), "https://api.talkdeskapp.com/");
    let european = [variables.as_slice(), &[("TALKDESK_REGION", "eu")]].concat();
    let config = from_variables(&european).unwrap().unwrap();
    assert_eq!(talkdesk(&config).token_url.as_str(), "https://globex-emea.talkdeskid.eu/oauth/token");
}

#[test]
fn faults_of_the_variables_of_talkdesk_name_them() {
    let faults = from_variables(&[
        ("TALKDESK_ACCOUNT", "globex.example/"),
        ("TALKDESK_REGION", "mars"),
        ("TALKDESK_CLIENT_SECRET_FILE", "/nowhere/secret"),
    ])
    .unwrap_err();
    let faults = faults.to_string();
    for expected in [
        "environment: TALKDESK_ACCOUNT: expected the name of an account",
        "environment: TALKDESK_REGION: expected a region of Talkdesk (us, eu, ca, au), found \"mars\"",
        "environment: TALKDESK_CLIENT_ID: missing; expected the id of an OAuth client",
        "environment: TALKDESK_CLIENT_SECRET_FILE: cannot use the file",
    ] {
        assert!(faults.contains(expected), "{faults}");
    }
}

#[test]
fn variables_of_both_vendors_are_one_vendor_too_many() {
    let both = [("GENESYSCLOUD_REGION", "us-east-1"), ("TALKDESK_CLIENT_SECRET_FILE", "/nowhere")];
    assert_eq!(
        from_variables(&both).unwrap_err().to_string(),
        "environment: GENESYSCLOUD_REGION and TALKDESK_CLIENT_SECRET_FILE are both set; variables configure one \
         organization of one vendor: unset those of the other, or write a file"
    );
}

#[test]
fn a_secret_in_the_place_of_its_file_is_not_shown() {
    let variable = |name: &str| (name == "SECRET").then(|| PLANTED.to_owned());
    for value in ["${SECRET}", PLANTED] {
        let text = format!(
            "organizations: [{{name: a, genesys_cloud: {{region: us-east-1, client_id: b, client_secret_file: '{value}'}}}}]"
        );
        let faults = Config::parse(Path::new("c.yml"), &text, &variable).unwrap_err();
        assert!(faults.to_string().contains("client_secret_file: cannot use the file"), "{faults}");
        assert!(!format!("{faults} {faults:?}").contains(PLANTED));
    }
}

#[test]
fn every_fault_of_the_variables_names_its_variable() {
    let faults = from_variables(&[
        ("CCAAS_EXPORTER_ORGANIZATION", "\t"),
        ("GENESYSCLOUD_REGION_FILE", "/nowhere/region"),
        ("GENESYSCLOUD_OAUTHCLIENT_SECRET", PLANTED),
        ("GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE", "/nowhere/secret"),
    ])
    .unwrap_err();
    let expected = [
        "environment: GENESYSCLOUD_REGION: cannot use the file that GENESYSCLOUD_REGION_FILE names: \
             No such file or directory (os error 2)",
        "environment: GENESYSCLOUD_OAUTHCLIENT_ID: missing; expected the id of an OAuth client, here or in the file \
         GENESYSCLOUD_OAUTHCLIENT_ID_FILE",
        "environment: GENESYSCLOUD_OAUTHCLIENT_SECRET: GENESYSCLOUD_OAUTHCLIENT_SECRET and \
         GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE exclude each other; set one of them",
        "environment: CCAAS_EXPORTER_ORGANIZATION: expected a name for the organization, up to 128 characters, none of \
         them a control character, found \"\\t\"",
    ];
    assert_eq!(faults.iter().collect::<Vec<_>>(), expected);
    let region =
        [("GENESYSCLOUD_REGION", "mars"), ("GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE", "/nowhere/secret")];
    let faults = from_variables(&region).unwrap_err().to_string();
    assert!(faults.contains("environment: GENESYSCLOUD_REGION: expected an AWS region"), "{faults}");
    assert!(faults.contains("environment: GENESYSCLOUD_OAUTHCLIENT_SECRET_FILE: cannot use"), "{faults}");
}

proptest! {
    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = parse(&text);
    }

    /// Random edits of a right file reach further than random text.
    #[test]
    fn no_damaged_configuration_panics_or_tells_the_secret(start in 0_usize..1200, length in 0_usize..40, put in "[ \n:{}\\[\\],&*\"'$a-]{0,6}") {
        let full = include_str!("../docs/examples/full.yml").replace("${GLOBEX_CLIENT_SECRET}", PLANTED);
        let mut characters: Vec<char> = full.chars().collect();
        let end = (start + length).min(characters.len());
        characters.splice(start..end, put.chars());
        let text: String = characters.into_iter().collect();
        if let Err(faults) = parse(&text) {
            prop_assert!(!faults.to_string().contains(PLANTED), "{}", faults);
        }
    }

    #[test]
    fn a_redacted_name_reads_the_same(name in "[^\\p{Cc}]{1,40}") {
        prop_assume!(!name.trim().is_empty());
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"").replace("${", "$${");
        let config = parse(&one(&format!("\"{quoted}\""), "")).unwrap();
        prop_assert_eq!(&config.organizations[0].name, &name);
        let again = parse(&config.redacted_yaml()).unwrap();
        prop_assert_eq!(&again.organizations[0].name, &name);
    }
}
