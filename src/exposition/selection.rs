//! Which part of the series a scrape wants.

/// The organizations and collectors that a request names; naming none means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    organizations: Vec<String>,
    collectors: Vec<String>,
}

impl Selection {
    /// Only these organizations and only these collectors.
    pub fn new(
        organizations: impl IntoIterator<Item = String>,
        collectors: impl IntoIterator<Item = String>,
    ) -> Self {
        Self {
            organizations: organizations.into_iter().collect(),
            collectors: collectors.into_iter().collect(),
        }
    }

    /// Whether nothing is left out.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.organizations.is_empty() && self.collectors.is_empty()
    }

    /// Whether the organization is wanted.
    #[must_use]
    pub fn organization(&self, name: &str) -> bool {
        self.organizations.is_empty() || self.organizations.iter().any(|wanted| wanted == name)
    }

    /// Whether the collector is wanted.
    #[must_use]
    pub fn collector(&self, name: &str) -> bool {
        self.collectors.is_empty() || self.collectors.iter().any(|wanted| wanted == name)
    }
}
