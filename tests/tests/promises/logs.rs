//! What is logged, at the lowest level that can be asked for, and recorded in spans: never a secret, never what somebody
//! said, and always one JSON object a line.

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::Router;
use axum::http::Uri;
use axum::routing::get;
use promises::{FUNCTIONS, WITHOUT_ROUTES};
use serde_json::{Value, json};
use shared::telemetry::{LIBRARIES, Levels, subscriber};
use test_support::TestApi;
use tracing_subscriber::fmt::MakeWriter;

use crate::bodies::Texts;
use crate::spans::{are_bounded, recorded, router_paths};
use crate::sweep::Sweep;

/// What must not come out: each is recognised by `canary`, whatever is done with the rest.
const CANARIES: Texts = Texts {
    password: "password-canary-5f1c correct horse",
    email: "email-canary-5f1c@people.test",
    token: "eyJhbGciOiJFZERTQSJ9.eyJqdGkiOiJqd3QtY2FuYXJ5LTVmMWMifQ.jwt-canary-5f1c",
    free: "prompt-canary-5f1c",
    user_agent: "user-agent-canary-5f1c",
    in_path: "path-canary-5f1c",
};

/// What would be a line of its own, or colour a terminal, if it were written as it is.
const HOSTILE: &str =
    "x\n{\"level\":\"ERROR\",\"message\":\"forged\"}\r\n\u{1b}[31m\u{9b}31m\u{2028}\"}";
const HOSTILES: Texts = Texts {
    password: HOSTILE,
    email: "x\n{\"level\":\"ERROR\",\"message\":\"forged\"}@people.test",
    token: "{\"level\":\"ERROR\",\"message\":\"forged\"}\t\u{9b}31m",
    free: HOSTILE,
    user_agent: "{\"level\":\"ERROR\",\"message\":\"forged\"}\t\u{9b}31m",
    in_path: "x%0A%7B%22level%22:%22ERROR%22,%22message%22:%22forged%22%7D%1B%5B31m",
};

#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    /// What was written so far.
    pub(crate) fn text(&self) -> String {
        let bytes = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        String::from_utf8(bytes).expect("UTF-8")
    }
}

/// Everything that this process logs from now on, as it is written where it is deployed. For the whole process,
/// because some work is done on other threads.
pub(crate) fn captured() -> &'static Lines {
    static CAPTURED: OnceLock<Lines> = OnceLock::new();
    CAPTURED.get_or_init(|| {
        let lines = Lines::default();
        let names = FUNCTIONS.map(|function| function.name);
        let others = WITHOUT_ROUTES.map(|(name, _)| name);
        let names: Vec<&str> = names.into_iter().chain(others).collect();
        let levels = Levels::parse("trace").expect("levels");
        let subscriber = subscriber(&names, levels, lines.clone());
        tracing::subscriber::set_global_default(subscriber).expect("the only one");
        lines
    })
}

/// The lines about a request.
fn lines_of(logged: &[Value], request: &str) -> usize {
    let own =
        |line: &&Value| line["request_id"] == request && line["lambda_request_id"].is_string();
    logged.iter().filter(own).count()
}

pub(crate) fn parsed(text: &str) -> Vec<Value> {
    let line = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    text.lines().map(line).collect()
}

#[tokio::test]
async fn nothing_that_must_be_kept_is_logged_or_recorded_or_told_in_a_problem() {
    let captured = captured();
    let mut secrets: Vec<String> = Vec::new();
    let (mut problems, mut spans, mut done) = (String::new(), String::new(), 0);
    for function in FUNCTIONS {
        let sweep = Sweep::of(function, CANARIES).await;
        secrets.extend(sweep.credentials.iter().cloned());
        for exchange in &sweep.exchanges {
            let reply = &exchange.reply;
            if reply.status.is_success() {
                done += 1;
                secrets.extend(handed_out(&reply.body()));
            } else {
                problems += &format!("{} {} {:?}\n", exchange.label, reply.text, reply.headers);
            }
        }
        for (_, _, text) in sweep.api.letters().await {
            secrets.extend(
                text.split(['\n', '='])
                    .filter(|word| word.len() > 60)
                    .map(str::to_owned),
            );
        }
        spans += &recorded(&sweep.api);
    }
    assert!(done > 40, "{done}");
    secrets.sort();
    secrets.dedup();
    assert!(secrets.len() > 60, "{}", secrets.len());
    spans += &recorded(&provider_failures().await);
    let logged = captured.text();
    assert!(parsed(&logged).len() > 500 && spans.lines().count() > 500);
    for (place, text) in [
        ("the log", &logged),
        ("a problem", &problems),
        ("a span", &spans),
    ] {
        let canary = text.lines().find(|line| line.contains("canary"));
        assert_eq!(canary, None, "in {place}");
        // Everybody's address here; and what stands in the secrets that the functions read.
        let address = text.lines().find(|line| line.contains("people.test"));
        assert_eq!(address, None, "in {place}");
        assert!(!text.contains("long enough to be a"), "a key in {place}");
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{secret} in {place}");
        }
    }
}

