//! A usage query of either family, and its rows.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::cast::Habit;
use super::day::Day;
use super::traffic::{Counts, Restated, completeness};
use super::world::{Client, Tenant, World};
use crate::simulator::dice::Dice;

/// What is asked; the two families spell it differently and mean the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) first: Day,
    /// The last day, itself included.
    pub(super) last: Day,
    pub(super) granularity: Granularity,
    pub(super) grouping: Grouping,
    pub(super) metrics: Metrics,
    pub(super) filter: Filter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Granularity {
    /// One total for the interval, without a date.
    Total,
    Day,
    Week,
    Month,
}

/// The dimensions that rows keep apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of dimensions, any of which may be asked for")]
pub(super) struct Grouping {
    pub(super) client_id: bool,
    pub(super) client_name: bool,
    pub(super) organization: bool,
    pub(super) user: bool,
    pub(super) platform: bool,
    pub(super) method: bool,
    pub(super) uri: bool,
}

/// The figures that rows carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of figures, any of which may be asked for")]
pub(super) struct Metrics {
    pub(super) requests: bool,
    pub(super) status200: bool,
    pub(super) status300: bool,
    pub(super) status400: bool,
    pub(super) status429: bool,
    pub(super) status500: bool,
}

impl Metrics {
    pub(super) const ALL: Self = Self {
        requests: true,
        status200: true,
        status300: true,
        status400: true,
        status429: true,
        status500: true,
    };
    pub(super) const NONE: Self = Self {
        requests: false,
        status200: false,
        status300: false,
        status400: false,
        status429: false,
        status500: false,
    };
}

/// Which requests are counted; an empty list does not restrict.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub(super) clients: Vec<String>,
    /// By name, which several clients may share.
    pub(super) client_names: Vec<String>,
    pub(super) methods: Vec<String>,
    pub(super) uris: Vec<String>,
    /// Nothing at all is counted: a filter asks for what no request of this world has.
    pub(super) nothing: bool,
    /// Genesys' own clients are counted too.
    pub(super) builtin: bool,
    pub(super) tenants: Tenants,
}

/// In which organizations requests are counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Tenants {
    /// In the organization that asks.
    #[default]
    Home,
    /// In all that use a client, as its owner sees them; an empty list does not restrict.
    Everywhere(Vec<String>),
}

/// One row; a dimension that was not asked for is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// Position in the world's clients; of a name that several share, the first.
    pub(super) client: Option<usize>,
    /// Position in the world's tenants.
    pub(super) tenant: Option<usize>,
    pub(super) method: Option<&'static str>,
    pub(super) uri: Option<&'static str>,
    /// First day of the bucket.
    pub(super) date: Option<Day>,
    pub(super) counts: Counts,
}

type Key = (Option<usize>, Option<usize>, Option<&'static str>, Option<&'static str>, Option<Day>);

impl World {
    /// The rows of a query as the vendor knew them at `now`, in no order that means anything.
    pub(super) fn rows(&self, query: &Query, now: Timestamp, restated: &Restated) -> Vec<Row> {
        let mut sums: BTreeMap<Key, Counts> = BTreeMap::new();
        let (first, last) = (query.first.max(self.first), query.last.min(Day::of(now)));
        let days: Vec<(Day, f64)> = std::iter::successors(Some(first), |day| Some(day.plus(1)))
            .take_while(|day| *day <= last)
            .map(|day| (day, completeness(day, now) * restated.get(&day).copied().unwrap_or(1.0)))
            .collect();
        for (index, client) in
            self.clients.iter().enumerate().filter(|(index, _)| query.filter.admits(self, *index))
        {
            let key = query.grouping.client(self, index);
            for (day, known) in &days {
                let volume = self.volume(client, *day);
                if volume == 0.0 {
                    continue;
                }
                let date = query.granularity.bucket(*day);
                for (position, tenant) in query.filter.tenants.of(self, client) {
                    let position = query.grouping.organization.then_some(position);
                    let volume = volume * tenant.share;
                    for endpoint in
                        client.endpoints.iter().filter(|end| query.filter.wants(end.method, end.uri))
                    {
                        let counts = Self::cell(client, endpoint, *day, volume, *known);
                        if counts.requests() > 0 {
                            let method = query.grouping.method.then_some(endpoint.method);
                            let uri = query.grouping.uri.then_some(endpoint.uri);
                            *sums.entry((key, position, method, uri, date)).or_default() += counts;
                        }
                    }
                }
            }
        }
        let mut rows: Vec<Row> = sums
            .into_iter()
            .map(|((client, tenant, method, uri, date), counts)| Row {
                client,
                tenant,
                method,
                uri,
                date,
                counts,
            })
            .collect();
        // The vendor's rows are not sorted, and nobody shall count on it.
        rows.sort_by_cached_key(|row| row.dice(self).number());
        rows
    }
}

impl Row {
    /// Chance that belongs to this row alone.
    pub(super) fn dice(&self, world: &World) -> Dice {
        let dice = match self.tenant {
            None | Some(0) => world.dice.named("row"),
            Some(tenant) => world.dice.named("row").of(tenant as u64),
        };
        dice.of(self.client.map_or(u64::MAX, |client| client as u64))
            .of(self.date.map_or(0, |date| date.number().unsigned_abs()))
            .named(self.method.unwrap_or_default())
            .named(self.uri.unwrap_or_default())
    }
}

impl Granularity {
    fn bucket(self, day: Day) -> Option<Day> {
        match self {
            Self::Total => None,
            Self::Day => Some(day),
            Self::Week => Some(day.week()),
            Self::Month => Some(day.month()),
        }
    }
}

impl Grouping {
    fn client(self, world: &World, index: usize) -> Option<usize> {
        if self.client_id {
            return Some(index);
        }
        let client = world.clients.get(index).filter(|_| self.client_name)?;
        Some(client.namesake)
    }
}

impl Tenants {
    /// Those of a client that are counted, with their positions.
    fn of<'a>(
        &'a self,
        world: &'a World,
        client: &Client,
    ) -> impl Iterator<Item = (usize, &'a Tenant)> + use<'a> {
        let (all, wanted) = match self {
            Self::Home => (false, [].as_slice()),
            Self::Everywhere(wanted) => (client.habit == Habit::App, wanted.as_slice()),
        };
        let tenants = world.tenants.iter().take(if all { usize::MAX } else { 1 }).enumerate();
        tenants.filter(move |(_, tenant)| wanted.is_empty() || wanted.contains(&tenant.id))
    }
}

impl Filter {
    fn admits(&self, world: &World, index: usize) -> bool {
        world.clients.get(index).is_some_and(|client| {
            !self.nothing
                && (self.builtin || !client.is_builtin())
                && (self.clients.is_empty() || self.clients.contains(&client.id))
                && (self.client_names.is_empty() || self.client_names.contains(&client.name))
        })
    }

    fn wants(&self, method: &str, uri: &str) -> bool {
        (self.methods.is_empty() || self.methods.iter().any(|wanted| wanted == method))
            && (self.uris.is_empty() || self.uris.iter().any(|wanted| wanted == uri))
    }
}
