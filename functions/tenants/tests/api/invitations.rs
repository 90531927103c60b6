//! `GET` and `POST …/invitations`, `DELETE …/invitations/{invitation_id}`

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use shared::model::InvitationId;

use crate::helpers::{
    ADA, accept, address, api, entries, found, invite, invited, join, members, text, tokens,
    with_tenant,
};

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

#[tokio::test]
async fn an_invitation_is_mailed_and_listed_without_its_token() {
    let (api, path) = with_tenant().await;
    let reply = invite(&api, &path, "bob", "member").await;
    assert_eq!(reply.status, 201);
    insta::assert_json_snapshot!(reply.body(), { ".id" => "[invitation]", ".invited_by" => "[user]" }, @r#"
    {
      "created_at": "2026-01-01T00:00:00.000000Z",
      "email": "bob@people.test",
      "expires_at": "2026-01-08T00:00:00.000000Z",
      "id": "[invitation]",
      "invited_by": "[user]",
      "role": "member"
    }
    "#);
    let ada = api.people.get("ada").await.user;
    assert_eq!(reply.body()["invited_by"], ada.to_string());
    let id = text(&reply.body(), "id");
    assert_eq!(reply.location(), format!("{path}/invitations/{id}"));
    let list = api.get(ADA, &format!("{path}/invitations")).await;
    assert_eq!(entries(&list), [reply.body()]);

    let letters = api.letters().await;
    let (to, subject, letter) = letters.first().expect("a letter");
    assert_eq!(
        (to.as_str(), subject.as_str()),
        ("bob@people.test", "Join Engines")
    );
    let token = tokens(&api, "bob").await.pop().expect("a token");
    assert!(letter.contains(&format!(
        "http://app.chatter.test/accept-invitation#token={token}"
    )));
    // 256 random bits, of which only a hash is kept.
    let secret = token.splitn(5, '_').last().expect("a secret");
    assert_eq!(secret.len(), 43, "{token}");
    for kept in [api.table.dump().await, reply.text, list.text] {
        assert!(!kept.contains(secret));
    }
}

#[tokio::test]
async fn a_new_invitation_takes_the_place_of_the_one_before() {
    let (api, path) = with_tenant().await;
    let first = invited(&api, &path, "bob", "admin").await;
    let reply = api
        .post(
            ADA,
            &format!("{path}/invitations"),
            json!({"email": " BOB@People.test", "role": "viewer"}),
        )
        .await;
    assert_eq!(reply.status, 201);
    let list = api.get(ADA, &format!("{path}/invitations")).await;
    assert_eq!(entries(&list), [reply.body()]);
    let second = tokens(&api, "bob").await.pop().expect("a token");
    assert_eq!(
        accept(&api, "bob", &first).await.problem(),
        (400, "bad-token".to_owned())
    );
    assert_eq!(accept(&api, "bob", &second).await.body()["role"], "viewer");
}

#[tokio::test]
async fn of_several_invitations_of_an_address_at_once_one_is_good() {
    let (api, path) = with_tenant().await;
    let replies = join_all((0..4).map(|_| invite(&api, &path, "bob", "member"))).await;
    assert!(replies.iter().any(|reply| reply.status == 201));
    let refused = replies.iter().filter(|reply| reply.status != 201);
    for reply in refused {
        assert_eq!(reply.problem(), (503, "unavailable".to_owned()));
    }
    let list = api.get(ADA, &format!("{path}/invitations")).await;
    assert_eq!(entries(&list).len(), 1);
    let (mut good, mut bad) = (0, 0);
    for token in tokens(&api, "bob").await {
        match accept(&api, "bob", &token).await.status.as_u16() {
            200 => good += 1,
            400 => bad += 1,
            other => panic!("{other}"),
        }
    }
    let made = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!((good, bad), (1, made - 1));
}

#[tokio::test]
async fn who_is_a_member_is_not_invited_again() {
    let (api, path) = with_tenant().await;
    join(&api, &path, "bob", "viewer").await;
    let letters = api.letters().await.len();
    let reply = invite(&api, &path, "bob", "admin").await;
    assert_eq!(reply.problem(), (409, "conflict".to_owned()));
    assert_eq!(api.letters().await.len(), letters);
    let roles = members(&api, &path).await;
    assert!(
        roles.contains(&("bob".to_owned(), "viewer".to_owned())),
        "{roles:?}"
    );
}

#[tokio::test]
async fn an_invitation_that_was_taken_back_is_worth_nothing() {
    let (api, path) = with_tenant().await;
    let token = invited(&api, &path, "bob", "member").await;
    let invitations = format!("{path}/invitations");
    let id = text(&entries(&api.get(ADA, &invitations).await)[0], "id");
    let one = format!("{invitations}/{id}");
    assert_eq!(api.delete(ADA, &one).await.status, 204);
    for path in [one, format!("{invitations}/{}", InvitationId::new())] {
        let reply = api.delete(ADA, &path).await;
        assert_eq!(reply.problem(), (404, "not-found".to_owned()), "{path}");
    }
    assert_eq!(
        accept(&api, "bob", &token).await.problem(),
        (400, "bad-token".to_owned())
    );
    assert!(entries(&api.get(ADA, &invitations).await).is_empty());
    join(&api, &path, "bob", "member").await;
}

#[tokio::test]
async fn an_expired_invitation_is_absent_while_its_row_is_still_there() {
    let (api, path) = with_tenant().await;
    join(&api, &path, "eve", "admin").await;
    let token = invited(&api, &path, "bob", "owner").await;
    let invitations = format!("{path}/invitations");
    let id = text(&entries(&api.get(ADA, &invitations).await)[0], "id");
    api.app.clock.advance(WEEK - Duration::from_secs(1));
    assert_eq!(entries(&api.get(ADA, &invitations).await).len(), 1);
    api.app.clock.advance(Duration::from_secs(1));
    assert!(api.table.dump().await.contains(&id));
    assert_eq!(
        accept(&api, "bob", &token).await.problem(),
        (400, "bad-token".to_owned())
    );
    assert!(entries(&api.get(ADA, &invitations).await).is_empty());
    let reply = api.delete(ADA, &format!("{invitations}/{id}")).await;
    assert_eq!(reply.problem(), (404, "not-found".to_owned()));
    // Nor does it keep an administrator from inviting the address.
    let body = json!({"email": address("bob"), "role": "member"});
    let reply = api.post(Some("eve"), &invitations, body).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let list = api.get(ADA, &invitations).await;
    assert_eq!(entries(&list), [reply.body()]);
}

#[tokio::test]
async fn members_neither_invite_nor_see_who_is_invited() {
    let (api, path) = with_tenant().await;
    join(&api, &path, "bob", "member").await;
    invited(&api, &path, "eve", "member").await;
    let invitations = format!("{path}/invitations");
    let reply = api.get(Some("bob"), &invitations).await;
    assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
    let body = json!({"email": "joe@people.test", "role": "viewer"});
    let reply = api.post(Some("bob"), &invitations, body).await;
    assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
    assert_eq!(entries(&api.get(ADA, &invitations).await).len(), 1);
}

#[tokio::test]
async fn a_long_list_of_invitations_comes_in_pages() {
    let api = api().await;
    let path = found(&api, "ada", "Engines").await;
    for who in ["bob", "eve", "joe"] {
        invited(&api, &path, who, "member").await;
    }
    let first = api.get(ADA, &format!("{path}/invitations?limit=2")).await;
    let cursor = text(&first.body(), "next_cursor");
    let rest = format!("{path}/invitations?limit=2&cursor={cursor}");
    let rest = api.get(ADA, &rest).await;
    let addresses = [entries(&first), entries(&rest)].concat();
    let addresses: Vec<_> = addresses.iter().map(|entry| text(entry, "email")).collect();
    assert_eq!(addresses, ["bob", "eve", "joe"].map(address));
    assert_eq!(rest.body()["has_more"], json!(false));
}
