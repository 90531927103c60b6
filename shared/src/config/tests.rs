use super::*;
use crate::model::{Capability, Wire};

const GOOD: [(&str, &str); 28] = [
    ("STAGE", "prod"),
    ("TABLE_NAME", "chatter"),
    ("BUCKET_NAME", "chatter-bucket"),
    ("QUEUE_URL", "https://sqs.us-east-1.amazonaws.com/1/jobs"),
    (
        "MAIL_QUEUE_URL",
        "https://sqs.us-east-1.amazonaws.com/1/mail",
    ),
    (
        "RUN_QUEUE_URL",
        "https://sqs.us-east-1.amazonaws.com/1/runs",
    ),
    (
        "SEARCH_FUNCTION_NAME",
        "arn:aws:lambda:us-east-1:1:function:chatter-search:live",
    ),
    ("MAIL_SENDER", "chatter@chatter.internal"),
    ("MAIL_TRANSPORT", "ses"),
    ("APP_URL", "https://chatter.internal"),
    ("EMAIL_VERIFICATION", "required"),
    ("SIGNING_KEYS_SECRET_ID", "keys"),
    ("DATA_KEYS_SECRET_ID", "data-keys"),
    ("PROVIDER_KEYS_SECRET_ID", "provider-keys"),
    ("TOKEN_ISSUER", "https://chatter.internal"),
    ("PROVIDERS", PROVIDERS),
    ("LIMITS", LIMITS),
    ("TURN_TIMEOUT_SECONDS", "60"),
    ("BACKGROUND_TIMEOUT_SECONDS", "600"),
    ("RESPONSE_CACHE", "dynamodb"),
    ("ALLOWED_ORIGINS", "https://app.chatter.internal"),
    ("LOG_LEVEL", "info"),
    ("METRICS", "functions"),
    ("QDRANT_URL", "https://qdrant.chatter.internal:6333"),
    ("QDRANT_KEY_SECRET_ID", "qdrant-key"),
    ("VECTOR_BUCKET_NAME", "chatter-vectors"),
    ("TRACES_ENDPOINT", "https://collector.chatter.internal:4318"),
    ("TRACE_SAMPLING", "0.25"),
];
const PROVIDERS: &str = r#"[{"name":"p","wire":"openai","base_url":"https://models.internal/v1",
    "models":[{"id":"m","context_window":8192,"max_output_tokens":1024}]}]"#;

const LIMITS: &str = r#"[{"name":"open","class":"open","per":"source","quota":10,"window":60},
    {"name":"auth","class":"auth","per":"source","quota":10,"window":60},
    {"name":"mail","class":"mail","per":"source","quota":10,"window":60},
    {"name":"read","class":"read","per":"caller","quota":10,"window":60},
    {"name":"write","class":"write","per":"caller","quota":10,"window":60},
    {"name":"turn","class":"turn","per":"tenant","quota":10,"window":60},
    {"name":"sensitive","class":"sensitive","per":"caller","quota":10,"window":60}]"#;

fn read_with(changed: &str, value: Option<&str>) -> Result<Config, ConfigFaults> {
    Config::read(|name| {
        if name == changed {
            return value.map(str::to_owned);
        }
        GOOD.iter()
            .find(|(good, _)| *good == name)
            .map(|(_, value)| (*value).to_owned())
    })
}

/// A configuration without a fault.
pub(crate) fn good() -> Config {
    read_with("STAGE", Some("prod")).expect("a configuration")
}

#[test]
fn a_good_environment_is_read() {
    let config = read_with("", None).expect("no fault");
    assert_eq!(config.stage, Stage::Prod);
    assert_eq!(config.turn_timeout, Duration::from_secs(60));
    assert_eq!(config.providers[0].models[0].context_window, 8192);
    assert_eq!(config.limits.len(), 7);
}

#[test]
fn each_missing_or_malformed_variable_is_named_and_its_value_is_not() {
    let secret_looking = "hunter2 https://user:hunter2@x/";
    for (name, _) in GOOD {
        for value in [None, Some("  "), Some(secret_looking)] {
            let optional = [
                "TURN_TIMEOUT_SECONDS",
                "BACKGROUND_TIMEOUT_SECONDS",
                "ALLOWED_ORIGINS",
                "LOG_LEVEL",
                "METRICS",
                "RESPONSE_CACHE_SECRET_ID",
                "QDRANT_URL",
                "QDRANT_KEY_SECRET_ID",
                "SEARCH_FUNCTION_NAME",
                "VECTOR_BUCKET_NAME",
                "TRACES_ENDPOINT",
                "TRACE_SAMPLING",
            ];
            if value != Some(secret_looking) && optional.contains(&name) {
                read_with(name, value).expect(name);
                continue;
            }
            let faults = read_with(name, value).expect_err(name).to_string();
            assert!(faults.contains(name), "{name}: {faults}");
            assert!(!faults.contains("hunter2"), "{faults}");
        }
    }
}

