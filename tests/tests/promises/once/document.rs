//! Which operations take a key: as the document says it, and as the roles of the functions allow it.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::json;
use test_support::{Body, TestApi, template};

use super::ready::done_once;
use super::{claims, post};
use crate::world::{World, operations};

/// They have a way of their own, with the same header and the same answers.
const TURNS: [&str; 3] = [
    "POST /api/v1/conversations/{conversation_id}/messages",
    "POST /v1/chat/completions",
    "POST /v1/responses",
];
/// They change nothing, whatever their method.
const ONLY_READ: [&str; 4] = [
    "POST /api/v1/knowledge-bases/{knowledge_base_id}/search",
    "POST /v1/embeddings",
    "POST /v1/moderations",
    "POST /v1/vector_stores/{vector_store_id}/search",
];

#[test]
fn every_post_and_patch_that_asks_who_calls_takes_a_key_and_nothing_else_does() {
    let mut taking = BTreeSet::new();
    for operation in operations() {
        let parameters = operation.described["parameters"].as_array();
        let mut parameters = parameters.into_iter().flatten();
        let documented = parameters
            .any(|parameter| parameter["name"] == "idempotency-key" && parameter["in"] == "header");
        let changes = [Method::POST, Method::PATCH].contains(&operation.method);
        let takes =
            changes && operation.has_caller() && !ONLY_READ.contains(&operation.name.as_str());
        assert_eq!(documented, takes, "{}", operation.name);
        if !takes {
            continue;
        }
        // OpenAI's API knows no 422.
        let door = operation.path.starts_with("/v1/");
        let statuses = ["400", "409", "422"].into_iter();
        for status in statuses.filter(|status| !door || *status != "422") {
            let told = &operation.described["responses"][status]["description"];
            let told = told.as_str().unwrap_or_default();
            let named =
                told.contains("Idempotency-Key") || TURNS.contains(&operation.name.as_str());
            assert!(named, "{} {status}: {told}", operation.name);
        }
        taking.insert(operation.name);
    }
    let done_once = done_once().into_iter().map(|operation| operation.name);
    let done_once: BTreeSet<String> = done_once.chain(TURNS.map(ToOwned::to_owned)).collect();
    assert_eq!(taking, done_once);
}

#[tokio::test]
async fn where_no_key_is_taken_it_has_no_effect() {
    let api = TestApi::new(|app, _| auth::router(app)).await;
    let new = json!({"email": "ada@example.com", "password": "correct horse battery staple"});
    for path in ["register", "login"] {
        let path = format!("/api/v1/auth/{path}");
        // Whatever it is: nobody looks at it.
        for key in ["key", "key", ""] {
            let reply = post(&api, None, &path, key, new.clone()).await;
            assert!(reply.status.is_success(), "{path}: {}", reply.text);
            assert_eq!(reply.header("idempotency-replayed"), "");
        }
    }
    let headers = [("idempotency-key", "key"), ("if-match", "*")];
    let body = Body::Json(json!({"theme": "dark"}));
    let path = "/api/v1/auth/me/preferences";
    api.send_with(super::ADA, Method::PUT, path, body, &headers)
        .await;
    assert_eq!(claims(&api).await.len(), 0);
}

#[tokio::test]
async fn the_role_of_each_function_that_takes_keys_may_keep_replies() {
    let world = World::new().await;
    let template = template();
    let functions: BTreeSet<&str> = done_once()
        .iter()
        .map(|operation| world.function(operation).name)
        .collect();
    assert!(functions.len() >= 6, "{functions:?}");
    let resources = template["Resources"].as_mapping().expect("resources");
    for function in functions {
        let code = format!("functions/{function}");
        let mut all = resources.values();
        let own = all.find(|resource| resource["Properties"]["CodeUri"] == code.as_str());
        let policies = &own.expect("a function")["Properties"]["Policies"];
        let statements = policies.as_sequence().into_iter().flatten();
        let statements = statements.filter_map(|policy| policy["Statement"].as_sequence());
        let (mut writes, mut opens) = (false, false);
        for statement in statements.flatten() {
            let text = serde_json::to_string(statement).expect("JSON");
            let may = |action: &str| text.contains(&format!("dynamodb:{action}Item\""));
            let tenants = text.contains("\"TENANT#*\"");
            writes |= tenants && ["Delete", "Put", "Update"].into_iter().all(may);
            opens |= text.contains("secretsmanager:GetSecretValue") && text.contains("DataKeys");
        }
        assert!(writes && opens, "{function}: {writes} {opens}");
    }
}
