//! Who can be asked in a turn, in which order, and what each of them would be sent.

use std::time::Duration;

use shared::clock::Moment;
use shared::error::FieldError;
use shared::http::TraceContext;
use shared::model::{
    CacheSettings, ContextOverflow, Conversation, Message, ModelSettings, RequestId, Role, Summary,
    Target,
};
use shared::store::Circuit;
use shared::{Error, Result};

use crate::asked::Asked;
use crate::catalogue::{Choice, Model};
use crate::circuits::is_of;
use crate::context::Window;
use crate::formatting::{self, Format};
use crate::provider::{OutputFormat, Prompt, PromptMessage, Settings, Speaker};
use crate::retrieval;
use crate::tokens;

/// What somebody wants of a turn: the turn's own words, then the conversation's, then the tenant's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wishes<'a> {
    pub(crate) asked: &'a Asked,
    pub(crate) conversation: &'a Conversation,
    /// The message before the question.
    pub(crate) newest: Option<&'a Message>,
    /// What stands in for its oldest messages.
    pub(crate) summary: Option<&'a Summary>,
    pub(crate) tenant: &'a ModelSettings,
    /// Whether answers can be given again here.
    pub(crate) has_cache: bool,
}

/// Who can be asked, in order.
#[derive(Debug)]
pub(crate) struct Plan {
    /// What was chosen: a model or a route.
    pub(crate) name: String,
    /// The route that was chosen, if it is one.
    pub(crate) route: Option<String>,
    /// At least one.
    pub(crate) candidates: Vec<Candidate>,
    /// What the conversation and the tenant say of how it is answered, beside what the turn itself says.
    pub(crate) defaults: ModelSettings,
    /// Whether another one may be asked after a part of the answer was sent.
    pub(crate) switch_mid_answer: bool,
}

/// A model, and what it would be sent.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) model: Model,
    pub(crate) settings: ModelSettings,
    pub(crate) window: Window,
    /// How often it is asked.
    pub(crate) attempts: u8,
    /// How long its first token is waited for.
    pub(crate) first_token_timeout: Option<Duration>,
    /// The format that it has to be told of.
    pub(crate) format: Option<Format>,
    target: Target,
}

impl Plan {
    /// Those of the choice that can take the question at all.
    ///
    /// # Errors
    /// `Invalid` if none can.
    pub(crate) fn new(choice: &Choice, wishes: Wishes<'_>) -> Result<Self> {
        let insists = wishes.asked.settings.cache.and_then(CacheSettings::max_age);
        if insists.is_some() && !wishes.has_cache {
            let detail = "this deployment keeps no answers to give again; leave it out";
            return Err(Error::invalid("/settings/cache", detail));
        }
        let mut candidates = Vec::new();
        let mut refused = None;
        for (target, model) in &choice.targets {
            match candidate(target, model, wishes) {
                Ok(candidate) => candidates.push(candidate),
                Err(error) => refused = Some(error),
            }
        }
        if candidates.is_empty() {
            let nobody = || Error::internal("a choice without targets");
            return Err(refused.unwrap_or_else(nobody));
        }
        Ok(Self {
            name: choice.name.clone(),
            defaults: wishes.conversation.settings.clone().or(wishes.tenant),
            route: choice.is_route.then(|| choice.name.clone()),
            candidates,
            switch_mid_answer: choice.switch_mid_answer && !wishes.asked.begins_once,
        })
    }

    /// Adds older messages to what each would be sent.
    pub(crate) fn fill(&mut self, newest_first: &[Message]) {
        for candidate in &mut self.candidates {
            let model = candidate.model.spec();
            candidate.window.fill(model, newest_first);
        }
    }

    /// How many more messages to read, if they are like those of `page`. `None` if none would fit anywhere.
    pub(crate) fn wants(&self, page: &[Message]) -> Option<u32> {
        let wants = self.candidates.iter();
        wants
            .filter_map(|one| one.window.wants(one.model.spec(), page))
            .max()
    }

