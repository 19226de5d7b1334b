//! Connections on real sockets: slow, silent, greedy and many clients, and what a well-behaved one notices of them.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use ccaas_exporter::app;
use ccaas_exporter::serve::{Limits, Options, Server};
use support::served::{Served, read_answer, read_to_end, short};
use support::{Setup, poll};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
const GET_AND_CLOSE: &str = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
const SCRAPE: &str = "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n";

/// Much more than the buffers between two sockets.
const LARGE: usize = 64 << 20;

fn options(limits: Limits) -> Options {
    Options { limits, ..Options::default() }
}

/// Counts the bodies that are being sent.
#[derive(Clone, Default)]
struct Sending(Arc<AtomicUsize>);

struct Counted(Sending);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Sending {
    /// A large body in small parts.
    fn body(&self) -> Body {
        self.0.fetch_add(1, Ordering::SeqCst);
        let (part, counted) = (Bytes::from(vec![b'x'; 64 << 10]), Counted(self.clone()));
        let parts = (0..LARGE / part.len()).map(move |_| {
            let _ = &counted;
            Ok::<_, std::io::Error>(part.clone())
        });
        Body::from_stream(futures_util::stream::iter(parts))
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// `/` is small, `/large` and `/metrics` are large.
fn router(sending: &Sending) -> Router {
    let (large, metrics) = (sending.clone(), sending.clone());
    Router::new()
        .route("/", get(async || "small\n"))
        .route("/large", get(async move || large.body()))
        .route("/metrics", get(async move || metrics.body()))
}

async fn small(limits: Limits) -> Served {
    Served::start(router(&Sending::default()), options(limits)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_dribbles_or_never_comes_is_not_waited_for() {
    let served = small(short()).await;
    let silent = async {
        let started = Instant::now();
        assert_eq!(read_to_end(&mut served.connect().await).await, "");
        started.elapsed()
    };
    let dribbling = async {
        let (started, mut stream) = (Instant::now(), served.connect().await);
        while stream.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
            assert!(started.elapsed() < support::DEADLINE, "it is still open");
        }
        started.elapsed()
    };
    let (silent, dribbling) = tokio::join!(silent, dribbling);
    for took in [silent, dribbling] {
        assert!(took >= short().head && took < Duration::from_secs(30), "{took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_may_rest_between_requests_for_longer_than_a_head_may_take() {
    let served = small(short()).await;
    let mut stream = served.connect().await;
    for _ in 0..2 {
        stream.write_all(GET.as_bytes()).await.unwrap();
        assert!(read_answer(&mut stream).await.ends_with("small\n"));
        // More than a head may take, less than the rest.
        tokio::time::sleep(short().head * 2).await;
    }
    let started = Instant::now();
    assert_eq!(read_to_end(&mut stream).await, "");
    assert!(started.elapsed() < support::DEADLINE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_is_bounded() {
    let served = small(short()).await;
    let long = "x".repeat(15_000);
    let fits = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {long}\r\nconnection: close\r\n\r\n");
    assert!(served.ask(&fits).await.starts_with("HTTP/1.1 200"));
    let endless = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}", "x".repeat(17_000));
    assert!(served.ask(&endless).await.starts_with("HTTP/1.1 431"));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(200));
    assert!(served.ask(&many).await.starts_with("HTTP/1.1 431"));
    assert!(served.ask("no request at all\r\n\r\n").await.starts_with("HTTP/1.1 400"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_not_waited_for() {
    let served = small(short()).await;
    for body in ["content-length: 1000000000\r\n\r\nabc", "transfer-encoding: chunked\r\n\r\n5\r\nabc"] {
        for method in ["POST", "GET"] {
            let started = Instant::now();
            let answer = served.ask(&format!("{method} / HTTP/1.1\r\nhost: x\r\n{body}")).await;
            let status = if method == "GET" { "HTTP/1.1 200" } else { "HTTP/1.1 405" };
            assert!(answer.starts_with(status), "{answer}");
            assert!(started.elapsed() < Duration::from_secs(10));
        }
    }
    // A body that has come is no reason to end the connection.
    let mut stream = served.connect().await;
    for _ in 0..3 {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc").await.unwrap();
        assert!(read_answer(&mut stream).await.ends_with("small\n"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_does_not_read_is_closed() {
    let sending = Sending::default();
    let served = Served::start(router(&sending), options(short())).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    poll("the answer to begin", async || (sending.count() == 1).then_some(())).await;
    poll("the answer to be given up", async || (sending.count() == 0).then_some(())).await;
    assert!(read_to_end(&mut stream).await.len() < LARGE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_slowly_gets_everything() {
    let sending = Sending::default();
    let served = Served::start(router(&sending), options(short())).await;
    let mut stream = served.connect().await;
    stream.write_all(b"GET /large HTTP/1.0\r\n\r\n").await.unwrap();
    let (mut buffer, mut total, started) = (vec![0; 4 << 20], 0, Instant::now());
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        total += count;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(total > LARGE, "{total} bytes in {:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_sent_ahead_are_answered_in_turn_and_do_not_pile_up() {
    let served = small(short()).await;
    let mut stream = served.connect().await;
    let ahead = GET.repeat(99) + GET_AND_CLOSE;
    stream.write_all(ahead.as_bytes()).await.unwrap();
    assert_eq!(read_to_end(&mut stream).await.matches("small\n").count(), 100);

    // Nobody reads these answers, so the requests must come to a stop too.
    let mut stream = served.connect().await;
    let (ahead, started) = (GET.repeat(1_000), Instant::now());
    let mut sent = 0_usize;
    while let Ok(Ok(())) =
        tokio::time::timeout(Duration::from_secs(20), stream.write_all(ahead.as_bytes())).await
    {
        sent += ahead.len();
        assert!(sent < 256 << 20, "{sent} bytes were taken");
    }
    assert!(started.elapsed() < Duration::from_secs(20), "it was not closed");
}

/// Opens hostile connections of every kind, without an end.
async fn harass(address: std::net::SocketAddr, number: usize, kept: &mut Vec<TcpStream>) {
    let Ok(mut stream) = TcpStream::connect(address).await else { return };
    let text = match number % 5 {
        0 => "",
        1 => "GET /metrics HTTP/1.1\r\nhost: ",
        2 => SCRAPE,
        3 => "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\nx",
        _ => GET,
    };
    let _ = stream.write_all(text.as_bytes()).await;
    kept.push(stream);
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_hostile_connections_do_not_keep_out_a_scraper() {
    const HOSTILE: usize = 3_000;
    const SMALL_SCRAPE: &str = "GET /scrape HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    rlimit::increase_nofile_limit(16_384).unwrap();
    let sending = Sending::default();
    let small = Router::new()
        .route("/", get(async || "small\n"))
        .route("/scrape", get(async || "small\n"))
        .merge(Router::new().route(
            "/metrics",
            get({
                let sending = sending.clone();
                async move || sending.body()
            }),
        ));
    // The usual deadlines: none of them comes to the rescue here.
    let limits = Limits { connections: 500, ..Limits::default() };
    let served = Served::start(small, options(limits)).await;
    let address = served.address;
    let attack = tokio::spawn(async move {
        let mut kept = Vec::new();
        for number in 0..HOSTILE {
            harass(address, number, &mut kept).await;
        }
        kept
    });
    let (mut scrapes, mut cut_off, mut slowest) = (0, 0, Duration::ZERO);
    while !attack.is_finished() || scrapes < 20 {
        let started = Instant::now();
        let answer = served.ask(SMALL_SCRAPE).await;
        if answer.ends_with("small\n") {
            scrapes += 1;
            slowest = slowest.max(started.elapsed());
        } else {
            // 500 others came while the machine did not get round to this one.
            assert_eq!(answer, "");
            cut_off += 1;
        }
        assert!(cut_off <= 1 + scrapes / 20, "{cut_off} scrapes were cut off, {scrapes} were not");
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?} in {scrapes} scrapes");
    let kept = attack.await.unwrap();
    assert!(kept.len() > HOSTILE / 2, "only {} attacked", kept.len());
    // At rest the crowd is as large as it may be, and a scraper is still let in.
    let answer = served.ask(SMALL_SCRAPE).await;
    assert!(answer.ends_with("small\n"), "{answer}");
    // Those that gave their places away may take a moment to end.
    poll("40 scrapes in flight at the most", async || (sending.count() <= 40).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn scrapes_beyond_the_limit_are_told_to_come_back() {
    let (go, waiting) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let scrape = {
        let (go, waiting) = (go.clone(), waiting.clone());
        async move || {
            waiting.fetch_add(1, Ordering::SeqCst);
            go.notified().await;
            "figures\n"
        }
    };
    let router = Router::new().route("/metrics", get(scrape)).route("/-/healthy", get(async || "healthy\n"));
    let served = Served::start(router, Options { max_requests: 2, ..Options::default() }).await;
    let mut streams = [served.connect().await, served.connect().await];
    for stream in &mut streams {
        stream.write_all(SCRAPE.as_bytes()).await.unwrap();
    }
    poll("two scrapes in flight", async || (waiting.load(Ordering::SeqCst) == 2).then_some(())).await;
    let mut third = served.connect().await;
    third.write_all(SCRAPE.as_bytes()).await.unwrap();
    let refused = read_answer(&mut third).await;
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("retry-after: 1"), "{refused}");
    assert!(refused.contains("--web.max-requests"), "{refused}");
    third.write_all(b"GET /-/healthy HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(read_answer(&mut third).await.ends_with("healthy\n"));
    // The work for a client that has gone goes on, and keeps its place until it is done.
    let [first, second] = streams;
    drop(second);
    third.write_all(SCRAPE.as_bytes()).await.unwrap();
    assert!(read_answer(&mut third).await.starts_with("HTTP/1.1 503"));
    go.notify_waiters();
    let mut first = first;
    assert!(read_answer(&mut first).await.ends_with("figures\n"));
    go.notify_one();
    third.write_all(SCRAPE.as_bytes()).await.unwrap();
    assert!(read_answer(&mut third).await.ends_with("figures\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_beyond_their_own_limit_are_told_to_come_back_and_nothing_else_is() {
    let (go, waiting) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let page = {
        let (go, waiting) = (go.clone(), waiting.clone());
        async move || {
            waiting.fetch_add(1, Ordering::SeqCst);
            go.notified().await;
            "a page\n"
        }
    };
    let router = Router::new()
        .route("/", get(page.clone()))
        .route("/api/v1/status", get(page))
        .route("/metrics", get(async || "figures\n"))
        .route("/-/healthy", get(async || "healthy\n"));
    let served = Served::start(router, Options { max_requests: 1, ..Options::default() }).await;
    let ask = async |stream: &mut TcpStream, path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
    };
    let mut streams = Vec::new();
    for path in ["/", "/api/v1/status"].repeat(4) {
        let mut stream = served.connect().await;
        ask(&mut stream, path).await;
        streams.push(stream);
    }
    poll("eight pages in the making", async || (waiting.load(Ordering::SeqCst) == 8).then_some(())).await;
    let mut other = served.connect().await;
    for path in ["/?q=x", "/api/v1/status?organization=acme"] {
        ask(&mut other, path).await;
        let refused = read_answer(&mut other).await;
        assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("retry-after: 1"), "{refused}");
        assert!(refused.contains("too many pages"), "{refused}");
    }
    for (path, answer) in [("/metrics", "figures\n"), ("/-/healthy", "healthy\n")] {
        ask(&mut other, path).await;
        assert!(read_answer(&mut other).await.ends_with(answer), "{path}");
    }
    go.notify_waiters();
    for stream in &mut streams {
        assert!(read_answer(stream).await.ends_with("a page\n"));
    }
    go.notify_one();
    ask(&mut other, "/").await;
    assert!(read_answer(&mut other).await.ends_with("a page\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn scrapes_that_nobody_reads_make_room_for_others() {
    let sending = Sending::default();
    let options = Options { max_requests: 3, ..Options::default() };
    let served = Served::start(router(&sending), options).await;
    let mut unread = Vec::new();
    for count in 1..=3 {
        let mut stream = served.connect().await;
        stream.write_all(SCRAPE.as_bytes()).await.unwrap();
        unread.push(stream);
        poll("the answer to begin", async || (sending.count() == count).then_some(())).await;
    }
    let got = poll("a place", async || {
        let answer = served.ask("GET /metrics HTTP/1.0\r\n\r\n").await;
        answer.starts_with("HTTP/1.0 200").then_some(answer.len())
    })
    .await;
    assert!(got > LARGE);
    assert!(sending.count() <= 2, "one of them had to go");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_listener_is_served_also_by_ipv6() {
    let stop = CancellationToken::new();
    let router = router(&Sending::default());
    let server = Server::new(router, "/metrics".to_owned(), Options::default(), stop.clone());
    let mut addresses = Vec::new();
    for address in ["127.0.0.1:0", "[::1]:0", ":0"] {
        let listener = app::listen(address, "--web.listen-address").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        match address {
            // Every address of the machine, IPv6 and IPv4.
            ":0" => addresses.extend([format!("127.0.0.1:{port}"), format!("[::1]:{port}")]),
            one => addresses.push(one.replace(":0", &format!(":{port}"))),
        }
        tokio::spawn(server.clone().serve(listener));
    }
    for address in addresses {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream.write_all(GET_AND_CLOSE.as_bytes()).await.unwrap();
        assert!(read_to_end(&mut stream).await.ends_with("small\n"), "{address}");
    }
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_waits_for_answers_and_for_nobody_else() {
    let go = Arc::new(Notify::new());
    let (begun, wait) = (Arc::new(Notify::new()), go.clone());
    let router = Router::new().route("/", get(async || "small\n")).route("/metrics", {
        let begun = begun.clone();
        get(async move || {
            begun.notify_one();
            wait.notified().await;
            "figures\n"
        })
    });
    let served = Served::start(router, options(short())).await;
    let mut silent = served.connect().await;
    let mut resting = served.connect().await;
    resting.write_all(GET.as_bytes()).await.unwrap();
    read_answer(&mut resting).await;
    let mut scraping = served.connect().await;
    scraping.write_all(SCRAPE.as_bytes()).await.unwrap();
    begun.notified().await;
    served.stop.cancel();
    assert_eq!(read_to_end(&mut silent).await, "");
    assert_eq!(read_to_end(&mut resting).await, "");
    poll("the listener to close", async || TcpStream::connect(served.address).await.err()).await;
    assert!(!served.task.is_finished(), "a scrape is in flight");
    go.notify_waiters();
    assert!(read_to_end(&mut scraping).await.ends_with("figures\n"));
    tokio::time::timeout(support::DEADLINE, served.task).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exporter_itself_serves_within_bounds() {
    let mut setup = Setup::new();
    setup.serving.limits = short();
    let stage = setup.start().await;
    stage.ready().await;
    let address = stage.url.trim_start_matches("http://");
    let mut silent = TcpStream::connect(address).await.unwrap();
    assert_eq!(read_to_end(&mut silent).await, "", "it is not kept");
    assert_eq!(stage.get("/metrics").await.status(), 200);
    stage.stop().await;
}
