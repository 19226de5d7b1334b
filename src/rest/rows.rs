//! Rows out of a JSON answer while it arrives: memory for one row, not for the answer.
//!
//! Vendors answer `{"state": …, "rows": [{…}, {…}, …], "next": …}`. [`RowSplitter`] hands over each element of the top-level
//! array of one name as soon as its last byte is there, and keeps what remains, the envelope with an empty array in its place.
//! It only finds the borders: rows and envelope are parsed by `serde_json`, which refuses what is not JSON.

/// The longest row, and the longest envelope, that is kept.
pub(super) const PART_LIMIT: usize = 8 * 1024 * 1024;

/// Why an answer cannot be split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SplitError {
    /// A row or the envelope is longer than [`PART_LIMIT`].
    TooLong,
    /// Brackets do not match, or something stands where it cannot.
    NotJson,
    /// The answer ends before its object does.
    Incomplete,
}

/// Finds the rows in an answer that arrives in pieces.
pub(super) struct RowSplitter {
    key: &'static str,
    place: Place,
    depth: u32,
    string: Option<Str>,
    /// The last string at the top level, which is a key when a colon follows.
    name: Vec<u8>,
    /// The key whose value comes next.
    key_matches: bool,
    envelope: Vec<u8>,
    row: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Envelope,
    /// Before a row, or the end of the rows where none came yet.
    FirstRow,
    /// Behind a row.
    BehindRow,
    /// Behind a comma.
    NextRow,
    /// In a row that is an object or array.
    Row,
    /// In a row that is a bare number, word or string.
    ScalarRow,
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Str {
    Plain,
    Escape,
}

impl RowSplitter {
    /// For answers whose rows stand in the top-level array `key`.
    pub(super) fn new(key: &'static str) -> Self {
        Self {
            key,
            place: Place::Envelope,
            depth: 0,
            string: None,
            name: Vec::new(),
            key_matches: false,
            envelope: Vec::new(),
            row: Vec::new(),
        }
    }

    /// Takes the next piece of the answer and hands over the rows that it completes.
    pub(super) fn feed<E: From<SplitError>>(
        &mut self,
        piece: &[u8],
        on_row: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for &byte in piece {
            match self.place {
                Place::Envelope => self.envelope_byte(byte)?,
                Place::FirstRow | Place::BehindRow | Place::NextRow | Place::End if is_space(byte) => {}
                Place::FirstRow | Place::BehindRow if byte == b']' => self.end_rows(),
                Place::BehindRow if byte == b',' => self.place = Place::NextRow,
                Place::FirstRow | Place::NextRow if !matches!(byte, b',' | b']' | b'}') => {
                    self.start_row(byte);
                }
                Place::FirstRow | Place::BehindRow | Place::NextRow => {
                    return Err(SplitError::NotJson.into());
                }
                Place::Row => {
                    self.row_byte(byte)?;
                    if self.depth == 0 && self.string.is_none() {
                        self.end_row(on_row)?;
                    }
                }
                Place::ScalarRow => match byte {
                    b',' | b']' if self.string.is_none() => {
                        self.end_row(on_row)?;
                        if byte == b']' {
                            self.end_rows();
                        } else {
                            self.place = Place::NextRow;
                        }
                    }
                    _ => self.row_byte(byte)?,
                },
                Place::End => return Err(SplitError::NotJson.into()),
            }
        }
        Ok(())
    }

    /// The answer without its rows, once it is whole.
    pub(super) fn finish(self) -> Result<Vec<u8>, SplitError> {
        if self.place == Place::End { Ok(self.envelope) } else { Err(SplitError::Incomplete) }
    }

    fn start_row(&mut self, byte: u8) {
        self.row.clear();
        self.row.push(byte);
        self.depth = u32::from(matches!(byte, b'{' | b'['));
        self.string = (byte == b'"').then_some(Str::Plain);
        self.place = if self.depth > 0 { Place::Row } else { Place::ScalarRow };
    }

    fn row_byte(&mut self, byte: u8) -> Result<(), SplitError> {
        if self.row.len() == PART_LIMIT {
            return Err(SplitError::TooLong);
        }
        self.row.push(byte);
        self.nest(byte)
    }

    fn end_row<E>(&mut self, on_row: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        self.place = Place::BehindRow;
        on_row(&self.row)
    }

    fn end_rows(&mut self) {
        self.envelope.push(b']');
        self.depth = 1;
        self.place = Place::Envelope;
    }

