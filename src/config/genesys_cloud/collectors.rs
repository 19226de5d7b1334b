//! Reads the `collectors` of a `genesys_cloud` section.

use std::time::Duration;

use crate::config::fields::Fields;
use crate::config::shared::{self, DAY, HOUR, collector};
use crate::config::value::Value;
use crate::providers::genesys_cloud::{ClientSummarySettings, OauthClientsSettings, UsageApi, UsageSettings};

/// The collectors that are enabled.
pub(super) struct Collectors {
    pub(super) usage: Option<UsageSettings>,
    pub(super) client_summary: Option<ClientSummarySettings>,
    pub(super) oauth_clients: Option<OauthClientsSettings>,
}

pub(super) fn all(fields: &mut Fields) -> Collectors {
    let collectors = Collectors {
        usage: collector(&fields.get("usage"), true, usage),
        client_summary: collector(&fields.get("client_summary"), true, client_summary),
        oauth_clients: collector(&fields.get("oauth_clients"), true, oauth_clients),
    };
    if let Collectors { usage: None, client_summary: None, oauth_clients: None } = collectors {
        fields.fault("every collector is disabled; enable one, or remove the organization");
    }
    collectors
}

fn usage(fields: &mut Fields) -> UsageSettings {
    UsageSettings {
        schedule: shared::schedule(fields, 6 * HOUR),
        api: fields.get("api").parse("auto, jobs or legacy", usage_api).unwrap_or(UsageApi::Auto),
        trailing_days: fields.get("trailing_days").number(&(1..=90)).unwrap_or(7),
        reread_days: fields.get("reread_days").number(&(1..=90)).unwrap_or(7),
        settle: fields.get("settle").duration(&(Duration::ZERO..=48 * HOUR)).unwrap_or(3 * HOUR),
        endpoints: fields.get("endpoints").number(&(0..=10_000)).unwrap_or(200),
        lookback_days: lookback_days(&fields.get("lookback")).unwrap_or(365),
    }
}

fn usage_api(text: &str) -> Option<UsageApi> {
    match text {
        "auto" => Some(UsageApi::Auto),
        "jobs" => Some(UsageApi::Jobs),
        "legacy" => Some(UsageApi::Legacy),
        _ => None,
    }
}

fn lookback_days(value: &Value) -> Option<u16> {
    let lookback = value.duration(&(DAY..=365 * DAY))?;
    if lookback.subsec_nanos() > 0 || lookback.as_secs() % DAY.as_secs() > 0 {
        value.fault("expected whole days such as 90d, found a part of a day");
    }
    u16::try_from(lookback.as_secs() / DAY.as_secs()).ok()
}

fn client_summary(fields: &mut Fields) -> ClientSummarySettings {
    let schedule = shared::schedule(fields, 24 * HOUR);
    let (include, exclude) = fields.get("clients").mapping(|fields| {
        (shared::patterns(&fields.get("include"), &[".*"]), shared::patterns(&fields.get("exclude"), &[]))
    });
    ClientSummarySettings {
        schedule,
        days: fields.get("days").number(&(1..=90)).unwrap_or(7),
        include,
        exclude,
        max_clients: fields.get("max_clients").number(&(1..=10_000)).unwrap_or(200),
    }
}

fn oauth_clients(fields: &mut Fields) -> OauthClientsSettings {
    OauthClientsSettings { schedule: shared::schedule(fields, 6 * HOUR) }
}
