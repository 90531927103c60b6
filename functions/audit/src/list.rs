//! `GET /api/v1/audit`

use axum::extract::State;
use serde::Deserialize;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List, Listing, Query};
use shared::model::{Actor, AuditAction, AuditOutcome, AuditRecord, Origin};
use shared::store::AuditPlace;
use shared::{App, Error, Result};

use crate::days::{day, range};
use crate::note_reading;
use crate::view::RecordView;

/// How many entries a page has if the client does not say.
const DEFAULT_LIMIT: u32 = 50;

const OPERATION: &str = "GET /api/v1/audit";

/// Which records to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Selection {
    /// Only this action.
    action: Option<AuditAction>,
    /// Only what this one did: the id of a person or of an API key, or `anonymous`.
    #[param(
        example = "usr_0199f0a0b1c27d3e8f405162738495a6",
        pattern = "^(?:(?:usr|key)_[0-9a-f]{32}|anonymous)$"
    )]
    actor: Option<String>,
    /// Only what was done, or only what was refused.
    outcome: Option<AuditOutcome>,
    /// The first day, in UTC.
    #[param(format = Date, example = "2026-01-01")]
    from: Option<String>,
    /// The last day, in UTC.
    #[param(format = Date, example = "2026-01-31")]
    to: Option<String>,
    /// How many to give at most, from 1 to 100; 50 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the reply before.
    cursor: Option<String>,
}

/// Lists what happened in the tenant, newest first.
///
/// A page may have fewer records than asked for, or none, and more after it: each looks through 2,000 at most.
/// Reading the trail is told in the trail, once for a listing: the pages with a cursor are not told again. A
/// record that somebody made unreadable is left out here; `GET /api/v1/audit/verify` says where it is.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    tag = "audit",
    security(("bearer" = [])),
    params(Selection),
    responses((status = 200, description = "A page of records.", body = List<RecordView>)),
)]
pub(crate) async fn list_records(
    caller: Caller,
    _: AcceptsJson,
    State(app): State<App>,
    origin: Origin,
    Query(selection): Query<Selection>,
) -> Result<Json<List<RecordView>>> {
    list(&app, &caller, &origin, selection).await.map(Json)
}

/// What is wanted of the trail.
#[derive(Debug)]
struct Filter {
    action: Option<AuditAction>,
    actor: Option<Actor>,
    outcome: Option<AuditOutcome>,
    days: (String, String),
}

impl Filter {
    fn parse(selection: &Selection) -> Result<Self> {
        // Every day that a record can have.
        let from = day("from", selection.from.as_deref(), "0001-01-01")?;
        let to = day("to", selection.to.as_deref(), "9999-12-31")?;
        Ok(Self {
            action: selection.action,
            actor: selection.actor.as_deref().map(actor).transpose()?,
            outcome: selection.outcome,
            days: range(from, to)?,
        })
    }

    fn takes(&self, record: &AuditRecord) -> bool {
        self.action.is_none_or(|action| action == record.action)
            && self.actor.is_none_or(|actor| actor == record.actor)
            && self.outcome.is_none_or(|outcome| outcome == record.outcome)
    }
}

fn actor(text: &str) -> Result<Actor> {
    if text == "anonymous" {
        return Ok(Actor::Anonymous);
    }
    let user = text.parse().map(Actor::User);
    user.or_else(|_| text.parse().map(Actor::ApiKey))
        .map_err(|_| {
            Error::invalid(
                "actor",
                "must be the id of a person or of an API key, or `anonymous`",
            )
        })
}

async fn list(
    app: &App,
    caller: &Caller,
    origin: &Origin,
    selection: Selection,
) -> Result<List<RecordView>> {
    let limit = match selection.limit.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=100 => limit,
        _ => return Err(Error::invalid("limit", "must be from 1 to 100")),
    };
    let filter = Filter::parse(&selection)?;
    let listing = Listing::new(app, caller, format!("audit {filter:?}"));
    let before: Option<AuditPlace> = match &selection.cursor {
        Some(cursor) => Some(listing.open(cursor).await?),
        None => {
            note_reading(app, caller, origin, OPERATION).await?;
            None
        }
    };
    let (from, to) = (filter.days.0.as_str(), filter.days.1.as_str());
    let store = app.store.of(caller);
    let page = store.audit_list((from, to), before, limit, |record| filter.takes(record));
    let page = page.await?;
    let next_cursor = match &page.next {
        Some(place) => Some(listing.seal(place).await?),
        None => None,
    };
    Ok(List {
        data: page.records.into_iter().map(RecordView::from).collect(),
        has_more: next_cursor.is_some(),
        next_cursor,
    })
}
