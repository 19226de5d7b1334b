//! The lines of all collectors as one gzip body.

use std::io::{self, Read, Write};

use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use flate2::{Compression, write::GzEncoder};

use super::Encoded;
use crate::catalogue;

/// zlib level: 14 % less to send on every scrape than level 3, for a tenth of a second more a cycle at 100,000 series.
const LEVEL: Compression = Compression::new(5);

/// How much text is inflated at a time for a client that does not take gzip.
const PIECE: usize = 128 * 1024;

/// One collector's share of the body.
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
pub fn render<'a>(parts: impl IntoIterator<Item = Part<'a>>) -> io::Result<Bytes> {
    let mut blocks: Vec<(usize, &str, &[u8])> = parts
        .into_iter()
        .flat_map(|part| {
            part.lines.blocks.iter().map(move |block| (block.family, part.organization, &*block.deflated))
        })
        .collect();
    blocks.sort_unstable_by_key(|(family, organization, _)| (*family, *organization));

    let families: Vec<_> = catalogue::families().collect();
    let mut gzip = GzEncoder::new(Vec::new(), LEVEL);
    for same in blocks.chunk_by(|a, b| a.0 == b.0) {
        let family = families[same[0].0];
        write!(gzip, "# HELP {} {}\n# TYPE {} gauge\n", family.name, family.help, family.name)?;
        for (_, _, deflated) in same {
            io::copy(&mut DeflateDecoder::new(*deflated), &mut gzip)?;
        }
    }
    let mut body = gzip.finish()?;
    body.shrink_to_fit();
    Ok(body.into())
}

/// `text` as a gzip member of its own, which may follow another.
#[must_use]
pub fn gzip(text: &str) -> Bytes {
    let mut gzip = GzEncoder::new(Vec::new(), LEVEL);
    gzip.write_all(text.as_bytes())
        .and_then(|()| gzip.finish())
        .expect("writing to memory does not fail")
        .into()
}

/// The text of gzip members that stand one after the other, a piece at a time.
pub fn gunzip_pieces(members: Vec<Bytes>) -> impl Iterator<Item = io::Result<Bytes>> + Send {
    let mut decoders = members.into_iter().map(|member| MultiGzDecoder::new(io::Cursor::new(member)));
    let mut current = decoders.next();
    std::iter::from_fn(move || {
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            match current.as_mut()?.by_ref().take(PIECE as u64).read_to_end(&mut piece) {
                Ok(0) => current = decoders.next(),
                Ok(_) => return Some(Ok(piece.into())),
                Err(error) => return Some(Err(error)),
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::genesys_cloud::{LAST_DAY_TIMESTAMP, OAUTH_CLIENT_REQUESTS, OAUTH_CLIENT_WINDOW};
    use crate::exposition::encode;
    use crate::model::Samples;

    fn text(body: Bytes) -> String {
        let pieces: Vec<Bytes> = gunzip_pieces(vec![body]).collect::<Result<_, _>>().unwrap();
        String::from_utf8(pieces.concat()).unwrap()
    }

    #[test]
    fn all_samples_of_a_family_stand_together_ordered_by_organization() {
        let mut summary = Samples::default();
        summary.push(&OAUTH_CLIENT_WINDOW, [], 86_400.0);
        summary.push(&OAUTH_CLIENT_REQUESTS, ["id", "2xx"], 5.0);
        let mut usage = Samples::default();
        usage.push(&LAST_DAY_TIMESTAMP, [], 7.0);
        let encoded =
            [("b", encode("b", &summary)), ("a", encode("a", &usage)), ("a", encode("a", &summary))];
        let body = render(encoded.iter().map(|(organization, lines)| Part { organization, lines })).unwrap();
        let text = text(body);
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
    fn members_one_after_the_other_are_one_gzip_stream() {
        let both = [gzip("first\n"), gzip("second\n")].concat();
        assert_eq!(text(both.into()), "first\nsecond\n");
    }

    #[test]
    fn no_help_text_needs_escaping() {
        for family in catalogue::families() {
            assert!(!family.help.contains(['\\', '\n', '"']), "{}", family.name);
        }
    }
}
