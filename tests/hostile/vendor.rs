//! A vendor on a bare socket, which sends whatever bytes a test says, and an exporter with many organizations before it: each
//! talks to a path of its own, so that many kinds of malice are tried at once.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ccaas_exporter::config::{Config, Provider};
use ccaas_exporter::simulator::{Options, Simulator};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{
    Metrics, Stage, Vendor, fixed_clock, scripted::TOKEN, set_refresh, set_talkdesk_refresh,
};

/// The bytes of an answer, in the pieces in which they are sent; the connection is closed behind them.
pub type Pieces = Box<dyn Iterator<Item = Vec<u8>> + Send>;

/// A request: who asks, for what, and its head as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    /// The first segment of the path: the organization.
    pub organization: String,
    /// The rest of the path, with its query.
    pub path: String,
    pub head: String,
}

/// An answer.
pub struct Reply {
    pub pieces: Pieces,
    /// The time between two pieces.
    pub pause: Duration,
}

impl Reply {
    /// These bytes and no more.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self { pieces: Box::new(std::iter::once(bytes.into())), pause: Duration::ZERO }
    }

    /// A head, and a body that ends with the connection.
    pub fn stream(headers: &str, body: impl Iterator<Item = Vec<u8>> + Send + 'static) -> Self {
        let head = format!("HTTP/1.1 200 OK\r\n{headers}\r\n").into_bytes();
        Self { pieces: Box::new(std::iter::once(head).chain(body)), pause: Duration::ZERO }
    }

    /// A body as it should be sent.
    pub fn body(body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        Self::bytes([head.as_bytes(), body].concat())
    }
}

/// Listens and answers until the test ends; tells where.
pub async fn listen(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            // An exporter that hangs up in the middle is what many tests want.
            tokio::spawn(async move { serve(stream, &*answer).await.ok() });
        }
    });
    url
}

async fn serve(
    mut stream: TcpStream,
    answer: &(dyn Fn(&Request) -> Reply + Send + Sync),
) -> std::io::Result<()> {
    let (read, mut write) = stream.split();
    let mut read = BufReader::new(read);
    let mut head = String::new();
    while read.read_line(&mut head).await? > 2 {}
    if head.is_empty() {
        return Ok(());
    }
    let length = head
        .to_ascii_lowercase()
        .lines()
        .find_map(|line| Some(line.strip_prefix("content-length:")?.trim().parse().unwrap()));
    let mut body = vec![0; length.unwrap_or(0)];
    read.read_exact(&mut body).await?;
    let mut words = head.split(' ').map(str::to_owned);
    let (method, target) = (words.next().unwrap(), words.next().unwrap_or_default());
    let (organization, path) = target.trim_start_matches('/').split_once('/').unwrap_or((&target, ""));
    let request = Request { method, organization: organization.to_owned(), path: path.to_owned(), head };
    let Reply { pieces, pause } = answer(&request);
    for piece in pieces {
        write.write_all(&piece).await?;
        tokio::time::sleep(pause).await;
    }
    write.shutdown().await
}

/// Seven clients, each with ten requests on one of the newest days.
pub fn usage_rows() -> String {
    let row = |n: usize| {
        format!(
            r#"{{"date":"2026-11-{}","oauthClient":{{"id":"c{n}","name":"n"}},"requestCount":10,"status200":10}}"#,
            14 + n
        )
    };
    (0..7).map(row).collect::<Vec<_>>().join(",")
}

/// Which kind of answer a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Token,
    /// The rows of a Genesys Cloud job, read while they arrive.
    Rows,
    /// The Genesys Cloud client list, read whole.
    List,
    /// The monthly usage of Talkdesk, read whole.
    Page,
    Other,
}

impl Request {
    pub fn kind(&self) -> Kind {
        match (&*self.method, &*self.path) {
            (_, path) if path.contains("oauth/token") => Kind::Token,
            ("GET", path) if path.contains("query/jobs/") => Kind::Rows,
            (_, path) if path.contains("oauth/clients") => Kind::List,
            (_, path) if path.contains("usage/month") => Kind::Page,
            _ => Kind::Other,
        }
    }
}

