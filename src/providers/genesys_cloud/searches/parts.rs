//! A search in as many parts as it takes: whole, then by day, then by HTTP method, then by client.
//!
//! Days and methods are known in full, so splitting by them loses nothing. Clients are not: requests come from clients that no
//! list shows. So only the clients that a search names itself are asked for one by one.

use futures_util::{StreamExt, TryStreamExt, stream};
use jiff::civil::Date;

use super::pages::{Found, Query};
use crate::model::{CollectError, Failure, Reason};
use crate::providers::genesys_cloud::complete::Window;
use crate::providers::genesys_cloud::days::plus;
use crate::providers::genesys_cloud::execution::{Completed, Patience, SIDE_BY_SIDE};
use crate::providers::genesys_cloud::fold::{Fold, METHODS, Party};
use crate::providers::genesys_cloud::settings::Search;
use crate::rest::Client;

/// More parts than this are more than one search may cost.
const PARTS_LIMIT: usize = 1000;

/// A search and whom to ask.
pub(super) struct Searcher<'a> {
    pub(super) client: &'a Client,
    pub(super) search: &'a Search,
    pub(super) patience: Patience<'a>,
}

/// A part of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    first: Date,
    last: Date,
    /// The HTTP methods that it is restricted to; none for all.
    methods: Vec<String>,
    /// Whether a larger part was split to get this one of one method.
    is_of_one_method: bool,
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
        let mut parts = vec![Part::whole(self.search, first, last)];
        let mut parts_so_far = 0;
        while !parts.is_empty() {
            parts_so_far += parts.len();
            if parts_so_far > PARTS_LIMIT {
                let message =
                    format!("the search {} would take more than {PARTS_LIMIT} parts", self.search.name);
                return Err(Failure::new(Reason::Limit, message).into());
            }
            let mut smaller = Vec::new();
            let searches: Vec<_> = parts.into_iter().map(|part| self.search(part)).collect();
            let mut searches = stream::iter(searches).buffered(SIDE_BY_SIDE);
            while let Some((part, Completed { output: Found { fold, is_whole }, unknown_states })) =
                searches.try_next().await?
            {
                all.unknown_states += unknown_states;
                fold.understood()?;
                part.check(&fold)?;
                if is_whole {
                    all.output.merge(fold)?;
                } else {
                    smaller.extend(self.split(&part)?);
                }
            }
            parts = smaller;
        }
        Ok(all)
    }

    async fn search(&self, part: Part) -> Result<(Part, Completed<Found>), CollectError> {
        let Self { client, search, .. } = *self;
        let Part { first, last, ref names, ref methods, .. } = part;
        let query = Query { client, search, names, methods, first, last };
        let found = query.read(self.patience).await?;
        Ok((part, found))
    }

    /// Parts that together are one that was too large.
    fn split(&self, part: &Part) -> Result<Vec<Part>, Failure> {
        let (search, first, last) = (&self.search.name, part.first, part.last);
        tracing::info!(search, %first, %last, "more than the vendor gives for one search, it is made in parts");
        if part.first < part.last {
            Ok(part.days())
        } else if !part.is_of_one_method && part.methods.len() != 1 {
            Ok(part.by_method())
        } else if part.names.len() > 1 {
            Ok(part.by_client())
        } else {
            let advice =
                if part.names.is_empty() { "; name the clients in its oauth_client_names" } else { "" };
            let message = format!(
                "the search {search} has more rows of one HTTP method on {first} than the vendor gives{advice}"
            );
            Err(Failure::new(Reason::Truncated, message))
        }
    }
}

impl Part {
    fn whole(search: &Search, first: Date, last: Date) -> Self {
        let (methods, names) = (search.http_methods.clone(), search.oauth_client_names.clone());
        Self { first, last, methods, is_of_one_method: false, names, is_of_one_client: false }
    }

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

    /// The parts of its HTTP methods, which are all that there are when none is given.
    fn by_method(&self) -> Vec<Self> {
        let all = METHODS.map(str::to_owned);
        let methods: &[String] = if self.methods.is_empty() { &all } else { &self.methods };
        let part =
            |method: &String| Self { methods: vec![method.clone()], is_of_one_method: true, ..self.clone() };
        methods.iter().map(part).collect()
    }

    /// The parts of its clients, of which each name is asked for once however many clients share it.
    fn by_client(&self) -> Vec<Self> {
        let part = |name: &String| Self { names: vec![name.clone()], is_of_one_client: true, ..self.clone() };
        self.names.iter().map(part).collect()
    }

    /// Refuses rows that another part has too: a filter that also finds similar names cannot be split by.
    fn check(&self, fold: &Fold) -> Result<(), Failure> {
        let is_strange = |party: &String| !self.names.contains(party);
        if self.is_of_one_client && fold.cells.keys().any(|cell| is_strange(&cell.party)) {
            let message = "a search for one client found others, so it cannot be made in parts";
            return Err(Failure::new(Reason::Truncated, message));
        }
        let is_strange = |method: &String| !self.methods.contains(method);
        if self.is_of_one_method && fold.cells.keys().any(|cell| is_strange(&cell.method)) {
            let message = "a search for one HTTP method found others, so it cannot be made in parts";
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
        Part {
            first: november(first),
            last: november(last),
            methods: Vec::new(),
            is_of_one_method: false,
            names: Vec::new(),
            is_of_one_client: false,
        }
    }

    #[test]
    fn a_part_of_one_client_takes_no_rows_of_another() {
        let mut fold = Fold::new(date(2026, 11, 20)..=date(2026, 11, 20), Party::ClientName);
        fold.row(br#"{"date":"2026-11-20T00:00:00Z","clientName":"data-lake","status200":1}"#).unwrap();
        let names = vec!["data-lake".to_owned(), "data".to_owned()];
        let parts = Part { names, ..part(20, 20) }.by_client();
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
