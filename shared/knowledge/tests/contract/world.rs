//! A backend, an index in it, and what is written there.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use knowledge::{Backend, Entry, Gone, IndexPlace, Sought};
use retrieval::{Attributes, Chunk, Document, Hit, Mode, Query};
use shared::Result;
use shared::model::{IndexId, KnowledgeBaseId, SegmentRef, TenantId, UserId};
use stand_ins::IndexFault;

pub(crate) type Fail = Box<dyn Fn(Option<IndexFault>) + Send + Sync>;

/// A backend, and what it can do.
pub(crate) struct Subject {
    pub backend: Box<dyn Backend>,
    /// Whether it looks at readers itself.
    pub keeps_readers: bool,
    /// Lets all calls fail so, or no more.
    pub fail: Option<Fail>,
    /// Lets so many calls pass before others fail.
    pub skip: Option<Box<dyn Fn(usize) + Send + Sync>>,
    /// How many chunks its server has in all.
    pub kept: Box<dyn Fn() -> usize + Send + Sync>,
}

/// An index of three dimensions.
pub(crate) struct World<'a> {
    pub subject: &'a Subject,
    pub place: IndexPlace,
    segments: Mutex<Vec<SegmentRef>>,
}

pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

impl<'a> World<'a> {
    pub(crate) fn new(subject: &'a Subject) -> Self {
        Self {
            subject,
            place: IndexPlace {
                tenant: TenantId::new(),
                base: KnowledgeBaseId::new(),
                index: IndexId::new(),
                dimensions: 3,
            },
            segments: Mutex::default(),
        }
    }

    pub(crate) async fn try_put(&self, entry: &Entry, deadline: Instant) -> Result<()> {
        let put = self
            .subject
            .backend
            .put(&self.place, entry, deadline)
            .await?;
        self.segments.lock().unwrap().extend(put);
        Ok(())
    }

    pub(crate) async fn put(&self, entry: &Entry) {
        self.try_put(entry, soon()).await.unwrap();
    }

    pub(crate) async fn remove(&self, gone: &[(&str, &str)]) {
        let gone: BTreeSet<Gone> = gone
            .iter()
            .map(|(document, version)| of(document, version))
            .collect();
        let segments = self.segments.lock().unwrap().clone();
        let backend = &self.subject.backend;
        let left = backend.remove(&self.place, &segments, &gone, soon()).await;
        *self.segments.lock().unwrap() = left.unwrap();
    }

    pub(crate) async fn drop_index(&self) {
        self.subject
            .backend
            .drop_index(&self.place, soon())
            .await
            .unwrap();
        self.segments.lock().unwrap().clear();
    }

    pub(crate) async fn try_search(
        &self,
        query: Query<'_>,
        reader: Option<UserId>,
        deadline: Instant,
    ) -> Result<Vec<Hit>> {
        let segments = self.segments.lock().unwrap().clone();
        let sought = Sought { query, reader };
        let backend = &self.subject.backend;
        backend
            .search(&self.place, &segments, &sought, deadline)
            .await
    }

    pub(crate) async fn search(&self, query: Query<'_>, reader: Option<UserId>) -> Vec<Hit> {
        self.try_search(query, reader, soon()).await.unwrap()
    }

    /// The documents of what is found by vector, by everybody.
    pub(crate) async fn found(&self, query: Query<'_>) -> Vec<String> {
        let hits = self.search(query, None).await;
        hits.into_iter().map(|hit| hit.document).collect()
    }
}

pub(crate) fn of(document: &str, version: &str) -> Gone {
    Gone {
        document: document.to_owned(),
        version: version.to_owned(),
    }
}

/// By vector, and everything is visible.
pub(crate) fn near<'a>(vector: &'a [f32]) -> Query<'a> {
    Query {
        vector: Some(vector),
        ..Query::new(Mode::Vector, &|_| true)
    }
}

/// A version of a document with these texts, each with its vector.
pub(crate) fn entry(document: &str, version: &str, chunks: &[(&str, [f32; 3])]) -> Entry {
    let chunk = |(ordinal, (text, vector)): (u32, &(&str, [f32; 3]))| Chunk {
        ordinal,
        start: 7,
        end: 7 + u32::try_from(text.chars().count()).unwrap(),
        page: Some(3),
        headings: vec!["Über".to_owned(), "alles".to_owned()],
        tokens: 11,
        text: (*text).to_owned(),
        vector: vector.to_vec(),
    };
    Entry {
        document: Document {
            id: document.to_owned(),
            version: version.to_owned(),
            name: format!("{document}.pdf"),
            attributes: Attributes::default(),
        },
        chunks: (0..).zip(chunks).map(chunk).collect(),
        readers: None,
    }
}
