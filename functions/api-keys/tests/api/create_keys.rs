//! Creating keys.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use shared::model::{ApiKey, MembershipRole};

use crate::helpers::{
    ADA, PATH, api, conversations, create, events, new_key, path, rotate, text, use_key,
};

#[tokio::test]
async fn a_new_key_is_shown_once_and_works_at_once() {
    let api = api().await;
    let reply = api.post(ADA, PATH, new_key()).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert_eq!(reply.header("etag"), "\"1\"");
    let body = reply.body();
    let key = text(&body, "key");
    let digits = key.strip_prefix("chatter_test_").expect("a test key");
    assert!(digits.len() == 38 && digits.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(reply.location(), path(&body));
    assert_eq!(use_key(&conversations(&api), &key).await, 200);

    for reply in [api.get(ADA, &path(&body)).await, api.get(ADA, PATH).await] {
        assert_eq!(reply.status, 200);
        assert!(!reply.text.contains(digits), "{}", reply.text);
        assert!(
            reply
                .text
                .contains(&format!("\"last4\":\"{}\"", &key[key.len() - 4..]))
        );
        assert!(reply.text.contains("\"prefix\":\"chatter_test_\""));
    }
    let user = api.people.get("ada").await.user;
    insta::assert_json_snapshot!(api.get(ADA, &path(&body)).await.body(), {
        ".id" => "key_…", ".user_id" => "usr_…", ".last4" => "…"
    }, @r#"
    {
      "created_at": "2026-01-01T00:00:00.000000Z",
      "expires_at": null,
      "id": "key_…",
      "last4": "…",
      "last_used_at": "2026-01-01T00:00:00.000000Z",
      "name": "import",
      "prefix": "chatter_test_",
      "previous": [],
      "scopes": [
        "conversations:read",
        "conversations:write",
        "models:read"
      ],
      "user_id": "usr_…"
    }
    "#);
    assert_eq!(body["user_id"], user.to_string());
}

#[tokio::test]
async fn the_table_holds_no_text_of_a_key() {
    let api = api().await;
    let key = create(&api, ADA, new_key()).await;
    let rotated = rotate(&api, &key, 60).await.body();
    let dump = api.table.dump().await;
    for issued in [key, rotated] {
        let text = text(&issued, "key");
        let digits = text.strip_prefix("chatter_test_").expect("a test key");
        // Neither whole nor the part that is random.
        assert!(!dump.contains(&digits[..32]), "{dump}");
        let hash = shared::auth::ApiKeyText::parse(&text, api.app.config.stage).expect("a key");
        assert!(dump.contains(&format!("APIKEY#{}", hash.hash())));
    }
}

#[tokio::test]
async fn a_key_expires_when_it_was_to() {
    let api = api().await;
    let other = conversations(&api);
    let mut keys = Vec::new();
    for expiry in [
        json!({"expires_in_seconds": 3600}),
        json!({"expires_at": "2026-01-01T02:00:00+01:00"}),
    ] {
        let mut body = new_key();
        let members = body.as_object_mut().expect("an object");
        members.extend(expiry.as_object().expect("an object").clone());
        let key = create(&api, ADA, body).await;
        assert_eq!(key["expires_at"], "2026-01-01T01:00:00.000000Z");
        keys.push(key);
    }
    api.app.clock.advance(Duration::from_secs(3599));
    for key in &keys {
        assert_eq!(use_key(&other, &text(key, "key")).await, 200);
    }
    // It was believed a second ago, and ends to the moment all the same. Its row is still in the table.
    api.app.clock.advance(Duration::from_secs(1));
    for key in &keys {
        assert_eq!(use_key(&other, &text(key, "key")).await, 401);
        assert!(api.table.dump().await.contains(&text(key, "id")));
        assert_eq!(api.get(ADA, &path(key)).await.problem().0, 404);
        assert_eq!(api.delete(ADA, &path(key)).await.problem().0, 404);
        let patch = api
            .patch(ADA, &path(key), json!({"expires_at": null}))
            .await;
        assert_eq!(patch.problem().0, 404);
        assert_eq!(rotate(&api, key, 60).await.problem().0, 404);
    }
    assert_eq!(api.get(ADA, PATH).await.body()["data"], json!([]));
}

#[tokio::test]
async fn what_is_no_key_is_refused_by_the_name_of_its_fields() {
    let api = api().await;
    for (change, field) in [
        (json!({"name": ""}), "/name"),
        (json!({"name": "x".repeat(101)}), "/name"),
        (json!({"name": "a\nb"}), "/name"),
        (json!({"scopes": []}), "/scopes"),
        (
            json!({"scopes": ["conversations:read", "everything"]}),
            "/scopes/1",
        ),
        (json!({"expires_in_seconds": 59}), "/expires_in_seconds"),
        (
            json!({"expires_in_seconds": 315_360_001_u64}),
            "/expires_in_seconds",
        ),
        (json!({"expires_in_seconds": -1}), "/expires_in_seconds"),
        (json!({"expires_at": "2026-01-01T00:00:59Z"}), "/expires_at"),
        (json!({"expires_at": "2025-01-01T00:00:00Z"}), "/expires_at"),
        (json!({"expires_at": "2036-01-02T00:00:00Z"}), "/expires_at"),
        (json!({"expires_at": "tomorrow"}), "/expires_at"),
        (
            json!({"expires_at": "2027-01-01T00:00:00Z", "expires_in_seconds": 60}),
            "/expires_in_seconds",
        ),
        (
            json!({"user_id": "usr_0199f0a0b1c27d3e8f405162738495a6"}),
            "/user_id",
        ),
    ] {
        let mut body = new_key();
        let members = body.as_object_mut().expect("an object");
        members.extend(change.as_object().expect("an object").clone());
        let reply = api.post(ADA, PATH, body).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid-request".to_owned()),
            "{change}"
        );
        assert_eq!(reply.errors()[0].0, field, "{change}: {}", reply.text);
    }
    assert_eq!(api.get(ADA, PATH).await.body()["data"], json!([]));
}

#[tokio::test]
async fn a_member_gives_a_key_no_more_than_the_member_may() {
    let api = api().await;
    api.people.join("bob", "ada", MembershipRole::Member).await;
    let body = json!({"name": "spy", "scopes": ["chat", "audit:read", "tenant:read"]});
    let reply = api.post(Some("bob"), PATH, body.clone()).await;
    assert_eq!(reply.problem(), (422, "invalid-request".to_owned()));
    let fields: Vec<String> = reply.errors().into_iter().map(|error| error.0).collect();
    assert_eq!(fields, ["/scopes/1"]);
    create(&api, ADA, body).await;

    let key = create(
        &api,
        Some("bob"),
        json!({"name": "mine", "scopes": ["chat"]}),
    )
    .await;
    let reply = api
        .patch(Some("bob"), &path(&key), json!({"scopes": ["audit:read"]}))
        .await;
    assert_eq!(reply.errors()[0].0, "/scopes/0");
    let kept = api.get(Some("bob"), &path(&key)).await.body();
    assert_eq!(kept["scopes"], json!(["chat"]));

    api.people.join("eve", "ada", MembershipRole::Viewer).await;
    let reply = api
        .post(
            Some("eve"),
            PATH,
            json!({"name": "x", "scopes": ["models:read"]}),
        )
        .await;
    assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
}

#[tokio::test]
async fn of_twenty_keys_at_once_a_tenant_gets_as_many_as_it_has_room_for() {
    let api = api().await;
    let room = 5;
    for _ in 0..ApiKey::MOST_IN_A_TENANT - room {
        api.people.api_key("ada", &[]).await;
    }
    let replies = join_all((0..20).map(|_| api.post(ADA, PATH, new_key()))).await;
    let created: Vec<_> = replies.iter().filter(|reply| reply.status == 201).collect();
    assert_eq!(created.len(), room);
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        assert_eq!(reply.problem(), (409, "conflict".to_owned()));
        assert!(reply.text.contains("100 API keys"), "{}", reply.text);
    }
    // One that is revoked makes room for one, and refusals were not told as creations.
    assert_eq!(api.delete(ADA, &path(&created[0].body())).await.status, 204);
    assert_eq!(api.post(ADA, PATH, new_key()).await.status, 201);
    assert_eq!(api.post(ADA, PATH, new_key()).await.status, 409);
    let events = events(&api).await;
    let told = |action: &str| events.iter().filter(|event| event.0 == action).count();
    assert_eq!(
        (told("api_key_created"), told("api_key_revoked")),
        (room + 1, 1)
    );
}

#[tokio::test]
async fn keys_that_have_expired_take_no_room_and_are_cleared_away() {
    let api = api().await;
    let mut brief = new_key();
    brief["expires_in_seconds"] = json!(60);
    let first = create(&api, ADA, brief).await;
    for _ in 0..ApiKey::MOST_IN_A_TENANT - 1 {
        api.people.api_key("ada", &[]).await;
    }
    assert_eq!(api.post(ADA, PATH, new_key()).await.status, 409);
    api.app.clock.advance(Duration::from_secs(60));
    assert_eq!(api.post(ADA, PATH, new_key()).await.status, 201);
    let row = format!("\"APIKEY#{}\"", text(&first, "id"));
    assert!(!api.table.dump().await.contains(&row));
}
