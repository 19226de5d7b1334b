//! As much of the query language as it takes to know which labels a query's result has, and which metrics and labels it names that do not exist.
//! What promtool says about syntax is promtool's business; what is not understood here is an error, never passed over.

mod tokens;

use std::collections::{BTreeMap, BTreeSet};

use tokens::tokens;

/// Label names.
pub type Labels = BTreeSet<String>;

/// The labels of each metric.
pub type Known = BTreeMap<String, Labels>;

/// Functions whose result has no labels because it is a single number.
const SCALARS: [&str; 3] = ["time", "pi", "scalar"];

const AGGREGATIONS: [&str; 13] = [
    "sum",
    "min",
    "max",
    "avg",
    "group",
    "count",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "quantile",
    "count_values",
    "limitk",
];

/// Binary operators, those that bind least first.
const OPERATORS: [&[&str]; 6] = [
    &["or"],
    &["and", "unless"],
    &["==", "!=", "<=", "<", ">=", ">"],
    &["+", "-"],
    &["*", "/", "%", "atan2"],
    &["^"],
];

/// The result of a query: a vector with these labels, or a number.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Vector(Labels),
    Scalar,
    Text(String),
}

/// The shape of the result of `query`.
///
/// # Errors
/// The first thing that does not exist or is not understood.
pub fn shape(query: &str, known: &Known) -> Result<Shape, String> {
    let mut parser = Parser { tokens: tokens(query)?, position: 0, known };
    let shape = parser.expression(0)?;
    match parser.peek() {
        None => Ok(shape),
        Some(token) => Err(format!("{token:?} is not understood at its place in {query}")),
    }
}

/// The labels of the result of `query`; none of a number.
///
/// # Errors
/// As [`shape`].
pub fn labels(query: &str, known: &Known) -> Result<Labels, String> {
    match shape(query, known)? {
        Shape::Vector(labels) => Ok(labels),
        _ => Ok(Labels::new()),
    }
}

struct Parser<'k> {
    tokens: Vec<String>,
    position: usize,
    known: &'k Known,
}

/// Which labels of two sides are matched, and which side may have more.
#[derive(Default)]
struct Matching {
    on: Option<Labels>,
    ignoring: Labels,
    group: Option<(bool, Labels)>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&str> {
        self.tokens.get(self.position).map(String::as_str)
    }

    fn next(&mut self) -> Result<String, String> {
        let token = self.peek().ok_or("the query ends too early")?.to_owned();
        self.position += 1;
        Ok(token)
    }

    fn take(&mut self, token: &str) -> bool {
        let is_it = self.peek() == Some(token);
        self.position += usize::from(is_it);
        is_it
    }

    fn expect(&mut self, token: &str) -> Result<(), String> {
        let found = self.next()?;
        if found == token { Ok(()) } else { Err(format!("expected {token}, found {found}")) }
    }

    fn expression(&mut self, level: usize) -> Result<Shape, String> {
        let Some(operators) = OPERATORS.get(level) else { return self.unary() };
        let mut left = self.expression(level + 1)?;
        while let Some(operator) = self.peek().filter(|token| operators.contains(token)) {
            let operator = operator.to_owned();
            self.position += 1;
            self.take("bool");
            let matching = self.matching()?;
            let right = self.expression(level + 1)?;
            left = binary(&operator, left, right, &matching)?;
        }
        Ok(left)
    }

    fn matching(&mut self) -> Result<Matching, String> {
        let mut matching = Matching::default();
        if self.take("on") {
            matching.on = Some(self.names()?);
        } else if self.take("ignoring") {
            matching.ignoring = self.names()?;
        }
        for (word, is_left) in [("group_left", true), ("group_right", false)] {
            if self.take(word) {
                let more = if self.peek() == Some("(") { self.names()? } else { Labels::new() };
                matching.group = Some((is_left, more));
            }
        }
        Ok(matching)
    }

    /// Names in parentheses.
    fn names(&mut self) -> Result<Labels, String> {
        self.expect("(")?;
        let mut names = Labels::new();
        while !self.take(")") {
            names.insert(self.next()?);
            self.take(",");
        }
        Ok(names)
    }

