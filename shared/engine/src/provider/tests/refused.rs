//! Streams that tell of failures, or are none.

use serde_json::json;
use shared::model::FinishReason;

use super::golden::frame;
use super::*;

fn error_of(wire: Wire, stream: &[u8]) -> ProviderFault {
    fault(&read(wire, &[stream]).expect_err("an error"))
}

fn finish_of(wire: Wire, stream: &[u8]) -> Vec<Part> {
    let (parts, complete) = read(wire, &[stream]).expect("a stream");
    assert!(complete, "{wire:?}");
    let finishes = parts.into_iter();
    finishes
        .filter(|part| matches!(part, Part::Finish(_)))
        .collect()
}

fn exception(code: &str) -> Vec<u8> {
    frame("exception", ":exception-type", code, r#"{"message":"no"}"#)
}

#[test]
fn an_error_in_a_stream_is_a_failure_of_its_kind() {
    let busy = ProviderFault::Overloaded { retry_after: None };
    let openai = |error: Value| (Wire::Openai, events(&[json!({"error": error})]));
    let gemini = |error: Value| (Wire::Gemini, events(&[json!({"error": error})]));
    let anthropic = |kind: &str| {
        let event = json!({"type": "error", "error": {"type": kind}});
        (Wire::Anthropic, events(&[event]))
    };
    let bedrock = |code: &str| (Wire::Bedrock, exception(code));
    let failure = frame("error", ":error-code", "InternalError", "");
    for ((wire, stream), expected) in [
        (
            openai(json!({"message": "boom"})),
            ProviderFault::Unavailable,
        ),
        (
            openai(json!({"code": "insufficient_quota"})),
            ProviderFault::QuotaExhausted,
        ),
        (
            openai(json!({"code": "context_length_exceeded"})),
            ProviderFault::ContextTooLong,
        ),
        (openai(json!({"code": 429})), busy),
        (anthropic("overloaded_error"), busy),
        (anthropic("timeout_error"), ProviderFault::TimedOut),
        (anthropic("api_error"), ProviderFault::Unavailable),
        (
            gemini(json!({"code": 503, "status": "UNAVAILABLE"})),
            ProviderFault::Unavailable,
        ),
        (
            gemini(json!({"code": 429, "status": "RESOURCE_EXHAUSTED"})),
            busy,
        ),
        (bedrock("throttlingException"), busy),
        (bedrock("validationException"), ProviderFault::Refused),
        (
            bedrock("modelStreamErrorException"),
            ProviderFault::Unavailable,
        ),
        ((Wire::Bedrock, failure), ProviderFault::Unavailable),
    ] {
        let text = String::from_utf8_lossy(&stream).into_owned();
        assert_eq!(error_of(wire, &stream), expected, "{wire:?} {text}");
    }
}

#[test]
fn what_is_not_the_protocol_is_nonsense() {
    for wire in [Wire::Openai, Wire::Anthropic, Wire::Gemini] {
        for data in [
            "<html>",
            "{}x",
            "[1]",
            r#"{"choices":"x","candidates":"x"}"#,
        ] {
            let stream = format!("data: {data}\n\n");
            assert_eq!(
                error_of(wire, stream.as_bytes()),
                ProviderFault::Nonsense,
                "{wire:?} {data}"
            );
        }
    }
    let done = b"data: [DONE]\n\n";
    assert_eq!(error_of(Wire::Openai, done), ProviderFault::Nonsense);
    let broken = frame("event", ":event-type", "contentBlockDelta", "<html>");
    assert_eq!(error_of(Wire::Bedrock, &broken), ProviderFault::Nonsense);
    let mut flipped = frame(
        "event",
        ":event-type",
        "messageStop",
        r#"{"stopReason":"end_turn"}"#,
    );
    let last = flipped.len() - 10;
    flipped[last] ^= 1;
    assert_eq!(error_of(Wire::Bedrock, &flipped), ProviderFault::Nonsense);
    for length in [0_u32, 15, 300_000, u32::MAX] {
        assert_eq!(
            error_of(Wire::Bedrock, &length.to_be_bytes()),
            ProviderFault::Nonsense,
            "{length}"
        );
    }
}

#[test]
fn frames_and_events_that_nobody_knows_yet_are_passed_over() {
    let unknown = [
        frame("event", ":event-type", "somethingNew", "{}"),
        frame("hello", ":event-type", "messageStop", "{}"),
    ];
    let (parts, complete) = read(Wire::Bedrock, &[&unknown.concat()]).expect("frames");
    assert_eq!((parts, complete), (Vec::new(), false));
    let unknown = events(&[json!({"type": "something_new"})]);
    assert_eq!(read(Wire::Anthropic, &[&unknown]).expect("an event").0, []);
}

#[test]
fn what_a_filter_stops_is_told() {
    let blocked = events(&[
        json!({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}}),
    ]);
    let candidate = |reason: &str| events(&[json!({"candidates": [{"finishReason": reason}]})]);
    let stopped = |reason: &str| {
        let payload = json!({"stopReason": reason}).to_string();
        frame("event", ":event-type", "messageStop", &payload)
    };
    let refusal = events(&[
        json!({"choices": [{"delta": {"refusal": "I can't."}, "finish_reason": null}]}),
        json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}),
    ]);
    for (wire, stream) in [
        (Wire::Gemini, blocked),
        (Wire::Gemini, candidate("SAFETY")),
        (Wire::Gemini, candidate("PROHIBITED_CONTENT")),
        (Wire::Bedrock, stopped("guardrail_intervened")),
        (Wire::Bedrock, stopped("content_filtered")),
        (Wire::Openai, refusal),
    ] {
        assert_eq!(
            finish_of(wire, &stream),
            [Part::Finish(FinishReason::ContentFilter)]
        );
    }
    assert_eq!(
        finish_of(Wire::Gemini, &candidate("MAX_TOKENS")),
        [Part::Finish(FinishReason::Length)]
    );
    assert_eq!(
        error_of(Wire::Gemini, &candidate("MALFORMED_FUNCTION_CALL")),
        ProviderFault::Nonsense
    );
}

