//! Answers from documents, by `file_search` and by `metadata`.

use serde_json::{Value, json};

use super::{complete, data, failure, respond, text, user};
use crate::helpers::api;
use crate::rag::{QUESTION, SUPPORTED, TEXT, answers, base, text as document};

#[tokio::test]
async fn file_search_searches_here_and_the_answer_has_annotations() {
    let api = api().await;
    let base = base(&api).await;
    let path = document(&api, &base, "handbook.txt", TEXT).await;
    let file = path.rsplit('/').next().expect("an id");
    answers(&api, QUESTION, SUPPORTED);
    let search = json!({"tools": [{"type": "file_search", "vector_store_ids": [base]}]});
    let made = respond(&api, json!(QUESTION), search.clone()).await.body();
    assert_eq!(made["output"][0]["type"], "file_search_call", "{made}");
    assert_eq!(made["output"][0]["queries"], json!([QUESTION]));
    assert_eq!(text(&made), SUPPORTED);
    let annotation = &made["output"][1]["content"][0]["annotations"][0];
    assert_eq!(annotation["type"], "file_citation", "{made}");
    assert_eq!(annotation["file_id"], file);
    assert_eq!(annotation["filename"], "handbook.txt");
    let mut streamed = search;
    super::extend(&mut streamed, &json!({"stream": true}));
    let events = data(&respond(&api, json!(QUESTION), streamed).await);
    let names: Vec<&Value> = events.iter().map(|event| &event["type"]).collect();
    assert_eq!(
        names[2..7],
        [
            "response.output_item.added",
            "response.file_search_call.in_progress",
            "response.file_search_call.searching",
            "response.file_search_call.completed",
            "response.output_item.done",
        ]
    );
    assert!(
        names
            .iter()
            .any(|name| *name == "response.output_text.annotation.added")
    );
    let metadata = json!({"metadata": {"knowledge_base_ids": base}});
    let completion = complete(&api, json!([user(QUESTION)]), metadata)
        .await
        .body();
    let message = &completion["choices"][0]["message"];
    assert_eq!(message["content"], SUPPORTED, "{completion}");
    assert_eq!(message["annotations"][0]["file_id"], file);
}

#[tokio::test]
async fn what_can_not_be_searched_is_refused_with_its_place() {
    let api = api().await;
    let nobody_s = shared::model::KnowledgeBaseId::new().to_string();
    let search = json!({"type": "file_search", "vector_store_ids": [nobody_s]});
    let refused = respond(&api, json!("Hi"), json!({"tools": [search]})).await;
    let (status, code, param) = failure(&refused);
    assert_eq!(
        (status, code.as_str()),
        (400, "invalid_value"),
        "{}",
        refused.text
    );
    assert_eq!(param.as_deref(), Some("tools[0]"));
    let mut filtered = search;
    filtered["filters"] = json!({"type": "eq", "key": "a", "value": "b"});
    let refused = respond(&api, json!("Hi"), json!({"tools": [filtered]})).await;
    assert_eq!(failure(&refused).2.as_deref(), Some("tools[0].filters"));
}
