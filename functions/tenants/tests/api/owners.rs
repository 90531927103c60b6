//! A tenant always has an owner.

use futures_util::future::join_all;
use serde_json::json;

use crate::helpers::{
    ADA, TENANTS, accept, actions, api, invited, join, members, promote, remove, tenant,
    with_tenant,
};

#[tokio::test]
async fn the_only_owner_can_neither_leave_nor_step_down() {
    let (api, path) = with_tenant().await;
    join(&api, &path, "bob", "admin").await;
    let ada = api.people.get("ada").await.user;
    for reply in [
        remove(&api, "ada", &path, ada).await,
        promote(&api, "ada", &path, ada, "admin").await,
    ] {
        assert_eq!(reply.problem(), (409, "conflict".to_owned()));
        let detail = reply.body()["detail"].to_string();
        assert!(detail.contains("make another member an owner"), "{detail}");
    }
    assert!(
        members(&api, &path)
            .await
            .contains(&("ada".to_owned(), "owner".to_owned()))
    );
}

#[tokio::test]
async fn an_owner_leaves_when_there_is_another_one() {
    let (api, path) = with_tenant().await;
    let bob = join(&api, &path, "bob", "member").await;
    assert_eq!(promote(&api, "ada", &path, bob, "owner").await.status, 200);
    let ada = api.people.get("ada").await.user;
    assert_eq!(promote(&api, "ada", &path, ada, "admin").await.status, 200);
    let reply = remove(&api, "bob", &path, bob).await;
    assert_eq!(reply.problem(), (409, "conflict".to_owned()));
    assert_eq!(promote(&api, "bob", &path, ada, "owner").await.status, 200);
    assert_eq!(remove(&api, "bob", &path, bob).await.status, 204);
    assert_eq!(
        members(&api, &path).await,
        [("ada".to_owned(), "owner".to_owned())]
    );
}

#[tokio::test]
async fn somebody_invited_as_an_owner_counts_as_one() {
    let (api, path) = with_tenant().await;
    join(&api, &path, "bob", "owner").await;
    let ada = api.people.get("ada").await.user;
    assert_eq!(remove(&api, "ada", &path, ada).await.status, 204);
    let bob = api.people.get("bob").await.user;
    assert_eq!(remove(&api, "bob", &path, bob).await.status, 409);
}

#[tokio::test]
async fn of_two_owners_who_leave_at_once_one_stays() {
    let (api, path) = with_tenant().await;
    let bob = join(&api, &path, "bob", "owner").await;
    let ada = api.people.get("ada").await.user;
    let leave = [("ada", ada), ("bob", bob)];
    let replies = join_all(leave.map(|(who, user)| remove(&api, who, &path, user))).await;
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    let records = actions(&api, tenant(&path)).await;
    let removed = records.iter().filter(|action| *action == "member_removed");
    assert_eq!(removed.count(), 1);
}

#[tokio::test]
async fn of_two_owners_who_take_each_other_s_role_one_stays() {
    let (api, path) = with_tenant().await;
    let bob = join(&api, &path, "bob", "owner").await;
    let ada = api.people.get("ada").await.user;
    let demote = [("ada", bob), ("bob", ada)];
    let demote = demote.map(|(by, user)| promote(&api, by, &path, user, "viewer"));
    let replies = join_all(demote).await;
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
    statuses.sort_unstable();
    // The second is no owner any more when it is decided, or is told that it is the last.
    assert!(
        statuses[0] == 200 && [403, 409].contains(&statuses[1]),
        "{statuses:?}"
    );
    let roles = members(&api, &path).await;
    let owners = roles.iter().filter(|(_, role)| role == "owner");
    assert_eq!(owners.count(), 1, "{roles:?}");
}

#[tokio::test]
async fn a_personal_tenant_is_neither_left_nor_deleted_nor_shared() {
    let api = api().await;
    let ada = api.people.get("ada").await;
    let path = format!("{TENANTS}/{}", ada.tenant);
    for (reply, advice) in [
        (
            remove(&api, "ada", &path, ada.user).await,
            "DELETE /api/v1/auth/me",
        ),
        (api.delete(ADA, &path).await, "DELETE /api/v1/auth/me"),
        (
            api.post(
                ADA,
                &format!("{path}/invitations"),
                json!({"email": "bob@people.test", "role": "member"}),
            )
            .await,
            "POST /api/v1/tenants",
        ),
    ] {
        assert_eq!(reply.problem(), (409, "conflict".to_owned()));
        let detail = reply.body()["detail"].to_string();
        assert!(detail.contains(advice), "{detail}");
    }
    assert_eq!(
        promote(&api, "ada", &path, ada.user, "admin").await.status,
        409
    );
    assert_eq!(
        members(&api, &path).await,
        [("ada".to_owned(), "owner".to_owned())]
    );
    assert_eq!(api.letters().await, []);
}

#[tokio::test]
async fn an_administrator_invites_up_to_its_own_role() {
    let (api, path) = with_tenant().await;
    join(&api, &path, "bob", "admin").await;
    let invitations = format!("{path}/invitations");
    let body = |role: &str| json!({"email": "eve@people.test", "role": role});
    let reply = api.post(Some("bob"), &invitations, body("owner")).await;
    assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
    let reply = api.post(Some("bob"), &invitations, body("admin")).await;
    assert_eq!(reply.status, 201);
    // What an owner has granted is not for an administrator to take.
    let token = invited(&api, &path, "eve", "owner").await;
    let list = api.get(ADA, &invitations).await;
    let id = crate::helpers::text(&crate::helpers::entries(&list)[0], "id");
    let reply = api.post(Some("bob"), &invitations, body("member")).await;
    assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
    let reply = api
        .delete(Some("bob"), &format!("{invitations}/{id}"))
        .await;
    assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
    assert_eq!(accept(&api, "eve", &token).await.body()["role"], "owner");
}
