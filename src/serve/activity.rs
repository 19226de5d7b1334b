//! What a connection is doing, and until when it may: the one place that knows its deadlines.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Limits;
use super::crowd::Place;

/// What one connection is doing.
pub(super) struct Activity {
    place: Place,
    state: Mutex<State>,
}

struct State {
    /// The answers on their way. In HTTP/2 there may be several, each with deadlines of its own: a client cannot put off those of an
    /// answer that it does not take by asking for another one.
    answers: Vec<Arc<Progress>>,
    /// Part of a head has come, or the connection is new.
    reading: bool,
    /// In HTTP/2 bytes between requests are no head: they adjust windows and ask for signs of life.
    framed: bool,
    /// Since when it has been reading or at rest.
    since: Instant,
    /// Bytes wait for the client to take them.
    blocked: bool,
    /// When the client last took bytes, or some began to wait for it.
    taken: Instant,
}

impl Activity {
    pub(super) fn new(place: Place) -> Arc<Self> {
        let now = Instant::now();
        let state = State {
            answers: Vec::new(),
            reading: true,
            framed: false,
            since: now,
            blocked: false,
            taken: now,
        };
        Arc::new(Self { place, state: Mutex::new(state) })
    }

    /// Says that the connection has to go.
    pub(super) fn gone(&self) -> &CancellationToken {
        &self.place.gone
    }

    /// The connection speaks HTTP/2.
    pub(super) fn is_framed(&self) {
        self.lock().framed = true;
    }

    /// The head of a request has come; it is being answered until the result is dropped.
    pub(super) fn answering(self: &Arc<Self>) -> Answering {
        self.place.has_news();
        let mut state = self.lock();
        let now = Instant::now();
        let progress = Arc::new(Progress { is_framed: state.framed, since: now, taken: Mutex::new(now) });
        state.answers.push(progress.clone());
        state.reading = false;
        drop(state);
        Answering { activity: self.clone(), progress }
    }

    /// Ends when the connection has done one thing for too long. `stop` shortens what is left to those who are not being answered.
    pub(super) async fn overdue(&self, limits: &Limits, stop: &CancellationToken) {
        // A deadline can come nearer while this sleeps (a head begins); looking so often keeps it within twice its length.
        let interval = limits.head.min(limits.stall).min(limits.idle);
        let mut farewell = None;
        loop {
            let now = Instant::now();
            let deadline = self.deadline(limits, farewell);
            if deadline <= now {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep_until(deadline.min(now + interval)) => {}
                () = stop.cancelled(), if farewell.is_none() => farewell = Some(Instant::now() + limits.farewell),
            }
        }
    }

    fn deadline(&self, limits: &Limits, farewell: Option<Instant>) -> Instant {
        let state = self.lock();
        let answers = state
            .answers
            .iter()
            .map(|answer| (answer.since + limits.answer).min(*answer.taken() + limits.stall));
        let phase = state.since + if state.reading { limits.head } else { limits.idle };
        let phase = answers.min().unwrap_or(phase);
        let stall = state.blocked.then(|| state.taken + limits.stall);
        let farewell = farewell.filter(|_| state.answers.is_empty() && !state.blocked);
        [stall, farewell].into_iter().flatten().fold(phase, Instant::min)
    }

    fn read(&self) {
        let mut state = self.lock();
        if state.answers.is_empty() && !state.reading && !state.framed {
            (state.reading, state.since) = (true, Instant::now());
        }
    }

    fn wrote(&self, outcome: &Poll<io::Result<usize>>) {
        let mut state = self.lock();
        match outcome {
            Poll::Pending if !state.blocked => (state.blocked, state.taken) = (true, Instant::now()),
            Poll::Ready(Ok(1..)) => {
                (state.blocked, state.taken) = (false, Instant::now());
                // With HTTP/2 the bytes may be of any answer, or of none.
                if !state.framed {
                    state.answers.iter().for_each(|answer| answer.is_taken());
                }
            }
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds the lock")
    }
}

/// A request that is being answered.
pub(super) struct Answering {
    activity: Arc<Activity>,
    progress: Arc<Progress>,
}

impl Answering {
    /// How far the answer is.
    pub(super) fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// The connection on which it is.
    pub(super) fn activity(&self) -> &Arc<Activity> {
        &self.activity
    }

    /// Whether the answer is one of several on an HTTP/2 connection.
    pub(super) fn is_framed(&self) -> bool {
        self.progress.is_framed
    }

