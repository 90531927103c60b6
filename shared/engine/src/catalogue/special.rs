//! Models that are not chatted with: each kind is found in the same way.

use std::marker::PhantomData;
use std::sync::Arc;

use shared::Result;
use shared::model::{Defaults, EmbeddingSpec, ModerationSpec, ProviderSpec, RerankSpec};
use shared::store::TenantStore;

use super::{Catalogue, Catalogues};

/// A kind of models that are not chatted with, as providers declare them.
pub trait Special: Sized {
    /// Those of a provider.
    fn of(provider: &ProviderSpec) -> &[Self];

    /// Its name towards clients.
    fn id(&self) -> &str;

    /// Whether it is offered.
    fn is_active(&self) -> bool;

    /// The one that a tenant uses where none is named.
    fn default_of(defaults: &Defaults) -> Option<&str>;
}

/// A model that is not chatted with, and the provider that has it.
#[derive(Debug, Clone)]
pub struct SpecialModel<S> {
    pub(super) provider: Arc<ProviderSpec>,
    pub(super) index: usize,
    kind: PhantomData<S>,
}

/// A model that turns texts into vectors, and the provider that has it.
pub type EmbeddingModel = SpecialModel<EmbeddingSpec>;
/// A model that puts passages into an order, and the provider that has it.
pub type RerankModel = SpecialModel<RerankSpec>;
/// A model that judges whether something is harmful, and the provider that has it.
pub type ModerationModel = SpecialModel<ModerationSpec>;

impl<S: Special> SpecialModel<S> {
    pub(super) fn at(provider: Arc<ProviderSpec>, index: usize) -> Self {
        Self {
            provider,
            index,
            kind: PhantomData,
        }
    }

    /// The provider.
    pub fn provider(&self) -> &ProviderSpec {
        &self.provider
    }

    /// The model.
    pub fn spec(&self) -> &S {
        &S::of(&self.provider)[self.index]
    }

    /// Its name with that of its provider.
    pub fn qualified_name(&self) -> String {
        format!("{}/{}", self.provider.name, self.spec().id())
    }
}

impl EmbeddingModel {
    /// The same model for shorter vectors.
    #[must_use]
    pub fn with_dimensions(&self, dimensions: u32) -> Self {
        let mut provider = ProviderSpec::clone(&self.provider);
        if let Some(spec) = provider.embedding_models.get_mut(self.index) {
            spec.dimensions = dimensions;
        }
        Self::at(Arc::new(provider), self.index)
    }
}

impl Catalogue {
    /// The models of a kind that are offered. An allow-list is for chats and says nothing of them.
    pub fn special<S: Special>(&self) -> Vec<SpecialModel<S>> {
        let mut models: Vec<SpecialModel<S>> = Vec::new();
        for provider in self.0.providers.iter().filter(|provider| provider.active) {
            let specs = S::of(provider).iter().enumerate();
            for (index, spec) in specs.filter(|(_, spec)| spec.is_active()) {
                let model = SpecialModel::at(provider.clone(), index);
                let mut known = models.iter_mut();
                match known.find(|known| known.spec().id() == spec.id()) {
                    // The tenant's own, which comes later, counts.
                    Some(known) => *known = model,
                    None => models.push(model),
                }
            }
        }
        models
    }

    /// The model of a kind of that name, which may be a `provider/model` too.
    pub fn find_special<S: Special>(&self, name: &str) -> Option<SpecialModel<S>> {
        let mut models = self.special().into_iter();
        let plain = models.find(|model: &SpecialModel<S>| model.spec().id() == name);
        plain.or_else(|| self.qualified_special(name))
    }

    /// The model of a kind where none is named.
    pub fn default_special<S: Special>(&self) -> Option<SpecialModel<S>> {
        let named = S::default_of(&self.0.defaults);
        let named = named.and_then(|name| self.find_special(name));
        named.or_else(|| self.special().into_iter().next())
    }

    fn qualified_special<S: Special>(&self, name: &str) -> Option<SpecialModel<S>> {
        let (provider, model) = name.split_once('/')?;
        let mut providers = self.0.providers.iter().filter(|provider| provider.active);
        let provider = providers.find(|known| known.name == provider)?;
        let is_it = |spec: &S| spec.is_active() && spec.id() == model;
        let index = S::of(provider).iter().position(is_it)?;
        Some(SpecialModel::at(provider.clone(), index))
    }
}

impl Catalogues {
    /// The tenant's model of a kind of that name, or its default, past what is remembered if there is none: it may have been
    /// added since.
    pub(crate) async fn special<S: Special>(
        &self,
        store: &TenantStore,
        name: Option<&str>,
    ) -> Result<Option<SpecialModel<S>>> {
        let find = |catalogue: &Catalogue| match name {
            Some(name) => catalogue.find_special(name),
            None => catalogue.default_special(),
        };
        match find(&self.of(store).await?) {
            Some(found) => Ok(Some(found)),
            None => Ok(find(&self.read_anew(store).await?)),
        }
    }
}

impl Special for EmbeddingSpec {
    fn of(provider: &ProviderSpec) -> &[Self] {
        &provider.embedding_models
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn is_active(&self) -> bool {
        self.active
    }

    fn default_of(defaults: &Defaults) -> Option<&str> {
        defaults.embedding_model.as_deref()
    }
}

impl Special for RerankSpec {
    fn of(provider: &ProviderSpec) -> &[Self] {
        &provider.rerank_models
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn is_active(&self) -> bool {
        self.active
    }

    fn default_of(defaults: &Defaults) -> Option<&str> {
        defaults.rerank_model.as_deref()
    }
}

impl Special for ModerationSpec {
    fn of(provider: &ProviderSpec) -> &[Self] {
        &provider.moderation_models
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn is_active(&self) -> bool {
        self.active
    }

    fn default_of(defaults: &Defaults) -> Option<&str> {
        defaults.moderation_model.as_deref()
    }
}
