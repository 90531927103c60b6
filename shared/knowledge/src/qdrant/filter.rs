//! What is looked for, as a filter of Qdrant.
//!
//! Values of attributes are compared as facts: hashes of key, type and value, so that a key can have any characters, and
//! `1` is not `"1"`. Numbers are kept beside them for comparisons of order. Texts have no order in Qdrant: there it is told
//! only that there is a text, and what comes back is compared here.

use retrieval::AttributeValue;
use retrieval::filter::{Node, Test};
use serde_json::{Value, json};

use crate::Sought;
use crate::record::{EVERYBODY, digest};

pub(super) const FACTS: &str = "facts";

const FACT_DIGITS: usize = 32;

pub(super) fn fact(key: &str, value: &AttributeValue) -> String {
    let key = key.as_bytes();
    match value {
        AttributeValue::Bool(value) => digest(&[key, b"bool", &[u8::from(*value)]], FACT_DIGITS),
        // `-0` is `0`.
        AttributeValue::Number(number) => {
            let bits = (number + 0.0).to_bits().to_be_bytes();
            digest(&[key, b"number", &bits], FACT_DIGITS)
        }
        AttributeValue::Text(text) => digest(&[key, b"text", text.as_bytes()], FACT_DIGITS),
    }
}

/// That the value is a text.
pub(super) fn text_fact(key: &str) -> String {
    digest(&[key.as_bytes(), b"is text"], FACT_DIGITS)
}

pub(super) fn key(key: &str) -> String {
    digest(&[key.as_bytes()], FACT_DIGITS)
}

/// `None` where nothing is left out.
pub(super) fn of(sought: &Sought<'_>) -> Option<Value> {
    let mut must = Vec::new();
    if let Some(reader) = sought.reader {
        let names = [EVERYBODY.to_owned(), reader.to_string()];
        must.push(json!({"key": "readers", "match": {"any": names}}));
    }
    if let Some(filter) = sought.query.filter {
        must.push(condition(filter.node()));
    }
    (!must.is_empty()).then(|| json!({"must": must}))
}

fn condition(node: &Node) -> Value {
    let all = |nodes: &[Node]| nodes.iter().map(condition).collect::<Vec<_>>();
    match node {
        Node::And(nodes) => json!({"must": all(nodes)}),
        Node::Or(nodes) => json!({"should": all(nodes)}),
        Node::Compare(key, test) => compared(key, test),
    }
}

fn compared(key: &str, test: &Test) -> Value {
    let one = |value: &AttributeValue| any(&[fact(key, value)]);
    let of = |values: &[AttributeValue]| {
        any(&values
            .iter()
            .map(|value| fact(key, value))
            .collect::<Vec<_>>())
    };
    match test {
        Test::Equal(value) => one(value),
        Test::NotEqual(value) => json!({"must_not": [one(value)]}),
        Test::In(values) => of(values),
        Test::NotIn(values) => json!({"must_not": [of(values)]}),
        Test::Greater(value) => ordered(key, "gt", value),
        Test::GreaterOrEqual(value) => ordered(key, "gte", value),
        Test::Less(value) => ordered(key, "lt", value),
        Test::LessOrEqual(value) => ordered(key, "lte", value),
    }
}

fn any(facts: &[String]) -> Value {
    json!({"key": FACTS, "match": {"any": facts}})
}

fn ordered(name: &str, bound: &str, value: &AttributeValue) -> Value {
    let AttributeValue::Number(number) = value else {
        return any(&[text_fact(name)]);
    };
    json!({"nested": {"key": "numbers", "filter": {"must": [
        {"key": "key", "match": {"value": key(name)}},
        {"key": "value", "range": {bound: number}},
    ]}}})
}
