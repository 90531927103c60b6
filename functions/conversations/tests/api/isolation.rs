//! Someone else's conversation looks as if it did not exist.

use axum::http::Method;
use serde_json::{Value, json};
use shared::model::ConversationId;
use test_support::{Body, Reply, TestApi};

use crate::helpers::{ADA, PATH, api, create, fill, titles};

const OPERATIONS: [(Method, &str); 4] = [
    (Method::GET, ""),
    (Method::PATCH, ""),
    (Method::DELETE, ""),
    (Method::GET, "/messages"),
];

async fn ask(api: &TestApi, person: &str, method: &Method, path: &str) -> Reply {
    let body = if *method == Method::PATCH {
        Body::Json(json!({"title": "mine"}))
    } else {
        Body::Empty
    };
    api.send(Some(person), method.clone(), path, body).await
}

fn without_id(reply: &Reply) -> (u16, Value) {
    let mut body = reply.body();
    body["request_id"] = json!(null);
    (reply.status.as_u16(), body)
}

#[tokio::test]
async fn a_foreign_id_gets_the_answer_of_an_unknown_one() {
    let api = api().await;
    let path = create(&api, ADA, "Oslo").await;
    fill(&api, &path, 3).await;
    for (method, rest) in OPERATIONS {
        let foreign = ask(&api, "bob", &method, &format!("{path}{rest}")).await;
        let unknown = ask(
            &api,
            "bob",
            &method,
            &format!("{PATH}/{}{rest}", ConversationId::new()),
        )
        .await;
        assert_eq!(
            without_id(&foreign),
            without_id(&unknown),
            "{method} {rest}"
        );
        assert_eq!(foreign.problem(), (404, "not-found".to_owned()));
        assert!(!foreign.text.contains("Oslo"));
    }
    assert_eq!(
        titles(&api.get(Some("bob"), PATH).await.body()),
        Vec::<String>::new()
    );
    let own = api.get(ADA, &path).await;
    assert_eq!(
        (own.status.as_u16(), own.header("etag")),
        (200, "\"1\""),
        "Bob has changed nothing"
    );
}

#[tokio::test]
async fn an_id_that_tries_to_be_more_than_an_id_is_an_unknown_one() {
    let api = api().await;
    let path = create(&api, ADA, "Oslo").await;
    let id = path.rsplit('/').next().expect("an id");
    for odd in [
        format!("{id}%23MSG"),
        format!("{id}%00"),
        format!("..%2F{id}"),
        id.to_uppercase(),
        "*".to_owned(),
        "conv_".to_owned(),
        format!("{id}%20"),
        "x".repeat(4000),
    ] {
        for (method, rest) in OPERATIONS {
            let reply = ask(&api, "ada", &method, &format!("{PATH}/{odd}{rest}")).await;
            assert_eq!(
                reply.problem(),
                (404, "not-found".to_owned()),
                "{method} {odd}{rest}"
            );
        }
    }
}

#[tokio::test]
async fn nobody_gets_a_401_whatever_the_request_carries() {
    let api = api().await;
    let path = create(&api, ADA, "Oslo").await;
    let mut requests = vec![
        (Method::POST, PATH.to_owned()),
        (Method::GET, PATH.to_owned()),
    ];
    requests.extend(OPERATIONS.map(|(method, rest)| (method, format!("{path}{rest}"))));
    for (method, path) in requests {
        for body in [
            Body::Empty,
            Body::Raw(Some("text/plain"), b"{".to_vec()),
            Body::Json(json!({"nonsense": 1})),
        ] {
            let reply = api.send(None, method.clone(), &path, body).await;
            assert_eq!(
                reply.problem(),
                (401, "unauthenticated".to_owned()),
                "{method} {path}"
            );
        }
    }
}
