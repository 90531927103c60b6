//! What is looked for, as a filter of S3 Vectors. Texts have no order there: it is told only that there is a text, and what
//! comes back is compared here.

use std::collections::{BTreeSet, HashMap};

use aws_smithy_types::Document;
use retrieval::AttributeValue;
use retrieval::filter::{Node, Test};

use super::metadata::{MANY, compared, key};
use crate::Sought;
use crate::record::EVERYBODY;

/// `None` where nothing is left out. `dead` are versions that are known not to count.
pub(super) fn of(sought: &Sought<'_>, dead: &BTreeSet<String>) -> Option<Document> {
    let mut all = Vec::new();
    if let Some(reader) = sought.reader {
        let names = [EVERYBODY.to_owned(), MANY.to_owned(), reader.to_string()];
        all.push(about("readers", "$in", list(names)));
    }
    if !dead.is_empty() {
        all.push(about("version", "$nin", list(dead.iter().cloned())));
    }
    if let Some(filter) = sought.query.filter {
        all.push(condition(filter.node()));
    }
    (!all.is_empty()).then(|| joined("$and", all))
}

fn list(texts: impl IntoIterator<Item = String>) -> Document {
    Document::Array(texts.into_iter().map(Document::from).collect())
}

fn object(key: &str, value: Document) -> Document {
    Document::Object(HashMap::from([(key.to_owned(), value)]))
}

fn about(key: &str, operator: &str, value: Document) -> Document {
    object(key, object(operator, value))
}

fn joined(operator: &str, mut all: Vec<Document>) -> Document {
    match all.len() {
        1 => all.remove(0),
        _ => object(operator, Document::Array(all)),
    }
}

fn condition(node: &Node) -> Document {
    let all = |nodes: &[Node]| nodes.iter().map(condition).collect::<Vec<_>>();
    match node {
        Node::And(nodes) => joined("$and", all(nodes)),
        Node::Or(nodes) => joined("$or", all(nodes)),
        Node::Compare(key, test) => comparison(key, test),
    }
}

fn comparison(name: &str, test: &Test) -> Document {
    let is = |value: &AttributeValue| about(&key(name, value), "$eq", compared(value));
    match test {
        Test::Equal(value) => is(value),
        Test::NotEqual(value) => is_not(name, value),
        Test::In(values) => joined("$or", values.iter().map(is).collect()),
        Test::NotIn(values) => joined(
            "$and",
            values.iter().map(|value| is_not(name, value)).collect(),
        ),
        Test::Greater(value) => ordered(name, "$gt", value),
        Test::GreaterOrEqual(value) => ordered(name, "$gte", value),
        Test::Less(value) => ordered(name, "$lt", value),
        Test::LessOrEqual(value) => ordered(name, "$lte", value),
    }
}

/// What has no value of that type is another one.
fn is_not(name: &str, value: &AttributeValue) -> Document {
    let key = key(name, value);
    let missing = about(&key, "$exists", Document::from(false));
    joined("$or", vec![missing, about(&key, "$ne", compared(value))])
}

fn ordered(name: &str, operator: &str, value: &AttributeValue) -> Document {
    let key = key(name, value);
    match value {
        AttributeValue::Number(_) => about(&key, operator, compared(value)),
        _ => about(&key, "$exists", Document::from(true)),
    }
}
