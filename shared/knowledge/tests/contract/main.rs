//! What every backend does alike. A new one is added to [`subjects`].

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod content;
mod faults;
mod filters;
mod seeing;
mod world;

use knowledge::{Qdrant, S3Vectors};
use secrecy::SecretString;
use shared::clock::Clock;
use shared::secret_source::SecretSource;
use stand_ins::IndexFault;
use stand_ins::qdrant::LocalQdrant;
use stand_ins::s3_vectors::LocalS3Vectors;

use world::Subject;

const BUCKET: &str = "chatter-vectors";
const KEY: &str = "the-key-of-qdrant";

/// Each backend with an empty server behind it.
async fn subjects() -> Vec<Subject> {
    vec![qdrant().await, s3_vectors().await]
}

async fn qdrant() -> Subject {
    let server = LocalQdrant::start(Some(KEY)).await.unwrap();
    let key = SecretSource::fixed(SecretString::from(KEY.to_owned()), Clock::system());
    let backend = Qdrant::new(&server.url, Some(key));
    let (failing, counted) = (server.clone(), server.clone());
    Subject {
        backend: Box::new(backend),
        keeps_readers: true,
        fail: Some(Box::new(move |fault| match fault {
            Some(fault) => failing.fail(fault, 20),
            None => failing.heal(),
        })),
        skip: Some(Box::new(move |passing| {
            server.fail(IndexFault::Pass, passing)
        })),
        kept: Box::new(move || counted.points()),
    }
}

async fn s3_vectors() -> Subject {
    let server = LocalS3Vectors::start(BUCKET).await.unwrap();
    let backend = S3Vectors::new(&sdk(&server.url).await, BUCKET);
    let (failing, counted) = (server.clone(), server.clone());
    Subject {
        backend: Box::new(backend),
        keeps_readers: true,
        fail: Some(Box::new(move |fault| match fault {
            Some(fault) => failing.fail(fault, 20),
            None => failing.heal(),
        })),
        skip: Some(Box::new(move |passing| {
            server.fail(IndexFault::Pass, passing)
        })),
        kept: Box::new(move || counted.vectors()),
    }
}

async fn sdk(url: &str) -> aws_config::SdkConfig {
    use aws_sdk_s3vectors::config::{Credentials, Region};
    aws_config::defaults(aws_config::BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("id", "secret", None, None, "tests"))
        .endpoint_url(url)
        .retry_config(aws_config::retry::RetryConfig::disabled())
        .load()
        .await
}
