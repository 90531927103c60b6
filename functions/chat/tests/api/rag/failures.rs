//! A turn whose documents can't be searched says so, and asks no model.

use serde_json::json;

use super::{BASES, QUESTION, ask, asked, asked_about, base, conversation, delete, rag, work};
use crate::helpers::{ADA, api, messages};
use crate::runs::run_of;

#[tokio::test]
async fn without_vectors_there_is_no_answer_and_the_question_is_kept() {
    let (api, base, _) = asked_about().await;
    let path = conversation(&api, ADA, rag(&base)).await;
    let away = serde_json::from_value(json!({"status": 500})).expect("a script");
    api.provider.script_when(QUESTION, away);
    let reply = ask(&api, &path, QUESTION).await;
    assert_eq!(reply.problem(), (503, "retrieval-failed".to_owned()));
    let kept = messages(&api, &path).await;
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0]["failure"], "urn:chatter:problem:retrieval-failed");
    let (sent, _) = asked(&api);
    assert!(sent.is_empty(), "no model was asked");
    let fine = serde_json::from_value(json!({"say": ["Fine."]})).expect("a script");
    api.provider.script_when(QUESTION, fine);
    assert_eq!(ask(&api, &path, QUESTION).await.status, 201);
}

#[tokio::test]
async fn a_base_that_is_deleted_is_refused_before_anything_is_written() {
    let api = api().await;
    let base = base(&api).await;
    let path = conversation(&api, ADA, rag(&base)).await;
    delete(&api, &format!("{BASES}/{base}")).await;
    let reply = ask(&api, &path, QUESTION).await;
    assert_eq!(reply.status, 422, "{}", reply.text);
    let field = &reply.body()["errors"][0]["field"];
    assert_eq!(field, "/settings/knowledge_base_ids/0");
    assert!(messages(&api, &path).await.is_empty());
}

#[tokio::test]
async fn in_the_background_the_worker_searches_as_whoever_asked() {
    let (api, base, _) = asked_about().await;
    let path = conversation(&api, ADA, rag(&base)).await;
    let body = json!({"content": QUESTION, "background": true});
    let worker = run_worker::RunWorker::with(&api.app, engine::ProviderKeys::fixed([]));
    let queued = api.post(ADA, &path, body.clone()).await;
    assert_eq!(queued.status, 202, "{}", queued.text);
    assert_eq!(asked(&api).1, 0, "nothing is searched yet");
    work(&worker, api.app.run_queue.take()).await;
    let answer = messages(&api, &path).await.remove(1);
    assert_eq!(answer["support"], "full", "{answer}");
    // And one whose knowledge base is gone by then.
    let queued = api.post(ADA, &path, body).await;
    delete(&api, &format!("{BASES}/{base}")).await;
    api.provider.take_requests();
    work(&worker, api.app.run_queue.take()).await;
    let run = api.get(ADA, &run_of(&queued)).await.body();
    assert_eq!(run["status"], "failed", "{run}");
    assert_eq!(run["problem"]["detail"], "there is no such knowledge base");
    assert_eq!(run["attempts"], json!([]));
    assert_eq!(asked(&api), (Vec::new(), 0));
}
