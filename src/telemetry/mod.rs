//! The exporter's own families, and the only room that names `prometheus`.
//!
//! They live in one registry and are encoded when a scrape asks, because they change between refreshes. Everything that the
//! exporter learns from a vendor goes through [`crate::exposition`] instead.

mod api;
mod collector;
mod storage;

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};
use std::time::Duration;

use prometheus::core::{Collector, MetricVec, MetricVecBuilder};
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::{MetricFamily, MetricType};
use prometheus::{Gauge, Histogram, HistogramOpts, Opts, Registry, TextEncoder};

pub use api::ApiMetrics;
pub use collector::CollectorMetrics;
pub use storage::StorageMetrics;

use crate::exposition::{Format, Selection};
use crate::model::CollectorId;

/// A proof for `expect`: names and labels are constants, and every test run registers them all.
const VALID: &str = "constant metric definitions are valid and registered once";

/// What the names of the exporter's own families begin with, as against those of the process.
const OWN_PREFIX: &str = "ccaas_exporter_";

/// The organization that a refresher belongs to, and the refresher.
type Refresher = (String, Box<dyn Fn() + Send + Sync>);

/// The registry of the exporter's own families.
pub struct Telemetry {
    registry: Registry,
    collectors: collector::Families,
    api: api::Families,
    scrape_duration: Histogram,
    reload_successful: Gauge,
    reload_success_time: Gauge,
    /// Held for reading while the families are gathered, so that no scrape sees an organization half gone.
    refreshers: RwLock<Vec<Refresher>>,
}

impl Telemetry {
    /// Registers all families. Series without a collector or organization label exist from here on.
    #[must_use]
    pub fn new() -> Self {
        let registry = Registry::new();
        let build_info = add(
            &registry,
            Gauge::with_opts(
                Opts::new(
                    "ccaas_exporter_build_info",
                    "Version of the exporter, source revision and compiler; always 1.",
                )
                .const_label("version", env!("CARGO_PKG_VERSION"))
                .const_label("revision", env!("BUILD_REVISION"))
                .const_label("rustversion", env!("BUILD_RUST_VERSION")),
            ),
        );
        build_info.set(1.0);
        let gauge = |name: &str, help: &str| add(&registry, Gauge::new(name, help));
        let reload_successful = gauge(
            "ccaas_exporter_config_last_reload_successful",
            "Whether the configuration was good (1) or refused (0) when it was last read.",
        );
        let reload_success_time = gauge(
            "ccaas_exporter_config_last_reload_success_timestamp_seconds",
            "When the configuration in use was read, in seconds since the epoch.",
        );
        let scrape_duration = add(
            &registry,
            Histogram::with_opts(
                HistogramOpts::new(
                    "ccaas_exporter_scrape_duration_seconds",
                    "Time to answer a request for metrics, until its body is handed to the connection.",
                )
                .buckets(vec![0.000_1, 0.000_5, 0.002_5, 0.01, 0.05, 0.25, 1.5]),
            ),
        );
        registry.register(Box::new(ProcessCollector::for_self())).expect(VALID);
        Self {
            collectors: collector::Families::register(&registry),
            api: api::Families::register(&registry),
            scrape_duration,
            reload_successful,
            reload_success_time,
            refreshers: RwLock::default(),
            registry,
        }
    }

    /// The metrics of one collector; all of them exist from this call on.
    #[must_use]
    pub fn collector(&self, id: &CollectorId, refresh: Duration) -> CollectorMetrics {
        self.collectors.of(id, refresh)
    }

    /// The metrics of the requests to one organization's vendor.
    #[must_use]
    pub fn api(&self, provider: &'static str, organization: &str) -> ApiMetrics {
        self.api.of(provider, organization)
    }

    /// The metrics of the storage; to be asked for once, where there is one.
    #[must_use]
    pub fn storage(&self) -> StorageMetrics {
        StorageMetrics::register(&self.registry)
    }

    /// The configuration in use was read at `now`.
    pub fn config_read(&self, now: jiff::Timestamp) {
        self.reload_successful.set(1.0);
        self.reload_success_time.set(now.as_second() as f64);
    }

    /// A configuration was refused, and the one before it stays in use.
    pub fn config_refused(&self) {
        self.reload_successful.set(0.0);
    }

