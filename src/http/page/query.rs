//! What a query string asks of the page. Whatever is not understood asks for nothing.

use std::fmt;

use url::form_urlencoded::{Serializer, parse};

/// Names are not looked for by more than this.
pub(super) const LONGEST_TEXT: usize = 100;

/// What is to be shown.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Query {
    /// Only this organization, with all its details.
    pub(super) organization: Option<String>,
    /// A part of the names of those that are listed.
    pub(super) text: String,
    pub(super) state: StateFilter,
    /// The provider's key; empty for all.
    pub(super) provider: String,
    /// Counted from 1.
    pub(super) page: usize,
}

/// The states that can be asked for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum StateFilter {
    #[default]
    All,
    Failing,
    Stale,
    Exceeded,
    Forecast,
    Over,
}

impl StateFilter {
    pub(super) const ALL: [Self; 6] =
        [Self::All, Self::Failing, Self::Exceeded, Self::Forecast, Self::Over, Self::Stale];

    /// Its name in a query string.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Failing => "failing",
            Self::Stale => "stale",
            Self::Exceeded => "exceeded",
            Self::Forecast => "forecast",
            Self::Over => "over",
        }
    }

    /// Its name for people.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::All => "Any state",
            Self::Failing => "Collectors failing",
            Self::Stale => "Figures stale",
            Self::Exceeded => "Allowance exceeded",
            Self::Forecast => "Will exceed allowance",
            Self::Over => "Allowance exceeded, or will be",
        }
    }
}

impl Query {
    pub(super) fn parse(query: &str) -> Self {
        let mut asked = Self { page: 1, ..Self::default() };
        for (name, value) in parse(query.as_bytes()) {
            match &*name {
                "organization" => asked.organization = Some(value.into_owned()),
                "q" => asked.text = value.trim().chars().take(LONGEST_TEXT).collect(),
                "state" => {
                    let known = StateFilter::ALL.into_iter().find(|state| state.key() == value);
                    asked.state = known.unwrap_or_default();
                }
                "provider" => asked.provider = value.into_owned(),
                "page" => asked.page = value.parse().unwrap_or(1).max(1),
                _ => {}
            }
        }
        asked
    }

    /// Whether the list is narrowed.
    pub(super) fn narrows(&self) -> bool {
        !self.text.is_empty() || self.state != StateFilter::All || !self.provider.is_empty()
    }

    /// The same for another page.
    pub(super) fn with_page(&self, page: usize) -> Self {
        Self { page, ..self.clone() }
    }

    /// Only what is in that state.
    pub(super) fn only(state: StateFilter) -> Self {
        Self { state, page: 1, ..Self::default() }
    }

    /// One organization.
    pub(super) fn of(organization: &str) -> Self {
        Self { organization: Some(organization.to_owned()), page: 1, ..Self::default() }
    }
}

impl fmt::Display for Query {
    /// A link to it, relative to the page itself.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut query = Serializer::for_suffix(String::from("?"), 1);
        let page = self.page.to_string();
        for (name, value, is_asked) in [
            ("organization", self.organization.as_deref().unwrap_or_default(), self.organization.is_some()),
            ("q", &self.text, !self.text.is_empty()),
            ("state", self.state.key(), self.state != StateFilter::All),
            ("provider", &self.provider, !self.provider.is_empty()),
            ("page", &page, self.page > 1),
        ] {
            if is_asked {
                query.append_pair(name, value);
            }
        }
        // A lone question mark leads to the page itself without a query.
        formatter.write_str(&query.finish())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_understood_asks_for_nothing() {
        let query = Query::parse("state=perhaps&page=-1&page=0&page=two&x=y&q=%20&&=");
        assert_eq!(query, Query { page: 1, ..Query::default() });
        assert!(!query.narrows());
        assert_eq!(Query::parse(&format!("q={}", "ä".repeat(500))).text.chars().count(), LONGEST_TEXT);
    }

    proptest! {
        #[test]
        fn a_link_asks_for_what_it_was_made_from(text in "\\S{0,20}", provider in ".{0,20}", page in 1_usize..9, state in 0_usize..6) {
            let query = Query { text, provider, page, state: StateFilter::ALL[state], organization: None };
            let link = query.to_string();
            prop_assert_eq!(Query::parse(&link[1..]), query);
        }
    }
}
