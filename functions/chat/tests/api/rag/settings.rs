//! Who says that a turn is answered from documents, and from which.

use serde_json::{Value, json};

use super::{QUESTION, asked, asked_about, base, conversation, passages, rag, text};
use crate::helpers::{ADA, api};

#[tokio::test]
async fn the_turn_comes_before_the_conversation_and_that_before_the_tenant() {
    let (api, first, _) = asked_about().await;
    let second = base(&api).await;
    text(&api, &second, "Second", "The notice period is a week.").await;
    let registry = json!({"defaults": {"settings": rag(&first)}});
    let models = api.beside(models::router);
    let put = models.send_with(
        ADA,
        axum::http::Method::PUT,
        "/api/v1/registry",
        test_support::Body::Json(registry),
        &[("if-match", "\"0\"")],
    );
    let put = put.await;
    assert!(put.status.is_success(), "{}", put.text);
    let second = json!({"knowledge_base_ids": [second]});
    let cases = [
        (json!({}), json!({}), Some("Rules")),
        (second.clone(), json!({}), Some("Second")),
        (second.clone(), rag(&first), Some("Rules")),
        (second, json!({"workflow": "plain"}), None),
    ];
    for (of_conversation, of_turn, name) in cases {
        let path = conversation(&api, ADA, of_conversation).await;
        let body = json!({"content": QUESTION, "settings": of_turn});
        let reply = api.post(ADA, &path, body).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        let (sent, _) = asked(&api);
        match name {
            Some(name) => {
                let expected = format!("\"document\":\"{name}\"");
                assert!(passages(&sent).contains(&expected), "{sent:?}");
                assert!(reply.body()["support"].is_string());
            }
            None => {
                assert_eq!(sent.len(), 1);
                assert!(reply.body().get("support").is_none());
            }
        }
    }
}

#[tokio::test]
async fn what_can_t_be_answered_from_documents_is_refused_with_its_field() {
    let (api, base, _) = asked_about().await;
    let path = conversation(&api, ADA, json!({})).await;
    let unknown = shared::model::KnowledgeBaseId::new().to_string();
    let named = |ids: Value| json!({"workflow": "rag", "knowledge_base_ids": ids});
    let nine: Vec<String> = (0..9)
        .map(|_| shared::model::KnowledgeBaseId::new().to_string())
        .collect();
    let cases = [
        (json!({"workflow": "tools"}), "/settings/workflow"),
        (json!({"workflow": "full"}), "/settings/workflow"),
        (json!({"workflow": "rag"}), "/settings/knowledge_base_ids"),
        (named(json!([])), "/settings/knowledge_base_ids"),
        (named(json!([base, base])), "/settings/knowledge_base_ids"),
        (named(json!(nine)), "/settings/knowledge_base_ids"),
        (
            named(json!([base, unknown])),
            "/settings/knowledge_base_ids/1",
        ),
        (
            json!({"workflow": "rag", "knowledge_base_ids": [base], "max_output_tokens": 1_700}),
            "",
        ),
    ];
    for (settings, field) in cases {
        let body = json!({"content": QUESTION, "settings": settings});
        let reply = api.post(ADA, &path, body).await;
        if field.is_empty() {
            // Models say themselves how much they write at most.
            assert_eq!(reply.status, 201, "{}", reply.text);
            continue;
        }
        assert_eq!(reply.status, 422, "{settings}: {}", reply.text);
        assert_eq!(reply.body()["errors"][0]["field"], field, "{settings}");
    }
    let tool = json!({"name": "look", "description": "Looks.", "parameters": {"type": "object"}});
    let body =
        json!({"content": QUESTION, "model": "large", "settings": rag(&base), "tools": [tool]});
    let reply = api.post(ADA, &path, body).await;
    assert_eq!(reply.status, 422, "{}", reply.text);
    assert_eq!(reply.body()["errors"][0]["field"], "/settings/workflow");
}

#[tokio::test]
async fn a_private_base_is_refused_to_others_in_the_words_for_none() {
    let (api, _, _) = asked_about().await;
    let made = super::bases(&api)
        .post(ADA, super::BASES, json!({"name": "Mine"}))
        .await;
    let private = made.body()["id"].as_str().expect("an id").to_owned();
    let role = shared::model::MembershipRole::Member;
    api.people.join("bob", "ada", role).await;
    let bob = Some("bob");
    let path = conversation(&api, bob, json!({})).await;
    let mut said = Vec::new();
    for id in [private, shared::model::KnowledgeBaseId::new().to_string()] {
        let body = json!({"content": QUESTION, "settings": rag(&id)});
        let reply = api.post(bob, &path, body).await;
        assert_eq!(reply.status, 422, "{}", reply.text);
        said.push(reply.body()["errors"].clone());
    }
    assert_eq!(said[0], said[1]);
    let (sent, embedded) = asked(&api);
    assert_eq!((sent.len(), embedded), (0, 0));
}

#[tokio::test]
async fn a_window_without_room_for_passages_is_refused() {
    let api = api().await;
    let base = base(&api).await;
    let path = conversation(&api, ADA, rag(&base)).await;
    // Of 2,048 tokens 512 are for the answer.
    let reply = super::ask(&api, &path, &"word ".repeat(300)).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let reply = super::ask(&api, &path, &"word ".repeat(600)).await;
    assert_eq!(reply.status, 422, "{}", reply.text);
    assert_eq!(reply.body()["errors"][0]["field"], "/settings/workflow");
}
