//! All functions on one table, and every operation of the document.

use axum::http::Method;
use promises::{FUNCTIONS, Function};
use serde_json::{Value, json};
use shared::http::openapi::BEARER;
use shared::model::MembershipRole;
use test_support::{Body, Reply, TestApi};

use crate::bodies::{Bodies, PLAIN};
use crate::document;
use crate::things::{Things, beside};

/// Every role, from the least to the most, with its name.
pub(crate) const ROLES: [(MembershipRole, &str); 4] = [
    (MembershipRole::Viewer, "viewer"),
    (MembershipRole::Member, "member"),
    (MembershipRole::Admin, "admin"),
    (MembershipRole::Owner, "owner"),
];

/// An operation of the document.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// `POST /api/v1/…`
    pub(crate) name: String,
    pub(crate) method: Method,
    /// Its path with parameters.
    pub(crate) path: String,
    /// What the document says of it.
    pub(crate) described: Value,
}

impl Operation {
    /// Whether it asks who calls.
    pub(crate) fn has_caller(&self) -> bool {
        !self.described["security"][0][BEARER].is_null()
    }

    /// Its parameters in the query.
    pub(crate) fn query(&self) -> Vec<&Value> {
        let all = self.described["parameters"].as_array();
        let all = all.into_iter().flatten();
        all.filter(|parameter| parameter["in"] == "query").collect()
    }
}

/// Every operation of the document.
pub(crate) fn operations() -> Vec<Operation> {
    let all = document::operations(&document::document());
    let all = all.into_iter().map(|(path, method, described)| Operation {
        name: format!("{method} {path}"),
        method: method.parse().expect("a method"),
        path,
        described,
    });
    all.collect()
}

/// All functions on one table.
pub(crate) struct World {
    apis: Vec<(Function, TestApi)>,
    pub(crate) things: Things,
    pub(crate) bodies: Bodies,
}

impl World {
    pub(crate) async fn new() -> Self {
        let first = TestApi::new(FUNCTIONS[0].router).await;
        let apis = FUNCTIONS.map(|function| (function, beside(&first, function)));
        Self {
            things: Things::new(&first).await,
            bodies: Bodies::new(document::document(), PLAIN),
            apis: apis.into(),
        }
    }

    /// Any function: for what they have in common.
    pub(crate) fn any(&self) -> &TestApi {
        &self.apis[0].1
    }

    /// The function that serves it, on the table.
    pub(crate) fn api(&self, operation: &Operation) -> &TestApi {
        &self.served(operation).1
    }

    /// The function that serves it.
    pub(crate) fn function(&self, operation: &Operation) -> Function {
        self.served(operation).0
    }

    fn served(&self, operation: &Operation) -> &(Function, TestApi) {
        let serves = |function: &Function| {
            let document = serde_json::to_value((function.openapi)()).expect("JSON");
            let method = operation.method.as_str().to_lowercase();
            !document["paths"][&operation.path][method].is_null()
        };
        let found = self.apis.iter().find(|(function, _)| serves(function));
        found.expect("a function that serves it")
    }

    /// A good body, if the operation takes one.
    pub(crate) fn body(&self, operation: &Operation) -> Body {
        let content = &operation.described["requestBody"]["content"];
        if content["multipart/form-data"].is_object() {
            return crate::things::form("Words.");
        }
        let body = self.bodies.of(&operation.described);
        body.map_or(Body::Empty, Body::Json)
    }

    /// Sends the operation with that token or key, and a good body.
    pub(crate) async fn send(&self, token: &str, operation: &Operation, path: &str) -> Reply {
        let body = self.body(operation);
        self.send_body(token, operation, path, body).await
    }

    /// The same with that body. It says of everything that it knows the newest version.
    pub(crate) async fn send_body(
        &self,
        token: &str,
        operation: &Operation,
        path: &str,
        body: Body,
    ) -> Reply {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("if-match", "*")];
        let method = operation.method.clone();
        let api = self.api(operation);
        api.send_with(None, method, path, body, &headers).await
    }

    /// The rows that have one of those texts in them, sorted. What only counts requests is left out.
    pub(crate) async fn rows(&self, marks: &[String]) -> Vec<String> {
        let dump: Value = serde_json::from_str(&self.any().table.dump().await).expect("JSON");
        let rows = dump["Items"].as_array().expect("rows").iter();
        let rows = rows.filter(|row| {
            let key = row["pk"]["S"].as_str().expect("a key");
            !key.starts_with("LIMIT#")
        });
        let rows = rows.map(Value::to_string);
        let marked = |row: &String| marks.iter().any(|mark| row.contains(mark));
        let mut rows: Vec<String> = rows.filter(marked).collect();
        rows.sort();
        rows
    }
}

/// What an answer says, without what belongs to its request alone.
pub(crate) fn said(reply: &Reply) -> Value {
    let mut body = reply.body();
    for place in ["", "/error"] {
        if let Some(members) = body.pointer_mut(place).and_then(Value::as_object_mut) {
            members.remove("request_id");
        }
    }
    let own = [
        "x-request-id",
        "traceparent",
        "ratelimit",
        "x-ratelimit-remaining-requests",
        "openai-processing-ms",
        "date",
    ];
    let headers = reply.headers.iter();
    let headers = headers.filter(|(name, _)| !own.contains(&name.as_str()));
    let headers: Vec<String> = headers
        .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")))
        .collect();
    json!({"status": reply.status.as_u16(), "headers": headers, "body": body})
}

/// All of an answer as text: what must not be in it is not there.
pub(crate) fn whole(reply: &Reply) -> String {
    format!("{:?} {}", reply.headers, reply.text)
}
