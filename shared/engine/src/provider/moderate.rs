//! Whether something is harmful, on the wire of OpenAI: `POST {base_url}/moderations`.

use std::collections::BTreeMap;
use std::time::Instant;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::http::TraceContext;
use shared::model::{ContentPart, ProviderSpec, Wire};
use shared::{Error, Result};

use super::completion::nonsense;
use super::served::served;
use super::{Providers, openai, traced, url};

/// How many texts or parts one call may have.
const MAX_INPUTS: usize = 32;

/// What is judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ModerationInput {
    /// A text.
    Text(String),
    /// Several texts, up to 32, each by itself.
    Texts(Vec<String>),
    /// Texts and images, up to 32, all together.
    Parts(Vec<ContentPart>),
}

impl ModerationInput {
    /// How many verdicts there are on it.
    pub const fn verdicts(&self) -> usize {
        match self {
            Self::Text(_) | Self::Parts(_) => 1,
            Self::Texts(texts) => texts.len(),
        }
    }

    fn check(&self) -> Result<()> {
        let inputs = match self {
            Self::Text(_) => 1,
            Self::Texts(texts) => texts.len(),
            Self::Parts(parts) => parts.len(),
        };
        if (1..=MAX_INPUTS).contains(&inputs) {
            return Ok(());
        }
        let detail = format!("must have from 1 to {MAX_INPUTS} texts or parts");
        Err(Error::invalid("/input", detail))
    }
}

/// What is to be judged.
#[derive(Debug, Clone, Copy)]
pub struct Moderate<'a> {
    /// Who does it.
    pub provider: &'a ProviderSpec,
    /// The model's name there.
    pub model: &'a str,
    /// The trace that the call belongs to.
    pub trace: &'a TraceContext,
    /// That.
    pub input: &'a ModerationInput,
}

/// What a model thinks of one input.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Verdict {
    /// Whether it is harmful.
    pub flagged: bool,
    /// Whether it is harmful in each of the model's categories.
    pub categories: BTreeMap<String, bool>,
    /// How sure the model is of that, for the same categories: finite numbers.
    pub category_scores: BTreeMap<String, f64>,
    /// What of the input each score is of, for some of the same categories. `None` if the model does not say.
    #[serde(default)]
    pub category_applied_input_types: Option<BTreeMap<String, Vec<InputKind>>>,
}

/// What an input is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ModerationInputKind)]
pub enum InputKind {
    /// Text.
    Text,
    /// An image.
    Image,
}

#[derive(Deserialize)]
struct Answer {
    results: Vec<Verdict>,
}

impl Providers {
    /// Has something judged, with the tenant's key or with the platform's.
    ///
    /// # Errors
    /// `Invalid` for what can't be asked, and `Provider` when the provider gives no verdicts.
    pub async fn moderate(
        &self,
        moderate: &Moderate<'_>,
        own: Option<&SecretString>,
        deadline: Instant,
    ) -> Result<Vec<Verdict>> {
        let provider = moderate.provider;
        if provider.wire != Wire::Openai {
            let detail = "is not a model that judges what is harmful; choose another one";
            return Err(Error::invalid("/model", detail));
        }
        moderate.input.check()?;
        let platform = match own {
            Some(_) => None,
            None => self.platform_key(provider).await?,
        };
        let key = own.or(platform.as_ref());
        let body = json!({"model": moderate.model, "input": moderate.input});
        let request = self.http()?.post(url(provider, "/moderations"));
        let request = openai::authorized(request, key).json(&body);
        let mut span = traced::call(moderate.trace, "moderation", provider, moderate.model);
        let trace = span.trace().clone();
        let answer = self.answer((provider, &trace), request, key, deadline);
        let answer: Answer = span.note(answer.await)?;
        span.note(checked(answer.results, moderate.input.verdicts()).map_err(served))
    }
}

/// As many verdicts as are wanted, each of which says the same of all categories.
fn checked(verdicts: Vec<Verdict>, wanted: usize) -> Result<Vec<Verdict>> {
    if verdicts.len() != wanted {
        return Err(nonsense("verdicts on more or fewer inputs than there were"));
    }
    for verdict in &verdicts {
        let (categories, scores) = (&verdict.categories, &verdict.category_scores);
        if !categories.keys().eq(scores.keys()) {
            return Err(nonsense("scores of other categories than those there are"));
        }
        if !scores.values().all(|score| score.is_finite()) {
            return Err(nonsense("a score that is not finite"));
        }
        let mut applied = verdict.category_applied_input_types.iter().flatten();
        if !applied.all(|(name, _)| categories.contains_key(name)) {
            return Err(nonsense("input types of a category that there is not"));
        }
    }
    Ok(verdicts)
}
