//! What the model is sent of a long conversation.

use serde_json::json;

use crate::helpers::{api, conversation, fill, pair, say, sent};

/// 90 characters: 30 tokens, and 8 for the role.
fn thirty_eight(sequence: u64) -> String {
    format!("{sequence:090}")
}

#[tokio::test]
async fn the_newest_messages_that_fit_are_sent() {
    let api = api().await;
    let path = conversation(
        &api,
        json!({"system_prompt": "Be brief.", "settings": {"context_overflow": "truncate"}}),
    )
    .await;
    fill(&api, &path, 200, thirty_eight).await;
    say(&api, &path, "Hi").await;
    let sent = sent(&api);
    // 2048 − 512 for the answer − (3 + 8) for the instructions − (1 + 8) for the question = 1516 = 39 × 38 + 34.
    // The oldest of the 39 is an answer, which does not come first.
    let expected = 38;
    assert_eq!(sent.len(), 1 + expected + 1);
    assert_eq!(sent[0], pair("system", "Be brief."));
    assert_eq!(sent[1], pair("user", &thirty_eight(163)));
    assert_eq!(sent[expected], pair("assistant", &thirty_eight(200)));
    assert_eq!(sent[expected + 1], pair("user", "Hi"));
}

#[tokio::test]
async fn a_large_window_gets_what_a_small_one_can_not_hold() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    fill(&api, &path, 200, thirty_eight).await;
    say(&api, &path, "Hi").await;
    let sent = sent(&api);
    assert_eq!(sent.len(), 201);
    assert_eq!(sent[0], pair("user", &thirty_eight(1)));
}
