//! Status pages of made-up fleets on a real socket: every state that there is, without waiting for a vendor to bring it about.

use std::sync::Arc;
use std::time::Duration;

use ccaas_exporter::catalogue::genesys_cloud::OAUTH_CLIENT_WINDOW;
use ccaas_exporter::exposition;
use ccaas_exporter::http::{Http, router};
use ccaas_exporter::model::{
    Allowance, CollectError, CollectorId, Failure, FairUse, MonthSpend, Overview, Reading, Reason, Schedule,
};
use ccaas_exporter::serve::Options;
use ccaas_exporter::store::{Slot, Store};
use ccaas_exporter::telemetry::Telemetry;
use jiff::civil::{Date, Weekday, date};
use jiff::{Timestamp, ToSpan};
use tokio::sync::watch;

use super::served::Served;
use super::{NOW, fixed_clock};

const HOUR: Duration = Duration::from_hours(1);

/// As long as a name may well be.
pub const LONG: &str = "contact-centre-of-the-north-western-region-and-its-suburbs-1";

/// One word, which cannot be broken.
pub const UNBROKEN: &str = "Donaudampfschifffahrtsgesellschaftskapitaenskajuetenschlues1";

const COLLECTORS: [&str; 5] = ["usage", "client_summary", "oauth_clients", "limits", "billable_usage"];

/// How a collector is.
#[derive(Clone, Copy)]
pub enum Condition {
    Pending,
    Good,
    /// Its last runs failed, after good ones.
    Failing(Reason),
    /// It has never brought anything.
    Barren(Reason),
    NotSupported,
    /// Its last run was good, days ago.
    Stale,
}

/// A fleet, and the page that shows it.
pub struct Gallery {
    store: Store,
    telemetry: Arc<Telemetry>,
    /// How many runs a good collector has behind it.
    runs: i64,
}

impl Gallery {
    pub fn new() -> Self {
        Self { store: Store::new(1_000_000), telemetry: Arc::new(Telemetry::new()), runs: 30 }
    }

    /// Adds a collector, which tells `overview` where it has figures.
    pub fn collector(
        &self,
        organization: &str,
        provider: &'static str,
        collector: &'static str,
        condition: Condition,
        overview: Option<&Overview>,
    ) {
        let id = CollectorId { organization: organization.to_owned(), provider, collector };
        let schedule = Schedule { refresh: 6 * HOUR, timeout: HOUR, max_staleness: 200 * HOUR };
        let slot = self.store.slot(id.clone(), schedule, self.telemetry.collector(&id, schedule.refresh));
        let now: Timestamp = NOW.parse().expect("a time");
        let ago = |hours: i64| now - (hours * 60 - 20).minutes();
        slot.waiting(now, Duration::from_mins(100), HOUR);
        match condition {
            Condition::Pending => {}
            Condition::Good => (0..self.runs).rev().for_each(|run| good(&slot, ago(6 * run + 1), overview)),
            Condition::Failing(reason) => {
                (4..10).rev().for_each(|run| good(&slot, ago(6 * run), overview));
                (0..2).rev().for_each(|run| failed(&slot, ago(6 * run + 1), reason));
            }
            Condition::Barren(reason) => (0..25).rev().for_each(|run| failed(&slot, ago(run + 1), reason)),
            Condition::NotSupported => {
                let why = "listContracts: the vendor says 404 (not.found)".to_owned();
                slot.record(ago(2), HOUR / 900, 1, Err(CollectError::NotSupported(why)));
            }
            Condition::Stale => good(&slot, ago(100), overview),
        }
    }

    /// Adds an organization of Genesys Cloud, whose first collector is in that condition and the others good.
    pub fn genesys(&self, organization: &str, condition: Condition, fair_use: Option<FairUse>) {
        let overview = fair_use.map(Overview::FairUse);
        let mut told = overview.as_ref();
        for (place, collector) in COLLECTORS.into_iter().enumerate() {
            let condition = if place == 0 { condition } else { Condition::Good };
            self.collector(organization, "genesys_cloud", collector, condition, told.take());
        }
    }

    /// Adds an organization of Talkdesk.
    pub fn talkdesk(&self, organization: &str) {
        let amounts =
            |factor: f64| vec![(4_321.5 * factor, "EUR".to_owned()), (98_765.43 * factor, "USD".to_owned())];
        let month = |month: &str, is_running, factor| MonthSpend {
            month: month.to_owned(),
            is_running,
            amounts: amounts(factor),
        };
        let spend = vec![month("2026-11", true, 0.7), month("2026-10", false, 1.0)];
        self.collector(organization, "talkdesk", "usage", Condition::Good, Some(&Overview::Spend(spend)));
        self.collector(organization, "talkdesk", "accounts", Condition::Good, None);
    }

