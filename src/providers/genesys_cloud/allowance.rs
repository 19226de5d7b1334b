//! The fair-use allowance: API requests that each licence includes.

use super::settings::Allowance;

/// Requests included per licence and month, by licence key.
pub const LICENSES: [(&str, u64); 12] = [
    ("communicate_named", 10_000),
    ("cx1_named", 75_000),
    ("cx1_concurrent", 97_500),
    ("cx2_named", 110_000),
    ("cx2_concurrent", 143_000),
    ("cx2_digital_named", 110_000),
    ("cx2_digital_concurrent", 143_000),
    ("cx3_named", 140_000),
    ("cx3_concurrent", 182_000),
    ("cx3_digital_named", 140_000),
    ("cx3_digital_concurrent", 182_000),
    ("ex_named", 75_000),
];

impl Allowance {
    /// Requests of one billing period.
    #[must_use]
    pub fn requests(&self) -> u64 {
        match self {
            Self::Requests(requests) => *requests,
            Self::Licenses(held) => held
                .iter()
                .filter_map(|(key, count)| {
                    let (_, each) = LICENSES.iter().find(|(license, _)| license == key)?;
                    Some(each.saturating_mul(*count))
                })
                .fold(0, u64::saturating_add),
        }
    }

    /// The `source` label of `genesyscloud_api_allowance_info`.
    #[must_use]
    pub fn source(&self) -> &'static str {
        match self {
            Self::Requests(_) => "config",
            Self::Licenses(_) => "licenses",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licenses_multiply_by_what_each_includes() {
        let allowance = Allowance::Licenses(vec![("cx2_named", 100), ("ex_named", 2)]);
        assert_eq!(allowance.requests(), 11_150_000);
        assert_eq!(allowance.source(), "licenses");
    }
}
