//! The files that are embedded. A test sees to it that none is missing.

use std::borrow::Cow;

use super::Thresholds;

/// The thresholds that hold where nobody has chosen others.
pub const DEFAULT_THRESHOLDS: &str = include_str!("../../dashboards/thresholds.yml");

/// Where the thresholds are in the folder that is written.
pub const THRESHOLDS: &str = "thresholds.yml";

/// A file to be written.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// Its place in the folder that is written, with `/` between the parts.
    pub path: &'static str,
    /// What is in it.
    pub text: Cow<'static, str>,
    /// Whether it is made to be edited: then an edited one is left alone.
    pub is_sample: bool,
}

/// Embedded files: the folder that they go to and that of the sources, their ending and their names.
macro_rules! embed {
    ($($to:literal from $from:literal, $ending:literal: $($name:literal)*;)*) => {
        &[$($((
            concat!($to, $name, $ending),
            include_str!(concat!("../../", $from, $name, $ending)),
        )),*),*]
    };
}

/// The place of each sample in the folder that is written, and its text.
const SAMPLES: &[(&str, &str)] = embed! {
    "" from "packaging/compose/", ".yml": "alertmanager" "prometheus";
    "" from "packaging/compose/", ".yaml": "compose";
    "grafana/provisioning/dashboards/" from "packaging/compose/grafana/provisioning/dashboards/", ".yml": "ccaas";
    "grafana/provisioning/datasources/" from "packaging/compose/grafana/provisioning/datasources/", ".yml": "ccaas";
};

/// The same of what fits the metrics of this version.
const FITTING: &[(&str, &str)] = embed! {
    "dashboards/" from "dashboards/", ".json":
        "exporter-health"
        "fleet"
        "genesys-cloud-api-usage"
        "genesys-cloud-billing"
        "oauth-client"
        "talkdesk-spend";
    "rules/" from "dashboards/rules/", ".yml": "recording";
    "" from "docs/", ".md": "alerts";
    "runbooks/" from "docs/runbooks/", ".md":
        "README"
        "CcaasCollectorFailing"
        "CcaasDataStale"
        "CcaasExporterDown"
        "CcaasSelfUsageHigh"
        "CcaasSeriesFolded"
        "GenesysCloudApiAllowanceExceeded"
        "GenesysCloudApiAllowanceForecastExceeded"
        "GenesysCloudApiAllowanceNearlyUsed"
        "GenesysCloudApiAllowanceUnknown"
        "GenesysCloudApiOverageCostForecast"
        "GenesysCloudApiUsageDataStale"
        "GenesysCloudApiUsageDoesNotReconcile"
        "GenesysCloudBillingOverageAccrued"
        "GenesysCloudClientDominates"
        "GenesysCloudClientServerErrors"
        "GenesysCloudClientThrottled"
        "GenesysCloudClientVolumeSpike"
        "GenesysCloudCommitExceeded"
        "GenesysCloudContractEndsSoon"
        "GenesysCloudInvoiceUnpaid"
        "GenesysCloudOAuthClientDeletionWithTraffic"
        "GenesysCloudOAuthClientIdle"
        "GenesysCloudTrusteeOverPrepay"
        "GenesysCloudUnknownClientActive"
        "GenesysCloudWalletLow"
        "TalkdeskNewUsageProduct"
        "TalkdeskSpendForecastHigh";
};

/// The job in the sample configuration of Prometheus.
const SAMPLE_JOB: &str = "job_name: ccaas-exporter\n";

/// All files: those that are embedded, with the job that the alerts look for, and the alerts of these thresholds beside `source`, the
/// text that they were read from.
#[must_use]
pub fn all(thresholds: &Thresholds, source: String) -> Vec<Artifact> {
    let artifact = |path, text, is_sample| Artifact { path, text, is_sample };
    let embedded = [(SAMPLES, true), (FITTING, false)].into_iter().flat_map(|(files, is_sample)| {
        files.iter().map(move |(path, text)| artifact(path, Cow::Borrowed(*text), is_sample))
    });
    let mut all: Vec<Artifact> = embedded.collect();
    let job = format!("job_name: \"{}\"\n", thresholds.exporter_job);
    if job.replace('"', "") != SAMPLE_JOB {
        for artifact in all.iter_mut().filter(|artifact| artifact.path == "prometheus.yml") {
            artifact.text = artifact.text.replace(SAMPLE_JOB, &job).into();
        }
    }
    all.push(artifact("rules/alerts.yml", thresholds.alerts().into(), false));
    all.push(artifact(THRESHOLDS, source.into(), false));
    all.sort_by_key(|artifact| artifact.path);
    all
}
