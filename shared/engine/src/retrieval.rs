//! Answers from documents: searches the knowledge bases of a turn before a model is asked, and finds what of it supports
//! the answer.
//!
//! What is found is sent right before the question, as a message of the user's: documents have no more to say than whoever
//! asks. A turn that was to be answered from documents is never answered without having searched them.

mod sorted;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use knowledge::{AskedSearch, search_by};
use retrieval::{
    Basis, Hit, NO_PASSAGES_INSTRUCTIONS, PASSAGES_INSTRUCTIONS, Passage, pack, passages_prompt,
};
use shared::auth::Caller;
use shared::model::{
    Citation, CitationBasis, ContentPart, KnowledgeBaseId, KnowledgeIndex, ModelSettings,
    Retrieval, RetrievedPassage, Role, Support, Workflow, text_of,
};
use shared::store::{Pulse, TenantStore};
use shared::{Error, Result};

use crate::asked::Asked;
use crate::collected::Outcome;
use crate::events;
use crate::provider::{PromptMessage, Purpose, Speaker};
use crate::recorder::Recorder;
use crate::running::Running;
use crate::tokens;
use crate::turn::TurnEvent;

/// How long the search may take, because somebody waits for the answer.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Of the time that a turn has left it takes at most one part of so many.
const PART_OF_TIME: u32 = 2;
/// How much longer it is waited for, so that what it has spent is still settled.
const GRACE: Duration = Duration::from_secs(1);
/// The most tokens that are set aside for passages.
const LONGEST: u64 = 4_000;
/// Of the room for messages passages take at most one part of so many.
const PART_OF_ROOM: u64 = 3;
/// With less room than that for passages themselves there is no use in them.
const SHORTEST: u64 = 100;
/// How many chunks of each knowledge base are looked at.
const HITS: usize = 20;
/// The longest query, in characters.
const LONGEST_QUERY: usize = 8_000;
/// A question with fewer words is searched for together with the one before it.
const FEW_WORDS: usize = 6;
/// How many citations an answer has at most, and how long a quote is, in characters: they stand in its row.
const MOST_CITATIONS: usize = 20;
const LONGEST_QUOTE: usize = 400;

const BEGIN: &str = "<passages>";
const END: &str = "</passages>";

/// What was found, and where it is from.
#[derive(Debug)]
pub(crate) struct Found {
    passages: Vec<Passage>,
    bases: HashMap<String, KnowledgeBaseId>,
}

/// How many tokens are set aside for passages in a window with so much room.
///
/// # Errors
/// `Invalid` if that is too little.
pub(crate) fn room(available: u64) -> Result<u64> {
    let room = (available / PART_OF_ROOM).min(LONGEST);
    if room < tokens::of_text(&rendered(&[])).max(tokens::of_text(&rendered_with(""))) + SHORTEST {
        let detail = "the model's window leaves no room for passages of documents; take a model with a larger window, a shorter question or fewer `max_output_tokens`";
        return Err(Error::invalid("/settings/workflow", detail));
    }
    Ok(room)
}

/// Whether the turn is answered from documents.
pub(crate) fn is_wanted(settings: &ModelSettings) -> bool {
    settings.workflow == Some(Workflow::Rag)
}

/// That what is asked can be answered from documents.
pub(crate) fn check(settings: &ModelSettings, asked: &Asked) -> Result<()> {
    if settings.knowledge_base_ids.is_none() {
        let detail = "the workflow rag needs them: name 1 to 8 knowledge bases, here, in the conversation or in the tenant's defaults";
        return Err(Error::invalid("/settings/knowledge_base_ids", detail));
    }
    if asked.question.role == Role::Tool || !asked.tools.is_empty() {
        let detail = "answers from documents call no tools; send no tools and no results of tools, or take plain";
        return Err(Error::invalid("/settings/workflow", detail));
    }
    if text_of(&asked.question.parts).trim().is_empty() {
        let detail = "must have text, which documents are searched for";
        return Err(Error::invalid("/content", detail));
    }
    Ok(())
}

/// That the caller may read all knowledge bases that are to be searched.
///
/// # Errors
/// `Invalid` for one that is not there, or not for the caller.
pub(crate) async fn may_read(
    store: &TenantStore,
    caller: &Caller,
    settings: &ModelSettings,
) -> Result<()> {
    if !is_wanted(settings) {
        return Ok(());
    }
    let ids = settings.knowledge_base_ids.iter().flatten();
    let bases = try_join_all(ids.map(|id| store.knowledge_base_get(*id))).await?;
    for (index, base) in bases.iter().enumerate() {
        if !base
            .as_ref()
            .is_some_and(|base| base.may_read(caller.user()))
        {
            let field = format!("/settings/knowledge_base_ids/{index}");
            return Err(Error::invalid(field, "there is no such knowledge base"));
        }
    }
    Ok(())
}

