//! `PATCH /api/v1/knowledge-bases/{knowledge_base_id}`

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use serde::{Deserialize, Deserializer};
use shared::auth::Caller;
use shared::http::openapi::Metadata;
use shared::http::{AcceptsJson, IfMatch, Json, Path};
use shared::model::{
    AuditAction, Chunking, IndexSettings, Job, JobPriority, JobTask, KnowledgeBase,
    KnowledgeBaseId, KnowledgeBaseName, KnowledgeIndex, Manifest, Origin, UserId, Visibility,
    checked_metadata,
};
use shared::store::{StoredJob, TenantStore};
use shared::{Error, Result};

use crate::view::{KnowledgeBaseView, Tagged, description, tagged};
use crate::{Bases, access, index};

/// How often a change is tried while others change the knowledge base.
const ATTEMPTS: u32 = 5;

/// What to change. A field that is left out stays as it is.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KnowledgeBaseChange {
    /// What to call it.
    #[serde(default)]
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"^\s*[^\s\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]*\s*$"
    )]
    pub(crate) name: Option<String>,
    /// What programs keep with it, in place of what there was.
    #[serde(default)]
    #[schema(value_type = Option<Metadata>)]
    pub(crate) metadata: Option<BTreeMap<String, String>>,
    /// What it is for; `null` takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 2000, pattern = r"\S")]
    pub(crate) description: Option<Option<String>>,
    /// Who may search it.
    #[serde(default)]
    pub(crate) visibility: Option<Visibility>,
    /// Who may although it is private, in place of those before.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub(crate) readers: Option<BTreeSet<UserId>>,
    /// The embedding model. Another one makes another index beside the one that is searched, which takes its place once
    /// every document is in it.
    #[serde(default)]
    pub(crate) embedding_model: Option<String>,
    /// How documents are cut. It makes another index, too.
    #[serde(default)]
    pub(crate) chunking: Option<Chunking>,
}

/// Tells `null` from a field that is left out.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Changes a knowledge base.
///
/// With `If-Match` it is changed only if it still is the version of that entity tag. Another embedding model or chunking
/// is worked on by a job; until it is done, searches find what they found before.
#[utoipa::path(
    patch,
    path = "/api/v1/knowledge-bases/{knowledge_base_id}",
    tag = "knowledge bases",
    security(("bearer" = [])),
    params(
        ("knowledge_base_id" = KnowledgeBaseId, Path, description = "The knowledge base."),
        ("if-match" = Option<String>, Header, description = "The entity tag that it must still have."),
    ),
    request_body = KnowledgeBaseChange,
    responses(
        (
            status = 200,
            description = "The changed knowledge base.",
            body = KnowledgeBaseView,
            headers(("etag" = String, description = "Its version.")),
        ),
        (status = 412, description = "It is not that version any more.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn update_knowledge_base(
    caller: Caller,
    _: AcceptsJson,
    origin: Origin,
    State(state): State<Bases>,
    Path(id): Path<KnowledgeBaseId>,
    if_match: Option<IfMatch>,
    Json(change): Json<KnowledgeBaseChange>,
) -> Result<Tagged> {
    let who = (&caller, &origin);
    let changed = update(&state, who, id, if_match.as_ref(), &change).await?;
    Ok(tagged(changed.0, changed.1))
}

/// Changes one that the caller may change.
pub(crate) async fn update(
    state: &Bases,
    (caller, origin): (&Caller, &Origin),
    id: KnowledgeBaseId,
    if_match: Option<&IfMatch>,
    change: &KnowledgeBaseChange,
) -> Result<(KnowledgeBase, KnowledgeIndex)> {
    let store = state.app.store.of(caller);
    for _ in 0..ATTEMPTS {
        let (base, index) = access::writable(&store, caller, id).await?;
        if if_match.is_some_and(|if_match| !if_match.allows(base.version)) {
            return Err(Error::PreconditionFailed);
        }
        let rebuilt = rebuilt(state, &store, &index, change).await?;
        let readers = match change.readers.clone() {
            Some(readers) => access::members(&store, readers).await?,
            None => base.readers.clone(),
        };
        let after = changed(&base, change, readers, state.app.clock.now())?;
        let same = (base.visibility, &base.readers) == (after.visibility, &after.readers);
        let action = AuditAction::KnowledgeBaseShared;
        let event = caller.did(&state.app.clock, origin, action, Some(id.to_string()));
        let event = (!same).then_some(&event);
        if !store.knowledge_base_update(&after, event).await? {
            continue;
        }
        let index = match rebuilt {
            Some(settings) => build(state, (&store, caller, origin), id, settings).await?,
            None => index,
        };
        return Ok((after, index));
    }
    Err(Error::unavailable(
        "others keep changing the knowledge base",
    ))
}

fn changed(
    base: &KnowledgeBase,
    change: &KnowledgeBaseChange,
    readers: BTreeSet<UserId>,
    now: shared::clock::Moment,
) -> Result<KnowledgeBase> {
    let name = change.name.as_deref();
    let name = name.map(|name| KnowledgeBaseName::parse("/name", name));
    let about = change.description.as_ref();
    let about = about.map(|about| about.as_deref().map(description).transpose());
    Ok(KnowledgeBase {
        name: match name.transpose()? {
            Some(name) => name.into_string(),
            None => base.name.clone(),
        },
        description: about
            .transpose()?
            .unwrap_or_else(|| base.description.clone()),
        metadata: match change.metadata.clone() {
            Some(metadata) => checked_metadata("/metadata", metadata)?,
            None => base.metadata.clone(),
        },
        visibility: change.visibility.unwrap_or(base.visibility),
        readers,
        version: base.version + 1,
        updated_at: now,
        ..base.clone()
    })
}

/// How another index is to be made, if one is.
async fn rebuilt(
    state: &Bases,
    store: &TenantStore,
    index: &KnowledgeIndex,
    change: &KnowledgeBaseChange,
) -> Result<Option<IndexSettings>> {
    if change.embedding_model.is_none() && change.chunking.is_none() {
        return Ok(None);
    }
    let manifest = index.building.as_ref().unwrap_or(&index.active);
    let present = &manifest.settings;
    let name = change.embedding_model.as_deref();
    let name = name.unwrap_or(&present.embedding_model);
    let model = state.engine.embedding_model(store, Some(name)).await?;
    // What another model does not take is cut anew as that one takes it.
    let takes = present.chunking.max_tokens <= model.spec().max_input_tokens;
    let chunking = change.chunking.or(takes.then_some(present.chunking));
    let wanted = index::settings(&model, chunking)?;
    Ok((wanted != *present).then_some(wanted))
}

/// Begins another index.
async fn build(
    state: &Bases,
    (store, caller, origin): (&TenantStore, &Caller, &Origin),
    id: KnowledgeBaseId,
    settings: IndexSettings,
) -> Result<KnowledgeIndex> {
    for _ in 0..ATTEMPTS {
        let (_, index) = access::writable(store, caller, id).await?;
        let built = Manifest::new(settings.clone());
        let task = JobTask::KnowledgeBaseRebuild {
            knowledge_base_id: id,
            index_id: built.id,
        };
        let now = state.app.clock.now();
        let job = StoredJob {
            job: Job::new(task, JobPriority::Normal, origin.request_id, now),
            mandate: caller.mandate(),
        };
        if store.index_build(id, &index, &built, &job).await? {
            state.engine.tell_of_job(&job.job).await;
            return Ok(KnowledgeIndex {
                building: Some(built),
                ..index
            });
        }
    }
    Err(Error::unavailable("others keep changing the index"))
}
