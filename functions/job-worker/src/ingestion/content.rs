//! The bytes of a content, wherever they come from.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};
use shared::guard::GuardFault;
use shared::model::{ContentSource, DocumentVersion, MAX_DOCUMENT_BYTES};
use shared::store::Taken;
use shared::{Error, Result};

use super::refused::refused;
use super::{Taking, superseded};
use crate::JobWorker;

/// How long another server may take to connect, and to say something.
const CONNECT: Duration = Duration::from_secs(3);
const SILENCE: Duration = Duration::from_secs(10);

impl JobWorker {
    /// The bytes of a content, which from now on lie in the bucket and are no other document's.
    pub(super) async fn arrived(&self, taking: &mut Taking<'_>) -> Result<Bytes> {
        let key = format!("{}bytes", taking.prefix());
        let there = self.app.blobs.get(&key, MAX_DOCUMENT_BYTES as u64).await;
        let there = match there {
            Err(Error::TooLarge { .. }) => {
                self.app.blobs.delete(&[key]).await?;
                return Err(too_large());
            }
            other => other?,
        };
        let bytes = match (&taking.version.source, there) {
            (ContentSource::Upload { bytes, .. }, Some(there)) => {
                check_length(&self.app, &key, there, *bytes).await?
            }
            (_, Some(there)) => there,
            (ContentSource::Url { url }, None) => {
                let fetched = self.fetch(&url.clone(), taking).await?;
                self.app.blobs.put(&key, fetched.clone()).await?;
                fetched
            }
            (ContentSource::Upload { .. }, None) => {
                let message =
                    "nothing was uploaded in time; ask for another upload and send the file there";
                return Err(refused("document-upload-missing", message));
            }
            // It was written before the document was.
            (ContentSource::Inline, None) => {
                return Err(Error::internal("the bytes of a document are not there"));
            }
        };
        if taking.version.sha256.is_some() {
            return Ok(bytes);
        }
        let version = DocumentVersion {
            bytes: Some(bytes.len() as u64),
            sha256: Some(hash(&bytes)),
            ..taking.version.clone()
        };
        let (base, document) = (taking.base.id, taking.document.id);
        let taken = taking
            .store
            .document_arrived(base, document, &version)
            .await?;
        match taken {
            Taken::Yes => {
                taking.version = version;
                Ok(bytes)
            }
            Taken::Duplicate(other) => {
                let message =
                    format!("{other} has the same content already; use that, or delete it first");
                Err(refused("document-duplicate", message))
            }
            Taken::Changed => Err(superseded()),
        }
    }

    /// The bytes of a content that came long ago.
    pub(crate) async fn bytes(&self, taking: &Taking<'_>) -> Result<Bytes> {
        let key = format!("{}bytes", taking.prefix());
        let there = self.app.blobs.get(&key, MAX_DOCUMENT_BYTES as u64);
        let there = there.await?;
        there.ok_or_else(|| Error::internal("the bytes of a document are not there"))
    }

    /// Fetches what an address gives, without following redirects.
    async fn fetch(&self, url: &str, taking: &Taking<'_>) -> Result<Bytes> {
        let checked = self
            .app
            .guard
            .check(url)
            .map_err(|fault| unfetched(&fault))?;
        let client = self.app.guard.streaming(CONNECT, SILENCE);
        let client = client.map_err(Error::internal)?;
        let request = reqwest::Request::new(reqwest::Method::GET, checked.url());
        let work = async {
            let response = client.execute(request).await;
            let response = response.map_err(|fault| unfetched(&fault))?;
            let status = response.status();
            if status.is_server_error() || status.as_u16() == 429 {
                return Err(Error::unavailable(format!("the address answered {status}")));
            }
            if !status.is_success() {
                let message = format!(
                    "the address answered {status} and not with a file; redirects are not followed"
                );
                return Err(refused("document-not-fetched", message));
            }
            let (mut body, mut pieces) = (Vec::new(), response.bytes_stream());
            while let Some(piece) = pieces.next().await {
                body.extend_from_slice(&piece.map_err(|_| broken())?);
                if body.len() > MAX_DOCUMENT_BYTES {
                    return Err(too_large());
                }
            }
            Ok(Bytes::from(body))
        };
        let in_time = tokio::time::timeout_at(taking.until.into(), work).await;
        in_time.unwrap_or_else(|_| Err(broken()))
    }
}

/// SHA-256 in hexadecimal.
pub(crate) fn hash(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a text can't fail.
        write!(text, "{byte:02x}").unwrap_or_default();
    }
    text
}

async fn check_length(app: &shared::App, key: &str, there: Bytes, announced: u64) -> Result<Bytes> {
    if there.len() as u64 == announced {
        return Ok(there);
    }
    app.blobs.delete(&[key.to_owned()]).await?;
    let message = format!(
        "{} bytes were uploaded and {announced} announced; ask for another upload and send the whole file",
        there.len()
    );
    Err(refused("document-other-length", message))
}

fn too_large() -> Error {
    let message =
        format!("the file has more than the {MAX_DOCUMENT_BYTES} bytes that are allowed; split it");
    refused("document-too-large", message)
}

fn broken() -> Error {
    Error::unavailable("the address gave no file in time, or broke off")
}

/// Why an address gave nothing. What may pass is tried again.
fn unfetched(fault: &GuardFault) -> Error {
    match fault {
        GuardFault::TimedOut | GuardFault::Unreachable | GuardFault::Broken => broken(),
        other => refused("document-not-fetched", other.to_string()),
    }
}
