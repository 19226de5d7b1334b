//! The life of one connection: handshake, requests, end.

use std::convert::Infallible;
use std::error::Error;
use std::pin::pin;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::activity::{Activity, Watched};
use super::body::Answer;
use super::crowd::Place;
use super::gate;
use super::{Shared, tls};

/// Bytes of a request's head, and of requests sent ahead. A scraper's head has some hundred.
const HEAD_BYTES: usize = 16 * 1024;

/// Requests at a time on one connection with HTTP/2.
const STREAMS: u32 = 16;

/// Lives until the client goes, a deadline is over, or somebody else needs the place.
pub(super) async fn live(stream: TcpStream, place: Place, shared: Arc<Shared>) {
    let activity = Activity::new(place);
    let serving = serve(Watched::new(stream, activity.clone()), &activity, &shared);
    tokio::select! {
        ended = serving => if let Err(error) = ended {
            tracing::debug!(error, "a connection broke off");
        },
        () = activity.overdue(&shared.limits, &shared.stop) => tracing::debug!("a connection took too long and is closed"),
        () = activity.gone().cancelled() => tracing::debug!("a connection is closed for a newer one"),
    }
}

/// Speaks what was agreed on.
async fn serve(
    stream: Watched,
    activity: &Arc<Activity>,
    shared: &Arc<Shared>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let settings = shared.keeper.current(shared.limits.recheck).await;
    let Some(config) = settings.tls.clone() else {
        return Ok(http1(stream, activity, shared).await?);
    };
    let stream = TlsAcceptor::from(config).accept(stream).await?;
    if stream.get_ref().1.alpn_protocol() == Some(tls::HTTP2) {
        activity.is_framed();
        return Ok(http2(stream, activity, shared).await?);
    }
    Ok(http1(stream, activity, shared).await?)
}

async fn http1<S>(stream: S, activity: &Arc<Activity>, shared: &Arc<Shared>) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(|request| answer(request, activity, shared));
    let mut builder = http1::Builder::new();
    // Its own deadline for heads would also be one for the rest between two scrapes.
    builder.header_read_timeout(None).max_buf_size(HEAD_BYTES);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = shared.stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

async fn http2<S>(stream: S, activity: &Arc<Activity>, shared: &Arc<Shared>) -> hyper::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    // The streams of a connection are tasks of their own.
    let (for_requests, shared_with) = (activity.clone(), shared.clone());
    let service = service_fn(move |request| {
        let (activity, shared) = (for_requests.clone(), shared_with.clone());
        async move { answer(request, &activity, &shared).await }
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(HEAD_BYTES).expect("it is small"))
        .max_send_buf_size(HEAD_BYTES);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = shared.stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    connection.await
}

/// Answers a request, whose body is thrown away: no route takes one.
async fn answer(
    request: Request<Incoming>,
    activity: &Arc<Activity>,
    shared: &Arc<Shared>,
) -> Result<Response<Answer>, Infallible> {
    let answering = activity.answering();
    let (head, _) = request.into_parts();
    Ok(gate::answer(head, answering, shared).await)
}