    /// Runs `refresh` before each encoding, for gauges of `organization` that time alone changes.
    pub fn before_gather(&self, organization: &str, refresh: impl Fn() + Send + Sync + 'static) {
        self.change().push((organization.to_owned(), Box::new(refresh)));
    }

    /// Removes all series of these organizations, and what is run before gathering for them. Whoever still holds metrics of
    /// theirs may go on to write, unseen.
    pub fn remove(&self, organizations: &HashSet<String>) {
        let mut refreshers = self.change();
        refreshers.retain(|(organization, _)| !organizations.contains(organization));
        self.collectors.remove(organizations);
        self.api.remove(organizations);
    }

    fn change(&self) -> RwLockWriteGuard<'_, Vec<Refresher>> {
        self.refreshers.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records how long a request for metrics took.
    pub fn observe_scrape(&self, duration: Duration) {
        self.scrape_duration.observe(duration.as_secs_f64());
    }

    /// The families as text, without the end mark of `OpenMetrics`; of series with an `organization` or `collector` label
    /// only the selected ones.
    #[must_use]
    pub fn encode(&self, format: Format, selection: &Selection) -> String {
        let refreshers = self.refreshers.read().unwrap_or_else(PoisonError::into_inner);
        for (_, refresh) in refreshers.iter() {
            refresh();
        }
        let mut families = self.registry.gather();
        drop(refreshers);
        if !selection.is_everything() {
            for family in &mut families {
                family.metric.retain(|metric| {
                    let label = |name| {
                        metric
                            .label
                            .iter()
                            .find(|pair| pair.name() == name)
                            .map(|pair| pair.value().to_owned())
                    };
                    label("organization").is_none_or(|organization| selection.organization(&organization))
                        && label("collector").is_none_or(|collector| selection.collector(&collector))
                });
            }
            families.retain(|family| !family.metric.is_empty());
        }
        let text =
            TextEncoder::new().encode_to_string(&families).expect("gathered families have names and samples");
        match format {
            Format::Text => text,
            Format::OpenMetrics => to_openmetrics(&text),
        }
    }
}

/// What there is to say about one of the exporter's own families.
#[derive(Debug)]
pub struct Definition {
    /// The name.
    pub name: String,
    /// `gauge`, `counter` or `histogram`.
    pub kind: &'static str,
    /// The label names.
    pub labels: Vec<String>,
    /// The HELP text.
    pub help: String,
}

/// The definitions of the exporter's own families, in the order of `/metrics`.
#[must_use]
pub fn definitions() -> Vec<Definition> {
    // A family shows its labels only once it has a series.
    let telemetry = Telemetry::new();
    let id = CollectorId { organization: String::new(), provider: "", collector: "" };
    let _ = telemetry.collector(&id, Duration::ZERO);
    telemetry.api("", "").request("", "", Duration::ZERO);
    let _ = telemetry.storage();
    let families = telemetry.registry.gather().into_iter();
    let own = families.filter(|family| family.name().starts_with(OWN_PREFIX));
    let definition = |family: MetricFamily| Definition {
        name: family.name().to_owned(),
        kind: match family.get_field_type() {
            MetricType::COUNTER => "counter",
            MetricType::HISTOGRAM => "histogram",
            _ => "gauge",
        },
        labels: family
            .metric
            .iter()
            .take(1)
            .flat_map(|metric| &metric.label)
            .map(|pair| pair.name().to_owned())
            .collect(),
        help: family.help().to_owned(),
    };
    own.map(definition).collect()
}

impl Default for Telemetry {
    fn default() -> Self {
        Self::new()
    }
}

/// Registers a family and hands it back.
fn add<C: Collector + Clone + 'static>(registry: &Registry, family: prometheus::Result<C>) -> C {
    let family = family.expect(VALID);
    registry.register(Box::new(family.clone())).expect(VALID);
    family
}

/// Removes the series of these organizations from a family.
fn remove<B: MetricVecBuilder>(family: &MetricVec<B>, organizations: &HashSet<String>) {
    for gathered in family.collect() {
        for metric in &gathered.metric {
            let labels: HashMap<&str, &str> =
                metric.label.iter().map(|pair| (pair.name(), pair.value())).collect();
            if labels.get("organization").is_some_and(|organization| organizations.contains(*organization)) {
                family.remove(&labels).expect("a gathered series has the labels of its family");
            }
        }
    }
}

