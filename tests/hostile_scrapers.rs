//! Ten thousand hostile connections against the real program, measured. Run by `scripts/hostile-scrapers.sh`.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, its figures are whole numbers, and this one has figures to tell"
)]

mod support;

use std::fs;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};

use support::served::read_to_end;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::task::JoinSet;

const HOSTILE: usize = 10_000;
const LASTING: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(5);
const SCRAPE: &str = "GET /metrics HTTP/1.1\r\nhost: x\r\n";

/// What a hostile client sends, and how it goes on.
async fn harass(address: SocketAddr, number: usize, until: Instant) -> usize {
    let mut opened = 0;
    while Instant::now() < until {
        let connecting = tokio::time::timeout(Duration::from_secs(5), TcpStream::connect(address));
        let Ok(Ok(mut stream)) = connecting.await else { continue };
        opened += 1;
        let text = match number % 6 {
            0 => String::new(),
            1 | 2 => "GET /metrics HTTP/1.1\r\nhost: ".to_owned(),
            3 => format!("{SCRAPE}\r\n"),
            4 => format!("{SCRAPE}\r\n").repeat(1_000),
            _ => "POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\nx".to_owned(),
        };
        if stream.write_all(text.as_bytes()).await.is_err() {
            continue;
        }
        // Silent or dribbling, but never reading, until the server closes.
        while Instant::now() < until {
            let second = Duration::from_secs(1);
            let is_closed = if number.is_multiple_of(6) {
                matches!(tokio::time::timeout(second, stream.peek(&mut [0])).await, Ok(Ok(0) | Err(_)))
            } else {
                tokio::time::sleep(second).await;
                matches!(tokio::time::timeout(second, stream.write_all(b"x")).await, Ok(Err(_)))
            };
            if is_closed {
                break;
            }
        }
        // A new one every few seconds each: the crowd is large, and not a flood that takes this machine's processors.
        tokio::time::sleep(PAUSE).await;
    }
    opened
}

/// A figure of the program from `/proc`.
fn figure(id: u32, file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{id}/{file}")).unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn descriptors(id: u32) -> usize {
    fs::read_dir(format!("/proc/{id}/fd")).unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute and 10,000 descriptors: scripts/hostile-scrapers.sh"]
async fn ten_thousand_hostile_connections_do_not_stop_a_scraper() {
    let files = rlimit::increase_nofile_limit(u64::MAX).unwrap();
    assert!(files > HOSTILE as u64 + 500, "only {files} files may be opened: raise `ulimit -Hn`");
    let mut child = Command::new(env!("CARGO_BIN_EXE_ccaas-exporter"))
        .args(["demo", "--web.listen-address=127.0.0.1:0", "--simulator.listen-address=127.0.0.1:0"])
        .args(["--log.level=error"])
        .kill_on_drop(true)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address: SocketAddr = loop {
        let line = lines.next_line().await.unwrap().expect("it says where it is");
        if let Some((_, url)) = line.split_once("metrics       http://") {
            break url.trim_end_matches("/metrics").parse().unwrap();
        }
    };
    support::poll("figures", async || {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(b"GET /-/ready HTTP/1.0\r\n\r\n").await.ok()?;
        read_to_end(&mut stream).await.contains("200 OK").then_some(())
    })
    .await;
    let (memory_before, descriptors_before) = (figure(id, "status", "VmRSS:"), descriptors(id));

    let until = Instant::now() + LASTING;
    let mut crowd = JoinSet::new();
    for number in 0..HOSTILE {
        crowd.spawn(harass(address, number, until));
        if number % 50 == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    let (mut times, mut refused, mut failed, mut most_descriptors, mut bytes) = (Vec::new(), 0, 0, 0, 0);
    while Instant::now() < until {
        let started = Instant::now();
        let scrape = async {
            let mut stream = TcpStream::connect(address).await.ok()?;
            let request = format!("{SCRAPE}accept-encoding: gzip\r\nconnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.ok()?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.ok()?;
            Some(answer)
        };
        match tokio::time::timeout(Duration::from_secs(10), scrape).await {
            Ok(Some(answer)) if answer.starts_with(b"HTTP/1.1 200") => {
                times.push(started.elapsed());
                bytes = answer.len();
            }
            Ok(Some(answer)) if answer.starts_with(b"HTTP/1.1 503") => refused += 1,
            _ => failed += 1,
        }
        most_descriptors = most_descriptors.max(descriptors(id));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let opened: usize = crowd.join_all().await.into_iter().sum();
    times.sort_unstable();
    assert!(!times.is_empty(), "{failed} scrapes, and all failed");
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "{opened} hostile connections by {HOSTILE} clients in {LASTING:?}\n\
         scrapes: {} good, {refused} told to come back, {failed} failed, {bytes} bytes each; median {:?}, p99 {:?}, slowest {:?}\n\
         memory: {} KiB before, {} KiB at the most; descriptors: {descriptors_before} before, {most_descriptors} at the most",
        times.len(),
        at(0.5),
        at(0.99),
        at(1.0),
        memory_before,
        figure(id, "status", "VmHWM:"),
    );
    assert!(times.len() > 100, "only {} scrapes", times.len());
    assert!((failed + refused) * 10 <= times.len(), "{failed} scrapes failed, {refused} were refused");
    assert!(at(0.99) < Duration::from_secs(1), "{:?}", at(0.99));
}
