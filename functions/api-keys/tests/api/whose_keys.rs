//! Whose keys one reaches.

use axum::http::Method;
use serde_json::{Value, json};
use shared::model::{ApiKeyId, MembershipRole};
use test_support::{Body, Reply, TestApi};

use crate::helpers::{ADA, PATH, api, conversations, create, events, new_key, path, text, use_key};

const OPERATIONS: [(Method, &str); 4] = [
    (Method::GET, ""),
    (Method::PATCH, ""),
    (Method::POST, "/rotate"),
    (Method::DELETE, ""),
];

async fn ask(api: &TestApi, person: &str, method: &Method, path: &str) -> Reply {
    let body = match *method {
        Method::PATCH => Body::Json(json!({"name": "mine"})),
        Method::POST => Body::Json(json!({"overlap_seconds": 0})),
        _ => Body::Empty,
    };
    api.send(Some(person), method.clone(), path, body).await
}

fn without_id(reply: &Reply) -> (u16, Value) {
    let mut body = reply.body();
    body["request_id"] = json!(null);
    (reply.status.as_u16(), body)
}

#[tokio::test]
async fn a_foreign_key_gets_the_answer_of_an_unknown_one() {
    let api = api().await;
    let key = create(&api, ADA, new_key()).await;
    // Bob owns another tenant; Carl is a member of Ada's.
    api.people.join("carl", "ada", MembershipRole::Member).await;
    for person in ["bob", "carl"] {
        for (method, rest) in OPERATIONS {
            let foreign = ask(&api, person, &method, &format!("{}{rest}", path(&key))).await;
            let unknown = format!("{PATH}/{}{rest}", ApiKeyId::new());
            let unknown = ask(&api, person, &method, &unknown).await;
            assert_eq!(
                without_id(&foreign),
                without_id(&unknown),
                "{method} {rest}"
            );
            assert_eq!(foreign.problem(), (404, "not-found".to_owned()));
        }
        assert_eq!(api.get(Some(person), PATH).await.body()["data"], json!([]));
    }
    assert_eq!(api.get(ADA, &path(&key)).await.header("etag"), "\"1\"");
    assert_eq!(use_key(&conversations(&api), &text(&key, "key")).await, 200);
}

#[tokio::test]
async fn an_administrator_sees_and_revokes_others_keys_but_never_gets_their_text() {
    let api = api().await;
    api.people.join("bob", "ada", MembershipRole::Member).await;
    api.people.join("carl", "ada", MembershipRole::Admin).await;
    let key = create(&api, Some("bob"), new_key()).await;
    for person in ["ada", "carl"] {
        let list = api.get(Some(person), PATH).await.body();
        assert_eq!(list["data"][0]["id"], key["id"]);
        assert_eq!(api.get(Some(person), &path(&key)).await.status, 200);
        for (method, rest) in [(Method::PATCH, ""), (Method::POST, "/rotate")] {
            let reply = ask(&api, person, &method, &format!("{}{rest}", path(&key))).await;
            assert_eq!(reply.problem(), (403, "forbidden".to_owned()), "{method}");
        }
    }
    let denied = ("access_denied".to_owned(), "denied".to_owned());
    let told = events(&api).await;
    assert_eq!(told.iter().filter(|event| **event == denied).count(), 4);
    let other = conversations(&api);
    assert_eq!(use_key(&other, &text(&key, "key")).await, 200);
    assert_eq!(api.delete(Some("carl"), &path(&key)).await.status, 204);
    assert_eq!(use_key(&other, &text(&key, "key")).await, 401);
}
