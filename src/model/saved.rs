//! Samples as JSON, to be kept across a restart: families by name, rows as label values and value.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::samples::{Samples, Table};
use crate::catalogue;

/// Values have JSON numbers, but for those that JSON does not know.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
enum Value {
    Number(f64),
    Text(String),
}

#[derive(serde::Deserialize)]
struct SavedTable {
    family: String,
    labels: Vec<String>,
    rows: Vec<(Vec<String>, Value)>,
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        if value.is_finite() { Self::Number(value) } else { Self::Text(value.to_string()) }
    }
}

impl Value {
    fn read(self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(value),
            Self::Text(text) => text.parse().ok(),
        }
    }
}

impl Serialize for Samples {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.tables())
    }
}

impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Rows<'a>(&'a Table);
        impl Serialize for Rows<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let row = |row| (self.0.labels(row).collect::<Vec<_>>(), Value::from(self.0.value(row)));
                serializer.collect_seq((0..self.0.len()).map(row))
            }
        }
        let mut table = serializer.serialize_struct("Table", 3)?;
        table.serialize_field("family", self.family().name)?;
        table.serialize_field("labels", self.family().labels)?;
        table.serialize_field("rows", &Rows(self))?;
        table.end()
    }
}

impl<'de> Deserialize<'de> for Samples {
    /// Families that the catalogue does not know (any more) with these labels are refused: another version wrote them.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Tables;
        impl<'de> de::Visitor<'de> for Tables {
            type Value = Samples;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of families")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut tables: A) -> Result<Samples, A::Error> {
                let mut samples = Samples::default();
                while let Some(SavedTable { family: name, labels, rows }) = tables.next_element()? {
                    let family = catalogue::families()
                        .find(|family| family.name == name && family.labels == labels)
                        .ok_or_else(|| de::Error::custom("a family that is not in the catalogue"))?;
                    let position = samples.position(family);
                    for (values, value) in rows {
                        let value = value.read().filter(|_| values.len() == labels.len());
                        let value = value.ok_or_else(|| de::Error::custom("a row that is no sample"))?;
                        samples.tables[position].push(values, value);
                    }
                }
                Ok(samples)
            }
        }
        deserializer.deserialize_seq(Tables)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalogue::genesys_cloud::{OAUTH_CLIENT_REQUESTS, OAUTH_CLIENT_WINDOW};

    fn rows(samples: &Samples) -> Vec<(&'static str, Vec<String>, u64)> {
        let rows = samples.tables().iter().flat_map(|table| {
            (0..table.len()).map(|row| {
                let labels = table.labels(row).map(str::to_owned).collect();
                (table.family().name, labels, table.value(row).to_bits())
            })
        });
        rows.collect()
    }

    proptest! {
        #[test]
        fn samples_come_back_as_they_were(values in prop::collection::vec((any::<String>(), any::<f64>()), 0..20), window: f64) {
            let mut samples = Samples::default();
            for (label, value) in &values {
                let value = if value.is_nan() { f64::INFINITY } else { *value };
                samples.push(&OAUTH_CLIENT_REQUESTS, [label, "2xx"], value);
            }
            samples.push(&OAUTH_CLIENT_WINDOW, [], if window.is_nan() { -0.0 } else { window });
            let text = serde_json::to_string(&samples).unwrap();
            prop_assert_eq!(rows(&serde_json::from_str(&text).unwrap()), rows(&samples));
        }
    }

    #[test]
    fn what_another_version_wrote_is_refused() {
        for text in [
            r#"[{"family":"genesyscloud_unknown","labels":[],"rows":[]}]"#,
            r#"[{"family":"genesyscloud_oauth_client_window_seconds","labels":["more"],"rows":[]}]"#,
            r#"[{"family":"genesyscloud_oauth_client_window_seconds","labels":[],"rows":[[["more"],1]]}]"#,
            r#"[{"family":"genesyscloud_oauth_client_window_seconds","labels":[],"rows":[[[],"x"]]}]"#,
        ] {
            assert!(serde_json::from_str::<Samples>(text).is_err(), "{text}");
        }
    }
}
