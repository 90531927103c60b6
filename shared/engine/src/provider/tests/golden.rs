//! Streams in the shape in which the providers send them: reasoning, text, two calls, and what was used.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use proptest::prelude::*;
use serde_json::json;
use shared::model::{FinishReason, Usage};

use super::*;

const ARGUMENTS: &str = r#"{"city":"Oslo ⛵"}"#;

/// A stream of a wire, and what it says.
fn stream(wire: Wire) -> (Vec<u8>, Vec<Part>) {
    match wire {
        Wire::Openai => (openai(), parts("call_A", true, None, 40)),
        Wire::Anthropic => (anthropic(), parts("call_A", true, Some(false), 0)),
        Wire::Gemini => (gemini(), parts("call_seed_0", false, Some(true), 40)),
        Wire::Bedrock => (bedrock(), parts("call_A", true, Some(false), 0)),
    }
}

/// What each of the streams says. `signed`: whether the call has the signature, or the reasoning.
fn parts(id: &str, in_two: bool, signed: Option<bool>, reasoning_tokens: u64) -> Vec<Part> {
    let call = |index: usize, id: &str, name: &str| Part::ToolCall {
        index,
        id: id.to_owned(),
        name: name.to_owned(),
    };
    let arguments = |index: usize, delta: &str| Part::ToolArguments {
        index,
        delta: delta.to_owned(),
    };
    let mut parts = vec![
        Part::Reasoning("Hm, ".to_owned()),
        Part::Reasoning("Ös.".to_owned()),
    ];
    if signed == Some(false) {
        parts.push(Part::ReasoningSignature("c2ln".to_owned()));
    }
    parts.push(Part::Text("Let me ".to_owned()));
    parts.push(Part::Text("see ⛵.".to_owned()));
    parts.push(call(0, id, "weather"));
    if signed == Some(true) {
        parts.push(Part::ToolCallSignature {
            index: 0,
            signature: "c2ln".to_owned(),
        });
    }
    if in_two {
        let (first, second) = ARGUMENTS.split_at(8);
        parts.extend([arguments(0, first), arguments(0, second)]);
    } else {
        parts.push(arguments(0, ARGUMENTS));
    }
    let other = id.replace("_A", "_B").replace("_0", "_1");
    parts.extend([call(1, &other, "clock"), arguments(1, "{}")]);
    parts.push(Part::Finish(FinishReason::ToolCalls));
    parts.push(Part::Usage(Usage {
        input_tokens: 120,
        cached_input_tokens: 100,
        cache_write_tokens: if reasoning_tokens == 0 { 8 } else { 0 },
        output_tokens: 70,
        reasoning_tokens,
    }));
    parts
}

fn openai() -> Vec<u8> {
    let chunk = |delta: Value| {
        json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "m", "usage": null,
               "choices": [{"index": 0, "delta": delta, "logprobs": null, "finish_reason": null}]})
    };
    let call = |index: u64, call: Value| {
        let mut call = call;
        call["index"] = json!(index);
        chunk(json!({"tool_calls": [call]}))
    };
    let begin = |index: u64, id: &str, name: &str| {
        let function = json!({"name": name, "arguments": ""});
        call(
            index,
            json!({"id": id, "type": "function", "function": function}),
        )
    };
    let (first, second) = ARGUMENTS.split_at(8);
    let more = |text: &str| call(0, json!({"function": {"arguments": text}}));
    let mut stream = events(&[
        chunk(json!({"role": "assistant", "content": null, "reasoning_content": ""})),
        chunk(json!({"reasoning_content": "Hm, "})),
        chunk(json!({"reasoning_content": "Ös."})),
        chunk(json!({"content": "Let me "})),
        chunk(json!({"content": "see ⛵."})),
        begin(0, "call_A", "weather"),
        more(first),
        more(second),
        begin(1, "call_B", "clock"),
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}),
        json!({"choices": [], "usage": {
            "prompt_tokens": 120, "completion_tokens": 70, "total_tokens": 190,
            "prompt_tokens_details": {"cached_tokens": 100, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 40}}}),
    ]);
    stream.extend(b": keep-alive\n\ndata: [DONE]\n\n");
    stream
}

fn anthropic() -> Vec<u8> {
    let (first, second) = ARGUMENTS.split_at(8);
    let block = |index: u64, block: Value| json!({"type": "content_block_start", "index": index, "content_block": block});
    let delta = |index: u64, delta: Value| json!({"type": "content_block_delta", "index": index, "delta": delta});
    let stop = |index: u64| json!({"type": "content_block_stop", "index": index});
    events(&[
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "content": [],
            "usage": {"input_tokens": 12, "cache_creation_input_tokens": 8, "cache_read_input_tokens": 100, "output_tokens": 1}}}),
        block(
            0,
            json!({"type": "thinking", "thinking": "", "signature": ""}),
        ),
        json!({"type": "ping"}),
        delta(0, json!({"type": "thinking_delta", "thinking": "Hm, "})),
        delta(0, json!({"type": "thinking_delta", "thinking": "Ös."})),
        delta(0, json!({"type": "signature_delta", "signature": "c2ln"})),
        stop(0),
        block(1, json!({"type": "text", "text": ""})),
        delta(1, json!({"type": "text_delta", "text": "Let me "})),
        delta(1, json!({"type": "text_delta", "text": "see ⛵."})),
        stop(1),
        block(
            2,
            json!({"type": "tool_use", "id": "call_A", "name": "weather", "input": {}}),
        ),
        delta(2, json!({"type": "input_json_delta", "partial_json": ""})),
        delta(
            2,
            json!({"type": "input_json_delta", "partial_json": first}),
        ),
        delta(
            2,
            json!({"type": "input_json_delta", "partial_json": second}),
        ),
        stop(2),
        block(
            3,
            json!({"type": "tool_use", "id": "call_B", "name": "clock", "input": {}}),
        ),
        stop(3),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"output_tokens": 70}}),
        json!({"type": "message_stop"}),
    ])
}

