//! Reads the `talkdesk` section of an organization.

mod collectors;
mod redacted;

use std::num::NonZeroU32;

use url::Url;

pub(super) use redacted::TalkdeskView;

use super::budget;
use super::fields::{Either, Fields};
use super::shared;
use crate::providers::talkdesk::regions::{self, REGIONS, Region};
use crate::providers::talkdesk::{Settings, plan};

const DEFAULT_REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(2).expect("2 is not zero");
/// The vendor publishes no limit for these operations; for a neighbour of theirs it is 2.
const VENDOR_REQUESTS_PER_SECOND: u32 = 10;
/// Behind `api_url` may stand a simulator or a gateway with another limit.
const MAX_REQUESTS_PER_SECOND: u32 = 10_000;
/// A part of a host name is not longer.
const MAX_ACCOUNT_CHARACTERS: usize = 63;

/// `None` where a required key is missing or wrong; then there is a fault.
pub(super) fn settings(fields: &mut Fields) -> Option<Settings> {
    let hosts = hosts(fields);
    let client = shared::oauth_client(fields);
    let limit = if fields.has("api_url") { MAX_REQUESTS_PER_SECOND } else { VENDOR_REQUESTS_PER_SECOND };
    let rate_limit = fields.get("rate_limit");
    let faults_before = rate_limit.faults();
    let requests_per_second = rate_limit
        .mapping(|fields| fields.get("requests_per_second").number(&(1..=limit)))
        .and_then(NonZeroU32::new);
    let section = fields.get("collectors");
    let collectors = section.mapping(collectors::all);
    let ((api_url, token_url), (client_id, client_secret)) = hosts.zip(client)?;
    let settings = Settings {
        api_url,
        token_url,
        client_id,
        client_secret,
        requests_per_second: requests_per_second.unwrap_or(DEFAULT_REQUESTS_PER_SECOND),
        usage: collectors.usage,
        accounts: collectors.accounts,
        products: collectors.products,
        subscriptions: collectors.subscriptions,
        invoices: collectors.invoices,
    };
    // With a default in the place of what is wrong the arithmetic would only mislead.
    if section.faults() == faults_before {
        budget::check(&plan(&settings), &rate_limit, &section);
    }
    Some(settings)
}

/// The URL of the API and that of the token endpoint: the former by `region` or as it is, the latter by `account` or as it is.
fn hosts(fields: &mut Fields) -> Option<(Url, Url)> {
    let login = fields.either("account", "token_url");
    let (region, api) = (fields.get("region"), fields.get("api_url"));
    let api_url = shared::base_url(&api, "https://api.talkdeskapp.com/");
    let names = REGIONS.map(|region| region.name).join(", ");
    let place = region.parse(&format!("a region of Talkdesk ({names})"), regions::region);
    let place = if region.is_set() { place } else { Some(REGIONS[0]) };
    if region.is_set() && api.is_set() {
        fields.fault("region stands for api_url; set either region or the URL");
    }
    let token_url = match login {
        Either::First(account) => {
            let expected = "the name of an account, which has only letters, digits and hyphens";
            let account = account.parse(expected, |text| is_account(text).then(|| text.to_owned()));
            if api.is_set() {
                fields.fault("account needs a region; beside api_url set token_url instead");
            }
            place.zip(account).and_then(|(place, account)| token_url(place, &account))
        }
        Either::Second(url) => shared::vendor_url(
            &url,
            "the URL of a token endpoint such as https://acme.talkdeskid.com/oauth/token",
        ),
        Either::Neither => {
            let missing =
                if api.is_set() { "token_url, because api_url is set" } else { "account, or token_url" };
            fields.fault(format!("missing the login host; set {missing}"));
            None
        }
        Either::Both => None,
    };
    let api_url = if api.is_set() { api_url } else { place.and_then(preset_api_url) };
    api_url.zip(token_url)
}

fn preset_api_url(region: Region) -> Option<Url> {
    Url::parse(&format!("https://api.{}/", region.api_domain)).ok()
}

fn token_url(region: Region, account: &str) -> Option<Url> {
    Url::parse(&format!("https://{account}.{}/oauth/token", region.login_domain)).ok()
}

/// Whether a text can be the first part of a host name, which it becomes.
fn is_account(text: &str) -> bool {
    let is_part = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_part
        && !text.is_empty()
        && text.len() <= MAX_ACCOUNT_CHARACTERS
        && token_url(REGIONS[0], text).is_some()
}
