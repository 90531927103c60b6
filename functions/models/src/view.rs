//! Models as clients see them.

use std::collections::BTreeSet;

use axum::http::HeaderValue;
use axum::http::header::{ETAG, HeaderName};
use engine::{Choice, Model};
use serde::Serialize;
use shared::http::{Json, etag};
use shared::model::{Capability, Price, Registry};

/// A model, or a route that is chosen like one.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Model)]
pub(crate) struct ModelView {
    /// Its id: the `model` of a conversation or a message.
    id: String,
    /// The provider that has it; of a route, the first target's.
    provider: String,
    /// Whether it answers where no model is named.
    default: bool,
    /// The models of a route, in the order in which they are asked; `null` if it is a model itself.
    targets: Option<Vec<String>>,
    /// How many tokens instructions, messages and answer may have together; of a route, the largest of its targets'.
    context_window: u32,
    /// How many tokens an answer may have; of a route, the smallest of its targets'.
    max_output_tokens: u32,
    /// What it can do beside text; of a route, what all of its targets can.
    capabilities: BTreeSet<Capability>,
    /// What it costs; `null` if that is not known. A route costs what the model costs that answers.
    price: Option<Price>,
}

impl ModelView {
    pub(crate) fn new(choice: &Choice, default: Option<&Choice>) -> Self {
        let models = || choice.targets.iter().map(|(_, model)| model);
        let specs = || models().map(Model::spec);
        let capabilities = specs().map(|spec| spec.capabilities.clone());
        let first = specs().next();
        let price = first.and_then(|spec| spec.price.clone());
        let names = || specs().map(|spec| spec.id.clone()).collect();
        Self {
            id: choice.name.clone(),
            provider: models()
                .next()
                .map_or_else(String::new, |model| model.provider().name.clone()),
            default: default.is_some_and(|default| default.name == choice.name),
            targets: choice.is_route.then(names),
            context_window: specs()
                .map(|spec| spec.context_window)
                .max()
                .unwrap_or_default(),
            max_output_tokens: specs()
                .map(|spec| spec.max_output_tokens)
                .min()
                .unwrap_or_default(),
            capabilities: capabilities
                .reduce(|common, next| &common & &next)
                .unwrap_or_default(),
            price: price.filter(|_| !choice.is_route),
        }
    }
}

/// A registry and its entity tag.
pub(crate) type Tagged = ([(HeaderName, HeaderValue); 1], Json<Registry>);

/// The reply with a registry.
pub(crate) fn tagged(registry: Registry, version: u64) -> Tagged {
    ([(ETAG, etag(version))], Json(registry))
}
