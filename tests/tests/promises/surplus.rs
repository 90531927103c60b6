//! Bodies take the fields of the document and no others, and answers have those of the document and no others.

use std::collections::BTreeSet;

use promises::FUNCTIONS;
use serde_json::{Value, json};
use test_support::Body;

use crate::bodies::{Bodies, PLAIN};
use crate::document;
use crate::sweep::Sweep;
use crate::world::{World, operations};

/// What nobody may say of a thing: whose it is, what it may, what it costs and when it was made.
const NOT_FOR_CLIENTS: [&str; 12] = [
    "role",
    "tenant_id",
    "owner_id",
    "user_id",
    "id",
    "created_at",
    "quota",
    "status",
    "verified",
    "personal",
    "version",
    "is_admin",
];

/// What needs a token of a letter or of a login, a second tenant, a conversation, a job that failed, an
/// issuer that runs, a file, or a document whose parts name
/// each other: sweeps don't get this done.
const NOT_DONE_BY_SWEEPS: [&str; 15] = [
    "POST /api/v1/auth/email-verification/confirm",
    "POST /api/v1/auth/password-reset/confirm",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/switch-tenant",
    "POST /api/v1/invitations/accept",
    "POST /api/v1/jobs",
    "POST /api/v1/jobs/{job_id}/retry",
    "POST /api/v1/knowledge-bases/{knowledge_base_id}/documents",
    "POST /api/v1/knowledge-bases/{knowledge_base_id}/documents/{document_id}/replace",
    "POST /api/v1/tenants/{tenant_id}/identity-providers",
    "POST /v1/files",
    "POST /v1/responses/{response_id}/cancel",
    "POST /v1/vector_stores/{vector_store_id}/file_batches",
    "POST /v1/vector_stores/{vector_store_id}/files",
    "PUT /api/v1/registry",
];

#[tokio::test]
async fn a_field_that_the_document_does_not_name_is_refused_by_name_and_changes_nothing() {
    let world = World::new().await;
    let everything = [String::new()];
    let (mut bodies, mut refused) = (0, 0);
    for (index, operation) in operations().into_iter().enumerate() {
        let content = &operation.described["requestBody"]["content"]["application/json"];
        let schema = world.bodies.resolved(&content["schema"]);
        let Some(good) = world.bodies.of(&operation.described) else {
            continue;
        };
        // A client that makes its types from the document can't even say it.
        assert_eq!(
            schema["additionalProperties"],
            json!(false),
            "{}",
            operation.name
        );
        bodies += 1;
        let person = format!("person{index}");
        let path = world.things.path(&person, &operation.path).await;
        let token = world.any().people.token(&person).await;
        let before = world.rows(&everything).await;
        for extra in NOT_FOR_CLIENTS {
            if !schema["properties"][extra].is_null() {
                continue;
            }
            let mut body = good.clone();
            body[extra] = json!("owner");
            let reply = world.send_body(&token, &operation, &path, Body::Json(body));
            let reply = reply.await;
            let label = format!("{} with {extra}", operation.name);
            let problem = reply.problem();
            assert_eq!(problem, (422, "invalid-request".to_owned()), "{label}");
            let fields: Vec<String> = reply.errors().into_iter().map(|(field, _)| field).collect();
            assert_eq!(fields, [format!("/{extra}")], "{label}");
            refused += 1;
        }
        assert_eq!(world.rows(&everything).await, before, "{}", operation.name);
    }
    assert!(bodies > 20 && refused > 200, "{bodies} {refused}");
}

/// One object in the place of several that it is made of.
fn joined(bodies: &Bodies, parts: &[Value]) -> Value {
    let mut whole = json!({"type": "object", "properties": {}, "required": []});
    for part in parts {
        let part = bodies.resolved(part);
        for (name, schema) in part["properties"].as_object().into_iter().flatten() {
            whole["properties"][name] = schema.clone();
        }
        let required = part["required"].as_array().cloned().unwrap_or_default();
        let all = whole["required"].as_array_mut().expect("a list");
        all.extend(required);
    }
    whole
}