    fn envelope_byte(&mut self, byte: u8) -> Result<(), SplitError> {
        if self.envelope.len() == PART_LIMIT {
            return Err(SplitError::TooLong);
        }
        self.envelope.push(byte);
        let was_in_string = self.string.is_some();
        self.nest(byte)?;
        if self.depth == 1 {
            match (was_in_string, self.string.is_some(), byte) {
                (false, true, _) => self.name.clear(),
                (true, true, _) => self.name.push(byte),
                (false, false, b':') => self.key_matches = self.name == self.key.as_bytes(),
                (false, false, b',') => self.key_matches = false,
                _ => {}
            }
        } else if self.depth == 2 && byte == b'[' && self.key_matches && !was_in_string {
            self.key_matches = false;
            self.place = Place::FirstRow;
        } else if self.depth == 0 && matches!(byte, b'}' | b']') && !was_in_string {
            self.place = Place::End;
        }
        Ok(())
    }

    /// Follows strings and brackets.
    fn nest(&mut self, byte: u8) -> Result<(), SplitError> {
        match self.string {
            Some(Str::Escape) => self.string = Some(Str::Plain),
            Some(Str::Plain) => match byte {
                b'\\' => self.string = Some(Str::Escape),
                b'"' => self.string = None,
                _ => {}
            },
            None => match byte {
                b'"' => self.string = Some(Str::Plain),
                b'{' | b'[' => self.depth = self.depth.checked_add(1).ok_or(SplitError::NotJson)?,
                b'}' | b']' => self.depth = self.depth.checked_sub(1).ok_or(SplitError::NotJson)?,
                _ => {}
            },
        }
        Ok(())
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn split(text: &[u8], piece: usize) -> Result<(Vec<Value>, Value), SplitError> {
        let mut rows = Vec::new();
        let mut splitter = RowSplitter::new("rows");
        let mut on_row = |row: &[u8]| {
            rows.push(serde_json::from_slice(row).map_err(|_| SplitError::NotJson)?);
            Ok(())
        };
        for piece in text.chunks(piece) {
            splitter.feed::<SplitError>(piece, &mut on_row)?;
        }
        let envelope = splitter.finish()?;
        Ok((rows, serde_json::from_slice(&envelope).map_err(|_| SplitError::NotJson)?))
    }

    #[test]
    fn rows_and_envelope_come_apart() {
        let text = br#" {"state":"a\"],[{","rows" : [ {"a":[1,{"b":"}"}]} , 2,"x,]", null,[]] ,"next":{"rows":[1]}} "#;
        let (rows, envelope) = split(text, 3).unwrap();
        assert_eq!(rows, [json!({"a": [1, {"b": "}"}]}), json!(2), json!("x,]"), json!(null), json!([])]);
        assert_eq!(envelope, json!({"state": "a\"],[{", "rows": [], "next": {"rows": [1]}}));
    }

    #[test]
    fn an_answer_without_rows_is_all_envelope() {
        let (rows, envelope) = split(br#"{"state":"Running","rows":null}"#, 100).unwrap();
        assert!(rows.is_empty());
        assert_eq!(envelope, json!({"state": "Running", "rows": null}));
    }

    #[test]
    fn a_text_that_ends_early_is_incomplete() {
        let text = br#"{"rows":[{"a":1},{"b":2}],"next":null}"#;
        for end in 0..text.len() {
            assert_eq!(split(&text[..end], 7).unwrap_err(), SplitError::Incomplete, "cut at {end}");
        }
    }

    #[test]
    fn text_after_the_end_is_refused() {
        assert_eq!(split(b"{} x", 1).unwrap_err(), SplitError::NotJson);
    }

    #[test]
    fn rows_without_commas_and_commas_without_rows_are_refused() {
        for rows in ["{} {}", "{},,{}", ",{}", "{},", ",", "1,,2", "1,", "{}{}", "}", "{},}"] {
            let text = format!("{{\"rows\":[{rows}]}}");
            assert!(serde_json::from_str::<Value>(&text).is_err(), "{rows}");
            assert!(split(text.as_bytes(), 3).is_err(), "{rows}");
        }
    }

    #[test]
    fn an_endless_row_is_refused() {
        let mut text = br#"{"rows":[""#.to_vec();
        text.resize(PART_LIMIT + 100, b'x');
        assert_eq!(split(&text, 4096).unwrap_err(), SplitError::TooLong);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map("rows|.{0,4}", inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_answer_comes_apart_as_serde_json_reads_it(
            rows in prop::collection::vec(any_json(), 0..8),
            rest in prop::collection::hash_map(".{0,6}", any_json(), 0..4),
            pretty: bool,
            piece in 1_usize..40,
        ) {
            let mut answer = Value::Object(rest.into_iter().collect());
            answer["rows"] = Value::from(rows.clone());
            let text = if pretty { serde_json::to_vec_pretty(&answer) } else { serde_json::to_vec(&answer) }.unwrap();
            let (found, envelope) = split(&text, piece).unwrap();
            prop_assert_eq!(found, rows);
            answer["rows"] = json!([]);
            prop_assert_eq!(envelope, answer);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, piece in 1_usize..9) {
            let _ = split(&bytes, piece);
        }
    }
}
