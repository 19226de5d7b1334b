//! The organization's clients and their endpoints, made once from the seed.

use std::collections::HashMap;

use jiff::Timestamp;

use super::billing::Period;
use super::cast::{Habit, Part, SYSTEMS, TASKS};
use super::day::Day;
use super::endpoints::ENDPOINTS;
use crate::simulator::Options;
use crate::simulator::dice::Dice;

/// The vendor's own last day counts as complete some hours after its end; see [`World::spike`].
const SETTLE_SECONDS: i64 = 3 * 3600;
/// More clients than any test needs; more would not fit in memory.
const CLIENTS_MAX: usize = 20_000;
/// The organizations beside the owner that use an app.
const APP_CUSTOMERS: u64 = 5;

pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) clients: Vec<Client>,
    /// Who uses the organization's clients: first the organization itself, then the customers of its app.
    pub(super) tenants: Vec<Tenant>,
    /// The day on which the world began.
    pub(super) start: Day,
    /// The first day with traffic.
    pub(super) first: Day,
    /// The day of the spike: the newest that was complete when the world began.
    pub(super) spike: Day,
    /// The day of a month on which billing periods begin.
    billing_day: u8,
}

/// An organization that uses a client.
pub(super) struct Tenant {
    pub(super) id: String,
    /// Its requests, as a part of those that the owner makes.
    pub(super) share: f64,
}

/// An OAuth client.
pub(super) struct Client {
    pub(super) dice: Dice,
    pub(super) id: String,
    pub(super) name: String,
    /// The position of the first client with this name, which may be this one.
    pub(super) namesake: usize,
    pub(super) habit: Habit,
    /// Requests on a working day.
    pub(super) volume: f64,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) created: Day,
    /// The last day with traffic, if it ended.
    pub(super) last: Option<Day>,
    /// The day of its deletion, if one is set.
    pub(super) deletion: Option<Day>,
}

/// An endpoint that a client calls.
pub(super) struct Endpoint {
    pub(super) dice: Dice,
    pub(super) method: &'static str,
    pub(super) uri: &'static str,
    /// Its part of the client's requests.
    pub(super) share: f64,
}

impl World {
    /// A world of `clients` clients: those of the cast first.
    pub(super) fn new(dice: Dice, cast: &[Part], clients: usize, options: &Options) -> Self {
        let start = options.clock.now();
        let today = Day::of(start);
        let settled = Timestamp::from_second(start.as_second() - SETTLE_SECONDS).unwrap_or(start);
        let mut names: HashMap<String, usize> = HashMap::new();
        let clients = (0..clients.min(CLIENTS_MAX)).map(|index| match cast.get(index) {
            Some(part) => Client::new(dice.named("client").of(index as u64), *part, today),
            None => Client::extra(dice.named("client").of(index as u64), index, today),
        });
        let clients = clients.enumerate().map(|(index, client)| Client {
            namesake: *names.entry(client.name.clone()).or_insert(index),
            ..client
        });
        let home = Tenant { id: dice.named("organization").uuid(), share: 1.0 };
        let customers = (0..APP_CUSTOMERS).map(|index| {
            let dice = dice.named("app customer").of(index);
            Tenant { id: dice.uuid(), share: dice.named("share").between(0.02, 0.3) }
        });
        Self {
            dice,
            clients: clients.collect(),
            tenants: std::iter::once(home).chain(customers).collect(),
            start: today,
            first: today.plus(-i64::from(options.days)),
            spike: Day::of(settled).plus(-1),
            billing_day: options.billing_day,
        }
    }

    /// The billing period that a day is in.
    pub(super) fn period(&self, day: Day) -> Period {
        Period::of(day, self.billing_day)
    }

    /// The id of the organization.
    pub(super) fn home(&self) -> &str {
        self.tenants.first().map_or("", |home| &home.id)
    }

    /// A client of the organization's own list.
    pub(super) fn listed(&self, id: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.is_listed() && client.id == id)
    }
}

impl Client {
    fn new(dice: Dice, (name, volume, habit): Part, today: Day) -> Self {
        let age = match habit {
            Habit::New => 10,
            _ => 420 + i64::from(dice.named("age").choose(&[0_u16, 90, 200, 380, 700, 1100], 0)),
        };
        Self {
            dice,
            id: dice.uuid(),
            name: name.to_owned(),
            namesake: 0,
            habit,
            volume,
            endpoints: endpoints(dice),
            created: today.plus(-age),
            last: (habit == Habit::Idle).then(|| today.plus(-130)),
            deletion: (habit == Habit::Leaving).then(|| today.plus(21)),
        }
    }

    /// A client beyond the cast: most of them small, a few large, as in every organization.
    fn extra(dice: Dice, index: usize, today: Day) -> Self {
        let (system, task) =
            (dice.named("system").choose(&SYSTEMS, "crm"), dice.named("task").choose(&TASKS, "sync"));
        let volume = 200.0 * (dice.named("volume").unit() * 4.0).exp();
        let client = Self::new(dice, ("", volume, Habit::Steady), today);
        Self { name: format!("{system}-{task}-{index:03}"), ..client }
    }

    /// Whether the organization's client list shows it.
    pub(super) fn is_listed(&self) -> bool {
        !matches!(self.habit, Habit::Foreign | Habit::BuiltIn)
    }

    pub(super) fn is_builtin(&self) -> bool {
        self.habit == Habit::BuiltIn
    }
}

/// Between 5 and 40 endpoints, the first of them called most.
fn endpoints(dice: Dice) -> Vec<Endpoint> {
    let count = 5 + usize::try_from(dice.named("endpoints").number() % 36).unwrap_or_default();
    // Common endpoints stand first in the list, so they should often stand first here.
    let chance = |index: usize| index as f64 * 0.5 + dice.named("order").of(index as u64).between(0.0, 40.0);
    let mut order: Vec<(f64, usize)> = (0..ENDPOINTS.len()).map(|index| (chance(index), index)).collect();
    order.sort_by(|first, second| first.0.total_cmp(&second.0));
    order.truncate(count);
    let weight = |rank: usize| 1.0 / (rank as f64 + 1.0).powf(1.1);
    let total: f64 = (0..order.len()).map(weight).sum();
    let endpoint = |(rank, (_, index)): (usize, (f64, usize))| {
        let (method, uri) = ENDPOINTS[index];
        Endpoint { dice: dice.named("endpoint").of(index as u64), method, uri, share: weight(rank) / total }
    };
    order.into_iter().enumerate().map(endpoint).collect()
}
