//! Whether something is harmful, on the wire that has it.

use std::time::{Duration, Instant};

use engine::{InputKind, Moderate, ModerationInput, ProviderKeys, Verdict};
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::error::ProviderFault;
use shared::http::TraceContext;
use shared::model::{ContentPart, RequestId};
use shared::{Error, Result};

use crate::helpers::World;

async fn moderate(world: &World, wire: &str, input: ModerationInput) -> Result<Vec<Verdict>> {
    let spec = world.spec(wire);
    let moderate = Moderate {
        provider: &spec,
        model: "judge",
        trace: &TraceContext::begin(RequestId::new()),
        input: &input,
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    world.providers.moderate(&moderate, None, deadline).await
}

fn texts(texts: &[&str]) -> ModerationInput {
    ModerationInput::Texts(texts.iter().map(|text| (*text).to_owned()).collect())
}

fn fault(asked: Result<Vec<Verdict>>) -> ProviderFault {
    match asked.expect_err("a failure") {
        Error::Provider { fault, .. } => fault,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_text_gets_a_verdict_and_all_parts_together_get_one() {
    let world = World::start().await;
    let several = moderate(&world, "openai", texts(&["tea", "a massacre", "cake"])).await;
    let several = several.expect("verdicts");
    let flagged: Vec<bool> = several.iter().map(|verdict| verdict.flagged).collect();
    assert_eq!(flagged, [false, true, false]);
    assert!(several[1].categories["violence"] && several[1].category_scores["violence"] > 0.5);
    let one = moderate(&world, "openai", ModerationInput::Text("tea".to_owned())).await;
    assert_eq!(one.expect("a verdict"), several[..1]);
    let image = json!({"type": "image_url", "image_url": {"url": "https://a.test/a.png"}});
    let part: ContentPart = serde_json::from_value(image.clone()).expect("a part");
    let parts = ModerationInput::Parts(vec![ContentPart::text("tea"), part]);
    let together = moderate(&world, "openai", parts).await.expect("a verdict");
    assert_eq!(together.len(), 1);
    let types = together[0].category_applied_input_types.as_ref();
    let types = &types.expect("types")["violence"];
    assert_eq!(types[..], [InputKind::Text, InputKind::Image]);
    let sent: Vec<Value> = world
        .scripted
        .take_requests()
        .into_iter()
        .map(|request| request.body)
        .collect();
    assert_eq!(
        sent[0],
        json!({"model": "judge", "input": ["tea", "a massacre", "cake"]})
    );
    assert_eq!(sent[1], json!({"model": "judge", "input": "tea"}));
    let parts = json!([{"type": "text", "text": "tea"}, image]);
    assert_eq!(sent[2], json!({"model": "judge", "input": parts}));
}

#[tokio::test]
async fn a_verdict_that_is_none_is_nonsense() {
    let world = World::start().await;
    let sound =
        json!({"flagged": false, "categories": {"a": false}, "category_scores": {"a": 0.5}});
    let but = |field: &str, value: Value| {
        let mut verdict = sound.clone();
        verdict[field] = value;
        verdict
    };
    for results in [
        json!([]),
        json!([sound, sound]),
        json!([but("flagged", json!("no"))]),
        json!([but("flagged", Value::Null)]),
        json!([but("categories", json!({"a": 0}))]),
        json!([but("categories", json!({"a": null}))]),
        json!([but("categories", json!({"a": false, "b": false}))]),
        json!([but("category_scores", json!({"b": 0.5}))]),
        json!([but("category_scores", json!({"a": null}))]),
        json!([but("category_scores", json!({"a": "0.5"}))]),
        json!([but("category_applied_input_types", json!({"b": ["text"]}))]),
        json!([but("category_applied_input_types", json!({"a": ["smell"]}))]),
        json!("all of them"),
    ] {
        let script = serde_json::from_value(json!({"results": results})).expect("a script");
        world.scripted.script_when("tea", script);
        let asked = moderate(&world, "openai", texts(&["tea"])).await;
        assert_eq!(fault(asked), ProviderFault::Nonsense, "{results}");
    }
    let results = json!([but("something_new", json!(1))]);
    let script = serde_json::from_value(json!({"results": results})).expect("a script");
    world.scripted.script_when("tea", script);
    let verdicts = moderate(&world, "openai", texts(&["tea"])).await;
    let verdicts = verdicts.expect("a verdict");
    assert_eq!(verdicts[0].category_applied_input_types, None);
    assert_eq!(verdicts[0].category_scores["a"], 0.5);
}

#[tokio::test]
async fn what_can_t_be_judged_is_refused_before_anybody_is_asked() {
    let world = World::start().await;
    for (wire, input, field) in [
        ("gemini", texts(&["tea"]), "/model"),
        ("anthropic", texts(&["tea"]), "/model"),
        ("bedrock", texts(&["tea"]), "/model"),
        ("openai", texts(&[]), "/input"),
        ("openai", texts(&["tea"; 33]), "/input"),
        ("openai", ModerationInput::Parts(Vec::new()), "/input"),
    ] {
        let refused = moderate(&world, wire, input).await;
        let error = refused.expect_err(field);
        assert!(
            matches!(&error, Error::Invalid(errors) if errors[0].field == field),
            "{error:?}"
        );
    }
    assert!(world.scripted.take_requests().is_empty());
}

#[tokio::test]
async fn a_refused_key_is_told() {
    let key = "sk-test-0123456789";
    let keys = [("openai".to_owned(), SecretString::from(key))];
    let world = World::with(ProviderKeys::fixed(keys), None).await;
    world.scripted.refuse_key(key);
    let asked = moderate(&world, "openai", texts(&["tea"])).await;
    assert_eq!(fault(asked), ProviderFault::Unauthorized);
    let received = world.scripted.take_requests().remove(0);
    assert_eq!(received.key(), Some(key));
}
