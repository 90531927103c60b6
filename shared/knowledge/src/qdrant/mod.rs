//! Qdrant, over its REST interface: a server of the deployment, with one collection for each index.
//!
//! A collection has named vectors: `vector`, compared by cosine, and the sparse `words`, whose values are the part of BM25
//! that a chunk alone decides; the server multiplies them by the inverse document frequency. So a score of the terms is
//! BM25's but for two things: lengths are measured against a fixed average, and the frequency counts chunks that whoever
//! asks can't see.
//!
//! The id of a point comes from its document, version and ordinal: what is written twice is there once.

mod filter;
mod point;
mod search;
mod wire;

use std::collections::BTreeSet;
use std::time::Instant;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use retrieval::{Hit, Mode};
use serde_json::{Value, json};
use shared::Result;
use shared::clock::Clock;
use shared::model::SegmentRef;
use shared::secret_source::SecretSource;

use crate::record::check;
use crate::{Backend, Entry, Gone, IndexPlace, Sought};
pub use wire::QdrantKey;
use wire::Wire;

/// What filters compare always: without an index of its own a server in strict mode refuses that.
const INDEXED: [(&str, &str); 6] = [
    ("document", "keyword"),
    ("version", "keyword"),
    ("readers", "keyword"),
    (filter::FACTS, "keyword"),
    ("numbers[].key", "keyword"),
    ("numbers[].value", "float"),
];
/// How many points one call writes, and how many bytes they have at most together.
const POINTS_AT_ONCE: usize = 64;
const BYTES_AT_ONCE: usize = 1 << 20;
/// How many versions one call forgets.
const GONE_AT_ONCE: usize = 50;

/// A Qdrant server.
#[derive(Debug, Clone)]
pub struct Qdrant {
    wire: Wire,
}

impl Qdrant {
    /// The server at that address.
    pub fn new(url: &str, key: Option<SecretSource<QdrantKey>>) -> Self {
        let wire = Wire::new(url, key);
        Self { wire }
    }

    /// The server of the deployment, if it has one.
    pub fn configured(app: &shared::App) -> Option<Self> {
        let config = &app.config;
        let url = config.qdrant_url.as_ref()?;
        let clock: Clock = app.clock.clone();
        let key = config.qdrant_key_secret_id.clone();
        let key = key.map(|id| SecretSource::secret(app.secrets.clone(), id, clock));
        Some(Self::new(url, key))
    }

    /// Makes the collection with its indexes, or what of it is missing because somebody broke off.
    async fn ensure(&self, place: &IndexPlace, deadline: Instant) -> Result<()> {
        let at = collection(place);
        let mut found = self.wire.get(&at, deadline).await?;
        if found.is_none() {
            let wanted = json!({
                "vectors": {"vector": {"size": place.dimensions, "distance": "Cosine"}},
                "sparse_vectors": {"words": {"modifier": "idf"}},
            });
            self.wire.create(&at, &wanted, deadline).await?;
            found = self.wire.get(&at, deadline).await?;
        }
        let schema = found.map(|found| found["payload_schema"].clone());
        for (field, kind) in INDEXED {
            let has = schema
                .as_ref()
                .is_some_and(|schema| schema.get(field).is_some());
            if !has {
                let index = json!({"field_name": field, "field_schema": kind});
                let at = format!("{at}/index?wait=true");
                self.wire.put(&at, &index, deadline).await?;
            }
        }
        Ok(())
    }

    async fn write(&self, place: &IndexPlace, entry: &Entry, deadline: Instant) -> Result<()> {
        check(place, entry)?;
        self.ensure(place, deadline).await?;
        let at = collection(place);
        let points = format!("{at}/points?wait=true");
        let mut ids = Vec::with_capacity(entry.chunks.len());
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for chunk in &entry.chunks {
            let (id, point) = point::new(entry, chunk)?;
            let size = point.to_string().len();
            if batch.len() == POINTS_AT_ONCE || (!batch.is_empty() && bytes + size > BYTES_AT_ONCE)
            {
                let body = json!({"points": std::mem::take(&mut batch)});
                self.wire.put(&points, &body, deadline).await?;
                bytes = 0;
            }
            ids.push(id);
            batch.push(point);
            bytes += size;
        }
        if !batch.is_empty() {
            let body = json!({"points": batch});
            self.wire.put(&points, &body, deadline).await?;
        }
        // What an earlier attempt wrote and this one has not. Last, so that a search never misses what stays.
        let of = of_version(&entry.document.id, &entry.document.version);
        let stale = json!({"filter": {"must": of, "must_not": [{"has_id": ids}]}});
        let delete = format!("{at}/points/delete?wait=true");
        self.wire.post(&delete, &stale, deadline).await.map(|_| ())
    }

    async fn forget(
        &self,
        place: &IndexPlace,
        gone: &BTreeSet<Gone>,
        deadline: Instant,
    ) -> Result<()> {
        let at = format!("{}/points/delete?wait=true", collection(place));
        let gone: Vec<Value> = gone
            .iter()
            .map(|gone| json!({"must": of_version(&gone.document, &gone.version)}))
            .collect();
        for some in gone.chunks(GONE_AT_ONCE) {
            let body = json!({"filter": {"should": some}});
            self.wire.post(&at, &body, deadline).await?;
        }
        Ok(())
    }
}

/// No other tenant has an index of that id.
fn collection(place: &IndexPlace) -> String {
    format!("collections/chatter_{}", place.index)
}

fn of_version(document: &str, version: &str) -> Value {
    json!([
        {"key": "document", "match": {"value": document}},
        {"key": "version", "match": {"value": version}},
    ])
}

impl Backend for Qdrant {
    fn modes(&self) -> &'static [Mode] {
        &[Mode::Vector, Mode::Keyword, Mode::Hybrid]
    }

    fn put<'a>(
        &'a self,
        place: &'a IndexPlace,
        entry: &'a Entry,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Option<SegmentRef>>> {
        async move { self.write(place, entry, deadline).await.map(|()| None) }.boxed()
    }

    fn remove<'a>(
        &'a self,
        place: &'a IndexPlace,
        segments: &'a [SegmentRef],
        gone: &'a BTreeSet<Gone>,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Vec<SegmentRef>>> {
        async move {
            self.forget(place, gone, deadline).await?;
            Ok(segments.to_vec())
        }
        .boxed()
    }

    fn drop_index<'a>(
        &'a self,
        place: &'a IndexPlace,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<()>> {
        let at = collection(place);
        async move { self.wire.delete(&at, deadline).await }.boxed()
    }

    fn search<'a>(
        &'a self,
        place: &'a IndexPlace,
        _segments: &'a [SegmentRef],
        sought: &'a Sought<'a>,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Vec<Hit>>> {
        search::search(&self.wire, place, sought, deadline).boxed()
    }
}
