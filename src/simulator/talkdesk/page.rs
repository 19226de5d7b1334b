//! Pages, with links in all the forms that the vendor's documents and samples let one expect.

use serde_json::{Map, Value, json};

use super::list::List;
use super::query::{Query, cursor};
use crate::simulator::faults::{Fault, Links};

/// The host in the vendor's samples, which serves documents and no API.
const SAMPLE_HOST: &str = "https://api-docs.talkdesk.org";

/// One page of the rows.
pub(super) fn page(list: &List, query: &Query, path: &str, rows: &[Value], fault: Option<&Fault>) -> Value {
    let Query { page, per_page, .. } = *query;
    let (total, pages) = (rows.len(), rows.len().div_ceil(per_page).max(1));
    let from = (page - 1).saturating_mul(per_page).min(total);
    let to = from.saturating_add(per_page).min(total);
    let mut shown = match fault {
        Some(Fault::DuplicateRows(count)) => rows[from.saturating_sub(*count)..to].to_vec(),
        Some(Fault::DropRows(count)) => rows[from..to.saturating_sub(*count).max(from)].to_vec(),
        _ => rows[from..to].to_vec(),
    };
    if matches!(fault, Some(Fault::TextNumbers)) {
        shown.iter_mut().filter_map(Value::as_object_mut).for_each(in_quotes);
    }
    let next = match fault {
        Some(Fault::RepeatPage) => Some(page),
        _ => (page < pages).then(|| page + 1),
    };
    let form = match fault {
        Some(Fault::Links(form)) => *form,
        _ => Links::Relative,
    };
    let address = |number: usize| match form {
        Links::ForeignHost => format!("{SAMPLE_HOST}{path}?page={number}"),
        Links::Broken => format!("{SAMPLE_HOST}{path}&page={number}"),
        Links::Cursor => format!("{path}?cursor={}", cursor((number - 1).saturating_mul(per_page))),
        _ => format!("{path}?page={number}"),
    };
    let link = |number: usize| json!({ "href": address(number) });
    let mut links = Map::from_iter([
        ("first".to_owned(), link(1)),
        ("last".to_owned(), link(pages)),
        ("self".to_owned(), link(page)),
    ]);
    links.extend(next.map(|number| ("next".to_owned(), link(number))));
    links.extend((page > 1).then(|| ("prev".to_owned(), link(page - 1))));
    if form == Links::NullNext && next.is_none() {
        links.insert("next".to_owned(), Value::Null);
    }

    let mut body = Map::from_iter([("_embedded".to_owned(), json!({ list.name: shown }))]);
    if !matches!(form, Links::TopLevel | Links::Nothing | Links::Cursor) {
        let counters = [
            ("count", shown.len()),
            ("page", page),
            ("per_page", per_page),
            ("total", total),
            ("total_pages", pages),
        ];
        body.extend(counters.map(|(name, count)| (name.to_owned(), count.into())));
    }
    match form {
        Links::Absent | Links::Nothing => {}
        Links::TopLevel => body.extend(next.map(|number| ("next".to_owned(), address(number).into()))),
        _ => {
            if list.has_stray_links {
                body.extend(links.clone());
            }
            body.insert("_links".to_owned(), links.into());
        }
    }
    body.into()
}

/// Writes the numbers of a row as texts.
fn in_quotes(row: &mut Map<String, Value>) {
    for value in row.values_mut().filter(|value| value.is_number()) {
        *value = value.to_string().into();
    }
}
