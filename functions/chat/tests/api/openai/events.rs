//! Responses as events.

use serde_json::{Value, json};

use super::{RESPONSES, data, id, respond, text};
use crate::helpers::{ADA, api};

fn names(events: &[Value]) -> Vec<&str> {
    let names = events
        .iter()
        .map(|event| event["type"].as_str().expect("a type"));
    names.collect()
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "the events, one by one")]
async fn events_tell_the_response_and_are_read_on_from_any_of_them() {
    let api = api().await;
    let call = json!({"id": "call_a", "name": "weather", "arguments": ["{\"city\":", "\"Oslo\"}"]});
    let script = json!({
        "think": ["Hm", "."], "say": ["Lo", "ok: "], "calls": [call], "finish": "tool_calls", "delay_ms": 1,
    });
    let tool = json!({"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}});
    let more = json!({"model": "large", "stream": true, "tools": [tool]});
    let reply = respond(&api, json!(script.to_string()), more).await;
    let events = data(&reply);
    assert_eq!(
        names(&events),
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.reasoning_text.delta",
            "response.reasoning_text.delta",
            "response.reasoning_text.done",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.delta",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.delta",
            "response.output_item.done",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number, "{event}");
    }
    let lines = reply.text.lines();
    let sent: Vec<&str> = lines
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();
    assert_eq!(sent, names(&events), "SSE name and type are the same");
    let response = &events.last().expect("an event")["response"];
    let deltas = events
        .iter()
        .filter(|event| event["type"] == "response.output_text.delta");
    let said: String = deltas
        .map(|event| event["delta"].as_str().expect("text"))
        .collect();
    assert_eq!(said, "Look: ");
    assert_eq!(text(response), said);
    let done: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "response.output_item.done")
        .collect();
    for (index, event) in done.iter().enumerate() {
        assert_eq!(event["item"], response["output"][index]);
        let added = events
            .iter()
            .filter(|event| event["type"] == "response.output_item.added");
        let added = added.clone().nth(index).expect("added before");
        assert_eq!(added["item"]["id"], event["item"]["id"]);
        assert_eq!(added["output_index"], event["output_index"]);
    }
    let response_id = response["id"].as_str().expect("an id");
    let path = format!("{RESPONSES}/{response_id}");
    assert_eq!(api.get(ADA, &path).await.body(), *response);
    for known in 0..events.len() {
        let rest = api
            .get(ADA, &format!("{path}?stream=true&starting_after={known}"))
            .await;
        assert_eq!(data(&rest), events[known + 1..], "after {known}");
    }
    let all = api.get(ADA, &format!("{path}?stream=true")).await;
    assert_eq!(data(&all), events);
}

#[tokio::test]
async fn a_response_that_fails_says_so_with_its_last_event() {
    let api = api().await;
    let script = json!({"say": ["Hel", "lo"], "cut_after": 1}).to_string();
    let reply = respond(&api, json!(script), json!({"stream": true})).await;
    let events = data(&reply);
    let last = events.last().expect("an event");
    assert_eq!(last["type"], "response.failed");
    assert_eq!(last["response"]["status"], "failed");
    assert_eq!(last["response"]["error"]["code"], "server_error", "{last}");
    let path = format!(
        "{RESPONSES}/{}",
        last["response"]["id"].as_str().expect("an id")
    );
    assert_eq!(
        api.get(ADA, &path).await.body()["error"],
        last["response"]["error"]
    );
}

#[tokio::test]
async fn one_in_the_background_can_be_read_along() {
    let api = api().await;
    let more = json!({"background": true});
    let made = respond(&api, json!("Hi"), more).await;
    super::responses::work(&api).await;
    let path = format!("{RESPONSES}/{}?stream=true&starting_after=1", id(&made));
    let events = data(&api.get(ADA, &path).await);
    assert_eq!(names(&events)[0], "response.output_item.added");
    assert_eq!(names(&events).last(), Some(&"response.completed"));
}
