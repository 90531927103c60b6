//! Which knowledge bases and documents a caller may see and change.

use std::collections::BTreeSet;

use shared::auth::Caller;
use shared::model::{
    Document, DocumentId, KnowledgeBase, KnowledgeBaseId, KnowledgeIndex, UserId, checked_readers,
};
use shared::store::TenantStore;
use shared::{Error, Result};

/// What whoever may not see a knowledge base is told, too.
const NO_BASE: Error = Error::NotFound("knowledge base");
const NO_DOCUMENT: Error = Error::NotFound("document");

/// A knowledge base that the caller may read.
pub(crate) async fn readable(
    store: &TenantStore,
    caller: &Caller,
    id: KnowledgeBaseId,
) -> Result<KnowledgeBase> {
    let base = store.knowledge_base_get(id).await?;
    base.filter(|base| base.may_read(caller.user()))
        .ok_or(NO_BASE)
}

/// The same with its index.
pub(crate) async fn opened(
    store: &TenantStore,
    caller: &Caller,
    id: KnowledgeBaseId,
) -> Result<(KnowledgeBase, KnowledgeIndex)> {
    let opened = store.knowledge_base_open(id).await?;
    opened
        .filter(|(base, _)| base.may_read(caller.user()))
        .ok_or(NO_BASE)
}

/// A knowledge base that the caller may change, with its index.
pub(crate) async fn writable(
    store: &TenantStore,
    caller: &Caller,
    id: KnowledgeBaseId,
) -> Result<(KnowledgeBase, KnowledgeIndex)> {
    let (base, index) = opened(store, caller, id).await?;
    if base.may_write(caller.user(), caller.role()) {
        return Ok((base, index));
    }
    Err(Error::Forbidden(
        "only whoever created this knowledge base, and administrators who may read it, may change it",
    ))
}

/// A document that the caller may see.
pub(crate) async fn document(
    store: &TenantStore,
    caller: &Caller,
    base: &KnowledgeBase,
    id: DocumentId,
) -> Result<Document> {
    let document = store.document_get(base.id, id).await?;
    let sees = |document: &Document| document.is_seen_by(base, caller.user(), caller.role());
    document.filter(sees).ok_or(NO_DOCUMENT)
}

/// Who may read something, as it is stored: members of the tenant. Whom another issuer vouches for has no row here, and is
/// taken as named.
pub(crate) async fn members(
    store: &TenantStore,
    readers: BTreeSet<UserId>,
) -> Result<BTreeSet<UserId>> {
    let readers = checked_readers("/readers", readers)?;
    let known = readers.iter().copied().filter(|user| !user.is_of_issuer());
    let known: Vec<UserId> = known.collect();
    let members = store.members_among(known.iter().copied()).await?;
    if known.iter().all(|user| members.contains(user)) {
        return Ok(readers);
    }
    let detail = "names somebody who is no member of this tenant; GET /api/v1/tenants/{tenant_id}/members lists those there are";
    Err(Error::invalid("/readers", detail))
}

/// Who may see a document, as it is stored: with whoever the document is from.
pub(crate) async fn readers(
    store: &TenantStore,
    readers: Option<BTreeSet<UserId>>,
    owner: UserId,
) -> Result<Option<BTreeSet<UserId>>> {
    let Some(readers) = readers else {
        return Ok(None);
    };
    let mut readers = members(store, readers).await?;
    readers.insert(owner);
    Ok(Some(readers))
}
