//! `POST /api/v1/invitations/accept`

use std::sync::Arc;

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::json;
use shared::App;
use test_support::{Body, Fault, TestApi};

use crate::helpers::{
    ACCEPT, ADA, BOB, accept, actions, entries, invited, join, members, tenant, text, trail,
    with_tenant,
};

#[tokio::test]
async fn whoever_accepts_belongs_to_the_tenant_with_the_role_that_was_given() {
    let (api, path) = with_tenant().await;
    let token = invited(&api, &path, "bob", "admin").await;
    let reply = accept(&api, "bob", &token).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("etag")),
        (200, "\"1\"")
    );
    let body = reply.body();
    assert_eq!(
        (text(&body, "name"), text(&body, "role")),
        ("Engines".into(), "admin".into())
    );
    // The token stays the one of the tenant that it was for.
    assert_eq!(api.get(BOB, &path).await.status, 404);
    api.people.enter("bob", tenant(&path)).await;
    assert_eq!(api.get(BOB, &path).await.body()["role"], "admin");
    let list = api.get(ADA, &format!("{path}/invitations")).await;
    assert!(entries(&list).is_empty());
}

#[tokio::test]
async fn a_token_is_good_once() {
    let (api, path) = with_tenant().await;
    let token = invited(&api, &path, "bob", "member").await;
    assert_eq!(accept(&api, "bob", &token).await.status, 200);
    let again = accept(&api, "bob", &token).await;
    assert_eq!(again.problem(), (400, "bad-token".to_owned()));
}

#[tokio::test]
async fn of_many_who_use_a_token_at_once_one_wins() {
    let (api, path) = with_tenant().await;
    let token = invited(&api, &path, "bob", "member").await;
    api.people.get("bob").await;
    let replies = join_all((0..6).map(|_| accept(&api, "bob", &token))).await;
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400, 400, 400, 400, 400]);
    let records = actions(&api, tenant(&path)).await;
    let joined = records.iter().filter(|action| *action == "member_joined");
    assert_eq!(joined.count(), 1);
    assert_eq!(members(&api, &path).await.len(), 2);
}

#[tokio::test]
async fn an_acceptance_whose_reply_was_lost_is_made_once() {
    let (api, path) = with_tenant().await;
    let token = invited(&api, &path, "bob", "owner").await;
    api.people.get("bob").await;
    api.table.fail("TransactWriteItems", Fault::ReplyLost, 1);
    assert_eq!(accept(&api, "bob", &token).await.status, 200);
    assert_eq!(
        actions(&api, tenant(&path)).await,
        ["tenant_created", "member_invited", "member_joined"]
    );
}

#[tokio::test]
async fn only_the_account_with_the_address_can_accept() {
    let (api, path) = with_tenant().await;
    let token = invited(&api, &path, "bob", "owner").await;
    for who in ["eve", "ada"] {
        let reply = accept(&api, who, &token).await;
        assert_eq!(reply.problem(), (403, "forbidden".to_owned()), "{who}");
        assert!(!reply.text.contains("bob"), "{}", reply.text);
    }
    let eve = api.people.get("eve").await.user.to_string();
    let records = trail(&api, tenant(&path)).await;
    let denied = [
        "access_denied",
        "denied",
        &eve,
        "POST /api/v1/invitations/accept",
    ];
    let denied = denied.map(str::to_owned);
    assert_eq!(
        records.iter().filter(|record| **record == denied).count(),
        1,
        "{records:?}"
    );
    assert_eq!(accept(&api, "bob", &token).await.status, 200);
}

/// The same settings, but that an address must be proved.
fn strict(mut app: App) -> App {
    let mut config = (*app.config).clone();
    config.email_verification_required = true;
    app.config = Arc::new(config);
    app
}

