//! What a tenant says about models: one document.
//!
//! It adds the tenant's own providers to the platform's, gives names to lists of models that stand in for each other,
//! says which models may be chosen, and what holds where a conversation says nothing.

mod models;

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::llm::{ProviderName, ProviderOwner, ProviderSpec, Wire};
use super::settings::ModelSettings;
use crate::error::FieldError;

/// How many providers a tenant may have.
const MAX_PROVIDERS: usize = 20;
/// How many routes a tenant may have.
const MAX_ROUTES: usize = 50;
/// How many targets a route may have.
const MAX_TARGETS: usize = 8;
/// How often one target may be asked in a turn.
const MAX_ATTEMPTS: u8 = 3;
/// How long a first token may be waited for, in milliseconds.
const FIRST_TOKEN_MS: std::ops::RangeInclusive<u32> = 100..=60_000;
/// The largest document, in bytes of JSON: it must fit an item of DynamoDB.
pub const MAX_REGISTRY_BYTES: usize = 300_000;

/// What a tenant says about models.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Registry {
    /// Providers of the tenant's own, beside the platform's. They get no key but one that the tenant stored for them
    /// at `/api/v1/provider-credentials/{provider}`, and only at the address at which it was tried.
    #[schema(required = false, max_items = 20)]
    providers: Vec<ProviderSpec>,
    /// Names for lists of models.
    #[schema(required = false, max_items = 50)]
    pub routes: Vec<Route>,
    /// Which models and routes may be chosen; `null` for all. What is not in it can still be a route's target.
    #[schema(required = false, min_items = 1, min_length = 1)]
    pub allowed_models: Option<BTreeSet<String>>,
    /// What holds where a conversation says nothing.
    #[schema(required = false)]
    pub defaults: Defaults,
}

/// A name that stands for models, which are asked in their order until one answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The name: chosen like a model.
    #[schema(example = "fast", min_length = 1, max_length = 200)]
    pub name: String,
    /// Who is asked, in order.
    #[schema(min_items = 1, max_items = 8)]
    pub targets: Vec<Target>,
    /// Whether another target may be asked after a part of the answer was sent already. The client then gets a `switch`
    /// event, and the answer begins anew. Otherwise a target that breaks off ends the run.
    #[serde(default)]
    #[schema(required = false)]
    pub switch_mid_answer: bool,
}

/// A model of a route, and when it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The model.
    #[schema(example = "our-llama")]
    pub model: String,
    /// It is asked only with at least so many tokens of input, as we count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_input_tokens: Option<u64>,
    /// It is asked only with at most so many tokens of input, as we count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_input_tokens: Option<u64>,
    /// How long its first token is waited for, in milliseconds; a minute if not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 100, maximum = 60_000)]
    pub first_token_timeout_ms: Option<u32>,
    /// How often it is asked before the next target is, where trying again may help.
    #[serde(default = "twice")]
    #[schema(required = false, default = 2, minimum = 1, maximum = 3)]
    pub attempts: u8,
}

const fn twice() -> u8 {
    2
}

impl Target {
    /// A model without conditions.
    pub fn plain(model: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            min_input_tokens: None,
            max_input_tokens: None,
            first_token_timeout_ms: None,
            attempts: twice(),
        }
    }

    /// Whether it is asked with so many tokens of input.
    pub fn takes(&self, input_tokens: u64) -> bool {
        self.min_input_tokens.is_none_or(|min| min <= input_tokens)
            && self.max_input_tokens.is_none_or(|max| input_tokens <= max)
    }
}

/// What holds where a conversation says nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Defaults {
    /// The model or route; if not set, the platform's default where it may be chosen, or else the first that may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How it answers.
    #[schema(required = false)]
    pub settings: ModelSettings,
    /// The model that turns texts into vectors, for knowledge bases that name none; if not set, the first that there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embedding_model: Option<String>,
    /// The model that puts passages into an order, for searches that want that and name none; if not set, the first that
    /// there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rerank_model: Option<String>,
    /// The model that judges whether something is harmful, where none is named; if not set, the first that there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moderation_model: Option<String>,
}

impl Registry {
    /// The tenant's own providers.
    pub fn providers(&self) -> impl Iterator<Item = ProviderSpec> {
        self.providers.iter().map(|spec| ProviderSpec {
            owner: ProviderOwner::Tenant,
            ..spec.clone()
        })
    }

    /// Everything that breaks a rule. `platform` are the providers that there are without it; `address` tells what
    /// is wrong with an address.
    pub fn faults(
        &self,
        platform: &[ProviderSpec],
        address: impl Fn(&str) -> Option<String>,
    ) -> Vec<FieldError> {
        let mut faults = Faults(Vec::new());
        let mut models: HashSet<&str> = HashSet::new();
        models.extend(platform.iter().flat_map(ProviderSpec::model_ids));
        self.check_providers(platform, address, &mut models, &mut faults);
        let all: Vec<&ProviderSpec> = platform.iter().chain(&self.providers).collect();
        models::check_defaults(&self.defaults, &all, &mut models, &mut faults);
        self.check_routes(&models, &mut faults);
        let routes = self.routes.iter().map(|route| route.name.as_str());
        let names: HashSet<&str> = models.into_iter().chain(routes).collect();
        self.check_choices(&names, &mut faults);
        faults
            .0
            .extend(self.defaults.settings.faults("/defaults/settings"));
        faults.0
    }

