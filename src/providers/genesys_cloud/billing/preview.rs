//! The preview operations of contracts and invoices, which may change at any time without notice.

use std::collections::HashSet;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::{CollectError, Failure, HeldText, Reason};
use crate::providers::genesys_cloud::cursor;
use crate::providers::genesys_cloud::wire::{self, Label};
use crate::rest::{Call, Client, Error, Kind};

/// The most that a page gives.
const PAGE_SIZE: &str = "200";

/// More pages than this are more than the exporter is willing to pay for.
const PAGES_LIMIT: usize = 200;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    entities: Vec<Value>,
    #[serde(default)]
    next_uri: Label,
}

/// What a refused preview means: not every organization has it, and it may be gone or look different tomorrow. That is nothing
/// to mend, so it is no failure.
pub(super) fn refused(error: Error) -> CollectError {
    match error.kind {
        Kind::Forbidden | Kind::NotFound | Kind::Rejected | Kind::Unexpected => {
            CollectError::NotSupported(format!("{error} (a preview of the vendor)"))
        }
        _ => CollectError::Failed(error.into()),
    }
}

/// All entries of a list, and how many of them cannot be understood.
pub(super) async fn list<T: DeserializeOwned>(
    client: &Client,
    call: Call,
) -> Result<(Vec<T>, u64), CollectError> {
    let call = call.query("pageSize", PAGE_SIZE);
    let (mut entries, mut invalid) = (Vec::new(), 0);
    let mut after: Option<String> = None;
    let mut cursors = HashSet::new();
    let mut held = HeldText::default();
    loop {
        let paged = after.iter().fold(call.clone(), |call, after| call.query("after", after));
        let (page, length): (Page, usize) = client.json_and_length(&paged).await.map_err(refused)?;
        held.hold(length)?;
        for entity in page.entities {
            match wire::entry_of(entity) {
                Some(entry) => entries.push(entry),
                None => invalid += 1,
            }
        }
        let Some(next_uri) = page.next_uri.get() else { break };
        let next = cursor::after(&call, next_uri).map_err(Failure::from)?;
        let trouble = match (cursors.insert(next.clone()), cursors.len() > PAGES_LIMIT) {
            (false, _) => {
                Some((Reason::Truncated, "the pages repeat, so they cannot be complete".to_owned()))
            }
            (true, true) => Some((Reason::Limit, format!("there are more than {PAGES_LIMIT} pages"))),
            (true, false) => None,
        };
        if let Some((reason, why)) = trouble {
            return Err(Failure::new(reason, format!("{}: {why}", call.operation())).into());
        }
        after = Some(next);
    }
    if entries.is_empty() && invalid > 0 {
        return Err(unusable(call.operation(), invalid));
    }
    Ok((entries, invalid))
}

/// What entries mean of which none can be used: that the preview looks different now.
pub(super) fn unusable(operation: &str, entries: u64) -> CollectError {
    CollectError::NotSupported(format!(
        "{operation}: none of {entries} entries can be used (a preview of the vendor)"
    ))
}