#[test]
fn all_faults_are_named_at_once() {
    let faults = Config::read(|_| None).expect_err("nothing is set");
    assert_eq!(faults.0.len(), 17, "{faults}");
}

#[test]
fn each_fault_of_a_policy_is_named_with_its_place() {
    let limits = LIMITS.replacen("\"quota\":10", "\"quota\":0", 2);
    let faults = read_with("LIMITS", Some(&limits)).expect_err("two quotas of nothing");
    assert!(faults.0[0].starts_with("LIMITS[0].quota "), "{faults}");
    assert!(faults.0[1].starts_with("LIMITS[1].quota "), "{faults}");
    assert_eq!(faults.0.len(), 2, "{faults}");
}

#[test]
fn plain_http_is_refused_outside_the_local_stage() {
    let faults =
        read_with("TOKEN_ISSUER", Some("http://chatter.example.com")).expect_err("http in prod");
    assert!(faults.to_string().contains("TOKEN_ISSUER"));
}

#[test]
fn what_is_only_for_one_machine_is_refused_elsewhere() {
    for (name, value) in [
        ("MAIL_TRANSPORT", "file:/var/mail"),
        ("MAIL_SENDER", "chatter@example.com"),
        ("QUEUE_URL", "https://127.0.0.1/queue"),
        ("QDRANT_URL", "http://qdrant.chatter.internal:6333"),
        ("APP_URL", "https://localhost"),
        ("TOKEN_ISSUER", "https://chatter.example.com"),
        ("ALLOWED_ORIGINS", "https://localhost:3000"),
        ("ALLOWED_ORIGINS", "http://app.chatter.internal"),
        ("RESPONSE_CACHE", "redis://cache.chatter.internal"),
        ("RESPONSE_CACHE", "rediss://127.0.0.1:6379"),
        ("STAGE", "production"),
    ] {
        let faults = read_with(name, Some(value)).expect_err("in prod");
        assert!(faults.to_string().contains(name), "{faults}");
        assert!(!faults.to_string().contains(value), "{faults}");
    }
}

#[test]
fn a_cache_is_one_of_ours_or_an_address_without_a_password() {
    for (value, backend) in [
        ("off", CacheBackend::Off),
        ("memory", CacheBackend::Memory),
        ("dynamodb", CacheBackend::DynamoDb),
        (
            "rediss://cache.chatter.internal:6380/1",
            CacheBackend::Redis("rediss://cache.chatter.internal:6380/1".to_owned()),
        ),
    ] {
        let config = read_with("RESPONSE_CACHE", Some(value)).expect("no fault");
        assert_eq!(config.response_cache, backend);
    }
    for wrong in [
        "on",
        "rediss://",
        "rediss://:hunter2@cache.chatter.internal",
        "rediss://ada:hunter2@cache.chatter.internal",
        "rediss://cache.chatter.internal?password=hunter2",
        "rediss://cache.chatter.internal/main",
        "https://cache.chatter.internal",
    ] {
        let faults = read_with("RESPONSE_CACHE", Some(wrong)).expect_err(wrong);
        assert!(!faults.to_string().contains("hunter2"), "{faults}");
    }
}

#[test]
fn a_collector_speaks_https_or_stands_beside_the_function() {
    let read =
        |value| read_with("TRACES_ENDPOINT", Some(value)).map(|config| config.traces_endpoint);
    for good in [
        "https://collector.chatter.internal/otlp",
        "http://localhost:4318",
        "http://127.0.0.1:4318",
    ] {
        assert_eq!(read(good), Ok(Some(good.to_owned())), "{good}");
    }
    for bad in [
        "http://collector.chatter.internal:4318",
        "https://key@collector.chatter.internal",
        "https://collector.chatter.internal/?key=x",
        "http://localhost:4318/",
        "localhost:4318",
        "grpc://localhost:4317",
    ] {
        read(bad).expect_err(bad);
    }
    for (text, share) in [("0", 0.0), ("1", 1.0), ("0.25", 0.25)] {
        let config = read_with("TRACE_SAMPLING", Some(text)).expect("a share");
        assert!(
            (config.trace_sampling - share).abs() < f64::EPSILON,
            "{text}"
        );
    }
    for bad in ["-0.1", "1.01", "NaN", "inf", "5%", "half"] {
        read_with("TRACE_SAMPLING", Some(bad)).expect_err(bad);
    }
}

