//! The lines of all collectors as one piece of text.

use std::io::{self, Write};

use flate2::Compression;

use super::{Encoded, Piece};
use crate::catalogue;

/// The level of what is sent: 14 % less than level 3, for a tenth of a second more a cycle at 100,000 series.
pub const LEVEL: Compression = Compression::new(5);

/// One collector's share of the text.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// The organization, by which the lines of a family are ordered.
    pub organization: &'a str,
    /// The lines.
    pub lines: &'a Encoded,
}

/// Puts all parts together, family by family in the order of the catalogue, and within a family by organization.
///
/// # Errors
/// None in practice: reading from and writing to memory does not fail.
pub fn render<'a>(parts: impl IntoIterator<Item = Part<'a>>) -> io::Result<Piece> {
    let mut blocks: Vec<(usize, &str, &Piece)> = parts
        .into_iter()
        .flat_map(|part| {
            part.lines.blocks.iter().map(move |(family, lines)| (*family, part.organization, lines))
        })
        .collect();
    blocks.sort_unstable_by_key(|(family, organization, _)| (*family, *organization));

    let families: Vec<_> = catalogue::families().collect();
    Piece::write(LEVEL, |out| {
        for same in blocks.chunk_by(|a, b| a.0 == b.0) {
            let family = families[same[0].0];
            write!(out, "# HELP {} {}\n# TYPE {} gauge\n", family.name, family.help, family.name)?;
            for (.., lines) in same {
                io::copy(&mut lines.inflate(), out)?;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::catalogue::genesys_cloud::{LAST_DAY_TIMESTAMP, OAUTH_CLIENT_REQUESTS, OAUTH_CLIENT_WINDOW};
    use crate::exposition::encode;
    use crate::model::Samples;

    #[test]
    fn all_samples_of_a_family_stand_together_ordered_by_organization() {
        let mut summary = Samples::default();
        summary.push(&OAUTH_CLIENT_WINDOW, [], 86_400.0);
        summary.push(&OAUTH_CLIENT_REQUESTS, ["id", "2xx"], 5.0);
        let mut usage = Samples::default();
        usage.push(&LAST_DAY_TIMESTAMP, [], 7.0);
        let encoded =
            [("b", encode("b", &summary)), ("a", encode("a", &usage)), ("a", encode("a", &summary))];
        let piece = render(encoded.iter().map(|(organization, lines)| Part { organization, lines })).unwrap();
        let mut text = String::new();
        piece.inflate().read_to_string(&mut text).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("# HELP")).collect();
        assert_eq!(
            lines,
            [
                "# TYPE genesyscloud_api_last_day_timestamp_seconds gauge",
                "genesyscloud_api_last_day_timestamp_seconds{organization=\"a\"} 7",
                "# TYPE genesyscloud_oauth_client_requests gauge",
                "genesyscloud_oauth_client_requests{organization=\"a\",client_id=\"id\",status=\"2xx\"} 5",
                "genesyscloud_oauth_client_requests{organization=\"b\",client_id=\"id\",status=\"2xx\"} 5",
                "# TYPE genesyscloud_oauth_client_window_seconds gauge",
                "genesyscloud_oauth_client_window_seconds{organization=\"a\"} 86400",
                "genesyscloud_oauth_client_window_seconds{organization=\"b\"} 86400",
            ]
        );
    }

    #[test]
    fn no_help_text_needs_escaping() {
        for family in catalogue::families() {
            assert!(!family.help.contains(['\\', '\n', '"']), "{}", family.name);
        }
    }
}
