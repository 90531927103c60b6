//! What the log and the metrics are told of a run that has ended.

use shared::Error;
use shared::metrics::{Figures, Unit};
use shared::model::{Message, ProviderOwner, RunStatus};

use super::Running;

impl Running {
    pub(super) fn log_failed(&self, error: &Error, slug: &str) {
        tracing::error!(
            request_id = %self.run.request,
            trace_id = self.trace.trace_id(),
            conversation.id = %self.conversation.id,
            run.id = %self.run.id,
            provider = self.model.provider().name,
            model = self.model.spec().id,
            problem = slug,
            error = ?error,
            "run {} failed: {slug}",
            self.run.id
        );
    }

    pub(super) fn log_done(&self, message: &Message) {
        let Some(answer) = &message.answer else {
            return;
        };
        tracing::info!(
            request_id = %self.run.request,
            trace_id = self.trace.trace_id(),
            conversation.id = %self.conversation.id,
            run.id = %self.run.id,
            message.id = %message.id,
            provider = answer.provider,
            model = answer.model,
            input_tokens = answer.usage.map(|usage| usage.input_tokens),
            output_tokens = answer.usage.map(|usage| usage.output_tokens),
            first_token_ms = answer.first_token_ms,
            latency_ms = answer.latency_ms,
            cached = answer.cached.is_some(),
            "run {} answered with message {}",
            self.run.id,
            message.id
        );
    }

    /// One turn more, of all and of the model that was asked last.
    ///
    /// Models that a tenant brought count together: their names are the tenant's.
    pub(super) fn measure(&self) {
        let config = &self.engine.app.config;
        let (provider, run) = (self.model.provider(), &self.run);
        let model = match provider.owner {
            ProviderOwner::Platform => format!("{}/{}", provider.name, self.model.spec().id),
            ProviderOwner::Tenant => "tenant".to_owned(),
        };
        let used = || run.attempts.iter().filter_map(|attempt| attempt.usage);
        let first = run.attempts.iter().rev();
        let first = first.filter_map(|attempt| attempt.first_token_ms).next();
        let failed = run.status == RunStatus::Failed;
        Figures::new(config.metrics, config.stage)
            .by(&[])
            .by(&[("Model", &model)])
            .with("Turns", Unit::Count, 1.0)
            .with_some("TurnErrors", Unit::Count, failed.then_some(1))
            .with_some("FirstToken", Unit::Milliseconds, first)
            .with_some(
                "InputTokens",
                Unit::Count,
                Some(used().map(|it| it.input_tokens).sum()),
            )
            .with_some(
                "OutputTokens",
                Unit::Count,
                Some(used().map(|it| it.output_tokens).sum()),
            )
            .with_some("CostMicroDollars", Unit::Count, run.cost.map(|cost| cost.0))
            .tell();
    }
}
