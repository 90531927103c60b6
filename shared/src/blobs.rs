//! The bucket: bytes that are too large for the table, by key. The only one who speaks to S3 for its content.
//!
//! What belongs to a tenant lies under `tenants/<tenant>/`, and its keys are made by whoever owns them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use bytes::Bytes;

use crate::aws::{Lazy, lazy};
use crate::clock::Moment;
use crate::config::Stage;
use crate::error::{Error, Result};
use crate::mishap::{Mishaps, meet};

/// How many objects one call deletes: what S3 takes.
const DELETED_AT_ONCE: usize = 1000;
/// How long S3 may say nothing.
const SILENCE: Duration = Duration::from_secs(10);
/// How long a transfer of an object may take. It is more than other calls of AWS get, because objects are large.
const TRANSFER: Duration = Duration::from_secs(60);

/// The bucket.
#[derive(Debug, Clone)]
pub struct Blobs(Arc<Place>);

#[derive(Debug)]
enum Place {
    S3 {
        client: Lazy<aws_sdk_s3::Client>,
        bucket: String,
    },
    Memory {
        kept: Arc<Mutex<Kept>>,
        mishaps: Option<Mishaps>,
    },
}

#[derive(Debug, Default)]
struct Kept {
    objects: BTreeMap<String, Bytes>,
    calls: BTreeMap<&'static str, u64>,
}

/// An object of the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// When it was written.
    pub written_at: Moment,
}

/// How somebody puts bytes into the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Where to PUT them.
    pub url: String,
    /// The headers that the request must have.
    pub headers: Vec<(String, String)>,
}

impl Blobs {
    /// The bucket of that name.
    pub fn s3(sdk: &aws_config::SdkConfig, stage: Stage, bucket: &str) -> Self {
        let sdk = crate::aws::patient(sdk, SILENCE, TRANSFER, TRANSFER * 2);
        Self(Arc::new(Place::S3 {
            client: lazy(move || crate::aws::s3(&sdk, stage)),
            bucket: bucket.to_owned(),
        }))
    }

    /// One that keeps what is written, for tests.
    pub fn memory() -> Self {
        let (kept, mishaps) = (Arc::default(), None);
        Self(Arc::new(Place::Memory { kept, mishaps }))
    }

    /// The same bucket for a process whose calls meet that, if it is one in memory.
    #[must_use]
    pub fn with_mishaps(&self, mishaps: Mishaps) -> Self {
        match &*self.0 {
            Place::S3 { .. } => self.clone(),
            Place::Memory { kept, .. } => Self(Arc::new(Place::Memory {
                kept: kept.clone(),
                mishaps: Some(mishaps),
            })),
        }
    }

