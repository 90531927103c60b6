//! OpenAI's filters over attributes: comparisons, joined by `and` and `or`.
//!
//! - A key that a document does not have matches `ne` and `nin`, and nothing else. So does a value of another type: `"1"` is
//!   not `1`, and neither is it more or less than `1`.
//! - `gt`, `gte`, `lt`, `lte` compare numbers, and texts by code points, so that RFC 3339 dates of one zone compare as
//!   times. `true` and `false` have no order.
//! - At most [`MAX_DEPTH`] filters stand in each other, and at most [`MAX_COMPARISONS`] values are compared in all.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value, json};

use crate::attributes::{AttributeValue, Attributes, ValueRef};

/// How deep filters stand in each other, the outermost included.
pub const MAX_DEPTH: usize = 5;
/// How many values all comparisons have together; each of a list counts.
pub const MAX_COMPARISONS: usize = 200;

const COMPARISONS: &str = "`eq`, `ne`, `gt`, `gte`, `lt`, `lte`, `in` or `nin`";

/// Which documents may be found, by their attributes.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Node);

/// What a filter says, for whoever tells it to another search engine.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// What the value of a key is compared with.
    Compare(String, Test),
    /// All of them hold; there is at least one.
    And(Vec<Node>),
    /// One of them holds; there is at least one.
    Or(Vec<Node>),
}

/// A comparison. Those of order compare numbers and texts alone.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `eq`.
    Equal(AttributeValue),
    /// `ne`.
    NotEqual(AttributeValue),
    /// `gt`.
    Greater(AttributeValue),
    /// `gte`.
    GreaterOrEqual(AttributeValue),
    /// `lt`.
    Less(AttributeValue),
    /// `lte`.
    LessOrEqual(AttributeValue),
    /// `in`; there is at least one value.
    In(Vec<AttributeValue>),
    /// `nin`; there is at least one value.
    NotIn(Vec<AttributeValue>),
}

/// What is wrong with a filter, and where: `filters[1].value`; the filter itself is the empty path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", place(path))]
pub struct FilterError {
    /// The member that breaks a rule.
    pub path: String,
    /// Which rule, and what to do.
    pub reason: String,
}

fn place(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!("`{path}`: ")
    }
}

impl Filter {
    /// Reads OpenAI's form.
    pub fn parse(value: &Value) -> Result<Self, FilterError> {
        let mut left = MAX_COMPARISONS;
        node(value, "", MAX_DEPTH, &mut left).map(Self)
    }

    /// What it says.
    pub fn node(&self) -> &Node {
        &self.0
    }

    /// Whether a document with these attributes may be found.
    pub fn wants(&self, attributes: &Attributes) -> bool {
        let pairs = attributes.0.iter();
        let pairs: Vec<_> = pairs
            .map(|(key, value)| (key.as_str(), value.as_ref()))
            .collect();
        self.matches(&pairs)
    }

