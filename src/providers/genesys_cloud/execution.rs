//! Asynchronous queries: start one, ask for its state at growing intervals, take its result.
//!
//! Every kind of query here has the same life, told in other words: the legacy API calls it an execution, the newer one a job.

use std::time::Duration;

use crate::collector::PendingJobs;
use crate::model::{CollectError, Failure, Reason};
use crate::rest::{Call, Error, Kind};

/// Waits before each question, in units of [`Pacing::unit`]; the last one repeats. Genesys asks not to poll fast.
const WAITS: [u32; 6] = [3, 5, 10, 20, 30, 60];

/// Queries that are made side by side; the rate limit holds all the same.
pub(super) const SIDE_BY_SIDE: usize = 8;

/// Units that a run should have time for; so with a timeout of a minute or more a unit is a second.
const SHORTEST_USUAL_RUN: u32 = 60;

/// How fast to ask.
#[derive(Debug, Clone, Copy)]
pub struct Pacing {
    /// One second for the real vendor; less where the vendor is a simulator that answers at once.
    pub unit: Duration,
}

impl Default for Pacing {
    fn default() -> Self {
        Self { unit: Duration::from_secs(1) }
    }
}

impl Pacing {
    /// The waits between questions: growing, without end.
    pub(super) fn waits(self) -> impl Iterator<Item = Duration> {
        let last = WAITS[WAITS.len() - 1];
        WAITS.into_iter().chain(std::iter::repeat(last)).map(move |units| self.unit * units)
    }

    /// As fast as a run of `timeout` needs: whoever asks for short runs wants short waits in them.
    pub(super) fn within(self, timeout: Duration) -> Self {
        Self { unit: self.unit.min(timeout / SHORTEST_USUAL_RUN) }
    }

    /// Asks at this pace, and goes on with `jobs`.
    pub(super) fn with(self, jobs: &PendingJobs) -> Patience<'_> {
        Patience { pacing: self, jobs }
    }
}

/// How a run waits for queries: at a pace, and first for those that earlier runs have started.
#[derive(Clone, Copy)]
pub(super) struct Patience<'a> {
    pacing: Pacing,
    jobs: &'a PendingJobs,
}

/// A query that the vendor works on in the background.
pub(super) trait Execution: Sync {
    /// What it brings once it is done.
    type Output: Send;

    /// What it is, for messages.
    fn what(&self) -> &'static str;

    /// The call that starts it.
    fn call(&self) -> Call;

    /// What it answers. The result of another one with the same question is as good.
    fn question(&self) -> String {
        self.call().question()
    }

    /// Starts it by `call` and returns the vendor's id for it.
    fn start(&self, call: &Call) -> impl Future<Output = Result<String, Error>> + Send;

    /// Asks for its state.
    fn poll(&self, id: &str) -> impl Future<Output = Result<State<Self::Output>, Error>> + Send;
}

/// The state of a query.
#[derive(Debug)]
pub(super) enum State<T> {
    /// Not done yet, or in a state that is not documented.
    Pending,
    /// Done.
    Done(T),
    /// Ended without a result: the vendor's word for it and, where it says, its code.
    Failed(String),
    /// Done, but the answer says that there is more than it holds.
    Truncated,
}

/// Why a query brought nothing.
#[derive(Debug)]
pub(super) enum Ended {
    /// The vendor did not take it. Only this can mean that it does not offer such queries.
    NotStarted(Error),
    /// It was started and failed.
    Failed(Failure),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Ended> for CollectError {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::NotStarted(error) => error.into(),
            Ended::Failed(failure) => failure.into(),
        }
    }
}

/// Starts `execution`, unless an earlier run has, and waits for its end; once more if the vendor loses it. The deadline is the
/// caller's.
pub(super) async fn complete<E: Execution>(
    execution: &E,
    Patience { pacing, jobs }: Patience<'_>,
) -> Result<E::Output, Ended> {
    let (call, question) = (execution.call(), execution.question());
    for _ in 0..2 {
        let id = if let Some(id) = jobs.find(&question) {
            id
        } else {
            let id = execution.start(&call).await.map_err(Ended::NotStarted)?;
            jobs.started(&question, &id).await;
            id
        };
        for wait in pacing.waits() {
            tokio::time::sleep(wait).await;
            match execution.poll(&id).await {
                Ok(State::Pending) => {}
                // It stays pending until the run has ended well: further pages of it may be to come.
                Ok(State::Done(output)) => return Ok(output),
                Ok(State::Failed(how)) => {
                    jobs.ended(&question);
                    let message = format!("{} ended as {how}", execution.what());
                    return Err(Failure::new(Reason::JobFailed, message).into());
                }
                Ok(State::Truncated) => {
                    jobs.ended(&question);
                    let message = format!("{} has more rows than its answer holds", execution.what());
                    return Err(Failure::new(Reason::Truncated, message).into());
                }
                Err(error) if error.kind == Kind::NotFound => {
                    jobs.ended(&question);
                    break;
                }
                Err(error) => return Err(Ended::Failed(error.into())),
            }
        }
    }
    let message = format!("the vendor lost {} twice before it was read", execution.what());
    Err(Failure::new(Reason::JobExpired, message).into())
}

