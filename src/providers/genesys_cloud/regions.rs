//! Where Genesys Cloud lives. There is no rule from an AWS region to a domain, so this is a table.

/// AWS region name and domain of each Genesys Cloud region.
pub const REGIONS: [(&str, &str); 18] = [
    ("us-east-1", "mypurecloud.com"),
    ("us-east-2", "use2.us-gov-pure.cloud"),
    ("us-west-2", "usw2.pure.cloud"),
    ("ca-central-1", "cac1.pure.cloud"),
    ("mx-central-1", "mxc1.pure.cloud"),
    ("sa-east-1", "sae1.pure.cloud"),
    ("eu-west-1", "mypurecloud.ie"),
    ("eu-west-2", "euw2.pure.cloud"),
    ("eu-central-1", "mypurecloud.de"),
    ("eu-central-2", "euc2.pure.cloud"),
    ("eusc-de-east-1", "edee1.eusc-pure.cloud"),
    ("me-central-1", "mec1.pure.cloud"),
    ("ap-south-1", "aps1.pure.cloud"),
    ("ap-northeast-1", "mypurecloud.jp"),
    ("ap-northeast-2", "apne2.pure.cloud"),
    ("ap-northeast-3", "apne3.pure.cloud"),
    ("ap-southeast-1", "apse1.pure.cloud"),
    ("ap-southeast-2", "mypurecloud.com.au"),
];

/// The domain of `region`, an AWS region name or already a Genesys Cloud domain.
#[must_use]
pub fn domain(region: &str) -> Option<&'static str> {
    REGIONS.iter().find(|(aws, domain)| *aws == region || *domain == region).map(|(_, domain)| *domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_found_by_aws_name_and_by_domain() {
        assert_eq!(domain("eu-central-1"), Some("mypurecloud.de"));
        assert_eq!(domain("usw2.pure.cloud"), Some("usw2.pure.cloud"));
        assert_eq!(domain("euw1.pure.cloud"), None);
    }

    #[test]
    fn no_region_or_domain_stands_twice() {
        let mut names: Vec<&str> = REGIONS.iter().flat_map(|(aws, domain)| [*aws, *domain]).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 2 * REGIONS.len());
    }
}
