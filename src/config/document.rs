//! YAML text in, a tree with line numbers out. What the values mean is the reader's business.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

/// Nodes of one document, those behind aliases counted each time they are used.
const MAX_NODES: usize = 100_000;
/// Mappings and sequences inside one another; the configuration itself needs 8.
const MAX_DEPTH: usize = 32;

/// A value of the document. No `Debug`, because it may hold secrets.
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) content: Content,
}

/// What a node holds.
pub(super) enum Content {
    Null,
    Scalar {
        text: String,
        quoted: bool,
    },
    Sequence(Vec<Rc<Node>>),
    /// In the order of the document, duplicates included.
    Mapping(Vec<Entry>),
}

/// A key of a mapping and its value.
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) value: Rc<Node>,
}

/// Why there is no tree.
#[derive(Debug)]
pub(super) struct Malformed {
    pub(super) line: usize,
    pub(super) message: String,
}

impl Malformed {
    fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }
}

impl From<ScanError> for Malformed {
    fn from(error: ScanError) -> Self {
        let (line, column) = (error.marker().line().max(1), error.marker().col() + 1);
        Self::new(line, format!("this is not valid YAML: {} (column {column})", error.kind()))
    }
}

/// Reads the one document of `text`.
pub(super) fn parse(text: &str) -> Result<Rc<Node>, Malformed> {
    let mut builder = Builder { parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0 };
    let mut root = None;
    while let Some(next) = builder.parser.next() {
        match next? {
            (Event::DocumentStart(..), span) if root.is_some() => {
                let message = "a second YAML document starts here; expected exactly one, so remove the `---`";
                return Err(Malformed::new(span.start.line(), message));
            }
            (Event::StreamStart | Event::StreamEnd | Event::DocumentStart(..) | Event::DocumentEnd, _) => {}
            (event, span) => root = Some(builder.node(event, span, 0)?.node),
        }
    }
    Ok(root.unwrap_or_else(|| Rc::new(Node { line: 1, content: Content::Null })))
}

struct Builder<'t> {
    parser: Parser<'t, StrInput<'t>>,
    anchors: HashMap<usize, Part>,
    nodes: usize,
}

/// A finished part of the tree, with the measures that bound aliases.
#[derive(Clone)]
struct Part {
    node: Rc<Node>,
    nodes: usize,
    height: usize,
}

impl<'t> Builder<'t> {
    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Part, Malformed> {
        let line = span.start.line().max(1);
        let before = self.nodes;
        self.count(1, line)?;
        let (content, anchor, tag, height) = match event {
            Event::Scalar(text, style, anchor, tag) => (scalar(&text, style), anchor, tag, 0),
            Event::SequenceStart(_, anchor, tag) => {
                let (items, height) = self.sequence(line, depth)?;
                (Content::Sequence(items), anchor, tag, height)
            }
            Event::MappingStart(_, anchor, tag) => {
                let (entries, height) = self.mapping(line, depth)?;
                (Content::Mapping(entries), anchor, tag, height)
            }
            Event::Alias(anchor) => return self.alias(anchor, line, depth),
            _ => return Err(Malformed::new(line, "this is not valid YAML: expected a value")),
        };
        if tag.is_some() {
            return Err(Malformed::new(line, "YAML tags such as !!str are not supported; remove the tag"));
        }
        let part = Part { node: Rc::new(Node { line, content }), nodes: self.nodes - before, height };
        if anchor > 0 {
            self.anchors.insert(anchor, part.clone());
        }
        Ok(part)
    }

    fn sequence(&mut self, line: usize, depth: usize) -> Result<(Vec<Rc<Node>>, usize), Malformed> {
        let (mut items, mut height) = (Vec::new(), 0);
        check_depth(depth + 1, line)?;
        loop {
            let (event, span) = self.next(line)?;
            if matches!(event, Event::SequenceEnd) {
                return Ok((items, height + 1));
            }
            let item = self.node(event, span, depth + 1)?;
            height = height.max(item.height);
            items.push(item.node);
        }
    }

    fn mapping(&mut self, line: usize, depth: usize) -> Result<(Vec<Entry>, usize), Malformed> {
        let (mut entries, mut height) = (Vec::new(), 0);
        check_depth(depth + 1, line)?;
        loop {
            let (event, span) = self.next(line)?;
            if matches!(event, Event::MappingEnd) {
                return Ok((entries, height + 1));
            }
            let key_line = span.start.line().max(1);
            let key = self.node(event, span, depth + 1)?;
            let Content::Scalar { text, .. } = &key.node.content else {
                return Err(Malformed::new(key_line, "expected a key that is a text, found something else"));
            };
            let (event, span) = self.next(key_line)?;
            let value = self.node(event, span, depth + 1)?;
            height = height.max(value.height);
            entries.push(Entry { key: text.clone(), line: key_line, value: value.node });
        }
    }

