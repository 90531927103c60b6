//! Filters over metadata, as the documentation of S3 Vectors has them. What it leaves open is answered as is worst for whoever
//! relies on it: `$ne` and `$nin` need a value.

use serde_json::{Map, Value};

/// What is wrong with a filter.
pub(super) type Fault = String;

/// Looks at a filter before it is used. `hidden` are the keys that can't be compared.
pub(super) fn check(filter: &Value, hidden: &[String]) -> Result<(), Fault> {
    for (key, value) in object(filter)? {
        match key.as_str() {
            "$and" | "$or" => {
                for part in list(value)? {
                    check(part, hidden)?;
                }
            }
            key if key.starts_with('$') => return Err(format!("Unknown operator {key}")),
            key if hidden.iter().any(|one| one == key) => {
                return Err(format!(
                    "Invalid use of non-filterable metadata in filter: {key}"
                ));
            }
            _ => check_tests(value)?,
        }
    }
    Ok(())
}

fn check_tests(tests: &Value) -> Result<(), Fault> {
    for (operator, value) in object(tests)? {
        let right = match operator.as_str() {
            "$eq" | "$ne" => is_primitive(value),
            "$gt" | "$gte" | "$lt" | "$lte" => value.is_number(),
            "$in" | "$nin" => list(value)?.iter().all(is_primitive),
            "$exists" => value.is_boolean(),
            _ => false,
        };
        if !right {
            return Err(format!("Invalid operator or value: {operator}"));
        }
    }
    Ok(())
}

fn is_primitive(value: &Value) -> bool {
    value.is_string() || value.is_number() || value.is_boolean()
}

fn object(value: &Value) -> Result<&Map<String, Value>, Fault> {
    let object = value.as_object().filter(|members| !members.is_empty());
    object.ok_or_else(|| "a filter is an object that is not empty".to_owned())
}

fn list(value: &Value) -> Result<&Vec<Value>, Fault> {
    let list = value.as_array().filter(|values| !values.is_empty());
    list.ok_or_else(|| "a list that is not empty is wanted".to_owned())
}

/// Whether a vector has it, by a filter that was checked.
pub(super) fn holds(filter: &Value, metadata: &Value) -> bool {
    let Some(members) = filter.as_object() else {
        return false;
    };
    members.iter().all(|(key, value)| {
        let parts = value.as_array().map(Vec::as_slice).unwrap_or_default();
        match key.as_str() {
            "$and" => parts.iter().all(|part| holds(part, metadata)),
            "$or" => parts.iter().any(|part| holds(part, metadata)),
            _ => tests_hold(value, metadata.get(key)),
        }
    })
}

fn tests_hold(tests: &Value, found: Option<&Value>) -> bool {
    let Some(tests) = tests.as_object() else {
        return false;
    };
    tests.iter().all(|(operator, asked)| {
        if operator == "$exists" {
            return found.is_some() == (*asked == true);
        }
        let Some(found) = found else {
            return false;
        };
        // One value of a list is enough.
        let has = |asked: &Value| match found {
            Value::Array(values) => values.iter().any(|value| same(value, asked)),
            value => same(value, asked),
        };
        let any = |asked: &Value| asked.as_array().is_some_and(|all| all.iter().any(has));
        let pair = found.as_f64().zip(asked.as_f64());
        match operator.as_str() {
            "$eq" => has(asked),
            "$ne" => !has(asked),
            "$in" => any(asked),
            "$nin" => !any(asked),
            "$gt" => pair.is_some_and(|(found, asked)| found > asked),
            "$gte" => pair.is_some_and(|(found, asked)| found >= asked),
            "$lt" => pair.is_some_and(|(found, asked)| found < asked),
            "$lte" => pair.is_some_and(|(found, asked)| found <= asked),
            _ => false,
        }
    })
}

/// Numbers are the same however they are written.
#[expect(clippy::float_cmp, reason = "exactly what was written is looked for")]
fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}
