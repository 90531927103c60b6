//! Responses that follow others, and those in conversations.

use serde_json::{Value, json};

use super::{RESPONSES, failure, id, respond, sent, text};
use crate::helpers::{ADA, api, pair};

fn after(response: &str) -> Value {
    json!({"previous_response_id": response})
}

#[tokio::test]
async fn each_follows_what_it_names_also_where_others_follow_the_same() {
    let api = api().await;
    let first = id(&respond(&api, json!("One"), json!({})).await);
    let second = id(&respond(&api, json!("Two"), after(&first)).await);
    let said = |text: &str| {
        [
            pair("user", text),
            pair("assistant", &format!("You said: {text}")),
        ]
    };
    assert_eq!(
        sent(&api),
        [&said("One")[..], &[pair("user", "Two")]].concat()
    );
    // Another branch from the first, while the second is there.
    let branch = id(&respond(&api, json!("Three"), after(&first)).await);
    assert_eq!(
        sent(&api),
        [&said("One")[..], &[pair("user", "Three")]].concat()
    );
    respond(&api, json!("Four"), after(&branch)).await;
    let expected = [&said("One")[..], &said("Three"), &[pair("user", "Four")]].concat();
    assert_eq!(sent(&api), expected);
    respond(&api, json!("Five"), after(&second)).await;
    let expected = [&said("One")[..], &said("Two"), &[pair("user", "Five")]].concat();
    assert_eq!(sent(&api), expected);
    let mut unstored = after(&second);
    super::extend(&mut unstored, &json!({"store": false}));
    let reply = respond(&api, json!("Six"), unstored).await;
    assert_eq!(text(&reply.body()), "You said: Six");
    let expected = [&said("One")[..], &said("Two"), &[pair("user", "Six")]].concat();
    assert_eq!(sent(&api), expected, "and not what else follows it");
    for response in [&first, &second, &branch] {
        let items = api
            .get(ADA, &format!("{RESPONSES}/{response}/input_items"))
            .await;
        assert_eq!(
            items.body()["data"].as_array().map(Vec::len),
            Some(1),
            "{}",
            items.text
        );
    }
}

#[tokio::test]
async fn what_the_developer_says_stays_and_instructions_do_not() {
    let api = api().await;
    let input = json!([
        {"role": "developer", "content": "You are a pirate."},
        {"role": "user", "content": "One"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Aye"}]},
        {"role": "user", "content": [{"type": "input_text", "text": "Two"}]},
    ]);
    let first = respond(&api, input, json!({"instructions": "Shout."})).await;
    let told = pair("system", "You are a pirate.\n\nShout.");
    let said = [
        pair("user", "One"),
        pair("assistant", "Aye"),
        pair("user", "Two"),
    ];
    assert_eq!(sent(&api), [&[told][..], &said].concat());
    let items = api
        .get(
            ADA,
            &format!("{RESPONSES}/{}/input_items?order=asc", id(&first)),
        )
        .await;
    let roles: Vec<Value> = items.body()["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| item["role"].clone())
        .collect();
    assert_eq!(roles, ["user", "assistant", "user"]);
    let page = api
        .get(
            ADA,
            &format!("{RESPONSES}/{}/input_items?order=asc&limit=2", id(&first)),
        )
        .await
        .body();
    assert_eq!(page["has_more"], true);
    let last = page["last_id"].as_str().expect("an id");
    let rest = api
        .get(
            ADA,
            &format!(
                "{RESPONSES}/{}/input_items?order=asc&after={last}",
                id(&first)
            ),
        )
        .await
        .body();
    assert_eq!(rest["data"], json!([items.body()["data"][2]]));
    respond(&api, json!("Three"), after(&id(&first))).await;
    let sent = sent(&api);
    assert_eq!(sent[0], pair("system", "You are a pirate."));
    assert_eq!(sent.len(), 6);
}

#[tokio::test]
async fn one_in_a_conversation_is_a_turn_of_it() {
    let api = api().await;
    let path = crate::helpers::conversation(&api, json!({"system_prompt": "Be brief."})).await;
    crate::helpers::say(&api, &path, "One").await;
    let conversation = crate::helpers::id(&path).to_string();
    let reply = respond(
        &api,
        json!("Two"),
        json!({"conversation": {"id": conversation}}),
    )
    .await;
    assert_eq!(
        reply.body()["conversation"]["id"],
        conversation,
        "{}",
        reply.text
    );
    assert_eq!(sent(&api)[0], pair("system", "Be brief."));
    let messages = crate::helpers::messages(&api, &path).await;
    let transcript = crate::helpers::transcript(&messages);
    assert_eq!(transcript[3], pair("assistant", "You said: Two"));
    // A branch from it does not come back into it.
    let branch = respond(&api, json!("Three"), after(&id(&reply))).await;
    assert_eq!(sent(&api).len(), 6, "{}", branch.text);
    assert_eq!(crate::helpers::messages(&api, &path).await.len(), 4);
    let deleted = api
        .delete(ADA, &format!("{RESPONSES}/{}", id(&reply)))
        .await;
    assert_eq!(deleted.status, 200);
    assert_eq!(
        crate::helpers::messages(&api, &path).await,
        messages,
        "what is in it stays"
    );
}

#[tokio::test]
async fn one_that_is_still_made_can_not_be_followed() {
    let api = api().await;
    let first = respond(&api, json!("One"), json!({"background": true})).await;
    let reply = respond(&api, json!("Two"), after(&id(&first))).await;
    assert_eq!(failure(&reply).1, "conversation_busy");
    assert_eq!(reply.status, 409);
    let deleted = api
        .delete(ADA, &format!("{RESPONSES}/{}", id(&first)))
        .await;
    assert_eq!(failure(&deleted).0, 409);
}