/// What a vendor in health answers.
pub fn good(kind: Kind) -> String {
    match kind {
        // It lives so short that it is asked for again and again.
        Kind::Token => TOKEN.replace("86400", "1"),
        Kind::Rows => format!(r#"{{"queryStatus":"SUCCEEDED","entities":[{}]}}"#, usage_rows()),
        Kind::List => r#"{"entities":[{"id":"a","name":"n"},{"id":"b","name":"m"}],"pageCount":1,"total":2}"#.to_owned(),
        Kind::Page => r#"{"_embedded":{"usage":[{"id":"1","account_id":"a","month":"2026-11","product_id":"p","type":"CALL","unit":"MINUTES","currency":"USD","number_of_units":10,"total_amount":10}]},"page":1,"per_page":250,"total":1,"total_pages":1}"#.to_owned(),
        Kind::Other => r#"{"id":"job"}"#.to_owned(),
    }
}

/// The collectors that are watched, with the family that tells whether their figures are there.
pub const WATCHED: [(&str, Kind, &str); 3] = [
    ("usage", Kind::Rows, "genesyscloud_api_client_trailing_requests"),
    ("oauth_clients", Kind::List, "genesyscloud_oauth_client_info"),
    ("usage", Kind::Page, "talkdesk_usage_amount"),
];

/// An organization of each vendor below `url`, for each name: `x-g` of Genesys Cloud, `x-t` of Talkdesk.
pub fn organizations(url: &str, names: &[String]) -> String {
    let one = |name: &String| {
        format!(
            "  - {{name: '{name}-g', genesys_cloud: {{api_url: '{url}/{name}-g', login_url: '{url}/{name}-g', client_id: x, client_secret: y, \
             rate_limit: {{requests_per_minute: 100000}}, collectors: {}}}}}\n  - {{name: '{name}-t', talkdesk: {{api_url: '{url}/{name}-t', \
             token_url: '{url}/{name}-t/oauth/token', client_id: x, client_secret: y, rate_limit: {{requests_per_second: 10000}}, \
             collectors: {{accounts: {{enabled: false}}, products: {{enabled: false}}, subscriptions: {{enabled: false}}}}}}}}\n",
            crate::support::only("usage: {lookback: 1d, endpoints: 0, timeout: 40s}, oauth_clients: {}")
        )
    };
    names.iter().map(one).collect()
}

/// A stage before `url`, whose collectors run again and again.
pub async fn stage(url: &str, names: &[String], request_timeout: Duration) -> Stage {
    let text = format!("global: {{concurrency: 64}}\norganizations:\n{}", organizations(url, names));
    let mut config = Config::parse(Path::new("test.yml"), &text, &|_| None).expect("a good configuration");
    config.global.request_timeout = request_timeout;
    for organization in &mut config.organizations {
        match &mut organization.provider {
            Provider::GenesysCloud(settings) => set_refresh(settings, Duration::from_secs(1)),
            Provider::Talkdesk(settings) => set_talkdesk_refresh(settings, Duration::from_secs(1)),
        }
    }
    let simulator = Simulator::new(Options::new(fixed_clock()));
    let vendor = Vendor::start(simulator.clone(), "127.0.0.1:0").await;
    Stage::start(config, fixed_clock(), simulator, vendor).await
}

/// Good figures first; then `spoil` answers each organization, whose name is that of a case. Every watched collector must fail for
/// one of the reasons that `expected` tells for its case and kind, again and again, and keep its figures. Returns the last scrape.
pub async fn keeps_good_figures(
    cases: &[String],
    request_timeout: Duration,
    spoil: impl Fn(&str, &Request) -> Option<Reply> + Send + Sync + 'static,
    expected: impl Fn(&str, Kind) -> &'static [&'static str],
) {
    let spoilt = Arc::new(AtomicBool::new(false));
    let (is_spoilt, asked) = (spoilt.clone(), Arc::new(Mutex::new(BTreeSet::new())));
    let seen = asked.clone();
    let url = listen(move |request| {
        let case = request.organization.rsplit_once('-').map_or("", |(case, _)| case);
        seen.lock().unwrap().insert(request.organization.clone());
        let spoil = is_spoilt.load(Ordering::SeqCst).then(|| spoil(case, request)).flatten();
        spoil.unwrap_or_else(|| Reply::body(good(request.kind())))
    })
    .await;
    let stage = stage(&url, cases, request_timeout).await;
    let watched: Vec<(String, &str, Kind, &str)> = cases
        .iter()
        .flat_map(|case| {
            WATCHED.map(|(collector, kind, family)| {
                let vendor = if kind == Kind::Page { "t" } else { "g" };
                (format!("{case}-{vendor}"), collector, kind, family)
            })
        })
        .collect();
    let figures = |metrics: &Metrics, organization: &str, family: &str| {
        let labels = [("organization", organization)];
        metrics.of(family, &labels).map(|sample| sample.value).collect::<Vec<_>>()
    };
    let good = stage
        .until("figures everywhere", |metrics| {
            watched
                .iter()
                .all(|(organization, _, _, family)| !figures(metrics, organization, family).is_empty())
        })
        .await;
    spoilt.store(true, Ordering::SeqCst);
    let failures = |metrics: &Metrics, organization: &str, collector: &str| -> Vec<(String, f64)> {
        let labels = [("organization", organization), ("collector", collector)];
        let failed = metrics
            .of("ccaas_exporter_collector_failures_total", &labels)
            .filter(|sample| sample.value > 0.0);
        failed.map(|sample| (sample.label("reason").to_owned(), sample.value)).collect()
    };
    let wanted: Vec<_> = watched
        .iter()
        .filter(|(organization, _, kind, _)| !expected(case(organization), *kind).is_empty())
        .collect();
    let bad = stage
        .until_or("a failure of every collector for its reason", |metrics| {
            let missing: Vec<_> = wanted
                .iter()
                .filter(|(organization, collector, kind, _)| {
                    let reasons = expected(case(organization), *kind);
                    let failed = failures(metrics, organization, collector);
                    !failed.iter().any(|(reason, _)| reasons.contains(&&**reason))
                })
                .map(|(organization, collector, ..)| {
                    format!("{organization}/{collector} {:?}", failures(metrics, organization, collector))
                })
                .collect();
            if missing.is_empty() { Ok(()) } else { Err(missing.join(" ")) }
        })
        .await;
    for (organization, collector, kind, family) in wanted {
        let reasons = expected(case(organization), *kind);
        for (reason, _) in failures(&bad, organization, collector) {
            // A machine with much else to do may be late as well.
            assert!(
                reasons.contains(&&*reason) || reason == "timeout",
                "{organization}/{collector}: {reason} instead of {reasons:?}"
            );
        }
        let labels = [("organization", organization.as_str()), ("collector", *collector)];
        assert_eq!(
            bad.value("ccaas_exporter_collector_up", &labels),
            Some(0.0),
            "{organization}/{collector}"
        );
        assert_eq!(
            figures(&bad, organization, family),
            figures(&good, organization, family),
            "{organization}: the figures stay"
        );
    }
    assert_eq!(stage.get("/-/healthy").await.status(), 200);
    assert_eq!(asked.lock().unwrap().len(), 2 * cases.len(), "every organization asked");
    stage.stop().await;
}

fn case(organization: &str) -> &str {
    organization.rsplit_once('-').map_or("", |(case, _)| case)
}