/// The tokens in an answer.
fn handed_out(body: &Value) -> Vec<String> {
    let fields = body.as_object().into_iter().flatten();
    let secret = fields.filter(|(name, _)| {
        ["token", "secret", "key"]
            .iter()
            .any(|part| name.ends_with(part))
    });
    secret
        .filter_map(|(_, value)| value.as_str().map(str::to_owned))
        .collect()
}

/// Turns that the provider breaks, with what it must not be quoted with.
async fn provider_failures() -> TestApi {
    let api = TestApi::new(chat::router_with).await;
    for script in [
        json!({"status": 401}),
        json!({"status": 400}),
        json!({"status": 500}),
        json!({"html": true}),
        json!({"say": ["prompt-canary-5f1c"], "garbage_after": 1}),
        json!({"say": ["prompt-canary-5f1c"], "cut_after": 1}),
        json!({"say": ["prompt-canary-5f1c"], "error_after": 1}),
        json!({"say": ["prompt-canary-5f1c"]}),
    ] {
        let conversations = api.beside(conversations::router);
        let made = conversations
            .post(
                Some("ada"),
                "/api/v1/conversations",
                json!({"system_prompt": "prompt-canary-5f1c"}),
            )
            .await;
        let path = format!("{}/messages", made.location());
        let content = json!({"content": script.to_string()});
        let reply = api.post(Some("ada"), &path, content).await;
        let quoted = reply.text.contains("canary");
        assert_eq!(quoted, reply.status == 201, "{}", reply.text);
    }
    api
}

#[tokio::test]
async fn whatever_is_sent_each_request_is_one_line_of_json() {
    let captured = captured();
    let mut requests = Vec::new();
    for function in FUNCTIONS {
        let sweep = Sweep::of(function, HOSTILES).await;
        let ids = sweep
            .exchanges
            .iter()
            .map(|exchange| exchange.reply.header("x-request-id").to_owned());
        requests.extend(ids);
        are_bounded(&sweep.api);
    }
    // What is hostile stands in no line of ours, so one is written that has it.
    tracing::info!(target: "shared::control", hostile = HOSTILE, "{HOSTILE}");
    let text = captured.text();
    let odd = |c: char| c != '\n' && (c.is_ascii_control());
    assert!(
        !text.contains(odd),
        "a control character that is not escaped"
    );
    let logged = parsed(&text);
    let control: Vec<&Value> = logged
        .iter()
        .filter(|line| line["hostile"] == HOSTILE)
        .collect();
    assert_eq!(control.len(), 1);
    assert_eq!(control[0]["message"], HOSTILE);
    let (figures, logged): (Vec<Value>, Vec<Value>) = logged
        .into_iter()
        .partition(|line| line["_aws"].is_object());
    let measured = figures.iter().map(figures_are_bounded).sum::<usize>();
    assert!(
        measured >= requests.len(),
        "{measured} requests were measured"
    );
    for line in &logged {
        assert!(
            line["timestamp"].is_string() && line["level"].is_string(),
            "{line}"
        );
        assert_ne!(line["message"], "forged");
    }
    assert!(requests.len() > 400, "{}", requests.len());
    for request in requests {
        assert_eq!(lines_of(&logged, &request), 1, "{request}");
    }
}

/// That what is hostile is the value of no dimension, and each has one of few values. How many requests it measures.
fn figures_are_bounded(line: &Value) -> usize {
    let directive = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(directive["Namespace"], "Chatter", "{line}");
    assert!(line["_aws"]["Timestamp"].is_u64(), "{line}");
    for set in directive["Dimensions"].as_array().expect("sets") {
        for name in set.as_array().expect("names") {
            let name = name.as_str().expect("a name");
            let value = line[name].as_str().expect("a value");
            let known = match name {
                "Stage" => value == "local",
                "Function" => value == "test",
                "Route" => value == "none" || router_paths().contains(value),
                "Model" => value == "tenant" || value.starts_with("scripted"),
                _ => false,
            };
            assert!(known, "{name} is {value}");
        }
    }
    for metric in directive["Metrics"].as_array().expect("metrics") {
        let name = metric["Name"].as_str().expect("a name");
        assert!(line[name].is_number(), "{name} of {line}");
    }
    usize::from(line["Requests"] == 1.0)
}

