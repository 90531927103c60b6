//! No item becomes larger than the table takes, which is 400 KB: every field has a bound, and what is over it is
//! refused before anything is written or paid for.

use axum::http::Method;
use promises::{FUNCTIONS, real_path};
use serde_json::{Map, Value, json};
use shared::model::{MAX_CONTENT_BYTES, RoleMap};
use stand_ins::issuer::StandInIssuer;
use test_support::{Body, Reply, TestApi};

use crate::bodies::PLAIN;
use crate::sweep::Sweep;

const ADA: Option<&str> = Some("ada");
/// DynamoDB's limit for one item with the names of its attributes.
const MOST: usize = 400 * 1024;

/// The bytes of an item, or some more: its JSON says of each value what type it has.
async fn largest_item(api: &TestApi) -> usize {
    let dump: Value = serde_json::from_str(&api.table.dump().await).expect("JSON");
    let items = dump["Items"].as_array().expect("items").iter();
    items.map(|item| item.to_string().len()).max().unwrap_or(0)
}

/// Values for a field like that, which no item could hold.
fn huge(sample: &Value) -> Vec<Value> {
    let text = "x".repeat(MOST + 1);
    match sample {
        Value::Object(_) => {
            let many = (0..10_000).map(|place| (format!("{place:040}"), json!("member")));
            let many: Map<String, Value> = many.collect();
            vec![json!({"name": text}), json!(many)]
        }
        Value::Array(list) => vec![json!([text]), json!(vec![&list[0]; 20_000])],
        _ => vec![json!(text)],
    }
}

#[tokio::test]
async fn a_field_that_is_larger_than_an_item_is_refused_and_nothing_of_it_is_kept() {
    let mut fields = 0;
    for function in FUNCTIONS {
        let sweep = Sweep::new(function, PLAIN).await;
        let api = &sweep.api;
        for (path, method, described) in sweep.operations() {
            let ready = sweep.ready("ada", &method, &path, &described).await;
            let whole = ready.body.clone().unwrap_or_default();
            // What made things to ask about has asked it too.
            api.provider.take_requests();
            let before = largest_item(api).await;
            for (name, sample) in whole.as_object().into_iter().flatten() {
                fields += 1;
                for value in huge(sample) {
                    let mut body = whole.clone();
                    body[name] = value;
                    let tenant = api.people.get("ada").await.tenant;
                    let real = real_path(&path.replace("{tenant_id}", &tenant.to_string()));
                    let headers = [("if-match", "*")];
                    let reply = api
                        .send_with(ADA, ready.method.clone(), &real, Body::Json(body), &headers)
                        .await;
                    // The same scope many times is one scope, and what shall be judged is passed on and not kept.
                    let passed_on = path == "/v1/moderations" && name == "input";
                    if passed_on {
                        api.provider.take_requests();
                    }
                    let fine = reply.status.is_client_error() || name == "scopes" || passed_on;
                    assert!(fine, "{method} {path} {name}: {}", reply.text);
                }
                let kept = largest_item(api).await;
                assert!(kept <= before.max(4096), "{method} {path} {name}: {kept}");
            }
            let asked = api.provider.take_requests().len();
            assert_eq!(asked, 0, "{method} {path}");
        }
    }
    assert!(fields > 30, "{fields}");
}

async fn conversation(api: &TestApi) -> String {
    let fields = json!({
        "model": "large", "title": "𝄞".repeat(200), "system_prompt": "𝄞".repeat(8_000),
    });
    let conversations = api.beside(conversations::router);
    let made = conversations
        .post(ADA, "/api/v1/conversations", fields)
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    format!("{}/messages", made.location())
}

async fn say(api: &TestApi, path: &str, content: &str) -> Reply {
    api.post(ADA, path, json!({"content": content})).await
}

#[tokio::test]
async fn the_longest_message_is_stored_and_read_back_and_a_longer_one_costs_nothing() {
    let api = TestApi::new(chat::router_with).await;
    let path = conversation(&api).await;
    // It is bytes that count, not characters.
    let longest = format!("𝄞{}", "x".repeat(MAX_CONTENT_BYTES - 4));
    let said = say(&api, &path, &longest).await;
    assert_eq!(said.status, 201, "{}", said.text);
    assert_eq!(api.provider.take_requests().len(), 1);
    let read = api.beside(conversations::router).get(ADA, &path).await;
    assert!(read.body()["data"][0]["content"] == longest);
    let largest = largest_item(&api).await;
    assert!(
        (MAX_CONTENT_BYTES..=MOST / 2).contains(&largest),
        "{largest}"
    );

    let refused = say(&api, &path, &format!("{longest}x")).await;
    assert_eq!(refused.problem(), (422, "invalid-request".to_owned()));
    assert_eq!(refused.errors()[0].0, "/content");
    assert_eq!(api.provider.take_requests().len(), 0);
}

#[tokio::test]
async fn all_fields_at_their_bounds_together_fit_into_an_item() {
    let issuer = StandInIssuer::start().await.expect("an issuer");
    let api = TestApi::new(chat::router_with).await;
    let tenant = api.people.get("ada").await.tenant;
    let roles: Map<String, Value> = (0..RoleMap::MOST)
        .map(|place| (format!("{place:03}{}", "𝄞".repeat(197)), json!("member")))
        .collect();
    let trusted = json!({
        "issuer": issuer.url, "audience": "𝄞".repeat(255), "role_claim": "𝄞".repeat(200), "roles": roles,
    });
    let preferences: Map<String, Value> = (0..64)
        .map(|place| {
            (
                format!("{place:03}{}", "𝄞".repeat(30)),
                json!("x".repeat(120)),
            )
        })
        .collect();
    let named = json!({"name": "𝄞".repeat(100)});
    let key = json!({"name": "𝄞".repeat(100), "scopes": ["chat"]});
    let providers = format!("/api/v1/tenants/{tenant}/identity-providers");
    let tenant = format!("/api/v1/tenants/{tenant}");
    let [auth, tenants] = [auth::router, tenants::router].map(|router| api.beside(router));
    let credentials = api.beside(provider_credentials::router);
    let trust = api.beside(identity_providers::router);
    let keys = api.beside(api_keys::router);
    for (function, method, path, body) in [
        (&trust, Method::POST, providers.as_str(), trusted),
        (
            &auth,
            Method::PUT,
            "/api/v1/auth/me/preferences",
            json!({"preferences": preferences}),
        ),
        (&auth, Method::PATCH, "/api/v1/auth/me", named.clone()),
        (&tenants, Method::PATCH, &tenant, named.clone()),
        (&tenants, Method::POST, "/api/v1/tenants", named),
        (&keys, Method::POST, "/api/v1/api-keys", key),
        (
            &credentials,
            Method::PUT,
            "/api/v1/provider-credentials/scripted",
            json!({"key": "k".repeat(512)}),
        ),
    ] {
        let agent = "x".repeat(7_000);
        let headers = [("if-match", "*"), ("user-agent", agent.as_str())];
        let reply = function
            .send_with(ADA, method, path, Body::Json(body), &headers)
            .await;
        assert!(reply.status.is_success(), "{path}: {}", reply.text);
    }
    conversation(&api).await;
    let largest = largest_item(&api).await;
    // The hundred names of roles are the most that any item has.
    assert!((80_000..MOST / 2).contains(&largest), "{largest}");
}
