//! Connections that can be cut the hard way, with a TCP reset, as load balancers do.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Says how the connection of a request ends; a request carries it as its `ConnectInfo`.
#[derive(Debug, Clone, Default)]
pub(super) struct Cord(Arc<AtomicBool>);

impl Cord {
    /// From now on the connection ends with a reset.
    pub(super) fn cut(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(super) struct Wires(pub(super) TcpListener);

pub(super) struct Wire {
    stream: TcpStream,
    cord: Cord,
}

impl Listener for Wires {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (Wire { stream, cord: Cord::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Wires>> for Cord {
    fn connect_info(stream: IncomingStream<'_, Wires>) -> Self {
        stream.io().cord.clone()
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.cord.0.load(Ordering::Relaxed) {
            // Without it the peer would see an orderly end. Nothing is left to do when the socket is gone already.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
