//! A search in as many parts as it takes: whole, then by day, then by client.

use std::collections::BTreeSet;

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::civil::Date;

use super::pages::{Found, Query};
use crate::model::{CollectError, Failure, Reason};
use crate::providers::genesys_cloud::complete::Window;
use crate::providers::genesys_cloud::days::plus;
use crate::providers::genesys_cloud::execution::{Completed, Pacing, SIDE_BY_SIDE};
use crate::providers::genesys_cloud::fold::{Fold, Party, UNKNOWN};
use crate::providers::genesys_cloud::oauth_clients::Directory;
use crate::providers::genesys_cloud::settings::Search;
use crate::rest::Client;

/// A search and whom to ask.
pub(super) struct Searcher<'a> {
    pub(super) client: &'a Client,
    pub(super) directory: &'a Directory,
    pub(super) search: &'a Search,
    pub(super) pacing: Pacing,
}

/// A part of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    first: Date,
    last: Date,
    /// The names of the clients that it is restricted to; none for all clients.
    names: Vec<String>,
    /// Whether a larger part was split to get this one of one client.
    is_of_one_client: bool,
}

impl Searcher<'_> {
    /// Searches the days of `window`, in smaller parts where the vendor cannot answer larger ones.
    pub(super) async fn read(&self, window: Window) -> Result<Completed<Fold>, CollectError> {
        let (first, last) = window.asked().into_inner();
        let mut all = Completed { output: Fold::new(first..=last, Party::ClientName), unknown_states: 0 };
        let names = self.search.oauth_client_names.clone();
        let mut parts = vec![Part { first, last, names, is_of_one_client: false }];
        let mut found_names = BTreeSet::new();
        while !parts.is_empty() {
            let mut too_large = Vec::new();
            let searches: Vec<_> = parts.into_iter().map(|part| self.search(part)).collect();
            let mut searches = stream::iter(searches).buffered(SIDE_BY_SIDE);
            while let Some((part, Completed { output: Found { fold, is_whole }, unknown_states })) =
                searches.try_next().await?
            {
                all.unknown_states += unknown_states;
                fold.understood()?;
                part.check(&fold)?;
                found_names.extend(fold.cells.keys().map(|cell| cell.party.clone()));
                if is_whole {
                    all.output.merge(fold)?;
                } else {
                    too_large.push(part);
                }
            }
            parts = self.split(too_large, &found_names).await?;
        }
        Ok(all)
    }

    async fn search(&self, part: Part) -> Result<(Part, Completed<Found>), CollectError> {
        let Self { client, search, .. } = *self;
        let query = Query { client, search, names: &part.names, first: part.first, last: part.last };
        let found = query.read(self.pacing).await?;
        Ok((part, found))
    }

    /// Parts that together are those which were too large. `found` are the clients that the answers so far have named.
    async fn split(&self, parts: Vec<Part>, found: &BTreeSet<String>) -> Result<Vec<Part>, CollectError> {
        let mut smaller = Vec::new();
        for part in parts {
            let (search, first, last) = (&self.search.name, part.first, part.last);
            tracing::info!(search, %first, %last, "more than the vendor gives for one search, it is made in parts");
            if part.first < part.last {
                smaller.extend(part.days());
            } else if part.names.len() == 1 {
                let message = format!(
                    "the search {search} has more rows of one client on {first} than the vendor gives"
                );
                return Err(Failure::new(Reason::Truncated, message).into());
            } else if part.names.is_empty() {
                smaller.extend(part.clients(&self.all_names(found).await?));
            } else {
                smaller.extend(part.clients(&part.names));
            }
        }
        Ok(smaller)
    }

    /// The names that a search of all clients can find: those of the client list, and of clients outside it that were found.
    async fn all_names(&self, found: &BTreeSet<String>) -> Result<Vec<String>, CollectError> {
        if found.contains(UNKNOWN) {
            let message =
                format!("the search {} is too large, and has rows of unnamed clients", self.search.name);
            return Err(Failure::new(Reason::Truncated, message).into());
        }
        let listing = self.directory.listing(self.search.refresh).await?;
        let listed = listing.clients.values().filter_map(|client| client.name.clone());
        let names: BTreeSet<String> = listed.filter(|name| !name.is_empty()).chain(found.clone()).collect();
        Ok(names.into_iter().collect())
    }
}

impl Part {
    /// The parts of its days.
    fn days(&self) -> Vec<Self> {
        let mut days = Vec::new();
        let mut day = self.first;
        while day <= self.last {
            days.push(Self { first: day, last: day, ..self.clone() });
            day = plus(day, 1);
        }
        days
    }

    /// The parts of the clients of these names, of which each is asked for once however many clients share it.
    fn clients(&self, names: &[String]) -> Vec<Self> {
        let part = |name: &String| Self { names: vec![name.clone()], is_of_one_client: true, ..self.clone() };
        names.iter().map(part).collect()
    }

    /// Refuses rows that another part has too: a filter that also finds similar names cannot be split by.
    fn check(&self, fold: &Fold) -> Result<(), Failure> {
        let is_strange = |party: &String| !self.names.contains(party);
        if self.is_of_one_client && fold.cells.keys().any(|cell| is_strange(&cell.party)) {
            let message = "a search for one client found others, so it cannot be made in parts";
            return Err(Failure::new(Reason::Truncated, message));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::rest::RowSink;

    fn part(first: i8, last: i8) -> Part {
        let november = |day| date(2026, 11, day);
        Part { first: november(first), last: november(last), names: Vec::new(), is_of_one_client: false }
    }

    #[test]
    fn a_part_of_one_client_takes_no_rows_of_another() {
        let mut fold = Fold::new(date(2026, 11, 20)..=date(2026, 11, 20), Party::ClientName);
        fold.row(br#"{"date":"2026-11-20T00:00:00Z","clientName":"data-lake","status200":1}"#).unwrap();
        let parts = part(20, 20).clients(&["data-lake".to_owned(), "data".to_owned()]);
        assert_eq!(parts[0].check(&fold), Ok(()));
        assert_eq!(parts[1].check(&fold).unwrap_err().reason, Reason::Truncated);
        assert_eq!(part(20, 20).check(&fold), Ok(()));
    }

    proptest! {
        #[test]
        fn the_days_of_a_part_are_all_its_days_once(first in 1_i8..=30, more in 0_i8..=20) {
            let last = (first + more).min(30);
            let days: Vec<i8> = part(first, last).days().iter().map(|part| part.first.day()).collect();
            prop_assert_eq!(days, (first..=last).collect::<Vec<_>>());
        }
    }
}
