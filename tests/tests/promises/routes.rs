//! Each operation reaches the function that serves it: through API Gateway as `template.yaml` sets it up, and
//! through the local router of `Cargo.toml`.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use promises::{FUNCTIONS, WITHOUT_ROUTES, real_path};
use shared::http::openapi::operations;
use test_support::{Body, TestApi, template};

/// Routes without an access token, each with the reason. This list should only shrink.
const PUBLIC: [(&str, &str); 13] = [
    ("POST /api/v1/auth/register", "one has no account yet"),
    ("POST /api/v1/auth/login", "one has no token yet"),
    (
        "POST /api/v1/auth/refresh",
        "the refresh token is the proof",
    ),
    (
        "POST /api/v1/auth/password-reset/request",
        "one has no password; answers always the same",
    ),
    (
        "POST /api/v1/auth/password-reset/confirm",
        "the token of the mail is the proof",
    ),
    (
        "POST /api/v1/auth/email-verification/request",
        "one can't log in yet; answers always the same",
    ),
    (
        "POST /api/v1/auth/email-verification/confirm",
        "the token of the mail is the proof",
    ),
    ("GET /.well-known/jwks.json", "public keys are public"),
    ("GET /healthz", "for load balancers; tells nothing"),
    (
        "GET /readyz",
        "for operators' probes; names no cause, and is kept for seconds",
    ),
    ("GET /openapi.json", "the documentation"),
    ("GET /docs", "the documentation"),
    ("GET /docs/{file}", "the documentation"),
];

/// Routes that stand in no document, because they are pages for people.
const PAGES: [&str; 2] = ["GET /docs", "GET /docs/{file}"];

/// `GET /path` → the function that serves it, from the routers' own documents.
fn served() -> BTreeMap<String, &'static str> {
    let mut served = BTreeMap::new();
    for function in FUNCTIONS {
        for (path, item) in (function.openapi)().paths.paths {
            for (method, present) in [
                ("GET", item.get.is_some()),
                ("POST", item.post.is_some()),
                ("PUT", item.put.is_some()),
                ("PATCH", item.patch.is_some()),
                ("DELETE", item.delete.is_some()),
            ] {
                if present {
                    let twice = served.insert(format!("{method} {path}"), function.name);
                    assert_eq!(twice, None, "{method} {path} is served twice");
                }
            }
        }
    }
    served.extend(PAGES.map(|page| (page.to_owned(), "health")));
    served
}

/// `(path, method or "ANY")` → function, from the events of `template.yaml`.
fn gateway() -> BTreeMap<(String, String), String> {
    let template = template();
    let resources = template["Resources"].as_mapping().expect("resources");
    let mut routes = BTreeMap::new();
    for (name, resource) in resources {
        if resource["Type"] != "AWS::Serverless::Function" {
            continue;
        }
        let code = resource["Properties"]["CodeUri"].as_str().expect("CodeUri");
        let function = code
            .strip_prefix("functions/")
            .unwrap_or_else(|| panic!("{name:?}: {code}"));
        let events = resource["Properties"]["Events"].as_mapping();
        let events = events.into_iter().flat_map(|events| events.values());
        for event in events.filter(|event| event["Type"] == "Api") {
            let text = |name: &str| {
                event["Properties"][name]
                    .as_str()
                    .expect("a text")
                    .to_owned()
            };
            // A last parameter that takes more segments is the same parameter.
            let path = match text("Path").as_str() {
                "/{proxy+}" => "/{proxy+}".to_owned(),
                path => path.replace("+}", "}"),
            };
            let route = (path, text("Method").to_uppercase());
            let twice = routes.insert(route.clone(), function.to_owned());
            assert_eq!(twice, None, "{route:?} stands twice in template.yaml");
        }
    }
    routes
}

/// The functions that `template.yaml` deploys, with or without routes.
fn deployed() -> BTreeSet<String> {
    let template = template();
    let resources = template["Resources"].as_mapping().expect("resources");
    let functions = resources
        .values()
        .filter(|resource| resource["Type"] == "AWS::Serverless::Function");
    let code = functions.filter_map(|function| function["Properties"]["CodeUri"].as_str());
    code.filter_map(|code| code.strip_prefix("functions/").map(str::to_owned))
        .collect()
}

/// The function that API Gateway calls: the method's own event, or the path's `ANY`.
fn called_by_gateway(
    routes: &BTreeMap<(String, String), String>,
    operation: &str,
) -> Option<String> {
    let (method, path) = operation.split_once(' ')?;
    let exact = routes.get(&(path.to_owned(), method.to_owned()));
    exact
        .or_else(|| routes.get(&(path.to_owned(), "ANY".to_owned())))
        .cloned()
}

