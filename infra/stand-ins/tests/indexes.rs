//! The servers of indexes refuse what the real ones refuse, in their words.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use serde_json::{Value, json};
use stand_ins::qdrant::LocalQdrant;
use stand_ins::s3_vectors::LocalS3Vectors;

async fn call(method: &str, url: String, body: &Value) -> (u16, Value) {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let request = reqwest::Client::new().request(method, url).json(body);
    let response = request.header("authorization", "any").send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or_default())
}

#[tokio::test]
async fn qdrant_refuses_what_is_missing_unknown_or_of_another_size() {
    let server = LocalQdrant::start(None).await.unwrap();
    let at = |rest: &str| format!("{}/collections/c{rest}", server.url);
    let query = json!({"searches": [{"query": [1.0, 0.0], "using": "vector", "limit": 1}]});
    let (status, body) = call("POST", at("/points/query/batch"), &query).await;
    assert_eq!(status, 404);
    assert_eq!(
        body["status"]["error"],
        "Not found: Collection `c` doesn't exist!"
    );
    assert!(body["time"].is_number());
    let new = json!({
        "vectors": {"vector": {"size": 2, "distance": "Cosine"}},
        "sparse_vectors": {"words": {"modifier": "idf"}},
    });
    assert_eq!(call("PUT", at(""), &new).await.0, 200);
    assert_eq!(call("PUT", at(""), &new).await.0, 409);
    let point = |vector: Value| json!({"points": [{"id": uuid::Uuid::nil().to_string(), "vector": vector, "payload": {}}]});
    assert_eq!(
        call("PUT", at("/points"), &point(json!({"vector": [1, 2]})))
            .await
            .0,
        200
    );
    assert_eq!(call("PATCH", at("/points"), &new).await.0, 405);
    for wrong in [
        point(json!({"vector": [1, 2, 3]})),
        point(json!({"other": [1, 2]})),
        json!({"points": [], "more": 1}),
    ] {
        assert_eq!(call("PUT", at("/points"), &wrong).await.0, 400, "{wrong}");
    }
    let unindexed = json!({"filter": {"must": [{"key": "k", "match": {"value": 1}}]}});
    assert_eq!(call("POST", at("/points/delete"), &unindexed).await.0, 400);
    assert_eq!(server.points(), 1);
}

#[tokio::test]
async fn s3_vectors_refuses_what_is_over_its_limits() {
    let server = LocalS3Vectors::start("bucket").await.unwrap();
    let ask = |operation: &str, mut body: Value| {
        body["vectorBucketName"] = json!("bucket");
        body["indexName"] = json!("index");
        let url = format!("{}/{operation}", server.url);
        async move { call("POST", url, &body).await.0 }
    };
    let query = |most: usize| json!({"topK": most, "queryVector": {"float32": [1.0, 0.0]}});
    assert_eq!(ask("QueryVectors", query(1)).await, 404);
    let new = |metric: &str| {
        json!({"dataType": "float32", "dimension": 2, "distanceMetric": metric,
        "metadataConfiguration": {"nonFilterableMetadataKeys": ["text"]}})
    };
    assert_eq!(ask("CreateIndex", new("euclidean")).await, 400);
    assert_eq!(ask("CreateIndex", new("cosine")).await, 200);
    assert_eq!(ask("CreateIndex", new("cosine")).await, 409);
    assert_eq!(ask("QueryVectors", query(100)).await, 200);
    assert_eq!(ask("QueryVectors", query(101)).await, 400);
    let vector = |numbers: Value, metadata: Value| json!({"key": "k", "data": {"float32": numbers}, "metadata": metadata});
    let good = vector(json!([1, 0]), json!({"text": "x".repeat(30_000)}));
    assert_eq!(
        ask("PutVectors", json!({"vectors": vec![&good; 500]})).await,
        200
    );
    for wrong in [
        vec![good; 501],
        vec![vector(json!([1, 0, 0]), json!({}))],
        vec![vector(json!([0, 0]), json!({}))],
        vec![vector(json!([1, 0]), json!({"text": "x".repeat(41_000)}))],
        vec![vector(json!([1, 0]), json!({"other": "x".repeat(2_049)}))],
        vec![vector(json!([1, 0]), json!({"other": []}))],
        vec![],
    ] {
        assert_eq!(ask("PutVectors", json!({"vectors": wrong})).await, 400);
    }
    for filter in [
        json!({"text": {"$eq": "x"}}),
        json!({"a": {"$gt": "x"}}),
        json!({"a": {"$like": "x"}}),
        json!({"$and": []}),
    ] {
        let mut query = query(1);
        query["filter"] = filter;
        assert_eq!(ask("QueryVectors", query).await, 400);
    }
}
