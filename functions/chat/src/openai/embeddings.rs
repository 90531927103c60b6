//! `POST /v1/embeddings`

mod view;

use axum::extract::State;
use engine::{EmbeddingModel, Purpose};
use serde::Deserialize;
use serde_json::Value;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Deadline, Json};
use shared::{Error, Result};

use crate::Chat;
use view::{Encoding, InputView, OpenAiEmbeddings};

/// How many texts a request may have, as at OpenAI.
const MAX_INPUTS: usize = 2048;

/// Texts that shall become vectors.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEmbeddings {
    /// A text, or up to 2048. None may be blank, or longer than the model takes.
    #[schema(value_type = InputView)]
    input: Value,
    /// A model that makes vectors, or a `provider/model`.
    #[schema(example = "text-embedding-3-small")]
    model: String,
    /// How numbers are written; `float` if left out.
    #[serde(default)]
    #[schema(required = false)]
    encoding_format: Option<Encoding>,
    /// How many numbers a vector shall have: as many as those of the model have, or fewer if it can make shorter ones.
    #[serde(default)]
    #[schema(required = false, minimum = 1, example = 256)]
    dimensions: Option<u32>,
    /// Providers are not told who asks.
    #[serde(default)]
    #[schema(ignore)]
    user: Option<Value>,
}

/// Turns texts into vectors, by OpenAI's API.
///
/// What it costs is charged to the budgets of whoever asks.
#[utoipa::path(
    post,
    path = "/v1/embeddings",
    tag = "openai",
    security(("bearer" = [])),
    request_body = NewEmbeddings,
    responses(
        (status = 200, description = "A vector for each text, in their order.", body = OpenAiEmbeddings),
        (status = 404, description = "No model that makes vectors has that name.", body = shared::http::openai::OpenAiFailure),
        (status = 429, description = "Too many requests, or a budget has no room: `insufficient_quota`.", body = shared::http::openai::OpenAiFailure),
        (status = 502, description = "The model provider failed.", body = shared::http::openai::OpenAiFailure),
        (status = 504, description = "The model provider took too long.", body = shared::http::openai::OpenAiFailure),
    ),
)]
pub(crate) async fn create_embeddings(
    caller: Caller,
    _: AcceptsJson,
    deadline: Deadline,
    State(chat): State<Chat>,
    Json(new): Json<NewEmbeddings>,
) -> Result<Json<OpenAiEmbeddings>> {
    if new.user.is_some() {
        let detail = "is not supported, because providers are not told who asks; leave it out";
        return Err(Error::unsupported("/user", detail));
    }
    let texts = texts(&new.input)?;
    let store = chat.app.store.of(&caller);
    let model = chat.engine.embedding_model(&store, Some(&new.model)).await;
    let model = model.map_err(|error| renamed(error, &[("/embedding_model", "/model")]))?;
    let model = sized(model, new.dimensions)?;
    let deadline = deadline.within(chat.app.config.turn_timeout);
    let purpose = Purpose::Document;
    let made = chat
        .engine
        .embed(&store, &caller, &model, &texts, purpose, deadline);
    let made = made.await.map_err(|error| {
        let single = new.input.is_string();
        let place = if single { "/input" } else { "/input/0" };
        renamed(error, &[("/input/0", place)])
    })?;
    let encoding = new.encoding_format.unwrap_or_default();
    Ok(Json(OpenAiEmbeddings::new(new.model, made, encoding)))
}

/// The texts of an input: one, or a list of some.
fn texts(input: &Value) -> Result<Vec<String>> {
    let all = match input {
        Value::String(text) => return Ok(vec![sound("/input", text)?]),
        Value::Array(all) => all,
        _ => {
            return Err(Error::invalid(
                "/input",
                "must be a text or a list of texts",
            ));
        }
    };
    if !(1..=MAX_INPUTS).contains(&all.len()) {
        let detail = format!("must have from 1 to {MAX_INPUTS} texts");
        return Err(Error::invalid("/input", detail));
    }
    let text = |(index, input): (usize, &Value)| match input {
        Value::String(text) => sound(&format!("/input/{index}"), text),
        Value::Number(_) | Value::Array(_) => Err(Error::unsupported(
            "/input",
            "is not supported as tokens, because models count them differently; send texts",
        )),
        _ => Err(Error::invalid(format!("/input/{index}"), "must be a text")),
    };
    all.iter().enumerate().map(text).collect()
}

fn sound(field: &str, text: &str) -> Result<String> {
    if text.trim().is_empty() {
        return Err(Error::invalid(field, "must not be blank"));
    }
    Ok(text.to_owned())
}

/// The model for vectors of that size.
fn sized(model: EmbeddingModel, dimensions: Option<u32>) -> Result<EmbeddingModel> {
    let spec = model.spec();
    let most = spec.dimensions;
    match dimensions {
        None => Ok(model),
        Some(dimensions) if dimensions == most => Ok(model),
        Some(dimensions) if spec.send_dimensions && (1..most).contains(&dimensions) => {
            Ok(model.with_dimensions(dimensions))
        }
        Some(_) if spec.send_dimensions => {
            let detail = format!("must be from 1 to {most} for this model");
            Err(Error::invalid("/dimensions", detail))
        }
        Some(_) => {
            let detail = format!(
                "must be {most} for this model, which makes no shorter vectors; or leave it out"
            );
            Err(Error::invalid("/dimensions", detail))
        }
    }
}

/// The same error with other names of fields.
fn renamed(error: Error, names: &[(&str, &str)]) -> Error {
    let Error::Invalid(mut faults) = error else {
        return error;
    };
    for fault in &mut faults {
        let name = names.iter().find(|(name, _)| fault.field == *name);
        if let Some((_, name)) = name {
            (*name).clone_into(&mut fault.field);
        }
    }
    Error::Invalid(faults)
}
