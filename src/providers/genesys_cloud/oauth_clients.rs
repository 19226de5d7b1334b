//! The `oauth_clients` collector, and the client list that others share with it: `/api/v2/oauth/clients`.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::wire;
use crate::catalogue::genesys_cloud as catalogue;
use crate::clock::Clock;
use crate::collector::{Collector, PendingJobs};
use crate::model::{CollectError, Failure, HeldText, Reading, Reason, Samples, Surprise, surprises};
use crate::rest::{Call, Client};

/// More pages than this are more clients than an organization can have.
const PAGES_LIMIT: u32 = 200;

/// The grant types that the API documents.
const GRANT_TYPES: [&str; 5] = ["CODE", "TOKEN", "SAML2-BEARER", "PASSWORD", "CLIENT-CREDENTIALS"];

/// The states that the API documents.
const STATES: [&str; 3] = ["active", "disabled", "inactive"];

/// An OAuth client of the organization. The answer's `secret` is not among the fields, so it is never read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OauthClient {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    authorized_grant_type: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    date_created: Option<String>,
    #[serde(default)]
    date_to_delete: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    entities: Vec<serde_json::Value>,
    #[serde(default)]
    page_count: Option<u32>,
    #[serde(default)]
    total: Option<usize>,
}

/// The organization's client list, read by whoever finds it too old.
pub(super) struct Directory {
    client: Arc<Client>,
    clock: Clock,
    /// Held while the list is read, so that others wait for it instead of reading their own.
    listing: Mutex<Option<(Instant, Arc<Listing>)>>,
}

/// The client list as of one moment.
#[derive(Debug)]
pub(super) struct Listing {
    read_at: Timestamp,
    /// By id, which unlike the name is unique and stays.
    pub(super) clients: BTreeMap<String, OauthClient>,
    invalid_entries: u64,
}

impl OauthClient {
    /// Whether the client may make requests.
    pub(super) fn is_active(&self) -> bool {
        self.state.as_deref().is_none_or(|state| state.eq_ignore_ascii_case("active"))
    }

    /// Notices values that are not documented.
    fn check(&self) {
        let check = |field, value: &Option<String>, documented| {
            surprises::check(Surprise::EnumValue, field, value.as_deref().unwrap_or(""), documented);
        };
        check("authorizedGrantType", &self.authorized_grant_type, &GRANT_TYPES);
        check("state", &self.state, &STATES);
    }

    fn push(&self, samples: &mut Samples) {
        let [name, grant_type, state] =
            [&self.name, &self.authorized_grant_type, &self.state].map(|text| text.as_deref().unwrap_or(""));
        samples.push(&catalogue::OAUTH_CLIENT_INFO, [&self.id, name, grant_type, state], 1.0);
        for (gauge, date) in [
            (&catalogue::OAUTH_CLIENT_CREATED_TIMESTAMP, &self.date_created),
            (&catalogue::OAUTH_CLIENT_DELETION_TIMESTAMP, &self.date_to_delete),
        ] {
            if let Some(at) = date.as_deref().and_then(|date| date.parse::<Timestamp>().ok()) {
                samples.push(gauge, [&self.id], at.as_second() as f64);
            }
        }
    }
}

impl Directory {
    pub(super) fn new(client: Arc<Client>, clock: Clock) -> Self {
        Self { client, clock, listing: Mutex::default() }
    }

    /// The client list, not older than `max_age`.
    pub(super) async fn listing(&self, max_age: Duration) -> Result<Arc<Listing>, CollectError> {
        let mut current = self.listing.lock().await;
        if let Some((_, listing)) = current.as_ref().filter(|(read, _)| read.elapsed() < max_age) {
            return Ok(listing.clone());
        }
        let listing = Arc::new(self.read().await?);
        *current = Some((Instant::now(), listing.clone()));
        Ok(listing)
    }

