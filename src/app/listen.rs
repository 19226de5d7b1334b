//! Addresses to listen on, as Prometheus exporters write them.

use std::net::{Ipv4Addr, Ipv6Addr};

use anyhow::{Context, bail};
use listenfd::ListenFd;
use tokio::net::TcpListener;

/// Listens on `address`: `HOST:PORT`, or `:PORT` for every address of the machine, IPv6 and IPv4.
///
/// # Errors
/// When the address is none, or is in use; the message says how to choose another.
pub async fn listen(address: &str, flag: &str) -> anyhow::Result<TcpListener> {
    let bound = match address.strip_prefix(':').map(str::parse::<u16>) {
        Some(Ok(port)) => match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
            // A machine without IPv6.
            Err(error) if error.kind() != std::io::ErrorKind::AddrInUse => {
                TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
            }
            bound => bound,
        },
        _ => TcpListener::bind(address).await,
    };
    bound.with_context(|| {
        format!("cannot listen on {address}: choose another address with {flag}, such as 127.0.0.1:9999")
    })
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
