//! The thresholds of the alerts: what a file leaves out keeps the default of the embedded one.

use std::path::Path;
use std::time::Duration;

use super::faults::Faults;
use super::fields::Fields;
use super::shared::{DAY, HOUR};
use super::value::Value;
use super::{duration, file};
use crate::artifacts::{Billing, Clients, DEFAULT_THRESHOLDS, Exporter, FairUse, Spend, Thresholds, Wait};

/// Reads the thresholds of the file `path`, and its text; without a file, the defaults and theirs.
///
/// # Errors
/// Every fault of the file.
pub fn load(path: Option<&Path>) -> Result<(Thresholds, String), Faults> {
    let defaults = parse(Path::new("thresholds.yml"), DEFAULT_THRESHOLDS, None)?;
    let Some(path) = path else { return Ok((defaults, DEFAULT_THRESHOLDS.to_owned())) };
    let text = file::text(path, "there is no such file; --thresholds names a file of thresholds")?;
    Ok((parse(path, &text, Some(&defaults))?, text))
}

/// Reads `text`, the content of `path`. Without defaults no key may be missing.
fn parse(path: &Path, text: &str, defaults: Option<&Thresholds>) -> Result<Thresholds, Faults> {
    file::parse(path, text, None, |root| root.mapping(|fields| thresholds(fields, defaults)))
}

/// A section of the file: each field is read from the key of its name.
macro_rules! section {
    ($fields:ident, $defaults:ident, $name:ident { $($key:ident: $read:expr),* $(,)? }) => {
        $name { $($key: read($fields, stringify!($key), $defaults.map(|section| section.$key.clone()), $read),)* }
    };
}

fn thresholds(fields: &mut Fields, defaults: Option<&Thresholds>) -> Thresholds {
    Thresholds {
        runbook_url: read(fields, "runbook_url", defaults.map(|all| all.runbook_url.clone()), runbook_url),
        exporter_job: read(fields, "exporter_job", defaults.map(|all| all.exporter_job.clone()), job),
        wait: fields.get("wait").mapping(|fields| wait(fields, defaults.map(|all| &all.wait))),
        fair_use: fields
            .get("fair_use")
            .mapping(|fields| fair_use(fields, defaults.map(|all| &all.fair_use))),
        clients: fields.get("clients").mapping(|fields| clients(fields, defaults.map(|all| &all.clients))),
        billing: fields.get("billing").mapping(|fields| billing(fields, defaults.map(|all| &all.billing))),
        talkdesk: fields.get("talkdesk").mapping(|fields| spend(fields, defaults.map(|all| &all.talkdesk))),
        exporter: fields
            .get("exporter")
            .mapping(|fields| exporter(fields, defaults.map(|all| &all.exporter))),
    }
}

fn wait(fields: &mut Fields, defaults: Option<&Wait>) -> Wait {
    section!(
        fields,
        defaults,
        Wait {
            figures: hold,
            two_sources: hold,
            exporter_down: hold,
            collector_failing: hold,
            data_stale: hold,
        }
    )
}

fn fair_use(fields: &mut Fields, defaults: Option<&FairUse>) -> FairUse {
    section!(
        fields,
        defaults,
        FairUse {
            forecast_ratio: excess,
            nearly_used_ratio: share,
            nearly_used_days_left: |value| value.number(&(0..=366)),
            overage_amount: amount,
        }
    )
}

fn clients(fields: &mut Fields, defaults: Option<&Clients>) -> Clients {
    section!(
        fields,
        defaults,
        Clients {
            minimum_requests: requests,
            throttled_ratio: share,
            server_errors_ratio: share,
            spike_requests: requests,
            spike_factor: |value| value.amount_up_to("a factor above 0 and up to 1000, such as 3", 1000.0),
            dominant_share: share,
            dominant_forecast_ratio: ratio,
            unknown_requests: requests,
            idle_days: |value| value.number(&(1..=365)),
        }
    )
}

fn billing(fields: &mut Fields, defaults: Option<&Billing>) -> Billing {
    section!(
        fields,
        defaults,
        Billing {
            overage_amount: amount,
            commit_used_ratio: excess,
            prepay_used_ratio: excess,
            wallet_left_ratio: share,
            contract_end_days: days,
            invoice_unpaid_days: days,
            reconcile_ratio: ratio,
            reconcile_days: |value| value
                .amount_up_to("a number of days above 0 and up to 31, such as 2", 31.0),
        }
    )
}

fn spend(fields: &mut Fields, defaults: Option<&Spend>) -> Spend {
    section!(fields, defaults, Spend { forecast_ratio: ratio })
}

fn exporter(fields: &mut Fields, defaults: Option<&Exporter>) -> Exporter {
    section!(
        fields,
        defaults,
        Exporter {
            stale_refreshes: |value| value
                .amount_up_to("a number of intervals above 0 and up to 1000, such as 3", 1000.0),
            usage_stale: |value| value.duration(&(HOUR..=90 * DAY)),
            folded_ratio: share,
            self_usage_ratio: share,
        }
    )
}

/// What `parse` makes of the value of `key`; `default` where there is none.
fn read<T: Default>(
    fields: &mut Fields,
    key: &'static str,
    default: Option<T>,
    parse: impl FnOnce(&Value) -> Option<T>,
) -> T {
    let value = fields.get(key);
    if default.is_none() && !value.is_set() {
        value.fault("missing; the defaults have to be whole");
    }
    parse(&value).or(default).unwrap_or_default()
}