fn rendered(passages: &[Passage]) -> String {
    if passages.is_empty() {
        return NO_PASSAGES_INSTRUCTIONS.to_owned();
    }
    rendered_with(&passages_prompt(passages))
}

fn rendered_with(lines: &str) -> String {
    format!("{PASSAGES_INSTRUCTIONS}\n{BEGIN}\n{lines}{END}")
}

/// Passages as a message, and its tokens.
fn message(passages: &[Passage]) -> (PromptMessage, u64) {
    let text = rendered(passages);
    let tokens = tokens::of_text(&text);
    let message = PromptMessage {
        speaker: Speaker::User,
        parts: vec![ContentPart::text(text)],
    };
    (message, tokens)
}

/// As many of the best hits as fit.
fn packed(hits: &[Hit], room: u64) -> Vec<Passage> {
    let within = room.saturating_sub(tokens::of_text(&rendered_with("")));
    let mut passages = pack(hits, u32::try_from(within).unwrap_or(u32::MAX));
    // Names, headings and what JSON escapes were not counted.
    while !passages.is_empty() && message(&passages).1 > room {
        passages.pop();
    }
    passages
}

/// What is searched for: the question, and where it is too short to be clear by itself, the one before it too.
fn query(question: &str, before: Option<&str>) -> String {
    let question = question.trim();
    let is_short = question.split_whitespace().count() < FEW_WORDS;
    let text = match before
        .map(str::trim)
        .filter(|before| is_short && !before.is_empty())
    {
        // The question itself is never what is cut.
        Some(before) => {
            let left = LONGEST_QUERY.saturating_sub(question.chars().count() + 1);
            let before: String = before.chars().take(left).collect();
            format!("{before}\n{question}")
        }
        None => question.to_owned(),
    };
    text.chars().take(LONGEST_QUERY).collect()
}

/// What somebody is told whose documents could not be searched.
fn failed(error: Error) -> Error {
    match error {
        kept @ (Error::NotFound(_) | Error::BudgetExceeded(_) | Error::RunCancelled) => kept,
        error => Error::RetrievalFailed(Box::new(error)),
    }
}

impl Running {
    /// Searches, if the turn is to be answered from documents, and gives all who can be asked what was found. What it says
    /// is why the run shall not go on.
    pub(crate) async fn retrieve(&mut self, recorder: &mut Recorder) -> Option<Outcome> {
        if !is_wanted(&self.run.settings) {
            return None;
        }
        let now = Instant::now();
        let left = self.deadline.saturating_duration_since(now);
        let deadline = now + TIMEOUT.min(left / PART_OF_TIME);
        let searched = tokio::select! {
            searched = self.searched(deadline) => searched,
            () = tokio::time::sleep_until((deadline + GRACE).into()) => {
                Err(Error::unavailable("the search took too long"))
            }
            pulse = recorder.stopped() => return Some(match pulse {
                Pulse::Lost => Outcome::Lost,
                Pulse::Stop | Pulse::GoOn => Outcome::Failed(Error::RunCancelled),
            }),
        };
        let (found, told) = match searched {
            Ok(searched) => searched,
            Err(error) => return Some(Outcome::Failed(failed(error))),
        };
        let (message, tokens) = message(&found.passages);
        for candidate in &mut self.plan.candidates {
            candidate.window.retrieved(message.clone(), tokens);
        }
        if let Some(first) = self.plan.candidates.first() {
            self.run.sent_tokens = first.window.used();
            recorder.sends(self.run.sent_tokens, &self.run.attempts);
        }
        let event = events::retrieval(self.next(), &told);
        recorder.record(event.clone());
        self.send(TurnEvent::Event(event)).await;
        self.run.retrieval = Some(told);
        self.found = Some(found);
        None
    }

    async fn searched(&self, deadline: Instant) -> Result<(Found, Retrieval)> {
        let ids = self.run.settings.knowledge_base_ids.clone();
        let ids = ids.unwrap_or_default();
        let indexes = try_join_all(ids.iter().map(|id| self.index(*id))).await?;
        let windows = self.plan.candidates.iter().map(|one| &one.window);
        let room = windows.clone().map(|window| window.for_passages()).min();
        let before = windows.clone().find_map(|window| window.question_before());
        let question = text_of(&self.asked.question.parts);
        let query = query(&question, before.as_deref());
        let vectors = self.vectors(&indexes, &query, deadline).await?;
        let embedding_models = vectors.keys().cloned().collect();
        let left = deadline.saturating_duration_since(Instant::now());
        let asked = AskedSearch {
            mandate: self.caller.mandate(),
            knowledge_base_ids: ids.clone(),
            text: query.clone(),
            vectors,
            limit: HITS.max(sorted::candidates(&self.run.settings)),
            within_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
        };
        let found = search_by(&self.engine.app.search, asked, deadline).await?;
        let (found, rerank_model) = self.sorted(found, &query, deadline).await?;
        let bases = found.iter();
        let bases = bases.map(|chunk| (chunk.hit.document.clone(), chunk.knowledge_base_id));
        let bases: HashMap<String, KnowledgeBaseId> = bases.collect();
        let hits: Vec<Hit> = found.into_iter().map(|chunk| chunk.hit).collect();
        let found = Found {
            passages: packed(&hits, room.unwrap_or_default()),
            bases,
        };
        let passages = found.passages.iter().zip(1..);
        let passages = passages.map(|(passage, number)| found.told(passage, number, &hits));
        let told = Retrieval {
            knowledge_base_ids: ids,
            embedding_models,
            rerank_model,
            passages: passages.collect::<Result<_>>()?,
        };
        Ok((found, told))
    }

