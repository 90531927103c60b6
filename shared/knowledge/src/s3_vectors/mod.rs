//! Amazon S3 Vectors: one vector bucket of the deployment, with one vector index for each of our indexes.
//!
//! It compares vectors alone, and a query gives at most 100 of them. What filters compare has 2 KB a vector there; see
//! [`metadata`] for how that is kept.
//!
//! Keys are `<document>/<version>/<ordinal>`, and a version's ordinals are `0..n` without a gap. Vectors can't be listed by
//! prefix, so a version is forgotten by asking for its keys until a hundred in a row are not there. That is complete, because
//! they are written upwards and deleted downwards, each call after the one before: whatever breaks off leaves `0..m`.

mod filter;
mod metadata;
mod search;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aws_sdk_s3vectors::Client;
use aws_sdk_s3vectors::config::http::HttpResponse;
use aws_sdk_s3vectors::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3vectors::types::{
    DataType, DistanceMetric, GetOutputVector, MetadataConfiguration, PutInputVector, VectorData,
};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use retrieval::{Hit, Mode};
use shared::model::SegmentRef;
use shared::{Error, Result};

use crate::record::{Record, check};
use crate::{Backend, Entry, Gone, IndexPlace, Sought};

/// How many vectors one call reads, which is what the service gives; as many are written and deleted, which keeps calls far
/// below the 20 MiB that one may have.
const AT_ONCE: u32 = 100;
/// How long one call may take with its attempts, if the deadline is later.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A vector bucket.
#[derive(Debug, Clone)]
pub struct S3Vectors {
    client: Client,
    bucket: String,
}

impl S3Vectors {
    /// The vector bucket of that name, with the settings of `sdk`.
    pub fn new(sdk: &aws_config::SdkConfig, bucket: &str) -> Self {
        Self {
            client: Client::new(sdk),
            bucket: bucket.to_owned(),
        }
    }

    /// The vector bucket of the deployment, if it has one.
    pub fn configured(app: &shared::App) -> Option<Self> {
        let bucket = app.config.vector_bucket_name.as_ref()?;
        Some(Self::new(&app.sdk, bucket))
    }

    async fn create(&self, place: &IndexPlace, deadline: Instant) -> Result<()> {
        let dimensions = i32::try_from(place.dimensions).map_err(Error::internal)?;
        let kept = MetadataConfiguration::builder().non_filterable_metadata_keys(metadata::CHUNK);
        let call = self.client.create_index();
        let call = call
            .vector_bucket_name(&self.bucket)
            .index_name(name(place))
            .data_type(DataType::Float32)
            .dimension(dimensions)
            .distance_metric(DistanceMetric::Cosine)
            .metadata_configuration(kept.build().map_err(Error::internal)?);
        match within(deadline, call.send()).await? {
            Ok(_) => Ok(()),
            // Somebody else's index of that name is as good.
            Err(error) if is(&error, "ConflictException") => Ok(()),
            Err(error) => Err(failed("CreateIndex", &error)),
        }
    }

    /// `false` where there is no such index.
    async fn put_some(
        &self,
        place: &IndexPlace,
        vectors: Vec<PutInputVector>,
        deadline: Instant,
    ) -> Result<bool> {
        let call = self.client.put_vectors().set_vectors(Some(vectors));
        let call = call
            .vector_bucket_name(&self.bucket)
            .index_name(name(place));
        match within(deadline, call.send()).await? {
            Ok(_) => Ok(true),
            Err(error) if is(&error, "NotFoundException") => Ok(false),
            Err(error) => Err(failed("PutVectors", &error)),
        }
    }

    async fn write(&self, place: &IndexPlace, entry: &Entry, deadline: Instant) -> Result<()> {
        check(place, entry)?;
        let mut chunks: Vec<_> = entry.chunks.iter().collect();
        chunks.sort_by_key(|chunk| chunk.ordinal);
        if !chunks
            .iter()
            .zip(0..)
            .all(|(chunk, ordinal)| chunk.ordinal == ordinal)
        {
            return Err(Error::internal("the ordinals of a document have a gap"));
        }
        for some in chunks.chunks(AT_ONCE as usize) {
            let vectors = some.iter().map(|chunk| {
                let record = Record::new(&entry.document, chunk, entry.readers.as_ref());
                vector(&record, chunk.vector.clone())
            });
            let vectors = vectors.collect::<Result<Vec<_>>>()?;
            if !self.put_some(place, vectors.clone(), deadline).await? {
                self.create(place, deadline).await?;
                if !self.put_some(place, vectors, deadline).await? {
                    return Err(Error::unavailable("the new index is not there yet"));
                }
            }
        }
        // What an earlier attempt wrote and this one has not.
        let gone = Gone {
            document: entry.document.id.clone(),
            version: entry.document.version.clone(),
        };
        let first = u32::try_from(chunks.len()).map_err(Error::internal)?;
        self.forget(place, &gone, first, deadline).await
    }

