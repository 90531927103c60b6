//! `DELETE /api/v1/auth/me`

use axum::http::Method;
use serde_json::json;
use shared::model::{
    AuditAction, MembershipRole, Origin, RequestId, Tenant, TenantId, TenantStatus,
};
use test_support::{Reply, TestApi};

use crate::helpers::{
    PASSWORD, api, is_alive, log_in, refreshes, register, text, tokens, with_token,
};

const ADA: &str = "ada@example.com";

async fn delete(api: &TestApi, token: &str, password: &str) -> Reply {
    let body = json!({"current_password": password});
    with_token(api, token, (Method::DELETE, "/api/v1/auth/me"), body).await
}

#[tokio::test]
async fn an_account_is_deleted_with_its_sessions_and_its_address_is_free() {
    let api = api().await;
    let (first, second) = (tokens(&api).await, tokens(&api).await);
    let access = text(&first, "access_token");
    let wrong = delete(&api, &access, "not the password at all").await;
    assert_eq!(wrong.problem(), (403, "forbidden".to_owned()));
    assert!(is_alive(&api, &access).await);
    let deleted = delete(&api, &access, PASSWORD).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    for tokens in [&first, &second] {
        assert!(!is_alive(&api, &text(tokens, "access_token")).await);
        assert!(!refreshes(&api, &text(tokens, "refresh_token")).await);
    }
    assert_eq!(log_in(&api, ADA, PASSWORD).await.status, 401);
    let dump = api.table.dump().await;
    assert!(!dump.contains(ADA), "the address stands nowhere: {dump}");
    register(&api, ADA).await;
    let fresh = log_in(&api, ADA, PASSWORD).await;
    assert_eq!(fresh.status, 200);
    assert_ne!(fresh.body()["tenant_id"], first["tenant_id"]);
}

#[tokio::test]
async fn the_only_owner_of_a_tenant_can_not_leave_it_ownerless() {
    let api = api().await;
    let token = text(&tokens(&api).await, "access_token");
    let (ada, _) = api.app.authenticator.caller(&token).await.expect("Ada");
    let tenant = Tenant {
        id: TenantId::new(),
        name: "Shared".to_owned(),
        personal: false,
        status: TenantStatus::Active,
        version: 1,
        created_at: api.app.clock.now(),
    };
    let event = ada.did(&api.app.clock, &nowhere(), AuditAction::TenantCreated, None);
    #[expect(clippy::disallowed_methods, reason = "this function makes no tenants")]
    let identity = api.app.store.identity();
    let created = identity.tenant_create(&tenant, ada.user(), &event).await;
    created.expect("a tenant");
    let refused = delete(&api, &token, PASSWORD).await;
    assert_eq!(refused.problem(), (409, "conflict".to_owned()));
    assert!(is_alive(&api, &token).await);
    assert_eq!(log_in(&api, ADA, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_member_leaves_the_tenants_of_others_and_they_stay() {
    let api = api().await;
    let token = text(&tokens(&api).await, "access_token");
    let (ada, _) = api.app.authenticator.caller(&token).await.expect("Ada");
    let role = MembershipRole::Admin;
    api.people.admit(ada.user(), "host", role).await;
    let store = api.app.store.of(&api.people.caller("host").await);
    let member = async || store.member_get(ada.user()).await.expect("a read");
    assert!(member().await.is_some());
    assert_eq!(delete(&api, &token, PASSWORD).await.status, 204);
    assert!(member().await.is_none());
    let tenant = store.tenant_get().await.expect("a read");
    assert_eq!(tenant.expect("a tenant").status, TenantStatus::Active);
}

fn nowhere() -> Origin {
    Origin {
        request_id: RequestId::new(),
        source_ip: None,
        user_agent: None,
    }
}