    /// Four organizations: one over its allowance, one that will be and fails, one without an allowance, and one that spends money.
    pub fn few() -> Self {
        let gallery = Self::new();
        gallery.genesys("acme", Condition::Good, Some(fair_use(160)));
        gallery.genesys(LONG, Condition::Failing(Reason::Auth), Some(fair_use(110)));
        gallery.genesys("initech", Condition::Good, Some(FairUse { allowance: None, ..fair_use(50) }));
        gallery.talkdesk("globex");
        gallery
    }

    /// Organizations of all kinds, of which every tenth has a very long name.
    pub fn many(count: u32) -> Self {
        let gallery = Self { runs: 2, ..Self::new() };
        for number in 0..count {
            let name = match number % 10 {
                3 => format!("{LONG}{number:03}").split_off(3),
                7 => format!("{UNBROKEN}{number:03}").split_off(3),
                _ => format!("customer-{number:03}"),
            };
            match number % 20 {
                5 => gallery.talkdesk(&name),
                6 => gallery.genesys(&name, Condition::Failing(Reason::RateLimited), Some(fair_use(60))),
                8 => gallery.genesys(&name, Condition::Stale, Some(fair_use(60))),
                9 => gallery.genesys(&name, Condition::Pending, None),
                11 => gallery.genesys(&name, Condition::Good, Some(fair_use(130))),
                12 => gallery.genesys(&name, Condition::Good, Some(fair_use(95))),
                _ => gallery.genesys(&name, Condition::Good, Some(fair_use(20 + number / 10))),
            }
        }
        gallery
    }

    /// Every collector fails, each for another reason.
    pub fn failing() -> Self {
        let gallery = Self::new();
        for (place, reason) in Reason::ALL.into_iter().enumerate() {
            let organization = if place < 6 { "acme" } else { UNBROKEN };
            let name =
                ["usage", "client_summary", "client_query", "searches", "limits", "contracts"][place % 6];
            gallery.collector(organization, "genesys_cloud", name, Condition::Barren(reason), None);
        }
        gallery
    }

    /// Nothing has been collected yet.
    pub fn pending() -> Self {
        let gallery = Self::new();
        for name in COLLECTORS {
            gallery.collector("acme", "genesys_cloud", name, Condition::Pending, None);
        }
        gallery
    }

    /// Serves the page.
    pub async fn serve(self) -> Served {
        let (_, config) = watch::channel("organizations: []\n".to_owned());
        let metrics = "/metrics".to_owned();
        let http = Http::new(self.store, self.telemetry, fixed_clock(), config, None, metrics);
        Served::start(router(http), Options::default()).await
    }
}

/// Fair use of a period from the 1st to the 30th of November, of which so many percent of 10 million requests will be used.
pub fn fair_use(percent: u32) -> FairUse {
    let (first, newest_day) = (date(2026, 10, 17), date(2026, 11, 20));
    let period = u64::from(percent) * 100_000;
    let requests = |day: Date| match day.weekday() {
        Weekday::Saturday | Weekday::Sunday => period / 30 * 3 / 8,
        _ => period / 30 * 5 / 4,
    };
    let days = first.series(1.day()).take_while(|day| *day <= newest_day);
    FairUse {
        period_start: date(2026, 11, 1),
        period_end: date(2026, 12, 1),
        period_source: "contract".into(),
        newest_day,
        to_date: period * 20 / 30,
        trailing_days: 7,
        trailing_mean: f64::from(percent) * 1e5 / 30.0,
        allowance: Some(Allowance { requests: 1e7, source: "contract".into() }),
        unit_price: Some((0.0005, "USD".to_owned())),
        days: days.map(|day| (day, requests(day))).collect(),
    }
}

fn good(slot: &Slot, at: Timestamp, overview: Option<&Overview>) {
    let mut reading = Reading { data_through: Some(at), overview: overview.cloned(), ..Reading::default() };
    reading.samples.push(&OAUTH_CLIENT_WINDOW, [], 1.0);
    let lines = exposition::encode(&slot.id().organization, &reading.samples);
    slot.record(at, HOUR / 900, 8, Ok((reading, lines)));
}

fn failed(slot: &Slot, at: Timestamp, reason: Reason) {
    let message =
        "createToken: 401 (invalid_client), correlation id 0b6fa1c2-7d1e-4f53-9a62-1f7b5a0f8c11".to_owned();
    slot.record(at, HOUR / 1800, 4, Err(Failure::new(reason, message).into()));
}
