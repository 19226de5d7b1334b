//! What the web configuration does to connections: TLS, client certificates, users, headers; and that it follows its files.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use ccaas_exporter::config::web;
use ccaas_exporter::serve::{Keeper, Options};
use reqwest::header::{CONTENT_SECURITY_POLICY, WWW_AUTHENTICATE, X_FRAME_OPTIONS};
use reqwest::tls::Version;
use reqwest::{Certificate, ClientBuilder, StatusCode};
use support::certificates::{Authority, Identity};
use support::poll;
use support::served::{Served, read_to_end, short};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

/// A server with a web configuration, and the folder of its files.
struct Stage {
    folder: TempDir,
    authority: Authority,
    served: Served,
}

const TLS: &str = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n";

impl Stage {
    /// `text` may name `server.pem`, `server.key` and `ca.pem`.
    async fn start(text: &str) -> Self {
        let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new("authority"));
        write(folder.path(), &authority.sign(&["localhost"]));
        fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        fs::write(folder.path().join("web.yml"), text).unwrap();
        let served = serve(&folder.path().join("web.yml")).await;
        Self { folder, authority, served }
    }

    fn configure(&self, text: &str) {
        fs::write(self.folder.path().join("web.yml"), text).unwrap();
    }

    fn client(&self) -> ClientBuilder {
        client(&self.authority)
    }

    async fn ask(&self, client: ClientBuilder) -> reqwest::Result<reqwest::Response> {
        ask(&self.served, client).await
    }

    /// The answer to a user of plain HTTP.
    async fn ask_as(&self, name: &str, password: &str) -> reqwest::Response {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}/", self.served.address);
        client.get(url).basic_auth(name, Some(password)).send().await.unwrap()
    }
}

fn write(folder: &Path, identity: &Identity) {
    fs::write(folder.join("server.pem"), &identity.certificate).unwrap();
    fs::write(folder.join("server.key"), &identity.key).unwrap();
}

async fn serve(path: &Path) -> Served {
    let path = path.to_owned();
    let keeper = Keeper::following(move || web::load(&path)).unwrap_or_else(|faults| panic!("{faults}"));
    let router = Router::new().route("/", get(async || "small\n"));
    Served::start(router, Options { keeper: Arc::new(keeper), limits: short(), ..Options::default() }).await
}

/// Trusts `authority` and nobody else.
fn client(authority: &Authority) -> ClientBuilder {
    let certificate = Certificate::from_pem(authority.pem().as_bytes()).unwrap();
    reqwest::Client::builder().no_proxy().tls_certs_only([certificate])
}

async fn ask(served: &Served, client: ClientBuilder) -> reqwest::Result<reqwest::Response> {
    let client = client.resolve("localhost", served.address).build().unwrap();
    client.get(format!("https://localhost:{}/", served.address.port())).send().await
}

fn identity(identity: &Identity) -> reqwest::Identity {
    reqwest::Identity::from_pem(format!("{}{}", identity.key, identity.certificate).as_bytes()).unwrap()
}

