//! Jobs as clients see them.

use serde::Serialize;
use shared::http::{Problem, Timestamp};
use shared::model::{
    ConversationId, DocumentId, JOB_ATTEMPTS, Job, JobId, JobPriority, JobProgress, JobResult,
    JobStatus, JobTask, JobType, KnowledgeBaseId, Run, RunId, RunStatus,
};

/// Work that is done in the background, and what becomes of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Job)]
pub(crate) struct JobView {
    /// Its id.
    id: JobId,
    /// What kind of work it is.
    #[serde(rename = "type")]
    kind: JobType,
    /// Where it is. `completed`, `failed` and `cancelled` are final, unless somebody retries it.
    status: JobStatus,
    /// Whether it goes before others that wait.
    priority: JobPriority,
    /// How far it is.
    progress: JobProgress,
    /// How often it was begun since it was created or retried.
    attempts: u32,
    /// How often it is begun at most.
    max_attempts: u32,
    /// The conversation that it is about.
    conversation_id: Option<ConversationId>,
    /// The knowledge base that it is about.
    knowledge_base_id: Option<KnowledgeBaseId>,
    /// The document that it is about.
    document_id: Option<DocumentId>,
    /// The run, if it is one. GET of it says more.
    run_id: Option<RunId>,
    /// What it has made; `null` until it is completed, and for runs, whose answer is a message.
    result: Option<JobResult>,
    /// Why the last attempt failed: a problem document. `null` if it did not.
    #[schema(value_type = Option<Problem>)]
    problem: Option<serde_json::Value>,
    /// Whether somebody wants it to stop.
    cancel_requested: bool,
    /// From when on it may be begun: when it was scheduled for, and after a failure when it is tried again.
    due_at: Timestamp,
    /// When it was created.
    created_at: Timestamp,
    /// When it was begun last; `null` if it was not, and for runs.
    started_at: Option<Timestamp>,
    /// When it ended.
    ended_at: Option<Timestamp>,
}

impl JobView {
    /// A job that is no run.
    pub(crate) fn of(job: Job) -> Self {
        let (mut conversation_id, mut knowledge_base_id, mut document_id) = (None, None, None);
        match job.task {
            JobTask::ConversationTitle {
                conversation_id: id,
                ..
            } => conversation_id = Some(id),
            JobTask::DocumentIngestion {
                knowledge_base_id: base,
                document_id: document,
                ..
            } => (knowledge_base_id, document_id) = (Some(base), Some(document)),
            JobTask::KnowledgeBaseRebuild {
                knowledge_base_id: base,
                ..
            }
            | JobTask::KnowledgeBaseCleanup {
                knowledge_base_id: base,
            } => knowledge_base_id = Some(base),
            JobTask::Run { .. } => {}
        }
        // It was written as JSON.
        let problem = job.problem;
        let problem = problem.and_then(|problem| serde_json::from_str(&problem.document).ok());
        Self {
            id: job.id,
            kind: job.task.kind(),
            status: job.status,
            priority: job.priority,
            progress: job.progress,
            attempts: job.attempts,
            max_attempts: JOB_ATTEMPTS,
            conversation_id,
            knowledge_base_id,
            document_id,
            run_id: None,
            result: job.result,
            problem,
            cancel_requested: job.cancel_requested,
            due_at: Timestamp(job.due_at),
            created_at: Timestamp(job.created_at),
            started_at: job.started_at.map(Timestamp),
            ended_at: job.ended_at.map(Timestamp),
        }
    }

    /// The job of a run.
    pub(crate) fn of_run(job: &Job, run: Run) -> Self {
        let status = status_of_run(run.status);
        let done = u32::from(status.is_terminal());
        let problem = run.problem;
        Self {
            id: job.id,
            kind: JobType::Run,
            status,
            priority: job.priority,
            progress: JobProgress { done, total: 1 },
            attempts: u32::from(status != JobStatus::Pending),
            // No model is asked twice.
            max_attempts: 1,
            conversation_id: Some(run.conversation),
            knowledge_base_id: None,
            document_id: None,
            run_id: Some(run.id),
            result: None,
            problem: problem.and_then(|problem| serde_json::from_str(&problem.document).ok()),
            cancel_requested: run.cancel_requested,
            due_at: Timestamp(job.due_at),
            created_at: Timestamp(run.created_at),
            started_at: None,
            ended_at: run.ended_at.map(Timestamp),
        }
    }

    /// Where it is.
    pub(crate) const fn status(&self) -> JobStatus {
        self.status
    }

    /// Its id.
    pub(crate) const fn id(&self) -> JobId {
        self.id
    }

    /// What kind of work it is.
    pub(crate) const fn kind(&self) -> JobType {
        self.kind
    }
}

/// The word for it among jobs. An answer that broke off is no answer.
const fn status_of_run(status: RunStatus) -> JobStatus {
    match status {
        RunStatus::Queued => JobStatus::Pending,
        RunStatus::InProgress => JobStatus::Running,
        RunStatus::Completed => JobStatus::Completed,
        RunStatus::Failed | RunStatus::Incomplete => JobStatus::Failed,
        RunStatus::Cancelled => JobStatus::Cancelled,
    }
}
