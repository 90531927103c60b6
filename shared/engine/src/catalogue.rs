//! The models that can be chatted with.

use std::sync::Arc;

use shared::model::{ModelSpec, ProviderSpec};

/// A model and the provider that has it.
#[derive(Debug, Clone)]
pub struct Model {
    provider: Arc<ProviderSpec>,
    index: usize,
}

impl Model {
    /// The provider.
    pub fn provider(&self) -> &ProviderSpec {
        &self.provider
    }

    /// The model with its limits.
    pub fn spec(&self) -> &ModelSpec {
        &self.provider.models[self.index]
    }
}

/// All models, in the order of the configuration; the first is the default.
#[derive(Debug, Clone)]
pub struct Catalogue(Arc<Vec<Model>>);

impl Catalogue {
    /// The models of those providers.
    pub fn new(providers: &[ProviderSpec]) -> Self {
        let models = providers.iter().flat_map(|provider| {
            let provider = Arc::new(provider.clone());
            (0..provider.models.len()).map(move |index| Model {
                provider: provider.clone(),
                index,
            })
        });
        Self(Arc::new(models.collect()))
    }

    /// All of them.
    pub fn models(&self) -> &[Model] {
        &self.0
    }

    /// The model with that id.
    pub fn find(&self, id: &str) -> Option<&Model> {
        self.0.iter().find(|model| model.spec().id == id)
    }

    /// The model that answers where none is named. The configuration always has one.
    pub fn default_model(&self) -> Option<&Model> {
        self.0.first()
    }

    /// The providers, each once.
    pub fn providers(&self) -> Vec<&ProviderSpec> {
        let first = self.0.iter().filter(|model| model.index == 0);
        first.map(Model::provider).collect()
    }
}
