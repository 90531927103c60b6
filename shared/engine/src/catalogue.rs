//! The models that can be chatted with, and the names under which they are chosen.

mod qualified;
mod special;

use std::collections::HashMap;
use std::sync::Arc;

use shared::App;
use shared::Result;
use shared::clock::Clock;
use shared::kept::Kept;
use shared::model::{
    Defaults, EmbeddingSpec, ModelSettings, ModelSpec, ModerationSpec, Price, ProviderSpec,
    Registry, RerankSpec, Route, Target, TenantId,
};
use shared::store::TenantStore;

pub use special::{EmbeddingModel, ModerationModel, RerankModel, Special, SpecialModel};

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

/// What can be chosen: a model, or a route to some.
#[derive(Debug, Clone)]
pub struct Choice {
    /// The name under which it is chosen.
    pub name: String,
    /// Who is asked, in order: at least one.
    pub targets: Vec<(Target, Model)>,
    /// Whether it is a route.
    pub is_route: bool,
    /// Whether another target may be asked after a part of the answer was sent.
    pub switch_mid_answer: bool,
}

impl Choice {
    fn of_model(model: &Model) -> Self {
        let name = model.spec().id.clone();
        Self {
            targets: vec![(Target::plain(name.clone()), model.clone())],
            name,
            is_route: false,
            switch_mid_answer: false,
        }
    }
}

/// All models of a tenant and what it says about them.
#[derive(Debug, Clone)]
pub struct Catalogue(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    providers: Vec<Arc<ProviderSpec>>,
    /// In the order of the providers.
    choices: Vec<Choice>,
    /// The same models once more, each as `provider/model`.
    qualified: Vec<Choice>,
    defaults: Defaults,
}

impl Catalogue {
    /// The models of those providers, of which the first is the default.
    pub fn new(providers: &[ProviderSpec]) -> Self {
        let providers = providers.iter().cloned().map(Arc::new).collect();
        Self::of(providers, &Registry::default())
    }

    /// These models, and what a tenant says about them.
    #[must_use]
    pub fn with(&self, registry: &Registry) -> Self {
        let own: Vec<Arc<ProviderSpec>> = registry.providers().map(Arc::new).collect();
        // The platform may have got a provider of the same name since.
        let hidden = |name: &str| own.iter().any(|provider| provider.name == name);
        let platform = self.0.providers.iter();
        let platform = platform.filter(|provider| !hidden(&provider.name)).cloned();
        let providers = platform.chain(own.iter().cloned()).collect();
        Self::of(providers, registry)
    }

    fn of(providers: Vec<Arc<ProviderSpec>>, registry: &Registry) -> Self {
        let mut models: Vec<Model> = Vec::new();
        let mut by_id: HashMap<String, usize> = HashMap::new();
        let active = providers.iter().filter(|provider| provider.active);
        for provider in active {
            for (index, spec) in provider.models.iter().enumerate() {
                let provider = provider.clone();
                let model = Model { provider, index };
                match by_id.get(&spec.id) {
                    _ if !spec.active => {}
                    // Here too the tenant's own, which comes later, counts.
                    Some(place) => models[*place] = model,
                    None => {
                        by_id.insert(spec.id.clone(), models.len());
                        models.push(model);
                    }
                }
            }
        }
        let find = |id: &str| by_id.get(id).map(|place| &models[*place]);
        let routes = registry
            .routes
            .iter()
            .filter_map(|route| choice(route, find));
        let routes: Vec<Choice> = routes.collect();
        let is_route = |name: &str| routes.iter().any(|route| route.name == name);
        let plain = models.iter().map(Choice::of_model);
        let plain = plain.filter(|model| !is_route(&model.name));
        let mut choices: Vec<Choice> = plain.chain(routes.iter().cloned()).collect();
        if let Some(allowed) = &registry.allowed_models {
            choices.retain(|choice| allowed.contains(&choice.name));
        }
        let qualified = qualified::choices(&providers, registry.allowed_models.as_ref(), &choices);
        Self(Arc::new(Inside {
            providers,
            choices,
            qualified,
            defaults: registry.defaults.clone(),
        }))
    }

    /// All that can be chosen.
    pub fn choices(&self) -> &[Choice] {
        &self.0.choices
    }

    /// The models once more, each under the name of its provider and its own: `provider/model`.
    pub fn qualified(&self) -> &[Choice] {
        &self.0.qualified
    }

