//! Serves connections within bounds: nobody who connects can take more than a share of memory, descriptors or time.
//!
//! | what | bound |
//! |---|---|
//! | connections | [`Limits::connections`]; beyond it the one without news for the longest time is closed for the new one |
//! | TLS handshake, head of a request | [`Limits::head`] of time, 16 KiB |
//! | body of a request | never read: no route takes one |
//! | a client that does not read | for each answer: [`Limits::stall`] without a byte taken (in HTTP/2 a piece of 16 KiB), [`Limits::answer`] in all |
//! | a connection at rest | [`Limits::idle`] |
//! | requests sent ahead | one is answered after the other, what lies ahead stays in the buffer of 16 KiB; 16 streams in HTTP/2 |
//! | scrapes in flight | [`Options::max_requests`] |
//! | pages in flight: `/`, `/api/v1/status` | 8 |
//! | guesses of a password | one at a time, a short queue |

mod activity;
mod body;
mod connection;
mod crowd;
mod gate;
mod keeper;
mod scrapes;
mod tls;
mod users;

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crowd::Crowd;
use scrapes::Scrapes;

pub use gate::{RateLimit, Settings};
pub use keeper::Keeper;
pub use tls::{Authority, CIPHER_SUITES, CURVES, ClientAuth, Tls, certificates, private_key, server_config};
pub use users::{HIGHEST_COST, LOWEST_COST, Users, cost};

/// Scrapes in flight unless told otherwise, as in `node_exporter`.
pub const DEFAULT_MAX_REQUESTS: usize = 40;

/// Pages in flight. A person waits for one, and that of a thousand organizations takes a good part of a second and some megabytes.
const MOST_PAGES: usize = 8;

/// Beyond this, more connections only cost memory: an exporter has a handful of scrapers.
const MOST_CONNECTIONS: usize = 2_000;

/// Bytes that the operating system keeps of a connection in each direction; left alone, it takes megabytes.
const SOCKET_BUFFER: usize = 128 * 1024;

/// How long to wait after an `accept` that failed: the reason (no descriptor is free) does not go away at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Failing to accept is logged this often at the most.
const ACCEPT_COMPLAINTS: Duration = Duration::from_mins(1);

/// How much a connection may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at a time.
    pub connections: usize,
    /// From the first byte of a request (or the connection's start) to the end of its head.
    pub head: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// How long a client may take none of the bytes that wait for it.
    pub stall: Duration,
    /// From a request to the last byte of its answer.
    pub answer: Duration,
    /// How long a connection that is not being answered is kept after the order to stop.
    pub farewell: Duration,
    /// How often the files of the web configuration are looked at.
    pub recheck: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: MOST_CONNECTIONS,
            head: Duration::from_secs(10),
            idle: Duration::from_mins(2),
            stall: Duration::from_secs(30),
            answer: Duration::from_mins(5),
            farewell: Duration::from_millis(500),
            recheck: Duration::from_secs(1),
        }
    }
}

impl Limits {
    /// The defaults for a process that may open as many files as the operating system allows it, which is asked for. Half of them
    /// are for connections; the rest is for the vendors and for files.
    #[must_use]
    pub fn of_this_process() -> Self {
        let limits = Self::default();
        match rlimit::increase_nofile_limit(u64::MAX) {
            Ok(files) => {
                let half = usize::try_from(files / 2).unwrap_or(usize::MAX);
                Self { connections: half.clamp(1, MOST_CONNECTIONS), ..limits }
            }
            Err(error) => {
                tracing::debug!(%error, "the limit of open files is unknown");
                limits
            }
        }
    }
}

/// How to serve.
#[derive(Clone)]
pub struct Options {
    /// Encryption, users and headers.
    pub keeper: Arc<Keeper>,
    /// Bounds of connections.
    pub limits: Limits,
    /// Scrapes in flight; 0 is no limit.
    pub max_requests: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            keeper: Arc::new(Keeper::fixed(Settings::default())),
            limits: Limits::default(),
            max_requests: DEFAULT_MAX_REQUESTS,
        }
    }
}

/// Serves one router on any number of listeners.
#[derive(Clone)]
pub struct Server(Arc<Shared>);

/// What all connections share.
struct Shared {
    router: Router,
    /// Where scrapes go.
    telemetry_path: String,
    keeper: Arc<Keeper>,
    limits: Limits,
    crowd: Arc<Crowd>,
    scrapes: Arc<Scrapes>,
    pages: Arc<Scrapes>,
    /// No new connections, and the end of those that are at rest.
    stop: CancellationToken,
}

impl Server {
    /// A server that ends when `stop` says so. `telemetry_path` is where scrapes go, whose number is limited.
    #[must_use]
    pub fn new(router: Router, telemetry_path: String, options: Options, stop: CancellationToken) -> Self {
        let Options { keeper, limits, max_requests } = options;
        Self(Arc::new(Shared {
            router,
            telemetry_path,
            keeper,
            limits,
            crowd: Crowd::new(limits.connections),
            scrapes: Scrapes::new(max_requests),
            pages: Scrapes::new(MOST_PAGES),
            stop,
        }))
    }

    /// Serves the connections of `listener` until the order to stop and the end of its last connection. Dropped before, it takes
    /// its connections with it.
    pub async fn serve(self, listener: TcpListener) {
        let shared = &self.0;
        let connections = TaskTracker::new();
        let dropped = CancellationToken::new();
        let _guard = dropped.clone().drop_guard();
        let mut complained: Option<Instant> = None;
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = shared.stop.cancelled() => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    tracing::debug!(%peer, "connected");
                    self.admit(stream, &connections, &dropped).await;
                }
                // The client has gone again; that is its own affair.
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted
                    ) => {}
                Err(error) => {
                    if complained.is_none_or(|at| at.elapsed() >= ACCEPT_COMPLAINTS) {
                        tracing::warn!(%error, "cannot accept connections; trying again");
                        complained = Some(Instant::now());
                    }
                    // Closing the oldest frees a descriptor.
                    shared.crowd.put_out_oldest();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        connections.close();
        connections.wait().await;
    }

    /// Gives the connection its task, once there is room for it.
    async fn admit(&self, stream: TcpStream, connections: &TaskTracker, dropped: &CancellationToken) {
        // A scrape is answered in full at once; waiting for more to send would only delay its end.
        let _ = stream.set_nodelay(true);
        // What a client does not read fills these first, with figures that took time to inflate and memory that nobody counts.
        let socket = SockRef::from(&stream);
        let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
        let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
        let place = self.0.crowd.enter(dropped.child_token()).await;
        connections.spawn(connection::live(stream, place, self.0.clone()));
    }
}
