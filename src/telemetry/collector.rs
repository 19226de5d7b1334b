//! What each collector tells of itself.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use prometheus::{Gauge, GaugeVec, IntCounter, IntCounterVec, Opts, Registry};

use super::{add, remove};
use crate::model::{CollectorId, Folded, Reading, Reason, Surprise, Surprises};

const LABELS: [&str; 3] = ["provider", "organization", "collector"];

/// The families that have a series for each collector.
pub(super) struct Families {
    up: GaugeVec,
    supported: GaugeVec,
    last_success: GaugeVec,
    last_attempt: GaugeVec,
    data_through: GaugeVec,
    refresh_interval: GaugeVec,
    next_run: GaugeVec,
    duration: GaugeVec,
    series: GaugeVec,
    polls: IntCounterVec,
    failures: IntCounterVec,
    invalid_rows: IntCounterVec,
    restatements: IntCounterVec,
    schema_surprises: IntCounterVec,
    folded_ratio: GaugeVec,
}

/// The metrics of one collector.
#[derive(Clone)]
pub struct CollectorMetrics {
    up: Gauge,
    supported: Gauge,
    last_success: Gauge,
    last_attempt: Gauge,
    data_through: Gauge,
    next_run: Gauge,
    duration: Gauge,
    series: Gauge,
    polls: IntCounter,
    failures: [IntCounter; Reason::ALL.len()],
    invalid_rows: IntCounter,
    restatements: IntCounter,
    schema_surprises: [IntCounter; Surprise::ALL.len()],
    folded_ratio: Gauge,
}

impl Families {
    pub(super) fn register(registry: &Registry) -> Self {
        let gauge = |name: &str, help: &str, labels: &[&str]| {
            add(registry, GaugeVec::new(Opts::new(format!("ccaas_exporter_{name}"), help), labels))
        };
        let counter = |name: &str, help: &str, label: Option<&str>| {
            let labels: Vec<&str> = LABELS.into_iter().chain(label).collect();
            add(registry, IntCounterVec::new(Opts::new(format!("ccaas_exporter_{name}"), help), &labels))
        };
        Self {
            up: gauge(
                "collector_up",
                "Whether the collector's last run succeeded (1) or failed (0); 0 until the first run has ended. \
                 Not available at the vendor is no failure, see ccaas_exporter_collector_supported.",
                &LABELS,
            ),
            supported: gauge(
                "collector_supported",
                "Whether the vendor offers to this organization what the collector asks for; 1 until it says otherwise.",
                &LABELS,
            ),
            last_success: gauge(
                "collector_last_success_timestamp_seconds",
                "When the collector's last successful run ended, in seconds since the epoch; 0 until the first one.",
                &LABELS,
            ),
            last_attempt: gauge(
                "collector_last_attempt_timestamp_seconds",
                "When the collector's last run ended, well or not, in seconds since the epoch; 0 until the first one.",
                &LABELS,
            ),
            data_through: gauge(
                "collector_data_through_timestamp_seconds",
                "End of the newest vendor period that the collector's figures cover (for lists: when they were read), in seconds \
                 since the epoch; 0 until the first successful run.",
                &LABELS,
            ),
            refresh_interval: gauge(
                "collector_refresh_interval_seconds",
                "Configured time from one run of the collector to the next, in seconds.",
                &LABELS,
            ),
            next_run: gauge(
                "collector_next_run_timestamp_seconds",
                "When the collector will run next, in seconds since the epoch.",
                &LABELS,
            ),
            duration: gauge(
                "collector_duration_seconds",
                "How long the collector's last run took, in seconds; 0 until the first one.",
                &LABELS,
            ),
            series: gauge("collector_series", "Vendor series that the collector serves now.", &LABELS),
            polls: counter("collector_polls_total", "Runs of the collector that have ended.", None),
            failures: counter(
                "collector_failures_total",
                "Failed runs of the collector, by reason.",
                Some("reason"),
            ),
            invalid_rows: counter(
                "rows_invalid_total",
                "Vendor rows that could not be understood and were left out.",
                None,
            ),
            restatements: counter(
                "restatements_total",
                "Complete days or closed months whose figures the vendor changed between two reads.",
                None,
            ),
            schema_surprises: counter(
                "schema_surprises_total",
                "Different things in the answers of a run that the vendor's documentation does not list (enum_value, field, unit), \
                 and announcements that an operation will end (deprecation), by kind. Each counts once a run, and no more than \
                 100 of a run are counted.",
                Some("kind"),
            ),
            folded_ratio: gauge(
                "series_folded_ratio",
                "Share (0 to 1) of what the organization's foldable families sum up that stands in folded (other) series.",
                &LABELS[..2],
            ),
        }
    }