    /// The vectors of a hundred ordinals that are there.
    async fn read(
        &self,
        place: &IndexPlace,
        of: &Gone,
        first: u32,
        deadline: Instant,
    ) -> Result<Vec<GetOutputVector>> {
        let keys = (first..first + AT_ONCE).map(|ordinal| key(&of.document, &of.version, ordinal));
        let call = self.client.get_vectors().set_keys(Some(keys.collect()));
        let call = call
            .vector_bucket_name(&self.bucket)
            .index_name(name(place))
            .return_data(false)
            .return_metadata(false);
        match within(deadline, call.send()).await? {
            Ok(found) => Ok(found.vectors),
            Err(error) if is(&error, "NotFoundException") => Ok(Vec::new()),
            Err(error) => Err(failed("GetVectors", &error)),
        }
    }

    /// Forgets the chunks of a version from that ordinal on.
    async fn forget(
        &self,
        place: &IndexPlace,
        of: &Gone,
        first: u32,
        deadline: Instant,
    ) -> Result<()> {
        let mut batches = Vec::new();
        let mut next = first;
        loop {
            let found = self.read(place, of, next, deadline).await?;
            if found.is_empty() {
                break;
            }
            batches.push(
                found
                    .into_iter()
                    .map(|vector| vector.key)
                    .collect::<Vec<_>>(),
            );
            next += AT_ONCE;
        }
        while let Some(keys) = batches.pop() {
            let call = self.client.delete_vectors().set_keys(Some(keys));
            let call = call
                .vector_bucket_name(&self.bucket)
                .index_name(name(place));
            match within(deadline, call.send()).await? {
                Ok(_) => {}
                Err(error) if is(&error, "NotFoundException") => return Ok(()),
                Err(error) => return Err(failed("DeleteVectors", &error)),
            }
        }
        Ok(())
    }

    async fn drop_it(&self, place: &IndexPlace, deadline: Instant) -> Result<()> {
        let call = self.client.delete_index();
        let call = call
            .vector_bucket_name(&self.bucket)
            .index_name(name(place));
        match within(deadline, call.send()).await? {
            Ok(_) => Ok(()),
            Err(error) if is(&error, "NotFoundException") => Ok(()),
            Err(error) => Err(failed("DeleteIndex", &error)),
        }
    }
}

/// The names of indexes have no underscore. No other tenant has an index of that id.
fn name(place: &IndexPlace) -> String {
    format!("chatter-{}", place.index).replace('_', "-")
}

fn key(document: &str, version: &str, ordinal: u32) -> String {
    // A slash within an id must not look like the one between two.
    let plain = |id: &str| id.replace('%', "%25").replace('/', "%2F");
    format!("{}/{}/{ordinal}", plain(document), plain(version))
}

fn vector(record: &Record, numbers: Vec<f32>) -> Result<PutInputVector> {
    PutInputVector::builder()
        .key(key(&record.document, &record.version, record.ordinal))
        .data(VectorData::Float32(numbers))
        .metadata(metadata::of(record)?)
        .build()
        .map_err(Error::internal)
}

async fn within<T>(deadline: Instant, call: impl Future<Output = T>) -> Result<T> {
    let left = deadline.saturating_duration_since(Instant::now());
    tokio::time::timeout(left.min(TIMEOUT), call)
        .await
        .map_err(Error::unavailable)
}

fn is<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>, code: &str) -> bool {
    error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
        == Some(code)
}

/// Why a call failed. What the service says may quote a text, so it is left out.
#[derive(Debug, thiserror::Error)]
#[error("{operation} of S3 Vectors failed: {what}")]
struct Failed {
    operation: &'static str,
    what: String,
}

fn failed<E: ProvideErrorMetadata>(
    operation: &'static str,
    error: &SdkError<E, HttpResponse>,
) -> Error {
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    let away = matches!(
        error,
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_)
    );
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    let what = match (code, status) {
        (Some(code), _) => code.to_owned(),
        (None, Some(status)) => format!("status {status}"),
        (None, None) => "no answer".to_owned(),
    };
    let failed = Failed { operation, what };
    if away || status.is_some_and(|status| status >= 500 || status == 429) {
        Error::unavailable(failed)
    } else {
        Error::internal(failed)
    }
}

impl Backend for S3Vectors {
    fn modes(&self) -> &'static [Mode] {
        &[Mode::Vector]
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
            for gone in gone {
                self.forget(place, gone, 0, deadline).await?;
            }
            Ok(segments.to_vec())
        }
        .boxed()
    }

    fn drop_index<'a>(
        &'a self,
        place: &'a IndexPlace,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<()>> {
        self.drop_it(place, deadline).boxed()
    }

    fn search<'a>(
        &'a self,
        place: &'a IndexPlace,
        _segments: &'a [SegmentRef],
        sought: &'a Sought<'a>,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Vec<Hit>>> {
        search::search(self, place, sought, deadline).boxed()
    }
}
