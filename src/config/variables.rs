//! `${NAME}` in values: replaced from the environment, after the file was parsed.

use std::borrow::Cow;

/// Where variables come from; the program passes the environment of its process in.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Why a text could not be expanded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unexpanded<'t> {
    /// The variable is not set.
    Unset(&'t str),
    /// `${` without a name and a closing brace.
    Malformed,
}

/// Replaces each `${NAME}`; `$${` becomes `${`. Borrowed means that nothing was replaced.
pub(super) fn expand<'t>(text: &'t str, environment: Environment) -> Result<Cow<'t, str>, Unexpanded<'t>> {
    if !text.contains("${") {
        return Ok(Cow::Borrowed(text));
    }
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let (before, reference) = (&rest[..start], &rest[start + 2..]);
        if let Some(before) = before.strip_suffix('$') {
            expanded.push_str(before);
            expanded.push_str("${");
            rest = reference;
            continue;
        }
        expanded.push_str(before);
        let (name, behind) = reference.split_once('}').ok_or(Unexpanded::Malformed)?;
        if !is_name(name) {
            return Err(Unexpanded::Malformed);
        }
        expanded.push_str(&environment(name).ok_or(Unexpanded::Unset(name))?);
        rest = behind;
    }
    expanded.push_str(rest);
    Ok(Cow::Owned(expanded))
}

/// Makes `text` safe from replacement, so that it reads as itself.
pub(super) fn escape(text: &str) -> String {
    text.replace("${", "$${")
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn environment(name: &str) -> Option<String> {
        match name {
            "NAME" => Some("acme".to_owned()),
            "NESTED" => Some("${NAME}".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn names_are_replaced_once() {
        assert_eq!(expand("a ${NAME}, ${NESTED}", &environment).unwrap(), "a acme, ${NAME}");
        assert_eq!(expand("$${NAME} costs $5", &environment).unwrap(), "${NAME} costs $5");
    }

    #[test]
    fn an_unset_name_and_a_broken_reference_are_told_apart() {
        assert_eq!(expand("${OTHER}", &environment), Err(Unexpanded::Unset("OTHER")));
        for text in ["${", "${}", "${NAME", "${NAME:-x}", "${1}"] {
            assert_eq!(expand(text, &environment), Err(Unexpanded::Malformed), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_escaped_text_reads_as_itself(text in "[a$|{}]{0,12}") {
            let escaped = escape(&text);
            prop_assert_eq!(expand(&escaped, &environment).unwrap(), text);
        }
    }
}