    /// The index of a knowledge base that may be read.
    async fn index(&self, id: KnowledgeBaseId) -> Result<KnowledgeIndex> {
        let opened = self.store.knowledge_base_open(id).await?;
        let user = self.caller.user();
        let opened = opened.filter(|(base, _)| base.may_read(user));
        let (_, index) = opened.ok_or(Error::NotFound("knowledge base"))?;
        Ok(index)
    }

    /// The query as a vector of each model that made one of the indexes.
    async fn vectors(
        &self,
        indexes: &[KnowledgeIndex],
        query: &str,
        deadline: Instant,
    ) -> Result<BTreeMap<String, Vec<f32>>> {
        let (engine, store, caller) = (&self.engine, &self.store, &self.caller);
        let names = indexes.iter();
        let names: BTreeSet<&str> = names
            .map(|index| index.active.settings.embedding_model.as_str())
            .collect();
        let embedded = names.into_iter().map(async |name| {
            let model = engine.embedding_model(store, Some(name)).await?;
            // Words are looked for in all of it; of what is too long for the model the end is, where the question stands.
            let texts = [tokens::end_of(query, model.spec().max_input_tokens.into())];
            let vectors = engine.embed(store, caller, &model, &texts, Purpose::Query, deadline);
            let vector = vectors.await?.vectors.into_iter().next();
            let none = || Error::internal("a model gave no vector");
            Ok::<_, Error>((name.to_owned(), vector.ok_or_else(none)?))
        });
        Ok(try_join_all(embedded).await?.into_iter().collect())
    }
}

impl Found {
    fn base_of(&self, document: &str) -> Result<KnowledgeBaseId> {
        let base = self.bases.get(document).copied();
        base.ok_or_else(|| Error::internal("a passage of no knowledge base"))
    }

    fn told(&self, passage: &Passage, number: u32, hits: &[Hit]) -> Result<RetrievedPassage> {
        let ordinals = passage.chunks.iter().map(|chunk| chunk.ordinal);
        let best = passage.chunks.iter().map(|chunk| chunk.hit).min();
        let best = best.and_then(|best| hits.get(best));
        Ok(RetrievedPassage {
            number,
            knowledge_base_id: self.base_of(&passage.document)?,
            document_id: passage.document.parse().map_err(Error::internal)?,
            document_name: passage.name.clone(),
            first_chunk: ordinals.clone().min().unwrap_or_default(),
            last_chunk: ordinals.max().unwrap_or_default(),
            page: passage.chunks.first().and_then(|chunk| chunk.page),
            start: passage.start,
            end: passage.end,
            score: best.map(|hit| hit.score).unwrap_or_default(),
        })
    }

    /// What of the answer stands in the passages.
    pub(crate) fn cite(&self, answer: &str) -> (Vec<Citation>, Support) {
        let cited = retrieval::cite(answer, &self.passages);
        let citations = cited.citations.into_iter().take(MOST_CITATIONS);
        let citations = citations.filter_map(|citation| self.citation(&citation));
        let support = match cited.support {
            retrieval::Support::Full => Support::Full,
            retrieval::Support::Partial => Support::Partial,
            retrieval::Support::None => Support::None,
        };
        (citations.collect(), support)
    }

    fn citation(&self, citation: &retrieval::Citation) -> Option<Citation> {
        let passage = self.passages.get(citation.index)?;
        let quote: String = citation.quote.chars().take(LONGEST_QUOTE).collect();
        let length = u32::try_from(quote.chars().count()).ok()?;
        Some(Citation {
            knowledge_base_id: self.base_of(&citation.document).ok()?,
            document_id: citation.document.parse().ok()?,
            document_name: passage.name.clone(),
            chunk: citation.chunk,
            page: citation.page,
            start: citation.start,
            end: citation.start + length,
            quote,
            answer_start: citation.answer_start,
            answer_end: citation.answer_end,
            basis: match citation.basis {
                Basis::Marker => CitationBasis::Marker,
                Basis::Quoted => CitationBasis::Quoted,
                Basis::Matched => CitationBasis::Matched,
            },
        })
    }
}

#[cfg(test)]
mod tests;