/// The function that the local router calls.
fn called_locally(operation: &str) -> Option<String> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .expect("Cargo.toml");
    let manifest: toml::Table = toml::from_str(&text).expect("TOML");
    let router = &manifest["workspace"]["metadata"]["lambda"]["watch"]["router"];
    let (method, path) = operation.split_once(' ')?;
    // A path that ends in a parameter may take more segments.
    let greedy = path.rsplit_once('{');
    let greedy = greedy.map(|(before, last)| format!("{before}{{*{last}"));
    let target = router
        .get(path)
        .or_else(|| router.get(&greedy?))
        .or_else(|| router.get("/{*path}"))?;
    if let Some(function) = target.as_str() {
        return Some(function.to_owned());
    }
    let targets = target.as_array()?.iter();
    let own = targets.filter(|target| target["method"].as_str() == Some(method));
    own.filter_map(|target| target["function"].as_str().map(str::to_owned))
        .next()
}

#[test]
fn api_gateway_calls_the_function_that_serves_the_route() {
    let routes = gateway();
    for (operation, function) in served() {
        assert_eq!(
            called_by_gateway(&routes, &operation).as_deref(),
            Some(function),
            "{operation}"
        );
    }
}

#[test]
fn api_gateway_has_no_route_that_nobody_serves() {
    let served: BTreeSet<String> = served()
        .keys()
        .filter_map(|operation| operation.split(' ').nth(1))
        .map(str::to_owned)
        .collect();
    for (path, method) in gateway().into_keys() {
        let catch_all = path == "/" || path == "/{proxy+}";
        assert!(
            catch_all || served.contains(&path),
            "{method} {path} of template.yaml"
        );
    }
}

#[test]
fn paths_that_nobody_has_reach_a_function_that_says_so() {
    let routes = gateway();
    for path in ["/", "/{proxy+}"] {
        assert_eq!(
            routes
                .get(&(path.to_owned(), "ANY".to_owned()))
                .map(String::as_str),
            Some("health")
        );
    }
}

#[test]
fn the_local_router_calls_the_function_that_serves_the_route() {
    for (operation, function) in served() {
        assert_eq!(
            called_locally(&operation).as_deref(),
            Some(function),
            "{operation}"
        );
    }
}

#[test]
fn every_function_is_built_deployed_and_listed() {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../functions"))
        .expect("functions/");
    let folders: BTreeSet<String> = folder
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let served: BTreeSet<String> = FUNCTIONS
        .iter()
        .map(|function| function.name.to_owned())
        .collect();
    let others = WITHOUT_ROUTES.map(|(name, _)| name.to_owned());
    let listed: BTreeSet<String> = served.iter().cloned().chain(others).collect();
    assert_eq!(folders, listed);
    assert_eq!(folders, deployed());
    assert_eq!(
        served,
        gateway().into_values().collect(),
        "only these have routes"
    );
}

#[test]
fn every_route_of_the_function_that_streams_does_and_no_other() {
    let template = template();
    let resources = template["Resources"].as_mapping().expect("resources");
    for (name, resource) in resources {
        let events = resource["Properties"]["Events"].as_mapping();
        for event in events.into_iter().flat_map(|events| events.values()) {
            let properties = &event["Properties"];
            let streams = properties["ResponseTransferMode"] == "RESPONSE_STREAM";
            assert_eq!(
                streams,
                name == "ChatFunction",
                "{}",
                properties["Path"].as_str().unwrap_or_default()
            );
        }
    }
}

#[tokio::test]
async fn every_route_without_a_token_is_listed_with_a_reason() {
    for function in FUNCTIONS {
        let api = TestApi::new(function.router).await;
        for (path, mut item) in (function.openapi)().paths.paths {
            let open = operations(&mut item).any(|operation| operation.security.is_none());
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
                let operation = format!("{method} {path}");
                if !served().contains_key(&operation)
                    || called_by_gateway(&gateway(), &operation).as_deref() != Some(function.name)
                {
                    continue;
                }
                let public = PUBLIC.iter().any(|(public, _)| *public == operation);
                assert_eq!(open, public, "{operation}: `security` in its document");
                let method: Method = method.parse().expect("a method");
                let real = real_path(&path);
                let reply = api.send(None, method, &real, Body::Empty).await;
                assert_eq!(
                    reply.status == 401,
                    !public,
                    "{operation}: {}",
                    reply.status
                );
            }
        }
    }
}
