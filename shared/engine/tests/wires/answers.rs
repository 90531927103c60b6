//! Answers come whole on every wire, in whatever pieces the network gives them.

use engine::{Part, PromptMessage, Speaker};
use serde_json::{Value, json};
use shared::model::{ContentPart, FinishReason, ToolCall, ToolResult, Usage};

use crate::helpers::{WIRES, World, user};

fn script(split: usize) -> Value {
    json!({
        "think": ["Hm, ", "Ös."],
        "signature": "c2ln",
        "say": ["Let me ", "see ⛵."],
        "calls": [{"id": "call_A", "name": "weather", "arguments": ["{\"city\":", "\"Oslo ⛵\"}"]}, {"name": "clock"}],
        "counts": {"input": 120, "cached": 100, "cache_write": 8, "output": 70, "reasoning": 40},
        "split": split,
    })
}

/// The arguments of a call.
fn arguments(parts: &[Part], wanted: usize) -> String {
    let deltas = parts.iter().filter_map(|part| match part {
        Part::ToolArguments { index, delta } if *index == wanted => Some(delta.as_str()),
        _ => None,
    });
    deltas.collect()
}

#[tokio::test]
async fn reasoning_text_calls_and_counts_come_on_every_wire() {
    let world = World::start().await;
    for wire in WIRES {
        let parts = world.play(wire, &script(7)).await.expect(wire);
        let reasoning = Part::Reasoning("Hm, ".to_owned());
        assert_eq!(parts[0], reasoning, "{wire}");
        let says = |text: &str| parts.contains(&Part::Text(text.to_owned()));
        assert!(says("Let me ") && says("see ⛵."), "{wire}: {parts:?}");
        let calls: Vec<_> = parts
            .iter()
            .filter_map(|part| match part {
                Part::ToolCall { index, id, name } => Some((*index, id.clone(), name.as_str())),
                _ => None,
            })
            .collect();
        assert_eq!(
            calls
                .iter()
                .map(|call| (call.0, call.2))
                .collect::<Vec<_>>(),
            [(0, "weather"), (1, "clock")],
            "{wire}"
        );
        assert_eq!(calls[0].1 == "call_A", wire != "gemini", "{calls:?}");
        assert_ne!(calls[0].1, calls[1].1, "{wire}");
        let oslo = json!({"city": "Oslo ⛵"});
        let first: Value = serde_json::from_str(&arguments(&parts, 0)).expect("JSON");
        assert_eq!(
            (first, arguments(&parts, 1).as_str()),
            (oslo, "{}"),
            "{wire}"
        );
        assert!(
            parts.contains(&Part::Finish(FinishReason::ToolCalls)),
            "{wire}: {parts:?}"
        );
        let counted = matches!(wire, "openai" | "gemini");
        let usage = Usage {
            input_tokens: 120,
            cached_input_tokens: 100,
            cache_write_tokens: if counted { 0 } else { 8 },
            output_tokens: 70,
            reasoning_tokens: if counted { 40 } else { 0 },
        };
        assert_eq!(parts.last(), Some(&Part::Usage(usage)), "{wire}");
    }
}

#[tokio::test]
async fn signatures_come_where_the_wire_has_them() {
    let world = World::start().await;
    for wire in WIRES {
        let parts = world.play(wire, &script(1000)).await.expect(wire);
        let of_reasoning = parts.contains(&Part::ReasoningSignature("c2ln".to_owned()));
        let of_call = parts.contains(&Part::ToolCallSignature {
            index: 0,
            signature: "c2ln".to_owned(),
        });
        let expected = match wire {
            "anthropic" | "bedrock" => (true, false),
            "gemini" => (false, true),
            _ => (false, false),
        };
        assert_eq!((of_reasoning, of_call), expected, "{wire}");
    }
}

#[tokio::test]
async fn the_result_of_a_tool_reaches_the_model() {
    let world = World::start().await;
    for wire in WIRES {
        let call = ContentPart::ToolCall(ToolCall {
            id: "call_A".to_owned(),
            name: "weather".to_owned(),
            arguments: "{}".to_owned(),
            signature: None,
        });
        let result = ContentPart::ToolResult(ToolResult {
            tool_call_id: "call_A".to_owned(),
            text: "12 degrees".to_owned(),
            is_error: false,
        });
        let said = |speaker, part| PromptMessage {
            speaker,
            parts: vec![part],
        };
        let messages = vec![
            user("Weather?"),
            said(Speaker::Assistant, call),
            said(Speaker::Tool, result),
        ];
        let mut completion = world.ask(wire, messages).await.expect(wire);
        let first = completion.next().await.expect(wire);
        let second = completion.next().await.expect(wire);
        let expected = ["You said: ", "12 degrees"].map(|text| Part::Text(text.to_owned()));
        assert_eq!([first, second], expected, "{wire}");
    }
}

#[tokio::test]
async fn instructions_and_the_trace_go_with_a_question() {
    let world = World::start().await;
    for wire in WIRES {
        world.play(wire, &json!({"say": ["x"]})).await.expect(wire);
        let received = world.scripted.take_requests().remove(0);
        let body = &received.body;
        let instructions = match wire {
            "openai" => &body["messages"][0]["content"],
            "anthropic" => &body["system"],
            "gemini" => &body["systemInstruction"]["parts"][0]["text"],
            _ => &body["system"][0]["text"],
        };
        assert_eq!(instructions, "Be brief.", "{wire}");
        assert!(received.headers.contains_key("traceparent"), "{wire}");
    }
}

#[tokio::test]
async fn why_a_model_stops_is_told_on_every_wire() {
    let world = World::start().await;
    for wire in WIRES {
        for (told, reason) in [
            ("stop", FinishReason::Stop),
            ("length", FinishReason::Length),
            ("content_filter", FinishReason::ContentFilter),
        ] {
            let script = json!({"say": ["x"], "finish": told, "usage": false});
            let parts = world.play(wire, &script).await.expect(wire);
            assert_eq!(parts.last(), Some(&Part::Finish(reason)), "{wire} {told}");
        }
    }
}
