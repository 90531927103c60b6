//! Every operation of the document, sent in every way that goes well or wrong. Bodies are made from the document,
//! so that an operation that is new takes part by itself.

use std::time::Duration;

use axum::http::Method;
use promises::{Function, real_path};
use serde_json::{Map, Value, json};
use shared::http::MAX_BODY_BYTES;
use shared::model::Scope;
use test_support::{Body, Fault, Reply, TestApi};

use crate::document::operations;

/// What stands in the place of what a client must keep to itself, or says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Texts {
    pub(crate) password: &'static str,
    pub(crate) email: &'static str,
    pub(crate) token: &'static str,
    pub(crate) free: &'static str,
    /// The header that says which program asks.
    pub(crate) user_agent: &'static str,
    /// As `free`, where a path or a query can have it.
    pub(crate) in_path: &'static str,
}

/// Texts that mean nothing.
pub(crate) const PLAIN: Texts = Texts {
    password: "a password that is long enough",
    email: "ada.lovelace@people.test",
    token: "a-token",
    free: "Hello",
    user_agent: "test",
    in_path: "x",
};

/// A request and what came back.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// The operation, and how it was sent.
    pub(crate) label: String,
    /// `POST /api/v1/…`, as the document has it.
    pub(crate) operation: String,
    /// The method that was sent.
    pub(crate) method: Method,
    pub(crate) reply: Reply,
}

/// A function on a table of its own, and what was sent to it.
pub(crate) struct Sweep {
    pub(crate) api: TestApi,
    pub(crate) exchanges: Vec<Exchange>,
    /// Access tokens and keys that were sent and hold.
    pub(crate) credentials: Vec<String>,
    texts: Texts,
    document: Value,
}

/// An operation, ready to be sent.
#[derive(Clone)]
pub(crate) struct Ready {
    operation: String,
    pub(crate) method: Method,
    path: String,
    pub(crate) body: Option<Value>,
    headers: Vec<(&'static str, String)>,
}

impl Sweep {
    /// The function, of which nothing is asked yet.
    pub(crate) async fn new(function: Function, texts: Texts) -> Self {
        let document = shared::http::openapi::document([(function.openapi)()]);
        Self {
            api: TestApi::new(function.router).await,
            exchanges: Vec::new(),
            credentials: Vec::new(),
            texts,
            document: serde_json::to_value(document).expect("JSON"),
        }
    }

    /// What the function serves: path, method and what the document says of it.
    pub(crate) fn operations(&self) -> Vec<(String, String, Value)> {
        let operations = operations(&self.document);
        assert!(!operations.is_empty(), "a function without an operation");
        operations
    }

    /// Sends everything that the function serves.
    pub(crate) async fn of(function: Function, texts: Texts) -> Self {
        let mut sweep = Self::new(function, texts).await;
        let operations = sweep.operations();
        // Twice, because what one makes another needs, such as an account for a login.
        for round in 0..2 {
            for (index, (path, method, described)) in operations.iter().enumerate() {
                let person = format!("op{round}.{index}");
                // A source whose tokens fail has to wait for a minute.
                sweep.api.app.clock.advance(Duration::from_secs(61));
                let ready = sweep.ready(&person, method, path, described).await;
                sweep.well(&person, &ready).await;
                if round == 1 {
                    sweep.wrong(&person, &ready).await;
                }
            }
        }
        sweep
    }

    /// The operation with a path to something that the person has, where that can be made here.
    pub(crate) async fn ready(
        &self,
        person: &str,
        method: &str,
        path: &str,
        described: &Value,
    ) -> Ready {
        let known = self.api.people.get(person).await;
        let mut real = path
            .replace("{tenant_id}", &known.tenant.to_string())
            .replace("{user_id}", &known.user.to_string())
            .replace("{session_id}", &known.session.to_string())
            .replace("{model_id}", "small");
        if real.contains("{conversation_id}") {
            let conversations = self.api.beside(conversations::router);
            let made = conversations
                .post(Some(person), "/api/v1/conversations", json!({}))
                .await;
            let id = made.body()["id"].as_str().expect("an id").to_owned();
            real = real.replace("{conversation_id}", &id);
        }
        let schema = &described["requestBody"]["content"]["application/json"]["schema"];
        Ready {
            operation: format!("{method} {path}"),
            method: method.parse().expect("a method"),
            path: real_path(&real),
            body: (!schema.is_null()).then(|| self.fill("", schema)),
            headers: Vec::new(),
        }
    }

