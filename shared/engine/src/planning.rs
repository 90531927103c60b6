//! Reads as much of a conversation as a turn is sent, and plans with it who is asked.

use shared::model::{Budget, Conversation, ConversationId};
use shared::store::{History, TenantStore};
use shared::{Error, Result};

use crate::asked::Asked;
use crate::plan::{Plan, Wishes};
use crate::turn::Engine;

impl Engine {
    /// Who can be asked, in which order, and what with. What was read of the conversation is given back where more of it
    /// may be read.
    pub(crate) async fn plan(
        &self,
        store: &TenantStore,
        conversation: &Conversation,
        asked: &Asked,
        (page, budgets): (History, &[Budget]),
    ) -> Result<(Plan, Option<History>)> {
        let name = asked.model.as_deref().or(conversation.model.as_deref());
        let catalogue = self.catalogues.with_name(store, name).await?;
        let choice = match name {
            Some(name) => catalogue.find(name).ok_or_else(|| {
                let detail = match asked.model {
                    Some(_) => catalogue.why_unknown(name),
                    None => "the conversation's model is not offered any more; set `model` to one of GET /api/v1/models",
                };
                Error::unknown_model("/model", detail)
            })?,
            None => catalogue.default_choice().ok_or(Error::Conflict(
                "none of the models that your tenant allows is offered any more; an administrator must change its registry",
            ))?,
        };
        let wishes = Wishes {
            asked,
            conversation,
            newest: page.newest_first.first(),
            summary: page.summary.as_ref(),
            tenant: catalogue.settings(),
            has_cache: self.app.response_cache.is_on(),
        };
        let mut plan = Plan::new(choice, wishes)?;
        plan.fill(&page.newest_first);
        let mut older = Some(page);
        // What may be needed is reserved with the claim, so that it must be counted before.
        if plan.has_conditions() || !budgets.is_empty() || asked.must_fit {
            fill_with_older(store, conversation.id, &mut plan, older.take()).await?;
            plan.select()?;
        }
        if asked.must_fit {
            plan.refuse_what_does_not_fit()?;
        }
        if plan.candidates.len() > 1 {
            let failed = self.circuits.of(store).await;
            plan.order(&failed, self.app.clock.now());
        }
        Ok((plan, older))
    }
}

/// Reads older messages, as far as somebody could be sent more.
pub(crate) async fn fill_with_older(
    store: &TenantStore,
    conversation: ConversationId,
    plan: &mut Plan,
    page: Option<History>,
) -> Result<()> {
    let Some(mut page) = page else { return Ok(()) };
    while let (true, Some(oldest), Some(wanted)) = (
        page.has_more,
        page.newest_first.last(),
        plan.wants(&page.newest_first),
    ) {
        page = store
            .message_history(conversation, oldest.sequence, wanted)
            .await?;
        plan.fill(&page.newest_first);
    }
    Ok(())
}
