//! Searching vector stores.

use serde_json::json;

use super::{STORES, failure};
use crate::helpers::{ADA, World};

#[tokio::test]
async fn results_have_openai_s_shape() {
    let world = World::new().await;
    let store = world.store(json!({})).await;
    for (name, text, year) in [
        ("norway.txt", "The fjords of Norway are deep.", 2025),
        ("sweden.txt", "The lakes of Sweden are wide.", 2026),
    ] {
        let file = world.upload(name, text).await;
        let body = json!({"file_id": file, "attributes": {"year": year}});
        let path = format!("{STORES}/{store}/files");
        assert_eq!(world.api.post(ADA, &path, body).await.status, 200);
    }
    world.work_all().await;
    let path = format!("{STORES}/{store}/search");
    let body = json!({"query": "deep fjords", "max_num_results": 1, "rewrite_query": false});
    let found = world.api.post(ADA, &path, body).await.body();
    assert_eq!(
        found["object"], "vector_store.search_results.page",
        "{found}"
    );
    assert_eq!(found["search_query"], json!(["deep fjords"]));
    assert_eq!(
        (&found["has_more"], &found["next_page"]),
        (&json!(false), &json!(null))
    );
    let data = found["data"].as_array().expect("a list");
    assert_eq!(data.len(), 1);
    assert_eq!(data[0]["filename"], "norway.txt");
    assert!(
        data[0]["file_id"]
            .as_str()
            .is_some_and(|id| id.starts_with("file_"))
    );
    assert!(
        data[0]["score"]
            .as_f64()
            .is_some_and(|score| score > 0.0 && score <= 1.0)
    );
    let attributes = &data[0]["attributes"];
    assert_eq!(attributes["year"].as_f64(), Some(2025.0));
    let content = json!([{"type": "text", "text": "The fjords of Norway are deep."}]);
    assert_eq!(data[0]["content"], content);
    let filters =
        json!({"type": "and", "filters": [{"type": "gte", "key": "year", "value": 2026}]});
    let body =
        json!({"query": "fjords", "filters": filters, "ranking_options": {"ranker": "auto"}});
    let found = world.api.post(ADA, &path, body).await.body();
    assert_eq!(found["data"][0]["filename"], "sweden.txt", "{found}");
    let sure = json!({"query": "fjords", "ranking_options": {"score_threshold": 1.0}});
    let found = world.api.post(ADA, &path, sure).await.body();
    let data = found["data"].as_array().expect("a list");
    assert!(data.len() <= 1, "{found}");
}

#[tokio::test]
async fn what_searches_can_t_do_is_refused_by_name() {
    let world = World::new().await;
    let path = format!("{STORES}/{}/search", world.store(json!({})).await);
    for (body, code, param) in [
        (json!({}), "missing_required_parameter", "query"),
        (
            json!({"query": ["a", "b"]}),
            "unsupported_parameter",
            "query",
        ),
        (json!({"query": " "}), "invalid_value", "query"),
        (
            json!({"query": "a", "rewrite_query": true}),
            "unsupported_parameter",
            "rewrite_query",
        ),
        (
            json!({"query": "a", "max_num_results": 51}),
            "invalid_value",
            "max_num_results",
        ),
        (
            json!({"query": "a", "ranking_options": {"ranker": "default-2024-11-15"}}),
            "unsupported_parameter",
            "ranking_options.ranker",
        ),
        (
            json!({"query": "a", "ranking_options": {"score_threshold": 2}}),
            "invalid_value",
            "ranking_options.score_threshold",
        ),
        (
            json!({"query": "a", "filters": {"type": "and", "filters": [{"type": "like", "key": "a", "value": 1}]}}),
            "invalid_value",
            "filters.filters[0].type",
        ),
        (
            json!({"query": "a", "limit": 1}),
            "unknown_parameter",
            "limit",
        ),
    ] {
        let reply = world.api.post(ADA, &path, body.clone()).await;
        let expected = (400, code.to_owned(), Some(param.to_owned()));
        assert_eq!(failure(&reply), expected, "{body}: {}", reply.text);
    }
}