fn hash(password: &str) -> String {
    bcrypt::hash(password, 4).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_chosen_versions_are_spoken() {
    for (chosen, tls12, tls13) in [
        ("", true, true),
        ("  max_version: TLS12\n", true, false),
        ("  min_version: TLS13\n", false, true),
        (
            "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n  curve_preferences: [CurveP256]\n",
            true,
            true,
        ),
        ("  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n", false, true),
    ] {
        let stage = Stage::start(&format!("{TLS}{chosen}")).await;
        for (version, is_spoken) in [(Version::TLS_1_2, tls12), (Version::TLS_1_3, tls13)] {
            let client = stage.client().tls_version_min(version).tls_version_max(version);
            let answer = stage.ask(client).await;
            assert_eq!(answer.is_ok(), is_spoken, "{chosen:?} {version:?}: {answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn http2_is_spoken_if_the_configuration_says_so() {
    for (more, version) in [
        ("", reqwest::Version::HTTP_2),
        ("http_server_config: {http2: true}\n", reqwest::Version::HTTP_2),
        ("http_server_config: {http2: false}\n", reqwest::Version::HTTP_11),
    ] {
        let stage = Stage::start(&format!("{TLS}{more}")).await;
        let answer = stage.ask(stage.client()).await.unwrap();
        assert_eq!((answer.status(), answer.version()), (StatusCode::OK, version), "{more}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn client_certificates_are_checked_as_the_five_ways_have_it() {
    let stranger = Authority::new("stranger").sign(&["client"]);
    // Whether a client without a certificate, with one of a stranger, with a good one gets an answer.
    for (kind, expected) in [
        ("NoClientCert", [true, true, true]),
        ("RequestClientCert", [true, true, true]),
        ("RequireAnyClientCert", [false, true, true]),
        ("VerifyClientCertIfGiven", [true, false, true]),
        ("RequireAndVerifyClientCert", [false, false, true]),
    ] {
        let authority = if kind.contains("Verify") { "  client_ca_file: ca.pem\n" } else { "" };
        for version in ["TLS12", "TLS13"] {
            let text = format!("{TLS}  client_auth_type: {kind}\n  max_version: {version}\n{authority}");
            let stage = Stage::start(&text).await;
            let good = stage.authority.sign(&["client"]);
            let clients = [
                stage.client(),
                stage.client().identity(identity(&stranger)),
                stage.client().identity(identity(&good)),
            ];
            for (number, client) in clients.into_iter().enumerate() {
                let answer = stage.ask(client).await;
                assert_eq!(answer.is_ok(), expected[number], "{kind} {version} {number}: {answer:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_must_have_one_of_the_allowed_names() {
    let allowed =
        ["prometheus.example", "10.0.0.1", "2001:db8::1", "ops@example.com", "spiffe://example/prometheus"];
    for kind in ["RequireAndVerifyClientCert", "RequireAnyClientCert"] {
        let authority = if kind.contains("Verify") { "  client_ca_file: ca.pem\n" } else { "" };
        let text =
            format!("{TLS}  client_auth_type: {kind}\n  client_allowed_sans: {allowed:?}\n{authority}");
        let stage = Stage::start(&text).await;
        for (names, is_allowed) in [
            (vec!["prometheus.example"], true),
            (vec!["other.example", "10.0.0.1"], true),
            (vec!["2001:db8::1"], true),
            (vec!["mailto:ops@example.com"], true),
            (vec!["spiffe://example/prometheus"], true),
            (vec!["other.example"], false),
            (vec!["10.0.0.2"], false),
            (vec!["sub.prometheus.example"], false),
            (vec![], false),
        ] {
            let client = stage.client().identity(identity(&stage.authority.sign(&names)));
            assert_eq!(stage.ask(client).await.is_ok(), is_allowed, "{kind} {names:?}");
        }
        assert!(stage.ask(stage.client()).await.is_err(), "no certificate has no name");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_changes_without_a_restart_also_by_a_symbolic_link() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let authorities = ["first", "second", "third"].map(|name| {
        fs::create_dir(at(name)).unwrap();
        let authority = Authority::new(name);
        write(&at(name), &authority.sign(&["localhost"]));
        authority
    });
    // As Kubernetes does it: the files are links into a folder that is a link.
    std::os::unix::fs::symlink("first", at("..data")).unwrap();
    for name in ["server.pem", "server.key"] {
        std::os::unix::fs::symlink(Path::new("..data").join(name), at(name)).unwrap();
    }
    fs::write(at("web.yml"), TLS).unwrap();
    let served = serve(&at("web.yml")).await;
    assert!(ask(&served, client(&authorities[0])).await.is_ok());
    assert!(ask(&served, client(&authorities[1])).await.is_err());

    std::os::unix::fs::symlink("second", at("..next")).unwrap();
    fs::rename(at("..next"), at("..data")).unwrap();
    poll("the second certificate", async || ask(&served, client(&authorities[1])).await.ok()).await;
    assert!(ask(&served, client(&authorities[0])).await.is_err());

    // Half a change is none: the key of the third does not fit the certificate of the second.
    fs::copy(at("third/server.key"), at("second/server.key")).unwrap();
    for _ in 0..5 {
        assert!(ask(&served, client(&authorities[1])).await.is_ok(), "the last good one stays");
    }
    fs::copy(at("third/server.pem"), at("second/server.pem")).unwrap();
    poll("the third certificate", async || ask(&served, client(&authorities[2])).await.ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_of_clients_changes_without_a_restart() {
    let text = format!("{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n");
    let stage = Stage::start(&text).await;
    let (old, other) = (stage.authority.sign(&["client"]), Authority::new("other"));
    assert!(stage.ask(stage.client().identity(identity(&old))).await.is_ok());
    fs::write(stage.folder.path().join("ca.pem"), other.pem()).unwrap();
    let new = other.sign(&["client"]);
    poll("the other authority", async || stage.ask(stage.client().identity(identity(&new))).await.ok()).await;
    assert!(stage.ask(stage.client().identity(identity(&old))).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn users_and_headers_hold_for_every_answer_and_change_without_a_restart() {
    let text = |password: &str, frame: &str| {
        let hash = hash(password);
        format!(
            "basic_auth_users: {{alice: {hash}}}\nhttp_server_config: {{headers: {{X-Frame-Options: {frame}, Content-Security-Policy: default-src}}}}\n"
        )
    };
    let stage = Stage::start(&text("wonderland", "deny")).await;
    let url = format!("http://{}/", stage.served.address);
    let absent = reqwest::Client::builder().no_proxy().build().unwrap().get(&url).send().await.unwrap();
    assert_eq!(absent.status(), StatusCode::UNAUTHORIZED);
    assert!(absent.headers()[WWW_AUTHENTICATE].to_str().unwrap().starts_with("Basic realm="));
    // The second time is answered from memory.
    for _ in 0..2 {
        for (name, password, status) in [
            ("alice", "wonderland", StatusCode::OK),
            ("alice", "wrong", StatusCode::UNAUTHORIZED),
            ("mallory", "wonderland", StatusCode::UNAUTHORIZED),
        ] {
            let answer = stage.ask_as(name, password).await;
            assert_eq!(answer.status(), status, "{name} {password}");
            assert_eq!(answer.headers()[X_FRAME_OPTIONS], "deny");
            assert_eq!(answer.headers()[CONTENT_SECURITY_POLICY], "default-src");
        }
    }

    stage.configure(&text("looking-glass", "sameorigin"));
    poll("the new password", async || {
        (stage.ask_as("alice", "looking-glass").await.status() == StatusCode::OK).then_some(())
    })
    .await;
    let old = stage.ask_as("alice", "wonderland").await;
    assert_eq!(
        (old.status(), &old.headers()[X_FRAME_OPTIONS]),
        (StatusCode::UNAUTHORIZED, &"sameorigin".parse().unwrap())
    );

    for bad in [
        "basic_auth_users: {alice: x}\n",
        "basic_auth_user: {}\n",
        TLS,
        "",
        "# nothing yet\n",
        "basic_auth_users:\n",
    ] {
        stage.configure(bad);
        for _ in 0..5 {
            assert_eq!(stage.ask_as("alice", "looking-glass").await.status(), StatusCode::OK, "{bad}");
            assert_eq!(stage.ask_as("alice", "").await.status(), StatusCode::UNAUTHORIZED, "{bad}");
        }
    }
    fs::remove_file(stage.folder.path().join("web.yml")).unwrap();
    assert_eq!(stage.ask_as("alice", "looking-glass").await.status(), StatusCode::OK);
    assert_eq!(stage.ask_as("alice", "").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_cannot_be_switched_off_while_it_runs() {
    let stage = Stage::start(TLS).await;
    stage.configure("");
    for _ in 0..3 {
        assert!(stage.ask(stage.client()).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_beyond_the_rate_are_refused() {
    let stage = Stage::start("rate_limit: {interval: 1h, burst: 3}\n").await;
    for expected in [200, 200, 200, 429, 429] {
        assert_eq!(stage.ask_as("nobody", "").await.status(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_is_not_waited_for() {
    let stage = Stage::start(TLS).await;
    let mut silent = stage.served.connect().await;
    assert_eq!(read_to_end(&mut silent).await, "");
    // The first bytes of a ClientHello that does not go on.
    let mut half = stage.served.connect().await;
    half.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap();
    assert_eq!(read_to_end(&mut half).await, "");
    let plain = stage.served.ask("GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert!(!plain.contains("small"), "{plain}");
    assert!(stage.ask(stage.client()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_with_http2_rests_and_ends_like_another() {
    let stage = Stage::start(TLS).await;
    let client = stage.client().resolve("localhost", stage.served.address).build().unwrap();
    let url = format!("https://localhost:{}/", stage.served.address.port());
    for _ in 0..3 {
        let all: Vec<_> = (0..50).map(|_| client.get(&url).send()).collect();
        for answer in futures_util::future::join_all(all).await {
            assert_eq!(answer.unwrap().text().await.unwrap(), "small\n");
        }
        tokio::time::sleep(Duration::from_millis(450)).await;
    }
    stage.served.stop.cancel();
    tokio::time::timeout(support::DEADLINE, stage.served.task).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_nobody_reads_make_room_whatever_else_is_asked_on_their_connection() {
    let stage = Stage::start(TLS).await;
    let path = stage.folder.path().join("web.yml");
    let keeper = Keeper::following(move || web::load(&path)).unwrap_or_else(|faults| panic!("{faults}"));
    let router = Router::new()
        .route("/", get(async || "small\n"))
        .route("/metrics", get(async || "x".repeat(300_000)));
    let options = Options { keeper: Arc::new(keeper), max_requests: 2, ..Options::default() };
    let served = Served::start(router, options).await;
    let client = |builder: ClientBuilder| builder.resolve("localhost", served.address).build().unwrap();
    let url = |path| format!("https://localhost:{}{path}", served.address.port());

    let hostile = client(stage.client().http2_initial_stream_window_size(1_000));
    let mut unread = Vec::new();
    for _ in 0..2 {
        let answer = hostile.get(url("/metrics")).send().await.unwrap();
        assert_eq!((answer.status(), answer.version()), (StatusCode::OK, reqwest::Version::HTTP_2));
        unread.push(answer);
    }
    let ask_for_ever = async || {
        loop {
            // It fails when the connection is closed, which is the point.
            let _ = hostile.get(url("/")).send().await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let asking = futures_util::future::join_all((0..8).map(|_| ask_for_ever()));
    let scraper = client(stage.client());
    let scraping = poll("a place", async || {
        let answer = scraper.get(url("/metrics")).send().await.ok()?;
        (answer.status() == StatusCode::OK).then_some(())?;
        answer.text().await.ok()
    });
    let got = tokio::select! { got = scraping => got, _ = asking => unreachable!("they ask for ever") };
    assert_eq!(got.len(), 300_000);
}
