//! `POST /v1/vector_stores/{vector_store_id}/file_batches`

use axum::extract::State;
use serde::Deserialize;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::{Chunking, DocumentId, FileBatch, FileBatchId, KnowledgeBaseId, Origin};
use shared::{Error, Result};

use super::read;
use super::view::FileBatchView;
use crate::documents::create::attributes as check_attributes;
use crate::openai::chunking::ChunkingStrategy;
use crate::openai::renamed;
use crate::openai::store_files::create::{Attributes, NewVectorStoreFile, Place, attach_all};
use crate::{Bases, access};

/// How many files a batch may have: what can be put into a vector store while a request lasts.
const MOST_FILES: usize = 500;

/// Files to be put into a vector store together: either `file_ids` or `files`.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFileBatch {
    /// The files: those that you have uploaded by `POST /v1/files`.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 500)]
    file_ids: Option<Vec<DocumentId>>,
    /// The same, each with attributes of its own. Give only one of both.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 500)]
    files: Option<Vec<NewVectorStoreFile>>,
    /// What filters compare, for all of `file_ids`.
    #[serde(default)]
    #[schema(value_type = Option<shared::http::openapi::Attributes>)]
    attributes: Option<Attributes>,
    /// How files are cut: as the vector store cuts all of its files, or left out.
    #[serde(default)]
    chunking_strategy: Option<ChunkingStrategy>,
}

/// Puts files into a vector store together.
///
/// Files that are in it already stay as they are.
#[utoipa::path(
    post,
    path = "/v1/vector_stores/{vector_store_id}/file_batches",
    tag = "openai",
    security(("bearer" = [])),
    params(("vector_store_id" = KnowledgeBaseId, Path, description = "The vector store.")),
    request_body = NewFileBatch,
    responses(
        (status = 200, description = "The batch.", body = FileBatchView),
        (status = 409, description = "A file is there already with other attributes.", body = shared::http::openai::OpenAiFailure),
    ),
)]
pub(crate) async fn create_file_batch(
    caller: Caller,
    _: AcceptsJson,
    origin: Origin,
    State(state): State<Bases>,
    Path(id): Path<KnowledgeBaseId>,
    Json(new): Json<NewFileBatch>,
) -> Result<Json<FileBatchView>> {
    let created = create(&state, (&caller, &origin), id, new).await;
    created.map(Json).map_err(renamed)
}

async fn create(
    state: &Bases,
    who: (&Caller, &Origin),
    id: KnowledgeBaseId,
    new: NewFileBatch,
) -> Result<FileBatchView> {
    let store = state.app.store.of(who.0);
    let (base, index) = access::writable(&store, who.0, id).await?;
    let named = new.files(index.active.settings.chunking)?;
    let files = store.files_get(named.iter().map(|(id, _)| *id)).await?;
    let mut wanted = Vec::new();
    for (place, (id, attributes)) in named.into_iter().enumerate() {
        let file = files.iter().find(|file| file.id == id).ok_or_else(|| {
            let detail = "there is no such file of yours; upload it by POST /v1/files first";
            Error::invalid(format!("/file_ids/{place}"), detail)
        })?;
        wanted.push((file, attributes));
    }
    let batch = FileBatch {
        id: FileBatchId::new(),
        files: wanted.iter().map(|(file, _)| file.id).collect(),
        created_at: state.app.clock.now(),
    };
    attach_all(state, who, Place { base: base.id }, wanted).await?;
    store.file_batch_create(base.id, &batch).await?;
    let (batch, documents) = read(&store, who.0, &base, batch.id).await?;
    Ok(FileBatchView::new(base.id, &batch, &documents))
}

impl NewFileBatch {
    /// Which files, with which attributes, each once.
    fn files(self, store: Chunking) -> Result<Vec<(DocumentId, Attributes)>> {
        ChunkingStrategy::check(self.chunking_strategy, store)?;
        let for_all = self.attributes.unwrap_or_default();
        check_attributes(&for_all)?;
        let mut files: Vec<(DocumentId, Attributes)> = match (self.file_ids, self.files) {
            (Some(ids), None) => ids.into_iter().map(|id| (id, for_all.clone())).collect(),
            (None, Some(files)) if for_all.is_empty() => {
                let each = files.into_iter().map(|file| file.checked(store));
                each.collect::<Result<_>>()?
            }
            (None, Some(_)) => {
                let detail = "can't be given with `files`, which have attributes of their own";
                return Err(Error::invalid("/attributes", detail));
            }
            _ => return Err(Error::invalid("/file_ids", "give either this or `files`")),
        };
        if !(1..=MOST_FILES).contains(&files.len()) {
            let detail = format!("must name 1 to {MOST_FILES} files");
            return Err(Error::invalid("/file_ids", detail));
        }
        files.sort_by_key(|(id, _)| *id);
        files.dedup_by_key(|(id, _)| *id);
        Ok(files)
    }
}
