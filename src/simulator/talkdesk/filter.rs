//! The filter language: `month eq '2026-11' and (account_id eq 'a' or account_id eq 'b')`.

use std::collections::BTreeSet;

use jiff::civil::Date;

/// The longest filter, in characters.
const LENGTH_MAX: usize = 1600;

/// A field that a list can be filtered by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Compared by `eq` alone: an id, a number, a month.
    Name,
    /// Compared by `eq`, `ge` and `le`.
    Day,
}

/// What rows are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Filter {
    Is(&'static str, Comparison, String),
    All(Vec<Filter>),
    Any(Vec<Filter>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Eq,
    Ge,
    Le,
}

impl Filter {
    /// The filter that every row meets.
    pub(super) const NONE: Self = Self::All(Vec::new());

    /// Reads a filter over these fields.
    ///
    /// Spaces have to be written as `%20`, the only form in the vendor's samples: a `+` is a plus sign here, so it breaks the
    /// filter.
    pub(super) fn parse(text: &str, fields: &[Field]) -> Result<Self, String> {
        if text.chars().count() > LENGTH_MAX {
            return Err(format!("it is longer than {LENGTH_MAX} characters"));
        }
        Parser { tokens: tokens(text)?.into_iter(), fields }.expression(None)
    }

    /// Whether a row is wanted whose fields have these values; a field without value meets no condition.
    pub(super) fn matches(&self, value: &impl Fn(&str) -> Option<String>) -> bool {
        match self {
            // Days compare as their texts do: year, month and day are of one length and in this order.
            Self::Is(field, comparison, wanted) => value(field).is_some_and(|value| match comparison {
                Comparison::Eq => value == *wanted,
                Comparison::Ge => value >= *wanted,
                Comparison::Le => value <= *wanted,
            }),
            Self::All(parts) => parts.iter().all(|part| part.matches(value)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(value)),
        }
    }

    /// The values that a field is compared with.
    pub(super) fn values_of(&self, field: &str) -> BTreeSet<&str> {
        match self {
            Self::Is(name, _, value) => (*name == field).then_some(value.as_str()).into_iter().collect(),
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().flat_map(|part| part.values_of(field)).collect()
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Open,
    Close,
    Word(&'a str),
    /// What stands in single quotes; the vendor names no way to write a quote within.
    Value(&'a str),
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start_matches(' ');
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        let (token, after) = match first {
            '(' => (Token::Open, after),
            ')' => (Token::Close, after),
            '\'' => {
                let (value, after) = after.split_once('\'').ok_or("a quote is not closed")?;
                (Token::Value(value), after)
            }
            'a'..='z' => {
                let end = rest.find(|letter: char| !letter.is_ascii_lowercase() && letter != '_');
                let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
                (Token::Word(word), after)
            }
            _ => return Err(format!("`{first}` is not understood")),
        };
        tokens.push(token);
        rest = after.trim_start_matches(' ');
    }
    Ok(tokens)
}

struct Parser<'a> {
    tokens: std::vec::IntoIter<Token<'a>>,
    fields: &'a [Field],
}

impl Parser<'_> {
    /// Terms joined by one connective, up to `end`. The vendor has no precedence, so a mixture without parentheses means
    /// nothing.
    fn expression(&mut self, end: Option<Token>) -> Result<Filter, String> {
        let mut terms = vec![self.term()?];
        let mut joined = None;
        loop {
            let next = self.tokens.next();
            if next == end {
                break;
            }
            let Some(Token::Word(word @ ("and" | "or"))) = next else {
                return Err("a condition is not followed by `and`, `or` or its end".to_owned());
            };
            if joined.is_some_and(|before| before != word) {
                return Err("`and` and `or` are mixed without parentheses".to_owned());
            }
            joined = Some(word);
            terms.push(self.term()?);
        }
        Ok(if joined == Some("or") { Filter::Any(terms) } else { Filter::All(terms) })
    }

    fn term(&mut self) -> Result<Filter, String> {
        let name = match self.tokens.next() {
            Some(Token::Open) => return self.expression(Some(Token::Close)),
            Some(Token::Word(name)) => name,
            _ => return Err("a condition is missing".to_owned()),
        };
        let Some(field) = self.fields.iter().find(|field| field.name == name) else {
            return Err(format!("`{name}` is not a field to filter by"));
        };
        let comparison = match (self.tokens.next(), field.kind) {
            (Some(Token::Word("eq")), _) => Comparison::Eq,
            (Some(Token::Word("ge")), Kind::Day) => Comparison::Ge,
            (Some(Token::Word("le")), Kind::Day) => Comparison::Le,
            _ => return Err(format!("`{name}` is not followed by one of its operators")),
        };
        let Some(Token::Value(value)) = self.tokens.next() else {
            return Err(format!("`{name}` is not compared with a value in single quotes"));
        };
        if field.kind == Kind::Day && (value.len() != 10 || value.parse::<Date>().is_err()) {
            return Err(format!("`{value}` is not a day such as 2026-11-21"));
        }
        Ok(Filter::Is(field.name, comparison, value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FIELDS: [Field; 3] = [
        Field { name: "account_id", kind: Kind::Name },
        Field { name: "month", kind: Kind::Name },
        Field { name: "date", kind: Kind::Day },
    ];

    fn wants(filter: &str, account: &str, date: &str) -> bool {
        let value = |field: &str| match field {
            "account_id" => Some(account.to_owned()),
            "date" => Some(date.to_owned()),
            _ => None,
        };
        Filter::parse(filter, &FIELDS).unwrap().matches(&value)
    }

    #[test]
    fn conditions_choose_rows() {
        for (filter, expected) in [
            ("account_id eq 'a'", true),
            ("account_id eq 'b'", false),
            ("date ge '2026-11-01'", true),
            ("date le '2026-10-31'", false),
            ("(date ge '2026-11-21' and date le '2026-11-21')", true),
            ("account_id eq 'b' or account_id eq 'a'", true),
            ("date eq '2026-11-20' and (account_id eq 'a' or account_id eq 'b')", false),
            ("((account_id eq 'a') and (date eq '2026-11-21' or date eq '2026-11-22'))", true),
            ("  account_id   eq   'a'  ", true),
            ("month eq '2026-11'", false),
        ] {
            assert_eq!(wants(filter, "a", "2026-11-21"), expected, "{filter}");
        }
        assert!(Filter::NONE.matches(&|_: &str| None));
    }

    #[test]
    fn what_the_vendor_does_not_offer_is_refused() {
        let long = format!("month eq '{}'", "x".repeat(LENGTH_MAX));
        for filter in [
            "",
            "month",
            "month eq",
            "month eq 2026-11",
            "month eq '2026-11",
            "month ge '2026-11'",
            "month ne '2026-11'",
            "months eq '2026-11'",
            "accound_id eq 'a'",
            "date ge '2026-13-01'",
            "date ge '2026-11-01T00:00:00Z'",
            "(month eq '2026-11'",
            "month eq '2026-11')",
            "()",
            "month eq '2026-11' account_id eq 'a'",
            "month eq '2026-11' and",
            "month eq '2026-11' and account_id eq 'a' or account_id eq 'b'",
            "month+eq+'2026-11'",
            "MONTH EQ '2026-11'",
            &long,
        ] {
            assert!(Filter::parse(filter, &FIELDS).is_err(), "{filter}");
        }
    }

    #[test]
    fn the_values_of_a_field_are_known() {
        let filter = "month eq 'x' and (account_id eq 'a' or account_id eq 'b')";
        let filter = Filter::parse(filter, &FIELDS).unwrap();
        assert_eq!(filter.values_of("account_id"), BTreeSet::from(["a", "b"]));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "[a-z_ ()'é0-9-]{0,80}|.{0,80}") {
            let _ = Filter::parse(&text, &FIELDS);
        }
    }
}
