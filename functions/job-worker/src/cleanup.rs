//! Deletes from a knowledge base what no longer counts, or all of it, and merges segments. It can be done at any time, by
//! several at once, and broken off anywhere: it looks at what there is and not at what caused it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use knowledge::{Gone, IndexPlace, keys, place};
use shared::clock::Moment;
use shared::model::{
    Document, DocumentId, IndexBackend, JobResult, KnowledgeBase, KnowledgeBaseId, KnowledgeIndex,
    SegmentRef,
};
use shared::store::{SegmentsChange, TenantStore};
use shared::{Error, Result};

use crate::JobWorker;
use crate::working::{Done, Made};

/// How often it is tried while others change the index.
const ATTEMPTS: u32 = 5;
/// A segment that no manifest has may be that of somebody who is about to write it there, until it is as old as that.
const ORPHANED_AFTER: Duration = Duration::from_secs(3600);

/// What was done.
#[derive(Debug, Default)]
struct Tidied {
    documents: u64,
    objects: u64,
    segments_written: u64,
}

impl JobWorker {
    /// Tidies a knowledge base up.
    pub(crate) async fn clean(
        &self,
        store: &TenantStore,
        base: KnowledgeBaseId,
        until: Instant,
    ) -> Result<Done> {
        let mut tidied = Tidied::default();
        if let Some((base, index, deleted)) = store.knowledge_base_opened(base).await? {
            if deleted {
                self.delete_base(store, (&base, &index), &mut tidied, until)
                    .await?;
            } else {
                self.retire(store, (&base, &index), &mut tidied, until)
                    .await?;
                self.rewrite(store, base.id, &mut tidied, until).await?;
                self.documents(store, base.id, &mut tidied).await?;
                self.orphans(store, base.id, &mut tidied).await?;
            }
        }
        let Tidied {
            documents,
            objects,
            segments_written,
        } = tidied;
        Ok(Done::Made(Made {
            result: JobResult::KnowledgeBaseCleanup {
                documents,
                objects,
                segments_written,
            },
            effect: None,
        }))
    }

    async fn delete_base(
        &self,
        store: &TenantStore,
        (base, index): (&KnowledgeBase, &KnowledgeIndex),
        tidied: &mut Tidied,
        until: Instant,
    ) -> Result<()> {
        let backend = self.knowledge.backend(base.backend)?;
        for manifest in [Some(&index.active), index.building.as_ref()]
            .into_iter()
            .flatten()
        {
            let place = place(store, base.id, manifest);
            backend.drop_index(&place, until).await?;
        }
        self.retire(store, (base, index), tidied, until).await?;
        let prefix = keys::of_base(store.tenant(), base.id);
        tidied.objects += self.app.blobs.delete_all(&prefix).await?;
        store.knowledge_base_forget(base.id).await
    }

    /// Deletes indexes that no longer count.
    async fn retire(
        &self,
        store: &TenantStore,
        (base, index): (&KnowledgeBase, &KnowledgeIndex),
        _: &mut Tidied,
        until: Instant,
    ) -> Result<()> {
        if index.retired.is_empty() {
            return Ok(());
        }
        let backend = self.knowledge.backend(base.backend)?;
        for retired in &index.retired {
            let place = IndexPlace {
                tenant: store.tenant(),
                base: base.id,
                index: retired.id,
                dimensions: retired.dimensions,
            };
            backend.drop_index(&place, until).await?;
        }
        // Where more have come meanwhile, whoever brought them made a job of its own.
        store
            .index_forget_retired(base.id, &index.retired)
            .await
            .map(|_| ())
    }

    /// Takes what is dead out of the index, and merges segments.
    async fn rewrite(
        &self,
        store: &TenantStore,
        base: KnowledgeBaseId,
        tidied: &mut Tidied,
        until: Instant,
    ) -> Result<()> {
        for _ in 0..ATTEMPTS {
            let Some((base, index)) = store.knowledge_base_open(base).await? else {
                return Ok(());
            };
            let gone: BTreeSet<Gone> = index.dead.iter().filter_map(|dead| parse(dead)).collect();
            let backend = self.knowledge.backend(base.backend)?;
            let place = place(store, base.id, &index.active);
            let before = &index.active.segments;
            let left = match gone.is_empty() {
                true => before.clone(),
                false => backend.remove(&place, before, &gone, until).await?,
            };
            let (left, merged) = match base.backend {
                IndexBackend::BuiltIn => self.knowledge.packed().merged(&place, &left).await?,
                _ => (left, 0),
            };
            self.old_contents(store, base.id, &gone, tidied).await?;
            // An index that is made beside may have them too, and is rewritten once it is searched.
            let forgotten = match index.building {
                None => index.dead.clone(),
                Some(_) => BTreeSet::new(),
            };
            if left == *before && forgotten.is_empty() {
                return Ok(());
            }
            let change = SegmentsChange {
                index: index.active.id,
                segments: left.clone(),
                forgotten,
                revision: index.revision,
            };
            if store.index_rewrite(base.id, &change).await? {
                let written = left.iter().filter(|segment| !before.contains(segment));
                tidied.segments_written += (written.count() as u64).max(merged);
                let old = before.iter().filter(|segment| !left.contains(segment));
                return self.delete_segments(&place, old, tidied).await;
            }
            let lost = left.iter().filter(|segment| !before.contains(segment));
            self.delete_segments(&place, lost, &mut Tidied::default())
                .await?;
        }
        Err(Error::unavailable("others keep changing the index"))
    }