    fn check_providers<'a>(
        &'a self,
        platform: &[ProviderSpec],
        address: impl Fn(&str) -> Option<String>,
        models: &mut HashSet<&'a str>,
        faults: &mut Faults,
    ) {
        faults.at_most(&self.providers, MAX_PROVIDERS, "/providers");
        let taken = platform.iter().map(|provider| provider.name.as_str());
        let mut names: HashSet<&str> = taken.collect();
        for (index, provider) in self.providers.iter().enumerate() {
            let place = format!("/providers/{index}");
            if provider.name.parse::<ProviderName>().is_err() {
                let rule = "must have 1 to 64 letters, digits, _, . and -, and begin with a letter or a digit";
                faults.add(format!("{place}/name"), rule);
            } else if !names.insert(&provider.name) {
                let rule = "is the name of another provider already; choose another one";
                faults.add(format!("{place}/name"), rule);
            }
            let address = match provider.base_url.ends_with('/') {
                true => Some("must not end with a slash".to_owned()),
                false => address(&provider.base_url),
            };
            if let Some(detail) = address {
                faults.add(format!("{place}/base_url"), detail);
            }
            if provider.max_tokens_field.is_some() && provider.wire != Wire::Openai {
                faults.add(
                    format!("{place}/max_tokens_field"),
                    "is only for the wire openai",
                );
            }
            models::check(provider, &place, models, faults);
        }
    }

    fn check_routes(&self, models: &HashSet<&str>, faults: &mut Faults) {
        faults.at_most(&self.routes, MAX_ROUTES, "/routes");
        let mut names = HashSet::new();
        for (index, route) in self.routes.iter().enumerate() {
            let place = format!("/routes/{index}");
            let sound = |sign: char| !sign.is_whitespace() && !sign.is_control();
            let length = route.name.chars().count();
            if !(1..=200).contains(&length) || !route.name.chars().all(sound) {
                let rule = "must have 1 to 200 characters, without white space";
                faults.add(format!("{place}/name"), rule);
            } else if models.contains(route.name.as_str()) || !names.insert(&route.name) {
                let rule = "is the name of a model or of another route already; choose another one";
                faults.add(format!("{place}/name"), rule);
            }
            if route.targets.is_empty() {
                faults.add(format!("{place}/targets"), "must have at least one target");
            }
            faults.at_most(&route.targets, MAX_TARGETS, &format!("{place}/targets"));
            for (index, target) in route.targets.iter().enumerate() {
                check_target(target, &format!("{place}/targets/{index}"), models, faults);
            }
        }
    }

    fn check_choices(&self, names: &HashSet<&str>, faults: &mut Faults) {
        let unknown = "is neither a model nor a route; GET /api/v1/models lists them";
        if let Some(allowed) = &self.allowed_models {
            if allowed.is_empty() {
                let rule = "must have at least one model, or be null for all";
                faults.add("/allowed_models".to_owned(), rule);
            }
            for name in allowed.iter().filter(|name| !names.contains(name.as_str())) {
                faults.add("/allowed_models".to_owned(), format!("{name} {unknown}"));
            }
        }
        let Some(model) = &self.defaults.model else {
            return;
        };
        let allowed = self.allowed_models.as_ref();
        if !names.contains(model.as_str()) {
            faults.add("/defaults/model".to_owned(), unknown);
        } else if allowed.is_some_and(|allowed| !allowed.contains(model)) {
            faults.add("/defaults/model".to_owned(), "must be in allowed_models");
        }
    }
}

fn check_target(target: &Target, place: &str, models: &HashSet<&str>, faults: &mut Faults) {
    if !models.contains(target.model.as_str()) {
        let rule = "is no model; GET /api/v1/models lists them, and a route can't be the target of another";
        faults.add(format!("{place}/model"), rule);
    }
    let (min, max) = (target.min_input_tokens, target.max_input_tokens);
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        let rule = "must not be less than min_input_tokens";
        faults.add(format!("{place}/max_input_tokens"), rule);
    }
    let timeout = target.first_token_timeout_ms;
    if timeout.is_some_and(|timeout| !FIRST_TOKEN_MS.contains(&timeout)) {
        let rule = "must be from 100 to 60000";
        faults.add(format!("{place}/first_token_timeout_ms"), rule);
    }
    if !(1..=MAX_ATTEMPTS).contains(&target.attempts) {
        faults.add(format!("{place}/attempts"), "must be from 1 to 3");
    }
}

struct Faults(Vec<FieldError>);

impl Faults {
    fn add(&mut self, field: String, detail: impl Into<String>) {
        self.0.push(FieldError::new(field, detail));
    }

    fn at_most<T>(&mut self, list: &[T], most: usize, place: &str) {
        if list.len() > most {
            self.add(
                place.to_owned(),
                format!("must have at most {most} entries"),
            );
        }
    }
}
