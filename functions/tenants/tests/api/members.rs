//! `GET …/members`, `PATCH` and `DELETE …/members/{user_id}`

use serde_json::json;
use shared::model::{AuditAction, MembershipRole, Origin, RequestId, UserId};
use shared::store::{Authority, MemberChanged};

use crate::helpers::{
    ADA, BOB, actions, belongs_to, entries, join, members, promote, remove, tenant, text, trail,
    with_tenant,
};

#[tokio::test]
async fn everybody_sees_who_belongs_to_the_tenant() {
    let (api, path) = with_tenant().await;
    let user = join(&api, &path, "bob", "viewer").await;
    let reply = api.get(BOB, &format!("{path}/members")).await;
    let bob = entries(&reply)
        .into_iter()
        .find(|member| member["user_id"] == json!(user.to_string()));
    insta::assert_json_snapshot!(bob.expect("Bob"), { ".user_id" => "[user]" }, @r#"
    {
      "email": "bob@people.test",
      "joined_at": "2026-01-01T00:00:00.000000Z",
      "name": "bob",
      "role": "viewer",
      "user_id": "[user]"
    }
    "#);
    assert!(!reply.text.contains("password"), "{}", reply.text);
}

#[tokio::test]
async fn a_long_list_comes_in_pages_that_have_everybody_once() {
    let (api, path) = with_tenant().await;
    for who in ["bob", "eve", "joe", "kim"] {
        join(&api, &path, who, "member").await;
    }
    let (mut seen, mut sizes) = (Vec::new(), Vec::new());
    let mut next = format!("{path}/members?limit=2");
    loop {
        let reply = api.get(ADA, &next).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        sizes.push(entries(&reply).len());
        seen.extend(entries(&reply).iter().map(|member| text(member, "name")));
        let body = reply.body();
        assert_eq!(
            body["has_more"] == json!(true),
            body["next_cursor"].is_string()
        );
        let Some(cursor) = body["next_cursor"].as_str() else {
            break;
        };
        next = format!("{path}/members?limit=2&cursor={cursor}");
    }
    seen.sort();
    assert_eq!(seen, ["ada", "bob", "eve", "joe", "kim"]);
    assert_eq!(sizes, [2, 2, 1]);
}

#[tokio::test]
async fn an_administrator_changes_roles_up_to_its_own() {
    let (api, path) = with_tenant().await;
    join(&api, &path, "bob", "admin").await;
    let eve = join(&api, &path, "eve", "viewer").await;
    for role in ["member", "admin", "viewer"] {
        let reply = promote(&api, "bob", &path, eve, role).await;
        assert_eq!(
            (reply.status.as_u16(), text(&reply.body(), "role")),
            (200, role.to_owned())
        );
    }
    let reply = promote(&api, "bob", &path, eve, "owner").await;
    assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
    let roles = members(&api, &path).await;
    assert!(
        roles.contains(&("eve".to_owned(), "viewer".to_owned())),
        "{roles:?}"
    );
    // Both sides of the membership say so.
    let own = belongs_to(&api, "eve").await;
    assert!(own.contains(&("Engines".to_owned(), "viewer".to_owned())));
}

#[tokio::test]
async fn an_administrator_can_not_touch_an_owner() {
    let (api, path) = with_tenant().await;
    join(&api, &path, "bob", "admin").await;
    let ada = api.people.get("ada").await.user;
    let eve = join(&api, &path, "eve", "owner").await;
    for owner in [ada, eve] {
        for reply in [
            promote(&api, "bob", &path, owner, "viewer").await,
            promote(&api, "bob", &path, owner, "owner").await,
            remove(&api, "bob", &path, owner).await,
        ] {
            assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
        }
    }
    let denied = trail(&api, tenant(&path)).await;
    let denied = denied
        .iter()
        .filter(|[action, ..]| action == "access_denied");
    assert_eq!(denied.count(), 6);
    assert_eq!(remove(&api, "ada", &path, eve).await.status, 204);
}

#[tokio::test]
async fn nobody_raises_itself() {
    let (api, path) = with_tenant().await;
    for (who, role, above) in [
        ("bob", "admin", "owner"),
        ("eve", "member", "admin"),
        ("joe", "viewer", "member"),
    ] {
        let user = join(&api, &path, who, role).await;
        let reply = promote(&api, who, &path, user, above).await;
        assert_eq!(reply.problem(), (403, "forbidden".to_owned()), "{role}");
        let roles = members(&api, &path).await;
        assert!(
            roles.contains(&(who.to_owned(), role.to_owned())),
            "{roles:?}"
        );
    }
    // Lowering oneself is possible, and there is no way back.
    let bob = api.people.get("bob").await.user;
    assert_eq!(promote(&api, "bob", &path, bob, "member").await.status, 200);
    assert_eq!(promote(&api, "bob", &path, bob, "admin").await.status, 403);
}

#[tokio::test]
async fn a_change_is_not_written_for_whoever_lost_the_role_while_it_was_decided() {
    let (api, path) = with_tenant().await;
    let bob = join(&api, &path, "bob", "member").await;
    let eve = join(&api, &path, "eve", "viewer").await;
    let caller = api.people.caller("bob").await;
    let store = api.app.store.of(&caller);
    let origin = Origin {
        request_id: RequestId::new(),
        source_ip: None,
        user_agent: None,
    };
    let action = AuditAction::MemberRoleChanged;
    let event = caller.did(&api.app.clock, &origin, action, None);
    let member = store
        .member_get(eve)
        .await
        .expect("an answer")
        .expect("Eve");
    let before = actions(&api, tenant(&path)).await;
    let was_admin = Authority {
        role: MembershipRole::Admin,
        member: Some(bob),
    };
    let changed = store.member_change(&member, MembershipRole::Admin, &was_admin, &event);
    assert_eq!(
        changed.await.expect("an answer"),
        MemberChanged::ChangedMeanwhile
    );
    let removed = store.member_remove(&member, &was_admin, &event);
    assert_eq!(
        removed.await.expect("an answer"),
        MemberChanged::ChangedMeanwhile
    );
    assert_eq!(
        store.member_get(eve).await.expect("an answer"),
        Some(member)
    );
    assert_eq!(actions(&api, tenant(&path)).await, before);
}

#[tokio::test]
async fn an_administrator_takes_members_out_and_others_only_themselves() {
    let (api, path) = with_tenant().await;
    join(&api, &path, "bob", "admin").await;
    let eve = join(&api, &path, "eve", "member").await;
    let joe = join(&api, &path, "joe", "viewer").await;
    let reply = remove(&api, "joe", &path, eve).await;
    assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
    let unknown = remove(&api, "joe", &path, UserId::new()).await;
    assert_eq!(unknown.status, 403, "it is not said who is a member");
    assert_eq!(remove(&api, "bob", &path, eve).await.status, 204);
    assert_eq!(remove(&api, "joe", &path, joe).await.status, 204);
    assert_eq!(
        members(&api, &path).await,
        [("ada", "owner"), ("bob", "admin")].map(|(name, role)| (name.to_owned(), role.to_owned()))
    );
    for gone in ["eve", "joe"] {
        let reply = api.get(Some(gone), &path).await;
        assert_eq!(
            reply.problem(),
            (401, "unauthenticated".to_owned()),
            "{gone}"
        );
    }
    assert_eq!(remove(&api, "bob", &path, eve).await.status, 404);
    let reply = promote(&api, "bob", &path, joe, "viewer").await;
    assert_eq!(reply.problem(), (404, "not-found".to_owned()));
}

#[tokio::test]
async fn whoever_left_has_the_tenant_in_no_list_and_can_be_invited_again() {
    let (api, path) = with_tenant().await;
    let home = api.people.get("bob").await.tenant;
    let user = join(&api, &path, "bob", "member").await;
    assert_eq!(belongs_to(&api, "bob").await.len(), 2);
    assert_eq!(remove(&api, "bob", &path, user).await.status, 204);
    api.people.enter("bob", home).await;
    let personal = ("Personal".to_owned(), "owner".to_owned());
    assert_eq!(belongs_to(&api, "bob").await, [personal]);
    join(&api, &path, "bob", "viewer").await;
    assert_eq!(members(&api, &path).await.len(), 2);
}

#[tokio::test]
async fn the_same_role_again_leaves_no_trace() {
    let (api, path) = with_tenant().await;
    let user = join(&api, &path, "bob", "member").await;
    let before = actions(&api, tenant(&path)).await;
    let reply = promote(&api, "ada", &path, user, "member").await;
    assert_eq!(reply.status, 200);
    assert_eq!(actions(&api, tenant(&path)).await, before);
}
