//! `DELETE /api/v1/tenants/{tenant_id}`

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::model::{MembershipRole, Scope};
use test_support::{Body, Fault};

use crate::helpers::{
    ADA, BOB, actions, api, belongs_to, found, invited, join, tenant, text, with_tenant,
};

#[tokio::test]
async fn a_deleted_tenant_is_in_nobody_s_list_and_no_token_or_key_is_good_for_it() {
    let api = api().await;
    let homes = ["ada", "bob"].map(async |who| (who, api.people.get(who).await.tenant));
    let homes = join_all(homes).await;
    let path = found(&api, "ada", "Engines").await;
    join(&api, &path, "bob", "member").await;
    invited(&api, &path, "eve", "member").await;
    let key = api.people.api_key("bob", &[Scope::TenantRead]).await;
    let bearer = format!("Bearer {key}");
    let by_key = async || {
        let headers = [("authorization", bearer.as_str())];
        api.send_with(None, Method::GET, &path, Body::Empty, &headers)
            .await
            .status
            .as_u16()
    };
    assert_eq!(by_key().await, 200);
    assert_eq!(api.get(BOB, &path).await.status, 200);
    let reply = api.delete(BOB, &path).await;
    assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
    assert_eq!(api.delete(ADA, &path).await.status, 204);
    for who in [ADA, BOB] {
        let reply = api.get(who, &path).await;
        assert_eq!(
            reply.problem(),
            (401, "unauthenticated".to_owned()),
            "{who:?}"
        );
    }
    assert_eq!(by_key().await, 401);
    for (who, home) in homes {
        api.people.enter(who, home).await;
        let personal = ("Personal".to_owned(), "owner".to_owned());
        assert_eq!(belongs_to(&api, who).await, [personal], "{who}");
        let gone = api.get(Some(who), &path).await;
        assert_eq!(gone.problem(), (404, "not-found".to_owned()));
    }
    // No row says any more who belonged to it or was invited.
    let dump: Value = serde_json::from_str(&api.table.dump().await).expect("JSON");
    let id = tenant(&path).to_string();
    let people = ["MEMBER#", "INVITE#", "INVITED#"];
    let items = dump["Items"].as_array().expect("items").iter();
    let left = items.filter(|item| {
        let sk = text(&item["sk"], "S");
        people.iter().any(|kind| sk.starts_with(kind)) && item.to_string().contains(&id)
    });
    assert_eq!(left.count(), 0);
    assert_eq!(
        actions(&api, tenant(&path))
            .await
            .last()
            .map(String::as_str),
        Some("tenant_deleted")
    );
}

#[tokio::test]
async fn a_tenant_with_more_people_than_a_transaction_holds_is_deleted_with_all_of_them() {
    let (api, path) = with_tenant().await;
    let ada = api.people.get("ada").await;
    for number in 0..60 {
        api.people
            .join(&format!("member {number}"), "ada", MembershipRole::Viewer)
            .await;
    }
    assert_eq!(ada.tenant, tenant(&path));
    assert_eq!(api.delete(ADA, &path).await.status, 204);
    let dump = api.table.dump().await;
    assert!(!dump.contains(&format!("MEMBER#{}", tenant(&path))));
    let reply = api.get(Some("member 59"), &path).await;
    assert_eq!(reply.status, 401);
    assert_eq!(
        actions(&api, tenant(&path))
            .await
            .iter()
            .filter(|action| *action == "tenant_deleted")
            .count(),
        1
    );
}

#[tokio::test]
async fn a_deletion_that_could_not_be_written_has_not_happened() {
    let (api, path) = with_tenant().await;
    join(&api, &path, "bob", "member").await;
    api.table.fail("TransactWriteItems", Fault::Denied, 1);
    let reply = api.delete(ADA, &path).await;
    assert_eq!(reply.problem(), (500, "internal".to_owned()));
    assert_eq!(api.get(BOB, &path).await.body()["status"], "active");
    assert_eq!(belongs_to(&api, "bob").await.len(), 2);
    assert_eq!(api.delete(ADA, &path).await.status, 204);
}

#[tokio::test]
async fn the_other_tenants_of_its_people_stay() {
    let (api, path) = with_tenant().await;
    let other = found(&api, "bob", "Looms").await;
    join(&api, &path, "eve", "member").await;
    assert_eq!(api.delete(ADA, &path).await.status, 204);
    assert_eq!(api.get(BOB, &other).await.body()["name"], json!("Looms"));
}
