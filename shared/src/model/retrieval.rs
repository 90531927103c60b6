//! Answers from documents: what was found for a question, and what of it supports the answer.

use serde::{Deserialize, Serialize};

use super::{DocumentId, KnowledgeBaseId};

/// What a run found in knowledge bases before the model was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Retrieval {
    /// Where was searched.
    pub knowledge_base_ids: Vec<KnowledgeBaseId>,
    /// The models that made vectors of the question. Empty where was searched by words alone.
    pub embedding_models: Vec<String>,
    /// The model that put what was found into an order. It is left out if none did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rerank_model: Option<String>,
    /// What the model was given, in that order.
    pub passages: Vec<RetrievedPassage>,
}

/// A part of a document that a model was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RetrievedPassage {
    /// By which the answer names it, as `[1]`.
    pub number: u32,
    /// The knowledge base.
    pub knowledge_base_id: KnowledgeBaseId,
    /// The document.
    pub document_id: DocumentId,
    /// What the document is called.
    pub document_name: String,
    /// The number of its first chunk in the document.
    pub first_chunk: u32,
    /// The number of its last chunk.
    pub last_chunk: u32,
    /// The page on which it begins, where the document has pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// Where it begins in the document's text, in Unicode code points.
    pub start: u32,
    /// Where it ends.
    pub end: u32,
    /// How good its best chunk is, by the stage that decided in its knowledge base, or by `rerank_model`.
    pub score: f32,
}

/// A quote that supports a part of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Citation {
    /// The knowledge base.
    pub knowledge_base_id: KnowledgeBaseId,
    /// The document.
    pub document_id: DocumentId,
    /// What the document is called.
    pub document_name: String,
    /// The number of the chunk in which the quote begins.
    pub chunk: u32,
    /// The page on which that chunk begins, where the document has pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// Where the quote begins in the document's text, in Unicode code points.
    pub start: u32,
    /// Where it ends.
    pub end: u32,
    /// What stands there.
    pub quote: String,
    /// Where in `content` begins what it supports, in Unicode code points.
    pub answer_start: u32,
    /// Where that ends.
    pub answer_end: u32,
    /// Why it is cited.
    pub basis: CitationBasis,
}

/// Why a quote is cited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CitationBasis {
    /// The model named the passage by its number.
    Marker,
    /// The answer has it in quotation marks.
    Quoted,
    /// The answer has its words.
    Matched,
}

/// How much of an answer its citations support.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// All that it claims.
    Full,
    /// Some of it.
    Partial,
    /// Nothing of it.
    None,
}
