//! What a document is tagged with: OpenAI's attributes of a vector store's file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

pub(crate) const MAX_ATTRIBUTES: usize = 16;
const MAX_KEY_CHARACTERS: usize = 64;
const MAX_TEXT_CHARACTERS: usize = 512;

/// At most 16, by key. What is deserialized was not looked at yet: [`SegmentBuilder::add`](crate::SegmentBuilder::add)
/// does, and [`Attributes::check`] for whoever wants to know earlier.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attributes(pub BTreeMap<String, AttributeValue>);

/// Numbers are 64-bit floats, as in JSON: whole numbers are exact up to 2^53.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AttributeValue {
    /// `true` or `false`.
    Bool(bool),
    /// A finite number.
    Number(f64),
    /// At most 512 characters.
    Text(String),
}

/// An [`AttributeValue`] that lies in a segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ValueRef<'a> {
    Bool(bool),
    Number(f64),
    Text(&'a str),
}

impl Attributes {
    /// Whether they keep OpenAI's bounds; the error names the attribute.
    pub fn check(&self) -> Result<()> {
        if self.0.len() > MAX_ATTRIBUTES {
            let found = self.0.len();
            return Err(Error::invalid(format!(
                "a document has at most {MAX_ATTRIBUTES} attributes, not {found}"
            )));
        }
        self.0
            .iter()
            .try_for_each(|(key, value)| check_one(key, value))
    }
}

fn check_one(key: &str, value: &AttributeValue) -> Result<()> {
    if key.is_empty() || key.chars().count() > MAX_KEY_CHARACTERS {
        return Err(Error::invalid(format!(
            "the key of an attribute has 1 to {MAX_KEY_CHARACTERS} characters, which `{key:.64}` has not"
        )));
    }
    match value {
        AttributeValue::Bool(_) => Ok(()),
        AttributeValue::Number(number) if number.is_finite() => Ok(()),
        AttributeValue::Number(_) => Err(Error::invalid(format!(
            "the attribute `{key}` is not a finite number"
        ))),
        AttributeValue::Text(text) if text.chars().count() <= MAX_TEXT_CHARACTERS => Ok(()),
        AttributeValue::Text(_) => Err(Error::invalid(format!(
            "the attribute `{key}` is longer than {MAX_TEXT_CHARACTERS} characters; shorten it"
        ))),
    }
}

impl AttributeValue {
    pub(crate) fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Bool(value) => ValueRef::Bool(*value),
            Self::Number(value) => ValueRef::Number(*value),
            Self::Text(value) => ValueRef::Text(value),
        }
    }
}

impl From<ValueRef<'_>> for AttributeValue {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Bool(value) => Self::Bool(value),
            ValueRef::Number(value) => Self::Number(value),
            ValueRef::Text(value) => Self::Text(value.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(key: &str, value: AttributeValue) -> Attributes {
        Attributes(BTreeMap::from([(key.to_owned(), value)]))
    }

    #[test]
    fn openais_bounds_are_kept_to_the_character() {
        let text = |length| AttributeValue::Text("ä".repeat(length));
        assert!(one(&"k".repeat(64), text(512)).check().is_ok());
        assert!(one(&"k".repeat(65), text(1)).check().is_err());
        assert!(one("", text(1)).check().is_err());
        assert!(one("k", text(513)).check().is_err());
        assert!(one("k", AttributeValue::Number(f64::NAN)).check().is_err());
        let many = |count: usize| {
            let keys = (0..count).map(|key| (key.to_string(), AttributeValue::Bool(true)));
            Attributes(keys.collect())
        };
        assert!(many(16).check().is_ok());
        assert!(many(17).check().is_err());
    }

    #[test]
    fn json_gives_each_value_its_type() {
        let json = r#"{"a":"1","b":1,"c":true}"#;
        let found: Attributes = serde_json::from_str(json).unwrap();
        assert_eq!(found.0["a"], AttributeValue::Text("1".to_owned()));
        assert_eq!(found.0["b"], AttributeValue::Number(1.0));
        assert_eq!(found.0["c"], AttributeValue::Bool(true));
        assert!(serde_json::from_str::<Attributes>(r#"{"a":null}"#).is_err());
        assert!(serde_json::from_str::<Attributes>(r#"{"a":["x"]}"#).is_err());
    }
}