    /// Reads all pages. The operation documents no query parameters although its answer has pages, so a page that brings
    /// nothing new is taken for the first one come again.
    async fn read(&self) -> Result<Listing, CollectError> {
        let mut listing = Listing { read_at: self.clock.now(), clients: BTreeMap::new(), invalid_entries: 0 };
        let mut seen = HashSet::new();
        let mut held = HeldText::default();
        for number in 1..=PAGES_LIMIT {
            let mut call = Call::get("listOAuthClients", &["api", "v2", "oauth", "clients"]);
            if number > 1 {
                call = call.query("pageNumber", number.to_string());
            }
            let (page, length): (Page, usize) = self.client.json_and_length(&call).await?;
            held.hold(length)?;
            let before = seen.len();
            for entity in page.entities {
                match wire::entry_of::<OauthClient>(entity) {
                    Some(client) if !client.id.is_empty() => {
                        seen.insert(client.id.clone());
                        listing.clients.insert(client.id.clone(), client);
                    }
                    _ => listing.invalid_entries += 1,
                }
            }
            let is_last = page.page_count.is_none_or(|count| number >= count);
            let nothing_new = number > 1 && seen.len() == before;
            let read = seen.len() + usize::try_from(listing.invalid_entries).unwrap_or(usize::MAX);
            if is_last || nothing_new {
                if listing.clients.is_empty() && listing.invalid_entries > 0 {
                    let message = format!(
                        "none of {} entries of the client list can be understood",
                        listing.invalid_entries
                    );
                    return Err(Failure::new(Reason::Decode, message).into());
                }
                return match page.total.filter(|total| read < *total) {
                    Some(total) => {
                        let message =
                            format!("the client list has {total} clients but its pages hold only {read}");
                        Err(Failure::new(Reason::Truncated, message).into())
                    }
                    None => Ok(listing),
                };
            }
        }
        Err(Failure::new(Reason::Limit, format!("the client list has more than {PAGES_LIMIT} pages")).into())
    }
}

/// The collector.
pub(super) struct OauthClientsCollector {
    directory: Arc<Directory>,
}

impl OauthClientsCollector {
    pub(super) fn new(directory: Arc<Directory>) -> Self {
        Self { directory }
    }
}

impl Collector for OauthClientsCollector {
    fn name(&self) -> &'static str {
        "oauth_clients"
    }

    async fn collect(&mut self, _: &PendingJobs) -> Result<Reading, CollectError> {
        let listing = self.directory.listing(Duration::ZERO).await?;
        let mut reading = Reading {
            data_through: Some(listing.read_at),
            invalid_rows: listing.invalid_entries,
            ..Reading::default()
        };
        for client in listing.clients.values() {
            client.push(&mut reading.samples);
            client.check();
        }
        Ok(reading)
    }
}

#[cfg(any(test, fuzzing))]
/// For [`crate::fuzzing`]: the samples of an entry.
pub(super) fn samples(entry: &[u8]) -> Option<Samples> {
    let client: OauthClient = serde_json::from_slice(entry).ok()?;
    let mut samples = Samples::default();
    client.push(&mut samples);
    Some(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_the_answer_is_not_read() {
        let client: OauthClient =
            serde_json::from_str(r#"{"id":"a","name":"b","secret":"hunter2","dateToDelete":null}"#).unwrap();
        assert!(!format!("{client:?}").contains("hunter2"));
    }

    #[test]
    fn a_scheduled_deletion_has_a_time_and_no_deletion_has_no_sample() {
        let with = |date: &str| {
            let json = format!(r#"{{"id":"a","dateToDelete":{date}}}"#);
            let mut samples = Samples::default();
            serde_json::from_str::<OauthClient>(&json).unwrap().push(&mut samples);
            samples.len()
        };
        assert_eq!(with(r#""2026-12-01T10:00:00.000Z""#), 2);
        assert_eq!(with("null"), 1);
    }

    #[test]
    fn values_outside_the_documented_enums_are_noticed() {
        let client = |json: &str| {
            let client: OauthClient = serde_json::from_str(json).unwrap();
            surprises::noticing(|| client.check()).1.count(Surprise::EnumValue)
        };
        assert_eq!(client(r#"{"id":"a","authorizedGrantType":"Client-Credentials","state":"ACTIVE"}"#), 0);
        assert_eq!(client(r#"{"id":"a","authorizedGrantType":"TELEPATHY","state":"asleep"}"#), 2);
    }
}
