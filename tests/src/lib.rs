//! All functions side by side: what promises across functions are checked on.

use axum::Router;
use engine::ProviderKeys;
use shared::{App, Result};
use utoipa::openapi::OpenApi;

/// A function that serves HTTP.
#[derive(Debug, Clone, Copy)]
pub struct Function {
    /// Its name: the crate, the binary and the folder.
    pub name: &'static str,
    /// Its part of the OpenAPI document.
    pub openapi: fn() -> OpenApi,
    /// Its router.
    pub router: fn(App, ProviderKeys) -> Result<Router>,
}

/// Every function that serves HTTP. A test compares this list with `functions/` and `template.yaml`.
pub const FUNCTIONS: [Function; 12] = [
    Function {
        name: "api-keys",
        openapi: api_keys::openapi,
        router: |app, _| api_keys::router(app),
    },
    Function {
        name: "audit",
        openapi: audit::openapi,
        router: |app, _| audit::router(app),
    },
    Function {
        name: "auth",
        openapi: auth::openapi,
        router: |app, _| auth::router(app),
    },
    Function {
        name: "chat",
        openapi: chat::openapi,
        router: chat::router_with,
    },
    Function {
        name: "conversations",
        openapi: conversations::openapi,
        router: |app, _| conversations::router(app),
    },
    Function {
        name: "health",
        openapi: health::openapi,
        router: health::router_with,
    },
    Function {
        name: "identity-providers",
        openapi: identity_providers::openapi,
        router: |app, _| identity_providers::router(app),
    },
    Function {
        name: "jobs",
        openapi: jobs::openapi,
        router: |app, _| jobs::router(app),
    },
    Function {
        name: "knowledge-bases",
        openapi: knowledge_bases::openapi,
        router: knowledge_bases::router_with,
    },
    Function {
        name: "models",
        openapi: models::openapi,
        router: |app, _| models::router(app),
    },
    Function {
        name: "provider-credentials",
        openapi: provider_credentials::openapi,
        router: |app, _| provider_credentials::router(app),
    },
    Function {
        name: "tenants",
        openapi: tenants::openapi,
        router: |app, _| tenants::router(app),
    },
];

/// Functions without routes, each with who calls it instead.
pub const WITHOUT_ROUTES: [(&str, &str); 5] = [
    ("job-worker", "the job queue, and a schedule"),
    ("key-rotation", "Secrets Manager"),
    ("mailer", "the mail queue, and a schedule"),
    ("run-worker", "the run queue, and a schedule"),
    ("search", "the functions that run turns"),
];

/// The OpenAPI document of all functions.
pub fn document() -> OpenApi {
    shared::http::openapi::document(FUNCTIONS.map(|function| (function.openapi)()))
}

/// The text of the document, as `functions/health/openapi.json` must have it.
pub fn document_text() -> String {
    let mut text = document().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// A path with something in the place of each parameter: ids of ours are read before it is asked who calls.
pub fn real_path(path: &str) -> String {
    let id = "0199f0a0b1c27d3e8f405162738495a6";
    let prefixes = [
        ("{conversation_id}", "conv"),
        ("{run_id}", "run"),
        ("{job_id}", "job"),
        ("{knowledge_base_id}", "vs"),
        ("{document_id}", "file"),
        ("{vector_store_id}", "vs"),
        ("{file_id}", "file"),
        ("{batch_id}", "vsfb"),
        ("{session_id}", "ses"),
        ("{tenant_id}", "ten"),
        ("{user_id}", "usr"),
        ("{invitation_id}", "inv"),
        ("{api_key_id}", "key"),
        ("{identity_provider_id}", "idp"),
    ];
    let path = prefixes
        .iter()
        .fold(path.to_owned(), |path, (name, prefix)| {
            path.replace(name, &format!("{prefix}_{id}"))
        });
    path.replace("{item_id}", &format!("msg_{id}_0"))
        .replace("{model_id}", "m")
        .replace("{model}", "m")
        .replace("{provider}", "scripted")
        .replace("{scope}", "tenant")
}
