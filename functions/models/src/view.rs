//! Models as clients see them.

use std::collections::BTreeSet;

use axum::http::HeaderValue;
use axum::http::header::{ETAG, HeaderName};
use engine::{Catalogue, Choice, Model, Special, SpecialModel};
use serde::Serialize;
use shared::http::{Json, etag};
use shared::model::{Capability, EmbeddingSpec, ModerationSpec, Price, Registry, RerankSpec};

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ModelType)]
pub(crate) enum TypeView {
    /// It answers.
    Chat,
    /// It makes vectors of texts, for knowledge bases.
    Embedding,
    /// It puts passages into an order by how well they answer a query.
    Rerank,
    /// It judges whether something is harmful.
    Moderation,
}

/// A model, or a route that is chosen like one.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Model)]
pub(crate) struct ModelView {
    /// Its id: the `model` of a conversation or a message, the `embedding_model` of a knowledge base, the `rerank.model` of a
    /// search, or the `model` of `POST /v1/moderations`.
    id: String,
    /// What it is for.
    #[serde(rename = "type")]
    kind: TypeView,
    /// The provider that has it; of a route, the first target's.
    provider: String,
    /// Whether it is used where no model of its type is named.
    default: bool,
    /// The models of a route, in the order in which they are asked; `null` if it is a model itself.
    targets: Option<Vec<String>>,
    /// How many tokens instructions, messages and answer may have together; of a route, the largest of its targets';
    /// `null` unless it chats.
    context_window: Option<u32>,
    /// How many tokens an answer may have; of a route, the smallest of its targets'; `null` unless it chats.
    max_output_tokens: Option<u32>,
    /// How many numbers a vector has; `null` unless it is an embedding model.
    dimensions: Option<u32>,
    /// How many tokens a text may have that becomes a vector, or a query and one passage together that is put into an order;
    /// `null` of what chats, and of what judges.
    max_input_tokens: Option<u32>,
    /// What it can do beside text; of a route, what all of its targets can.
    capabilities: BTreeSet<Capability>,
    /// What it costs; `null` if that is not known. A route costs what the model costs that answers.
    price: Option<Price>,
}

impl ModelView {
    /// All of a catalogue: what can be chosen for a conversation, then what makes vectors, what makes orders, and what
    /// judges.
    pub(crate) fn all(catalogue: &Catalogue) -> Vec<Self> {
        let default = catalogue.default_choice();
        let choices = catalogue.choices().iter();
        let choices = choices.map(|choice| Self::chat(choice, default));
        choices
            .chain(Self::all_special::<EmbeddingSpec>(catalogue))
            .chain(Self::all_special::<RerankSpec>(catalogue))
            .chain(Self::all_special::<ModerationSpec>(catalogue))
            .collect()
    }

    /// What has that id.
    pub(crate) fn find(catalogue: &Catalogue, id: &str) -> Option<Self> {
        if let Some(choice) = catalogue.find(id) {
            return Some(Self::chat(choice, catalogue.default_choice()));
        }
        Self::find_special::<EmbeddingSpec>(catalogue, id)
            .or_else(|| Self::find_special::<RerankSpec>(catalogue, id))
            .or_else(|| Self::find_special::<ModerationSpec>(catalogue, id))
    }

    fn all_special<S: Described>(catalogue: &Catalogue) -> Vec<Self> {
        let default = catalogue.default_special();
        let models = catalogue.special::<S>().into_iter();
        let views = models.map(|model| Self::special(&model, default.as_ref()));
        views.collect()
    }

    fn find_special<S: Described>(catalogue: &Catalogue, id: &str) -> Option<Self> {
        let model = catalogue.find_special::<S>(id)?;
        Some(Self::special(&model, catalogue.default_special().as_ref()))
    }

    fn chat(choice: &Choice, default: Option<&Choice>) -> Self {
        let models = || choice.targets.iter().map(|(_, model)| model);
        let specs = || models().map(Model::spec);
        let capabilities = specs().map(|spec| spec.capabilities.clone());
        let first = specs().next();
        let price = first.and_then(|spec| spec.price.clone());
        let names = || specs().map(|spec| spec.id.clone()).collect();
        Self {
            id: choice.name.clone(),
            kind: TypeView::Chat,
            provider: models()
                .next()
                .map_or_else(String::new, |model| model.provider().name.clone()),
            default: default.is_some_and(|default| default.name == choice.name),
            targets: choice.is_route.then(names),
            context_window: specs().map(|spec| spec.context_window).max(),
            max_output_tokens: specs().map(|spec| spec.max_output_tokens).min(),
            dimensions: None,
            max_input_tokens: None,
            capabilities: capabilities
                .reduce(|common, next| &common & &next)
                .unwrap_or_default(),
            price: price.filter(|_| !choice.is_route),
        }
    }

    fn special<S: Described>(model: &SpecialModel<S>, default: Option<&SpecialModel<S>>) -> Self {
        let spec = model.spec();
        Self {
            id: spec.id().to_owned(),
            kind: S::KIND,
            provider: model.provider().name.clone(),
            default: default.is_some_and(|default| default.spec().id() == spec.id()),
            targets: None,
            context_window: None,
            max_output_tokens: None,
            dimensions: spec.dimensions(),
            max_input_tokens: spec.max_input_tokens(),
            capabilities: BTreeSet::new(),
            price: spec.price().cloned(),
        }
    }
}

/// What is shown of a model that is not chatted with.
trait Described: Special {
    const KIND: TypeView;

    fn dimensions(&self) -> Option<u32> {
        None
    }

    fn max_input_tokens(&self) -> Option<u32> {
        None
    }

    fn price(&self) -> Option<&Price> {
        None
    }
}

impl Described for EmbeddingSpec {
    const KIND: TypeView = TypeView::Embedding;

    fn dimensions(&self) -> Option<u32> {
        Some(self.dimensions)
    }

    fn max_input_tokens(&self) -> Option<u32> {
        Some(self.max_input_tokens)
    }

    fn price(&self) -> Option<&Price> {
        self.price.as_ref()
    }
}

impl Described for RerankSpec {
    const KIND: TypeView = TypeView::Rerank;

    fn max_input_tokens(&self) -> Option<u32> {
        Some(self.max_input_tokens)
    }

    fn price(&self) -> Option<&Price> {
        self.price.as_ref()
    }
}

impl Described for ModerationSpec {
    const KIND: TypeView = TypeView::Moderation;
}

/// A registry and its entity tag.
pub(crate) type Tagged = ([(HeaderName, HeaderValue); 1], Json<Registry>);

/// The reply with a registry.
pub(crate) fn tagged(registry: Registry, version: u64) -> Tagged {
    ([(ETAG, etag(version))], Json(registry))
}
