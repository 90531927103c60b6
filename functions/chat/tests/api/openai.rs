//! The OpenAI-compatible front door.

mod chains;
mod completions;
mod conversations;
mod documents;
mod events;
mod formats;
mod refused;
mod responses;

use serde_json::{Value, json};
use test_support::{Reply, TestApi};

use crate::helpers::ADA;

const COMPLETIONS: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";

/// A chat completion with these messages and whatever else.
async fn complete(api: &TestApi, messages: Value, more: Value) -> Reply {
    let mut body = json!({"model": "small", "messages": messages});
    extend(&mut body, &more);
    api.post(ADA, COMPLETIONS, body).await
}

/// A response with this input and whatever else.
async fn respond(api: &TestApi, input: Value, more: Value) -> Reply {
    let mut body = json!({"model": "small", "input": input});
    extend(&mut body, &more);
    api.post(ADA, RESPONSES, body).await
}

fn extend(body: &mut Value, more: &Value) {
    let more = more.as_object().cloned().expect("fields");
    body.as_object_mut().expect("fields").extend(more);
}

fn user(content: impl std::fmt::Display) -> Value {
    json!({"role": "user", "content": format!("{content}")})
}

/// The id of something that was made well.
fn id(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.body()["id"].as_str().expect("an id").to_owned()
}

/// The text of a response.
fn text(response: &Value) -> String {
    let items = response["output"].as_array().expect("items").iter();
    let parts = items.flat_map(|item| item["content"].as_array().cloned().unwrap_or_default());
    parts
        .filter(|part| part["type"] == "output_text")
        .map(|part| part["text"].as_str().expect("text").to_owned())
        .collect()
}

/// The error of a failed request: status, code and parameter.
fn failure(reply: &Reply) -> (u16, String, Option<String>) {
    let error = &reply.body()["error"];
    let code = error["code"].as_str().expect("a code").to_owned();
    let param = error["param"].as_str().map(ToOwned::to_owned);
    (reply.status.as_u16(), code, param)
}

/// Roles and contents that the provider was sent last.
fn sent(api: &TestApi) -> Vec<(String, String)> {
    crate::helpers::sent(api)
}

/// The data of each event of a stream, without the last word `[DONE]` if there is one.
fn data(reply: &Reply) -> Vec<Value> {
    assert_eq!(reply.status, 200, "{}", reply.text);
    let lines = reply.text.lines();
    let lines = lines.filter_map(|line| line.strip_prefix("data: "));
    lines
        .filter(|line| *line != "[DONE]")
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}
