//! One call of a vendor's operation: what is asked, and where it goes.

use std::borrow::Cow;

use reqwest::Method;
use url::Url;

/// One call of an operation. It only ever goes to the configured API host.
#[derive(Debug, Clone)]
pub struct Call {
    pub(super) operation: &'static str,
    pub(super) method: Method,
    path: Vec<String>,
    query: Vec<(Cow<'static, str>, String)>,
    pub(super) body: Option<serde_json::Value>,
}

impl Call {
    /// A GET of the path made of `segments`, which are percent-encoded.
    #[must_use]
    pub fn get(operation: &'static str, segments: &[&str]) -> Self {
        Self::new(operation, Method::GET, segments)
    }

    /// A POST of `body` to the path made of `segments`.
    #[must_use]
    pub fn post(operation: &'static str, segments: &[&str], body: serde_json::Value) -> Self {
        Self { body: Some(body), ..Self::new(operation, Method::POST, segments) }
    }

    /// The operation of the vendor's API.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// What is asked, as a text: equal calls and no others have equal ones.
    #[must_use]
    pub fn question(&self) -> String {
        let Self { operation, method, path, query, body } = self;
        let body = body.as_ref().map(serde_json::Value::to_string).unwrap_or_default();
        format!("{operation} {method} {path:?} {query:?} {body}")
    }

    /// The same call with one more query parameter.
    #[must_use]
    pub fn query(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    fn new(operation: &'static str, method: Method, segments: &[&str]) -> Self {
        let path = segments.iter().map(|segment| (*segment).to_owned()).collect();
        Self { operation, method, path, query: Vec::new(), body: None }
    }

    /// Where it goes below `base`.
    pub(super) fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        url.path_segments_mut()
            .expect("the configuration takes only http and https URLs")
            .pop_if_empty()
            .extend(&self.path);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
            // A space as `+` belongs to forms; not every vendor takes it in a URL. A real `+` is `%2B` by now.
            let query = url.query().unwrap_or_default().replace('+', "%20");
            url.set_query(Some(&query));
        }
        url
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn path_and_query_are_percent_encoded_below_the_configured_base() {
        let call =
            Call::get("getClientUsageSummary", &["api", "v2", "oauth", "clients", "a/../b?c", "usage"])
                .query("after", "x+y=&z");
        let url = call.url(&Url::parse("https://gateway.example/genesys/").unwrap());
        assert_eq!(
            url.as_str(),
            "https://gateway.example/genesys/api/v2/oauth/clients/a%2F..%2Fb%3Fc/usage?after=x%2By%3D%26z"
        );
    }

    proptest! {
        #[test]
        fn no_query_parameter_changes_where_a_call_goes(pairs in prop::collection::vec((any::<String>(), any::<String>()), 0..4)) {
            let base = Url::parse("https://gateway.example/talkdesk/").unwrap();
            let call = Call::get("listAccounts", &["express", "accounts"]);
            let call = pairs.iter().fold(call, |call, (name, value)| call.query(name.clone(), value.clone()));
            let url = call.url(&base);
            prop_assert!(url.as_str().starts_with("https://gateway.example/talkdesk/express/accounts"), "{}", url);
            prop_assert_eq!(url.path(), "/talkdesk/express/accounts");
            prop_assert_eq!(url.query_pairs().into_owned().collect::<Vec<_>>(), pairs);
        }
    }
}