    async fn delete_segments(
        &self,
        place: &IndexPlace,
        segments: impl Iterator<Item = &SegmentRef>,
        tidied: &mut Tidied,
    ) -> Result<()> {
        let key = |id| keys::segment(place.tenant, place.base, place.index, id);
        let keys: Vec<String> = segments.map(|segment| key(segment.id)).collect();
        if !keys.is_empty() {
            self.app.blobs.delete(&keys).await?;
        }
        tidied.objects += keys.len() as u64;
        Ok(())
    }

    /// Deletes the bytes, texts and vectors of contents that documents no longer have.
    async fn old_contents(
        &self,
        store: &TenantStore,
        base: KnowledgeBaseId,
        gone: &BTreeSet<Gone>,
        tidied: &mut Tidied,
    ) -> Result<()> {
        let ids: BTreeSet<DocumentId> = gone
            .iter()
            .filter_map(|gone| gone.document.parse().ok())
            .collect();
        let there = store.documents_get(base, ids).await?;
        for document in there {
            let of = |content| keys::of_content(store.tenant(), base, document.id, content);
            let contents = [&document.current, &document.pending].into_iter().flatten();
            let kept: Vec<String> = contents.map(|version| of(version.content)).collect();
            let prefix = keys::of_document(store.tenant(), base, document.id);
            let listed = self.app.blobs.list(&prefix).await?.into_iter();
            let old = listed.map(|object| object.key);
            let old = old.filter(|key| !kept.iter().any(|kept| key.starts_with(kept)));
            let old: Vec<String> = old.collect();
            if !old.is_empty() {
                self.app.blobs.delete(&old).await?;
            }
            tidied.objects += old.len() as u64;
        }
        Ok(())
    }

    /// Deletes what is left of documents that were deleted.
    async fn documents(
        &self,
        store: &TenantStore,
        base: KnowledgeBaseId,
        tidied: &mut Tidied,
    ) -> Result<()> {
        for document in store.documents_deleted(base).await? {
            let prefix = keys::of_document(store.tenant(), base, document);
            tidied.objects += self.app.blobs.delete_all(&prefix).await?;
            store.document_forget(base, document).await?;
            tidied.documents += 1;
        }
        Ok(())
    }

    /// Deletes segments that no manifest has, and objects of documents that there are not.
    async fn orphans(
        &self,
        store: &TenantStore,
        base: KnowledgeBaseId,
        tidied: &mut Tidied,
    ) -> Result<()> {
        // Listed before the table is asked: what is written meanwhile is in neither list.
        let prefix = keys::of_base(store.tenant(), base);
        let listed = self.app.blobs.list(&prefix).await?;
        let Some((_, index)) = store.knowledge_base_open(base).await? else {
            return Ok(());
        };
        let mut known = BTreeMap::new();
        for manifest in [Some(&index.active), index.building.as_ref()]
            .into_iter()
            .flatten()
        {
            for segment in &manifest.segments {
                let key = keys::segment(store.tenant(), base, manifest.id, segment.id);
                known.insert(key, ());
            }
        }
        let of_document = |key: &str| -> Option<DocumentId> {
            let rest = key.strip_prefix(&prefix)?.strip_prefix("documents/")?;
            rest.split('/').next()?.parse().ok()
        };
        let ids: BTreeSet<DocumentId> = listed
            .iter()
            .filter_map(|one| of_document(&one.key))
            .collect();
        let there = store.documents_get(base, ids).await?;
        let there: BTreeSet<DocumentId> = there
            .iter()
            .map(|document: &Document| document.id)
            .collect();
        let old = self.app.clock.now().minus(ORPHANED_AFTER);
        let is_old = |at: Moment| at < old;
        let orphans = listed.into_iter().filter(|object| {
            let wanted = match of_document(&object.key) {
                Some(document) => there.contains(&document),
                None => known.contains_key(&object.key),
            };
            !wanted && is_old(object.written_at)
        });
        let orphans: Vec<String> = orphans.map(|object| object.key).collect();
        if !orphans.is_empty() {
            self.app.blobs.delete(&orphans).await?;
        }
        tidied.objects += orphans.len() as u64;
        Ok(())
    }
}

/// A version of a document that no longer counts.
fn parse(dead: &str) -> Option<Gone> {
    let (document, version) = dead.split_once('/')?;
    Some(Gone {
        document: document.to_owned(),
        version: version.to_owned(),
    })
}
