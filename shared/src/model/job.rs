//! Jobs: work that is done after the request that caused it, and what becomes of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::model::{
    ConversationId, DocumentCounts, DocumentId, DocumentVersionId, IndexId, JobId, KnowledgeBaseId,
    MicroDollars, RequestId, RunId, RunProblem, RunnerId, Usage,
};

/// How often a job is tried. Then it has failed, until somebody retries it.
pub const JOB_ATTEMPTS: u32 = 5;
/// The pause before a second attempt; each further one is three times as long.
const FIRST_PAUSE: Duration = Duration::from_secs(20);
/// The farthest that a job can be scheduled ahead: 90 days.
pub const MAX_JOB_DELAY: Duration = Duration::from_secs(90 * 24 * 3600);

/// Where a job is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// It waits for a worker, or for its time.
    Pending,
    /// A worker works on it.
    Running,
    /// An attempt failed, and the next one waits for its time.
    Retrying,
    /// It is done.
    Completed,
    /// It is not done, and nobody tries any more; `problem` says why.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

impl JobStatus {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Running,
        Self::Retrying,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether nothing more happens to it by itself.
    pub const fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// Which jobs go first where several wait.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum JobPriority {
    /// Before the others.
    High,
    /// As they come.
    #[default]
    Normal,
    /// After the others.
    Low,
}

/// What kind of work it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum JobType {
    /// A model gives a conversation its title.
    ConversationTitle,
    /// A turn in the background.
    Run,
    /// The content of a document is read and put into the index of its knowledge base.
    DocumentIngestion,
    /// A knowledge base gets another index in the place of the one that it has.
    KnowledgeBaseRebuild,
    /// What no longer counts is deleted from a knowledge base, or all of it.
    KnowledgeBaseCleanup,
}

impl JobType {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::ConversationTitle,
        Self::Run,
        Self::DocumentIngestion,
        Self::KnowledgeBaseRebuild,
        Self::KnowledgeBaseCleanup,
    ];
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum JobTask {
    /// A model gives a conversation its title.
    ConversationTitle {
        /// Which.
        conversation_id: ConversationId,
        /// Whether it takes the place of a title that is there.
        replace: bool,
    },
    /// A turn in the background. Its run has its own queue and its own worker, and says what becomes of it.
    Run {
        /// Which.
        run_id: RunId,
    },
    /// The content of a document is read and put into the index of its knowledge base.
    DocumentIngestion {
        /// The knowledge base.
        knowledge_base_id: KnowledgeBaseId,
        /// The document.
        document_id: DocumentId,
        /// Which of its contents.
        version_id: DocumentVersionId,
    },
    /// A knowledge base gets another index in the place of the one that it has.
    KnowledgeBaseRebuild {
        /// Which.
        knowledge_base_id: KnowledgeBaseId,
        /// The index that it gets.
        index_id: IndexId,
    },
    /// What no longer counts is deleted from a knowledge base, or all of it.
    KnowledgeBaseCleanup {
        /// Which.
        knowledge_base_id: KnowledgeBaseId,
    },
}

impl JobTask {
    /// What kind of work it is.
    pub const fn kind(self) -> JobType {
        match self {
            Self::ConversationTitle { .. } => JobType::ConversationTitle,
            Self::Run { .. } => JobType::Run,
            Self::DocumentIngestion { .. } => JobType::DocumentIngestion,
            Self::KnowledgeBaseRebuild { .. } => JobType::KnowledgeBaseRebuild,
            Self::KnowledgeBaseCleanup { .. } => JobType::KnowledgeBaseCleanup,
        }
    }
}

/// What a job has made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum JobResult {
    /// A title.
    ConversationTitle {
        /// The title that the conversation has.
        title: String,
        /// Whether this job gave it. It did not where somebody else was quicker.
        changed: bool,
        /// The provider that was asked; `null` if none was.
        provider: Option<String>,
        /// The model that was asked; `null` if none was.
        model: Option<String>,
        /// What was used; `null` if nothing was.
        usage: Option<Usage>,
        /// What it cost, in micro-dollars; `null` if nothing was used, or the model has no price.
        cost_micro_dollars: Option<MicroDollars>,
    },
    /// A content that is found by searches.
    DocumentIngestion {
        /// The document.
        document_id: DocumentId,
        /// Whether it is. It is not where the document was deleted or replaced meanwhile.
        ready: bool,
        /// What is in it.
        counts: DocumentCounts,
    },
    /// An index in the place of another one.
    KnowledgeBaseRebuild {
        /// Whether it took its place. It did not where it was given up meanwhile.
        switched: bool,
        /// How many documents it has.
        documents: u64,
    },
    /// What was deleted.
    KnowledgeBaseCleanup {
        /// How many documents.
        documents: u64,
        /// How many objects of the bucket.
        objects: u64,
        /// How many segments were made of others.
        segments_written: u64,
    },
}

/// How far a job is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobProgress {
    /// Steps that are done.
    pub done: u32,
    /// All steps that are known of.
    pub total: u32,
}