#[tokio::test]
async fn a_panic_is_a_line_with_its_place_and_with_no_text_that_was_made() {
    let captured = captured();
    let api = TestApi::new(|_, _| {
        let made = get(async |uri: Uri| {
            if true {
                panic!("{uri} is no good");
            }
        });
        let written = get(async || {
            if true {
                panic!("a text of the source");
            }
        });
        Ok(Router::new()
            .route("/made", made)
            .route("/written", written))
    })
    .await;
    let before = std::panic::take_hook();
    shared::telemetry::log_panics();
    let replies = [
        api.get(None, "/made?prompt-canary-5f1c").await,
        api.get(None, "/written").await,
    ];
    std::panic::set_hook(before);
    for reply in replies {
        assert_eq!(reply.problem(), (500, "internal".to_owned()));
    }
    let text = captured.text();
    assert!(!text.contains("prompt-canary-5f1c"), "{text}");
    let logged = parsed(&text);
    let place = |line: &&Value| {
        let place = line["location"].as_str();
        place.is_some_and(|place| place.contains("promises/logs.rs:"))
    };
    let panics: Vec<&Value> = logged.iter().filter(place).collect();
    let texts: Vec<&Value> = panics.iter().map(|line| &line["text"]).collect();
    assert_eq!(texts, ["", "a text of the source"]);
}

#[test]
fn a_header_with_a_line_end_never_becomes_a_request() {
    let event = json!({
        "resource": "/", "path": "/", "httpMethod": "GET",
        "headers": {"user-agent": HOSTILE}, "multiValueHeaders": {"user-agent": [HOSTILE]},
        "requestContext": {"stage": "prod", "httpMethod": "GET", "identity": {"sourceIp": "203.0.113.7"}},
    });
    assert!(lambda_http::request::from_str(&event.to_string()).is_err());
}

#[test]
fn only_our_own_crates_log_below_info() {
    let captured = captured();
    tracing::trace!(target: "shared::control", "own-line");
    tracing::trace!(target: "key_rotation", "own-line-of-a-function");
    tracing::debug!(target: "aws_smithy_runtime::client", "foreign-line");
    tracing::trace!(target: "lambda_runtime", "foreign-line");
    let text = captured.text();
    assert!(
        text.contains("own-line\"") && text.contains("own-line-of-a-function"),
        "{text}"
    );
    assert!(!text.contains("foreign-line"), "{text}");
}

#[test]
fn the_libraries_whose_lines_are_ours_are_those_of_the_workspace() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let manifest = std::fs::read_to_string(format!("{root}/Cargo.toml")).expect("Cargo.toml");
    let manifest: toml::Table = toml::from_str(&manifest).expect("TOML");
    let members = manifest["workspace"]["members"]
        .as_array()
        .expect("members");
    let members = members.iter().filter_map(|member| member.as_str());
    let libraries = members.filter(|member| member.starts_with("shared"));
    let mut names: Vec<&str> = libraries
        .map(|member| member.rsplit('/').next().unwrap_or(member))
        .collect();
    let mut listed = LIBRARIES.to_vec();
    names.sort_unstable();
    listed.sort_unstable();
    assert_eq!(names, listed);
}

#[test]
fn what_holds_a_secret_shows_none() {
    use shared::auth::{ApiKeyText, OneTimeSecret, RefreshSecret};
    use shared::config::Stage;
    let key = ApiKeyText::random(Stage::Local).expect("random");
    let one_time = OneTimeSecret::random().expect("random");
    let refresh = RefreshSecret::random().expect("random");
    let letter = shared::mail::Letter {
        to: Some(CANARIES.email.to_owned()),
        subject: CANARIES.free.to_owned(),
        text: CANARIES.token.to_owned(),
    };
    let provider = engine::ProviderKeys::fixed([(
        "p".to_owned(),
        secrecy::SecretString::from(CANARIES.token),
    )]);
    let email = shared::model::Email::parse("/email", CANARIES.email).expect("an address");
    for shown in [
        format!("{key:?}"),
        format!("{one_time:?}"),
        format!("{refresh:?}"),
        format!("{letter:?}"),
        format!("{provider:?}"),
        format!("{email:?}"),
    ] {
        assert!(
            !shown.contains("canary") && !shown.contains(key.expose()),
            "{shown}"
        );
        assert!(
            !shown.chars().any(|c| c.is_ascii_digit()),
            "bytes of a secret: {shown}"
        );
    }
}
