//! The same query for each of several clients: the trouble of one client is its own.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use jiff::civil::Date;

use super::complete::Window;
use super::execution::{Ended, SIDE_BY_SIDE};
use super::fold::{self, Fold};
use crate::model::{CollectError, Failure, Reading, Reason};
use crate::rest::Kind;

/// Failures that say nothing about the other clients.
const OF_ONE_CLIENT: [Reason; 3] = [Reason::JobFailed, Reason::JobExpired, Reason::Truncated];

/// The queries of several clients.
pub(super) struct EachClient<T> {
    /// What is asked for, in the plural, for messages.
    what: &'static str,
    /// What a run of this day had finished when it failed, so that the next one need not pay for it again.
    finished: (Date, BTreeMap<String, Outcome<T>>),
}

/// What became of one client's query.
enum Outcome<T> {
    Done(T),
    /// There is no such client, or none any more.
    Gone,
    /// The vendor could not make this one.
    LeftOut,
}

/// The results of the clients that the vendor has some of.
pub(super) struct Results<T> {
    /// By client.
    pub(super) done: BTreeMap<String, T>,
    /// Clients that are left out because their query failed.
    pub(super) left_out: u64,
}

impl<T: Send> EachClient<T> {
    pub(super) fn new(what: &'static str) -> Self {
        Self { what, finished: (Date::ZERO, BTreeMap::new()) }
    }

