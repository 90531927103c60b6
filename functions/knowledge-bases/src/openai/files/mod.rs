//! Files: those that the caller has uploaded, and documents of knowledge bases that the caller may read.

pub(super) mod content;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod get;
pub(super) mod list;
mod view;

use shared::auth::Caller;
use shared::model::{Document, DocumentId, KnowledgeBase, KnowledgeBaseId, UploadedFile};
use shared::store::TenantStore;
use shared::{Error, Result};

/// What whoever may not see a file is told, too.
pub(super) const NO_FILE: Error = Error::NotFound("file");

/// What the id of a file stands for.
pub(super) enum Found {
    /// A file that the caller has uploaded.
    Uploaded(UploadedFile),
    /// A document of a knowledge base.
    Document(Box<KnowledgeBase>, Box<Document>),
}

/// What the id stands for to the caller: a file that the caller has uploaded, or a document that the caller may see.
pub(super) async fn find(store: &TenantStore, caller: &Caller, id: DocumentId) -> Result<Found> {
    if let Some(file) = store.file_get(id).await? {
        return Ok(Found::Uploaded(file));
    }
    let mut documents = documents(store, caller, id).await?.into_iter();
    let first = documents.next();
    first
        .map(|(base, document)| Found::Document(Box::new(base), Box::new(document)))
        .ok_or(NO_FILE)
}

/// The documents with that id that the caller may see, with their knowledge bases: the knowledge bases that the caller may
/// read are listed, and a document with the id is asked of each by its key.
pub(super) async fn documents(
    store: &TenantStore,
    caller: &Caller,
    id: DocumentId,
) -> Result<Vec<(KnowledgeBase, Document)>> {
    let wanted = |base: &KnowledgeBase| base.may_read(caller.user());
    let all = None::<KnowledgeBaseId>;
    let bases = store.knowledge_base_list(all, u32::MAX, wanted).await?;
    let ids: Vec<_> = bases.items.iter().map(|base| base.id).collect();
    let found = store.documents_of_file(&ids, id).await?.into_iter();
    let found = found.filter_map(|(place, document)| {
        let base = bases.items.iter().find(|base| base.id == place)?;
        let sees = document.is_seen_by(base, caller.user(), caller.role());
        sees.then(|| (base.clone(), document))
    });
    Ok(found.collect())
}
