//! `POST /v1/vector_stores/{vector_store_id}/files`

use std::collections::BTreeMap;

use axum::extract::State;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use knowledge::keys;
use serde::Deserialize;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::{
    Chunking, Document, DocumentId, KnowledgeBaseId, MAX_DOCUMENT_BYTES, Origin, UploadedFile,
};
use shared::store::{NewContent, Taken, TenantStore};
use shared::{Error, Result};

use super::view::VectorStoreFileView;
use crate::documents::create::attributes as check_attributes;
use crate::documents::source::Source;
use crate::documents::taking::{For, Prepared};
use crate::openai::chunking::ChunkingStrategy;
use crate::openai::files::NO_FILE;
use crate::openai::renamed;
use crate::{Bases, access};

/// How many files are put into a vector store at the same time.
const AT_ONCE: usize = 8;

/// What filters compare.
pub(crate) type Attributes = BTreeMap<String, serde_json::Value>;

/// A file to be put into a vector store.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewVectorStoreFile {
    /// The file: one that you have uploaded by `POST /v1/files`.
    file_id: DocumentId,
    /// What filters compare: up to 16 texts, numbers and truth values.
    #[serde(default)]
    #[schema(value_type = Option<shared::http::openapi::Attributes>)]
    attributes: Option<Attributes>,
    /// How it is cut: as the vector store cuts all of its files, or left out.
    #[serde(default)]
    chunking_strategy: Option<ChunkingStrategy>,
}

/// Puts a file into a vector store.
///
/// A document with the same id is taken in there; `status` says how far it is. A file that is in the vector store already
/// stays as it is.
#[utoipa::path(
    post,
    path = "/v1/vector_stores/{vector_store_id}/files",
    tag = "openai",
    security(("bearer" = [])),
    params(("vector_store_id" = KnowledgeBaseId, Path, description = "The vector store.")),
    request_body = NewVectorStoreFile,
    responses(
        (status = 200, description = "The file, as it is in the vector store.", body = VectorStoreFileView),
        (status = 409, description = "It is there already with other attributes.", body = shared::http::openai::OpenAiFailure),
    ),
)]
pub(crate) async fn create_vector_store_file(
    caller: Caller,
    _: AcceptsJson,
    origin: Origin,
    State(state): State<Bases>,
    Path(id): Path<KnowledgeBaseId>,
    Json(new): Json<NewVectorStoreFile>,
) -> Result<Json<VectorStoreFileView>> {
    let created = create(&state, (&caller, &origin), id, new).await;
    created.map(Json).map_err(renamed)
}

async fn create(
    state: &Bases,
    (caller, origin): (&Caller, &Origin),
    id: KnowledgeBaseId,
    new: NewVectorStoreFile,
) -> Result<VectorStoreFileView> {
    let store = state.app.store.of(caller);
    let (base, index) = access::writable(&store, caller, id).await?;
    let chunking = index.active.settings.chunking;
    let (file, attributes) = new.checked(chunking)?;
    let there = store.document_get(base.id, file).await?;
    let document = match there {
        Some(there) if there.is_seen_by(&base, caller.user(), caller.role()) => {
            unchanged(there, &attributes)?
        }
        _ => {
            let file = store.file_get(file).await?.ok_or(NO_FILE)?;
            let place = Place { base: base.id };
            attach(state, (caller, origin), place, &file, attributes).await?
        }
    };
    Ok(VectorStoreFileView::new(base.id, chunking, document))
}

impl NewVectorStoreFile {
    /// Which file, with which attributes.
    pub(crate) fn checked(self, store: Chunking) -> Result<(DocumentId, Attributes)> {
        ChunkingStrategy::check(self.chunking_strategy, store)?;
        let attributes = self.attributes.unwrap_or_default();
        check_attributes(&attributes)?;
        Ok((self.file_id, attributes))
    }
}

/// A document that is there already, if nothing else is asked of it.
fn unchanged(there: Document, attributes: &Attributes) -> Result<Document> {
    if attributes.is_empty() || *attributes == there.attributes {
        return Ok(there);
    }
    Err(Error::Conflict(
        "this file is in the vector store already, with other attributes; POST /v1/vector_stores/{vector_store_id}/files/{file_id} changes them",
    ))
}

/// A vector store that the caller may change.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) base: KnowledgeBaseId,
}

/// Puts files of the caller's into a vector store that the caller may change.
pub(crate) async fn attach_all(
    state: &Bases,
    who: (&Caller, &Origin),
    place: Place,
    files: Vec<(&UploadedFile, Attributes)>,
) -> Result<()> {
    // No closure: the compiler can't tell that one is good for every lifetime.
    let mut attached = Vec::with_capacity(files.len());
    for (file, attributes) in files {
        attached.push(attach(state, who, place, file, attributes));
    }
    stream::iter(attached)
        .buffer_unordered(AT_ONCE)
        .try_for_each(|_| async { Ok(()) })
        .await
}

/// Takes a file of the caller's in as a document with its id: a copy of its bytes, because documents go with their
/// knowledge base.
async fn attach(
    state: &Bases,
    (caller, origin): (&Caller, &Origin),
    Place { base }: Place,
    file: &UploadedFile,
    attributes: Attributes,
) -> Result<Document> {
    let store = state.app.store.of(caller);
    let key = keys::of_file(caller.tenant(), caller.user(), file.id);
    let bytes = state.app.blobs.get(&key, MAX_DOCUMENT_BYTES as u64).await?;
    let bytes = bytes.ok_or(NO_FILE)?;
    let of = For {
        caller,
        origin,
        base,
        document: file.id,
    };
    let name = file.file_name.clone();
    let prepared = state.prepare(of, Source::Inline(bytes), name).await?;
    let now = state.app.clock.now();
    let Prepared {
        mut version, job, ..
    } = prepared;
    // Where another document has the same content, the worker says that of this one: it is not that one that was asked for.
    version.sha256 = None;
    let content = version.content;
    let document = Document {
        id: file.id,
        name: file.file_name.clone(),
        attributes: attributes.clone(),
        readers: None,
        created_by: caller.user(),
        current: None,
        pending: Some(version),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let new = NewContent {
        document: &document,
        job: &job,
        given_up: None,
    };
    match store.document_create_of_file(base, new).await? {
        Taken::Yes => {
            state.tell(&job.job).await;
            Ok(document)
        }
        Taken::Duplicate(_) | Taken::Changed => {
            let prefix = keys::of_content(caller.tenant(), base, file.id, content);
            state.app.blobs.delete_all(&prefix).await?;
            in_the_way(&store, caller, (base, file.id), &attributes).await
        }
    }
}

/// Why a file could not be put into a vector store: it came there meanwhile, or one of both is gone.
async fn in_the_way(
    store: &TenantStore,
    caller: &Caller,
    (base, file): (KnowledgeBaseId, DocumentId),
    attributes: &Attributes,
) -> Result<Document> {
    access::readable(store, caller, base).await?;
    if let Some(there) = store.document_get(base, file).await? {
        return unchanged(there, attributes);
    }
    store.file_get(file).await?.ok_or(NO_FILE)?;
    Err(Error::unavailable(
        "the file is being deleted, or what is left of it in the vector store is",
    ))
}
