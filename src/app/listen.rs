//! Addresses to listen on, as Prometheus exporters write them.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context, bail};
use listenfd::ListenFd;
use tokio::net::{TcpListener, TcpSocket};

/// Connections that wait to be accepted: room for a scraper behind many others. The operating system may allow fewer.
const BACKLOG: u32 = 4096;

/// Listens on `address`: `HOST:PORT`, or `:PORT` for every address of the machine, IPv6 and IPv4.
///
/// # Errors
/// When the address is none, or is in use; the message says how to choose another.
pub async fn listen(address: &str, flag: &str) -> anyhow::Result<TcpListener> {
    let bound = match address.strip_prefix(':').map(str::parse::<u16>) {
        Some(Ok(port)) => match bind((Ipv6Addr::UNSPECIFIED, port).into()) {
            // A machine without IPv6.
            Err(error) if error.kind() != ErrorKind::AddrInUse => bind((Ipv4Addr::UNSPECIFIED, port).into()),
            bound => bound,
        },
        _ => bind_first(address).await,
    };
    bound.with_context(|| {
        format!("cannot listen on {address}: choose another address with {flag}, such as 127.0.0.1:9999")
    })
}

/// Listens on the first of the addresses that a name stands for.
async fn bind_first(address: &str) -> std::io::Result<TcpListener> {
    let mut last = ErrorKind::InvalidInput.into();
    for address in tokio::net::lookup_host(address).await? {
        match bind(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart need not wait for the connections of before.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The sockets that the service manager listens on for this program (`LISTEN_FDS`).
///
/// # Errors
/// When there are none, or one is no TCP socket.
pub fn inherited() -> anyhow::Result<Vec<TcpListener>> {
    let mut sockets = ListenFd::from_env();
    let count = sockets.len();
    if count == 0 {
        bail!(
            "--web.systemd-socket: the service manager has passed no socket (LISTEN_FDS); start the .socket unit, or leave the flag out"
        );
    }
    let take = |index| -> anyhow::Result<TcpListener> {
        let listener = sockets
            .take_tcp_listener(index)
            .context("--web.systemd-socket: use ListenStream= with an address and a port")?
            .context("each socket is taken once")?;
        listener.set_nonblocking(true)?;
        Ok(TcpListener::from_std(listener)?)
    };
    (0..count).map(take).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_port_alone_means_every_address() {
        let listener = listen(":0", "--web.listen-address").await.unwrap();
        assert!(listener.local_addr().unwrap().ip().is_unspecified());
    }

    #[tokio::test]
    async fn an_address_in_use_is_named_with_the_flag_that_changes_it() {
        let listener = listen("127.0.0.1:0", "").await.unwrap();
        let taken = listener.local_addr().unwrap().to_string();
        let error = format!("{:#}", listen(&taken, "--web.listen-address").await.unwrap_err());
        assert!(error.contains(&taken) && error.contains("--web.listen-address"), "{error}");
    }
}