/// A share of a whole.
fn share(value: &Value) -> Option<f64> {
    value.amount_up_to("a share above 0 and up to 1, such as 0.8 for 80 %", 1.0)
}

/// A ratio of two figures, of which either may be the larger one.
fn ratio(value: &Value) -> Option<f64> {
    value.amount_up_to("a ratio above 0 and up to 10, such as 0.8 for 80 %", 10.0)
}

/// A ratio from which on more is used than there is, as the alert says.
fn excess(value: &Value) -> Option<f64> {
    value.amount_between("a ratio from 1 to 10, such as 1.1 for 110 %", &(1.0..=10.0))
}

fn amount(value: &Value) -> Option<f64> {
    value.amount("an amount of money above 0, such as 500")
}

fn requests(value: &Value) -> Option<u64> {
    value.number(&(0..=1_000_000_000_000))
}

fn days(value: &Value) -> Option<u32> {
    value.number(&(1..=3650))
}

/// How long a condition lasts, as Prometheus writes it.
fn hold(value: &Value) -> Option<String> {
    value.duration(&(Duration::ZERO..=30 * DAY)).map(duration::format)
}

/// What stands in YAML and in a template without quotes.
fn is_plain(text: &str, more: &[u8]) -> bool {
    text.len() <= 500 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
}

fn runbook_url(value: &Value) -> Option<String> {
    value.parse(
        "a URL or a path such as https://wiki.example.com/runbooks, without spaces, quotes and ? or #",
        |text| {
            let text = text.trim_end_matches('/');
            let begins_well =
                text.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '/' || first == '.');
            (begins_well && is_plain(text, b"/:._~%+@=,-")).then(|| text.to_owned())
        },
    )
}

fn job(value: &Value) -> Option<String> {
    value.parse("the name of a job, of letters, digits and . _ - / :", |text| {
        (!text.is_empty() && is_plain(text, b"._-/:")).then(|| text.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> Thresholds {
        load(None).unwrap_or_else(|faults| panic!("{faults}")).0
    }

    fn faults(text: &str) -> Vec<String> {
        match parse(Path::new("t.yml"), text, Some(&defaults())) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.iter().collect(),
        }
    }

    #[test]
    fn what_is_left_out_keeps_its_default() {
        let defaults = defaults();
        for text in ["", "fair_use:\n", "fair_use: {}\nwait: {}\n"] {
            assert_eq!(parse(Path::new("t.yml"), text, Some(&defaults)).unwrap(), defaults);
        }
        let text =
            "fair_use: {nearly_used_ratio: 0.5}\nwait: {figures: 90m}\nrunbook_url: https://x.example/r/\n";
        let changed = parse(Path::new("t.yml"), text, Some(&defaults)).unwrap();
        assert!((changed.fair_use.nearly_used_ratio - 0.5).abs() < f64::EPSILON);
        assert_eq!(
            (changed.wait.figures.as_str(), changed.runbook_url.as_str()),
            ("1h30m", "https://x.example/r")
        );
        let rules = changed.alerts();
        assert!(rules.contains("allowance_used:ratio > 0.5\n"), "{rules}");
        assert!(rules.contains("runbook_url: https://x.example/r/CcaasDataStale.md\n"));
        assert_eq!(Thresholds { fair_use: defaults.fair_use.clone(), ..changed }.clients, defaults.clients);
    }

    #[test]
    fn all_faults_are_told_with_their_places() {
        let text = "runbook_url: 'a b'\nexporter_job: 'x\"} or vector(1) #'\nfair_use:\n  nearly_used_ratio: 80\n  nearly_used_day_left: 3\n\
                    wait: {figures: 40d}\nexporter: {usage_stale: 60}\nclients: [1]\nbilling: {commit_used_ratio: 0.9, prepay_used_ratio: 11}\n";
        let faults = faults(text);
        let expected = [
            ("t.yml:1: runbook_url: ", "a URL or a path"),
            ("t.yml:2: exporter_job: ", "the name of a job"),
            (
                "t.yml:4: fair_use.nearly_used_ratio: ",
                "a share above 0 and up to 1, such as 0.8 for 80 %, found \"80\"",
            ),
            ("t.yml:5: fair_use.nearly_used_day_left: ", "did you mean nearly_used_days_left?"),
            ("t.yml:6: wait.figures: ", "a duration from 0s to 30d"),
            ("t.yml:7: exporter.usage_stale: ", "a duration from 1h"),
            ("t.yml:8: clients: ", "a mapping"),
            (
                "t.yml:9: billing.commit_used_ratio: ",
                "a ratio from 1 to 10, such as 1.1 for 110 %, found \"0.9\"",
            ),
            ("t.yml:9: billing.prepay_used_ratio: ", "a ratio from 1 to 10"),
        ];
        assert_eq!(faults.len(), expected.len(), "{faults:#?}");
        for (fault, (place, what)) in faults.iter().zip(expected) {
            assert!(fault.starts_with(place) && fault.contains(what), "{fault}");
        }
    }

    #[test]
    fn defaults_that_are_not_whole_are_refused() {
        let text = DEFAULT_THRESHOLDS.replace("  idle_days: 90", "  # ");
        let faults = parse(Path::new("t.yml"), &text, None).unwrap_err();
        assert!(faults.to_string().contains("clients.idle_days: missing"), "{faults}");
    }
}
