//! The files that are embedded. A test sees to it that none is missing.

use std::borrow::Cow;

use super::Thresholds;

/// The thresholds that hold where nobody has chosen others.
pub const DEFAULT_THRESHOLDS: &str = include_str!("../../dashboards/thresholds.yml");

/// A file to be written.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// Its place in the folder that is written, with `/` between the parts.
    pub path: &'static str,
    /// What is in it.
    pub text: Cow<'static, str>,
}

/// Embedded files: the place in the folder that is written, and the text.
const EMBEDDED: &[(&str, &str)] = &[
    ("alertmanager.yml", include_str!("../../packaging/compose/alertmanager.yml")),
    ("compose.yaml", include_str!("../../packaging/compose/compose.yaml")),
    (
        "grafana/provisioning/dashboards/ccaas.yml",
        include_str!("../../packaging/compose/grafana/provisioning/dashboards/ccaas.yml"),
    ),
    (
        "grafana/provisioning/datasources/ccaas.yml",
        include_str!("../../packaging/compose/grafana/provisioning/datasources/ccaas.yml"),
    ),
    ("prometheus.yml", include_str!("../../packaging/compose/prometheus.yml")),
    ("rules/recording.yml", include_str!("../../dashboards/rules/recording.yml")),
    ("runbooks/README.md", include_str!("../../docs/runbooks/README.md")),
    ("runbooks/CcaasCollectorFailing.md", include_str!("../../docs/runbooks/CcaasCollectorFailing.md")),
    ("runbooks/CcaasDataStale.md", include_str!("../../docs/runbooks/CcaasDataStale.md")),
    ("runbooks/CcaasExporterDown.md", include_str!("../../docs/runbooks/CcaasExporterDown.md")),
    ("runbooks/CcaasSelfUsageHigh.md", include_str!("../../docs/runbooks/CcaasSelfUsageHigh.md")),
    ("runbooks/CcaasSeriesFolded.md", include_str!("../../docs/runbooks/CcaasSeriesFolded.md")),
    (
        "runbooks/GenesysCloudApiAllowanceExceeded.md",
        include_str!("../../docs/runbooks/GenesysCloudApiAllowanceExceeded.md"),
    ),
    (
        "runbooks/GenesysCloudApiAllowanceForecastExceeded.md",
        include_str!("../../docs/runbooks/GenesysCloudApiAllowanceForecastExceeded.md"),
    ),
    (
        "runbooks/GenesysCloudApiAllowanceNearlyUsed.md",
        include_str!("../../docs/runbooks/GenesysCloudApiAllowanceNearlyUsed.md"),
    ),
    (
        "runbooks/GenesysCloudApiAllowanceUnknown.md",
        include_str!("../../docs/runbooks/GenesysCloudApiAllowanceUnknown.md"),
    ),
    (
        "runbooks/GenesysCloudApiOverageCostForecast.md",
        include_str!("../../docs/runbooks/GenesysCloudApiOverageCostForecast.md"),
    ),
    (
        "runbooks/GenesysCloudApiUsageDataStale.md",
        include_str!("../../docs/runbooks/GenesysCloudApiUsageDataStale.md"),
    ),
    (
        "runbooks/GenesysCloudApiUsageDoesNotReconcile.md",
        include_str!("../../docs/runbooks/GenesysCloudApiUsageDoesNotReconcile.md"),
    ),
    (
        "runbooks/GenesysCloudBillingOverageAccrued.md",
        include_str!("../../docs/runbooks/GenesysCloudBillingOverageAccrued.md"),
    ),
    (
        "runbooks/GenesysCloudClientDominates.md",
        include_str!("../../docs/runbooks/GenesysCloudClientDominates.md"),
    ),
    (
        "runbooks/GenesysCloudClientServerErrors.md",
        include_str!("../../docs/runbooks/GenesysCloudClientServerErrors.md"),
    ),
    (
        "runbooks/GenesysCloudClientThrottled.md",
        include_str!("../../docs/runbooks/GenesysCloudClientThrottled.md"),
    ),
    (
        "runbooks/GenesysCloudClientVolumeSpike.md",
        include_str!("../../docs/runbooks/GenesysCloudClientVolumeSpike.md"),
    ),
    (
        "runbooks/GenesysCloudCommitExceeded.md",
        include_str!("../../docs/runbooks/GenesysCloudCommitExceeded.md"),
    ),
    (
        "runbooks/GenesysCloudContractEndsSoon.md",
        include_str!("../../docs/runbooks/GenesysCloudContractEndsSoon.md"),
    ),
    (
        "runbooks/GenesysCloudInvoiceUnpaid.md",
        include_str!("../../docs/runbooks/GenesysCloudInvoiceUnpaid.md"),
    ),
    (
        "runbooks/GenesysCloudOAuthClientDeletionWithTraffic.md",
        include_str!("../../docs/runbooks/GenesysCloudOAuthClientDeletionWithTraffic.md"),
    ),
    (
        "runbooks/GenesysCloudOAuthClientIdle.md",
        include_str!("../../docs/runbooks/GenesysCloudOAuthClientIdle.md"),
    ),
    (
        "runbooks/GenesysCloudTrusteeOverPrepay.md",
        include_str!("../../docs/runbooks/GenesysCloudTrusteeOverPrepay.md"),
    ),
    (
        "runbooks/GenesysCloudUnknownClientActive.md",
        include_str!("../../docs/runbooks/GenesysCloudUnknownClientActive.md"),
    ),
    ("runbooks/GenesysCloudWalletLow.md", include_str!("../../docs/runbooks/GenesysCloudWalletLow.md")),
    ("runbooks/TalkdeskNewUsageProduct.md", include_str!("../../docs/runbooks/TalkdeskNewUsageProduct.md")),
    (
        "runbooks/TalkdeskSpendForecastHigh.md",
        include_str!("../../docs/runbooks/TalkdeskSpendForecastHigh.md"),
    ),
];

/// All files: those that are embedded, and the alerts of these thresholds beside `source`, the text that they were read from.
#[must_use]
pub fn all(thresholds: &Thresholds, source: String) -> Vec<Artifact> {
    let embedded = EMBEDDED.iter().map(|(path, text)| Artifact { path, text: Cow::Borrowed(text) });
    let mut all: Vec<Artifact> = embedded.collect();
    all.push(Artifact { path: "rules/alerts.yml", text: thresholds.alerts().into() });
    all.push(Artifact { path: "thresholds.yml", text: source.into() });
    all.sort_by_key(|artifact| artifact.path);
    all
}
