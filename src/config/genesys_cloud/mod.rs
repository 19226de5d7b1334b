//! Reads the `genesys_cloud` section of an organization.

mod collectors;
mod redacted;

use std::num::NonZeroU32;

use regex::Regex;
use url::Url;

pub(super) use redacted::GenesysCloudView;

use super::budget;
use super::fields::{Either, Fields};
use super::shared;
use super::value::Value;
use crate::providers::genesys_cloud::allowance::LICENSES;
use crate::providers::genesys_cloud::regions::{self, REGIONS};
use crate::providers::genesys_cloud::{ASSUMED_CLIENTS, Allowance, Pattern, Price, Settings, plan};

const DEFAULT_REQUESTS_PER_MINUTE: NonZeroU32 = NonZeroU32::new(200).expect("200 is not zero");
/// The vendor's own limit for one OAuth client.
const VENDOR_REQUESTS_PER_MINUTE: u32 = 300;
/// Behind `api_url` may stand a simulator or a gateway with another limit.
const MAX_REQUESTS_PER_MINUTE: u32 = 100_000;
const EXAMPLE_URL: &str = "https://api.mypurecloud.com/";
/// Clients of the vendor's own applications, which fair use does not count.
const DEFAULT_EXCLUDED_CLIENTS: [&str; 1] = ["^purecloud"];
/// Finds the charge for API requests among those of a contract.
const DEFAULT_API_CHARGE_PATTERN: &str = r"(?i)\bapi\b.*request";

/// `None` where a required key is missing or wrong; then there is a fault.
pub(super) fn settings(fields: &mut Fields) -> Option<Settings> {
    let hosts = hosts(fields);
    let client = shared::oauth_client(fields);
    let anchor_day =
        fields.get("billing_period").mapping(|fields| fields.get("anchor_day").number(&(1_u8..=31)));
    let allowance = fields.get("allowance").mapping(allowance);
    let overage_unit_price = price(fields);
    let limit = if fields.has("api_url") { MAX_REQUESTS_PER_MINUTE } else { VENDOR_REQUESTS_PER_MINUTE };
    let rate_limit = fields.get("rate_limit");
    let faults_before = rate_limit.faults();
    let requests_per_minute = rate_limit
        .mapping(|fields| fields.get("requests_per_minute").number(&(1..=limit)))
        .and_then(NonZeroU32::new);
    let excluded = patterns(&fields.get("fair_use_excluded_clients"), &DEFAULT_EXCLUDED_CLIENTS);
    let api_charge_pattern = fields.get("api_charge_pattern");
    let api_charge_pattern = shared::pattern(&api_charge_pattern).unwrap_or_else(|| {
        Regex::new(DEFAULT_API_CHARGE_PATTERN).expect("the default pattern is a regular expression")
    });
    let section = fields.get("collectors");
    let collectors = section.mapping(collectors::all);
    let ((api_url, login_url), (client_id, client_secret)) = hosts.zip(client)?;
    let settings = Settings {
        api_url,
        login_url,
        client_id,
        client_secret,
        anchor_day: anchor_day.and_then(|day| i8::try_from(day).ok()),
        allowance,
        overage_unit_price,
        requests_per_minute: requests_per_minute.unwrap_or(DEFAULT_REQUESTS_PER_MINUTE),
        fair_use_excluded_clients: excluded,
        api_charge_pattern: api_charge_pattern.into(),
        usage: collectors.usage,
        client_summary: collectors.client_summary,
        client_query: collectors.client_query,
        searches: collectors.searches,
        app_client_usage: collectors.app_client_usage,
        oauth_clients: collectors.oauth_clients,
        limits: collectors.limits,
        billable_usage: collectors.billable_usage,
        contracts: collectors.contracts,
        invoices: collectors.invoices,
        trustee_overview: collectors.trustee_overview,
    };
    // With a default in the place of what is wrong the arithmetic would only mislead.
    if section.faults() == faults_before {
        budget::check(&plan(&settings, ASSUMED_CLIENTS), &rate_limit, &section);
    }
    Some(settings)
}

fn patterns(value: &Value, default: &[&str]) -> Vec<Pattern> {
    shared::patterns(value, default).into_iter().map(Pattern::from).collect()
}

/// The API and the login host: by `region`, or each by its URL.
fn hosts(fields: &mut Fields) -> Option<(Url, Url)> {
    let (region, api, login) = (fields.get("region"), fields.get("api_url"), fields.get("login_url"));
    let (api_url, login_url) = (shared::base_url(&api, EXAMPLE_URL), shared::base_url(&login, EXAMPLE_URL));
    let domain = region.parse(&expected_region(), regions::domain);
    match (region.is_set(), api.is_set(), login.is_set()) {
        (true, false, false) => {
            let url = |host: &str| Url::parse(&format!("https://{host}.{}/", domain?)).ok();
            url("api").zip(url("login"))
        }
        (false, true, true) => api_url.zip(login_url),
        (false, false, false) => {
            fields.fault("missing the place of the organization; set region, or api_url and login_url");
            None
        }
        (true, ..) => {
            fields.fault("region stands for api_url and login_url; set either region or the two URLs");
            None
        }
        (false, true, false) => {
            login.fault("missing; expected the base URL of the login host, because api_url is set");
            None
        }
        (false, false, true) => {
            api.fault("missing; expected the base URL of the API, because login_url is set");
            None
        }
    }
}

fn expected_region() -> String {
    let names: Vec<&str> = REGIONS.iter().map(|(name, _)| *name).collect();
    format!("an AWS region of Genesys Cloud ({}) or its domain, such as mypurecloud.de", names.join(", "))
}

fn allowance(fields: &mut Fields) -> Option<Allowance> {
    match fields.either("licenses", "requests") {
        Either::First(licenses) => {
            let held: Vec<(&str, u64)> = licenses.mapping(|fields| {
                let counts = LICENSES.map(|(key, _)| (key, fields.get(key).number(&(1..=1_000_000))));
                counts.into_iter().filter_map(|(key, count)| Some((key, count?))).collect()
            });
            if licenses.is_empty() {
                licenses.fault("expected at least one licence and how many are held, found none");
            }
            Some(Allowance::Licenses(held))
        }
        Either::Second(requests) => requests.number(&(1..=1_000_000_000_000)).map(Allowance::Requests),
        Either::Neither | Either::Both => None,
    }
}

fn price(fields: &mut Fields) -> Option<Price> {
    let section = fields.get("overage_unit_price");
    if !section.is_set() {
        return None;
    }
    section.mapping(|fields| {
        let amount = fields.required("amount", "the price of one request").amount("an amount above 0");
        let expected = "a currency code of three capital letters, such as USD";
        let currency = fields.required("currency", expected).parse(expected, |text| {
            let is_code = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
            is_code.then(|| text.to_owned())
        });
        Some(Price { amount: amount?, currency: currency? })
    })
}