/// `OpenMetrics` names a counter family without the `_total` of its samples; all else here is the same in both formats
/// (HELP texts have no quotes, and no bucket bound is a whole number).
fn to_openmetrics(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let header = line.strip_prefix("# ").and_then(|rest| {
            let (keyword, rest) = rest.split_once(' ')?;
            let (name, rest) = rest.split_once(' ')?;
            Some((keyword, name.strip_suffix("_total")?, rest))
        });
        match header {
            Some((keyword, name, rest)) => writeln!(out, "# {keyword} {name} {rest}"),
            None => writeln!(out, "{line}"),
        }
        .expect("writing to a string does not fail");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CollectorId;

    fn telemetry() -> Telemetry {
        let telemetry = Telemetry::new();
        for organization in ["acme", "globex"] {
            let id = CollectorId {
                organization: organization.into(),
                provider: "genesys_cloud",
                collector: "usage",
            };
            let _ = telemetry.collector(&id, Duration::from_hours(6));
            let _ = telemetry.api("genesys_cloud", organization);
        }
        telemetry
    }

    #[test]
    fn every_failure_reason_exists_from_the_start_at_zero() {
        let text = telemetry().encode(Format::Text, &Selection::default());
        for reason in crate::model::Reason::ALL {
            let series = format!(
                "ccaas_exporter_collector_failures_total{{collector=\"usage\",organization=\"acme\",\
                 provider=\"genesys_cloud\",reason=\"{}\"}} 0\n",
                reason.as_str()
            );
            assert!(text.contains(&series), "no {series}");
        }
    }

    #[test]
    fn openmetrics_names_counter_families_without_total_but_their_samples_with_it() {
        let text = telemetry().encode(Format::OpenMetrics, &Selection::default());
        assert!(text.contains("# TYPE ccaas_exporter_collector_polls counter\n"));
        assert!(text.contains("\nccaas_exporter_collector_polls_total{"));
        assert!(!text.contains("_total counter\n"));
    }

    #[test]
    fn no_help_text_needs_quote_escapes_and_no_bucket_bound_is_whole() {
        let text = telemetry().encode(Format::Text, &Selection::default());
        assert!(text.lines().filter(|line| line.starts_with("# HELP")).all(|line| !line.contains('"')));
        for line in text.lines().filter(|line| line.contains("le=\"")) {
            let bound = line.split("le=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
            assert!(
                bound == "+Inf" || bound.contains('.'),
                "{bound} is printed differently in the two formats"
            );
        }
    }

    #[test]
    fn a_removed_organization_leaves_nothing_behind_and_starts_again_from_zero() {
        let telemetry = telemetry();
        let encode = || telemetry.encode(Format::Text, &Selection::default());
        let api = telemetry.api("genesys_cloud", "acme");
        api.request("getThing", "200", Duration::ZERO);
        let budget = api.clone();
        telemetry.before_gather("acme", move || budget.set_budget_remaining(7));
        let before = encode();
        assert!(before.contains("operation=\"getThing\",organization=\"acme\""));

        telemetry.remove(&HashSet::from(["acme".to_owned()]));
        let after = encode();
        assert!(!after.contains("acme"), "{after}");
        let of_globex = |text: &str| text.lines().filter(|line| line.contains("globex")).count();
        assert!(of_globex(&after) > 20 && of_globex(&after) == of_globex(&before));

        let _ = telemetry.api("genesys_cloud", "acme");
        let again = encode();
        assert!(
            again.contains(
                "api_budget_remaining_requests{organization=\"acme\",provider=\"genesys_cloud\"} 0\n"
            )
        );
        assert!(!again.contains("getThing"));
    }

    #[test]
    fn a_selection_leaves_out_the_series_of_other_organizations() {
        let selection = Selection::new(["acme".to_owned()], []);
        let text = telemetry().encode(Format::Text, &selection);
        assert!(text.contains("organization=\"acme\""));
        assert!(!text.contains("organization=\"globex\""));
        assert!(text.contains("ccaas_exporter_build_info"));
    }
}
