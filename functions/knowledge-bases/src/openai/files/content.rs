//! `GET /v1/files/{file_id}/content`

use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use bytes::Bytes;
use knowledge::keys;
use shared::auth::Caller;
use shared::http::{MAX_FORM_BYTES, Path};
use shared::model::DocumentId;
use shared::{Error, Result};

use super::{Found, NO_FILE, find};
use crate::Bases;

const HEADERS: [(HeaderName, HeaderValue); 2] = [
    (
        CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    ),
    (CONTENT_DISPOSITION, HeaderValue::from_static("attachment")),
];

/// Gives the bytes of a file, if one reply can carry them: up to 4,500,000.
#[utoipa::path(
    get,
    path = "/v1/files/{file_id}/content",
    tag = "openai",
    security(("bearer" = [])),
    params(("file_id" = DocumentId, Path, description = "The file.")),
    responses(
        (status = 200, description = "Its bytes.", content_type = "application/octet-stream"),
        (status = 409, description = "Its bytes are not there yet.", body = shared::http::openai::OpenAiFailure),
    ),
)]
pub(crate) async fn retrieve_file_content(
    caller: Caller,
    State(state): State<Bases>,
    Path(id): Path<DocumentId>,
) -> Result<([(HeaderName, HeaderValue); 2], Bytes)> {
    let bytes = content(&state, &caller, id).await?;
    Ok((HEADERS, bytes))
}

async fn content(state: &Bases, caller: &Caller, id: DocumentId) -> Result<Bytes> {
    let store = state.app.store.of(caller);
    let key = match find(&store, caller, id).await? {
        Found::Uploaded(_) => keys::of_file(caller.tenant(), caller.user(), id),
        Found::Document(base, document) => {
            let content = document.shown().ok_or(NO_FILE)?.content;
            let prefix = keys::of_content(caller.tenant(), base.id, id, content);
            format!("{prefix}bytes")
        }
    };
    match state.app.blobs.get(&key, MAX_FORM_BYTES as u64).await {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(Error::Conflict(
            "the bytes of this file are not there yet; try again once a vector store has taken it in",
        )),
        Err(Error::TooLarge { limit_bytes }) => Err(Error::Document {
            slug: "document-too-large",
            message: format!(
                "this file has more than the {limit_bytes} bytes that one reply can carry; GET /v1/vector_stores/{{vector_store_id}}/files/{{file_id}}/content gives its text"
            ),
        }),
        Err(error) => Err(error),
    }
}
