//! The body of an answer, which holds the places of its request until it is sent, or given up.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body as Routed;
use hyper::body::{Body, Bytes, Frame, SizeHint};

use super::activity::Answering;
use super::scrapes::InFlight;

/// The most that HTTP/2 takes at a time. It asks for more when the client has room for some of it, so that pieces of this size tell
/// whether a client takes its answer.
const PIECE: usize = 16 * 1024;

/// What a route answered, on its way to the client.
pub(super) struct Answer {
    body: Routed,
    /// What the body has given and is not yet taken.
    rest: Bytes,
    answering: Answering,
    _in_flight: Option<InFlight>,
}

impl Answer {
    pub(super) fn new(body: Routed, answering: Answering, in_flight: Option<InFlight>) -> Self {
        Self { body, rest: Bytes::new(), answering, _in_flight: in_flight }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        this.answering.asks_for_more();
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
        let most = if this.answering.is_framed() { PIECE } else { usize::MAX };
        let piece = this.rest.split_to(this.rest.len().min(most));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (body, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(body.lower().saturating_add(rest));
        if let Some(upper) = body.upper().and_then(|upper| upper.checked_add(rest)) {
            hint.set_upper(upper);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio_util::sync::CancellationToken;

    use super::super::activity::Activity;
    use super::super::crowd::Crowd;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn http2_takes_pieces_and_only_those_it_asks_for_count_as_taken() {
        for (is_framed, pieces) in [(true, vec![PIECE, PIECE, 1]), (false, vec![2 * PIECE + 1])] {
            let activity = Activity::new(Crowd::new(1).enter(CancellationToken::new()).await);
            if is_framed {
                activity.is_framed();
            }
            let answering = activity.answering();
            let progress = answering.progress().clone();
            let mut answer = Answer::new(Routed::from(vec![b'x'; 2 * PIECE + 1]), answering, None);
            let mut left = 2 * PIECE + 1;
            for piece in pieces {
                assert!(!answer.is_end_stream());
                assert_eq!(answer.size_hint().exact(), Some(left as u64));
                tokio::time::sleep(Duration::from_secs(1)).await;
                assert_eq!(progress.stalled(), Duration::from_secs(1));
                let frame = std::future::poll_fn(|context| Pin::new(&mut answer).poll_frame(context)).await;
                assert_eq!(frame.unwrap().unwrap().into_data().unwrap().len(), piece);
                assert_eq!(progress.stalled().is_zero(), is_framed);
                left -= piece;
            }
            assert!(left == 0 && answer.is_end_stream());
        }
    }
}
