//! What a policy of `template.yaml` says of the table, and what a call is to IAM.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html>

use std::collections::BTreeSet;

use serde_json::Value;
use serde_yaml_ng::Value as Yaml;
use test_support::{Asked, template};

/// The index of the table.
const INDEX: &str = "by_activity";

/// A statement of a policy that is about the table.
#[derive(Debug)]
struct Statement {
    allows: bool,
    actions: Vec<String>,
    /// Whether it is about the table itself, and about its index.
    of_table: bool,
    of_index: bool,
    /// Patterns of partition keys.
    keys: Vec<String>,
    /// The only attributes that may be named, if it says so.
    attributes: Option<BTreeSet<String>>,
}

/// What a function may do with the table.
pub(super) struct Role {
    pub(super) function: String,
    statements: Vec<Statement>,
}

/// A part of a call, as IAM looks at it.
#[derive(Debug)]
struct Part<'a> {
    action: &'a str,
    of_index: bool,
    keys: Vec<&'a str>,
    /// The attributes that an update names.
    attributes: BTreeSet<&'a str>,
}

fn texts(value: &Yaml) -> Vec<String> {
    match value {
        Yaml::String(text) => vec![text.clone()],
        Yaml::Sequence(list) => list.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

impl Statement {
    /// Of a policy, if it is about the table.
    fn read(statement: &Yaml) -> Option<Self> {
        let actions = texts(&statement["Action"]).into_iter();
        let actions =
            actions.filter_map(|action| Some(action.strip_prefix("dynamodb:")?.to_owned()));
        let actions: Vec<String> = actions.collect();
        if actions.is_empty() {
            return None;
        }
        let allows = statement["Effect"] == "Allow";
        let condition = &statement["Condition"];
        let any = if allows {
            "ForAllValues:StringLike"
        } else {
            "ForAnyValue:StringLike"
        };
        let attributes = texts(&condition["ForAllValues:StringEquals"]["dynamodb:Attributes"]);
        let resources = match &statement["Resource"] {
            Yaml::Sequence(several) => several.clone(),
            one => vec![one.clone()],
        };
        let of_index = |resource: &Yaml| {
            let text = serde_yaml_ng::to_string(resource).expect("YAML");
            text.contains(INDEX)
        };
        Some(Self {
            allows,
            actions,
            of_table: !resources.iter().all(of_index),
            of_index: resources.iter().any(of_index),
            keys: texts(&condition[any]["dynamodb:LeadingKeys"]),
            attributes: (!attributes.is_empty()).then(|| attributes.into_iter().collect()),
        })
    }

    fn is_about(&self, part: &Part<'_>) -> bool {
        self.actions.iter().any(|action| action == part.action)
            && match part.of_index {
                true => self.of_index,
                false => self.of_table,
            }
    }

    fn covers(&self, key: &str) -> bool {
        let covers = |pattern: &String| match pattern.strip_suffix('*') {
            Some(prefix) => key.starts_with(prefix),
            None => key == pattern,
        };
        self.keys.iter().any(covers)
    }
}

impl Role {
    /// As the template has it.
    pub(super) fn of(function: &str) -> Self {
        let template = template();
        let folder = format!("functions/{function}");
        let resources = template["Resources"].as_mapping().expect("resources");
        let found = resources
            .values()
            .find(|resource| resource["Properties"]["CodeUri"] == folder.as_str());
        let policies = &found.expect(function)["Properties"]["Policies"];
        let shared = &template["Resources"]["CallerPolicy"]["Properties"]["PolicyDocument"];
        let mut statements = Vec::new();
        for policy in policies.as_sequence().expect("policies") {
            let policy = match policy {
                Yaml::Tagged(reference) => {
                    assert_eq!(reference.value, "CallerPolicy", "{function}");
                    shared
                }
                own => own,
            };
            let all = policy["Statement"].as_sequence().expect("statements");
            statements.extend(all.iter().filter_map(Statement::read));
        }
        let function = function.to_owned();
        Self {
            function,
            statements,
        }
    }

    /// Whether it may do that; the error is what it may not.
    pub(super) fn permits(&self, asked: &Asked) -> Result<(), String> {
        for part in parts(asked) {
            let (function, request) = (&self.function, &asked.request);
            if part.keys.is_empty() {
                return Err(format!("there is no key in {request}"));
            }
            let allowed = self.statements.iter().any(|one| {
                one.allows
                    && one.is_about(&part)
                    && part.keys.iter().all(|key| one.covers(key))
                    && one.attributes.as_ref().is_none_or(|named| {
                        part.attributes.iter().all(|name| named.contains(*name))
                    })
            });
            if !allowed {
                return Err(format!("the role of {function} does not allow {part:?}"));
            }
            let denied = self.statements.iter().any(|one| {
                !one.allows && one.is_about(&part) && part.keys.iter().any(|key| one.covers(key))
            });
            if denied {
                return Err(format!("the role of {function} denies {part:?}"));
            }
        }
        Ok(())
    }
}

/// What a call is to IAM: a transaction is asked for each of its parts.
fn parts(asked: &Asked) -> Vec<Part<'_>> {
    let request = &asked.request;
    let part = |action, keys| Part {
        action,
        of_index: request["IndexName"].is_string(),
        keys,
        attributes: BTreeSet::new(),
    };
    match asked.operation.as_str() {
        // Of another service, which is looked for at the same address.
        _ if !is_of_table(request) => Vec::new(),
        "BatchGetItem" | "BatchWriteItem" => {
            let keys = partitions(&request["RequestItems"]);
            vec![part(asked.operation.as_str(), keys)]
        }
        "Query" => {
            let key = request["ExpressionAttributeValues"][":pk"]["S"].as_str();
            vec![part("Query", key.into_iter().collect())]
        }
        "TransactWriteItems" => {
            let items = request["TransactItems"].as_array().into_iter().flatten();
            let items = items.flat_map(|item| item.as_object().into_iter().flatten());
            let items = items.map(|(kind, item)| {
                let action = match kind.as_str() {
                    "Put" => "PutItem",
                    "Update" => "UpdateItem",
                    "Delete" => "DeleteItem",
                    "ConditionCheck" => "ConditionCheckItem",
                    other => panic!("{other} in a transaction"),
                };
                let mut part = part(action, partitions(item));
                part.attributes = named(item);
                part
            });
            items.collect()
        }
        operation => {
            let mut part = part(operation, partitions(request));
            part.attributes = named(request);
            vec![part]
        }
    }
}

fn is_of_table(request: &Value) -> bool {
    let names = ["RequestItems", "TableName", "TransactItems"];
    names.iter().any(|name| !request[*name].is_null())
}

/// The partitions of all keys in it.
fn partitions(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(members) => {
            let own = members.get("pk").and_then(|pk| pk["S"].as_str());
            match own {
                Some(own) => vec![own],
                None => members.values().flat_map(partitions).collect(),
            }
        }
        Value::Array(list) => list.iter().flat_map(partitions).collect(),
        _ => Vec::new(),
    }
}

/// The attributes that an update names.
fn named(request: &Value) -> BTreeSet<&str> {
    const WORDS: [&str; 8] = [
        "SET",
        "REMOVE",
        "ADD",
        "DELETE",
        "AND",
        "OR",
        "NOT",
        "if_not_exists",
    ];
    const FUNCTIONS: [&str; 3] = ["attribute_exists", "attribute_not_exists", "begins_with"];
    let texts = ["UpdateExpression", "ConditionExpression"];
    let texts = texts.iter().filter_map(|name| request[*name].as_str());
    let words = texts.flat_map(|text| {
        text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | ':' | '#')))
    });
    let names = words.filter(|word| {
        word.starts_with(|c: char| c.is_alphabetic())
            && !WORDS.contains(word)
            && !FUNCTIONS.contains(word)
    });
    names.collect()
}
