//! What a turn has reserved is settled once, whatever becomes of it.

use std::time::Duration;

use serde_json::json;
use shared::model::MembershipRole;
use test_support::Fault;

use crate::budgets::{allow, amounts, budget, refused, reserved, seen};
use crate::helpers::{ADA, api, conversation, messages, provider_asked, say};
use crate::runs::newest;

#[tokio::test]
async fn what_the_run_of_a_dead_process_reserved_is_there_for_others_again() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    api.people.join("bob", "ada", MembershipRole::Member).await;
    let bobs = api.beside(conversations::router);
    let bobs = bobs
        .post(Some("bob"), "/api/v1/conversations", json!({}))
        .await;
    let bobs = format!("{}/messages", bobs.location());
    let script = json!({"head_delay_ms": 3_600_000}).to_string();
    let enough = reserved(&script) + 100;
    allow(&api, "tenant", json!({"day": {"tokens": enough}})).await;
    let turn = say(&api, &path, &script);
    let others = async {
        let run = newest(&api).await;
        let hello = || json!({"content": "Hello"});
        // It is under way.
        refused(&api.post(Some("bob"), &bobs, hello()).await);
        // From here on its process can't say that it is alive.
        api.table.fail("UpdateItem", Fault::Denied, 1_000);
        api.app.clock.advance(Duration::from_secs(11));
        let reply = api.post(Some("bob"), &bobs, hello()).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        api.table.heal();
        let run = api.get(ADA, &run).await.body();
        assert_eq!(run["status"], "incomplete");
        run["attempts"][0]["usage"]["input_tokens"].as_u64()
    };
    let (_, sent) = tokio::join!(turn, others);
    let sent = sent.expect("a count");
    assert_eq!(sent, reserved(&script) - 512);
    // Bob's turn: 11 tokens of input, two pieces of output.
    assert_eq!(
        amounts(&seen(&api, "tenant").await, "day", "tokens"),
        (sent + 13, 0)
    );
}

#[tokio::test]
async fn a_turn_whose_conversation_is_deleted_is_settled_all_the_same() {
    let api = api().await;
    allow(&api, "tenant", json!({"day": {"tokens": 100_000}})).await;
    let mut spent = 0;
    for (script, tokens) in [
        (json!({"say": ["Hi"], "head_delay_ms": 200}), 12),
        (json!({"status": 500, "head_delay_ms": 200}), 0),
    ] {
        let path = conversation(&api, json!({})).await;
        let conversations = api.beside(conversations::router);
        let turn = say(&api, &path, script);
        let deletion = async {
            provider_asked(&api).await;
            let conversation = path.trim_end_matches("/messages");
            conversations.delete(ADA, conversation).await
        };
        let (_, deletion) = tokio::join!(turn, deletion);
        assert_eq!(deletion.status, 204);
        spent += tokens;
        assert_eq!(
            amounts(&seen(&api, "tenant").await, "day", "tokens"),
            (spent, 0)
        );
    }
}

#[tokio::test]
async fn an_end_whose_reply_is_lost_is_settled_once() {
    let api = api().await;
    allow(&api, "tenant", json!({"day": {"tokens": 100_000}})).await;
    let path = conversation(&api, json!({})).await;
    let script = json!({"say": ["Hi"], "head_delay_ms": 300});
    let turn = say(&api, &path, script);
    let fault = async {
        provider_asked(&api).await;
        // More often than the SDK sends it again: the engine writes another transaction.
        api.table.fail("TransactWriteItems", Fault::ReplyLost, 4);
    };
    let (reply, ()) = tokio::join!(turn, fault);
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert_eq!(
        amounts(&seen(&api, "tenant").await, "day", "tokens"),
        (12, 0)
    );
    assert_eq!(messages(&api, &path).await.len(), 2);
}

#[tokio::test]
async fn a_budget_that_is_made_anew_under_a_turn_counts_from_then_on() {
    let api = api().await;
    allow(&api, "tenant", json!({"day": {"tokens": 100_000}})).await;
    let path = conversation(&api, json!({})).await;
    let turn = say(&api, &path, json!({"say": ["Hi"], "head_delay_ms": 300}));
    let anew = async {
        provider_asked(&api).await;
        api.app.clock.advance(Duration::from_secs(1));
        let path = budget(&api, "tenant").await;
        let deleted = api.beside(tenants::router).delete(ADA, &path).await;
        assert_eq!(deleted.status, 204);
        allow(&api, "tenant", json!({"day": {"tokens": 100_000}})).await;
    };
    let (reply, ()) = tokio::join!(turn, anew);
    assert_eq!(reply.status, 201, "{}", reply.text);
    let budget = seen(&api, "tenant").await;
    assert_eq!(amounts(&budget, "day", "tokens"), (0, 0));
    assert_eq!(budget["day"]["counts_since"], budget["created_at"]);
    assert!(!api.table.dump().await.contains("#RESERVED"));
}