/// Whether an answer is larger than the vendor's own limit for one.
pub(super) fn is_too_large(error: &Error) -> bool {
    let codes = ["max.response.size.reached", "response.entity.too.large"];
    error.code.as_deref().is_some_and(|code| codes.contains(&code))
}

/// What it means that a later page of a finished query cannot be read: a query that is gone by then has expired.
pub(super) fn page_failure(error: Error) -> Failure {
    let is_lost = error.kind == Kind::NotFound;
    let failure = Failure::from(error);
    if is_lost { Failure { reason: Reason::JobExpired, ..failure } } else { failure }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::Instant;

    use super::*;

    type Answer = Result<State<u32>, Kind>;

    /// Plays the answers in turn.
    struct Script {
        started: Mutex<u32>,
        answers: Mutex<Vec<Answer>>,
    }

    impl Script {
        fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
            let mut answers: Vec<_> = answers.into_iter().collect();
            answers.reverse();
            Self { started: Mutex::default(), answers: Mutex::new(answers) }
        }
    }

    fn error(kind: Kind) -> Error {
        Error::new(kind, "getUsageAggregatesJob", "")
    }

    impl Execution for Script {
        type Output = u32;
        fn what(&self) -> &'static str {
            "the job"
        }
        fn call(&self) -> Call {
            Call::get("getUsageAggregatesJob", &[])
        }
        async fn start(&self, _: &Call) -> Result<String, Error> {
            *self.started.lock().unwrap() += 1;
            Ok("id".into())
        }
        async fn poll(&self, _: &str) -> Result<State<u32>, Error> {
            self.answers.lock().unwrap().pop().expect("asked once too often").map_err(error)
        }
    }

    async fn run(answers: impl IntoIterator<Item = Answer>) -> (Result<u32, Ended>, u32) {
        let script = Script::new(answers);
        let jobs = PendingJobs::in_memory();
        let result = complete(&script, Pacing::default().with(&jobs)).await;
        let started = *script.started.lock().unwrap();
        (result, started)
    }

    fn reason(result: Result<u32, Ended>) -> Reason {
        match result {
            Err(Ended::Failed(failure)) => failure.reason,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_questions_come_at_growing_intervals() {
        let start = Instant::now();
        let pending = (0..7).map(|_| Ok(State::Pending));
        let (result, started) = run(pending.chain([Ok(State::Done(7))])).await;
        assert_eq!((result.unwrap(), started), (7, 1));
        assert_eq!(start.elapsed().as_secs(), 3 + 5 + 10 + 20 + 30 + 60 + 60 + 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lost_query_is_started_once_more() {
        let (result, started) = run([Err(Kind::NotFound), Ok(State::Done(7))]).await;
        assert_eq!((result.unwrap(), started), (7, 2));
        let (result, started) = run([Err(Kind::NotFound), Ok(State::Pending), Err(Kind::NotFound)]).await;
        assert_eq!((reason(result), started), (Reason::JobExpired, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_failed_query_is_not_asked_again() {
        let (result, started) = run([Ok(State::Pending), Ok(State::Failed("Cancelled".into()))]).await;
        assert_eq!((reason(result), started), (Reason::JobFailed, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_query_that_an_earlier_run_has_started_is_waited_for() {
        let jobs = PendingJobs::in_memory();
        let script = Script::new([Err(Kind::Unavailable), Ok(State::Pending), Ok(State::Done(7))]);
        let run = async || complete(&script, Pacing::default().with(&jobs)).await;
        assert!(run().await.is_err());
        assert_eq!(run().await.unwrap(), 7);
        assert_eq!(*script.started.lock().unwrap(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_missing_permission_after_the_start_is_no_missing_api() {
        let (result, _) = run([Err(Kind::Forbidden)]).await;
        assert_eq!(reason(result), Reason::Forbidden);
    }
}