    fn unary(&mut self) -> Result<Shape, String> {
        if self.take("-") || self.take("+") {
            return self.unary();
        }
        let mut shape = self.primary()?;
        loop {
            if self.take("[") {
                while !self.take("]") {
                    self.next()?;
                }
            } else if self.take("offset") {
                self.take("-");
                self.next()?;
            } else {
                break;
            }
            if matches!(shape, Shape::Scalar) {
                shape = Shape::Vector(Labels::new());
            }
        }
        Ok(shape)
    }

    fn primary(&mut self) -> Result<Shape, String> {
        if self.peek() == Some("{") {
            return self.selector(None).map(Shape::Vector);
        }
        let token = self.next()?;
        if token == "(" {
            let shape = self.expression(0)?;
            self.expect(")")?;
            return Ok(shape);
        }
        if token.starts_with(['"', '\'']) {
            return Ok(Shape::Text(token[1..token.len() - 1].to_owned()));
        }
        if token.starts_with(|first: char| first.is_ascii_digit() || first == '.') || token == "Inf" {
            return Ok(Shape::Scalar);
        }
        if AGGREGATIONS.contains(&token.as_str()) && matches!(self.peek(), Some("(" | "by" | "without")) {
            return self.aggregation(&token);
        }
        if self.peek() == Some("(") {
            return self.call(&token);
        }
        self.selector(Some(&token)).map(Shape::Vector)
    }

    fn aggregation(&mut self, name: &str) -> Result<Shape, String> {
        let mut grouping = self.grouping()?;
        let arguments = self.arguments()?;
        if grouping.is_none() {
            grouping = self.grouping()?;
        }
        let inner = vector(&arguments).ok_or_else(|| format!("{name} of no vector"))?;
        // These choose some of the series as they are.
        if ["topk", "bottomk", "limitk"].contains(&name) {
            return Ok(Shape::Vector(inner));
        }
        let mut labels = match grouping {
            None => Labels::new(),
            Some((true, by)) => {
                all_in(&by, &inner, &format!("{name} by"))?;
                by
            }
            Some((false, without)) => inner.difference(&without).cloned().collect(),
        };
        if let ("count_values", [Shape::Text(label), ..]) = (name, arguments.as_slice()) {
            labels.insert(label.clone());
        }
        Ok(Shape::Vector(labels))
    }

    fn grouping(&mut self) -> Result<Option<(bool, Labels)>, String> {
        for (word, is_by) in [("by", true), ("without", false)] {
            if self.take(word) {
                return Ok(Some((is_by, self.names()?)));
            }
        }
        Ok(None)
    }

    fn arguments(&mut self) -> Result<Vec<Shape>, String> {
        self.expect("(")?;
        let mut arguments = Vec::new();
        while !self.take(")") {
            arguments.push(self.expression(0)?);
            self.take(",");
        }
        Ok(arguments)
    }

    fn call(&mut self, name: &str) -> Result<Shape, String> {
        let opening = self.position;
        let arguments = self.arguments()?;
        if SCALARS.contains(&name) {
            return Ok(Shape::Scalar);
        }
        let mut labels = vector(&arguments).unwrap_or_default();
        match (name, arguments.as_slice()) {
            // What a selector fixes with `=`.
            ("absent", _) => {
                let within = &self.tokens[opening..self.position];
                labels =
                    within.windows(2).filter(|pair| pair[1] == "=").map(|pair| pair[0].clone()).collect();
            }
            ("histogram_quantile", _) if !labels.remove("le") => {
                return Err("histogram_quantile of series without le".to_owned());
            }
            ("label_replace", [_, Shape::Text(to), _, Shape::Text(from), _]) => {
                if !from.is_empty() && !labels.contains(from) {
                    return Err(format!("label_replace from {from}, which is not there"));
                }
                labels.insert(to.clone());
            }
            ("label_replace" | "label_join", _) => {
                return Err(format!("{name} is not understood with these arguments"));
            }
            _ => {}
        }
        Ok(Shape::Vector(labels))
    }

