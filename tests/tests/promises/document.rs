//! The OpenAPI document is what the routers make, and is a good one.

use std::collections::HashSet;

use serde_json::Value;

/// The document as JSON.
pub(crate) fn document() -> Value {
    serde_json::from_str(&promises::document_text()).expect("JSON")
}

/// Every operation: path, method and what the document says of it.
pub(crate) fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("methods").iter();
        methods.map(move |(method, operation)| {
            (path.clone(), method.to_uppercase(), operation.clone())
        })
    });
    operations.collect()
}

#[test]
fn the_committed_document_is_the_one_of_the_routers() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../functions/health/openapi.json"
    );
    let committed = std::fs::read_to_string(path).expect("functions/health/openapi.json");
    assert!(
        committed == promises::document_text(),
        "functions/health/openapi.json is out of date: run `cargo run --bin openapi` and commit what it writes"
    );
}

#[test]
fn every_operation_is_named_described_and_tagged() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    let mut names = HashSet::new();
    for (path, method, operation) in operations(&document) {
        let name = operation["operationId"].as_str().unwrap_or_default();
        assert!(
            !name.is_empty() && names.insert(name.to_owned()),
            "{method} {path}: {name}"
        );
        assert!(
            operation["summary"]
                .as_str()
                .is_some_and(|text| text.ends_with('.')),
            "{method} {path}"
        );
        assert_eq!(
            operation["tags"].as_array().map(Vec::len),
            Some(1),
            "{method} {path}"
        );
        let responses = operation["responses"].as_object().expect("responses");
        assert!(
            responses.keys().any(|status| status.starts_with('2')),
            "{method} {path}"
        );
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut open = vec![&document];
    let mut references = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Object(map) => open.extend(map.values()),
            Value::Array(list) => open.extend(list),
            _ => {}
        }
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#').expect("a local reference");
            assert!(document.pointer(pointer).is_some(), "{reference}");
            references += 1;
        }
    }
    assert!(references > 20, "{references}");
}

#[test]
fn every_failure_is_a_problem_document_or_as_openai_has_it() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().expect("responses") {
            let fails = status.starts_with('4') || status.starts_with('5');
            // `/readyz` tells what is missing in the same form as what is there.
            if fails && !(path == "/readyz" && status == "503") {
                let (media_type, name) = match path.starts_with("/v1/") {
                    true => ("application/json", "OpenAiFailure"),
                    false => ("application/problem+json", "Problem"),
                };
                let schema = &response["content"][media_type]["schema"]["$ref"];
                assert_eq!(
                    schema,
                    &format!("#/components/schemas/{name}"),
                    "{method} {path} {status}"
                );
            }
        }
    }
}

#[test]
fn what_is_said_to_be_closed_is_there() {
    let document = document();
    for name in shared::http::openapi::CLOSED {
        let schema = &document["components"]["schemas"][name];
        assert!(
            schema
                .to_string()
                .contains(r#""additionalProperties":false"#),
            "{name}: {schema}"
        );
    }
}
