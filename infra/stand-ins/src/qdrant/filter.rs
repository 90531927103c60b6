//! Filters over payloads, as Qdrant's documentation has them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// What is wrong with a filter.
pub(super) type Fault = String;

/// Looks at a filter before it is used: members that there are not, and fields without an index.
pub(super) fn check(filter: &Value, indexed: &BTreeSet<String>, within: &str) -> Result<(), Fault> {
    let clauses = object(filter)?;
    for (clause, conditions) in clauses {
        if !["must", "should", "must_not"].contains(&clause.as_str()) {
            return Err(format!("unknown clause `{clause}`"));
        }
        for condition in list(conditions)? {
            check_condition(condition, indexed, within)?;
        }
    }
    Ok(())
}

fn check_condition(
    condition: &Value,
    indexed: &BTreeSet<String>,
    within: &str,
) -> Result<(), Fault> {
    let members = object(condition)?;
    let names: Vec<&str> = members.keys().map(String::as_str).collect();
    match names.as_slice() {
        ["has_id"] => list(&condition["has_id"]).map(|_| ()),
        ["nested"] => {
            let nested = &condition["nested"];
            let key = nested["key"].as_str().ok_or("a nested filter has a key")?;
            check(&nested["filter"], indexed, &format!("{key}[]."))
        }
        ["key", "match"] | ["key", "range"] => {
            let key = condition["key"].as_str().ok_or("a key is a text")?;
            let full = format!("{within}{key}");
            if !indexed.contains(&full) {
                return Err(format!(
                    "Bad request: Index required but not found for \"{full}\""
                ));
            }
            let known: &[&str] = if names[1] == "match" {
                &["value", "any"]
            } else {
                &["gt", "gte", "lt", "lte"]
            };
            let test = object(&condition[names[1]])?;
            match test.keys().find(|name| !known.contains(&name.as_str())) {
                Some(name) => Err(format!("unknown member `{name}`")),
                None if test.is_empty() => Err("an empty test".to_owned()),
                None => Ok(()),
            }
        }
        _ if names
            .iter()
            .all(|name| ["must", "should", "must_not"].contains(name)) =>
        {
            check(condition, indexed, within)
        }
        _ => Err(format!("unknown condition {names:?}")),
    }
}

fn object(value: &Value) -> Result<&Map<String, Value>, Fault> {
    let object = value.as_object().filter(|members| !members.is_empty());
    object.ok_or_else(|| "an object is wanted".to_owned())
}

fn list(value: &Value) -> Result<&Vec<Value>, Fault> {
    value
        .as_array()
        .ok_or_else(|| "a list is wanted".to_owned())
}

/// Whether a point has it, by a filter that was checked.
pub(super) fn holds(filter: &Value, id: &str, payload: &Value) -> bool {
    let all = |clause: &str| filter[clause].as_array().cloned().unwrap_or_default();
    let is = |condition: &Value| condition_holds(condition, id, payload);
    let should = all("should");
    all("must").iter().all(is)
        && !all("must_not").iter().any(is)
        && (should.is_empty() || should.iter().any(is))
}

fn condition_holds(condition: &Value, id: &str, payload: &Value) -> bool {
    if let Some(ids) = condition["has_id"].as_array() {
        return ids.iter().any(|one| one == id);
    }
    if let Some(nested) = condition.get("nested") {
        let key = nested["key"].as_str().unwrap_or_default();
        let elements = payload[key].as_array().cloned().unwrap_or_default();
        return elements
            .iter()
            .any(|element| holds(&nested["filter"], id, element));
    }
    let Some(key) = condition["key"].as_str() else {
        return holds(condition, id, payload);
    };
    // One value of a list is enough.
    let values = match &payload[key] {
        Value::Array(values) => values.clone(),
        Value::Null => Vec::new(),
        value => vec![value.clone()],
    };
    values.iter().any(|value| value_holds(condition, value))
}

fn value_holds(condition: &Value, value: &Value) -> bool {
    if let Some(test) = condition.get("match") {
        return match test["any"].as_array() {
            Some(any) => any.contains(value),
            None => test["value"] == *value,
        };
    }
    let Some(found) = value.as_f64() else {
        return false;
    };
    let bound = |name: &str| condition["range"][name].as_f64();
    bound("gt").is_none_or(|bound| found > bound)
        && bound("gte").is_none_or(|bound| found >= bound)
        && bound("lt").is_none_or(|bound| found < bound)
        && bound("lte").is_none_or(|bound| found <= bound)
}
