//! What a request asks for: page, order and filter.

use serde_json::Value;

use super::filter::Filter;
use super::list::List;
use super::refusal::Refusal;

const PER_PAGE: usize = 50;
const PER_PAGE_MAX: usize = 250;
/// Makes positions opaque in a cursor.
const VEIL: u64 = 0x5eed_ba5e_d0c5_1de5;

pub(super) struct Query {
    pub(super) page: usize,
    pub(super) per_page: usize,
    pub(super) filter: Filter,
    order: (&'static str, bool),
}

impl Query {
    pub(super) fn read(list: &List, query: &str) -> Result<Self, Refusal> {
        // Here a plus sign is no space.
        let query = query.replace('+', "%2B");
        let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
        let value =
            |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_ref());
        let number = |name: &'static str, usual: usize, max: usize| {
            let Some(text) = value(name) else { return Ok(usual) };
            let number = text.parse().ok().filter(|number| (1..=max).contains(number));
            number.ok_or_else(|| Refusal::bad(name, "it is not a whole number within its bounds"))
        };
        let per_page = number("per_page", PER_PAGE, PER_PAGE_MAX)?;
        let page = match value("cursor") {
            Some(cursor) => {
                position(cursor).ok_or_else(|| Refusal::bad("cursor", "it was not given out"))? / per_page + 1
            }
            None => number("page", 1, usize::MAX)?,
        };
        let filter = value("filter").map(|text| Filter::parse(text, list.fields));
        let filter = filter.transpose().map_err(|why| Refusal::bad("filter", why))?;
        let order = order(list, value("order_by").unwrap_or(list.usual_order))?;
        Ok(Self { page, per_page, filter: filter.unwrap_or(Filter::NONE), order })
    }

    /// Rows that are equal in the field keep their order.
    pub(super) fn sort(&self, rows: &mut [Value]) {
        let (field, descending) = self.order;
        rows.sort_by(|one, other| {
            let order = one[field].as_str().cmp(&other[field].as_str());
            if descending { order.reverse() } else { order }
        });
    }
}

/// A field, and whether it is ordered from large to small.
fn order(list: &List, text: &str) -> Result<(&'static str, bool), Refusal> {
    let (name, direction) = text.split_once(':').unwrap_or((text, "asc"));
    match (list.order.iter().find(|field| **field == name), direction) {
        (Some(field), "asc" | "desc") => Ok((field, direction == "desc")),
        _ => Err(Refusal::bad("order_by", format!("it is not one of {}", list.order.join(", ")))),
    }
}

/// A cursor that leads to a row.
pub(super) fn cursor(position: usize) -> String {
    format!("{:016x}", position as u64 ^ VEIL)
}

fn position(cursor: &str) -> Option<usize> {
    // Further than any list reaches: such a number was never veiled here.
    const POSITION_MAX: usize = 10_000_000;
    let veiled = u64::from_str_radix(cursor, 16).ok()?;
    usize::try_from(veiled ^ VEIL).ok().filter(|position| *position <= POSITION_MAX)
}
