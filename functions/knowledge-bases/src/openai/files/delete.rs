//! `DELETE /v1/files/{file_id}`

use axum::extract::State;
use knowledge::keys;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::{DocumentId, Origin};
use shared::{Error, Result};

use super::{NO_FILE, documents};
use crate::Bases;
use crate::documents::delete::delete as delete_document;
use crate::openai::Deleted;

/// Deletes a file, and its documents in all vector stores.
///
/// Where you may see it in a vector store that you may not change, nothing is deleted.
#[utoipa::path(
    delete,
    path = "/v1/files/{file_id}",
    tag = "openai",
    security(("bearer" = [])),
    params(("file_id" = DocumentId, Path, description = "The file.")),
    responses((status = 200, description = "It is deleted.", body = Deleted<DocumentId>)),
)]
pub(crate) async fn delete_file(
    caller: Caller,
    _: AcceptsJson,
    origin: Origin,
    State(state): State<Bases>,
    Path(id): Path<DocumentId>,
) -> Result<Json<Deleted<DocumentId>>> {
    delete(&state, (&caller, &origin), id).await?;
    Ok(Json(Deleted::new(id, "file")))
}

/// The file's row goes last: where this breaks off the file is still there, and can be deleted once more.
async fn delete(state: &Bases, (caller, origin): (&Caller, &Origin), id: DocumentId) -> Result<()> {
    let store = state.app.store.of(caller);
    let own = store.file_get(id).await?;
    let seen = documents(&store, caller, id).await?;
    if own.is_none() && seen.is_empty() {
        return Err(NO_FILE);
    }
    let may_write = |(base, _): &(shared::model::KnowledgeBase, _)| {
        base.may_write(caller.user(), caller.role())
    };
    if !seen.iter().all(may_write) {
        return Err(Error::Forbidden(
            "this file is in a vector store that only its creator, and administrators who may read it, may change; have it taken out there first",
        ));
    }
    let left = match own {
        // From then on it comes into no further one.
        Some(_) if store.file_close(id, state.app.clock.now()).await? => {
            documents(&store, caller, id).await?
        }
        _ => seen,
    };
    for (base, _) in left {
        match delete_document(state, (caller, origin), base.id, id).await {
            Ok(()) | Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    if own.is_some() {
        let key = keys::of_file(caller.tenant(), caller.user(), id);
        state.app.blobs.delete(&[key]).await?;
        store.file_forget(id).await?;
    }
    Ok(())
}
