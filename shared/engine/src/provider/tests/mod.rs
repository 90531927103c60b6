//! What all wires must do with the bytes that come, and the shapes of their requests.

mod bodies;
mod golden;
mod history;
mod refused;
mod rules;

use proptest::prelude::*;
use serde_json::{Value, json};
use shared::error::ProviderFault;
use shared::http::TraceContext;
use shared::model::{ProviderSpec, Wire};

use super::completion::{Reader, Sse};
use super::gemini::Gemini;
use super::openai::OpenAi;
use super::*;
use crate::catalogue::{Catalogue, Model};

const WIRES: [Wire; 4] = [Wire::Openai, Wire::Anthropic, Wire::Gemini, Wire::Bedrock];

/// The reader of a wire, with ids that do not change.
fn fixed_reader(wire: Wire) -> Box<dyn Reader> {
    match wire {
        Wire::Openai => Box::new(Sse::new(OpenAi::new("seed".to_owned()))),
        Wire::Gemini => Box::new(Sse::new(Gemini::new("seed".to_owned()))),
        Wire::Anthropic | Wire::Bedrock => super::reader(wire),
    }
}

/// The parts of a whole stream.
fn read(wire: Wire, chunks: &[&[u8]]) -> shared::Result<(Vec<Part>, bool)> {
    let mut reader = fixed_reader(wire);
    let mut parts = Vec::new();
    for chunk in chunks {
        parts.extend(reader.push(chunk)?);
    }
    Ok((parts, reader.is_complete()))
}

fn fault(error: &Error) -> ProviderFault {
    match error {
        Error::Provider { fault, .. } => *fault,
        other => panic!("{other:?}"),
    }
}

/// Events as a server sends them.
fn events(data: &[Value]) -> Vec<u8> {
    let events = data.iter().map(|data| format!("data: {data}\n\n"));
    events.collect::<String>().into_bytes()
}

/// A model of a provider that speaks that wire.
fn model(wire: &str, id: &str, capabilities: &[&str]) -> Model {
    let base_url = "https://provider.example";
    provider(
        json!({"name": "p", "wire": wire, "base_url": base_url, "models": [
            {"id": id, "context_window": 100_000, "max_output_tokens": 10_000, "capabilities": capabilities}
        ]}),
    )
}

/// The model of a provider.
fn provider(spec: Value) -> Model {
    let spec: ProviderSpec = serde_json::from_value(spec).expect("a provider");
    Catalogue::new(&[spec]).choices()[0].targets[0].1.clone()
}

/// The body of a request for that model. The rules that all wires share hold too.
fn body_of(model: &Model, messages: Vec<PromptMessage>, settings: Settings) -> Result<Value> {
    let prompt = Prompt {
        model,
        trace: &TraceContext::begin(RequestId::new()),
        system_prompt: None,
        messages,
        settings,
    };
    check::check(&prompt)?;
    match model.provider().wire {
        Wire::Openai => openai::body(&prompt),
        Wire::Anthropic => anthropic::body(&prompt),
        Wire::Gemini => gemini::body(&prompt),
        Wire::Bedrock => bedrock::body(&prompt),
    }
}

/// The field that is refused.
fn refused_field(asked: Result<Value>) -> String {
    match asked {
        Err(Error::Invalid(errors)) => errors[0].field.clone(),
        other => panic!("{other:?}"),
    }
}

fn said(speaker: Speaker, parts: Value) -> PromptMessage {
    let parts = serde_json::from_value(parts).expect("parts");
    PromptMessage { speaker, parts }
}

fn hello() -> Vec<PromptMessage> {
    vec![said(
        Speaker::User,
        json!([{"type": "text", "text": "Hello"}]),
    )]
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        wire in prop::sample::select(&WIRES[..]),
    ) {
        let chunks: Vec<_> = bytes.chunks(7).collect();
        if let Ok((parts, _)) = read(wire, &chunks) {
            prop_assert!(parts.len() < 400);
        }
    }

    #[test]
    fn no_event_makes_a_reader_panic(data in ".{0,200}", wire in prop::sample::select(&WIRES[..3])) {
        let stream = format!("data: {data}\n\n");
        if let Ok((parts, _)) = read(wire, &[stream.as_bytes()]) {
            prop_assert!(parts.len() < 100);
        }
    }

    #[test]
    fn ids_fit_every_provider(id in ".{1,128}") {
        let portable = portable_id(&id);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        prop_assert!((1..=64).contains(&portable.len()) && portable.bytes().all(plain));
    }
}

#[test]
fn ids_of_models_stand_in_paths() {
    let id = "arn:aws:bedrock:us-east-1::model/a.b-v1:0";
    let expected = "arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Amodel%2Fa.b-v1%3A0";
    assert_eq!(segment(id), expected);
    assert_eq!(segment("gemini-2.5_x~"), "gemini-2.5_x~");
}

#[test]
fn ids_that_fit_stay_as_they_are_and_others_keep_their_ends() {
    assert_eq!(portable_id("toolu_01-A"), "toolu_01-A");
    assert_eq!(portable_id("functions.f:0"), "functions_f_0");
    let long = format!("{}_1", "x".repeat(100));
    assert!(portable_id(&long).ends_with("x_1"));
}
