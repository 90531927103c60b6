//! Documents that are taken in and found again by their meaning, with the real embedding model and the real protocol of S3.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::team::json_of;

const MINUTE: Duration = Duration::from_mins(1);
/// Has no word in common with what asks for it.
const LOGIN: &str = "CONTENT-CANARY I forgot my login credentials and need to change them.";
const RAIN: &str = "CONTENT-CANARY The weather in Paris is rainy today.";

pub(crate) async fn documents_are_found_by_meaning(client: &Client) {
    let body = json!({"name": "Help"});
    let base = json_of(client.post("/api/v1/knowledge-bases", &body).await, 201).await;
    assert_eq!(
        base["index"]["embedding_model"], "all-minilm-l6-v2",
        "{base}"
    );
    let base = format!("/api/v1/knowledge-bases/{}", id_of(&base));
    let inline = json!({"name": "Login", "source": {"text": LOGIN}});
    let login = json_of(
        client.post(&format!("{base}/documents"), &inline).await,
        201,
    )
    .await;
    let rain = uploaded(client, &base, RAIN).await;
    for document in [&login, &rain] {
        is_ready(client, &format!("{base}/documents/{}", id_of(document))).await;
    }
    let reset = "How do I reset my password?";
    assert_eq!(found(client, &base, reset).await, ["Login", "Rain"]);
    let umbrella = "Will I need an umbrella in the capital of France?";
    assert_eq!(found(client, &base, umbrella).await, ["Rain", "Login"]);
    let path = format!("{base}/documents/{}", id_of(&login));
    let deleted = client.request(Method::DELETE, &path).send().await;
    assert_eq!(deleted.expect("an answer").status(), 204);
    assert_eq!(found(client, &base, reset).await, ["Rain"]);
    assert_eq!(client.get(&path).await.status(), 404);
}

/// A document whose bytes are put where the reply says, exactly as it says.
async fn uploaded(client: &Client, base: &str, text: &'static str) -> Value {
    let source = json!({"upload": {"bytes": text.len()}, "file_name": "rain.txt"});
    let body = json!({"name": "Rain", "source": source});
    let path = format!("{base}/documents");
    let document = json_of(client.post(&path, &body).await, 201).await;
    let upload = &document["upload"];
    assert_eq!(upload["method"], "PUT", "{document}");
    let mut put = reqwest::Client::new().put(upload["url"].as_str().expect("an address"));
    for (name, value) in upload["headers"].as_object().expect("headers") {
        put = put.header(name, value.as_str().expect("a value"));
    }
    let put = put.body(text).send().await.expect("an answer");
    assert!(put.status().is_success(), "{put:?}");
    let complete = format!("{path}/{}/complete", id_of(&document));
    json_of(client.post(&complete, &json!({})).await, 202).await;
    document
}

/// Waits until a document was taken in.
async fn is_ready(client: &Client, path: &str) {
    let end = Instant::now() + MINUTE;
    loop {
        let document = json_of(client.get(path).await, 200).await;
        if document["status"] == "ready" {
            return;
        }
        assert!(document["failure"].is_null(), "{document}");
        assert!(Instant::now() < end, "not ready: {document}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The documents that a search by vectors alone finds, the best one first.
async fn found(client: &Client, base: &str, query: &str) -> Vec<String> {
    let body = json!({"query": query, "mode": "vector"});
    let reply = client.post(&format!("{base}/search"), &body).await;
    let reply = json_of(reply, 200).await;
    let chunks = reply["data"].as_array().expect("chunks").iter();
    let name = |chunk: &Value| chunk["document_name"].as_str().expect("a name").to_owned();
    chunks.map(name).collect()
}

fn id_of(view: &Value) -> &str {
    view["id"].as_str().expect("an id")
}
