//! Spans of what providers are asked, by the conventions for generative AI.
//!
//! <https://github.com/open-telemetry/semantic-conventions-genai>

use http::HeaderMap;
use shared::http::TraceContext;
use shared::model::{ProviderOwner, ProviderSpec, Usage, Wire};
use shared::spans::{Kind, Span};

/// What stands for everything that a tenant has named.
const TENANTS: &str = "tenant";

/// Begins the span of a call: what is asked for, and of which model.
pub(super) fn call(
    above: &TraceContext,
    operation: &'static str,
    provider: &ProviderSpec,
    model: &str,
) -> Span {
    let (name, model) = match provider.owner {
        ProviderOwner::Platform => (provider.name.as_str(), model),
        ProviderOwner::Tenant => (TENANTS, TENANTS),
    };
    let mut span = Span::begin(above, Kind::Client, operation, model);
    span.set("gen_ai.operation.name", operation);
    span.set(
        "gen_ai.provider.name",
        match provider.wire {
            Wire::Openai => "openai",
            Wire::Anthropic => "anthropic",
            Wire::Gemini => "gcp.gemini",
            Wire::Bedrock => "aws.bedrock",
        },
    );
    span.set("gen_ai.request.model", model.to_owned());
    span.set("chatter.provider", name.to_owned());
    span
}

/// What a request to a provider goes with: the trace, unless a tenant has named the provider.
pub(super) fn outgoing(trace: &TraceContext, provider: &ProviderSpec) -> HeaderMap {
    match provider.owner {
        ProviderOwner::Platform => trace.outgoing(),
        ProviderOwner::Tenant => HeaderMap::new(),
    }
}

/// Notes what an answer took.
pub(super) fn used(span: &mut Span, usage: &Usage) {
    sent(span, Some(usage.input_tokens));
    span.set("gen_ai.usage.output_tokens", usage.output_tokens);
}

/// Notes what was sent, if the provider said so.
pub(super) fn sent(span: &mut Span, input_tokens: Option<u64>) {
    if let Some(tokens) = input_tokens {
        span.set("gen_ai.usage.input_tokens", tokens);
    }
}
