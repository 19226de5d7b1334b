//! What a collector remembers across a restart.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

/// What one collector remembers, in a form that only it understands; nothing, unless it says otherwise.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Memory(Box<RawValue>);

impl Default for Memory {
    fn default() -> Self {
        Self(RawValue::NULL.to_owned())
    }
}

impl Memory {
    /// Remembers `what`; nothing, if that has no JSON form.
    #[must_use]
    pub fn of(what: &impl Serialize) -> Self {
        to_raw_value(what).map(Self).unwrap_or_default()
    }

    /// What was remembered; `None` if that is nothing.
    ///
    /// # Errors
    /// When it is of another shape.
    pub fn read<T: DeserializeOwned>(&self) -> Result<Option<T>, serde_json::Error> {
        serde_json::from_str(self.0.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_remembered_comes_back_and_nothing_is_nothing() {
        assert_eq!(Memory::of(&(1, "a")).read::<(u8, String)>().unwrap(), Some((1, "a".to_owned())));
        assert_eq!(Memory::default().read::<u8>().unwrap(), None);
        assert!(Memory::of(&"a").read::<u8>().is_err());
    }
}
