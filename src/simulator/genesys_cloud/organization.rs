//! The organizations that are played: each has a world, credentials and a contract of its own.

use std::sync::Mutex;

use super::billing;
use super::billing::{Customer, Deal, Reports};
use super::cast::{CALM_CAST, CAST, PARTNER_CAST, Part};
use super::executions::Executions;
use super::traffic::Restated;
use super::world::World;
use crate::simulator::dice::Dice;
use crate::simulator::{CLIENT_IDS, Options};

/// A customer of the vendor. Tokens lead to one, and nothing leads from one to another.
pub(super) struct Organization {
    /// The OAuth client that the exporter uses.
    pub(super) client_id: &'static str,
    pub(super) profile: &'static Profile,
    pub(super) world: World,
    pub(super) restated: Mutex<Restated>,
    pub(super) executions: Mutex<Executions>,
    pub(super) reports: Mutex<Reports>,
}

/// What is said of an organization by hand.
pub(super) struct Profile {
    pub(super) name: &'static str,
    /// Its short name, which is unique among all organizations of the vendor.
    pub(super) short_name: &'static str,
    pub(super) domain: &'static str,
    cast: &'static [Part],
    /// Employees with a licence.
    pub(super) seats: u16,
    /// What it has bought from the vendor directly.
    pub(super) deal: Option<Deal>,
    /// Whose billing it may see.
    pub(super) customers: &'static [Customer],
}

/// In the order of [`CLIENT_IDS`].
const PROFILES: [Profile; CLIENT_IDS.len()] = [
    Profile {
        name: "Demo Contact Centre",
        short_name: "democontactcentre",
        domain: "demo-contact-centre",
        cast: &CAST,
        seats: 108,
        deal: Some(billing::STRAINED),
        customers: &[],
    },
    Profile {
        name: "Demo Insurance Service",
        short_name: "demoinsuranceservice",
        domain: "demo-insurance-service",
        cast: &CALM_CAST,
        seats: 84,
        deal: Some(billing::COMFORTABLE),
        customers: &[],
    },
    Profile {
        name: "Demo Cloud Partner",
        short_name: "democloudpartner",
        domain: "demo-cloud-partner",
        cast: &PARTNER_CAST,
        seats: 12,
        deal: None,
        customers: &billing::CUSTOMERS,
    },
];

impl Organization {
    /// All of them. The options' number of clients is that of the first; the others have their cast.
    pub(super) fn all(options: &Options) -> Vec<Self> {
        let dice = Dice::new(options.seed).named("genesys cloud");
        let organizations = CLIENT_IDS.into_iter().zip(&PROFILES).enumerate();
        let organization = |(index, (client_id, profile)): (usize, (&'static str, &'static Profile))| {
            let (dice, clients) = match index {
                0 => (dice, options.clients),
                _ => (dice.named(client_id), profile.cast.len()),
            };
            let world = World::new(dice, profile.cast, clients, options);
            Self {
                client_id,
                profile,
                world,
                restated: Mutex::default(),
                executions: Mutex::default(),
                reports: Mutex::default(),
            }
        };
        organizations.map(organization).collect()
    }

    pub(super) fn id(&self) -> &str {
        self.world.home()
    }
}
