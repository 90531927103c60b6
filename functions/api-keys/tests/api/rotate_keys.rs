//! Rotating keys.

use std::time::Duration;

use serde_json::json;

use crate::helpers::{ADA, api, conversations, create, new_key, path, rotate, text, use_key};

#[tokio::test]
async fn a_new_text_works_at_once_and_the_old_one_until_the_overlap_ends() {
    let api = api().await;
    let other = conversations(&api);
    let key = create(&api, ADA, new_key()).await;
    let old = text(&key, "key");
    assert_eq!(use_key(&other, &old).await, 200);
    let reply = rotate(&api, &key, 600).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("etag")),
        (200, "\"2\"")
    );
    let rotated = reply.body();
    let new = text(&rotated, "key");
    assert_ne!(old, new);
    assert_eq!(rotated["id"], key["id"]);
    let previous =
        json!([{"last4": old[old.len() - 4..], "expires_at": "2026-01-01T00:10:00.000000Z"}]);
    assert_eq!(rotated["previous"], previous);
    api.app.clock.advance(Duration::from_secs(599));
    for text in [&old, &new] {
        assert_eq!(use_key(&other, text).await, 200);
    }
    api.app.clock.advance(Duration::from_secs(1));
    assert_eq!(use_key(&other, &old).await, 401);
    assert_eq!(use_key(&other, &new).await, 200);
    assert_eq!(
        api.get(ADA, &path(&key)).await.body()["previous"],
        json!([])
    );
}

#[tokio::test]
async fn without_an_overlap_all_old_texts_end_at_once() {
    let api = api().await;
    let here = conversations(&api);
    let there = api.elsewhere(conversations::router);
    let key = create(&api, ADA, new_key()).await;
    let mut texts = vec![text(&key, "key")];
    for overlap in [600, 600, 0] {
        for text in &texts {
            assert_eq!(use_key(&here, text).await, 200);
            assert_eq!(use_key(&there, text).await, 200);
        }
        let rotated = rotate(&api, &key, overlap).await.body();
        texts.push(text(&rotated, "key"));
    }
    let newest = texts.pop().expect("the newest");
    for text in &texts {
        assert_eq!(use_key(&here, text).await, 401);
    }
    assert_eq!(use_key(&here, &newest).await, 200);
    api.app.clock.advance(Duration::from_secs(30));
    for text in &texts {
        assert_eq!(use_key(&there, text).await, 401);
    }
    assert_eq!(use_key(&there, &newest).await, 200);
}

#[tokio::test]
async fn a_rotation_whose_reply_was_lost_can_be_repeated_without_harm_to_the_text_in_use() {
    let api = api().await;
    let other = conversations(&api);
    let key = create(&api, ADA, new_key()).await;
    for _ in 0..4 {
        assert_eq!(rotate(&api, &key, 600).await.status, 200);
    }
    assert_eq!(use_key(&other, &text(&key, "key")).await, 200);
    let fifth = rotate(&api, &key, 600).await;
    assert_eq!(fifth.problem(), (409, "conflict".to_owned()));
    assert_eq!(use_key(&other, &text(&key, "key")).await, 200);
    api.app.clock.advance(Duration::from_secs(600));
    assert_eq!(rotate(&api, &key, 600).await.status, 200);
}

#[tokio::test]
async fn an_old_text_does_not_outlive_its_key() {
    let api = api().await;
    let other = conversations(&api);
    let mut brief = new_key();
    brief["expires_in_seconds"] = json!(60);
    let key = create(&api, ADA, brief).await;
    let rotated = rotate(&api, &key, 600).await.body();
    api.app.clock.advance(Duration::from_secs(60));
    for issued in [&key, &rotated] {
        assert_eq!(use_key(&other, &text(issued, "key")).await, 401);
    }
}

#[tokio::test]
async fn an_overlap_is_a_week_at_most() {
    let api = api().await;
    let key = create(&api, ADA, new_key()).await;
    assert_eq!(rotate(&api, &key, 604_800).await.status, 200);
    assert_eq!(
        rotate(&api, &key, 604_801).await.errors()[0].0,
        "/overlap_seconds"
    );
    let reply = api
        .post(ADA, &format!("{}/rotate", path(&key)), json!({}))
        .await;
    assert_eq!(reply.problem().0, 422);
}
