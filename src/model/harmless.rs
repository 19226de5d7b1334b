//! Which text of a vendor may be shown.

/// Vendor text that may stand in a log line: a short token of harmless characters, or nothing.
#[must_use]
pub fn harmless(text: &str) -> Option<String> {
    let fits = !text.is_empty()
        && text.len() <= 80
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte));
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendor_text_with_anything_unusual_stays_out() {
        assert_eq!(harmless("missing.permissions").as_deref(), Some("missing.permissions"));
        for text in ["", "two words", "line\nbreak", "Bearer=abc", &"x".repeat(81)] {
            assert_eq!(harmless(text), None);
        }
    }
}
