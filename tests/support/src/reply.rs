//! What came back.

mod openai;

use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;

/// A response that was read to its end.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub text: String,
}

/// One server-sent event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its data.
    pub data: Value,
}

impl Reply {
    /// The body as JSON; `null` if it is none.
    pub fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// A header's value; empty if it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The path in `Location`, which is an address of this API.
    pub fn location(&self) -> &str {
        let location = self.header("location");
        location
            .strip_prefix("http://chatter.test")
            .expect("an absolute address")
    }

    /// The status and the last part of the problem's type, if it is a problem document as all are: with its
    /// status, its request id and the same id in the header. Of a failure in OpenAI's form, those of the problem that it
    /// stands for.
    pub fn problem(&self) -> (u16, String) {
        if self.body()["error"].is_object() {
            return openai::problem(self);
        }
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}",
            self.text
        );
        let body = self.body();
        assert_eq!(body["status"], self.status.as_u16(), "{body}");
        assert_eq!(body["request_id"], self.header("x-request-id"), "{body}");
        assert!(
            body["title"].is_string() && body["detail"].is_string(),
            "{body}"
        );
        let kind = body["type"].as_str().unwrap_or_default();
        // The one type that is not ours.
        let iana = "https://iana.org/assignments/http-problem-types#";
        let slug = kind
            .strip_prefix("urn:chatter:problem:")
            .or_else(|| {
                kind.strip_prefix(iana)
                    .filter(|slug| *slug == "quota-exceeded")
            })
            .expect("a problem type of ours");
        (self.status.as_u16(), slug.to_owned())
    }

    /// The fields that a problem document names, with what is wrong with them.
    pub fn errors(&self) -> Vec<(String, String)> {
        if self.body()["error"].is_object() {
            return openai::errors(self);
        }
        let errors = self.body()["errors"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        errors
            .iter()
            .map(|error| (text(&error["field"]), text(&error["detail"])))
            .collect()
    }

    /// The events of a stream. Comments are left out.
    pub fn events(&self) -> Vec<Event> {
        assert_eq!(
            self.header("content-type"),
            "text/event-stream; charset=utf-8",
            "{}",
            self.text
        );
        let blocks = self
            .text
            .split("\n\n")
            .filter(|block| !block.is_empty() && !block.starts_with(':'));
        blocks.map(event).collect()
    }
}

fn event(block: &str) -> Event {
    let field = |name: &str| {
        let prefix = format!("{name}: ");
        let line = block.lines().find_map(|line| line.strip_prefix(&prefix));
        line.unwrap_or_else(|| panic!("no {name} in {block}"))
            .to_owned()
    };
    Event {
        id: field("id"),
        name: field("event"),
        data: serde_json::from_str(&field("data")).expect("JSON data"),
    }
}