    pub(super) fn of(&self, id: &CollectorId, refresh: Duration) -> CollectorMetrics {
        let labels = [id.provider, id.organization.as_str(), id.collector];
        let with = |last: &'static str| [labels[0], labels[1], labels[2], last];
        self.refresh_interval.with_label_values(&labels).set(refresh.as_secs_f64());
        let metrics = CollectorMetrics {
            up: self.up.with_label_values(&labels),
            supported: self.supported.with_label_values(&labels),
            last_success: self.last_success.with_label_values(&labels),
            last_attempt: self.last_attempt.with_label_values(&labels),
            data_through: self.data_through.with_label_values(&labels),
            next_run: self.next_run.with_label_values(&labels),
            duration: self.duration.with_label_values(&labels),
            series: self.series.with_label_values(&labels),
            polls: self.polls.with_label_values(&labels),
            failures: Reason::ALL.map(|reason| self.failures.with_label_values(&with(reason.as_str()))),
            invalid_rows: self.invalid_rows.with_label_values(&labels),
            restatements: self.restatements.with_label_values(&labels),
            schema_surprises: Surprise::ALL
                .map(|kind| self.schema_surprises.with_label_values(&with(kind.as_str()))),
            folded_ratio: self.folded_ratio.with_label_values(&labels[..2]),
        };
        metrics.supported.set(1.0);
        metrics
    }

    pub(super) fn remove(&self, organizations: &HashSet<String>) {
        let Self {
            up,
            supported,
            last_success,
            last_attempt,
            data_through,
            refresh_interval,
            next_run,
            duration,
            series,
            folded_ratio,
            polls,
            failures,
            invalid_rows,
            restatements,
            schema_surprises,
        } = self;
        for gauges in [
            up,
            supported,
            last_success,
            last_attempt,
            data_through,
            refresh_interval,
            next_run,
            duration,
            series,
            folded_ratio,
        ] {
            remove(gauges, organizations);
        }
        for counters in [polls, failures, invalid_rows, restatements, schema_surprises] {
            remove(counters, organizations);
        }
    }
}

impl CollectorMetrics {
    /// A run ended at `now`, whatever it brought.
    pub fn attempted(&self, now: Timestamp, duration: Duration) {
        self.polls.inc();
        self.last_attempt(now, duration);
    }

    /// The last run ended at `at`.
    pub fn last_attempt(&self, at: Timestamp, duration: Duration) {
        self.last_attempt.set(seconds(at));
        self.duration.set(duration.as_secs_f64());
    }

    /// The run that ended at `now` brought `reading`.
    pub fn succeeded(&self, now: Timestamp, reading: &Reading) {
        self.restored(now, reading);
        self.invalid_rows.inc_by(reading.invalid_rows);
        self.restatements.inc_by(reading.restatements);
    }

    /// A run, good or not, met these surprises.
    pub fn surprised(&self, surprises: &Surprises) {
        for kind in Surprise::ALL {
            self.schema_surprises[kind as usize].inc_by(surprises.count(kind));
        }
    }

    /// The figures of a run that ended well at `at` are shown.
    pub fn restored(&self, at: Timestamp, reading: &Reading) {
        self.up.set(1.0);
        self.supported.set(1.0);
        self.last_success.set(seconds(at));
        self.reevaluated(reading);
    }

    /// The figures of the last good run were put in another light.
    pub fn reevaluated(&self, reading: &Reading) {
        if let Some(data_through) = reading.data_through {
            self.data_through.set(seconds(data_through));
        }
    }

    /// How much of the organization is folded.
    pub fn set_folded(&self, folded: Folded) {
        self.folded_ratio.set(folded.ratio());
    }

    /// The vendor does not offer what the collector asks for.
    pub fn not_supported(&self) {
        self.up.set(1.0);
        self.supported.set(0.0);
    }

    /// The run failed.
    pub fn failed(&self, reason: Reason) {
        self.down();
        self.failures[reason as usize].inc();
    }

    /// The last run failed, and was counted when it did.
    pub fn down(&self) {
        self.up.set(0.0);
    }

    /// When the collector runs next.
    pub fn set_next_run(&self, at: Timestamp) {
        self.next_run.set(seconds(at));
    }

    /// How many vendor series the collector serves now.
    pub fn set_series(&self, series: usize) {
        self.series.set(series as f64);
    }
}

/// Seconds since the epoch, as Prometheus counts time.
fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}
