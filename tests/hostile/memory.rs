//! Answers that would fill the memory of whoever kept them: the real program, measured.
//!
//! `VmHWM` of `/proc/PID/status` is the most memory that the process ever had, so nothing that was given back is missed.

use std::process::Stdio;
use std::time::{Duration, Instant};

use flate2::write::GzEncoder;
use flate2::{Compress, Compression, FlushCompress};
use std::io::Write;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use crate::support::{Metrics, poll_within};
use crate::vendor::{Kind, Reply, good, listen, organizations};

const MIB: u64 = 1024 * 1024;

/// A whole vendor answer, before the exporter looks at it, may be a gibibyte.
const HUGE: u64 = 1024 * MIB;

/// Unoptimized, and with other tests at its side, the program may need its time for them.
const PATIENCE: Duration = Duration::from_mins(4);

/// One at a time: they would take each other's processor.
static TURN: Mutex<()> = Mutex::const_new(());

/// Sent again and again.
const PIECE: usize = 64 * 1024;

struct Exporter {
    child: Child,
    url: String,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

impl Exporter {
    fn start(vendor: &str, name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "global: {{request_timeout: 60s}}\norganizations:\n{}",
            organizations(vendor, &[name.to_owned()])
        );
        std::fs::write(folder.path().join("ccaas-exporter.yml"), text).unwrap();
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_ccaas-exporter"))
            .args(["serve", &format!("--web.listen-address={address}")])
            .current_dir(folder.path())
            .env("NO_PROXY", "127.0.0.1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { child, url: format!("http://{address}"), http, _folder: folder }
    }

    async fn metrics(&self) -> Option<Metrics> {
        let answer = self.http.get(format!("{}/metrics", self.url)).send().await.ok()?;
        Some(Metrics::parse(&answer.text().await.ok()?))
    }

    /// The most memory that it ever had, in MiB.
    fn peak(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() / 1024
    }
}

/// Serves `spoil` from the first request on, and waits until every watched collector has ended a run as `expected` says: a reason,
/// or `""` for success. The process must stay below `limit` MiB.
async fn measure(
    name: &str,
    limit: u64,
    spoil: impl Fn(Kind) -> Option<Reply> + Send + Sync + 'static,
    expected: [&[&str]; 3],
) {
    let _turn = TURN.lock().await;
    let url = listen(move |request| {
        let kind = request.kind();
        spoil(kind).unwrap_or_else(|| Reply::body(good(kind)))
    })
    .await;
    let begun = Instant::now();
    let exporter = Exporter::start(&url, name);
    let watched = [
        (format!("{name}-g"), "usage"),
        (format!("{name}-g"), "oauth_clients"),
        (format!("{name}-t"), "usage"),
    ];
    let metrics = poll_within(PATIENCE, name, async || {
        let metrics = exporter.metrics().await?;
        let ended = watched.iter().all(|(organization, collector)| {
            let labels = [("organization", organization.as_str()), ("collector", *collector)];
            metrics.value("ccaas_exporter_collector_polls_total", &labels).unwrap() >= 1.0
        });
        ended.then_some(metrics)
    })
    .await;
    for ((organization, collector), expected) in watched.iter().zip(expected) {
        let labels = [("organization", organization.as_str()), ("collector", *collector)];
        let failed: Vec<&str> = metrics
            .of("ccaas_exporter_collector_failures_total", &labels)
            .filter(|sample| sample.value > 0.0)
            .map(|sample| sample.label("reason"))
            .collect();
        if expected.contains(&"") && failed.is_empty() {
            assert_eq!(
                metrics.value("ccaas_exporter_collector_up", &labels),
                Some(1.0),
                "{organization}/{collector}"
            );
        } else {
            assert!(
                !failed.is_empty() && failed.iter().all(|reason| expected.contains(reason)),
                "{organization}/{collector}: {failed:?} instead of {expected:?}"
            );
        }
    }
    let (peak, took) = (exporter.peak(), begun.elapsed());
    println!("{name}: peak {peak} MiB, {:.1} s", took.as_secs_f64());
    assert!(peak < limit, "{name}: the process had {peak} MiB, the bound is {limit}");
}

fn watched(kind: Kind) -> bool {
    matches!(kind, Kind::Rows | Kind::List | Kind::Page)
}

/// What stands before the rows of an answer.
fn head(kind: Kind) -> &'static str {
    match kind {
        Kind::Rows => r#"{"queryStatus":"SUCCEEDED","entities":["#,
        Kind::List => r#"{"pageCount":1,"entities":["#,
        _ => r#"{"_embedded":{"usage":["#,
    }
}

/// What stands behind them.
fn tail(kind: Kind) -> &'static str {
    match kind {
        Kind::Page => "]}}",
        _ => "]}",
    }
}

/// An answer with so many rows, made while it is sent.
fn rows(kind: Kind, count: usize, row: impl Fn(usize) -> String + Send + 'static) -> Reply {
    let mut numbers = 0..count;
    let pieces = std::iter::from_fn(move || {
        let mut piece = String::new();
        while piece.len() < PIECE {
            let Some(number) = numbers.next() else { break };
            if number > 0 {
                piece.push(',');
            }
            piece.push_str(&row(number));
        }
        (!piece.is_empty()).then(|| piece.into_bytes())
    });
    let whole = std::iter::once(head(kind).into()).chain(pieces).chain(std::iter::once(tail(kind).into()));
    Reply::stream("", whole)
}

