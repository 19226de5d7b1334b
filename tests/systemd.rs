//! The real program under a service manager: sockets that are passed to it, and what it tells; and what it does with a bad web
//! configuration.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram as StdDatagram;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use support::certificates::Authority;
use support::poll;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::UnixDatagram;
use tokio::process::{Child, Command};

const PROGRAM: &str = env!("CARGO_BIN_EXE_ccaas-exporter");

/// Its vendor does not exist, which is nobody's business here.
const CONFIG: &str = "organizations: [{name: acme, genesys_cloud: {api_url: 'http://127.0.0.1:1', login_url: 'http://127.0.0.1:1', \
                      client_id: x, client_secret: y}}]\n";

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ccaas-exporter.yml"), CONFIG).unwrap();
    folder
}

/// A command in `folder`, of whose environment the test has a say in everything.
fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env_clear().kill_on_drop(true).stdin(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Ends the program as a service manager does, and gives its exit code.
async fn terminate(child: &mut Child) -> Option<i32> {
    let id = child.id().expect("it runs").to_string();
    let killed = std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(killed.success());
    tokio::time::timeout(Duration::from_secs(20), child.wait()).await.unwrap().unwrap().code()
}

/// Waits for a message that has `line`.
async fn told(socket: &UnixDatagram, line: &str) {
    let waiting = async {
        let mut buffer = [0; 1024];
        loop {
            let count = socket.recv(&mut buffer).await.unwrap();
            if String::from_utf8_lossy(&buffer[..count]).lines().any(|found| found == line) {
                return;
            }
        }
    };
    tokio::time::timeout(support::DEADLINE, waiting).await.unwrap_or_else(|_| panic!("nobody says {line}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_manager_is_told_of_beginning_life_and_end() {
    let folder = folder();
    let path = folder.path().join("notify");
    let socket = StdDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let socket = UnixDatagram::from_std(socket).unwrap();
    let mut child = command(PROGRAM, folder.path())
        .arg("--web.listen-address=127.0.0.1:0")
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "200000")
        .spawn()
        .unwrap();
    told(&socket, "READY=1").await;
    for _ in 0..3 {
        told(&socket, "WATCHDOG=1").await;
    }
    let end = async { terminate(&mut child).await };
    let (code, ()) = tokio::join!(end, told(&socket, "STOPPING=1"));
    assert_eq!(code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_that_are_passed_are_served_in_the_place_of_addresses() {
    let folder = folder();
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    // The shell puts the socket where a service manager puts it, and becomes the program, so that the process is the right one.
    let script = "exec env LISTEN_FDS=1 LISTEN_PID=$$ \"$0\" \"$@\" 3<&0 0</dev/null";
    let mut child = command("/bin/sh", folder.path())
        .args(["-c", script, PROGRAM, "--web.systemd-socket", "--web.listen-address=256.0.0.1:1"])
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::from(OwnedFd::from(socket)))
        .spawn()
        .unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    poll("an answer", async || {
        let answer = http.get(format!("http://{address}/-/healthy")).send().await.ok()?;
        (answer.status() == 200).then_some(())
    })
    .await;
    assert_eq!(terminate(&mut child).await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_socket_is_said_to_be_missing() {
    let folder = folder();
    let output = command(PROGRAM, folder.path()).arg("--web.systemd-socket").output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("has passed no socket"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_web_configuration_ends_the_program_before_a_port_is_bound() {
    let folder = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("--web.listen-address={}", taken.local_addr().unwrap());
    fs::write(folder.path().join("web.yml"), "basic_auth_user: {}\nrate_limits: {}\n").unwrap();
    fs::write(folder.path().join("bad.yml"), "organisations: []\n").unwrap();
    let run = async |arguments: &[&str]| {
        let output = command(PROGRAM, folder.path()).args(arguments).output().await.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = run(&[&address, "--web.config.file=web.yml"]).await;
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("web.yml:1: basic_auth_user:") && said.contains("web.yml:2: rate_limits:"),
        "{said}"
    );
    let (code, said) = run(&[&address, "--web.config.file=web.yml", "--config.file=bad.yml"]).await;
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("web.yml:1:") && said.contains("bad.yml:1:"), "both are told: {said}");
    let (code, said) = run(&[&address, "--web.config.file=none.yml", "--config.check"]).await;
    assert_eq!(code, Some(2), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_serves_encrypted_on_every_address() {
    let folder = folder();
    let authority = Authority::new("authority");
    let server = authority.sign(&["localhost", "127.0.0.1", "::1"]);
    fs::write(folder.path().join("server.pem"), server.certificate).unwrap();
    fs::write(folder.path().join("server.key"), server.key).unwrap();
    let web = "tls_server_config: {cert_file: server.pem, key_file: server.key}\n";
    fs::write(folder.path().join("web.yml"), web).unwrap();
    let mut child = command(PROGRAM, folder.path())
        .args(["--web.listen-address=127.0.0.1:0", "--web.listen-address=[::1]:0"])
        .env("CCAAS_EXPORTER_WEB_CONFIG_FILE", "web.yml")
        .env("CCAAS_EXPORTER_WEB_MAX_REQUESTS", "1")
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut addresses = Vec::new();
    let listening = async {
        while addresses.len() < 2 {
            let line = log.next_line().await.unwrap().expect("it says where it listens");
            let words = line.contains("listening").then(|| line.split(' '));
            let address = words.and_then(|mut words| words.find_map(|word| word.strip_prefix("address=")));
            addresses.extend(address.map(|address| address.trim_matches('"').to_owned()));
        }
    };
    tokio::time::timeout(support::DEADLINE, listening).await.expect("it listens on both");
    tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
    let certificate = reqwest::Certificate::from_pem(authority.pem().as_bytes()).unwrap();
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([certificate]).build().unwrap();
    for address in &addresses {
        let metrics = poll("an answer", async || {
            http.get(format!("https://{address}/metrics")).send().await.ok()?.text().await.ok()
        })
        .await;
        assert!(metrics.contains("ccaas_exporter_build_info"), "{address}");
    }
    assert_eq!(terminate(&mut child).await, Some(0));
}
