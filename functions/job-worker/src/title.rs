//! Gives a conversation the title that a model writes.

use std::time::Instant;

use shared::auth::Caller;
use shared::model::{ConversationId, Job, JobResult, JobTask, RequestId};
use shared::store::{JobEffect, NewTitle, TenantStore};
use shared::{Error, Result};

use crate::JobWorker;
use crate::working::Made;

impl JobWorker {
    /// Has a model write the title. None is asked where the conversation has one that is to stay.
    pub(crate) async fn title(
        &self,
        store: &TenantStore,
        caller: &Caller,
        (id, replace): (ConversationId, bool),
        request: RequestId,
        until: Instant,
    ) -> Result<Made> {
        let conversation = store.conversation_get(id).await?;
        let conversation = conversation.ok_or(Error::NotFound("conversation"))?;
        if let Some(title) = conversation.title.clone().filter(|_| !replace) {
            return Ok(Made {
                result: kept(title),
                effect: None,
            });
        }
        let titled = self
            .engine
            .title(store, caller, &conversation, request, until);
        let titled = titled.await?;
        Ok(Made {
            result: JobResult::ConversationTitle {
                title: titled.title.clone().into_string(),
                changed: true,
                provider: Some(titled.provider),
                model: Some(titled.model),
                usage: titled.usage,
                cost_micro_dollars: titled.cost,
            },
            effect: Some(JobEffect::Title(NewTitle {
                conversation: id,
                title: titled.title,
                replace,
            })),
        })
    }

    /// The result of a job whose title found no place: somebody else was quicker, or the conversation is gone. What the
    /// model used stays in it.
    pub(crate) async fn without_effect(
        &self,
        store: &TenantStore,
        job: &Job,
        made: JobResult,
    ) -> Result<JobResult> {
        let JobTask::ConversationTitle {
            conversation_id, ..
        } = job.task
        else {
            return Err(Error::internal("this job writes nothing beside itself"));
        };
        let conversation = store.conversation_get(conversation_id).await?;
        let conversation = conversation.ok_or(Error::NotFound("conversation"))?;
        let JobResult::ConversationTitle {
            provider,
            model,
            usage,
            cost_micro_dollars,
            ..
        } = made
        else {
            return Err(Error::internal(
                "the job of a title has made something else",
            ));
        };
        // It had none a moment ago, so that an attempt more gives it ours.
        let title = conversation
            .title
            .ok_or_else(|| Error::unavailable("the title comes and goes"))?;
        Ok(JobResult::ConversationTitle {
            title,
            changed: false,
            provider,
            model,
            usage,
            cost_micro_dollars,
        })
    }
}

fn kept(title: String) -> JobResult {
    JobResult::ConversationTitle {
        title,
        changed: false,
        provider: None,
        model: None,
        usage: None,
        cost_micro_dollars: None,
    }
}