    /// What the schema wants.
    fn fill(&self, name: &str, schema: &Value) -> Value {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self.document.pointer(reference.trim_start_matches('#'));
            return self.fill(name, target.expect("a schema"));
        }
        for choice in ["oneOf", "anyOf", "allOf"] {
            let choices = schema[choice].as_array().into_iter().flatten();
            if let Some(one) = choices.clone().find(|one| one["type"] != "null") {
                return self.fill(name, one);
            }
        }
        let kinds = match &schema["type"] {
            Value::Array(kinds) => kinds.clone(),
            kind => vec![kind.clone()],
        };
        let kind = kinds.iter().find(|kind| *kind != "null");
        match kind.and_then(Value::as_str).unwrap_or_default() {
            "object" => self.object(schema),
            "array" => json!([self.fill(name, &schema["items"])]),
            "string" => self.text(name, schema),
            "boolean" => json!(false),
            "integer" | "number" => [&schema["example"], &schema["minimum"]]
                .into_iter()
                .find(|value| value.is_number())
                .cloned()
                .unwrap_or(json!(1)),
            _ => json!({}),
        }
    }

    fn object(&self, schema: &Value) -> Value {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let properties = schema["properties"].as_object().into_iter().flatten();
        let filled = properties.filter(|(name, described)| {
            // Optional ids would have to be those of something.
            let id = described.to_string().contains("Id\"") || described["pattern"].is_string();
            required.contains(&json!(name)) || !id
        });
        let filled = filled.map(|(name, described)| (name.clone(), self.fill(name, described)));
        Value::Object(filled.collect::<Map<_, _>>())
    }

    fn text(&self, name: &str, schema: &Value) -> Value {
        if let Some(first) = schema["enum"].get(0) {
            return first.clone();
        }
        if name == "model" {
            return json!("small");
        }
        if let Some(pattern) = schema["pattern"].as_str() {
            let prefix: String = pattern.chars().filter(char::is_ascii_lowercase).collect();
            let prefix = prefix.strip_suffix("af").unwrap_or(&prefix);
            return json!(format!("{prefix}_0199f0a0b1c27d3e8f405162738495a6"));
        }
        let has = |part: &str| name.contains(part);
        json!(match schema["format"].as_str() {
            Some("email") => self.texts.email,
            Some("password") => self.texts.password,
            _ if has("email") => self.texts.email,
            _ if has("password") => self.texts.password,
            _ if has("token") || has("secret") || has("key") => self.texts.token,
            _ => self.texts.free,
        })
    }

    /// As it should be: with a token, with a key, and as a stream where it can be one.
    async fn well(&mut self, person: &str, ready: &Ready) {
        // Before, because what is asked may end the session.
        let key = self.api.people.api_key(person, &Scope::ALL).await;
        self.send("well", Some(person), ready).await;
        let mut with_key = ready.clone();
        with_key
            .headers
            .push(("authorization", format!("Bearer {key}")));
        self.credentials.push(key);
        self.send("with a key", None, &with_key).await;
        if ready
            .body
            .as_ref()
            .is_some_and(|body| body["stream"].is_boolean())
        {
            let mut streamed = ready.clone();
            streamed.body.as_mut().expect("a body")["stream"] = json!(true);
            self.send("as a stream", Some(person), &streamed).await;
        }
    }

