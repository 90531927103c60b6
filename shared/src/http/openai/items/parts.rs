//! What people say in OpenAI's parts.

use crate::error::Result;
use crate::http::openai::unsupported;
use crate::model::{ContentPart, FileData, ImageUrl};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// An image at an address, or as `data:`. `detail_field` is where it says how closely it is looked at.
///
/// # Errors
/// `Invalid` with what breaks a rule.
pub fn image_part(
    place: &str,
    url: String,
    detail_field: &str,
    detail: Option<Detail>,
) -> Result<ContentPart> {
    if matches!(detail, Some(Detail::Low | Detail::High)) {
        return Err(unsupported(detail_field, "leave it out, or take auto"));
    }
    let image = ContentPart::ImageUrl {
        image_url: ImageUrl { url },
    };
    image.parse(place)
}

/// A file's bytes as `data:`. `file_id` would name one that was uploaded, and `id_field` is where.
///
/// # Errors
/// `Invalid` with what breaks a rule.
pub fn file_part(
    place: &str,
    filename: Option<String>,
    file_data: Option<String>,
    file_id: Option<&str>,
    id_field: &str,
) -> Result<ContentPart> {
    let (Some(file_data), None) = (file_data, file_id) else {
        return Err(unsupported(id_field, BYTES));
    };
    let file = ContentPart::File {
        file: FileData {
            filename: filename.unwrap_or_else(|| "file".to_owned()),
            file_data,
        },
    };
    file.parse(place)
}

const BYTES: &str = "give the file's bytes in `file_data` as data:<media type>;base64,<data>, or search it in a vector store";

/// What may be sent, so that answers can be sent back as they came, and is not kept.
// With `skip_serializing` the document would not have the field, and would refuse it where fields are closed.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(from = "IgnoredAny")]
pub struct Unread;

impl From<IgnoredAny> for Unread {
    fn from(_: IgnoredAny) -> Self {
        Self
    }
}

/// That it is not written.
pub const fn is_unread(_: &Option<Unread>) -> bool {
    true
}

/// How closely a model looks at an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiImageDetail)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// As the provider thinks best. The others are refused.
    Auto,
    /// Refused.
    Low,
    /// Refused.
    High,
}
