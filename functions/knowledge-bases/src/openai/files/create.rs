//! `POST /v1/files`

use axum::extract::State;
use bytes::Bytes;
use knowledge::keys;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Form, FormPart, Json, MAX_FORM_BYTES};
use shared::model::{DocumentId, FilePurpose, UploadedFile};
use shared::{Error, FieldError, FieldFault, Result};

use super::view::FileView;
use crate::Bases;
use crate::documents::create::name;

/// OpenAI's purposes that nothing is done with here.
const OTHER_PURPOSES: [&str; 4] = ["batch", "evals", "fine-tune", "vision"];

/// A file to be uploaded.
#[derive(Debug, utoipa::ToSchema)]
#[schema(as = NewOpenAiFile)]
#[expect(
    dead_code,
    reason = "it describes a form, whose parts are read one by one"
)]
pub(crate) struct NewFileForm {
    /// Its bytes, with its name: up to 4,500,000 with the rest of the form. Larger files are put into a knowledge base by
    /// `POST /api/v1/knowledge-bases/{knowledge_base_id}/documents` with `upload`.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// What it is for.
    purpose: FilePurpose,
}

/// Uploads a file.
///
/// It is in no vector store until it is put into one. `expires_after` is refused: files stay until they are deleted.
#[utoipa::path(
    post,
    path = "/v1/files",
    tag = "openai",
    security(("bearer" = [])),
    request_body(content = NewFileForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, description = "The file.", body = FileView),
        (status = 415, description = "The body is no form.", body = shared::http::openai::OpenAiFailure),
    ),
)]
pub(crate) async fn create_file(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Bases>,
    form: Result<Form>,
) -> Result<Json<FileView>> {
    let new = NewFile::read(form)?;
    let file = upload(&state, &caller, new).await?;
    Ok(Json(file.into()))
}

/// What a form says of a file.
struct NewFile {
    file_name: String,
    bytes: Bytes,
    purpose: FilePurpose,
}

impl NewFile {
    fn read(form: Result<Form>) -> Result<Self> {
        let Form(parts) = form.map_err(|error| match error {
            Error::TooLarge { .. } => too_large(),
            other => other,
        })?;
        let (mut file, mut purpose) = (None, None);
        for part in parts {
            let place = match part.name.as_str() {
                "file" => &mut file,
                "purpose" => &mut purpose,
                name if name.starts_with("expires_after") => {
                    let detail =
                        "is not supported, because files stay until they are deleted; leave it out";
                    return Err(Error::unsupported("/expires_after", detail));
                }
                name => return Err(unknown(name)),
            };
            let field = format!("/{}", part.name);
            if place.replace(part).is_some() {
                return Err(Error::invalid(field, "must be given only once"));
            }
        }
        let purpose = purpose_of(&purpose.ok_or_else(|| missing("/purpose"))?)?;
        let file = file.ok_or_else(|| missing("/file"))?;
        let file_name = file_name(file.file_name.as_deref())?;
        if file.bytes.is_empty() {
            return Err(Error::invalid("/file", "has no bytes at all"));
        }
        Ok(Self {
            file_name,
            bytes: file.bytes,
            purpose,
        })
    }
}

fn too_large() -> Error {
    Error::Document {
        slug: "document-too-large",
        message: format!(
            "the form has more than the {MAX_FORM_BYTES} bytes that one request can carry; files of up to 50 MiB are put into a knowledge base, \
             which is a vector store, by POST /api/v1/knowledge-bases/{{knowledge_base_id}}/documents with `upload`"
        ),
    }
}

fn missing(field: &str) -> Error {
    let fault = FieldError::of(FieldFault::Missing, field, "must be given");
    Error::Invalid(vec![fault])
}

fn unknown(name: &str) -> Error {
    let detail = "is not a field here; expected `file` or `purpose`";
    Error::Invalid(vec![FieldError::of(
        FieldFault::Unknown,
        format!("/{name:.64}"),
        detail,
    )])
}

fn purpose_of(part: &FormPart) -> Result<FilePurpose> {
    match std::str::from_utf8(&part.bytes) {
        Ok("assistants") => Ok(FilePurpose::Assistants),
        Ok("user_data") => Ok(FilePurpose::UserData),
        Ok(other) if OTHER_PURPOSES.contains(&other) => {
            let detail =
                "must be `assistants` or `user_data`: nothing else is done with files here";
            Err(Error::unsupported("/purpose", detail))
        }
        _ => Err(Error::invalid(
            "/purpose",
            "must be `assistants` or `user_data`",
        )),
    }
}

/// The name of a file, which names its documents too.
fn file_name(given: Option<&str>) -> Result<String> {
    let named = given.map(name).and_then(Result::ok);
    named
        .filter(|name| !name.contains(['/', '\\']))
        .ok_or_else(|| {
            let detail =
                "must come with a name of one line of 1 to 200 characters, without slashes and changes of direction";
            Error::invalid("/file", detail)
        })
}

/// Keeps a file of the caller's: its bytes lie in the bucket before a row tells of them.
async fn upload(state: &Bases, caller: &Caller, new: NewFile) -> Result<UploadedFile> {
    let file = UploadedFile {
        id: DocumentId::new(),
        file_name: new.file_name,
        purpose: new.purpose,
        bytes: new.bytes.len() as u64,
        created_at: state.app.clock.now(),
    };
    let key = keys::of_file(caller.tenant(), caller.user(), file.id);
    state.app.blobs.put(&key, new.bytes).await?;
    let store = state.app.store.of(caller);
    if let Err(error) = store.file_create(&file).await {
        // Whether the row was written is not known where the table is away: then the bytes stay with it.
        if store.file_get(file.id).await.is_ok_and(|row| row.is_none()) {
            state.app.blobs.delete(&[key]).await?;
        }
        return Err(error);
    }
    Ok(file)
}
