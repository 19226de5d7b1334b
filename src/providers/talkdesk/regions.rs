//! Where Talkdesk lives. The Canadian names follow no rule, so this is a table.

/// A region's domains: `api` before the first is the API host, an account's name before the second its login host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// The name in the configuration.
    pub name: &'static str,
    /// The domain of the API.
    pub api_domain: &'static str,
    /// The domain of the login hosts.
    pub login_domain: &'static str,
}

/// The regions; the first is where an organization lives unless it says otherwise.
pub const REGIONS: [Region; 4] = [
    Region { name: "us", api_domain: "talkdeskapp.com", login_domain: "talkdeskid.com" },
    Region { name: "eu", api_domain: "talkdeskapp.eu", login_domain: "talkdeskid.eu" },
    Region { name: "ca", api_domain: "talkdeskappca.com", login_domain: "talkdeskidca.com" },
    Region { name: "au", api_domain: "talkdeskapp.au", login_domain: "talkdeskid.au" },
];

/// The region of a name.
#[must_use]
pub fn region(name: &str) -> Option<Region> {
    REGIONS.into_iter().find(|region| region.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_found_by_its_name() {
        assert_eq!(region("ca").unwrap().api_domain, "talkdeskappca.com");
        assert_eq!(region("CA"), None);
        assert_eq!(region("us-east-1"), None);
    }
}
