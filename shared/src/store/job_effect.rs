//! What jobs have made, as it is written in the transaction that ends them; and what becomes of a document while the job
//! that works on it waits, fails or is stopped.

use aws_sdk_dynamodb::types::TransactWriteItem;

use super::TenantStore;
use super::conversation::IS_THERE;
use super::document::{hash_key, is_pending};
use super::item::{n, s, value};
use super::job::StoredJob;
use crate::error::Result;
use crate::model::{
    ConversationId, DocumentFailure, DocumentId, DocumentStage, DocumentVersion, IndexId, Job,
    JobStatus, JobTask, KnowledgeBaseId, RetiredIndex, RunProblem, SegmentRef, Title,
};

/// What a job has made, and is written with its end.
#[derive(Debug, Clone)]
pub enum JobEffect {
    /// A title.
    Title(NewTitle),
    /// A content that searches find.
    Ready(Box<DocumentReady>),
    /// An index that takes the place of another one.
    Switch(Box<IndexSwitch>),
}

/// A title for a conversation.
#[derive(Debug, Clone)]
pub struct NewTitle {
    /// The conversation that gets it.
    pub conversation: ConversationId,
    /// The title.
    pub title: Title,
    /// Whether it takes the place of one that is there.
    pub replace: bool,
}

/// A content that searches find from now on, in the place of the one before.
#[derive(Debug, Clone)]
pub struct DocumentReady {
    /// The knowledge base.
    pub base: KnowledgeBaseId,
    /// The document.
    pub document: DocumentId,
    /// The version of the document whose name and attributes are in the index.
    pub seen: u64,
    /// The content, as it is then.
    pub version: DocumentVersion,
    /// The content before.
    pub replaced: Option<DocumentVersion>,
    /// The index that has it.
    pub index: IndexId,
    /// The segment that has it, where the index has segments.
    pub segment: Option<SegmentRef>,
    /// The job that deletes what no longer counts, and merges segments, where there is a reason for one.
    pub cleanup: Option<StoredJob>,
}

/// An index that takes the place of the one that was searched.
#[derive(Debug, Clone)]
pub struct IndexSwitch {
    /// The knowledge base.
    pub base: KnowledgeBaseId,
    /// The index that was made.
    pub built: IndexId,
    /// The one that it takes the place of.
    pub retired: RetiredIndex,
    /// The revision at which every document was in it.
    pub revision: u64,
    /// The job that deletes the one before.
    pub cleanup: StoredJob,
}

impl JobEffect {
    /// The job that comes of it.
    pub fn job(&self) -> Option<&StoredJob> {
        match self {
            Self::Title(_) => None,
            Self::Ready(made) => made.cleanup.as_ref(),
            Self::Switch(made) => Some(&made.cleanup),
        }
    }
}

impl TenantStore {
    /// The parts that write what a job has made.
    pub(super) fn effect_parts(&self, made: &JobEffect) -> Result<Vec<TransactWriteItem>> {
        match made {
            JobEffect::Title(made) => Ok(vec![self.title_part(made)?]),
            JobEffect::Ready(made) => self.ready_parts(made),
            JobEffect::Switch(made) => {
                let switch = vec![self.switch_part(made)?];
                Ok([switch, self.job_parts(&made.cleanup)?.into()].concat())
            }
        }
    }

    fn title_part(&self, made: &NewTitle) -> Result<TransactWriteItem> {
        // Rows of before there were titles have none; a row without one has the null value.
        let untitled = "(attribute_not_exists(title) OR attribute_type(title, :null))";
        let title = made.title.clone().into_string();
        let mut values = vec![(":title", s(title)), (":one", n(1))];
        let condition = if made.replace {
            IS_THERE.to_owned()
        } else {
            values.push((":null", s("NULL")));
            format!("{IS_THERE} AND {untitled}")
        };
        self.store.update(
            self.conversation_key(made.conversation),
            "SET title = :title ADD version :one",
            &condition,
            values,
        )
    }

    fn ready_parts(&self, made: &DocumentReady) -> Result<Vec<TransactWriteItem>> {
        let pk = self.knowledge_pk(made.base);
        let document = self.store.update_named(
            self.document_key(made.base, made.document),
            (
                "SET live = :version REMOVE pending",
                &format!("{} AND #version = :seen", is_pending()),
            ),
            ["version"],
            [
                (":version", value(&made.version)?),
                (":id", value(made.version.id)?),
                (":seen", n(made.seen)),
            ],
        )?;
        let mut parts = vec![document, self.index_gains(made)?];
        let replaced = made.replaced.as_ref();
        let before = replaced.and_then(|version| version.sha256.as_deref());
        if let Some(before) = before.filter(|hash| Some(*hash) != made.version.sha256.as_deref()) {
            parts.push(self.store.delete_any(hash_key(&pk, before))?);
        }
        if let Some(cleanup) = &made.cleanup {
            parts.extend(self.job_parts(cleanup)?);
        }
        Ok(parts)
    }

    /// The part that shows in a document that its job has failed, was stopped, or waits again.
    pub(super) fn shown_in_document(
        &self,
        before: &Job,
        after: &StoredJob,
    ) -> Result<Vec<TransactWriteItem>> {
        let JobTask::DocumentIngestion {
            knowledge_base_id,
            document_id,
            version_id,
        } = before.task
        else {
            return Ok(Vec::new());
        };
        let key = self.document_key(knowledge_base_id, document_id);
        let job = &after.job;
        let is_over = |status| matches!(status, JobStatus::Failed | JobStatus::Cancelled);
        let id = (":id", value(version_id)?);
        let part = if is_over(job.status) {
            let failure = failure(
                job.problem
                    .as_ref()
                    .filter(|_| job.status == JobStatus::Failed),
            );
            let values = [
                id,
                (":failed", value(DocumentStage::Failed)?),
                (":failure", value(&failure)?),
                (":ended", value(job.ended_at)?),
            ];
            // What stands on the right is read before anything is written.
            let set = "SET pending.failure = :failure, pending.failed_at = pending.stage, pending.stage = :failed, \
                       pending.ended_at = :ended";
            self.store.update(key, set, is_pending(), values)?
        } else if is_over(before.status) {
            let values = [
                id,
                (":uploaded", value(DocumentStage::Uploaded)?),
                (":none", value(None::<u8>)?),
            ];
            let set =
                "SET pending.failure = :none, pending.stage = :uploaded, pending.ended_at = :none";
            self.store.update(key, set, is_pending(), values)?
        } else {
            return Ok(Vec::new());
        };
        Ok(vec![part])
    }
}

/// Why a document is not found, as its job says it. Without a problem somebody stopped it.
fn failure(problem: Option<&RunProblem>) -> DocumentFailure {
    let Some(problem) = problem else {
        return DocumentFailure {
            code: "cancelled".to_owned(),
            message: "somebody stopped it; reprocess the document to go on".to_owned(),
            retryable: true,
        };
    };
    let code = problem.slug.strip_prefix("document-");
    let document: serde_json::Value = serde_json::from_str(&problem.document).unwrap_or_default();
    let detail = document["detail"].as_str().unwrap_or(&problem.slug);
    DocumentFailure {
        retryable: code.is_none(),
        code: code.unwrap_or(&problem.slug).to_owned(),
        message: detail.to_owned(),
    }
}
