//! For [`crate::fuzzing`]: what reads any vendor's answers.

use serde_json::Value;

use super::rows::{RowSplitter, SplitError};
use super::{channel, credential};
use crate::clock::Clock;
use crate::model::harmless;

type Split = Result<(Vec<Vec<u8>>, Vec<u8>), SplitError>;

fn split(text: &[u8], piece: usize) -> Split {
    let mut splitter = RowSplitter::new("rows");
    let mut rows = Vec::new();
    for piece in text.chunks(piece) {
        splitter.feed::<SplitError>(piece, &mut |row| {
            rows.push(row.to_vec());
            Ok(())
        })?;
    }
    Ok((rows, splitter.finish()?))
}

/// The first byte is the length of the pieces in which the others arrive: that changes nothing, and what comes apart is what
/// `serde_json` takes whole.
pub(crate) fn split_rows(data: &[u8]) {
    let Some((piece, text)) = data.split_first() else { return };
    let apart = split(text, usize::from(*piece).max(1));
    assert_eq!(apart, split(text, usize::MAX), "the pieces change nothing");
    let parse = |text: &[u8]| serde_json::from_slice::<Value>(text);
    let is_too_deep =
        |text: &[u8]| parse(text).is_err_and(|error| error.to_string().contains("recursion limit"));
    let is_good = apart.as_ref().is_ok_and(|(rows, envelope)| {
        parse(envelope).is_ok_and(|envelope| envelope.is_object())
            && rows.iter().all(|row| parse(row).is_ok())
    });
    let is_whole = parse(text).is_ok_and(|whole| whole.is_object());
    assert!(is_good == is_whole || is_too_deep(text), "apart {is_good}, whole {is_whole}");
    if let Ok((rows, envelope)) = apart {
        assert!(
            rows.iter().map(Vec::len).sum::<usize>() + envelope.len() <= text.len(),
            "nothing is made up"
        );
    }
}

/// A token answer.
pub(crate) fn token(data: &[u8]) {
    let longest = std::time::Duration::from_hours(48);
    assert!(credential::lifetime(data).is_none_or(|lifetime| lifetime <= longest));
}

/// A `Retry-After` and, in the next line, a `Date`; and the first of them as a word for the log.
pub(crate) fn headers(text: &str) {
    let (value, date) = text.split_once('\n').map_or((text, None), |(value, date)| (value, Some(date)));
    let _ = channel::retry_after(value, date, &Clock::system());
    if let Some(word) = harmless(value) {
        assert!(word == value && word.len() <= 80 && word.is_ascii());
    }
}