    /// Writes an object, in the place of one that is there.
    pub async fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        match &*self.0 {
            Place::S3 { client, bucket } => {
                let request = client.put_object().bucket(bucket).key(key);
                let request = request.body(ByteStream::from(bytes));
                request.send().await.map(|_| ()).map_err(crate::aws::error)
            }
            Place::Memory { kept, mishaps } => {
                let put = |kept: &mut Kept| drop(kept.objects.insert(key.to_owned(), bytes));
                change(kept, mishaps.as_ref(), "PutObject", put).await
            }
        }
    }

    /// An object of at most `most` bytes. `None` if there is none.
    ///
    /// # Errors
    /// `TooLarge` if it is larger.
    pub async fn get(&self, key: &str, most: u64) -> Result<Option<Bytes>> {
        let bytes = match &*self.0 {
            Place::S3 { client, bucket } => {
                let request = client.get_object().bucket(bucket).key(key);
                let output = match request.send().await {
                    Ok(output) => output,
                    Err(error) if is_missing(&error) => return Ok(None),
                    Err(error) => return Err(crate::aws::error(error)),
                };
                let length = output.content_length().unwrap_or(0);
                check_length(u64::try_from(length).unwrap_or(u64::MAX), most)?;
                let read = tokio::time::timeout(TRANSFER, output.body.collect()).await;
                let read = read.map_err(Error::unavailable)?;
                read.map_err(Error::unavailable)?.into_bytes()
            }
            Place::Memory { kept, mishaps } => {
                let get = |kept: &mut Kept| kept.objects.get(key).cloned();
                match change(kept, mishaps.as_ref(), "GetObject", get).await? {
                    Some(bytes) => bytes,
                    None => return Ok(None),
                }
            }
        };
        check_length(bytes.len() as u64, most)?;
        Ok(Some(bytes))
    }

    /// How many bytes an object has. `None` if there is none.
    pub async fn length(&self, key: &str) -> Result<Option<u64>> {
        match &*self.0 {
            Place::S3 { client, bucket } => {
                let request = client.head_object().bucket(bucket).key(key);
                match request.send().await {
                    Ok(output) => Ok(output
                        .content_length()
                        .and_then(|bytes| u64::try_from(bytes).ok())),
                    Err(error) if is_missing(&error) => Ok(None),
                    Err(error) => Err(crate::aws::error(error)),
                }
            }
            Place::Memory { kept, mishaps } => {
                let head = |kept: &mut Kept| kept.objects.get(key).map(|bytes| bytes.len() as u64);
                change(kept, mishaps.as_ref(), "HeadObject", head).await
            }
        }
    }

    /// The objects whose keys begin with `prefix`, in the order of their keys.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Listed>> {
        let (client, bucket) = match &*self.0 {
            Place::S3 { client, bucket } => (client, bucket),
            Place::Memory { kept, mishaps } => {
                let list = |kept: &mut Kept| {
                    let found = kept.objects.iter();
                    let found = found.filter(|(key, _)| key.starts_with(prefix));
                    let listed = found.map(|(key, bytes)| Listed {
                        key: key.clone(),
                        bytes: bytes.len() as u64,
                        written_at: Moment::from_unix_seconds(0),
                    });
                    listed.collect()
                };
                return change(kept, mishaps.as_ref(), "ListObjectsV2", list).await;
            }
        };
        let (mut listed, mut next) = (Vec::new(), None);
        loop {
            let request = client.list_objects_v2().bucket(bucket).prefix(prefix);
            let request = request.set_continuation_token(next);
            let output = request.send().await.map_err(crate::aws::error)?;
            let truncated = output.is_truncated() == Some(true);
            next = output.next_continuation_token().map(ToOwned::to_owned);
            for object in output.contents.unwrap_or_default() {
                let written = object.last_modified.map_or(0, |moment| moment.secs());
                listed.push(Listed {
                    bytes: object
                        .size
                        .and_then(|bytes| u64::try_from(bytes).ok())
                        .unwrap_or(0),
                    key: object.key.unwrap_or_default(),
                    written_at: Moment::from_unix_seconds(written),
                });
            }
            if !truncated || next.is_none() {
                return Ok(listed);
            }
        }
    }

    /// Deletes objects. Those that are not there are deleted already.
    pub async fn delete(&self, keys: &[String]) -> Result<()> {
        let (client, bucket) = match &*self.0 {
            Place::S3 { client, bucket } => (client, bucket),
            Place::Memory { kept, mishaps } => {
                let delete = |kept: &mut Kept| {
                    for key in keys {
                        kept.objects.remove(key);
                    }
                };
                return change(kept, mishaps.as_ref(), "DeleteObjects", delete).await;
            }
        };
        for keys in keys.chunks(DELETED_AT_ONCE) {
            let objects = keys
                .iter()
                .map(|key| ObjectIdentifier::builder().key(key).build());
            let objects = objects
                .collect::<std::result::Result<Vec<_>, _>>()
                .map_err(Error::internal)?;
            let delete = Delete::builder().set_objects(Some(objects)).quiet(true);
            let delete = delete.build().map_err(Error::internal)?;
            let request = client.delete_objects().bucket(bucket).delete(delete);
            let output = request.send().await.map_err(crate::aws::error)?;
            if let Some(failed) = output.errors().first() {
                let code = failed.code().unwrap_or("without a code").to_owned();
                let count = output.errors().len();
                return Err(Error::unavailable(format!(
                    "{count} objects could not be deleted: {code}"
                )));
            }
        }
        Ok(())
    }

    /// Deletes all objects whose keys begin with `prefix`, and says how many there were.
    pub async fn delete_all(&self, prefix: &str) -> Result<u64> {
        let listed = self.list(prefix).await?.into_iter();
        let keys: Vec<String> = listed.map(|object| object.key).collect();
        if !keys.is_empty() {
            self.delete(&keys).await?;
        }
        Ok(keys.len() as u64)
    }

    /// How a client puts exactly so many bytes under that key, without any other right, until `lasts` is over.
    pub async fn upload(&self, key: &str, bytes: u64, lasts: Duration) -> Result<Upload> {
        let (client, bucket) = match &*self.0 {
            Place::S3 { client, bucket } => (client, bucket),
            Place::Memory { .. } => {
                return Ok(Upload {
                    url: format!("memory:{key}"),
                    headers: vec![("content-length".to_owned(), bytes.to_string())],
                });
            }
        };
        let length = i64::try_from(bytes).map_err(Error::internal)?;
        let config = PresigningConfig::expires_in(lasts).map_err(Error::internal)?;
        let request = client.put_object().bucket(bucket).key(key);
        let request = request.content_length(length).presigned(config).await;
        let request = request.map_err(crate::aws::error)?;
        // The trace of the request that asks is not signed, and the upload has nothing to do with it.
        let headers = request
            .headers()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("x-amzn-trace-id"));
        Ok(Upload {
            url: request.uri().to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        })
    }

    /// How often each kind of call was made of a bucket in memory; of S3 nothing.
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        match &*self.0 {
            Place::S3 { .. } => BTreeMap::new(),
            Place::Memory { kept, .. } => lock(kept).calls.clone(),
        }
    }
}

