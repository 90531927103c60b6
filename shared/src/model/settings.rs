//! How a model should answer, as far as people set it: for one turn, for a conversation, for a tenant.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::FieldError;
use crate::model::KnowledgeBaseId;
use crate::model::llm::is_model_name;

/// The oldest answer that can be given again: seven days.
pub const MAX_CACHE_AGE: Duration = Duration::from_secs(604_800);
/// How many texts may stop a model.
const MAX_STOPS: usize = 8;
/// The longest text that stops a model, in bytes.
const MAX_STOP_BYTES: usize = 200;

/// How many chunks may be put into an order, and if nobody says how many.
const MAX_CANDIDATES: u32 = 100;
const USUAL_CANDIDATES: u32 = 50;
/// How many knowledge bases one turn searches.
const MAX_KNOWLEDGE_BASES: usize = 8;

/// How a question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Workflow {
    /// The model is asked.
    Plain,
    /// Knowledge bases are searched, and the model answers from what was found.
    Rag,
    /// Refused for now: it comes with tools that run on the server.
    Tools,
    /// Refused for now: it comes with tools that run on the server.
    Full,
}

/// How much a model thinks before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasoningEffort {
    /// Not at all.
    None,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
}

impl ReasoningEffort {
    /// In the words of OpenAI.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What becomes of the oldest messages when a conversation no longer fits the model's window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContextOverflow {
    /// The model sums them up, and later turns are sent the summary in their place.
    Summarize,
    /// They are left out.
    Truncate,
}

/// Whether an answer that was given before, to exactly the same request of the tenant, may be given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CacheSettings {
    /// How old it may be, up to seven days. With 0 the provider is asked, whatever the conversation or the tenant says.
    #[schema(maximum = 604_800)]
    pub max_age_seconds: u32,
}

impl CacheSettings {
    /// How old an answer may be. `None` if none will do.
    pub fn max_age(self) -> Option<Duration> {
        (self.max_age_seconds > 0).then(|| Duration::from_secs(self.max_age_seconds.into()))
    }
}

/// Whether a model puts what was found in knowledge bases into an order before passages are taken of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RerankSettings {
    /// A model of the type `rerank`; if left out the tenant's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^[^\s\x00-\x1f\x7f-\x9f]+$"
    )]
    pub model: Option<String>,
    /// How many chunks it is given, of all knowledge bases together; 50 if left out. With 0 no model is asked for an order,
    /// whatever the conversation or the tenant says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 100)]
    pub candidates: Option<u32>,
}

impl RerankSettings {
    /// How many chunks the model is given; 0 if none is asked.
    pub fn most(&self) -> u32 {
        self.candidates.unwrap_or(USUAL_CANDIDATES)
    }
}

/// How a model should answer. What is left out is said by what is less near: the turn's settings come before the
/// conversation's, and those before the tenant's; what nobody says is left to the provider.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelSettings {
    /// How freely it chooses its words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 2)]
    pub temperature: Option<f64>,
    /// From how much of the likely words it chooses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1)]
    pub top_p: Option<f64>,
    /// How many tokens the answer may have, with its reasoning. Where the model allows fewer, that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub max_output_tokens: Option<u32>,
    /// Texts before which it stops: up to 8 of 200 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 8, min_length = 1, max_length = 200)]
    pub stop: Option<Vec<String>>,
    /// How much it thinks before it answers. A turn that says it is only for models that think; what a conversation
    /// or a tenant says does not count for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<ReasoningEffort>,
    /// What becomes of the oldest messages when the conversation no longer fits the model's window: `summarize` if
    /// nobody says it. A summary is an attempt of the run that needs it, and is charged like one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_overflow: Option<ContextOverflow>,
    /// Whether an answer of before may be given again. Such an answer is marked with `cached`, and used and cost nothing.
    /// Without it nothing is given again, and nothing is kept for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<CacheSettings>,
    /// Whether a conversation without a title gets one after its first answer, from a model, in the background: `true` if
    /// nobody says it. It is charged like a turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_title: Option<bool>,
    /// How the question is answered: `plain` if nobody says it. With `rag` the knowledge bases of `knowledge_base_ids` are
    /// searched first, and the answer has `citations`. `tools` and `full` are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<Workflow>,
    /// Which knowledge bases `rag` searches: 1 to 8 that you may read, each once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 8)]
    pub knowledge_base_ids: Option<Vec<KnowledgeBaseId>>,
    /// Whether `rag` has a model of the type `rerank` read what it found and put it into an order, before passages are
    /// taken of it. It is charged beside the run; if it fails the turn fails. Without it no model is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerank: Option<RerankSettings>,
}