    /// Has `ask` made for each client. Trouble that is not one client's ends it; then the next call for the same `day` asks only
    /// for what has no final result yet.
    pub(super) async fn ask<'a, F>(
        &mut self,
        day: Date,
        client_ids: &[&'a str],
        is_final: impl Fn(&T) -> bool,
        ask: impl Fn(&'a str) -> F,
    ) -> Result<Results<T>, CollectError>
    where
        F: Future<Output = Result<T, Ended>> + Send,
    {
        let (what, finished) = (self.what, &mut self.finished);
        if finished.0 != day {
            *finished = (day, BTreeMap::new());
        }
        let finished = &mut finished.1;
        finished.retain(|_, outcome| match outcome {
            Outcome::Done(output) => is_final(output),
            Outcome::Gone => true,
            Outcome::LeftOut => false,
        });
        let missing = client_ids.iter().copied().filter(|client_id| !finished.contains_key(*client_id));
        let queries: Vec<_> = missing
            .map(|client_id| {
                let query = ask(client_id);
                async move { (client_id, outcome(what, client_id, query.await)) }
            })
            .collect();
        let mut queries = stream::iter(queries).buffer_unordered(SIDE_BY_SIDE);
        while let Some((client_id, outcome)) = queries.next().await {
            finished.insert(client_id.to_owned(), outcome?);
        }
        drop(queries);
        results(what, client_ids, std::mem::take(finished))
    }
}

impl EachClient<Fold> {
    /// Has `ask` made for each client over the days of a window: what has no rows of its newest day may have come too early.
    pub(super) async fn ask_days<'a, F>(
        &mut self,
        window: Window,
        now: Timestamp,
        client_ids: &'a [String],
        ask: impl Fn(&'a str) -> F,
    ) -> Result<Results<Fold>, CollectError>
    where
        F: Future<Output = Result<Fold, Ended>> + Send,
    {
        let client_ids: Vec<&str> = client_ids.iter().map(String::as_str).collect();
        let is_final = |fold: &Fold| window.is_final(now, fold.has_rows(window.settled));
        self.ask(window.settled, &client_ids, is_final, ask).await
    }
}

impl Results<Fold> {
    /// What there is to tell besides figures, and the days of `window` that are complete.
    pub(super) fn reading(&self, window: Window, now: Timestamp) -> (Reading, RangeInclusive<Date>) {
        let (mut reading, days) = fold::reading(self.done.values(), window, now);
        reading.invalid_rows += self.left_out;
        (reading, days)
    }
}

fn outcome<T>(what: &str, client_id: &str, result: Result<T, Ended>) -> Result<Outcome<T>, CollectError> {
    match result {
        Ok(output) => Ok(Outcome::Done(output)),
        Err(Ended::NotStarted(error)) if error.kind == Kind::NotFound => {
            tracing::info!(client_id, why = %error, "there are no {what} of this client");
            Ok(Outcome::Gone)
        }
        Err(Ended::Failed(failure)) if OF_ONE_CLIENT.contains(&failure.reason) => {
            tracing::warn!(client_id, error = failure.message, "the {what} of this client are left out");
            Ok(Outcome::LeftOut)
        }
        Err(ended) => Err(ended.into()),
    }
}

/// The results, unless there is none of all those asked for.
fn results<T>(
    what: &str,
    client_ids: &[&str],
    mut finished: BTreeMap<String, Outcome<T>>,
) -> Result<Results<T>, CollectError> {
    let mut results = Results { done: BTreeMap::new(), left_out: 0 };
    for client_id in client_ids {
        match finished.remove(*client_id) {
            Some(Outcome::Done(output)) => {
                results.done.insert((*client_id).to_owned(), output);
            }
            Some(Outcome::LeftOut) => results.left_out += 1,
            Some(Outcome::Gone) | None => {}
        }
    }
    if results.done.is_empty() && results.left_out > 0 {
        return Err(Failure::new(Reason::JobFailed, format!("the vendor made none of the {what}")).into());
    }
    if results.done.is_empty() && !client_ids.is_empty() {
        return Err(CollectError::NotSupported(format!("the vendor has {what} of none of the clients")));
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use jiff::civil::date;

    use super::*;
    use crate::rest::Error;

    const TODAY: Date = date(2026, 11, 21);

    /// Asks for the clients; what becomes of each is its id, and each question is noted.
    async fn ask(
        queries: &mut EachClient<u32>,
        day: Date,
        client_ids: &[&str],
        asked: &Mutex<Vec<String>>,
    ) -> Result<Vec<String>, CollectError> {
        let results = queries.ask(
            day,
            client_ids,
            |_| true,
            |client_id| {
                asked.lock().unwrap().push(client_id.to_owned());
                let fails = |reason| Err(Failure::new(reason, "").into());
                let result = match client_id {
                    "gone" => Err(Ended::NotStarted(Error::new(Kind::NotFound, "postClientUsageQuery", ""))),
                    "forbidden" => {
                        Err(Ended::NotStarted(Error::new(Kind::Forbidden, "postClientUsageQuery", "")))
                    }
                    "failed" => fails(Reason::JobFailed),
                    "expired" => fails(Reason::JobExpired),
                    "truncated" => fails(Reason::Truncated),
                    _ => Ok(7),
                };
                async move { result }
            },
        );
        results.await.map(|results| results.done.into_keys().collect())
    }

    async fn outcome_of(client_ids: &[&str]) -> Result<Vec<String>, CollectError> {
        ask(&mut EachClient::new("figures"), TODAY, client_ids, &Mutex::default()).await
    }

    #[tokio::test]
    async fn the_trouble_of_one_client_is_its_own() {
        let done = outcome_of(&["a", "gone", "failed", "expired", "truncated", "b"]).await.unwrap();
        assert_eq!(done, ["a", "b"]);
    }

    #[tokio::test]
    async fn any_other_trouble_is_everyones() {
        let Err(CollectError::Failed(failure)) = outcome_of(&["a", "forbidden"]).await else { panic!() };
        assert_eq!(failure.reason, Reason::Forbidden);
    }

    #[tokio::test]
    async fn a_vendor_that_has_nobody_or_makes_nothing_brings_no_empty_figures() {
        assert!(matches!(outcome_of(&["gone"]).await, Err(CollectError::NotSupported(_))));
        let Err(CollectError::Failed(failure)) = outcome_of(&["gone", "failed"]).await else { panic!() };
        assert_eq!(failure.reason, Reason::JobFailed);
        assert!(outcome_of(&[]).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_a_failed_run_had_finished_is_not_asked_for_again_on_that_day() {
        let (mut queries, asked) = (EachClient::new("figures"), Mutex::default());
        ask(&mut queries, TODAY, &["a", "forbidden"], &asked).await.unwrap_err();
        assert_eq!(ask(&mut queries, TODAY, &["a", "b"], &asked).await.unwrap(), ["a", "b"]);
        assert_eq!(*asked.lock().unwrap(), ["a", "forbidden", "b"]);

        ask(&mut queries, TODAY, &["a", "forbidden"], &asked).await.unwrap_err();
        asked.lock().unwrap().clear();
        ask(&mut queries, date(2026, 11, 22), &["a"], &asked).await.unwrap();
        assert_eq!(*asked.lock().unwrap(), ["a"]);
    }
}
