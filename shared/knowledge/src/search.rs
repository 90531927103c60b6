//! Searches knowledge bases for a caller, who finds what may be seen and counts.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use retrieval::{DocumentKey, Filter, Hit, Mode, Query, Weights};
use shared::auth::Caller;
use shared::blobs::Blobs;
use shared::model::{
    DocumentId, IndexBackend, KnowledgeBase, KnowledgeBaseId, KnowledgeIndex, Manifest, UserId,
};
use shared::spans::{Kind, Span};
use shared::store::TenantStore;
use shared::{App, Error, Result};

use crate::backend::{Backend, IndexPlace, Sought};
use crate::packed::{MergedAway, Packed};
use crate::qdrant::Qdrant;
use crate::s3_vectors::S3Vectors;

/// How many lists of readers a process keeps.
const MOST_KEPT: usize = 100;
/// How often a search is begun that is overtaken by a merge.
const ATTEMPTS: u32 = 3;

/// Who alone may see which document.
type Readers = HashMap<String, BTreeSet<UserId>>;
/// Those of each knowledge base, and of which revision they are.
type KeptReaders = HashMap<KnowledgeBaseId, (u64, Arc<Readers>)>;

/// What is looked for in a knowledge base.
#[derive(Debug, Clone)]
pub struct Search {
    /// In words.
    pub text: String,
    /// In which way; `None` for the best that the backend knows.
    pub mode: Option<Mode>,
    /// How many chunks are given, at most.
    pub limit: usize,
    /// How many chunks each stage hands to the fusion.
    pub candidates: usize,
    /// What documents must be like.
    pub filter: Option<Filter>,
    /// How much each stage counts.
    pub weights: Weights,
    /// The least score.
    pub min_score: Option<f32>,
    /// The least cosine in the stage of vectors.
    pub min_cosine: Option<f32>,
    /// At most so many chunks of one document.
    pub per_document: Option<usize>,
}

impl Search {
    /// The ten best of a hundred candidates.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            mode: None,
            limit: 10,
            candidates: 100,
            filter: None,
            weights: Weights::default(),
            min_score: None,
            min_cosine: None,
            per_document: None,
        }
    }
}

/// What keeps the indexes of knowledge bases, as far as this deployment has it.
#[derive(Debug, Clone)]
pub struct Knowledge {
    packed: Packed,
    others: HashMap<IndexBackend, Arc<dyn Backend>>,
    blobs: Blobs,
    readers: Arc<Mutex<KeptReaders>>,
}

impl Knowledge {
    /// With what the configuration names.
    pub fn new(app: &App) -> Self {
        let mut others: HashMap<IndexBackend, Arc<dyn Backend>> = HashMap::new();
        if let Some(qdrant) = Qdrant::configured(app) {
            others.insert(IndexBackend::Qdrant, Arc::new(qdrant));
        }
        if let Some(vectors) = S3Vectors::configured(app) {
            others.insert(IndexBackend::S3Vectors, Arc::new(vectors));
        }
        Self {
            packed: Packed::new(app.blobs.clone()),
            others,
            blobs: app.blobs.clone(),
            readers: Arc::default(),
        }
    }

    /// The bucket.
    pub const fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// The built-in index.
    pub const fn packed(&self) -> &Packed {
        &self.packed
    }

    /// What keeps indexes of that kind.
    ///
    /// # Errors
    /// `Invalid` if this deployment has none.
    pub fn backend(&self, kind: IndexBackend) -> Result<&dyn Backend> {
        if kind == IndexBackend::BuiltIn {
            return Ok(&self.packed);
        }
        let other = self.others.get(&kind);
        other.map(Arc::as_ref).ok_or_else(|| {
            let detail = "this deployment has no such backend; leave it out for the built-in one, or have the operator configure it";
            Error::invalid("/backend", detail)
        })
    }

    /// The way to search a knowledge base that was asked for, or the best that there is.
    ///
    /// # Errors
    /// `Invalid` if its backend does not know that way.
    pub fn mode(&self, base: &KnowledgeBase, wanted: Option<Mode>) -> Result<Mode> {
        let modes = self.backend(base.backend)?.modes();
        let best = match modes.contains(&Mode::Hybrid) {
            true => Mode::Hybrid,
            false => Mode::Vector,
        };
        let mode = wanted.unwrap_or(best);
        if modes.contains(&mode) {
            return Ok(mode);
        }
        let detail = "the backend of this knowledge base searches by vector alone; take `vector`";
        Err(Error::invalid("/mode", detail))
    }

