//! Held against an answer: which fields the vendor documents for it. Others are noticed, and read by nobody.

use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::model::{Surprise, surprises};

/// So many entries of each list are looked at, because those behind them have the same fields: an answer may have millions.
pub(super) const ENTRIES: usize = 100;

/// The fields that a vendor documents for an object.
pub struct Fields {
    /// Further descriptions of the same object.
    pub also: &'static [&'static Fields],
    /// Fields whose values are not looked into: those that are no objects, and maps, whose keys are data.
    pub plain: &'static [&'static str],
    /// Fields that hold an object or a list of objects.
    pub objects: &'static [(&'static str, &'static Fields)],
}

/// The documentation of the answers of a vendor's operations. One that is not in it is taken as it comes.
pub type Documentation = &'static [(&'static str, &'static Fields)];

/// What the documentation says of a field.
#[derive(Clone, Copy)]
enum Field {
    Unknown,
    Plain,
    Object(&'static Fields),
}

/// Notices what an operation's answer has beyond its documented fields.
#[derive(Clone, Copy)]
pub(super) struct Checker {
    operation: &'static str,
    fields: &'static Fields,
}

impl Fields {
    /// Fields of which none holds an object.
    #[must_use]
    pub const fn of(plain: &'static [&'static str]) -> Self {
        Self { also: &[], plain, objects: &[] }
    }

    fn field(&self, name: &str) -> Field {
        if self.plain.contains(&name) {
            return Field::Plain;
        }
        match self.objects.iter().find(|(known, _)| *known == name) {
            Some((_, fields)) => Field::Object(fields),
            None => self.also.iter().map(|also| also.field(name)).fold(Field::Unknown, Field::or),
        }
    }
}

impl Field {
    fn or(self, other: Self) -> Self {
        if matches!(self, Self::Unknown) { other } else { self }
    }
}

impl Checker {
    /// For the answers of an operation, if the documentation tells of it.
    pub(super) fn of(documentation: Documentation, operation: &'static str) -> Option<Self> {
        let (_, fields) = documentation.iter().find(|(known, _)| *known == operation)?;
        Some(Self { operation, fields })
    }

    /// For the objects in a field of the answer.
    pub(super) fn within(self, name: &str) -> Option<Self> {
        match self.fields.field(name) {
            Field::Object(fields) => Some(Self { fields, ..self }),
            Field::Plain | Field::Unknown => None,
        }
    }

    /// Notices the fields of `json`. What is not JSON is for others to refuse.
    pub(super) fn check(self, json: &[u8]) {
        let _ = self.deserialize(&mut serde_json::Deserializer::from_slice(json));
    }
}

