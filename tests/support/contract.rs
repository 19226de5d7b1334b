//! Answers held against a vendor's `OpenAPI` 3.0 document.

use std::collections::{BTreeMap, BTreeSet};

use jsonschema::Draft;
use serde_json::{Value, json};

/// A document, and which of its operations were seen to succeed as it says.
pub struct Contract {
    document: Value,
    /// By `operationId`.
    operations: BTreeMap<String, Value>,
    proven: BTreeSet<String>,
}

impl Contract {
    pub fn parse(yaml: &str) -> Self {
        let mut document: Value = serde_saphyr::from_str(yaml).expect("the document is YAML");
        to_json_schema(&mut document);
        let paths = document["paths"].as_object().expect("the document has paths");
        let operations = paths.values().filter_map(Value::as_object).flat_map(|path| path.values());
        let operations = operations
            .filter_map(|operation| Some((operation["operationId"].as_str()?.to_owned(), operation.clone())))
            .collect();
        Self { document, operations, proven: BTreeSet::new() }
    }

    /// What is wrong with an answer; nothing when it is as described.
    pub fn violations(&mut self, operation: &str, status: u16, body: &str) -> Vec<String> {
        let violations = match (self.schema(operation, status), serde_json::from_str::<Value>(body)) {
            (Err(why), _) => vec![why],
            (Ok(_), Err(error)) => vec![format!("the body is not JSON: {error}")],
            (Ok(schema), Ok(body)) => self.breaches(&schema, &body),
        };
        if violations.is_empty() && (200..300).contains(&status) {
            self.proven.insert(operation.to_owned());
        }
        violations.into_iter().map(|why| format!("{operation} {status}: {why}")).collect()
    }

    /// The operations that never succeeded as described: an error alone proves little about an operation.
    pub fn unproven(&self) -> Vec<&str> {
        self.operations.keys().map(String::as_str).filter(|id| !self.proven.contains(*id)).collect()
    }

    /// The schema of an answer: that of its status, of its class (`4XX`), or of all others.
    fn schema(&self, operation: &str, status: u16) -> Result<Value, String> {
        let described = self.operations.get(operation).ok_or("the operation is not described")?;
        let class = format!("{}XX", status / 100);
        let response = [status.to_string().as_str(), &class, "default"]
            .iter()
            .find_map(|key| described["responses"].get(key))
            .ok_or("the status is not described")?;
        let response = match response["$ref"].as_str().and_then(|place| place.strip_prefix('#')) {
            Some(place) => self.document.pointer(place).ok_or(format!("{place} is not there"))?,
            None => response,
        };
        let schema = response.pointer("/content/application~1json/schema");
        schema.cloned().ok_or_else(|| "no body is described".to_owned())
    }

    fn breaches(&self, schema: &Value, body: &Value) -> Vec<String> {
        // References are looked up from the root, so the components stand there.
        let root = json!({ "allOf": [schema], "components": self.document["components"] });
        let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
        match options.build(&root) {
            Ok(validator) => {
                let errors = validator.iter_errors(body);
                errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
            }
            Err(error) => vec![format!("the schema is not understood: {error}")],
        }
    }
}

/// `OpenAPI` 3.0 says `nullable` where JSON Schema names one more type.
fn to_json_schema(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(to_json_schema),
        Value::Object(object) => {
            object.values_mut().for_each(to_json_schema);
            if object.get("nullable") != Some(&Value::Bool(true)) {
                return;
            }
            object.remove("nullable");
            if let Some(Value::Array(allowed)) = object.get_mut("enum") {
                allowed.push(Value::Null);
            }
            match object.get_mut("type") {
                Some(name) => *name = json!([name, "null"]),
                None => *value = json!({ "anyOf": [value, { "type": "null" }] }),
            }
        }
        _ => {}
    }
}
