//! A server of its own on real sockets, without collectors and vendors: for tests of connections.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use ccaas_exporter::serve::{Limits, Options, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::DEADLINE;

/// Deadlines that a test can wait for.
pub fn short() -> Limits {
    Limits {
        connections: 50,
        head: Duration::from_millis(300),
        idle: Duration::from_millis(900),
        stall: Duration::from_millis(400),
        answer: Duration::from_secs(20),
        farewell: Duration::from_millis(100),
        recheck: Duration::ZERO,
    }
}

pub struct Served {
    pub address: SocketAddr,
    pub stop: CancellationToken,
    pub task: JoinHandle<()>,
}

impl Served {
    /// Serves `router`, whose scrapes go to `/metrics`.
    pub async fn start(router: Router, options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let stop = CancellationToken::new();
        let server = Server::new(router, "/metrics".to_owned(), options, stop.clone());
        Self { address, stop, task: tokio::spawn(server.serve(listener)) }
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("the server accepts")
    }

    /// Sends `request` on a connection of its own, and reads until the server closes it.
    pub async fn ask(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.expect("sends");
        read_to_end(&mut stream).await
    }
}

/// What comes until the end, which may be abrupt.
pub async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let reading = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            text.extend_from_slice(&buffer[..count]);
        }
    };
    tokio::time::timeout(DEADLINE, reading).await.expect("the server closes the connection");
    String::from_utf8_lossy(&text).into_owned()
}

/// Reads one answer with a `content-length`.
pub async fn read_answer(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    let reading = async {
        loop {
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if body.len() >= length.expect("a length").parse().expect("a number") {
                    return;
                }
            }
            let mut buffer = [0; 4096];
            let count = stream.read(&mut buffer).await.expect("reads");
            assert!(count > 0, "the connection ended too early: {text}");
            text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    };
    tokio::time::timeout(DEADLINE, reading).await.expect("an answer");
    text
}
