//! Makes another index beside the one that is searched, and puts it in its place once every document is in it.

use std::time::{Duration, Instant};

use knowledge::place;
use shared::Result;
use shared::auth::{Caller, Mandate};
use shared::model::{
    Document, IndexId, Job, JobProgress, JobResult, KnowledgeBase, KnowledgeBaseId, KnowledgeIndex,
    Manifest, RetiredIndex,
};
use shared::store::{IndexSwitch, JobEffect, TenantStore};

use crate::JobWorker;
use crate::ingestion::{Embedded, Embedding, Taking, cleanup, entry};
use crate::working::{Done, Made, Progress};

/// With less time left than that no further document is begun.
const LEFT: Duration = Duration::from_secs(20);
/// How many documents are read of the table at a time.
const PAGE: u32 = 100;

impl JobWorker {
    /// Puts every document into the new index, and that into the place of the old one.
    pub(crate) async fn rebuild(
        &self,
        (store, caller): (&TenantStore, &Caller),
        (base, built): (KnowledgeBaseId, IndexId),
        (job, mandate): (&Job, Mandate),
        (until, progress): (Instant, &Progress),
    ) -> Result<Done> {
        let over = |switched: bool, documents: u64| {
            Done::Made(Made {
                result: JobResult::KnowledgeBaseRebuild {
                    switched,
                    documents,
                },
                effect: None,
            })
        };
        let opened = store.knowledge_base_open(base).await?;
        let Some((base, index)) = opened else {
            return Ok(over(false, 0));
        };
        if index.active.id == built {
            return Ok(over(true, 0));
        }
        let Some(manifest) = index.building.clone().filter(|one| one.id == built) else {
            return Ok(over(false, 0));
        };
        let (mut documents, mut added) = (0, false);
        let mut before = None;
        loop {
            let wanted = |document: &Document| document.current.is_some();
            let page = store.document_list(base.id, before, PAGE, wanted).await?;
            before = page.items.last().map(|document| document.id);
            for document in page.items {
                documents += 1;
                progress.set(JobProgress {
                    done: documents,
                    total: documents + 1,
                });
                let Some(current) = document.current.clone() else {
                    continue;
                };
                if current.indexes.contains(&built) {
                    continue;
                }
                if added && until.saturating_duration_since(Instant::now()) < LEFT {
                    return Ok(Done::Later);
                }
                let taking = Taking {
                    store,
                    caller,
                    base: base.clone(),
                    index: index.clone(),
                    document,
                    version: current,
                    shown: false,
                    until,
                    progress,
                };
                // Boxed, because the compiler gives up on futures that are nested so deeply.
                if !Box::pin(self.add(&taking, &manifest)).await? {
                    return Ok(Done::Later);
                }
                added = true;
            }
            if !page.has_more {
                break;
            }
        }
        if added {
            // What came to be searched meanwhile is looked for again, under the revision that counts then.
            return Ok(Done::Later);
        }
        let now = self.app.clock.now();
        let cleanup = cleanup(base.id, job.request, mandate, now);
        Ok(switch(&base, &index, built, documents, cleanup))
    }

    /// Puts one document into the new index. `false` if time ran out, with what was made of it kept.
    async fn add(&self, taking: &Taking<'_>, manifest: &Manifest) -> Result<bool> {
        let model = self.embedding(taking.store, &manifest.settings).await?;
        let bytes = self.bytes(taking).await?;
        let text = self.text(taking, bytes).await?;
        let chunks = text.chunks(&manifest.settings)?;
        let embedding = Embedding {
            taking,
            model: &model,
        };
        let counts = taking.version.counts;
        let vectors = match self.embedded(embedding, &chunks, counts).await? {
            Embedded::All(vectors) => vectors,
            Embedded::Some => return Ok(false),
        };
        let backend = self.knowledge.backend(taking.base.backend)?;
        let place = place(taking.store, taking.base.id, manifest);
        let entry = entry(taking, chunks, vectors);
        let segment = backend.put(&place, &entry, taking.until).await?;
        let of = (taking.document.id, taking.version.id);
        // Where it is another content by now, that is found when it is looked for again.
        let store = taking.store;
        let added = store.index_built(taking.base.id, of, manifest.id, segment.as_ref());
        added.await.map(|_| true)
    }
}

fn switch(
    base: &KnowledgeBase,
    index: &KnowledgeIndex,
    built: IndexId,
    documents: u32,
    cleanup: shared::store::StoredJob,
) -> Done {
    Done::Made(Made {
        result: JobResult::KnowledgeBaseRebuild {
            switched: true,
            documents: documents.into(),
        },
        effect: Some(JobEffect::Switch(IndexSwitch {
            base: base.id,
            built,
            retired: RetiredIndex {
                id: index.active.id,
                dimensions: index.active.settings.dimensions,
            },
            revision: index.revision,
            cleanup,
        })),
    })
}