    fn alias(&mut self, anchor: usize, line: usize, depth: usize) -> Result<Part, Malformed> {
        let Some(part) = self.anchors.get(&anchor).cloned() else {
            return Err(Malformed::new(line, "this alias stands inside the value that it refers to"));
        };
        check_depth(depth + part.height, line)?;
        self.count(part.nodes, line)?;
        Ok(part)
    }

    fn next(&mut self, line: usize) -> Result<(Event<'t>, Span), Malformed> {
        let next = self.parser.next();
        Ok(next.ok_or_else(|| Malformed::new(line, "this is not valid YAML: it ends too early"))??)
    }

    fn count(&mut self, nodes: usize, line: usize) -> Result<(), Malformed> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            let message =
                format!("more than {MAX_NODES} values, aliases included; too many for a configuration");
            return Err(Malformed::new(line, message));
        }
        Ok(())
    }
}

fn check_depth(depth: usize, line: usize) -> Result<(), Malformed> {
    if depth > MAX_DEPTH {
        return Err(Malformed::new(line, format!("nested more than {MAX_DEPTH} levels deep")));
    }
    Ok(())
}

fn scalar(text: &str, style: ScalarStyle) -> Content {
    let quoted = style != ScalarStyle::Plain;
    match text {
        "" | "~" | "null" | "Null" | "NULL" if !quoted => Content::Null,
        _ => Content::Scalar { text: text.to_owned(), quoted },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fault(text: &str) -> String {
        match parse(text) {
            Ok(_) => "none".to_owned(),
            Err(malformed) => format!("{}: {}", malformed.line, malformed.message),
        }
    }

    fn entries(node: &Node) -> &[Entry] {
        match &node.content {
            Content::Mapping(entries) => entries,
            _ => panic!("expected a mapping"),
        }
    }

    #[test]
    fn keys_keep_their_lines_and_scalars_their_text() {
        let root = parse("a: 00123\n# comment\nb:\n  c: \"yes\"\n  d:\ne: [~, null]\n").unwrap();
        let [first, second, third] = entries(&root) else { panic!("three keys") };
        assert!(matches!(&first.value.content, Content::Scalar { text, quoted: false } if text == "00123"));
        assert_eq!((second.line, second.value.line, third.line), (3, 4, 6));
        let [quoted, empty] = entries(&second.value) else { panic!("two keys") };
        assert!(matches!(&quoted.value.content, Content::Scalar { text, quoted: true } if text == "yes"));
        assert!(matches!(empty.value.content, Content::Null));
        assert!(matches!(&third.value.content, Content::Sequence(items) if items.len() == 2));
    }

    #[test]
    fn an_empty_text_is_null() {
        for text in ["", "# only a comment\n", "---\n", "\u{feff}"] {
            assert!(matches!(parse(text).unwrap_or_else(|_| panic!("{text:?}")).content, Content::Null));
        }
    }

    #[test]
    fn an_alias_is_the_value_it_names() {
        let root = parse("a: &x {b: 1}\nc: *x\n").unwrap();
        assert!(Rc::ptr_eq(&entries(&root)[0].value, &entries(&root)[1].value));
    }

    #[test]
    fn what_is_not_one_plain_document_is_refused_with_its_line() {
        assert_eq!(
            fault("a: 1\n---\nb: 2\n").split(';').next(),
            Some("2: a second YAML document starts here")
        );
        assert!(fault("a: 1\nb: [1, 2\n").contains("not valid YAML"));
        assert!(fault("a: 1\n\tb: 2\n").starts_with("1: this is not valid YAML"));
        assert!(fault("a: !!str 1\n").contains("tags such as"));
        assert!(fault("a: *nowhere\n").contains("unknown anchor"));
        assert!(fault("a: &x [*x]\n").contains("inside the value"));
        assert!(fault("? [a]\n: b\n").contains("expected a key"));
    }

    #[test]
    fn aliases_cannot_blow_up_the_document() {
        let chain = |levels, width| {
            let level = |level| {
                let below = format!("*a{}, ", level - 1).repeat(width);
                format!("a{level}: &a{level} [{below}]\n")
            };
            "a0: &a0 [x]\n".to_owned() + &(1..levels).map(level).collect::<Vec<_>>().concat()
        };
        assert!(fault(&chain(9, 10)).contains("more than 100000 values"));
        assert!(fault(&chain(40, 1)).contains("nested more than 32 levels"));
        assert!(fault(&("[".repeat(40) + &"]".repeat(40))).contains("nested more than 32 levels"));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn no_yaml_like_text_panics(text in "([a-c]|: |- |\n|  |\\[|\\]|\\{|\\}|, |&a |\\*a|!|'|\"|\\||>|#|---\n|\\? |%|\t){0,40}") {
            let _ = parse(&text);
        }
    }
}