#[tokio::test]
async fn where_addresses_must_be_proved_an_unproved_one_does_not_accept() {
    let (api, path) = with_tenant().await;
    let token = invited(&api, &path, "newcomer", "member").await;
    let auth = api.beside(auth::router);
    let account =
        json!({"email": "newcomer@people.test", "password": "correct horse battery staple"});
    auth.post(None, "/api/v1/auth/register", account.clone())
        .await;
    let login = auth.post(None, "/api/v1/auth/login", account).await;
    let bearer = format!("Bearer {}", text(&login.body(), "access_token"));
    let send = async |api: &TestApi| {
        let headers = [("authorization", bearer.as_str())];
        let body = Body::Json(json!({"token": token}));
        api.send_with(None, Method::POST, ACCEPT, body, &headers)
            .await
    };
    let strict = api.beside(|app| tenants::router(strict(app)));
    let reply = send(&strict).await;
    assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
    assert!(reply.text.contains("prove your address"), "{}", reply.text);
    assert_eq!(members(&api, &path).await.len(), 1);
    // Where they need not be, the letter that arrived is enough.
    assert_eq!(send(&api).await.status, 200);
}

#[tokio::test]
async fn what_is_no_token_of_an_invitation_is_refused_like_one_that_was_used() {
    let (api, path) = with_tenant().await;
    let good = invited(&api, &path, "bob", "member").await;
    let other = good.replace("chatter_in_", "chatter_pr_");
    let mut wrong = good.clone();
    let last = wrong.pop();
    wrong.push(if last == Some('A') { 'E' } else { 'A' });
    let tenant = tenant(&path).to_string();
    let elsewhere = good.replace(
        tenant.trim_start_matches("ten_"),
        "0199f0a0b1c27d3e8f405162738495a6",
    );
    for token in [
        "",
        "x",
        &good[1..],
        &format!("{good}A"),
        &other,
        &wrong,
        &elsewhere,
    ] {
        let reply = accept(&api, "bob", token).await;
        assert_eq!(reply.problem(), (400, "bad-token".to_owned()), "{token}");
    }
    assert_eq!(accept(&api, "bob", &good).await.status, 200);
}

#[tokio::test]
async fn a_member_does_not_use_an_invitation_up() {
    let (api, path) = with_tenant().await;
    // Bob is invited under an address that becomes his only after he has joined with another one.
    join(&api, &path, "bob", "viewer").await;
    let token = invited(&api, &path, "robert", "owner").await;
    let caller = api.people.caller("bob").await;
    let dump = api.table.dump().await;
    let invitation = text(
        &entries(&api.get(ADA, &format!("{path}/invitations")).await)[0],
        "id",
    );
    assert!(dump.contains(&invitation));
    let store = api.app.store.of(&caller);
    let id = invitation.parse().expect("an id");
    let now = api.app.clock.now();
    let found = store.invitation_get(id, now).await.expect("an answer");
    let found = found.expect("an invitation");
    let origin = shared::model::Origin {
        request_id: shared::model::RequestId::new(),
        source_ip: None,
        user_agent: None,
    };
    let action = shared::model::AuditAction::MemberJoined;
    let event = caller.did(&api.app.clock, &origin, action, None);
    #[expect(clippy::disallowed_methods, reason = "this is a test of the store")]
    let identity = api.app.store.identity();
    let joined = identity.invitation_accept(caller.tenant(), &found, caller.user(), now, &event);
    assert_eq!(
        joined.await.expect("an answer"),
        shared::store::Joined::WasMember
    );
    assert_eq!(api.get(BOB, &path).await.body()["role"], "viewer");
    assert_eq!(accept(&api, "robert", &token).await.status, 200);
}

#[tokio::test]
async fn nobody_joins_a_tenant_that_is_suspended_or_deleted() {
    let (api, path) = with_tenant().await;
    let token = invited(&api, &path, "bob", "member").await;
    api.post(ADA, &format!("{path}/suspend"), json!({})).await;
    let reply = accept(&api, "bob", &token).await;
    assert_eq!(reply.problem(), (403, "tenant-suspended".to_owned()));
    api.post(ADA, &format!("{path}/resume"), json!({})).await;
    assert_eq!(accept(&api, "bob", &token).await.status, 200);
    let token = invited(&api, &path, "eve", "member").await;
    assert_eq!(api.delete(ADA, &path).await.status, 204);
    let reply = accept(&api, "eve", &token).await;
    assert_eq!(reply.problem(), (400, "bad-token".to_owned()));
}
