//! Models as clients see them.

use std::collections::BTreeSet;

use engine::Model;
use serde::Serialize;
use shared::model::{Capability, Price};

/// A model.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Model)]
pub(crate) struct ModelView {
    /// Its id: the `model` of a conversation.
    id: String,
    /// The provider that has it.
    provider: String,
    /// Whether it answers where no model is named.
    default: bool,
    /// How many tokens instructions, messages and answer may have together.
    context_window: u32,
    /// How many tokens an answer may have.
    max_output_tokens: u32,
    /// What it can do beside text.
    capabilities: BTreeSet<Capability>,
    /// What it costs; `null` if that is not known.
    price: Option<Price>,
}

impl ModelView {
    pub(crate) fn new(model: &Model, default: Option<&Model>) -> Self {
        let spec = model.spec();
        Self {
            id: spec.id.clone(),
            provider: model.provider().name.clone(),
            default: default.is_some_and(|default| default.spec().id == spec.id),
            context_window: spec.context_window,
            max_output_tokens: spec.max_output_tokens,
            capabilities: spec.capabilities.clone(),
            price: spec.price.clone(),
        }
    }
}