    /// Whether it depends on the length of what is sent who is asked.
    pub(crate) fn has_conditions(&self) -> bool {
        let bounds = |target: &Target| (target.min_input_tokens, target.max_input_tokens);
        let mut targets = self.candidates.iter().map(|one| &one.target);
        targets.any(|target| bounds(target) != (None, None))
    }

    /// Leaves out those whose conditions do not hold for what they would be sent.
    ///
    /// # Errors
    /// `Invalid` if nobody is left.
    pub(crate) fn select(&mut self) -> Result<()> {
        let longest = self.candidates.iter().map(|one| one.window.used()).max();
        let takes = |one: &Candidate| one.target.takes(one.window.used());
        self.candidates.retain(takes);
        if self.candidates.is_empty() {
            let detail = format!(
                "no target of this route takes the about {} tokens of this conversation; choose another model",
                longest.unwrap_or_default()
            );
            return Err(Error::invalid("/model", detail));
        }
        Ok(())
    }

    /// Leaves out those that would not be sent everything.
    ///
    /// # Errors
    /// `ContextLengthExceeded` if nobody is left.
    pub(crate) fn refuse_what_does_not_fit(&mut self) -> Result<()> {
        let largest = self.candidates.iter().map(|one| one.window.size()).max();
        self.candidates.retain(|one| one.window.holds_all());
        if self.candidates.is_empty() {
            let detail = format!(
                "the messages do not fit the window of the model, which has {} tokens with the answer; send fewer, or allow older ones to be left out",
                largest.unwrap_or_default()
            );
            return Err(Error::ContextLengthExceeded(detail));
        }
        Ok(())
    }

    /// Puts those that are better left alone behind the others. They are not left out: where nobody else answers,
    /// asking them is better than not asking.
    pub(crate) fn order(&mut self, failed: &[Circuit], now: Moment) {
        let open = |one: &Candidate| {
            let mut about = failed.iter().filter(|failed| is_of(failed, &one.model));
            about.any(|failed| failed.is_open(now))
        };
        self.candidates.sort_by_key(open);
    }

    /// Who is asked first.
    pub(crate) fn first(&self) -> Result<&Candidate> {
        let first = self.candidates.first();
        first.ok_or_else(|| Error::internal("a plan without candidates"))
    }
}

impl Candidate {
    /// What it is told before the messages, where everybody is told that.
    pub(crate) fn told(&self, system_prompt: Option<&str>) -> Option<String> {
        let format = self.format.as_ref().map(|format| &*format.instructions);
        let told: Vec<&str> = system_prompt.into_iter().chain(format).collect();
        (!told.is_empty()).then(|| told.join("\n\n"))
    }

    /// What it is asked.
    pub(crate) fn prompt<'a>(
        &'a self,
        asked: &Asked,
        system_prompt: Option<&'a str>,
        trace: &'a TraceContext,
    ) -> Prompt<'a> {
        Prompt {
            settings: provider_settings(&self.settings, asked, &self.model),
            model: &self.model,
            trace,
            system_prompt,
            messages: self.window.messages(self.model.spec()),
        }
    }
}

fn provider_settings(settings: &ModelSettings, asked: &Asked, model: &Model) -> Settings {
    let kept = formatting::is_kept(&asked.output, model.provider().wire, model.spec());
    Settings {
        max_output_tokens: settings.max_output_tokens,
        temperature: settings.temperature,
        top_p: settings.top_p,
        stop: settings.stop.clone().unwrap_or_default(),
        reasoning_effort: settings.reasoning_effort,
        tools: asked.tools.clone(),
        tool_choice: asked.tool_choice.clone(),
        one_call: asked.one_call,
        output: if kept {
            asked.output.clone()
        } else {
            OutputFormat::Text {}
        },
    }
}