#[test]
fn origins_may_be_none_and_never_all() {
    for none in [None, Some(""), Some("[]")] {
        let config = read_with("ALLOWED_ORIGINS", none).expect("no fault");
        assert!(config.allowed_origins.is_empty());
    }
    let faults = read_with("ALLOWED_ORIGINS", Some("*")).expect_err("all");
    assert!(
        faults.0[0].starts_with("ALLOWED_ORIGINS[0] must not be *"),
        "{faults}"
    );
}

#[test]
fn a_model_that_leaves_no_room_for_input_is_refused() {
    let providers = PROVIDERS.replace("1024", "8192");
    assert!(read_with("PROVIDERS", Some(&providers)).is_err());
}

#[test]
fn a_model_may_have_a_price_within_bounds() {
    let priced = |price: &str| {
        let model = format!(r#"1024,"price":{{"version":"1","input":400000,"output":{price}}}"#);
        read_with("PROVIDERS", Some(&PROVIDERS.replace("1024", &model)))
    };
    let config = priced("1600000").expect("no fault");
    let price = config.providers[0].models[0].price.as_ref();
    assert_eq!(price.expect("a price").output, 1_600_000);
    let faults = priced("1000000000001").expect_err("over a million dollars");
    assert!(faults.0[0].contains("price.output must be"), "{faults}");
    assert!(priced("-1").is_err() && priced("0.5").is_err());
}

#[test]
fn providers_speak_four_wires_and_models_say_what_they_can() {
    for (name, wire) in [
        ("openai", Wire::Openai),
        ("anthropic", Wire::Anthropic),
        ("gemini", Wire::Gemini),
        ("bedrock", Wire::Bedrock),
    ] {
        let providers = PROVIDERS.replace("openai", name).replace(
            "1024",
            r#"1024,"capabilities":["tools","reasoning_budget"]"#,
        );
        let config = read_with("PROVIDERS", Some(&providers)).expect("no fault");
        let provider = &config.providers[0];
        assert_eq!(provider.wire, wire);
        let model = &provider.models[0];
        assert!(model.can(Capability::Tools) && model.reasons());
        assert!(!model.can(Capability::Images));
    }
    let plain = read_with("PROVIDERS", Some(PROVIDERS)).expect("no fault");
    assert!(plain.providers[0].models[0].capabilities.is_empty());
}

#[test]
fn only_a_server_of_openais_wire_has_a_choice_of_names() {
    let named = |wire: &str| {
        let wire = format!(r#"{wire}","max_tokens_field":"max_completion_tokens"#);
        let providers = PROVIDERS.replace("openai", &wire);
        read_with("PROVIDERS", Some(&providers))
    };
    assert!(named("openai").is_ok());
    let faults = named("gemini").expect_err("it knows one name only");
    assert!(faults.0[0].contains("max_tokens_field"), "{faults}");
}

#[test]
fn only_a_server_of_openais_wire_judges_what_is_harmful() {
    let judging = |wire: &str, id: &str| {
        let more = format!(r#""wire":"{wire}","moderation_models":[{{"id":"{id}"}}]"#);
        let providers = PROVIDERS.replace(r#""wire":"openai""#, &more);
        read_with("PROVIDERS", Some(&providers))
    };
    let config = judging("openai", "j").expect("no fault");
    assert_eq!(config.providers[0].moderation_models[0].id, "j");
    for (wire, id, fault) in [
        (
            "gemini",
            "j",
            "PROVIDERS[0].moderation_models must be empty",
        ),
        ("openai", "m", "a model's id must stand only once"),
        ("openai", "a b", "a model's id must have"),
    ] {
        let faults = judging(wire, id).expect_err(fault);
        assert!(faults.0[0].contains(fault), "{faults}");
    }
}

#[test]
fn only_a_server_of_openais_wire_puts_passages_into_an_order() {
    let sorting = |wire: &str, id: &str| {
        let more =
            format!(r#""wire":"{wire}","rerank_models":[{{"id":"{id}","max_input_tokens":512}}]"#);
        let providers = PROVIDERS.replace(r#""wire":"openai""#, &more);
        read_with("PROVIDERS", Some(&providers))
    };
    let config = sorting("openai", "r").expect("no fault");
    assert_eq!(config.providers[0].rerank_models[0].id, "r");
    for (wire, id, fault) in [
        ("gemini", "r", "PROVIDERS[0].rerank_models must be empty"),
        ("openai", "m", "a model's id must stand only once"),
        ("openai", "a b", "a model's id must have"),
    ] {
        let faults = sorting(wire, id).expect_err(fault);
        assert!(faults.0[0].contains(fault), "{faults}");
    }
}
