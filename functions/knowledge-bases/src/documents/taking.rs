//! Gives a document a content: its bytes first, then the row and the job in one transaction, then the news of it.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use knowledge::keys;
use sha2::{Digest as _, Sha256};
use shared::Result;
use shared::auth::Caller;
use shared::clock::Moment;
use shared::http::Timestamp;
use shared::model::{
    ContentSource, Document, DocumentCounts, DocumentId, DocumentStage, DocumentVersion,
    DocumentVersionId, Job, JobPriority, JobTask, KnowledgeBaseId, Origin,
};
use shared::store::StoredJob;

use super::source::Source;
use super::view::UploadView;
use crate::Bases;

/// How long bytes may be put into the bucket.
const UPLOAD_LASTS: Duration = Duration::from_secs(3600);

/// A content that a document is to have, and the job that will work on it.
pub(crate) struct Prepared {
    pub(crate) version: DocumentVersion,
    pub(crate) job: StoredJob,
    pub(crate) upload: Option<UploadView>,
}

/// On whose behalf, and of what.
#[derive(Clone, Copy)]
pub(crate) struct For<'a> {
    pub(crate) caller: &'a Caller,
    pub(crate) origin: &'a Origin,
    pub(crate) base: KnowledgeBaseId,
    pub(crate) document: DocumentId,
}

impl For<'_> {
    fn job(&self, version: DocumentVersionId, due_at: Moment, now: Moment) -> StoredJob {
        let task = JobTask::DocumentIngestion {
            knowledge_base_id: self.base,
            document_id: self.document,
            version_id: version,
        };
        StoredJob {
            job: Job {
                due_at,
                ..Job::new(task, JobPriority::Normal, self.origin.request_id, now)
            },
            mandate: self.caller.mandate(),
        }
    }
}

impl Bases {
    /// Makes a content ready to be taken in: what came with the request lies in the bucket then.
    pub(crate) async fn prepare(
        &self,
        of: For<'_>,
        source: Source,
        file_name: String,
    ) -> Result<Prepared> {
        let (id, now) = (DocumentVersionId::new(), self.app.clock.now());
        let prefix = keys::of_content(of.caller.tenant(), of.base, of.document, id);
        let key = format!("{prefix}bytes");
        let mut version = DocumentVersion {
            id,
            content: id,
            source: ContentSource::Inline,
            file_name,
            bytes: None,
            sha256: None,
            kind: None,
            stage: DocumentStage::Uploaded,
            failure: None,
            failed_at: None,
            counts: DocumentCounts::default(),
            job: of.job(id, now, now).job.id,
            indexes: BTreeSet::new(),
            created_at: now,
            ended_at: None,
        };
        let (mut due_at, mut upload) = (now, None);
        match source {
            Source::Inline(bytes) => {
                version.bytes = Some(bytes.len() as u64);
                version.sha256 = Some(hash(&bytes));
                self.app.blobs.put(&key, bytes).await?;
            }
            Source::Url(url) => version.source = ContentSource::Url { url },
            Source::Upload(bytes) => {
                let granted = self.app.blobs.upload(&key, bytes, UPLOAD_LASTS).await?;
                // Where nobody says that the bytes are there, the job looks for them when they can come no more.
                due_at = now.plus(UPLOAD_LASTS);
                version.source = ContentSource::Upload {
                    bytes,
                    expires_at: due_at,
                };
                version.stage = DocumentStage::AwaitingUpload;
                upload = Some(UploadView {
                    method: "PUT",
                    url: granted.url,
                    headers: granted.headers.into_iter().collect(),
                    expires_at: Timestamp(due_at),
                });
            }
        }
        let job = of.job(id, due_at, now);
        version.job = job.job.id;
        Ok(Prepared {
            version,
            job,
            upload,
        })
    }

    /// The same bytes, to be taken in once more.
    pub(crate) fn again(&self, of: For<'_>, content: &DocumentVersion) -> Prepared {
        let (id, now) = (DocumentVersionId::new(), self.app.clock.now());
        let job = of.job(id, now, now);
        Prepared {
            version: DocumentVersion {
                id,
                stage: DocumentStage::Uploaded,
                failure: None,
                failed_at: None,
                counts: DocumentCounts::default(),
                job: job.job.id,
                indexes: BTreeSet::new(),
                created_at: now,
                ended_at: None,
                ..content.clone()
            },
            job,
            upload: None,
        }
    }

    /// Tells a worker of a content, if it is its time.
    pub(crate) async fn tell(&self, job: &Job) {
        if job.due_at <= self.app.clock.now() {
            self.engine.tell_of_job(job).await;
        }
    }
}

/// The document with a content that is to take the place of the one it has.
pub(crate) fn with_pending(document: &Document, version: DocumentVersion, now: Moment) -> Document {
    Document {
        pending: Some(version),
        version: document.version + 1,
        updated_at: now,
        ..document.clone()
    }
}

/// The hash of a content that is given up for another one, where no other of the document's contents has it.
pub(crate) fn given_up<'a>(document: &'a Document, by: &DocumentVersion) -> Option<&'a str> {
    let given_up = document.pending.as_ref()?.sha256.as_deref()?;
    let current = document.current.as_ref();
    let current = current.and_then(|current| current.sha256.as_deref());
    let kept = [current, by.sha256.as_deref()];
    (!kept.contains(&Some(given_up))).then_some(given_up)
}

fn hash(bytes: &Bytes) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
