//! Every operation of the document, sent in every way that goes well or wrong. Bodies are made from the document,
//! so that an operation that is new takes part by itself.

use std::time::Duration;

use axum::http::Method;
use promises::Function;
use serde_json::{Value, json};
use shared::http::MAX_BODY_BYTES;
use shared::model::Scope;
use test_support::{Asked, Body, Fault, Reply, TestApi};

use crate::bodies::{Bodies, Texts};
use crate::document::operations;
use crate::things::Things;

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
    /// What it asked of the table, if that is watched.
    pub(crate) asked: Vec<Asked>,
}

/// A function on a table of its own, and what was sent to it.
pub(crate) struct Sweep {
    pub(crate) api: TestApi,
    pub(crate) exchanges: Vec<Exchange>,
    /// Access tokens and keys that were sent and hold.
    pub(crate) credentials: Vec<String>,
    texts: Texts,
    bodies: Bodies,
    things: Things,
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
        let document = serde_json::to_value(document).expect("JSON");
        let api = TestApi::new(function.router).await;
        Self {
            things: Things::new(&api).await,
            bodies: Bodies::new(document, texts),
            api,
            exchanges: Vec::new(),
            credentials: Vec::new(),
            texts,
        }
    }

    /// Sends everything that the function serves.
    pub(crate) async fn of(function: Function, texts: Texts) -> Self {
        let mut sweep = Self::of_what_goes_well(function, texts).await;
        for (index, (path, method, described)) in sweep.operations().iter().enumerate() {
            let person = format!("wrong{index}");
            // A source whose tokens fail has to wait for a minute.
            sweep.api.app.clock.advance(Duration::from_secs(61));
            let ready = sweep.ready(&person, method, path, described).await;
            sweep.wrong(&person, &ready).await;
        }
        sweep
    }

    /// Sends what should go well.
    pub(crate) async fn of_what_goes_well(function: Function, texts: Texts) -> Self {
        Self::new(function, texts).await.what_goes_well().await
    }

    /// The same, and what each request asks of the table.
    pub(crate) async fn watched(function: Function, texts: Texts) -> Self {
        let sweep = Self::new(function, texts).await;
        sweep.api.table.watch();
        sweep.what_goes_well().await
    }

    async fn what_goes_well(mut self) -> Self {
        // Twice, because what one makes another needs, such as an account for a login.
        for round in 0..2 {
            for (index, (path, method, described)) in self.operations().iter().enumerate() {
                let person = format!("op{round}.{index}");
                self.api.app.clock.advance(Duration::from_secs(61));
                let ready = self.ready(&person, method, path, described).await;
                self.well(&person, &ready).await;
            }
        }
        self
    }

    /// What the function serves: path, method and what the document says of it.
    pub(crate) fn operations(&self) -> Vec<(String, String, Value)> {
        let operations = operations(self.bodies.document());
        assert!(!operations.is_empty(), "a function without an operation");
        operations
    }

    /// The operation with a path to something that the person has.
    pub(crate) async fn ready(
        &self,
        person: &str,
        method: &str,
        path: &str,
        described: &Value,
    ) -> Ready {
        Ready {
            operation: format!("{method} {path}"),
            method: method.parse().expect("a method"),
            path: self.things.path(person, path).await,
            body: self.bodies.of(described),
            headers: Vec::new(),
        }
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
        let mut versioned = ready.clone();
        versioned.headers.push(("if-match", "*".to_owned()));
        self.send("whatever its version", Some(person), &versioned)
            .await;
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
        self.api.table.take_asked();
        let reply = self
            .api
            .send_with(person, method.clone(), &ready.path, body, &headers)
            .await;
        self.exchanges.push(Exchange {
            label: format!("{} {label}", ready.operation),
            operation: ready.operation.clone(),
            method,
            reply,
            asked: self.api.table.take_asked(),
        });
    }
}
