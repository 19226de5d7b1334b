//! One page of a list, in any of the shapes that the documentation, its schema and its examples give it.

use serde_json::Value;
use url::form_urlencoded;

/// The relations that a page links to.
const RELATIONS: [&str; 5] = ["self", "first", "prev", "next", "last"];

/// A page.
#[derive(Debug, PartialEq)]
pub(super) struct Page {
    pub(super) rows: Vec<Value>,
    /// Where the vendor says that the next page is.
    pub(super) next: Option<String>,
    /// Whether the vendor links to any page.
    pub(super) is_linked: bool,
    /// The number of this page.
    pub(super) page: Option<u64>,
    /// The rows of a full page.
    pub(super) per_page: Option<u64>,
    /// The rows of all pages.
    pub(super) total: Option<u64>,
    pub(super) total_pages: Option<u64>,
}

impl Page {
    /// The page of a list whose rows stand under `key`; `None` where there is no array of rows, which is not zero rows.
    pub(super) fn read(mut body: Value, key: &str) -> Option<Self> {
        let rows = rows(&mut body, key)?;
        let counter = |name: &str| body.get(name).and_then(whole_number);
        let [page, per_page, total, total_pages] = ["page", "per_page", "total", "total_pages"].map(counter);
        let link = |relation: &str| {
            let within = body.get("_links").and_then(|links| links.get(relation)).and_then(href);
            within.or_else(|| body.get(relation).and_then(href))
        };
        let is_linked = RELATIONS.iter().any(|relation| link(relation).is_some());
        let next = link("next").map(str::to_owned);
        Some(Self { rows, next, is_linked, page, per_page, total, total_pages })
    }
}

/// The rows: under their key within `_embedded`, in the place of `_embedded`, or at the top level.
fn rows(body: &mut Value, key: &str) -> Option<Vec<Value>> {
    for pointer in [format!("/_embedded/{key}"), "/_embedded".to_owned(), format!("/{key}"), String::new()] {
        if let Some(Value::Array(rows)) = body.pointer_mut(&pointer) {
            return Some(std::mem::take(rows));
        }
    }
    None
}

/// The target of a link: an object with `href`, a bare text, or an array of either. An empty one is none.
fn href(link: &Value) -> Option<&str> {
    let href = match link {
        Value::String(href) => Some(href.as_str()),
        Value::Object(link) => link.get("href").and_then(Value::as_str),
        Value::Array(links) => links.iter().find_map(href),
        _ => None,
    };
    href.filter(|href| !href.trim().is_empty())
}

fn whole_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// The query parameters of a link. Nothing else of it is ever used: its host and path are not ours to trust, and in the
/// vendor's own examples they are wrong. One example has the page number in the path.
pub(super) fn parameters(href: &str) -> Vec<(String, String)> {
    let href = href.split('#').next().unwrap_or_default();
    if let Some((_, query)) = href.split_once('?') {
        return form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    }
    let page = href.split(['&', '/', ';']).find_map(|part| part.strip_prefix("page="));
    let is_number = |page: &&str| !page.is_empty() && page.bytes().all(|byte| byte.is_ascii_digit());
    page.filter(is_number).map(|page| ("page".to_owned(), page.to_owned())).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::providers::talkdesk::row::tests::any_json;

    fn page(body: Value) -> Page {
        Page::read(body, "usage").unwrap()
    }

    #[test]
    fn rows_are_found_in_every_place_that_the_schema_allows() {
        for body in [
            json!({"_embedded": {"usage": [1, 2]}}),
            json!({"_embedded": [1, 2]}),
            json!({"usage": [1, 2]}),
            json!([1, 2]),
        ] {
            assert_eq!(page(body).rows, [json!(1), json!(2)]);
        }
    }

    #[test]
    fn an_empty_array_is_no_rows_and_no_array_is_no_page() {
        assert_eq!(page(json!({"_embedded": {"usage": []}})).rows, Vec::<Value>::new());
        for body in [
            json!({}),
            json!({"_embedded": {}}),
            json!({"_embedded": {"usage": null}}),
            json!({"_embedded": {"accounts": []}}),
            json!({"message": "down for maintenance"}),
            json!(null),
        ] {
            assert_eq!(Page::read(body.clone(), "usage"), None, "{body}");
        }
    }

    #[test]
    fn the_next_page_is_found_in_every_form_of_a_link() {
        for body in [
            json!({"usage": [], "_links": {"next": {"href": "/x?page=2"}}}),
            json!({"usage": [], "_links": {"next": "/x?page=2"}}),
            json!({"usage": [], "_links": {"next": [{"href": ""}, {"href": "/x?page=2"}]}}),
            json!({"usage": [], "_links": {"next": ["/x?page=2"]}}),
            json!({"usage": [], "next": {"href": "/x?page=2"}}),
            json!({"usage": [], "_links": {"next": null}, "next": "/x?page=2"}),
        ] {
            assert_eq!(page(body.clone()).next.as_deref(), Some("/x?page=2"), "{body}");
        }
    }

    #[test]
    fn the_last_page_has_no_next_whatever_stands_there() {
        for links in [
            json!(null),
            json!({}),
            json!({"next": null}),
            json!({"next": {"href": null}}),
            json!({"next": {"href": ""}}),
            json!({"next": []}),
            json!({"next": 7}),
        ] {
            let page = page(json!({"usage": [], "_links": links}));
            assert_eq!((page.next, page.is_linked), (None, false), "{links}");
        }
        assert!(page(json!({"usage": [], "_links": {"self": {"href": "/x"}}})).is_linked);
    }

    #[test]
    fn counters_are_read_from_numbers_and_strings_and_may_be_missing() {
        let page = page(json!({"usage": [], "page": 2, "per_page": "250", "total": -1, "total_pages": null}));
        assert_eq!(
            (page.page, page.per_page, page.total, page.total_pages),
            (Some(2), Some(250), None, None)
        );
    }

    #[test]
    fn only_the_parameters_of_a_link_count() {
        let pairs = |href: &str| {
            let pairs = parameters(href).into_iter().map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>()
        };
        assert_eq!(pairs("/express/usage/month?page=2"), ["page=2"]);
        assert_eq!(
            pairs("https://api-docs.talkdesk.org/express/usage/month?page=2&cursor=a%3Db#x"),
            ["page=2", "cursor=a=b"]
        );
        assert_eq!(pairs("https://api-docs.talkdesk.org/express/invoices&page=3"), ["page=3"]);
        assert_eq!(pairs("?page=4"), ["page=4"]);
        for href in
            ["https://example.com/express/usage", "/x&per_page=9", "/x&page=two", "/x&page=", "#?page=2", ""]
        {
            assert_eq!(pairs(href), Vec::<String>::new(), "{href}");
        }
    }

    proptest! {
        #[test]
        fn no_json_and_no_link_makes_a_page_panic(body in any_json(), text: String) {
            let _ = parameters(&text);
            if let Some(next) = Page::read(body, "usage").and_then(|page| page.next) {
                let _ = parameters(&next);
            }
        }
    }
}
