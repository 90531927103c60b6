//! `POST /v1/moderations`

mod view;

use axum::extract::State;
use engine::ModerationInput;
use serde::Deserialize;
use serde_json::Value;
use shared::auth::Caller;
use shared::http::openai::renamed;
use shared::http::{AcceptsJson, Deadline, Json};
use shared::model::ContentPart;
use shared::{Error, Result};

use crate::Chat;
use view::{InputView, OpenAiModeration, PartView};

/// How many texts or parts a request may have.
const MAX_INPUTS: usize = 32;

/// What shall be judged.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewModeration {
    /// A text; up to 32 texts, each of which is judged by itself; or up to 32 parts, which are judged together. No text may be
    /// blank.
    #[schema(value_type = InputView)]
    input: Value,
    /// A model that judges whether something is harmful, or a `provider/model`; the tenant's default if left out.
    #[serde(default)]
    #[schema(required = false, example = "omni-moderation-latest")]
    model: Option<String>,
}

/// Judges whether texts and images are harmful, by OpenAI's API.
///
/// A model of a provider does that, and what it says is passed on. Nothing is stored, and nothing is charged.
#[utoipa::path(
    post,
    path = "/v1/moderations",
    tag = "openai",
    security(("bearer" = [])),
    request_body = NewModeration,
    responses(
        (status = 200, description = "A verdict for each text, in their order, or one for all parts together.", body = OpenAiModeration),
        (status = 404, description = "No model that judges has that name, or no provider has one.", body = shared::http::openai::OpenAiFailure),
        (status = 429, description = "Too many requests.", body = shared::http::openai::OpenAiFailure),
        (status = 502, description = "The model provider failed.", body = shared::http::openai::OpenAiFailure),
        (status = 504, description = "The model provider took too long.", body = shared::http::openai::OpenAiFailure),
    ),
)]
pub(crate) async fn create_moderation(
    caller: Caller,
    _: AcceptsJson,
    deadline: Deadline,
    State(chat): State<Chat>,
    Json(new): Json<NewModeration>,
) -> Result<Json<OpenAiModeration>> {
    let input = input(new.input)?;
    let store = chat.app.store.of(&caller);
    let name = new.model.as_deref();
    let model = chat.engine.moderation_model(&store, name, "/model").await?;
    let deadline = deadline.within(chat.app.config.turn_timeout);
    let verdicts = chat.engine.moderate(&store, &model, &input, deadline);
    let verdicts = verdicts.await?;
    let name = new.model.unwrap_or_else(|| model.spec().id.clone());
    Ok(Json(OpenAiModeration::new(name, verdicts)))
}

/// What is judged: a text, a list of texts, or a list of parts.
fn input(input: Value) -> Result<ModerationInput> {
    let all = match input {
        Value::String(text) => return Ok(ModerationInput::Text(sound("/input", text)?)),
        Value::Array(all) => all,
        _ => {
            let detail = "must be a text, a list of texts, or a list of parts";
            return Err(Error::invalid("/input", detail));
        }
    };
    if !(1..=MAX_INPUTS).contains(&all.len()) {
        let detail = format!("must have from 1 to {MAX_INPUTS} texts or parts");
        return Err(Error::invalid("/input", detail));
    }
    let all = all.into_iter().enumerate();
    let all = all.map(|(index, input)| (format!("/input/{index}"), input));
    let all: Vec<(String, Value)> = all.collect();
    if matches!(all.as_slice(), [(_, Value::Object(_)), ..]) {
        let parts = all.into_iter().map(|(place, input)| part(&place, &input));
        return parts.collect::<Result<_>>().map(ModerationInput::Parts);
    }
    let texts = all.into_iter().map(|(place, input)| match input {
        Value::String(text) => sound(&place, text),
        _ => {
            let detail = "must be a text, as the first is; send parts in a list that has no texts";
            Err(Error::invalid(place, detail))
        }
    });
    texts.collect::<Result<_>>().map(ModerationInput::Texts)
}

fn part(place: &str, input: &Value) -> Result<ContentPart> {
    let bytes = serde_json::to_vec(input).map_err(Error::internal)?;
    let part = Json::<PartView>::parse(&bytes).map_err(|error| renamed(error, &[("", place)]))?;
    let part = ContentPart::from(part);
    if let ContentPart::Text { text } = &part {
        sound(&format!("{place}/text"), text.clone())?;
    }
    part.parse(place)
}

fn sound(field: &str, text: String) -> Result<String> {
    if text.trim().is_empty() {
        return Err(Error::invalid(field, "must not be blank"));
    }
    Ok(text)
}
