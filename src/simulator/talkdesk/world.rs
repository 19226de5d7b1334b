//! The organization's accounts, made once from the seed.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::list::View;
use super::month::{Month, today};
use crate::simulator::dice::Dice;
use crate::simulator::planted::PLANTED_PERSON;

/// Months of usage before the running one.
const MONTHS: i32 = 14;

pub(super) struct World {
    pub(super) accounts: Vec<Account>,
    /// The first month with usage.
    pub(super) first: Month,
    /// The month in which the world began.
    pub(super) start: Month,
}

pub(super) struct Account {
    pub(super) dice: Dice,
    pub(super) id: String,
    pub(super) name: &'static str,
    pub(super) status: &'static str,
    pub(super) currency: &'static str,
    /// Its size; 1 is ordinary.
    pub(super) size: f64,
    pub(super) habit: Habit,
}

/// What is peculiar about an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    Steady,
    /// Spends much more than in the month before, when the world begins and every second month from then on.
    Surging,
    /// Came two months before the world began.
    New,
    /// Left three months before the world began.
    Gone,
    /// Never used anything.
    Silent,
}

/// Name, status, currency, size, habit.
type Part = (&'static str, &'static str, &'static str, f64, Habit);

const CAST: [Part; 7] = [
    ("acme-support", "ACTIVE", "USD", 1.6, Habit::Steady),
    ("acme-emea", "ACTIVE", "EUR", 1.1, Habit::Steady),
    ("acme-sales", "ACTIVE", "USD", 0.7, Habit::Surging),
    ("acme-care", "ACTIVE", "EUR", 0.9, Habit::Steady),
    ("acme-pilot", "IN_TRIAL", "USD", 0.1, Habit::New),
    ("acme-retail", "CHURNED", "EUR", 0.5, Habit::Gone),
    ("acme-sandbox", "OTHER", "USD", 0.0, Habit::Silent),
];

impl World {
    pub(super) fn new(seed: u64, start: Timestamp) -> Self {
        let dice = Dice::new(seed).named("talkdesk");
        let start = Month::of(today(start));
        let accounts = CAST.into_iter().map(|(name, status, currency, size, habit)| {
            let dice = dice.named("account").named(name);
            Account { dice, id: hex(dice, 24), name, status, currency, size, habit }
        });
        Self { accounts: accounts.collect(), first: start.plus(-MONTHS), start }
    }

    /// Whether an account uses anything in a month.
    pub(super) fn is_used(&self, account: &Account, month: Month) -> bool {
        let since = month.since(self.start);
        month >= self.first
            && match account.habit {
                Habit::Steady | Habit::Surging => true,
                Habit::New => since >= -2,
                Habit::Gone => since <= -3,
                Habit::Silent => false,
            }
    }
}

/// `listAccounts`
pub(super) fn rows(view: &View) -> Vec<Value> {
    let accounts = view.world.accounts.iter();
    accounts
        .map(|account| {
            json!({
                "id": account.id,
                "name": account.name,
                "company_name": format!("{PLANTED_PERSON} ({})", account.name),
                "status": account.status,
            })
        })
        .collect()
}

/// A draw in the form of an id of so many digits, 32 at the most.
pub(super) fn hex(dice: Dice, digits: usize) -> String {
    let mut id = format!("{:016x}{:016x}", dice.number(), dice.of(1).number());
    id.truncate(digits);
    id
}
