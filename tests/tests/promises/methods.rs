//! Which methods a path takes, whoever asks and whatever the path names.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use promises::{FUNCTIONS, real_path};
use test_support::{Body, TestApi};

use crate::document::{document, operations};

/// The methods of each path, in all functions together.
fn served() -> BTreeMap<String, BTreeSet<String>> {
    let mut served = BTreeMap::<String, BTreeSet<String>>::new();
    for (path, method, _) in operations(&document()) {
        let methods = served.entry(path).or_default();
        if method == "GET" {
            methods.insert("HEAD".to_owned());
        }
        methods.insert("OPTIONS".to_owned());
        methods.insert(method);
    }
    served
}

/// Every path of every function, with what the path takes.
fn paths() -> impl Iterator<Item = (promises::Function, String, BTreeSet<String>)> {
    let served = served();
    FUNCTIONS.into_iter().flat_map(move |function| {
        let own: Vec<String> = (function.openapi)().paths.paths.into_keys().collect();
        let served = served.clone();
        own.into_iter()
            .map(move |path| (function, path.clone(), served[&path].clone()))
    })
}

#[tokio::test]
async fn every_other_method_is_refused_with_the_methods_that_the_path_takes() {
    let mut api: Option<(&str, TestApi)> = None;
    for (function, path, takes) in paths() {
        if api.as_ref().is_none_or(|(name, _)| *name != function.name) {
            api = Some((function.name, TestApi::new(function.router).await));
        }
        let (_, api) = api.as_ref().expect("just made");
        let others = [
            "GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "QUERY", "get",
        ];
        let others = others.iter().filter(|method| !takes.contains(**method));
        for method in others {
            let method: Method = method.parse().expect("a method");
            let label = format!("{method} {path}");
            let reply = api.send(None, method, &real_path(&path), Body::Empty).await;
            assert_eq!(
                reply.problem(),
                (405, "method-not-allowed".to_owned()),
                "{label}"
            );
            let allowed: BTreeSet<String> = reply
                .header("allow")
                .split(", ")
                .map(str::to_owned)
                .collect();
            assert_eq!(allowed, takes, "{label}");
        }
    }
}

#[tokio::test]
async fn options_and_head_tell_nobody_what_there_is() {
    let api = TestApi::new(|app, _| conversations::router(app)).await;
    let made = api
        .post(Some("ada"), "/api/v1/conversations", serde_json::json!({}))
        .await;
    let there = made.location().to_owned();
    let not_there = real_path("/api/v1/conversations/{conversation_id}");
    for who in [None, Some("eve")] {
        for method in [Method::OPTIONS, Method::HEAD] {
            let [one, other] =
                [&there, &not_there].map(|path| api.send(who, method.clone(), path, Body::Empty));
            let (one, other) = (one.await, other.await);
            assert_eq!(one.status, other.status, "{method} by {who:?}");
            assert_eq!(
                (one.text.as_str(), other.text.as_str()),
                ("", ""),
                "{method} by {who:?}"
            );
            let same = |name: &str| one.headers.get(name) == other.headers.get(name);
            for name in [
                "allow",
                "content-type",
                "content-length",
                "etag",
                "www-authenticate",
                "location",
            ] {
                assert!(same(name), "{method} by {who:?}: {name}");
            }
        }
    }
    assert_eq!(
        api.send(None, Method::HEAD, &there, Body::Empty)
            .await
            .status,
        401
    );
    assert_eq!(
        api.send(Some("eve"), Method::HEAD, &there, Body::Empty)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn head_answers_as_get_does_without_a_body() {
    for (function, path, takes) in paths() {
        if !takes.contains("GET") || function.name == "chat" {
            continue;
        }
        let api = TestApi::new(function.router).await;
        let real = real_path(&path).replace("/models/m", "/models/small");
        let get = api.get(Some("ada"), &real).await;
        let head = api
            .send(Some("ada"), Method::HEAD, &real, Body::Empty)
            .await;
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.text, "", "{path}");
        for name in ["content-type", "etag", "cache-control"] {
            assert_eq!(
                head.headers.get(name),
                get.headers.get(name),
                "{path}: {name}"
            );
        }
    }
}