    async fn wrong(&mut self, person: &str, ready: &Ready) {
        self.send("without a token", None, ready).await;
        let mut refused = ready.clone();
        refused
            .headers
            .push(("authorization", format!("Bearer {}", self.texts.token)));
        self.send("with a token that does not hold", None, &refused)
            .await;
        for (label, name, value) in [
            ("accepting nothing", "accept", "text/x-nothing".to_owned()),
            (
                "with a version that is none",
                "if-match",
                self.texts.token.to_owned(),
            ),
            (
                "with a trace that is none",
                "traceparent",
                self.texts.token.to_owned(),
            ),
        ] {
            let mut odd = ready.clone();
            odd.headers.push((name, value));
            self.send(label, Some(person), &odd).await;
        }
        for method in [Method::HEAD, Method::OPTIONS, Method::TRACE] {
            let other = Ready {
                method: method.clone(),
                ..ready.clone()
            };
            self.send(method.as_str(), Some(person), &other).await;
        }
        let long = Ready {
            path: format!("{}?{}", ready.path, "x".repeat(9000)),
            ..ready.clone()
        };
        self.send("with a long query", Some(person), &long).await;
        let (path, text) = (&ready.path, self.texts.in_path);
        let query = Ready {
            path: format!("{path}?limit={text}&cursor={text}&{text}={text}"),
            ..ready.clone()
        };
        self.send("with a query", Some(person), &query).await;
        if let Some((before, _)) = ready.path.rsplit_once('/') {
            let elsewhere = Ready {
                path: format!("{before}/{text}"),
                ..ready.clone()
            };
            self.send("at another path", Some(person), &elsewhere).await;
        }
        self.bodies(person, ready).await;
        self.api.table.fail("*", Fault::Denied, 200);
        self.send("without the table", Some(person), ready).await;
        self.api.table.heal();
    }

    /// Bodies that are none.
    async fn bodies(&mut self, person: &str, ready: &Ready) {
        let Some(body) = &ready.body else { return };
        let whole = body.to_string();
        let text = self.texts.free;
        let mut unknown = body.clone();
        unknown["no_such_field"] = json!(text);
        let bodies = [
            (
                "cut off",
                Body::Raw(Some("application/json"), whole[..whole.len() - 2].into()),
            ),
            (
                "in another form",
                Body::Raw(Some("text/plain"), whole.clone().into_bytes()),
            ),
            (
                "too large",
                Body::Raw(Some("application/json"), vec![b' '; MAX_BODY_BYTES + 1]),
            ),
            (
                "of no UTF-8",
                Body::Raw(Some("application/json"), b"{\"\xff".to_vec()),
            ),
            ("with a field too many", Body::Json(unknown)),
            ("that is a list", Body::Json(json!([text]))),
            ("that is a text", Body::Json(json!(text))),
        ];
        for (label, body) in bodies {
            self.send_body(&format!("with a body {label}"), Some(person), ready, body)
                .await;
        }
        for name in body.as_object().into_iter().flat_map(|body| body.keys()) {
            let mut odd = body.clone();
            odd[name] = json!([text]);
            let label = format!("with a list as {name}");
            self.send_body(&label, Some(person), ready, Body::Json(odd))
                .await;
        }
    }

    async fn send(&mut self, label: &str, person: Option<&str>, ready: &Ready) {
        let body = ready.body.clone().map_or(Body::Empty, Body::Json);
        self.send_body(label, person, ready, body).await;
    }

    async fn send_body(&mut self, label: &str, person: Option<&str>, ready: &Ready, body: Body) {
        if let Some(person) = person {
            self.credentials.push(self.api.token(person).await);
        }
        let headers = ready
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        let headers: Vec<(&'static str, &str)> = headers
            .chain([("user-agent", self.texts.user_agent)])
            .collect();
        let method = ready.method.clone();
        let reply = self
            .api
            .send_with(person, method.clone(), &ready.path, body, &headers)
            .await;
        self.exchanges.push(Exchange {
            label: format!("{} {label}", ready.operation),
            operation: ready.operation.clone(),
            method,
            reply,
        });
    }
}