/// What in the value is not as the schema has it.
fn faults(bodies: &Bodies, place: &str, value: &Value, schema: &Value) -> Vec<String> {
    let schema = bodies.resolved(schema);
    if let Some(parts) = schema["allOf"].as_array() {
        return faults(bodies, place, value, &joined(bodies, parts));
    }
    for choice in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[choice].as_array() {
            let each = choices.iter().map(|one| faults(bodies, place, value, one));
            return each.min_by_key(Vec::len).unwrap_or_default();
        }
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let number = kind == "integer" && kinds.contains(&json!("number"));
    if !kinds.contains(&json!(kind)) && !number {
        return vec![format!("{place} is {kind} and not {kinds:?}")];
    }
    let choices = schema["enum"].as_array();
    if choices.is_some_and(|choices| !choices.contains(value)) {
        return vec![format!("{place} is {value}, which is none of the choices")];
    }
    match value {
        Value::Array(items) => {
            let each = items.iter().enumerate();
            each.flat_map(|(index, item)| {
                faults(bodies, &format!("{place}/{index}"), item, &schema["items"])
            })
            .collect()
        }
        Value::Object(_) => members(bodies, place, value, schema),
        _ => Vec::new(),
    }
}

fn members(bodies: &Bodies, place: &str, value: &Value, schema: &Value) -> Vec<String> {
    let (named, others) = (&schema["properties"], &schema["additionalProperties"]);
    // An object of the client's own making, as its preferences are.
    if named.is_null() && !others.is_object() {
        return Vec::new();
    }
    let required = schema["required"].as_array().into_iter().flatten();
    let missing = required.filter(|name| value.get(name.as_str().unwrap_or_default()).is_none());
    let mut found: Vec<String> = missing
        .map(|name| format!("{place} lacks {name}"))
        .collect();
    for (name, member) in value.as_object().into_iter().flatten() {
        let place = format!("{place}/{name}");
        match (&named[name], others.is_object()) {
            (Value::Null, false) => found.push(format!("{place} is not documented")),
            (Value::Null, true) => found.extend(faults(bodies, &place, member, others)),
            (schema, _) => found.extend(faults(bodies, &place, member, schema)),
        }
    }
    found
}

#[tokio::test]
async fn answers_have_the_fields_of_the_document_and_no_others() {
    let bodies = Bodies::new(document::document(), PLAIN);
    let operations = operations();
    let mut checked = BTreeSet::new();
    for function in FUNCTIONS {
        let sweep = Sweep::of_what_goes_well(function, PLAIN).await;
        for exchange in &sweep.exchanges {
            let reply = &exchange.reply;
            // What is not ready says so in the same form as what is.
            let answer = reply.header("content-type") == "application/json";
            if !reply.status.is_success() && !answer {
                continue;
            }
            let mut all = operations.iter();
            let operation = all.find(|operation| operation.name == exchange.operation);
            let responses = &operation.expect("an operation").described["responses"];
            let response = &responses[reply.status.as_str()];
            let label = &exchange.label;
            assert!(
                response.is_object(),
                "{label}: {} is not documented",
                reply.status
            );
            let schema = &response["content"]["application/json"]["schema"];
            if reply.header("content-type") == "application/json"
                && exchange.operation != "GET /openapi.json"
            {
                let faults = faults(&bodies, "", &reply.body(), schema);
                assert_eq!(faults, [""; 0], "{label}: {}", reply.text);
            } else if response["content"].is_null() {
                assert_eq!(reply.text, "", "{label}");
            }
            // A failure of OpenAI's API has the form of an answer, and is none.
            if reply.status.is_success() || !exchange.operation.contains(" /v1/") {
                checked.insert(exchange.operation.clone());
            }
        }
    }
    let names = operations.iter().map(|operation| operation.name.clone());
    let never: BTreeSet<String> = names.filter(|name| !checked.contains(name)).collect();
    let known = NOT_DONE_BY_SWEEPS.map(str::to_owned);
    assert_eq!(never, BTreeSet::from(known));
}