impl ModelSettings {
    /// These, and where they say nothing the others.
    #[must_use]
    pub fn or(self, others: &Self) -> Self {
        Self {
            temperature: self.temperature.or(others.temperature),
            top_p: self.top_p.or(others.top_p),
            max_output_tokens: self.max_output_tokens.or(others.max_output_tokens),
            stop: self.stop.or_else(|| others.stop.clone()),
            reasoning_effort: self.reasoning_effort.or(others.reasoning_effort),
            context_overflow: self.context_overflow.or(others.context_overflow),
            cache: self.cache.or(others.cache),
            auto_title: self.auto_title.or(others.auto_title),
            workflow: self.workflow.or(others.workflow),
            knowledge_base_ids: self
                .knowledge_base_ids
                .or_else(|| others.knowledge_base_ids.clone()),
            rerank: self.rerank.or_else(|| others.rerank.clone()),
        }
    }

    /// What breaks a rule; `place` is the JSON Pointer of these settings.
    pub fn faults(&self, place: &str) -> Vec<FieldError> {
        let within =
            |value: Option<f64>, most: f64| value.is_none_or(|value| (0.0..=most).contains(&value));
        let stops = self.stop.as_deref().unwrap_or_default();
        let rules = [
            (
                within(self.temperature, 2.0),
                "temperature",
                "must be from 0 to 2",
            ),
            (within(self.top_p, 1.0), "top_p", "must be from 0 to 1"),
            (
                self.max_output_tokens != Some(0),
                "max_output_tokens",
                "must be at least 1",
            ),
            (
                stops.len() <= MAX_STOPS
                    && stops
                        .iter()
                        .all(|text| (1..=MAX_STOP_BYTES).contains(&text.len())),
                "stop",
                "must have at most 8 texts of 1 to 200 bytes",
            ),
            (
                self.cache
                    .and_then(CacheSettings::max_age)
                    .is_none_or(|age| age <= MAX_CACHE_AGE),
                "cache/max_age_seconds",
                "must be from 0 to 604800",
            ),
            (
                !matches!(self.workflow, Some(Workflow::Tools | Workflow::Full)),
                "workflow",
                "comes with tools that run on the server; take plain or rag",
            ),
            (
                self.knowledge_base_ids.as_deref().is_none_or(are_bases),
                "knowledge_base_ids",
                "must have 1 to 8 ids of knowledge bases, each once",
            ),
        ];
        let rules = rules.into_iter().chain(self.rerank_rules());
        let broken = rules.filter(|(kept, _, _)| !kept);
        broken
            .map(|(_, field, detail)| FieldError::new(format!("{place}/{field}"), detail))
            .collect()
    }
}

impl ModelSettings {
    fn rerank_rules(&self) -> [(bool, &'static str, &'static str); 2] {
        let rerank = self.rerank.as_ref();
        let named = rerank.and_then(|rerank| rerank.model.as_deref());
        [
            (
                named.is_none_or(is_model_name),
                "rerank/model",
                "must have 1 to 200 characters, without white space",
            ),
            (
                rerank.is_none_or(|rerank| rerank.most() <= MAX_CANDIDATES),
                "rerank/candidates",
                "must be from 0 to 100",
            ),
        ]
    }
}

fn are_bases(ids: &[KnowledgeBaseId]) -> bool {
    let different: BTreeSet<&KnowledgeBaseId> = ids.iter().collect();
    (1..=MAX_KNOWLEDGE_BASES).contains(&ids.len()) && different.len() == ids.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_question_is_answered_is_checked_and_taken_from_the_nearest() {
        let base = KnowledgeBaseId::new();
        let of = |workflow, ids: Option<&[KnowledgeBaseId]>| ModelSettings {
            workflow,
            knowledge_base_ids: ids.map(<[_]>::to_vec),
            ..ModelSettings::default()
        };
        let (plain, rag) = (Some(Workflow::Plain), Some(Workflow::Rag));
        for (settings, faulty) in [
            (of(rag, Some(&[base])), None),
            (of(plain, None), None),
            (of(Some(Workflow::Full), None), Some("/s/workflow")),
            (of(Some(Workflow::Tools), None), Some("/s/workflow")),
            (of(rag, Some(&[])), Some("/s/knowledge_base_ids")),
            (of(rag, Some(&[base, base])), Some("/s/knowledge_base_ids")),
        ] {
            let faults = settings.faults("/s");
            let field = faults.first().map(|fault| &*fault.field);
            assert_eq!(field, faulty, "{settings:?}");
        }
        let sorted = |model: &str, candidates| ModelSettings {
            rerank: Some(RerankSettings {
                model: Some(model.to_owned()),
                candidates,
            }),
            ..of(rag, Some(&[base]))
        };
        for (settings, faulty) in [
            (sorted("r", None), None),
            (sorted("r", Some(0)), None),
            (sorted("r", Some(101)), Some("/s/rerank/candidates")),
            (sorted("a b", None), Some("/s/rerank/model")),
        ] {
            let faults = settings.faults("/s");
            let field = faults.first().map(|fault| &*fault.field);
            assert_eq!(field, faulty, "{settings:?}");
        }
        let nearer = of(rag, None).or(&sorted("r", None));
        assert_eq!(nearer.rerank.map(|rerank| rerank.most()), Some(50));
        let merged = of(plain, None).or(&of(rag, Some(&[base])));
        assert_eq!(merged, of(plain, Some(&[base])));
    }
}