    /// The same for attributes that lie in a segment.
    pub(crate) fn matches(&self, attributes: &[(&str, ValueRef<'_>)]) -> bool {
        self.0.matches(attributes)
    }
}

impl Node {
    fn matches(&self, attributes: &[(&str, ValueRef<'_>)]) -> bool {
        match self {
            Self::And(all) => all.iter().all(|node| node.matches(attributes)),
            Self::Or(any) => any.iter().any(|node| node.matches(attributes)),
            Self::Compare(key, test) => {
                let found = attributes.iter().find(|(name, _)| name == key);
                test.holds(found.map(|(_, value)| *value))
            }
        }
    }
}

impl Test {
    fn holds(&self, found: Option<ValueRef<'_>>) -> bool {
        use std::cmp::Ordering;
        let Some(found) = found else {
            return matches!(self, Self::NotEqual(_) | Self::NotIn(_));
        };
        let is = |value: &AttributeValue| value.as_ref() == found;
        let order = |value: &AttributeValue| match (found, value) {
            (ValueRef::Number(found), AttributeValue::Number(value)) => found.partial_cmp(value),
            (ValueRef::Text(found), AttributeValue::Text(value)) => Some(found.cmp(value)),
            _ => None,
        };
        match self {
            Self::Equal(value) => is(value),
            Self::NotEqual(value) => !is(value),
            Self::Greater(value) => order(value) == Some(Ordering::Greater),
            Self::GreaterOrEqual(value) => order(value).is_some_and(Ordering::is_ge),
            Self::Less(value) => order(value) == Some(Ordering::Less),
            Self::LessOrEqual(value) => order(value).is_some_and(Ordering::is_le),
            Self::In(values) => values.iter().any(is),
            Self::NotIn(values) => !values.iter().any(is),
        }
    }
}

fn fail<T>(path: &str, reason: impl Into<String>) -> Result<T, FilterError> {
    let (path, reason) = (path.to_owned(), reason.into());
    Err(FilterError { path, reason })
}

fn member(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn node(value: &Value, path: &str, depth: usize, left: &mut usize) -> Result<Node, FilterError> {
    let Some(object) = value.as_object() else {
        return fail(path, "a filter is an object with `type`");
    };
    if depth == 0 {
        return fail(
            path,
            format!("at most {MAX_DEPTH} filters stand in each other; flatten it"),
        );
    }
    let at = member(path, "type");
    match object.get("type").and_then(Value::as_str) {
        Some(kind @ ("and" | "or")) => {
            only(object, path, &["type", "filters"])?;
            let filters = joined(object, path, depth, left)?;
            Ok(if kind == "and" {
                Node::And(filters)
            } else {
                Node::Or(filters)
            })
        }
        Some(kind) => {
            only(object, path, &["type", "key", "value"])?;
            let key = match object.get("key").and_then(Value::as_str) {
                Some(key) if !key.is_empty() => key.to_owned(),
                _ => return fail(&member(path, "key"), "name an attribute, as a string"),
            };
            let test = test(kind, object.get("value"), path, left)?;
            Ok(Node::Compare(key, test))
        }
        None => fail(&at, format!("say {COMPARISONS}, or `and` or `or`")),
    }
}

fn only(object: &Map<String, Value>, path: &str, known: &[&str]) -> Result<(), FilterError> {
    let unknown = object.keys().find(|name| !known.contains(&name.as_str()));
    match unknown {
        Some(name) => {
            let known = known.join("`, `");
            fail(
                &member(path, name),
                format!("there is no such member here; leave it out: `{known}`"),
            )
        }
        None => Ok(()),
    }
}

fn joined(
    object: &Map<String, Value>,
    path: &str,
    depth: usize,
    left: &mut usize,
) -> Result<Vec<Node>, FilterError> {
    let at = member(path, "filters");
    match object.get("filters").and_then(Value::as_array) {
        Some(filters) if !filters.is_empty() => {
            let filters = filters.iter().enumerate();
            filters
                .map(|(index, filter)| node(filter, &format!("{at}[{index}]"), depth - 1, left))
                .collect()
        }
        _ => fail(&at, "list at least one filter"),
    }
}

fn test(
    kind: &str,
    value: Option<&Value>,
    path: &str,
    left: &mut usize,
) -> Result<Test, FilterError> {
    let at = member(path, "value");
    let one = |left: &mut usize| scalar(value, &at, left);
    Ok(match kind {
        "eq" => Test::Equal(one(left)?),
        "ne" => Test::NotEqual(one(left)?),
        "gt" => Test::Greater(ordered(one(left)?, &at)?),
        "gte" => Test::GreaterOrEqual(ordered(one(left)?, &at)?),
        "lt" => Test::Less(ordered(one(left)?, &at)?),
        "lte" => Test::LessOrEqual(ordered(one(left)?, &at)?),
        "in" => Test::In(list(value, &at, left)?),
        "nin" => Test::NotIn(list(value, &at, left)?),
        _ => {
            return fail(
                &member(path, "type"),
                format!("say {COMPARISONS}, or `and` or `or`"),
            );
        }
    })
}

fn scalar(
    value: Option<&Value>,
    at: &str,
    left: &mut usize,
) -> Result<AttributeValue, FilterError> {
    let Some(rest) = left.checked_sub(1) else {
        return fail(
            at,
            format!("a filter compares at most {MAX_COMPARISONS} values; leave some out"),
        );
    };
    *left = rest;
    match value {
        Some(Value::String(text)) => Ok(AttributeValue::Text(text.clone())),
        Some(Value::Bool(value)) => Ok(AttributeValue::Bool(*value)),
        Some(Value::Number(number)) => match number.as_f64() {
            Some(number) => Ok(AttributeValue::Number(number)),
            None => fail(at, "this number is too large"),
        },
        _ => fail(at, "give a string, a number, `true` or `false`"),
    }
}

fn ordered(value: AttributeValue, at: &str) -> Result<AttributeValue, FilterError> {
    match value {
        AttributeValue::Bool(_) => fail(
            at,
            "`true` and `false` have no order; use `eq`, or give a number or a string",
        ),
        value => Ok(value),
    }
}

fn list(
    value: Option<&Value>,
    at: &str,
    left: &mut usize,
) -> Result<Vec<AttributeValue>, FilterError> {
    match value.and_then(Value::as_array) {
        Some(values) if !values.is_empty() => {
            let values = values.iter().enumerate();
            values
                .map(|(index, value)| scalar(Some(value), &format!("{at}[{index}]"), left))
                .collect()
        }
        _ => fail(at, "list at least one value"),
    }
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::parse(&value).map_err(de::Error::custom)
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.json().serialize(serializer)
    }
}

impl Node {
    fn json(&self) -> Value {
        let all = |nodes: &[Self]| nodes.iter().map(Self::json).collect::<Vec<_>>();
        match self {
            Self::And(nodes) => json!({ "type": "and", "filters": all(nodes) }),
            Self::Or(nodes) => json!({ "type": "or", "filters": all(nodes) }),
            Self::Compare(key, test) => {
                let (kind, value) = test.json();
                json!({ "type": kind, "key": key, "value": value })
            }
        }
    }
}

impl Test {
    fn json(&self) -> (&'static str, Value) {
        match self {
            Self::Equal(value) => ("eq", json!(value)),
            Self::NotEqual(value) => ("ne", json!(value)),
            Self::Greater(value) => ("gt", json!(value)),
            Self::GreaterOrEqual(value) => ("gte", json!(value)),
            Self::Less(value) => ("lt", json!(value)),
            Self::LessOrEqual(value) => ("lte", json!(value)),
            Self::In(values) => ("in", json!(values)),
            Self::NotIn(values) => ("nin", json!(values)),
        }
    }
}

#[cfg(test)]
mod tests;