impl<'de> DeserializeSeed<'de> for Checker {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Checker {
    type Value = ();
    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(field) = map.next_key_seed(Key(self))? {
            match field {
                Field::Object(fields) => map.next_value_seed(Self { fields, ..self })?,
                Field::Plain | Field::Unknown => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        for _ in 0..ENTRIES {
            if list.next_element_seed(self)?.is_none() {
                return Ok(());
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
    // What is no object has no fields.
    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Looks a key up without keeping it.
struct Key(Checker);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Field;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Field;
    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }
    fn visit_str<E: Error>(self, name: &str) -> Result<Field, E> {
        let Self(Checker { operation, fields }) = self;
        let field = fields.field(name);
        if matches!(field, Field::Unknown) {
            surprises::note(Surprise::Field, operation, name);
        }
        Ok(field)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::model::surprises::noticing;

    static ROW: Fields = Fields { also: &[], plain: &["id", "labels"], objects: &[("parent", &ROW)] };
    static PAGE: Fields = Fields { also: &[], plain: &["next"], objects: &[] };
    static ROWS: Fields = Fields { also: &[&PAGE], plain: &[], objects: &[("rows", &ROW)] };
    const DOCUMENTATION: Documentation = &[("listRows", &ROWS)];

    fn unknown(json: &str) -> u64 {
        let checker = Checker::of(DOCUMENTATION, "listRows").unwrap();
        noticing(|| checker.check(json.as_bytes())).1.count(Surprise::Field)
    }

    #[test]
    fn fields_are_known_where_they_are_documented_and_nowhere_else() {
        for (json, fields) in [
            (r#"{"next":null,"rows":[{"id":1,"parent":{"id":2,"parent":null}}]}"#, 0),
            (r#"{"rows":{"id":1}}"#, 0),
            (r#"{"rows":[{"next":1}],"id":2}"#, 2),
            (r#"{"rows":[{"parent":{"new":1}},{"new":2},{"\u006eew":3}]}"#, 1),
            // What is not known is not looked into, and the keys of a map are data.
            (r#"{"new":{"newer":{"newest":1}}}"#, 1),
            (r#"{"rows":[{"labels":{"jane":1}}]}"#, 0),
            (r#"[{"new":1}]"#, 1),
            (r#""text""#, 0),
        ] {
            assert_eq!(unknown(json), fields, "{json}");
        }
    }

    #[test]
    fn what_comes_before_the_end_of_a_broken_answer_is_noticed() {
        assert_eq!(unknown(r#"{"new":1,"rows":["#), 1);
    }

    #[test]
    fn only_the_first_entries_of_a_list_are_looked_at() {
        let rows = |known: usize| {
            let rows = std::iter::repeat_n(r#"{"id":1}"#, known).chain([r#"{"new":1}"#]);
            format!(r#"{{"rows":[{}],"more":1}}"#, rows.collect::<Vec<_>>().join(","))
        };
        assert_eq!(unknown(&rows(ENTRIES - 1)), 2);
        assert_eq!(unknown(&rows(ENTRIES)), 1);
    }

    #[test]
    fn an_operation_without_documentation_has_no_checker() {
        assert!(Checker::of(DOCUMENTATION, "listOthers").is_none());
        let checker = Checker::of(DOCUMENTATION, "listRows").unwrap();
        assert!(checker.within("rows").is_some() && checker.within("next").is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            Checker::of(DOCUMENTATION, "listRows").unwrap().check(&bytes);
        }
    }

    /// Whether a file below `folder` of this package names an operation outside of its documentation.
    pub(crate) fn is_named_in(folder: &str) -> impl Fn(&str) -> bool {
        let mut source = String::new();
        let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("documented.rs") {
                    source.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        move |operation| source.contains(&format!("\"{operation}\""))
    }

    /// What a documentation lists beyond the answers in an `OpenAPI` document (`+`), and what it lacks of those operations in it that
    /// are called (`-`).
    pub(crate) fn differences(
        documentation: Documentation,
        openapi: &str,
        is_called: impl Fn(&str) -> bool,
    ) -> BTreeSet<String> {
        let openapi: Value = serde_saphyr::from_str(openapi).unwrap();
        let openapi = &openapi;
        let paths = openapi["paths"].as_object().unwrap().values();
        let operations = paths.flat_map(|path| path.as_object().unwrap().values());
        let described: BTreeSet<String> = operations
            .filter_map(|operation| Some((operation["operationId"].as_str()?, operation)))
            .filter(|(id, _)| is_called(id))
            .flat_map(|(id, operation)| {
                let answer = resolved(openapi, &operation["responses"]["200"]);
                paths_of_schema(openapi, &answer["content"]["application/json"]["schema"], id)
            })
            .collect();
        let listed: BTreeSet<String> =
            documentation.iter().flat_map(|(id, fields)| paths_of_fields(fields, id)).collect();
        let beyond = listed.difference(&described).map(|path| format!("+{path}"));
        beyond.chain(described.difference(&listed).map(|path| format!("-{path}"))).collect()
    }

    /// Descriptions may hold themselves; so deep they are compared.
    const DEPTH: usize = 7;

    fn paths_of_fields(fields: &Fields, at: &str) -> Vec<String> {
        if at.split('.').count() > DEPTH {
            return Vec::new();
        }
        let plain = fields.plain.iter().map(|name| format!("{at}.{name}"));
        let objects = fields.objects.iter().flat_map(|(name, fields)| {
            let at = format!("{at}.{name}");
            std::iter::once(at.clone()).chain(paths_of_fields(fields, &at)).collect::<Vec<_>>()
        });
        let also = fields.also.iter().flat_map(|also| paths_of_fields(also, at));
        plain.chain(objects).chain(also).collect()
    }

    fn paths_of_schema(openapi: &Value, schema: &Value, at: &str) -> Vec<String> {
        let schema = resolved(openapi, schema);
        if at.split('.').count() > DEPTH {
            return Vec::new();
        }
        let mut paths = Vec::new();
        for part in schema["allOf"].as_array().into_iter().flatten() {
            paths.extend(paths_of_schema(openapi, part, at));
        }
        if !schema["items"].is_null() {
            paths.extend(paths_of_schema(openapi, &schema["items"], at));
        }
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let at = format!("{at}.{name}");
            paths.extend(paths_of_schema(openapi, property, &at));
            paths.push(at);
        }
        paths
    }

    fn resolved<'a>(openapi: &'a Value, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(place) => openapi.pointer(place.trim_start_matches('#')).unwrap(),
            None => value,
        }
    }
}
