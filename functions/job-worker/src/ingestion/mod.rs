//! Takes the content of a document in: its bytes become text, its text chunks, its chunks vectors, and all of it a part of
//! the index of its knowledge base.
//!
//! Each stage keeps what it made under the content's prefix of the bucket and is passed over where that is there: an
//! attempt that breaks off, or runs out of time, costs only what it had not kept yet. The content comes to be searched, in
//! the place of the one before, in the transaction that ends the job.

mod content;
mod refused;
mod text;
mod vectors;

use std::time::Instant;

use documents::Chunk;
use engine::EmbeddingModel;
use knowledge::{Entry, keys, place, wants_merge};
use shared::auth::{Caller, Mandate};
use shared::clock::Moment;
use shared::model::{
    Document, DocumentCounts, DocumentId, DocumentStage, DocumentVersion, DocumentVersionId,
    IndexSettings, Job, JobPriority, JobResult, JobTask, KnowledgeBase, KnowledgeBaseId,
    KnowledgeIndex, RequestId,
};
use shared::store::{DocumentReady, JobEffect, StoredJob, TenantStore};
use shared::{Error, Result};

use crate::JobWorker;
use crate::working::{Done, Made, Progress};
pub(crate) use vectors::{Embedded, Embedding};

/// One content of a document, and what it is taken in with.
pub(crate) struct Taking<'a> {
    pub(crate) store: &'a TenantStore,
    pub(crate) caller: &'a Caller,
    pub(crate) base: KnowledgeBase,
    pub(crate) index: KnowledgeIndex,
    pub(crate) document: Document,
    pub(crate) version: DocumentVersion,
    /// Whether the document shows how far it is: not where its content is searched already.
    pub(crate) shown: bool,
    pub(crate) until: Instant,
    pub(crate) progress: &'a Progress,
}

impl Taking<'_> {
    /// What the keys of the content's objects begin with.
    pub(crate) fn prefix(&self) -> String {
        let of = (self.base.id, self.document.id);
        keys::of_content(self.store.tenant(), of.0, of.1, self.version.content)
    }

    /// Says how far it is.
    ///
    /// # Errors
    /// `Conflict` if it is not to be taken in any more.
    pub(crate) async fn stage(&self, stage: DocumentStage, counts: DocumentCounts) -> Result<()> {
        if !self.shown {
            return Ok(());
        }
        let (base, id) = (self.base.id, self.document.id);
        let on = self
            .store
            .document_stage(base, id, self.version.id, (stage, counts));
        if on.await? { Ok(()) } else { Err(superseded()) }
    }
}

/// The document is gone, or another content took the place of this one: never shown to anybody.
pub(crate) fn superseded() -> Error {
    Error::Conflict("this content is not to be taken in any more")
}

impl JobWorker {
    /// Takes a content in.
    pub(crate) async fn ingest(
        &self,
        (store, caller): (&TenantStore, &Caller),
        (base, document, version): (KnowledgeBaseId, DocumentId, DocumentVersionId),
        (job, mandate): (&Job, Mandate),
        (until, progress): (Instant, &Progress),
    ) -> Result<Done> {
        let over = |ready: bool, counts: DocumentCounts| {
            let result = JobResult::DocumentIngestion {
                document_id: document,
                ready,
                counts,
            };
            Done::Made(Made {
                result,
                effect: None,
            })
        };
        let gone = || over(false, DocumentCounts::default());
        // What an attempt before has kept after the rest was deleted goes with it.
        let Some((base, index)) = store.knowledge_base_open(base).await? else {
            let left = keys::of_base(store.tenant(), base);
            self.app.blobs.delete_all(&left).await?;
            return Ok(gone());
        };
        let Some(document) = store.document_get(base.id, document).await? else {
            let left = keys::of_document(store.tenant(), base.id, document);
            self.app.blobs.delete_all(&left).await?;
            return Ok(gone());
        };
        if let Some(current) = document.current.as_ref().filter(|one| one.id == version) {
            return Ok(over(true, current.counts));
        }
        let pending = document.pending.clone();
        let Some(version) = pending.filter(|pending| pending.id == version) else {
            return Ok(gone());
        };
        let taking = Taking {
            store,
            caller,
            base,
            index,
            document,
            version,
            shown: true,
            until,
            progress,
        };
        // Boxed, because the compiler gives up on futures that are nested so deeply.
        match Box::pin(self.take(taking, (job.request, mandate))).await {
            // It is looked at anew, which finds whether anything is left of it.
            Err(Error::Conflict(_)) => Ok(Done::Later),
            other => other,
        }
    }

