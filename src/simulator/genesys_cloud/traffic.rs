//! How many requests there were: by client, endpoint and day, as known at some time.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use jiff::Timestamp;

use super::cast::Habit;
use super::day::Day;
use super::world::{Client, Endpoint, World};

/// Days whose figures the vendor changed, and by what factor.
pub(super) type Restated = BTreeMap<Day, f64>;

/// Requests by class of their status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) status200: u64,
    pub(super) status300: u64,
    /// All of 4xx, 429 among them.
    pub(super) status400: u64,
    pub(super) status429: u64,
    pub(super) status500: u64,
}

impl Counts {
    pub(super) fn requests(&self) -> u64 {
        self.status200 + self.status300 + self.status400 + self.status500
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.status200 += other.status200;
        self.status300 += other.status300;
        self.status400 += other.status400;
        self.status429 += other.status429;
        self.status500 += other.status500;
    }
}

/// After so many hours no record is late any more. What is left of the exponential then would, as figures are rounded down, hold
/// back one request of each for days.
const NOTHING_LATE_AFTER: f64 = 96.0;

/// How much of a day's figures is known: late records trickle in for a day and more.
pub(super) fn completeness(day: Day, now: Timestamp) -> f64 {
    let hours = (now.as_second() - day.plus(1).midnight().as_second()) as f64 / 3600.0;
    if hours >= NOTHING_LATE_AFTER {
        return 1.0;
    }
    let passed = ((hours + 24.0) / 24.0).clamp(0.0, 1.0);
    passed * 0.05f64.mul_add(-(-hours.max(0.0) / 6.0).exp(), 1.0)
}

impl World {
    /// Requests of a client on a whole day, before they are spread over its endpoints.
    pub(super) fn volume(&self, client: &Client, day: Day) -> f64 {
        if day < self.first || day < client.created || client.last.is_some_and(|last| day > last) {
            return 0.0;
        }
        let shape = if day.is_weekend() { 0.3 } else { 1.0 };
        // Fifteen percent a year around the day for which the volumes were chosen, 2026-11-01.
        let growth = (1.0 + 0.15 * (day.number() - 20_758) as f64 / 365.0).clamp(0.3, 3.0);
        let noise = client.dice.named("day").of(day.number().unsigned_abs()).between(0.9, 1.1);
        let spike = if client.habit == Habit::Spiking && self.is_spike(day) { 8.0 } else { 1.0 };
        client.volume * shape * growth * noise * spike
    }

    /// The day of the spike; it comes again every tenth day, so that a demo that runs for weeks stays worth a look.
    fn is_spike(&self, day: Day) -> bool {
        let since = day.number() - self.spike.number();
        since >= 0 && since % 10 == 0
    }

    /// Requests of a client to one endpoint on one day, of which `known` is the part that the vendor counts by now.
    pub(super) fn cell(client: &Client, endpoint: &Endpoint, day: Day, volume: f64, known: f64) -> Counts {
        let dice = endpoint.dice.of(day.number().unsigned_abs());
        let total = volume * endpoint.share * dice.between(0.8, 1.2);
        let (throttled, failed) = match client.habit {
            Habit::Throttled => (0.09, 0.002),
            Habit::Failing => (0.001, 0.04),
            _ => (0.0005, 0.001),
        };
        // Rounded by chance, so that rare statuses of small cells add up to their share.
        let count = |share: f64, purpose: u64| (total * share + dice.of(purpose).unit()).floor();
        let (limited, server) = (count(throttled, 1), count(failed, 2));
        let (client_errors, redirects) = (count(0.012, 3), count(0.003, 4));
        let rest = (count(1.0, 5) - limited - server - client_errors - redirects).max(0.0);
        // Each class is completed by itself and the sums are made after that, so they hold at any time.
        let now = |count: f64| whole(count * known);
        Counts {
            status200: now(rest),
            status300: now(redirects),
            status400: now(client_errors) + now(limited),
            status429: now(limited),
            status500: now(server),
        }
    }
}

/// Rounds down.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates at both ends"
)]
fn whole(count: f64) -> u64 {
    count as u64
}