    /// The connection asks for more of the answer. HTTP/2 does when the client has room for what it got before; HTTP/1.1 fills
    /// its buffer first.
    pub(super) fn asks_for_more(&self) {
        if self.is_framed() {
            self.progress.is_taken();
        }
    }
}

/// How far one answer is.
pub(super) struct Progress {
    is_framed: bool,
    /// When its request came.
    since: Instant,
    /// When the client last took some of it, or could begin to.
    taken: Mutex<Instant>,
}

impl Progress {
    /// How long it has been waiting for the client to take more of it.
    pub(super) fn stalled(&self) -> Duration {
        self.taken().elapsed()
    }

    /// The client takes some of it, or can begin to.
    pub(super) fn is_taken(&self) {
        *self.taken() = Instant::now();
    }

    fn taken(&self) -> MutexGuard<'_, Instant> {
        self.taken.lock().expect("nothing panics while it holds the lock")
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.activity.place.has_news();
        let mut state = self.activity.lock();
        state.answers.retain(|answer| !Arc::ptr_eq(answer, &self.progress));
        if state.answers.is_empty() {
            state.since = Instant::now();
        }
    }
}

/// A stream that tells what happens on it.
pub(super) struct Watched {
    stream: TcpStream,
    activity: Arc<Activity>,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, activity: Arc<Activity>) -> Self {
        Self { stream, activity }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.activity.read();
        }
        outcome
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.activity.wrote(&outcome);
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.activity.wrote(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::super::crowd::Crowd;
    use super::*;

    const LIMITS: Limits = Limits {
        connections: 1,
        head: Duration::from_secs(10),
        idle: Duration::from_mins(2),
        stall: Duration::from_secs(30),
        answer: Duration::from_mins(5),
        farewell: Duration::from_millis(500),
        recheck: Duration::from_secs(1),
    };

    async fn activity() -> Arc<Activity> {
        Activity::new(Crowd::new(1).enter(CancellationToken::new()).await)
    }

    /// Seconds until the connection is overdue.
    async fn left(activity: &Activity) -> u64 {
        let before = Instant::now();
        activity.overdue(&LIMITS, &CancellationToken::new()).await;
        before.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn every_phase_has_its_deadline() {
        let activity = activity().await;
        assert_eq!(left(&activity).await, 10, "new");
        let answering = activity.answering();
        assert_eq!(left(&activity).await, 30, "the client takes nothing");
        drop(answering);
        assert_eq!(left(&activity).await, 120, "at rest");
        activity.read();
        activity.read();
        assert_eq!(left(&activity).await, 10, "part of a head");
        activity.is_framed();
        drop(activity.answering());
        activity.read();
        assert_eq!(left(&activity).await, 120, "frames between requests");
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_bytes_may_go_on_for_a_while() {
        let activity = activity().await;
        let _answering = activity.answering();
        let stop = CancellationToken::new();
        let overdue = activity.overdue(&LIMITS, &stop);
        let started = Instant::now();
        let taking = async {
            loop {
                tokio::time::sleep(Duration::from_secs(20)).await;
                activity.wrote(&Poll::Ready(Ok(1)));
            }
        };
        tokio::select! { () = overdue => {}, () = taking => {} }
        assert_eq!(started.elapsed().as_secs(), 300);
    }

    #[tokio::test(start_paused = true)]
    async fn no_other_request_puts_off_the_deadlines_of_an_answer() {
        for (takes, expected) in [(false, 30), (true, 300)] {
            let activity = activity().await;
            activity.is_framed();
            let answering = activity.answering();
            let stop = CancellationToken::new();
            let overdue = activity.overdue(&LIMITS, &stop);
            let started = Instant::now();
            let asking = async {
                loop {
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    activity.read();
                    activity.answering().asks_for_more();
                    activity.wrote(&Poll::Ready(Ok(100)));
                    if takes {
                        answering.asks_for_more();
                    }
                }
            };
            tokio::select! { () = overdue => {}, () = asking => {} }
            assert!(
                (expected..=expected + 1).contains(&started.elapsed().as_secs()),
                "{:?}",
                started.elapsed()
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_left_in_the_buffer_counts_as_waiting_for_the_client() {
        let activity = activity().await;
        drop(activity.answering());
        tokio::time::sleep(Duration::from_mins(1)).await;
        activity.wrote(&Poll::Pending);
        assert_eq!(left(&activity).await, 30);
    }

    #[tokio::test(start_paused = true)]
    async fn only_those_who_are_answered_outlast_the_farewell() {
        let activity = activity().await;
        let stop = CancellationToken::new();
        stop.cancel();
        let started = Instant::now();
        let answering = activity.answering();
        activity.overdue(&LIMITS, &stop).await;
        assert_eq!(started.elapsed().as_secs(), 30);
        drop(answering);
        let started = Instant::now();
        activity.overdue(&LIMITS, &stop).await;
        assert_eq!(started.elapsed().as_millis(), 500);
    }
}