fn lock(kept: &Mutex<Kept>) -> std::sync::MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn change<T>(
    kept: &Mutex<Kept>,
    mishaps: Option<&Mishaps>,
    call: &'static str,
    with: impl FnOnce(&mut Kept) -> T,
) -> Result<T> {
    let done = || {
        let mut kept = lock(kept);
        *kept.calls.entry(call).or_insert(0) += 1;
        with(&mut kept)
    };
    meet(mishaps, call, done).await
}

fn check_length(length: u64, most: u64) -> Result<()> {
    if length <= most {
        return Ok(());
    }
    Err(Error::TooLarge {
        limit_bytes: usize::try_from(most).unwrap_or(usize::MAX),
    })
}

/// Whether an object is not there: `HEAD` has no body that would say it.
fn is_missing<E>(error: &SdkError<E, aws_sdk_s3::config::http::HttpResponse>) -> bool
where
    SdkError<E, aws_sdk_s3::config::http::HttpResponse>: aws_sdk_s3::error::ProvideErrorMetadata,
{
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    error.code() == Some("NoSuchKey") || status == Some(404)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read_listed_and_deleted() {
        let blobs = Blobs::memory();
        for key in ["a/1", "a/2", "b/1"] {
            blobs.put(key, Bytes::from(key)).await.expect("written");
        }
        assert_eq!(blobs.get("a/1", 3).await.expect("read"), Some("a/1".into()));
        assert!(matches!(
            blobs.get("a/1", 2).await,
            Err(Error::TooLarge { limit_bytes: 2 })
        ));
        assert_eq!(blobs.get("a/3", 9).await.expect("read"), None);
        assert_eq!(blobs.length("b/1").await.expect("asked"), Some(3));
        assert_eq!(blobs.length("b/2").await.expect("asked"), None);
        let listed = blobs.list("a/").await.expect("listed");
        assert_eq!(
            listed
                .iter()
                .map(|one| one.key.as_str())
                .collect::<Vec<_>>(),
            ["a/1", "a/2"]
        );
        assert_eq!(blobs.delete_all("a/").await.expect("deleted"), 2);
        assert_eq!(blobs.list("").await.expect("listed").len(), 1);
    }
}
