//! Texts as vectors, by the wires that have such models: OpenAI's, Google's and Amazon's (Titan and Cohere).

use std::time::Instant;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::http::TraceContext;
use shared::model::{ProviderSpec, Wire};
use shared::{Error, Result};

use super::completion::nonsense;
use super::served::served;
use super::{Providers, gemini, openai, segment, traced, url};

/// How many texts one call may have: what the least of the providers takes.
const MAX_TEXTS: usize = 96;

/// What is to be turned into vectors.
#[derive(Debug, Clone, Copy)]
pub struct Embed<'a> {
    /// Who does it.
    pub provider: &'a ProviderSpec,
    /// The model's name there.
    pub model: &'a str,
    /// The trace that the call belongs to.
    pub trace: &'a TraceContext,
    /// The texts, up to 96.
    pub texts: &'a [String],
    /// What the vectors are for. OpenAI's wire and Titan make no difference.
    pub purpose: Purpose,
    /// How many numbers a vector should have; the model's own choice if not set.
    pub dimensions: Option<u32>,
}

/// What a vector is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To find documents with.
    Query,
    /// To be found.
    Document,
}

/// Texts as vectors.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    /// A vector a text, in their order, all of one length.
    pub vectors: Vec<Vec<f32>>,
    /// How many tokens the texts had. `None` if the provider does not say.
    pub input_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct OpenAiAnswer {
    data: Vec<OpenAiVector>,
    #[serde(default)]
    usage: Option<OpenAiUsage>,
}

#[derive(Deserialize)]
struct OpenAiVector {
    index: usize,
    embedding: Vec<f32>,
}

#[derive(Deserialize)]
struct OpenAiUsage {
    prompt_tokens: u64,
}

#[derive(Deserialize)]
struct GeminiAnswer {
    embeddings: Vec<GeminiVector>,
}

#[derive(Deserialize)]
struct GeminiVector {
    values: Vec<f32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TitanAnswer {
    embedding: Vec<f32>,
    input_text_token_count: u64,
}

#[derive(Deserialize)]
struct CohereAnswer {
    embeddings: CohereVectors,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum CohereVectors {
    Plain(Vec<Vec<f32>>),
    ByType { float: Vec<Vec<f32>> },
}

impl Providers {
    /// Turns texts into vectors, with the tenant's key or with the platform's.
    ///
    /// # Errors
    /// `Invalid` for what can't be asked, and `Provider` when the provider gives no vectors.
    pub async fn embed(
        &self,
        embed: &Embed<'_>,
        own: Option<&SecretString>,
        deadline: Instant,
    ) -> Result<Embedded> {
        embed.check()?;
        let mut span = traced::call(embed.trace, "embeddings", embed.provider, embed.model);
        let trace = span.trace().clone();
        let embed = Embed {
            trace: &trace,
            ..*embed
        };
        let embedded = span.note(self.embedded(&embed, own, deadline).await)?;
        traced::sent(&mut span, embedded.input_tokens);
        Ok(embedded)
    }

    async fn embedded(
        &self,
        embed: &Embed<'_>,
        own: Option<&SecretString>,
        deadline: Instant,
    ) -> Result<Embedded> {
        let platform = match own {
            Some(_) => None,
            None => self.platform_key(embed.provider).await?,
        };
        let key = own.or(platform.as_ref());
        let embedded = match embed.provider.wire {
            Wire::Openai => self.embed_openai(embed, key, deadline).await?,
            Wire::Gemini => self.embed_gemini(embed, key, deadline).await?,
            Wire::Bedrock if embed.model.contains("cohere.") => {
                self.embed_cohere(embed, key, deadline).await?
            }
            Wire::Bedrock if embed.model.contains("amazon.titan-embed") => {
                self.embed_titan(embed, key, deadline).await?
            }
            Wire::Anthropic | Wire::Bedrock => {
                let detail = "is not a model that makes vectors; choose another one";
                return Err(Error::invalid("/model", detail));
            }
        };
        let length = embedded.vectors.first().map_or(0, Vec::len);
        let even = embedded.vectors.iter().all(|vector| vector.len() == length);
        if embedded.vectors.len() != embed.texts.len() || length == 0 || !even {
            let cause = "not one vector of one length for each text";
            return Err(served(nonsense(cause)));
        }
        Ok(embedded)
    }