fn candidate(target: &Target, model: &Model, wishes: Wishes<'_>) -> Result<Candidate> {
    let spec = model.spec();
    let Wishes {
        asked,
        conversation,
        tenant,
        newest,
        summary,
        has_cache,
    } = wishes;
    let mut settings = asked.settings.clone();
    settings = settings.or(&conversation.settings).or(tenant);
    // Only the turn itself insists on it.
    let insists = asked.settings.reasoning_effort;
    settings.reasoning_effort =
        insists.or_else(|| settings.reasoning_effort.filter(|_| spec.reasons()));
    // What a conversation or a tenant says of it does not count where there is none.
    settings.cache = settings.cache.filter(|_| has_cache);
    let wanted = settings.max_output_tokens.unwrap_or(u32::MAX);
    let output = wanted.min(spec.max_output_tokens);
    settings.max_output_tokens = Some(output);
    let overflow = match settings.context_overflow {
        // What is left out is refused later.
        _ if asked.must_fit => ContextOverflow::Truncate,
        overflow => overflow.unwrap_or(ContextOverflow::Summarize),
    };
    settings.context_overflow = Some(overflow);
    check(model, &settings, asked, newest)?;
    let format = Format::of(&asked.output, model.provider().wire, spec)?;
    let instructions = instructions(conversation, asked, format.as_ref())?;
    let rag = retrieval::is_wanted(&settings);
    if rag {
        retrieval::check(&settings, asked)?;
    }
    let window = Window::new(spec.context_window, output, instructions, &asked.question);
    let window = window.map_err(|counts| too_long(&spec.id, counts, asked))?;
    let window = if rag { window.with_passages()? } else { window };
    Ok(Candidate {
        model: model.clone(),
        settings,
        window: window.with_summary(overflow, summary),
        attempts: target.attempts,
        first_token_timeout: target
            .first_token_timeout_ms
            .map(|milliseconds| Duration::from_millis(milliseconds.into())),
        format,
        target: target.clone(),
    })
}

/// How many tokens there are before the messages.
fn instructions(
    conversation: &Conversation,
    asked: &Asked,
    format: Option<&Format>,
) -> Result<u64> {
    let told = conversation.system_prompt.as_deref();
    let told = told.map_or(0, tokens::of_text);
    let format = format.map_or(0, |format| tokens::of_text(&format.instructions));
    if asked.tools.is_empty() {
        return Ok(told + format);
    }
    let tools = serde_json::to_string(&asked.tools).map_err(Error::internal)?;
    Ok(told + format + tokens::of_text(&tools))
}

/// Why the question alone is too long.
fn too_long(model: &str, (needed, available): (u64, u64), asked: &Asked) -> Error {
    let detail = format!(
        "is too long for the model {model}: it has about {needed} tokens, and at most {available} fit"
    );
    if asked.must_fit {
        return Error::ContextLengthExceeded(format!("the last message {detail}"));
    }
    Error::invalid("/content", detail)
}

/// That the model can be asked this at all, before anything begins.
fn check(
    model: &Model,
    settings: &ModelSettings,
    asked: &Asked,
    newest: Option<&Message>,
) -> Result<()> {
    let question = &asked.question;
    let mut messages = Vec::new();
    if question.role == Role::Tool
        && let Some(newest) = newest
    {
        messages.push(PromptMessage {
            speaker: Speaker::Assistant,
            parts: newest.all_parts().into_owned(),
        });
    }
    let place = format!("/messages/{}/content", messages.len());
    messages.push(PromptMessage {
        speaker: match question.role {
            Role::Tool => Speaker::Tool,
            Role::User | Role::Assistant => Speaker::User,
        },
        parts: question.parts.clone(),
    });
    let prompt = Prompt {
        model,
        trace: &TraceContext::begin(RequestId::new()),
        system_prompt: None,
        messages,
        settings: provider_settings(settings, asked, model),
    };
    prompt.check().map_err(|error| in_request(error, &place))
}

/// The same error with the fields as they stand in the request for a turn.
fn in_request(error: Error, content: &str) -> Error {
    const SETTINGS: [&str; 5] = [
        "/temperature",
        "/top_p",
        "/max_output_tokens",
        "/stop",
        "/reasoning_effort",
    ];
    let Error::Invalid(mut errors) = error else {
        return error;
    };
    for FieldError { field, .. } in &mut errors {
        if let Some(inside) = field.strip_prefix(content) {
            *field = format!("/content{inside}");
        } else if SETTINGS.iter().any(|name| field.starts_with(name)) {
            *field = format!("/settings{field}");
        }
    }
    Error::Invalid(errors)
}
