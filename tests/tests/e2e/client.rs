//! A client that knows nothing but HTTP.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse canary staple";

/// One person.
pub(crate) struct Client {
    http: reqwest::Client,
    api: String,
    email: String,
    tokens: Value,
}

/// One server-sent event.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: Value,
}

/// A stream that is being read.
pub(crate) struct Events {
    response: futures_util::stream::BoxStream<'static, reqwest::Result<Vec<u8>>>,
    text: String,
}

impl Client {
    pub(crate) fn new(api: &str) -> Self {
        Self {
            http: reqwest::Client::builder()
                .timeout(Duration::from_secs(120))
                .build()
                .expect("a client"),
            api: api.to_owned(),
            email: String::new(),
            tokens: Value::Null,
        }
    }

    pub(crate) async fn register_and_log_in(&mut self, name: &str) {
        self.email = format!("{name}.canary@example.com");
        let person = json!({"email": self.email, "password": PASSWORD});
        let registered = self.post("/api/v1/auth/register", &person).await;
        assert_eq!(registered.status(), 202);
        let tokens = self.post("/api/v1/auth/login", &person).await;
        assert_eq!(tokens.status(), 200);
        self.tokens = tokens.json().await.expect("tokens");
    }

    /// Trades the refresh token.
    pub(crate) async fn refresh(&mut self) {
        let body = json!({"refresh_token": self.tokens["refresh_token"]});
        let tokens = self.post("/api/v1/auth/refresh", &body).await;
        assert_eq!(tokens.status(), 200, "the session is kept over a restart");
        self.tokens = tokens.json().await.expect("tokens");
    }

    /// Goes on in another tenant.
    pub(crate) async fn switch_to(&mut self, tenant: &str) {
        let body = json!({"tenant_id": tenant});
        let tokens = self.post("/api/v1/auth/switch-tenant", &body).await;
        assert_eq!(tokens.status(), 200);
        self.tokens = tokens.json().await.expect("tokens");
    }

    /// A program with that API key.
    pub(crate) fn with_key(&self, key: &str) -> Self {
        let mut program = Self::new(&self.api);
        program.tokens = json!({"access_token": key});
        program
    }

    /// The access token.
    pub(crate) fn token(&self) -> &str {
        self.tokens["access_token"].as_str().expect("a token")
    }

    /// What must stand in no log.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let token = |name: &str| self.tokens[name].as_str().expect("a token").to_owned();
        vec![
            PASSWORD.to_owned(),
            self.email.clone(),
            token("access_token"),
            token("refresh_token"),
            "CONTENT-CANARY".to_owned(),
        ]
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.api));
        match self.tokens["access_token"].as_str() {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path)
            .send()
            .await
            .expect("an answer")
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.request(Method::POST, path)
            .json(body)
            .send()
            .await
            .expect("an answer")
    }

    /// A new conversation with a model; the path of its messages.
    pub(crate) async fn conversation(&self, model: &str) -> String {
        let reply = self
            .post(
                "/api/v1/conversations",
                &json!({"title": "Oslo", "model": model}),
            )
            .await;
        assert_eq!(reply.status(), 201);
        let location = reply.headers()["location"].to_str().expect("an address");
        let location = location
            .strip_prefix(&self.api)
            .expect("an absolute address");
        format!("{location}/messages")
    }

    /// Sends a message and gives its events as they come.
    pub(crate) async fn stream(&self, path: &str, content: &str) -> Events {
        let reply = self
            .post(path, &json!({"content": content, "stream": true}))
            .await;
        Events::of(reply)
    }

    /// The events of a run after the one with that number.
    pub(crate) async fn events_after(&self, run: &str, last: u64) -> Events {
        let request = self.request(Method::GET, &format!("/api/v1/runs/{run}/events"));
        let request = request.header("last-event-id", last);
        Events::of(request.send().await.expect("an answer"))
    }

    /// The messages of a conversation.
    pub(crate) async fn messages(&self, path: &str) -> Vec<Value> {
        let list: Value = self.get(path).await.json().await.expect("a list");
        list["data"]
            .as_array()
            .cloned()
            .unwrap_or_else(|| panic!("not a list: {list}"))
    }
}

impl Events {
    /// Those of a reply that must be a stream.
    fn of(reply: Response) -> Self {
        assert_eq!(reply.status(), 200);
        assert_eq!(
            reply.headers()["content-type"],
            "text/event-stream; charset=utf-8"
        );
        Self {
            response: reply
                .bytes_stream()
                .map(|bytes| bytes.map(|bytes| bytes.to_vec()))
                .boxed(),
            text: String::new(),
        }
    }

    /// The next event. `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if !block.starts_with(':') {
                    return Some(event(&block));
                }
                continue;
            }
            let bytes = self.response.next().await?.expect("no broken stream");
            self.text
                .push_str(std::str::from_utf8(&bytes).expect("UTF-8"));
        }
    }

    /// All events up to the end.
    pub(crate) async fn rest(mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}

fn event(block: &str) -> Event {
    let field = |name: &str| {
        let found = block.lines().find_map(|line| line.strip_prefix(name));
        found
            .unwrap_or_else(|| panic!("no {name} in {block}"))
            .to_owned()
    };
    Event {
        name: field("event: "),
        data: serde_json::from_str(&field("data: ")).expect("JSON"),
    }
}
