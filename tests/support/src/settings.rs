//! What a function is told in tests.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shared::config::Config;

use crate::api::{ORIGIN, TABLE};

/// Settings of a function that calls no provider.
pub fn config() -> Config {
    config_with("http://127.0.0.1:9", &limits())
}

pub(crate) fn config_with(provider: &str, limits: &Value) -> Config {
    let settings = settings_with(provider, limits);
    Config::read(|name| settings.get(name).cloned()).expect("a configuration")
}

/// The variables of [`config`], for a process of its own.
pub fn settings() -> BTreeMap<&'static str, String> {
    settings_with("http://127.0.0.1:9", &limits())
}

fn settings_with(provider: &str, limits: &Value) -> BTreeMap<&'static str, String> {
    let model = |id: &str| json!({"id": id, "context_window": 2048, "max_output_tokens": 512});
    let providers = json!([
        {"name": "scripted", "wire": "openai", "base_url": format!("{provider}/v1"),
         "models": [model("small"), {"id": "large", "context_window": 100_000, "max_output_tokens": 1000,
                                      "capabilities": ["tools", "images"],
                                      "price": {"version": "2026", "input": 400_000, "output": 1_600_000}}],
         "embedding_models": [
             {"id": "words", "provider_model": "words-256", "dimensions": 256, "max_input_tokens": 512,
              "price": {"version": "2026", "input": 20_000, "output": 0}},
             {"id": "few-words", "provider_model": "words-96", "dimensions": 96, "max_input_tokens": 256}],
         "rerank_models": [
             {"id": "sorter", "provider_model": "sorter-1", "max_input_tokens": 512,
              "price": {"version": "2026", "input": 50_000, "output": 0}},
             {"id": "free-sorter", "max_input_tokens": 256}],
         "moderation_models": [
             {"id": "judge", "provider_model": "judge-1"}, {"id": "other-judge"},
             {"id": "retired-judge", "active": false}]},
        {"name": "scripted-claude", "wire": "anthropic", "base_url": provider, "models": [model("claude")]},
        {"name": "scripted-gemini", "wire": "gemini", "base_url": format!("{provider}/v1beta"),
         "models": [model("gemini")]},
        {"name": "scripted-bedrock", "wire": "bedrock", "base_url": provider, "models": [model("nova:0")]},
    ]);
    let plain = [
        ("STAGE", "local"),
        ("TABLE_NAME", TABLE),
        ("BUCKET_NAME", "bucket"),
        ("QUEUE_URL", "http://127.0.0.1:9/queue"),
        ("MAIL_QUEUE_URL", "http://127.0.0.1:9/mail"),
        ("RUN_QUEUE_URL", "http://127.0.0.1:9/runs"),
        ("MAIL_SENDER", "chatter@example.com"),
        ("MAIL_TRANSPORT", "file:/nowhere"),
        ("APP_URL", "http://app.chatter.test"),
        ("EMAIL_VERIFICATION", "optional"),
        ("SIGNING_KEYS_SECRET_ID", "signing-keys"),
        ("DATA_KEYS_SECRET_ID", "data-keys"),
        ("PROVIDER_KEYS_SECRET_ID", "provider-keys"),
        ("TOKEN_ISSUER", "http://chatter.test"),
        ("TURN_TIMEOUT_SECONDS", "60"),
        ("RESPONSE_CACHE", "dynamodb"),
        ("ALLOWED_ORIGINS", ORIGIN),
    ];
    let plain = plain.map(|(name, value)| (name, value.to_owned()));
    let lists = [
        ("PROVIDERS", providers.to_string()),
        ("LIMITS", limits.to_string()),
    ];
    plain.into_iter().chain(lists).collect()
}

/// Limits that no test meets unless it sets out to.
pub(crate) fn limits() -> Value {
    let policy = |class: &str, per: &str| {
        let name = format!("{class}-{per}");
        json!({"name": name, "class": class, "per": per, "quota": 1_000_000, "window": 60})
    };
    let mut policies = ["open", "auth", "mail"]
        .map(|class| policy(class, "source"))
        .to_vec();
    for class in ["read", "write", "turn", "sensitive"] {
        policies.extend(["caller", "tenant"].map(|per| policy(class, per)));
    }
    policies.into()
}