/// A row that its kind understands.
fn row(kind: Kind, id: &str) -> String {
    match kind {
        Kind::Rows => {
            format!(r#"{{"date":"2026-11-19","oauthClient":{{"id":"{id}"}},"requestCount":1,"status200":1}}"#)
        }
        Kind::List => format!(r#"{{"id":"{id}","name":"n"}}"#),
        _ => format!(r#"{{"account_id":"a","product_id":"{id}","month":"2026-11","total_amount":1}}"#),
    }
}

/// Spaces, which are valid between any two values, without end.
fn spaces() -> impl Iterator<Item = Vec<u8>> + Send {
    std::iter::repeat_with(|| vec![b' '; PIECE])
}

const LIMIT: &[&str] = &["limit"];
const DECODE: &[&str] = &["decode"];

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_end() {
    let spoil = |kind| {
        let (start, fill) = if kind == Kind::Rows { ("{\"date\":\"", b'x') } else { ("", b' ') };
        let body = std::iter::once(format!("{}{start}", head(kind)).into())
            .chain(std::iter::repeat_with(move || vec![fill; PIECE]));
        watched(kind).then(|| Reply::stream("", body))
    };
    measure("endless", 128, spoil, [LIMIT, LIMIT, LIMIT]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gibibyte_of_json() {
    let spoil = |kind| {
        let count = usize::try_from(HUGE / PIECE as u64).unwrap();
        watched(kind).then(|| {
            let body = std::iter::once(head(kind).into())
                .chain(spaces().take(count))
                .chain(std::iter::once(tail(kind).into()));
            let length = HUGE + (head(kind).len() + tail(kind).len()) as u64;
            Reply::stream(&format!("Content-Length: {length}\r\n"), body)
        })
    };
    measure("gibibyte", 128, spoil, [&["limit", "timeout"], LIMIT, LIMIT]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mebibyte_that_unpacks_to_a_gibibyte() {
    // A mebibyte is deflated once, so that it can stand there again and again.
    let mut compress = Compress::new(Compression::best(), false);
    let mut block = Vec::with_capacity(PIECE);
    compress.compress_vec(&vec![b' '; 1 << 20], &mut block, FlushCompress::Full).unwrap();
    assert_eq!(compress.total_in(), 1 << 20);
    let bomb = move |kind: Kind| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(head(kind).as_bytes()).unwrap();
        encoder.flush().unwrap();
        [encoder.get_ref().clone(), block.repeat(1024)].concat()
    };
    let bombs = [Kind::Rows, Kind::List, Kind::Page].map(|kind| (kind, bomb(kind)));
    assert!(bombs.iter().all(|(_, bomb)| (bomb.len() as u64) < 2 * MIB));
    let spoil = move |kind| {
        let (_, bomb) = bombs.iter().find(|(bombed, _)| *bombed == kind)?;
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", bomb.len());
        Some(Reply::bytes([head.as_bytes(), bomb].concat()))
    };
    measure("bomb", 128, spoil, [&["limit", "timeout"], LIMIT, LIMIT]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_million_tiny_rows() {
    let spoil = |kind| watched(kind).then(|| rows(kind, 10_000_000, |_| "0".to_owned()));
    measure("tiny", 128, spoil, [&["decode", "timeout"], LIMIT, LIMIT]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn small_objects_that_take_a_hundred_times_their_room() {
    let spoil = |kind| watched(kind).then(|| rows(kind, 900_000, |_| r#"{"a":0}"#.to_owned()));
    measure("objects", 192, spoil, [&["decode", "timeout"], LIMIT, LIMIT]).await;
    let spoil = |kind| watched(kind).then(|| rows(kind, 140_000, |_| r#"{"a":0}"#.to_owned()));
    measure("fewer-objects", 256, spoil, [DECODE, DECODE, &["decode", "truncated"]]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_distinct_labels() {
    let spoil =
        |kind| watched(kind).then(|| rows(kind, 100_000, move |number| row(kind, &format!("id-{number}"))));
    // More series than an organization may have, or more values than an answer may have.
    measure("labels", 256, spoil, [LIMIT, LIMIT, LIMIT]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_of_a_mebibyte_each() {
    let long = |number: usize| format!("{number}-{}", "x".repeat(1 << 20));
    // A few are cut for show, in an answer whose length is allowed.
    let few = move |kind| watched(kind).then(|| rows(kind, 6, move |number| row(kind, &long(number))));
    measure("long", 192, few, [&[""], &[""], &[""]]).await;
    let many = move |kind| watched(kind).then(|| rows(kind, 400, move |number| row(kind, &long(number))));
    measure("many-long", 192, many, [LIMIT, LIMIT, LIMIT]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn long_labels_on_page_after_page() {
    let page = std::sync::atomic::AtomicUsize::new(0);
    let spoil = move |kind| {
        watched(kind).then(|| {
            let page = page.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let rows: Vec<_> = (0..6).map(|n| row(kind, &format!("{page}-{n}-{}", "x".repeat(1 << 20)))).collect();
            let rows = rows.join(",");
            Reply::body(match kind {
                Kind::Rows => format!(r#"{{"queryStatus":"SUCCEEDED","entities":[{rows}],"nextUri":"/x?after={page}"}}"#),
                Kind::List => format!(r#"{{"entities":[{rows}],"pageCount":1000}}"#),
                _ => format!(r#"{{"_embedded":{{"usage":[{rows}]}},"_links":{{"next":{{"href":"/x?cursor={page}"}}}}}}"#),
            })
        })
    };
    measure("pages", 320, spoil, [LIMIT, LIMIT, LIMIT]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_answer_without_end_for_everybody() {
    let spoil =
        |kind| (kind == Kind::Token).then(|| Reply { pause: Duration::ZERO, ..Reply::stream("", spaces()) });
    measure("token", 96, spoil, [LIMIT, LIMIT, LIMIT]).await;
}