    /// What has that name. A model or a route that is called so counts before a `provider/model`.
    pub fn find(&self, name: &str) -> Option<&Choice> {
        let mut all = self.0.choices.iter().chain(&self.0.qualified);
        all.find(|choice| choice.name == name)
    }

    /// What answers where no model is named. `None` if the tenant allows nothing that there is.
    pub fn default_choice(&self) -> Option<&Choice> {
        let named = self.0.defaults.model.as_deref();
        named
            .and_then(|name| self.find(name))
            .or_else(|| self.0.choices.first())
    }

    /// Why that name can't be chosen, which [`Catalogue::find`] does not know.
    pub fn why_unknown(&self, name: &str) -> &'static str {
        if self.find_special::<EmbeddingSpec>(name).is_some() {
            "this model makes vectors and can't chat; choose one of the type `chat` of GET /api/v1/models"
        } else if self.find_special::<ModerationSpec>(name).is_some() {
            "this model judges whether something is harmful and can't chat; choose one of the type `chat` of GET /api/v1/models"
        } else if self.find_special::<RerankSpec>(name).is_some() {
            "this model puts passages into an order and can't chat; choose one of the type `chat` of GET /api/v1/models"
        } else {
            "there is no such model; GET /api/v1/models lists them"
        }
    }

    /// How models answer where a conversation says nothing.
    pub fn settings(&self) -> &ModelSettings {
        &self.0.defaults.settings
    }

    /// What a provider's model costs, whether it can be chosen or not.
    pub(crate) fn price(&self, provider: &str, model: &str) -> Option<&Price> {
        let mut providers = self.providers();
        let provider = providers.find(|known| known.name == provider)?;
        let model = provider.models.iter().find(|known| known.id == model)?;
        model.price.as_ref()
    }

    /// The providers, also those that are not active.
    pub fn providers(&self) -> impl Iterator<Item = &ProviderSpec> {
        self.0.providers.iter().map(Arc::as_ref)
    }
}

/// A route to those of its targets that there are.
fn choice<'a>(route: &Route, find: impl Fn(&str) -> Option<&'a Model>) -> Option<Choice> {
    let targets = route.targets.iter();
    let targets = targets.filter_map(|target| Some((target.clone(), find(&target.model)?.clone())));
    let choice = Choice {
        name: route.name.clone(),
        targets: targets.collect(),
        is_route: true,
        switch_mid_answer: route.switch_mid_answer,
    };
    (!choice.targets.is_empty()).then_some(choice)
}

/// The catalogue of each tenant, remembered for half a minute.
#[derive(Debug, Clone)]
pub struct Catalogues {
    platform: Catalogue,
    clock: Clock,
    kept: Arc<Kept<TenantId, Catalogue>>,
}

impl Catalogues {
    /// On the platform's providers.
    pub fn new(app: &App) -> Self {
        Self {
            platform: Catalogue::new(&app.config.providers),
            clock: app.clock.clone(),
            kept: Arc::default(),
        }
    }

    /// What there is without a tenant.
    pub const fn platform(&self) -> &Catalogue {
        &self.platform
    }

    /// The tenant's catalogue.
    pub async fn of(&self, store: &TenantStore) -> Result<Catalogue> {
        match self.kept.get(&store.tenant(), self.clock.now()) {
            Ok(known) => Ok(known),
            Err(_) => self.read_anew(store).await,
        }
    }

    /// The tenant's catalogue, past what is remembered if something is missing there: it may have been added since.
    pub async fn with_name(&self, store: &TenantStore, name: Option<&str>) -> Result<Catalogue> {
        match self.kept.get(&store.tenant(), self.clock.now()) {
            Ok(known) if name.is_none_or(|name| known.find(name).is_some()) => Ok(known),
            _ => self.read_anew(store).await,
        }
    }

    /// The tenant's catalogue as it is now, past what is remembered.
    pub async fn read_anew(&self, store: &TenantStore) -> Result<Catalogue> {
        let (now, state) = (self.clock.now(), self.kept.state());
        let (registry, _) = store.registry_get().await?;
        let catalogue = self.platform.with(&registry);
        self.kept.put(store.tenant(), catalogue.clone(), now, state);
        Ok(catalogue)
    }

    /// Forgets what is remembered of a tenant, which has changed it.
    pub fn forget(&self, tenant: TenantId) {
        self.kept.forget(|kept| *kept == tenant);
    }
}