    /// What somebody finds who may read the knowledge base. `vector` is that of the text, by the model of the index, where
    /// the mode needs one.
    ///
    /// # Errors
    /// `Invalid` for what can't be asked.
    pub async fn search(
        &self,
        (store, caller): (&TenantStore, &Caller),
        (base, index): (&KnowledgeBase, &KnowledgeIndex),
        search: &Search,
        vector: Option<&[f32]>,
        deadline: Instant,
    ) -> Result<Vec<Hit>> {
        let mut span = Span::here(Kind::Client, "retrieval", "");
        span.set("gen_ai.operation.name", "retrieval");
        let backend = match base.backend {
            IndexBackend::BuiltIn => "built_in",
            IndexBackend::Qdrant => "qdrant",
            IndexBackend::S3Vectors => "s3_vectors",
        };
        span.set("chatter.knowledge.backend", backend);
        let found = self.searched((store, caller), (base, index), search, vector, deadline);
        // What stands below it is where it is searched.
        let found = span.trace().clone().scope(found).await;
        span.note(found)
    }

    async fn searched(
        &self,
        (store, caller): (&TenantStore, &Caller),
        (base, index): (&KnowledgeBase, &KnowledgeIndex),
        search: &Search,
        vector: Option<&[f32]>,
        deadline: Instant,
    ) -> Result<Vec<Hit>> {
        let mut opened = None;
        let mut attempt = 1;
        loop {
            let index = opened.as_ref().unwrap_or(index);
            let found = self.search_once((store, caller), (base, index), search, vector, deadline);
            match found.await {
                Err(Error::Unavailable(cause))
                    if cause.is::<MergedAway>() && attempt < ATTEMPTS =>
                {
                    attempt += 1;
                }
                other => return other,
            }
            let (_, again) = store
                .knowledge_base_open(base.id)
                .await?
                .ok_or(Error::NotFound("knowledge base"))?;
            if again.active.id != index.active.id {
                // Another model made it: the vector is not one of its.
                return Err(Error::unavailable("the index was replaced during a search"));
            }
            opened = Some(again);
        }
    }

    async fn search_once(
        &self,
        (store, caller): (&TenantStore, &Caller),
        (base, index): (&KnowledgeBase, &KnowledgeIndex),
        search: &Search,
        vector: Option<&[f32]>,
        deadline: Instant,
    ) -> Result<Vec<Hit>> {
        let sees_all = base.may_write(caller.user(), caller.role());
        let readers = match sees_all {
            true => Arc::default(),
            false => self.readers(store, base.id, index.access_revision).await?,
        };
        let visible = |key: &DocumentKey<'_>| {
            let may = readers
                .get(key.id)
                .is_none_or(|readers| readers.contains(&caller.user()));
            may && !index.dead.contains(&format!("{}/{}", key.id, key.version))
        };
        let mut query = Query::new(self.mode(base, search.mode)?, &visible);
        query.text = Some(&search.text);
        query.vector = vector;
        query.filter = search.filter.as_ref();
        query.candidates = search.candidates;
        query.limit = search.limit;
        query.weights = search.weights;
        query.min_score = search.min_score;
        query.min_cosine = search.min_cosine;
        query.per_document = search.per_document;
        let sought = Sought {
            query,
            reader: (!sees_all).then(|| caller.user()),
        };
        let backend = self.backend(base.backend)?;
        let place = place(store, base.id, &index.active);
        let segments = &index.active.segments;
        let hits = backend.search(&place, segments, &sought, deadline).await?;
        if base.backend == IndexBackend::BuiltIn {
            return Ok(hits);
        }
        counting(store, base.id, hits).await
    }

    /// Who alone may see which document, as of that revision or later.
    async fn readers(
        &self,
        store: &TenantStore,
        base: KnowledgeBaseId,
        revision: u64,
    ) -> Result<Arc<Readers>> {
        let kept = |kept: &KeptReaders| {
            let known = kept.get(&base).filter(|(of, _)| *of == revision);
            known.map(|(_, readers)| readers.clone())
        };
        if let Some(known) = kept(&self.readers.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(known);
        }
        let listed = store.document_readers(base).await?.into_iter();
        let readers = listed.map(|of| (of.document.to_string(), of.readers));
        let readers: Arc<Readers> = Arc::new(readers.collect());
        let mut all = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_KEPT {
            all.clear();
        }
        all.insert(base, (revision, readers.clone()));
        Ok(readers)
    }
}

/// Where an index is.
pub fn place(store: &TenantStore, base: KnowledgeBaseId, manifest: &Manifest) -> IndexPlace {
    IndexPlace {
        tenant: store.tenant(),
        base,
        index: manifest.id,
        dimensions: manifest.settings.dimensions,
    }
}

/// Those hits whose version is the one that is searched: another backend may have one that is not yet, or no longer.
async fn counting(store: &TenantStore, base: KnowledgeBaseId, hits: Vec<Hit>) -> Result<Vec<Hit>> {
    let ids: BTreeSet<DocumentId> = hits
        .iter()
        .filter_map(|hit| hit.document.parse().ok())
        .collect();
    let documents = store.documents_get(base, ids).await?.into_iter();
    let live = documents.filter_map(|document| {
        let current = document.current?;
        Some((document.id.to_string(), current.id.to_string()))
    });
    let live: HashMap<String, String> = live.collect();
    let counts = |hit: &Hit| live.get(&hit.document) == Some(&hit.version);
    Ok(hits.into_iter().filter(counts).collect())
}