fn gemini() -> Vec<u8> {
    let chunk = |part: Value| {
        json!({"candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0}],
               "modelVersion": "gemini-3-pro", "responseId": "r"})
    };
    let arguments: Value = serde_json::from_str(ARGUMENTS).expect("JSON");
    let last = json!({"functionCall": {"name": "clock", "args": {}}});
    events(&[
        chunk(json!({"text": "Hm, ", "thought": true})),
        chunk(json!({"text": "Ös.", "thought": true})),
        chunk(json!({"text": "Let me "})),
        chunk(json!({"text": "see ⛵."})),
        chunk(
            json!({"functionCall": {"name": "weather", "args": arguments}, "thoughtSignature": "c2ln"}),
        ),
        json!({"candidates": [{"content": {"parts": [last], "role": "model"}, "finishReason": "STOP", "index": 0}],
               "usageMetadata": {"promptTokenCount": 117, "toolUsePromptTokenCount": 3, "cachedContentTokenCount": 100,
                                 "candidatesTokenCount": 30, "thoughtsTokenCount": 40, "totalTokenCount": 190}}),
    ])
}

/// A frame with a header more than is looked at.
pub(super) fn frame(message_type: &str, name: &'static str, value: &str, payload: &str) -> Vec<u8> {
    let text = |value: &str| HeaderValue::String(value.to_owned().into());
    let message = Message::new(payload.to_owned())
        .add_header(Header::new(name, text(value)))
        .add_header(Header::new(":content-type", text("application/json")))
        .add_header(Header::new(":message-type", text(message_type)));
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).expect("a frame");
    bytes
}

fn bedrock() -> Vec<u8> {
    let event = |kind: &str, mut payload: Value| {
        payload["p"] = json!("abcdefghijkl");
        frame("event", ":event-type", kind, &payload.to_string())
    };
    let delta = |index: u64, delta: Value| {
        event(
            "contentBlockDelta",
            json!({"contentBlockIndex": index, "delta": delta}),
        )
    };
    let call = |index: u64, id: &str, name: &str| {
        let start = json!({"toolUse": {"toolUseId": id, "name": name}});
        event(
            "contentBlockStart",
            json!({"contentBlockIndex": index, "start": start}),
        )
    };
    let stop = |index: u64| event("contentBlockStop", json!({"contentBlockIndex": index}));
    let (first, second) = ARGUMENTS.split_at(8);
    [
        event("messageStart", json!({"role": "assistant"})),
        delta(0, json!({"reasoningContent": {"text": "Hm, "}})),
        delta(0, json!({"reasoningContent": {"text": "Ös."}})),
        delta(0, json!({"reasoningContent": {"signature": "c2ln"}})),
        stop(0),
        delta(1, json!({"text": "Let me "})),
        delta(1, json!({"text": "see ⛵."})),
        stop(1),
        call(2, "call_A", "weather"),
        delta(2, json!({"toolUse": {"input": first}})),
        delta(2, json!({"toolUse": {"input": second}})),
        stop(2),
        call(3, "call_B", "clock"),
        stop(3),
        event("messageStop", json!({"stopReason": "tool_use"})),
        event(
            "metadata",
            json!({"metrics": {"latencyMs": 900}, "usage": {
            "inputTokens": 12, "outputTokens": 70, "totalTokens": 190,
            "cacheReadInputTokens": 100, "cacheWriteInputTokens": 8}}),
        ),
    ]
    .concat()
}

#[test]
fn a_stream_of_each_wire_says_the_same() {
    for wire in WIRES {
        let (stream, mut expected) = stream(wire);
        let (parts, complete) = read(wire, &[&stream]).expect("a stream");
        if matches!(wire, Wire::Openai | Wire::Anthropic) {
            expected.push(Part::End);
        }
        assert_eq!(parts, expected, "{wire:?}");
        assert!(complete, "{wire:?}");
    }
}

#[test]
fn a_stream_that_is_cut_is_not_complete_until_the_model_has_stopped() {
    for wire in WIRES {
        let (stream, parts) = stream(wire);
        let stopped = |parts: &[Part]| parts.iter().any(|part| matches!(part, Part::Finish(_)));
        assert!(stopped(&parts));
        for end in 0..stream.len() {
            let (parts, complete) =
                read(wire, &[&stream[..end]]).expect("the beginning of a stream");
            assert!(!complete || stopped(&parts), "{wire:?} {end}");
        }
    }
}

proptest! {
    #[test]
    fn it_does_not_matter_where_the_bytes_are_cut(
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        wire in prop::sample::select(&WIRES[..]),
    ) {
        let (stream, _) = stream(wire);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks: Vec<_> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
        let whole = read(wire, &[&stream]).expect("a stream");
        prop_assert_eq!(read(wire, &chunks).expect("the same stream"), whole);
    }

    #[test]
    fn a_byte_that_is_changed_makes_no_reader_panic(
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        wire in prop::sample::select(&WIRES[..]),
    ) {
        let (mut stream, expected) = stream(wire);
        let place = place.index(stream.len());
        let same = stream[place] == byte;
        stream[place] = byte;
        let read = read(wire, &[&stream]);
        if wire == Wire::Bedrock && !same {
            // Two checksums see to it.
            prop_assert!(!matches!(read, Ok((parts, true)) if parts == expected));
        }
    }
}