/// Work that is done after the request that caused it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The request that caused it.
    pub request: RequestId,
    /// What is to be done.
    pub task: JobTask,
    /// Whether it goes before others.
    pub priority: JobPriority,
    /// Where it is.
    #[serde(rename = "job_status")]
    pub status: JobStatus,
    /// How far it is.
    #[serde(rename = "job_progress")]
    pub progress: JobProgress,
    /// How often it was begun since it was created or retried.
    pub attempts: u32,
    /// What it has made.
    #[serde(rename = "job_result")]
    pub result: Option<JobResult>,
    /// Why the last attempt failed.
    pub problem: Option<RunProblem>,
    /// From when on it may be begun.
    pub due_at: Moment,
    /// Who works on it: each attempt has another one.
    #[serde(rename = "job_owner")]
    pub owner: RunnerId,
    /// Until when it is certain that somebody works on it.
    pub lease_until: Moment,
    /// Whether somebody wants it to stop.
    pub cancel_requested: bool,
    /// When it was created.
    pub created_at: Moment,
    /// When it was begun last.
    pub started_at: Option<Moment>,
    /// When it ended.
    pub ended_at: Option<Moment>,
}

impl Job {
    /// A job that waits.
    pub fn new(task: JobTask, priority: JobPriority, request: RequestId, now: Moment) -> Self {
        let id = match task {
            JobTask::Run { run_id } => JobId::of_run(run_id),
            _ => JobId::new(),
        };
        Self {
            id,
            request,
            task,
            priority,
            status: JobStatus::Pending,
            progress: JobProgress { done: 0, total: 1 },
            attempts: 0,
            result: None,
            problem: None,
            due_at: now,
            owner: RunnerId::new(),
            lease_until: now,
            cancel_requested: false,
            created_at: now,
            started_at: None,
            ended_at: None,
        }
    }

    /// Whether it can be begun: it is its time, or whoever worked on it is dead.
    pub fn can_begin(&self, now: Moment) -> bool {
        match self.status {
            JobStatus::Pending | JobStatus::Retrying => self.due_at <= now,
            JobStatus::Running => self.lease_until <= now,
            JobStatus::Completed | JobStatus::Failed | JobStatus::Cancelled => false,
        }
    }

    /// The same job in other hands: whoever worked on it can write nothing more.
    #[must_use]
    pub fn taken(&self) -> Self {
        Self {
            owner: RunnerId::new(),
            ..self.clone()
        }
    }

    /// The same job, begun.
    #[must_use]
    pub fn begun(&self, now: Moment, lease: Duration) -> Self {
        Self {
            status: JobStatus::Running,
            attempts: self.attempts + 1,
            progress: JobProgress { done: 0, total: 1 },
            owner: RunnerId::new(),
            lease_until: now.plus(lease),
            started_at: Some(now),
            ..self.clone()
        }
    }

    /// The same job, done.
    #[must_use]
    pub fn completed(&self, result: JobResult, now: Moment) -> Self {
        Self {
            status: JobStatus::Completed,
            progress: JobProgress {
                done: self.progress.total,
                ..self.progress
            },
            result: Some(result),
            problem: None,
            ended_at: Some(now),
            ..self.clone()
        }
    }

    /// The same job, to be gone on with by whoever has time: what was done so far is kept, and it is no attempt of its own.
    #[must_use]
    pub fn continued(&self, progress: JobProgress, now: Moment) -> Self {
        Self {
            status: JobStatus::Pending,
            attempts: self.attempts.saturating_sub(1),
            progress,
            problem: None,
            due_at: now,
            ..self.clone()
        }
    }

    /// The same job after an attempt failed: it is tried again if that may help, and if it was not tried too often.
    #[must_use]
    pub fn failed(&self, problem: RunProblem, may_pass: bool, now: Moment) -> Self {
        let again = may_pass && self.attempts < JOB_ATTEMPTS;
        let pause = FIRST_PAUSE * 3_u32.pow(self.attempts.saturating_sub(1).min(JOB_ATTEMPTS));
        Self {
            status: if again {
                JobStatus::Retrying
            } else {
                JobStatus::Failed
            },
            problem: Some(problem),
            due_at: if again { now.plus(pause) } else { self.due_at },
            ended_at: (!again).then_some(now),
            ..self.clone()
        }
    }

    /// The same job, stopped.
    #[must_use]
    pub fn cancelled(&self, now: Moment) -> Self {
        Self {
            status: JobStatus::Cancelled,
            cancel_requested: true,
            ended_at: Some(now),
            ..self.clone()
        }
    }

    /// The same job as if it had never been begun.
    #[must_use]
    pub fn retried(&self, now: Moment) -> Self {
        Self {
            status: JobStatus::Pending,
            progress: JobProgress { done: 0, total: 1 },
            attempts: 0,
            problem: None,
            due_at: now,
            owner: RunnerId::new(),
            lease_until: now,
            cancel_requested: false,
            ended_at: None,
            ..self.clone()
        }
    }
}
