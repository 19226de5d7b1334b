//! The cursor of the next page.

use url::Url;

use crate::rest::{Call, Error, Kind};

/// The cursor in a `nextUri`, absolute or not. Only the cursor is taken: the next page is asked for where the first one was, so
/// that no token goes to wherever the vendor points.
pub(super) fn after(call: &Call, next_uri: &str) -> Result<String, Error> {
    let base = Url::parse("https://unused.invalid/").expect("a constant URL");
    base.join(next_uri)
        .ok()
        .and_then(|url| {
            url.query_pairs().find(|(name, _)| name == "after").map(|(_, value)| value.into_owned())
        })
        .ok_or_else(|| Error::new(Kind::Malformed, call.operation(), "nextUri holds no after cursor"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_found_in_a_path_and_in_a_url_of_whatever_host() {
        let call = Call::get("getUsageAggregatesJob", &[]);
        for uri in ["/api/v2/usage/x?pageSize=5&after=a%2Bb%3D", "https://elsewhere.example/y?after=a%2Bb%3D"]
        {
            assert_eq!(after(&call, uri).unwrap(), "a+b=", "{uri}");
        }
        assert_eq!(after(&call, "/api/v2/usage/x?pageSize=5").unwrap_err().kind, Kind::Malformed);
    }
}
