//! `GET /api/v1/audit/verify`

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Listing, Query};
use shared::model::{AuditLink, ChainFault, Origin};
use shared::{App, Error, Result};

use crate::days::{day, range};
use crate::note_reading;
use crate::view::LinkView;

/// How many records are checked at once if the client does not say, which is also the most: less than a second
/// of work.
const MOST: u32 = 5_000;

const OPERATION: &str = "GET /api/v1/audit/verify";

/// What to check.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Selection {
    /// The first day, in UTC; if left out, the last one.
    #[param(format = Date, example = "2026-01-01")]
    from: Option<String>,
    /// The last day, in UTC; if left out, today.
    #[param(format = Date, example = "2026-01-31")]
    to: Option<String>,
    /// How many records to check in this reply, from 1 to 5000, which is the default.
    #[param(minimum = 1, maximum = 5000)]
    limit: Option<u32>,
    /// The `next_cursor` of the reply before.
    cursor: Option<String>,
}

/// Whether the trail holds.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AuditVerification)]
pub(crate) struct VerificationView {
    /// `true` if the trail holds from `from` to `to`, `false` if it does not, `null` as long as there is more to
    /// check.
    verified: Option<bool>,
    /// How many records this reply has checked.
    checked: u64,
    /// The first place where the trail does not hold.
    first_broken: Option<BreakView>,
    /// The first day.
    #[schema(format = Date)]
    from: String,
    /// The last day.
    #[schema(format = Date)]
    to: String,
    /// The last record that holds. Kept elsewhere, it shows later whether the whole trail was made anew.
    last: Option<LinkView>,
    /// What to send as `cursor`, with the same `from` and `to`, to check on; `null` if it is done.
    next_cursor: Option<String>,
    /// Whether there is more to check.
    has_more: bool,
}

/// Where a trail does not hold.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AuditBreak)]
pub(crate) struct BreakView {
    /// The day.
    day: String,
    /// The number in the day.
    sequence: u64,
    /// What is wrong.
    reason: ChainFault,
    /// The same in words.
    detail: &'static str,
}

/// Checks that nothing in the trail was changed, taken out, moved or added past this API.
///
/// The end of the range is checked by the record after it, or by the note that is kept of the newest record. It
/// can't show what somebody does who may write to the table and takes care: who makes all hashes after a change
/// anew, or takes records from the very end and sets the note back. Against that, keep `last` elsewhere and
/// compare.
///
/// Checking the trail is told in the trail, once: the pages with a cursor are not told again.
#[utoipa::path(
    get,
    path = "/api/v1/audit/verify",
    tag = "audit",
    security(("bearer" = [])),
    params(Selection),
    responses((status = 200, description = "What was found.", body = VerificationView)),
)]
pub(crate) async fn verify_trail(
    caller: Caller,
    _: AcceptsJson,
    State(app): State<App>,
    origin: Origin,
    Query(selection): Query<Selection>,
) -> Result<Json<VerificationView>> {
    verify(&app, &caller, &origin, selection).await.map(Json)
}

/// Where a check goes on: its days, which may have been left out, and the last record that holds.
type Position = (String, String, Option<AuditLink>);

async fn verify(
    app: &App,
    caller: &Caller,
    origin: &Origin,
    selection: Selection,
) -> Result<VerificationView> {
    let Selection {
        from,
        to,
        limit,
        cursor,
    } = selection;
    let limit = match limit.unwrap_or(MOST) {
        limit @ 1..=MOST => limit,
        _ => return Err(Error::invalid("limit", "must be from 1 to 5000")),
    };
    let listing = Listing::new(app, caller, format!("audit chain {from:?} {to:?}"));
    let (from, to, after): Position = match cursor {
        Some(cursor) => listing.open(&cursor).await?,
        None => {
            let to = day("to", to.as_deref(), &app.clock.now().day())?;
            let (from, to) = range(day("from", from.as_deref(), &to)?, to)?;
            note_reading(app, caller, origin, OPERATION).await?;
            (from, to, None)
        }
    };
    let store = app.store.of(caller);
    let walk = store.audit_verify((&from, &to), after, limit).await?;
    let next_cursor = if walk.ended {
        None
    } else {
        Some(listing.seal((&from, &to, &walk.last)).await?)
    };
    Ok(VerificationView {
        verified: walk.ended.then_some(walk.broken.is_none()),
        checked: walk.checked,
        first_broken: walk.broken.map(|(reason, (day, sequence))| BreakView {
            day,
            sequence,
            reason,
            detail: detail(reason),
        }),
        from,
        to,
        last: walk.last.map(LinkView::from),
        has_more: next_cursor.is_some(),
        next_cursor,
    })
}

fn detail(reason: ChainFault) -> &'static str {
    match reason {
        ChainFault::Changed => "this record is not what it was when it was written in this tenant",
        ChainFault::Unreadable => "what stands here is no record",
        ChainFault::OutOfPlace => "this record was written for another place",
        ChainFault::Missing => "a record stood here, and maybe others after it, and is gone",
        ChainFault::Unlinked => {
            "this record does not follow the one before it: one of the two was replaced or put in"
        }
        ChainFault::Added => "from here on, records were added by somebody else",
    }
}
