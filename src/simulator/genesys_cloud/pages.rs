//! Pages of long lists: their sizes, cursors and links.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::refusal::Refusal;
use super::world::World;
use crate::simulator::answer::Answer;
use crate::simulator::dice::Dice;
use crate::simulator::exchange::Call;
use crate::simulator::faults::{Fault, Links};

/// A host that is not the vendor's. Whoever follows a link to it would show it a token.
const FOREIGN_HOST: &str = "https://elsewhere.example.com";
/// Entities on a page of [`list`] that does not say a size.
const LIST_PAGE_DEFAULT: usize = 10;
const LIST_PAGE_MAX: usize = 200;

/// A position in a list, in a form that means nothing to a client and that breaks when it is not encoded.
pub(super) struct Cursor(Dice);

impl Cursor {
    /// The cursors of one list; those of another do not fit.
    pub(super) fn of(world: &World, list: &str) -> Self {
        Self(world.dice.named("cursor").named(list))
    }

    pub(super) fn write(&self, position: usize) -> String {
        format!("{:x}+/{position:x}==", self.0.of(position as u64).number())
    }

    /// The position in a parameter of the query, if the parameter is there.
    pub(super) fn read(&self, call: &Call, parameter: &str) -> Result<Option<usize>, Refusal> {
        let Some(text) = call.query(parameter) else { return Ok(None) };
        let position = text
            .split_once("+/")
            .and_then(|(_, position)| usize::from_str_radix(position.strip_suffix("==")?, 16).ok())
            .filter(|position| self.write(*position) == text);
        position.map(Some).ok_or_else(|| {
            let message = format!("[{parameter}] is not a valid cursor.");
            Refusal::bad("invalid.query.param.value", message)
        })
    }
}

/// The size of a page.
pub(super) fn size(call: &Call, default: usize, max: usize) -> Result<usize, Refusal> {
    let Some(text) = call.query("pageSize") else { return Ok(default) };
    text.parse().ok().filter(|size| (1..=max).contains(size)).ok_or_else(|| {
        let message = format!("[{text}] is not a valid value of [pageSize], which is at most {max}.");
        Refusal::bad("invalid.query.param.value", message)
    })
}

/// Where the page after this one begins: at this one again when a scenario says so.
pub(super) fn next(call: &Call, from: usize, size: usize, length: usize) -> Option<usize> {
    let next = from.saturating_add(size);
    match call.fault {
        Some(Fault::RepeatPage) => Some(from),
        _ => (next < length).then_some(next),
    }
}

/// A link to a path of the API, as the vendor gives it. A scenario can make it lead elsewhere.
pub(super) fn link(call: &Call, path: String) -> String {
    match call.fault {
        Some(Fault::Links(Links::ForeignHost)) => format!("{FOREIGN_HOST}{path}"),
        _ => path,
    }
}

/// Answers a page of a list that is read with `before` and `after`.
pub(super) fn list(world: &World, call: &Call, entities: &[Value]) -> Result<Answer, Refusal> {
    let cursor = Cursor::of(world, &call.path);
    let size = size(call, LIST_PAGE_DEFAULT, LIST_PAGE_MAX)?;
    let (after, before) = (cursor.read(call, "after")?, cursor.read(call, "before")?);
    let (from, size) = match (after, before) {
        (Some(_), Some(_)) => {
            return Err(Refusal::bad("bad.request", "Only one of [before] and [after] can be given."));
        }
        (None, Some(before)) => (before.saturating_sub(size), size.min(before)),
        (after, None) => (after.unwrap_or(0), size),
    };
    let address = |parameter: &str, position: usize| {
        let link = link(call, address(call, parameter, &cursor.write(position)));
        // The vendor's own tool takes links for paths, and whole addresses occur too.
        match call.header("host").filter(|_| link.starts_with('/') && position.is_multiple_of(2)) {
            Some(host) => format!("http://{host}{link}"),
            None => link,
        }
    };
    let page: Vec<&Value> = entities.iter().skip(from).take(size).collect();
    let mut body = json!({ "entities": page, "selfUri": call.path });
    if let Some(next) = next(call, from, size, entities.len()) {
        body["nextUri"] = address("after", next).into();
    }
    if from > 0 {
        body["previousUri"] = address("before", from).into();
    }
    Ok(Answer::json(StatusCode::OK, &body))
}

/// The path and query of this request, with another cursor.
fn address(call: &Call, parameter: &str, cursor: &str) -> String {
    let asked = url::form_urlencoded::parse(call.query.as_deref().unwrap_or_default().as_bytes());
    let kept = asked.filter(|(name, _)| name != "before" && name != "after");
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(kept).append_pair(parameter, cursor);
    format!("{}?{}", call.path, query.finish())
}
