//! What vendors send that their documentation does not list: noticed where it is met, and told of the run that met it.
//!
//! Whoever meets a surprise calls [`note`] or [`check`]; the run in whose scope that happens keeps it, so nothing has to carry
//! counts along, and a run that fails tells its surprises too. Outside of a run they go unnoticed.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;

use super::{CollectorId, harmless};

/// Most surprises of a run that are counted.
const RUN_LIMIT: usize = 100;

/// Most surprises that a process logs.
const LOG_LIMIT: usize = 1000;

/// The surprises that are in the log already, with the provider that they come from.
static LOGGED: Mutex<BTreeSet<(&'static str, Noted)>> = Mutex::new(BTreeSet::new());

tokio::task_local! {
    static RUN: RefCell<Surprises>;
}

/// The kinds of surprises: the `kind` label of `ccaas_exporter_schema_surprises_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Surprise {
    /// A value that is not among those documented for its field.
    EnumValue,
    /// A field that the answer of an operation is not documented to have.
    Field,
    /// A unit of measure that is not among those documented.
    Unit,
    /// The announcement that an operation is or will be deprecated, or will end.
    Deprecation,
}

/// The surprises of one run, each once however often it was met.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Surprises(BTreeSet<Noted>);

/// A surprise: its kind, the field or operation where it was met, and its name.
type Noted = (Surprise, &'static str, Name);

/// The name of a surprise. One that could be anything is kept only as a digest, so that it cannot get into a log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Shown(String),
    Hidden(u64),
}

impl Surprise {
    /// Every kind, so that each counter exists from the start.
    pub const ALL: [Self; 4] = [Self::EnumValue, Self::Field, Self::Unit, Self::Deprecation];

    /// The label value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EnumValue => "enum_value",
            Self::Field => "field",
            Self::Unit => "unit",
            Self::Deprecation => "deprecation",
        }
    }
}

impl Surprises {
    /// How many different ones there are of a kind.
    #[must_use]
    pub fn count(&self, kind: Surprise) -> u64 {
        self.0.iter().filter(|(noted, ..)| *noted == kind).count() as u64
    }

    /// Those that no run of the process has met before at this provider; from now on they have been met.
    fn news(&self, provider: &'static str) -> Vec<&Noted> {
        let mut logged = LOGGED.lock().expect("nothing panics while it holds the lock");
        let mut is_new =
            |noted: &&Noted| logged.len() < LOG_LIMIT && logged.insert((provider, (*noted).clone()));
        self.0.iter().filter(|noted| is_new(noted)).collect()
    }
}

fn log(id: &CollectorId, (kind, place, name): &Noted) {
    let (organization, provider, collector) = (id.organization.as_str(), id.provider, id.collector);
    let name = match name {
        Name::Shown(name) => name,
        Name::Hidden(_) => "(not shown)",
    };
    if *kind == Surprise::Deprecation {
        let (operation, announced) = (place, name);
        tracing::warn!(
            organization,
            provider,
            collector,
            operation,
            announced,
            "the vendor announces the end of an operation that is in use"
        );
    } else {
        let kind = kind.as_str();
        tracing::info!(
            organization,
            provider,
            collector,
            kind,
            place,
            name,
            "the vendor sends what its documentation does not list"
        );
    }
}

/// Takes note of a surprise called `name` in the field or operation `place`.
pub fn note(kind: Surprise, place: &'static str, name: &str) {
    // Outside of a run there is nobody to tell.
    let _ = RUN.try_with(|run| {
        let noted = &mut run.borrow_mut().0;
        if noted.len() < RUN_LIMIT {
            noted.insert((kind, place, Name::of(name)));
        }
    });
}

/// Takes note of a value of `field` that is neither empty nor among those `documented`, in whatever case.
pub fn check(kind: Surprise, field: &'static str, value: &str, documented: &[&str]) {
    if !value.is_empty() && !documented.iter().any(|known| known.eq_ignore_ascii_case(value)) {
        note(kind, field, value);
    }
}