#[test]
fn calls_without_numbers_or_ids_get_ours() {
    let call = |call: Value| json!({"choices": [{"delta": {"tool_calls": [call]}}]});
    let stream = events(&[
        // As servers that send whole calls do: no ids and no numbers, or the same number.
        call(json!({"function": {"name": "a", "arguments": "{}"}})),
        call(json!({"function": {"name": "b", "arguments": "{\"x\":"}})),
        call(json!({"function": {"arguments": "1}"}})),
        call(json!({"index": 0, "id": "own", "function": {"name": "c", "arguments": "{}"}})),
        json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}),
    ]);
    let (parts, _) = read(Wire::Openai, &[&stream]).expect("a stream");
    let ids: Vec<_> = parts
        .iter()
        .filter_map(|part| match part {
            Part::ToolCall { index, id, name } => Some((*index, id.as_str(), name.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(
        ids,
        [
            (0, "call_seed_0", "a"),
            (1, "call_seed_1", "b"),
            (2, "own", "c")
        ]
    );
    let arguments = |wanted: usize| {
        let deltas = parts.iter().filter_map(|part| match part {
            Part::ToolArguments { index, delta } if *index == wanted => Some(delta.as_str()),
            _ => None,
        });
        deltas.collect::<String>()
    };
    assert_eq!([0, 1, 2].map(arguments), ["{}", "{\"x\":1}", "{}"]);
    assert_eq!(parts.last(), Some(&Part::Finish(FinishReason::ToolCalls)));
}

#[test]
fn calls_that_can_not_be_are_nonsense() {
    let call = |call: Value| json!({"choices": [{"delta": {"tool_calls": [call]}}]});
    let nameless = events(&[call(
        json!({"index": 2_000_000, "function": {"arguments": "{}"}}),
    )]);
    let many: Vec<_> = (0..200)
        .map(|number| call(json!({"index": number, "id": "x", "function": {"name": "f"}})))
        .collect();
    for stream in [nameless, events(&many)] {
        assert_eq!(error_of(Wire::Openai, &stream), ProviderFault::Nonsense);
    }
    let far = events(&[call(
        json!({"index": 2_000_000, "id": "x", "function": {"name": "f"}}),
    )]);
    let (parts, _) = read(Wire::Openai, &[&far]).expect("a call");
    assert!(matches!(parts[0], Part::ToolCall { index: 0, .. }));
}
