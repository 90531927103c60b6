//! API keys that are none.

use axum::http::Method;
use serde::Deserialize;
use shared::auth::ApiKeyText;
use shared::config::Stage;
use shared::model::Scope;
use test_support::{Body, TestApi};

use crate::tokens::{bear, can_be_sent};
use crate::{corpus, tokens};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    #[serde(rename = "source")]
    _source: String,
    key: String,
    /// How often the table is read for it.
    reads: usize,
}

#[tokio::test]
async fn a_key_that_is_none_is_401_and_costs_no_read() {
    let api = TestApi::new(|app, _| conversations::router(app)).await;
    let key = api
        .people
        .api_key("ada", &[Scope::ConversationsWrite])
        .await;
    assert_eq!(bear(&api, &key).await.status, 201);
    let random = |stage| {
        ApiKeyText::random(stage)
            .expect("random")
            .expose()
            .to_owned()
    };
    let nobodys = random(api.app.config.stage);
    let other_stage = match api.app.config.stage {
        Stage::Prod => Stage::Dev,
        _ => Stage::Prod,
    };
    let digits = key.rsplit('_').next().expect("digits");
    let (start, last) = key.split_at(key.len() - 1);
    let words = [
        ("key", key.clone()),
        ("key without its last", start.to_owned()),
        (
            "another last",
            if last == "a" { "b" } else { "a" }.to_owned(),
        ),
        ("prefix", key.trim_end_matches(digits).to_owned()),
        ("digits", digits.to_owned()),
        ("digits in small letters", digits.to_lowercase()),
        ("9,000 digits", "0".repeat(9000)),
        ("key of another stage", random(other_stage)),
        ("key of nobody", nobodys),
    ];
    for (place, row) in corpus::<Row>("api-keys.json").iter().enumerate() {
        let name = &row.name;
        let sent = words.iter().fold(row.key.clone(), |text, (word, value)| {
            text.replace(&format!("{{{word}}}"), value)
        });
        assert!(sent != key, "{name}: a good key was sent");
        if !can_be_sent(&sent) {
            assert!(sent.contains(char::is_control), "{name}: {sent}");
            continue;
        }
        let api = api.from_source(&format!("203.0.113.{place}"));
        let before = api.table.dump().await;
        api.table.take_calls();
        let reply = bear(&api, &sent).await;
        assert_eq!(
            reply.problem(),
            (401, "unauthenticated".to_owned()),
            "{name}"
        );
        assert_eq!(api.table.take_calls().len(), row.reads, "{name}");
        assert_eq!(api.table.dump().await, before, "{name}");
    }
    // In a query it counts nowhere.
    let path = format!("{}?api_key={key}&access_token={key}", tokens::CONVERSATIONS);
    let reply = api.send(None, Method::GET, &path, Body::Empty).await;
    assert_eq!(reply.status, 401);
}
