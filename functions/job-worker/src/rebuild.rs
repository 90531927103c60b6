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

/// What is put into the new index.
#[derive(Clone, Copy)]
struct Adding<'a> {
    store: &'a TenantStore,
    caller: &'a Caller,
    base: &'a KnowledgeBase,
    index: &'a KnowledgeIndex,
    manifest: &'a Manifest,
    until: Instant,
    progress: &'a Progress,
}

impl<'a> Adding<'a> {
    /// A document that is searched and is not in the new index yet.
    fn of(&self, document: Document) -> Option<Taking<'a>> {
        let current = document.current.clone()?;
        (!current.indexes.contains(&self.manifest.id)).then(|| Taking {
            store: self.store,
            caller: self.caller,
            base: self.base.clone(),
            index: self.index.clone(),
            document,
            version: current,
            shown: false,
            until: self.until,
            progress: self.progress,
        })
    }
}

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
        let adding = Adding {
            store,
            caller,
            base: &base,
            index: &index,
            manifest: &manifest,
            until,
            progress,
        };
        let Some((documents, added)) = self.add_all(&adding).await? else {
            return Ok(Done::Later);
        };
        if added {
            // What came to be searched meanwhile is looked for again, under the revision that counts then.
            return Ok(Done::Later);
        }
        let now = self.app.clock.now();
        let cleanup = cleanup(base.id, job.request, mandate, now);
        Ok(switch(&base, &index, built, documents, cleanup))
    }

    /// Puts every document into the new index that is not there yet: how many there are, and whether one was put there.
    /// `None` if time ran out.
    async fn add_all(&self, adding: &Adding<'_>) -> Result<Option<(u32, bool)>> {
        let Adding {
            store, base, until, ..
        } = *adding;
        let (mut documents, mut added, mut before) = (0, false, None);
        loop {
            let wanted = |document: &Document| document.current.is_some();
            let page = store.document_list(base.id, before, PAGE, wanted).await?;
            before = page.items.last().map(|document| document.id);
            for document in page.items {
                documents += 1;
                adding.progress.set(JobProgress {
                    done: documents,
                    total: documents + 1,
                });
                let Some(taking) = adding.of(document) else {
                    continue;
                };
                if added && until.saturating_duration_since(Instant::now()) < LEFT {
                    return Ok(None);
                }
                // Boxed, because the compiler gives up on futures that are nested so deeply.
                if !Box::pin(self.add(&taking, adding.manifest)).await? {
                    return Ok(None);
                }
                added = true;
            }
            if !page.has_more {
                return Ok(Some((documents, added)));
            }
        }
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
        effect: Some(JobEffect::Switch(Box::new(IndexSwitch {
            base: base.id,
            built,
            retired: RetiredIndex {
                id: index.active.id,
                dimensions: index.active.settings.dimensions,
            },
            revision: index.revision,
            cleanup,
        }))),
    })
}
