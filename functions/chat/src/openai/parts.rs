//! What people say in OpenAI's parts.

use serde::{Deserialize, Serialize};
use shared::Result;
use shared::model::{ContentPart, FileData, ImageUrl};

use super::errors::unsupported;

/// An image at an address, or as `data:`. `detail_field` is where it says how closely it is looked at.
pub(super) fn image(
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

/// A file's bytes as `data:`. `id_field` is where it could name one that was uploaded.
pub(super) fn file(
    place: &str,
    filename: Option<String>,
    file_data: Option<String>,
    id_field: &str,
) -> Result<ContentPart> {
    let Some(file_data) = file_data else {
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

/// How closely a model looks at an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiImageDetail)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Detail {
    /// As the provider thinks best. The others are refused.
    Auto,
    /// Refused.
    Low,
    /// Refused.
    High,
}

/// With which priority a provider works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiServiceTier)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ServiceTier {
    /// As the provider's account says.
    Auto,
    /// As the provider's account says. All others are refused.
    Default,
}
