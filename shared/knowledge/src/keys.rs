//! Where in the bucket things of knowledge bases lie. All of it begins with the tenant.

use shared::model::{
    DocumentId, DocumentVersionId, IndexId, KnowledgeBaseId, SegmentId, TenantId, UserId,
};

/// What all keys of a knowledge base begin with.
pub fn of_base(tenant: TenantId, base: KnowledgeBaseId) -> String {
    format!("tenants/{tenant}/knowledge/{base}/")
}

/// The bytes of a file that a person has uploaded.
pub fn of_file(tenant: TenantId, user: UserId, file: DocumentId) -> String {
    format!("tenants/{tenant}/files/{user}/{file}")
}

/// What all keys of a document begin with.
pub fn of_document(tenant: TenantId, base: KnowledgeBaseId, document: DocumentId) -> String {
    format!("{}documents/{document}/", of_base(tenant, base))
}

/// What all keys of one content of a document begin with.
pub fn of_content(
    tenant: TenantId,
    base: KnowledgeBaseId,
    document: DocumentId,
    content: DocumentVersionId,
) -> String {
    format!("{}{content}/", of_document(tenant, base, document))
}

/// What all segments of an index begin with.
pub fn of_index(tenant: TenantId, base: KnowledgeBaseId, index: IndexId) -> String {
    format!("{}segments/{index}/", of_base(tenant, base))
}

/// A segment.
pub fn segment(
    tenant: TenantId,
    base: KnowledgeBaseId,
    index: IndexId,
    segment: SegmentId,
) -> String {
    format!("{}{segment}", of_index(tenant, base, index))
}
