//! Runs a turn: which model, what it is sent, its answer as it comes, and what is stored of it.
//!
//! Every front door runs its turns here, so that all of them store, count and fail in the same way.

mod asked;
mod asking;
mod attempting;
mod beginning;
mod budget;
mod building;
mod cached;
mod calling;
mod catalogue;
mod circuits;
mod collected;
mod context;
mod embedding;
mod events;
mod first_rows;
mod follow;
mod formatting;
mod history;
mod moderating;
mod place;
mod plan;
mod planning;
mod provider;
mod queued;
mod recorder;
mod reranking;
mod retrieval;
mod running;
mod settle;
mod sse;
mod summary;
mod title;
mod tokens;
mod tools;
mod turn;

pub use asked::Asked;
pub use catalogue::{
    Catalogue, Catalogues, Choice, EmbeddingModel, Model, ModerationModel, RerankModel, Special,
    SpecialModel,
};
pub use embedding::Vectors;
pub use events::{Delta, ReasoningDelta, Start, Switch, ToolArgumentsDelta, ToolCallStart};
pub use place::{Fetched, InThread, following};
pub use provider::{
    Completion, Embed, Embedded, InputKind, Moderate, ModerationInput, OutputFormat, Part, Prompt,
    PromptMessage, ProviderKeys, Providers, Purpose, Rerank, Reranked, Settings, Speaker,
    ToolChoice, ToolSpec, Verdict,
};
pub use reranking::Order;
pub use shared::model::Said;
pub use title::Titled;
pub use tokens::estimate as estimate_tokens;
pub use turn::{Engine, Turn, TurnEvent, TurnRequest};