    async fn embed_openai(
        &self,
        embed: &Embed<'_>,
        key: Option<&SecretString>,
        deadline: Instant,
    ) -> Result<Embedded> {
        let mut body =
            json!({"model": embed.model, "input": embed.texts, "encoding_format": "float"});
        if let Some(dimensions) = embed.dimensions {
            body["dimensions"] = json!(dimensions);
        }
        let request = self.http()?.post(url(embed.provider, "/embeddings"));
        let request = openai::authorized(request, key).json(&body);
        let mut answer: OpenAiAnswer = self.answer(embed.of(), request, key, deadline).await?;
        answer.data.sort_by_key(|vector| vector.index);
        let vectors = answer.data.into_iter().map(|vector| vector.embedding);
        Ok(Embedded {
            vectors: vectors.collect(),
            input_tokens: answer.usage.map(|usage| usage.prompt_tokens),
        })
    }

    async fn embed_gemini(
        &self,
        embed: &Embed<'_>,
        key: Option<&SecretString>,
        deadline: Instant,
    ) -> Result<Embedded> {
        let task = match embed.purpose {
            Purpose::Query => "RETRIEVAL_QUERY",
            Purpose::Document => "RETRIEVAL_DOCUMENT",
        };
        let requests = embed.texts.iter().map(|text| {
            let mut request = json!({
                "model": format!("models/{}", embed.model),
                "content": {"parts": [{"text": text}]},
                "taskType": task,
            });
            if let Some(dimensions) = embed.dimensions {
                request["outputDimensionality"] = json!(dimensions);
            }
            request
        });
        let body = json!({"requests": requests.collect::<Vec<_>>()});
        let path = format!("/models/{}:batchEmbedContents", segment(embed.model));
        let request = self.http()?.post(url(embed.provider, &path));
        let request = gemini::authorized(request, key).json(&body);
        let answer: GeminiAnswer = self.answer(embed.of(), request, key, deadline).await?;
        let vectors = answer.embeddings.into_iter().map(|vector| vector.values);
        Ok(Embedded {
            vectors: vectors.collect(),
            input_tokens: None,
        })
    }

    async fn embed_cohere(
        &self,
        embed: &Embed<'_>,
        key: Option<&SecretString>,
        deadline: Instant,
    ) -> Result<Embedded> {
        let purpose = match embed.purpose {
            Purpose::Query => "search_query",
            Purpose::Document => "search_document",
        };
        let mut body =
            json!({"texts": embed.texts, "input_type": purpose, "embedding_types": ["float"]});
        if let Some(dimensions) = embed.dimensions {
            body["output_dimension"] = json!(dimensions);
        }
        let request = self.invoke(embed, &body)?;
        let answer: CohereAnswer = self.answer(embed.of(), request, key, deadline).await?;
        let vectors = match answer.embeddings {
            CohereVectors::Plain(vectors) | CohereVectors::ByType { float: vectors } => vectors,
        };
        Ok(Embedded {
            vectors,
            input_tokens: None,
        })
    }

    /// Titan takes one text a call.
    async fn embed_titan(
        &self,
        embed: &Embed<'_>,
        key: Option<&SecretString>,
        deadline: Instant,
    ) -> Result<Embedded> {
        let (mut vectors, mut tokens) = (Vec::new(), 0_u64);
        for text in embed.texts {
            let mut body = json!({"inputText": text});
            if let Some(dimensions) = embed.dimensions {
                body["dimensions"] = json!(dimensions);
            }
            let request = self.invoke(embed, &body)?;
            let answer = self.answer(embed.of(), request, key, deadline).await;
            // Those before it were served.
            let answer: TitanAnswer = match vectors.is_empty() {
                true => answer?,
                false => answer.map_err(served)?,
            };
            vectors.push(answer.embedding);
            tokens = tokens.saturating_add(answer.input_text_token_count);
        }
        Ok(Embedded {
            vectors,
            input_tokens: Some(tokens),
        })
    }

    fn invoke(&self, embed: &Embed<'_>, body: &Value) -> Result<reqwest::RequestBuilder> {
        let path = format!("/model/{}/invoke", segment(embed.model));
        Ok(self.http()?.post(url(embed.provider, &path)).json(body))
    }
}

impl Embed<'_> {
    const fn of(&self) -> (&ProviderSpec, &TraceContext) {
        (self.provider, self.trace)
    }

    fn check(&self) -> Result<()> {
        if !(1..=MAX_TEXTS).contains(&self.texts.len()) {
            let detail = format!("must have from 1 to {MAX_TEXTS} texts");
            return Err(Error::invalid("/input", detail));
        }
        match self.texts.iter().position(|text| text.trim().is_empty()) {
            Some(index) => Err(Error::invalid(
                format!("/input/{index}"),
                "must not be blank",
            )),
            None => Ok(()),
        }
    }
}
