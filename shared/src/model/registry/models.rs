//! The models of a tenant's providers, and those of them that are the tenant's defaults.

use std::collections::HashSet;

use super::super::llm::{ProviderSpec, Wire};
use super::{Defaults, Faults};

/// How many models one provider of a tenant may have.
const MAX_MODELS: usize = 100;
/// How many models of each other kind one provider of a tenant may have.
const MAX_OTHER_MODELS: usize = 20;

/// A model's id, and what is wrong with it.
type Checked<'a> = (&'a str, Option<(String, &'static str)>);

/// Checks a provider's models and adds their names to those that are taken.
pub(super) fn check<'a>(
    provider: &'a ProviderSpec,
    place: &str,
    taken: &mut HashSet<&'a str>,
    faults: &mut Faults,
) {
    let models = provider.models.iter();
    let models = models.map(|model| (&*model.id, model.fault()));
    check_list(
        models.collect(),
        &format!("{place}/models"),
        MAX_MODELS,
        (taken, faults),
    );
    let vectors = provider.embedding_models.iter();
    let vectors = vectors.map(|model| (&*model.id, model.fault()));
    let field = format!("{place}/embedding_models");
    if provider.wire == Wire::Anthropic && !provider.embedding_models.is_empty() {
        let rule = "the wire anthropic has no models that make vectors";
        faults.add(field.clone(), rule);
    }
    check_list(vectors.collect(), &field, MAX_OTHER_MODELS, (taken, faults));
    let orders = provider.rerank_models.iter();
    let orders = orders.map(|model| (&*model.id, model.fault())).collect();
    let verdicts = provider.moderation_models.iter();
    let verdicts = verdicts.map(|model| (&*model.id, model.fault())).collect();
    let others: [(&str, &str, Vec<Checked<'a>>); 2] = [
        ("rerank_models", "put passages into an order", orders),
        (
            "moderation_models",
            "judge whether something is harmful",
            verdicts,
        ),
    ];
    for (field, what, models) in others {
        let field = format!("{place}/{field}");
        if provider.wire != Wire::Openai && !models.is_empty() {
            let rule = format!("must be empty: only the wire openai has models that {what}");
            faults.add(field.clone(), rule);
        }
        check_list(models, &field, MAX_OTHER_MODELS, (taken, faults));
    }
}

/// Checks that the default of each kind is of that kind. What can't be chatted with is taken out of `models`.
pub(super) fn check_defaults(
    defaults: &Defaults,
    providers: &[&ProviderSpec],
    models: &mut HashSet<&str>,
    faults: &mut Faults,
) {
    let all = || providers.iter();
    let vectors = all().flat_map(|provider| &provider.embedding_models);
    let vectors: HashSet<&str> = vectors.map(|model| &*model.id).collect();
    let orders = all().flat_map(|provider| &provider.rerank_models);
    let orders: HashSet<&str> = orders.map(|model| &*model.id).collect();
    let verdicts = all().flat_map(|provider| &provider.moderation_models);
    let verdicts: HashSet<&str> = verdicts.map(|model| &*model.id).collect();
    let others = [
        (
            "embedding_model",
            &defaults.embedding_model,
            "that makes vectors",
            vectors,
        ),
        (
            "rerank_model",
            &defaults.rerank_model,
            "of the type `rerank`",
            orders,
        ),
        (
            "moderation_model",
            &defaults.moderation_model,
            "of the type `moderation`",
            verdicts,
        ),
    ];
    for (field, named, what, known) in others {
        let is_unknown = |name: &String| !known.contains(name.as_str());
        if named.as_ref().is_some_and(is_unknown) {
            let rule = format!("is no model {what}; GET /api/v1/models lists them");
            faults.add(format!("/defaults/{field}"), rule);
        }
        models.retain(|model| !known.contains(model));
    }
}

/// No name stands for two models, whatever they are for.
fn check_list<'a>(
    models: Vec<Checked<'a>>,
    place: &str,
    most: usize,
    (taken, faults): (&mut HashSet<&'a str>, &mut Faults),
) {
    faults.at_most(&models, most, place);
    for (index, (id, fault)) in models.into_iter().enumerate() {
        let place = format!("{place}/{index}");
        if let Some((field, rule)) = fault {
            faults.add(format!("{place}/{field}"), rule);
        }
        if !taken.insert(id) {
            let rule = "is the id of another model already; choose another one, and set provider_model to what the provider calls it";
            faults.add(format!("{place}/id"), rule);
        }
    }
}
