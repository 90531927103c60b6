//! Verdicts as OpenAI's clients read them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use engine::{InputKind, Verdict};
use serde::{Deserialize, Serialize};
use shared::http::openapi::{ImageAddress, Schemas, collect, list_of, one_of, visible};
use shared::model::{ContentPart, ImageUrl, RequestId};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::MAX_INPUTS;

/// What may be judged, as the document has it.
#[derive(Debug)]
pub(crate) enum InputView {}

impl PartialSchema for InputView {
    fn schema() -> RefOr<Schema> {
        let text = visible().description(Some("A text."));
        let several = |list: ArrayBuilder| list.min_items(Some(1)).max_items(Some(MAX_INPUTS));
        let texts = several(ArrayBuilder::new().items(visible()));
        let texts = texts.description(Some("Several, each by itself."));
        let parts = several(list_of::<PartView>());
        let parts = parts.description(Some("Texts and images, all together."));
        one_of(
            "What may be judged.",
            [
                text.build().into(),
                texts.build().into(),
                parts.build().into(),
            ],
        )
    }
}

impl ToSchema for InputView {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("OpenAiModerationInput")
    }

    fn schemas(schemas: &mut Schemas) {
        collect::<PartView>(schemas);
    }
}

/// A part of what is judged.
#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = OpenAiModerationPart)]
pub(crate) enum PartView {
    /// A text.
    Text {
        /// It.
        #[schema(pattern = r"\S")]
        text: String,
    },
    /// An image.
    ImageUrl {
        /// Where it is.
        image_url: ImageView,
    },
}

/// Where an image is.
#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OpenAiModerationImage)]
pub(crate) struct ImageView {
    /// An `https` address, which the provider fetches, or `data:<media type>;base64,<data>` of a PNG, JPEG, GIF or WebP.
    #[schema(value_type = ImageAddress)]
    url: String,
}

impl From<PartView> for ContentPart {
    fn from(part: PartView) -> Self {
        match part {
            PartView::Text { text } => Self::Text { text },
            PartView::ImageUrl { image_url } => Self::ImageUrl {
                image_url: ImageUrl { url: image_url.url },
            },
        }
    }
}

/// What was judged.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiModeration)]
pub(crate) struct OpenAiModeration {
    /// Of this reply; nothing is kept under it.
    #[schema(example = "modr-0199f0a0b1c27d3e8f405162738495a6")]
    id: String,
    /// The model, as it was named; the default one's id if none was.
    model: String,
    /// The verdicts, in the order of the texts.
    results: Vec<VerdictView>,
}

/// What the model thinks.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiVerdict)]
pub(crate) struct VerdictView {
    /// Whether it is harmful.
    flagged: bool,
    /// Whether it is harmful in each of the model's categories.
    categories: BTreeMap<String, bool>,
    /// How sure the model is of that, on its own scale.
    category_scores: BTreeMap<String, f64>,
    /// What of the input each score is of, if the model says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    category_applied_input_types: Option<BTreeMap<String, Vec<InputKind>>>,
}

impl OpenAiModeration {
    pub(super) fn new(model: String, verdicts: Vec<Verdict>) -> Self {
        let id = RequestId::new().to_string();
        let id = id.split_once('_').map_or(&*id, |(_, unique)| unique);
        let results = verdicts.into_iter().map(|verdict| VerdictView {
            flagged: verdict.flagged,
            categories: verdict.categories,
            category_scores: verdict.category_scores,
            category_applied_input_types: verdict.category_applied_input_types,
        });
        Self {
            id: format!("modr-{id}"),
            model,
            results: results.collect(),
        }
    }
}
