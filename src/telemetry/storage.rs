//! How keeping figures on disk goes.

use prometheus::{Gauge, IntCounter, IntCounterVec, Opts, Registry};

use super::add;

/// The metrics of the storage; there are none where nothing is stored.
#[derive(Clone)]
pub struct StorageMetrics {
    last_write_successful: Gauge,
    reads_failed: IntCounter,
    writes_failed: IntCounter,
}

impl StorageMetrics {
    pub(super) fn register(registry: &Registry) -> Self {
        let failures = add(
            registry,
            IntCounterVec::new(
                Opts::new(
                    "ccaas_exporter_storage_failures_total",
                    "Files in --storage.path that could not be used when the exporter started (read) or not be written (write).",
                ),
                &["operation"],
            ),
        );
        let metrics = Self {
            last_write_successful: add(
                registry,
                Gauge::new(
                    "ccaas_exporter_storage_last_write_successful",
                    "Whether the newest record of every file in --storage.path is stored (1) or of one is not (0); while it is 0, \
                     a restart loses what was collected since.",
                ),
            ),
            reads_failed: failures.with_label_values(&["read"]),
            writes_failed: failures.with_label_values(&["write"]),
        };
        metrics.last_write_successful.set(1.0);
        metrics
    }

    /// A file could not be used.
    pub fn read_failed(&self) {
        self.reads_failed.inc();
    }

    /// A file was written.
    pub fn written(&self) {
        self.last_write_successful.set(1.0);
    }

    /// A file could not be written.
    pub fn write_failed(&self) {
        self.last_write_successful.set(0.0);
        self.writes_failed.inc();
    }
}
