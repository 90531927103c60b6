//! Searches knowledge bases for the functions that run turns. They wait for models most of the time, and would pay for the
//! memory of indexes while they do.
//!
//! It is called by other functions alone, on behalf of somebody who has asked them. What that person or key may see now is
//! looked up here: whoever calls is not believed.

use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::try_join_all;
use knowledge::{AskedSearch, FoundBySearch, FoundChunk, Knowledge, Search};
use serde_json::Value;
use shared::auth::{Caller, policy};
use shared::http::Deadline;
use shared::invoke::{Call, Function};
use shared::lambda::EventHandler;
use shared::model::KnowledgeBaseId;
use shared::store::TenantStore;
use shared::{App, Error, Result};

/// How long a search may take, whatever the caller says.
const TIMEOUT: Duration = Duration::from_secs(20);
/// How many chunks are given at most: all that eight knowledge bases give if nobody asks for more. Lambda takes answers of
/// up to 6 MB, and a chunk has a few KB.
const MOST: usize = 160;

/// The function.
#[derive(Debug, Clone)]
pub struct Searcher {
    app: App,
    knowledge: Knowledge,
}

impl Searcher {
    /// With what every function has.
    pub fn new(app: &App) -> Self {
        Self {
            app: app.clone(),
            knowledge: Knowledge::new(app),
        }
    }

    /// This function in the place of the deployed one, for tests of those that call it.
    pub fn here(app: &App) -> Function {
        let searcher = Self::new(app);
        Function::here(move |event| {
            let searcher = searcher.clone();
            async move {
                let found = searcher.handle(event, Deadline::none()).await?;
                serde_json::to_value(found).map_err(Error::internal)
            }
            .boxed()
        })
    }

    async fn search(&self, asked: AskedSearch, deadline: Deadline) -> Result<FoundBySearch> {
        let deadline = deadline.within(Duration::from_millis(asked.within_ms).min(TIMEOUT));
        let (authenticator, messages) = (&self.app.authenticator, policy::MESSAGES);
        let caller = authenticator.still_may(&asked.mandate, messages).await?;
        let store = self.app.store.of(&caller);
        let ids = asked.knowledge_base_ids.iter();
        let searched = ids.map(|id| self.search_one((&store, &caller), *id, &asked, deadline));
        let found = match try_join_all(searched).await {
            Err(Error::NotFound(_)) => return Ok(FoundBySearch::NoSuchBase),
            other => other?,
        };
        // Reciprocal rank fusion, where no chunk stands in two lists: by rank, and then as the bases were named.
        let mut ranked: Vec<_> = found
            .into_iter()
            .flat_map(|one| one.into_iter().enumerate())
            .collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        let chunks = ranked.into_iter().map(|(_, chunk)| chunk).take(MOST);
        Ok(FoundBySearch::Chunks(chunks.collect()))
    }

    async fn search_one(
        &self,
        who: (&TenantStore, &Caller),
        id: KnowledgeBaseId,
        asked: &AskedSearch,
        deadline: Instant,
    ) -> Result<Vec<FoundChunk>> {
        let opened = who.0.knowledge_base_open(id).await?;
        let opened = opened.filter(|(base, _)| base.may_read(who.1.user()));
        let (base, index) = opened.ok_or(Error::NotFound("knowledge base"))?;
        let model = &index.active.settings.embedding_model;
        let Some(vector) = asked.vectors.get(model) else {
            return Err(Error::unavailable(
                "the index was replaced before it was searched",
            ));
        };
        let search = Search {
            limit: asked.limit,
            ..Search::new(&asked.text)
        };
        let vector = Some(vector.as_slice());
        let found = self
            .knowledge
            .search(who, (&base, &index), &search, vector, deadline);
        let found = found.await?.into_iter().map(|hit| FoundChunk {
            knowledge_base_id: id,
            hit,
        });
        Ok(found.collect())
    }
}

impl EventHandler for Searcher {
    type Answer = FoundBySearch;

    async fn handle(&self, event: Value, deadline: Deadline) -> Result<FoundBySearch> {
        let call = Call::read(event)?;
        let work = |asked| self.search(asked, deadline);
        call.answer(&self.app.spans, work).await
    }
}
