//! Two turns of one conversation, and a conversation that is deleted under a turn.

use std::time::Duration;

use serde_json::json;
use test_support::Fault;

use crate::helpers::{ADA, api, conversation, messages, provider_asked, say, transcript};

#[tokio::test]
async fn a_second_turn_waits_for_the_first() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let first = say(&api, &path, json!({"say": ["Hi"], "head_delay_ms": 300}));
    let second = async {
        provider_asked(&api).await;
        say(&api, &path, "Me too").await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.status, 201, "{}", first.text);
    assert_eq!(second.problem(), (409, "conversation-busy".to_owned()));
    assert_eq!(second.header("retry-after"), "1");
    assert_eq!(say(&api, &path, "Now").await.status, 201);
    assert_eq!(messages(&api, &path).await.len(), 4);
}

#[tokio::test]
async fn of_ten_turns_at_once_each_is_answered_or_refused_and_none_is_mixed_up() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let turns = (0..10).map(|index| say(&api, &path, format!("number {index}")));
    let replies = futures_util::future::join_all(turns).await;
    let answered = replies.iter().filter(|reply| reply.status == 201).count();
    assert!(answered >= 1);
    assert!(
        replies
            .iter()
            .all(|reply| reply.status == 201 || reply.status == 409)
    );
    let stored = transcript(&messages(&api, &path).await);
    assert_eq!(stored.len(), answered * 2);
    for turn in stored.chunks(2) {
        assert_eq!(turn[1].1, format!("You said: {}", turn[0].1));
    }
}

#[tokio::test]
async fn a_turn_whose_process_died_blocks_the_next_only_for_its_lease() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let request = async {
        // Nobody waits for this turn, and its provider never answers.
        say(&api, &path, json!({"head_delay_ms": 3_600_000})).await
    };
    assert!(
        tokio::time::timeout(Duration::from_millis(200), request)
            .await
            .is_err()
    );
    assert_eq!(
        say(&api, &path, "Hi").await.problem(),
        (409, "conversation-busy".to_owned())
    );
    // From here on its process can't say that it is alive.
    api.table.fail("UpdateItem", Fault::Denied, 1_000);
    api.app.clock.advance(Duration::from_secs(11));
    assert_eq!(say(&api, &path, "Hi").await.status, 201);
}

#[tokio::test]
async fn of_a_conversation_that_is_deleted_under_a_turn_nothing_stays() {
    let api = api().await;
    for script in [
        json!({"say": ["Hi"], "head_delay_ms": 200}),
        json!({"status": 500, "head_delay_ms": 200}),
    ] {
        let path = conversation(&api, json!({})).await;
        let conversations = api.beside(conversations::router);
        let turn = say(&api, &path, script);
        let deletion = async {
            provider_asked(&api).await;
            conversations
                .delete(ADA, path.trim_end_matches("/messages"))
                .await
        };
        let (turn, deletion) = tokio::join!(turn, deletion);
        assert_eq!(deletion.status, 204);
        assert_eq!(turn.problem(), (404, "not-found".to_owned()));
        let dump = api.table.dump().await;
        assert!(!dump.contains("MSG#") && !dump.contains("CONV#"), "{dump}");
    }
}