    async fn take(
        &self,
        mut taking: Taking<'_>,
        (request, mandate): (RequestId, Mandate),
    ) -> Result<Done> {
        let settings = taking.index.active.settings.clone();
        let model = self.embedding(taking.store, &settings).await?;
        let bytes = self.arrived(&mut taking).await?;
        let text = self.text(&taking, bytes).await?;
        let mut counts = text.counts();
        taking.stage(DocumentStage::Chunking, counts).await?;
        let chunks = text.chunks(&settings)?;
        counts.chunks = chunks.len() as u64;
        counts.tokens = chunks.iter().map(|chunk| chunk.tokens as u64).sum();
        taking.stage(DocumentStage::Embedding, counts).await?;
        let embedding = Embedding {
            taking: &taking,
            model: &model,
        };
        let Embedded::All(vectors) = self.embedded(embedding, &chunks, counts).await? else {
            return Ok(Done::Later);
        };
        counts.embedded_chunks = counts.chunks;
        taking.stage(DocumentStage::Indexing, counts).await?;
        let entry = entry(&taking, chunks, vectors);
        let backend = self.knowledge.backend(taking.base.backend)?;
        let place = place(taking.store, taking.base.id, &taking.index.active);
        let segment = backend.put(&place, &entry, taking.until).await?;
        let now = self.app.clock.now();
        let replaced = taking.document.current.clone();
        let mut segments = taking.index.active.segments.clone();
        segments.extend(segment.clone());
        let untidy = replaced.is_some() || wants_merge(&segments);
        let version = DocumentVersion {
            stage: DocumentStage::Ready,
            failure: None,
            counts,
            kind: Some(text.kind.clone()),
            indexes: [taking.index.active.id].into(),
            ended_at: Some(now),
            ..taking.version.clone()
        };
        let base = taking.base.id;
        Ok(Done::Made(Made {
            result: JobResult::DocumentIngestion {
                document_id: taking.document.id,
                ready: true,
                counts,
            },
            effect: Some(JobEffect::Ready(Box::new(DocumentReady {
                base,
                document: taking.document.id,
                seen: taking.document.version,
                version,
                replaced,
                index: taking.index.active.id,
                segment,
                cleanup: untidy.then(|| cleanup(base, request, mandate, now)),
            }))),
        }))
    }

    /// The model of an index, if it still makes the vectors that the index has.
    pub(crate) async fn embedding(
        &self,
        store: &TenantStore,
        settings: &IndexSettings,
    ) -> Result<EmbeddingModel> {
        let name = Some(settings.embedding_model.as_str());
        let model = self.engine.embedding_model(store, name).await?;
        if model.spec().dimensions != settings.dimensions {
            let message = "the embedding model makes vectors of another length by now; give the knowledge base an index anew";
            return Err(Error::Document {
                slug: "document-other-embedding-model",
                message: message.to_owned(),
            });
        }
        Ok(model)
    }
}

/// The job that tidies a knowledge base up.
pub(crate) fn cleanup(
    base: KnowledgeBaseId,
    request: RequestId,
    mandate: Mandate,
    now: Moment,
) -> StoredJob {
    let task = JobTask::KnowledgeBaseCleanup {
        knowledge_base_id: base,
    };
    StoredJob {
        job: Job::new(task, JobPriority::Low, request, now),
        mandate,
    }
}

/// A content as an index takes it.
pub(crate) fn entry(taking: &Taking<'_>, chunks: Vec<Chunk>, vectors: Vec<Vec<f32>>) -> Entry {
    let Document {
        id,
        name,
        attributes,
        readers,
        ..
    } = &taking.document;
    // They were checked when they came, and are of no other type.
    let attributes = serde_json::to_value(attributes).and_then(serde_json::from_value);
    let place = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    let chunks = chunks.into_iter().zip(vectors);
    Entry {
        document: retrieval::Document {
            id: id.to_string(),
            version: taking.version.id.to_string(),
            name: name.clone(),
            attributes: attributes.unwrap_or_default(),
        },
        chunks: chunks
            .map(|(chunk, vector)| retrieval::Chunk {
                ordinal: chunk.ordinal,
                start: place(chunk.start),
                end: place(chunk.end),
                page: chunk.page,
                headings: chunk.headings.iter().map(ToString::to_string).collect(),
                tokens: place(chunk.tokens),
                text: chunk.text,
                vector,
            })
            .collect(),
        readers: readers.clone(),
    }
}