/// Makes a run of the collector `id`, and returns with its output the surprises that it met.
pub async fn collecting<F: Future>(id: &CollectorId, run: F) -> (F::Output, Surprises) {
    let run = async { (run.await, RUN.with(RefCell::take)) };
    let (output, surprises) = RUN.scope(RefCell::default(), run).await;
    for noted in surprises.news(id.provider) {
        log(id, noted);
    }
    (output, surprises)
}

/// Does some work and returns with its output the surprises that it met.
#[cfg(test)]
pub fn noticing<T>(work: impl FnOnce() -> T) -> (T, Surprises) {
    RUN.sync_scope(RefCell::default(), || (work(), RUN.with(RefCell::take)))
}

impl Name {
    fn of(name: &str) -> Self {
        if let Some(name) = harmless(name) {
            return Self::Shown(name);
        }
        let mut digest = DefaultHasher::new();
        name.hash(&mut digest);
        Self::Hidden(digest.finish())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn id() -> CollectorId {
        CollectorId { organization: "acme".to_owned(), provider: "genesys_cloud", collector: "usage" }
    }

    #[test]
    fn a_surprise_counts_once_and_those_that_differ_count_each() {
        let ((), surprises) = noticing(|| {
            for _ in 0..3 {
                note(Surprise::Field, "listContracts", "discount");
                note(Surprise::Field, "getContract", "discount");
                note(Surprise::Unit, "unit", "Discount");
                note(Surprise::Unit, "unit", "two words");
                note(Surprise::Unit, "unit", "two other words");
            }
        });
        assert_eq!(Surprise::ALL.map(|kind| surprises.count(kind)), [0, 2, 3, 0]);
    }

    #[test]
    fn only_what_is_not_documented_is_a_surprise() {
        let ((), surprises) = noticing(|| {
            for value in ["", "Open", "CLOSED", "Ajar", "Ajar"] {
                check(Surprise::EnumValue, "status", value, &["Open", "Closed"]);
            }
        });
        assert_eq!(surprises.count(Surprise::EnumValue), 1);
    }

    #[test]
    fn a_run_counts_no_more_than_its_limit() {
        let ((), surprises) = noticing(|| {
            for number in 0..2 * RUN_LIMIT {
                note(Surprise::Field, "listContracts", &number.to_string());
            }
        });
        assert_eq!(surprises.count(Surprise::Field), RUN_LIMIT as u64);
    }

    #[test]
    fn a_name_that_could_be_a_persons_is_not_kept() {
        let ((), surprises) = noticing(|| {
            for name in ["jane@example.com", "Jane Doe", "+1 555 0100"] {
                note(Surprise::Field, "listContracts", name);
            }
        });
        assert_eq!(surprises.count(Surprise::Field), 3);
        assert!(!format!("{surprises:?}").contains("ane") && !format!("{surprises:?}").contains("0100"));
    }

    #[test]
    fn a_surprise_is_news_once_in_a_process() {
        let meet = |names: &[&str]| {
            noticing(|| names.iter().for_each(|name| note(Surprise::Field, "listEvents", name))).1
        };
        assert_eq!(meet(&["a", "b"]).news("talkdesk").len(), 2);
        let second = meet(&["a", "c"]);
        assert_eq!(second.news("talkdesk"), [&(Surprise::Field, "listEvents", Name::of("c"))]);
        assert_eq!(second.news("genesys_cloud").len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_tells_its_surprises_also_when_it_is_cut_off_and_no_others() {
        let run = async |name: &str| {
            note(Surprise::Field, "listContracts", name);
            std::future::pending::<()>().await;
        };
        let (ended, surprises) =
            collecting(&id(), tokio::time::timeout(Duration::from_secs(1), run("a"))).await;
        assert!(ended.is_err());
        assert_eq!(surprises.count(Surprise::Field), 1);
        note(Surprise::Field, "listContracts", "b");
        let ((), surprises) = collecting(&id(), async {}).await;
        assert_eq!(surprises, Surprises::default());
    }
}