    /// A metric with its matchers; without a name, the metrics that a matcher of `__name__` names.
    fn selector(&mut self, metric: Option<&str>) -> Result<Labels, String> {
        let mut matchers = Vec::new();
        if self.take("{") {
            while !self.take("}") {
                let (label, operator, text) = (self.next()?, self.next()?, self.next()?);
                if !["=", "!=", "=~", "!~"].contains(&operator.as_str()) || !text.starts_with(['"', '\'']) {
                    return Err(format!("{label}{operator}{text} is no matcher"));
                }
                matchers.push((label, operator, text));
                self.take(",");
            }
        }
        let labels = match metric {
            Some(metric) => {
                self.known.get(metric).ok_or_else(|| format!("there is no metric {metric}"))?.clone()
            }
            None => self.named(&matchers)?,
        };
        let names = matchers.into_iter().map(|(label, ..)| label).filter(|label| label != "__name__");
        all_in(&names.collect(), &labels, &format!("{} with", metric.unwrap_or("series")))?;
        Ok(labels)
    }

    /// The labels that all metrics have which a matcher of `__name__` names one by one.
    fn named(&self, matchers: &[(String, String, String)]) -> Result<Labels, String> {
        let matcher =
            matchers.iter().find(|(label, operator, _)| label == "__name__" && operator.starts_with('='));
        let (.., names) = matcher.ok_or("a selector without the name of a metric")?;
        let mut common: Option<Labels> = None;
        for name in names[1..names.len() - 1].split('|') {
            let labels = self.known.get(name).ok_or_else(|| format!("there is no metric {name}"))?;
            common = Some(common.map_or_else(|| labels.clone(), |common| &common & labels));
        }
        Ok(common.unwrap_or_default())
    }
}

/// The labels of the first vector.
fn vector(arguments: &[Shape]) -> Option<Labels> {
    arguments.iter().find_map(|shape| match shape {
        Shape::Vector(labels) => Some(labels.clone()),
        _ => None,
    })
}

fn all_in(names: &Labels, labels: &Labels, what: &str) -> Result<(), String> {
    match names.iter().find(|name| !labels.contains(*name)) {
        Some(name) => Err(format!("{what} {name}, which is none of {labels:?}")),
        None => Ok(()),
    }
}

fn binary(operator: &str, left: Shape, right: Shape, matching: &Matching) -> Result<Shape, String> {
    let (left, right) = match (left, right) {
        (Shape::Vector(left), Shape::Vector(right)) => (left, right),
        (Shape::Vector(labels), Shape::Scalar) | (Shape::Scalar, Shape::Vector(labels)) => {
            return Ok(Shape::Vector(labels));
        }
        (Shape::Scalar, Shape::Scalar) => return Ok(Shape::Scalar),
        _ => return Err(format!("a text beside {operator}")),
    };
    for side in [&left, &right] {
        all_in(matching.on.as_ref().unwrap_or(&matching.ignoring), side, &format!("{operator} on"))?;
    }
    let is_set = ["and", "or", "unless"].contains(&operator);
    let rest = |labels: &Labels| -> Labels { labels.difference(&matching.ignoring).cloned().collect() };
    // Series of other labels never match, so this is a mistake, but for `or`.
    if matching.on.is_none() && rest(&left) != rest(&right) && operator != "or" {
        return Err(format!("{operator} between {left:?} and {right:?}, which never match"));
    }
    if operator == "or" {
        return Ok(Shape::Vector(left.union(&right).cloned().collect()));
    }
    if is_set {
        return Ok(Shape::Vector(left));
    }
    Ok(Shape::Vector(match (&matching.group, &matching.on) {
        (Some((is_left, more)), _) => {
            let (many, one) = if *is_left { (left, right) } else { (right, left) };
            all_in(more, &one, "group")?;
            many.union(more).cloned().collect()
        }
        (None, Some(on)) => on.clone(),
        (None, None) => rest(&left),
    }))
}
