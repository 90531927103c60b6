//! `POST`, and what `GET` gives then.

use serde_json::json;
use shared::model::{Actor, AuditAction, AuditOutcome, MembershipRole, TenantId, TenantStatus};
use stand_ins::issuer::Fault;
use test_support::Fault as TableFault;

use crate::helpers::*;

#[tokio::test]
async fn a_trusted_issuer_is_shown_as_it_was_given() {
    let (api, issuer) = (api().await, issuer().await);
    let path = path(&api, "ada").await;
    let reply = api.post(ADA, &path, new(&issuer.url)).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    insta::assert_json_snapshot!(reply.body(), { ".id" => "[id]", ".issuer" => "[issuer]" }, @r#"
    {
      "audience": "chatter",
      "created_at": "2026-01-01T00:00:00.000000Z",
      "id": "[id]",
      "issuer": "[issuer]",
      "role_claim": "roles",
      "roles": {
        "bosses": "admin",
        "guests": "viewer",
        "staff": "member"
      }
    }
    "#);
    assert_eq!(reply.body()["issuer"], issuer.url);
    let one = api.get(ADA, reply.location()).await;
    assert_eq!((one.status.as_u16(), one.body()), (200, reply.body()));
    let list = api.get(ADA, &path).await.body();
    assert_eq!(
        list,
        json!({"data": [reply.body()], "next_cursor": null, "has_more": false})
    );
    let id = reply.body()["id"].as_str().expect("an id").to_owned();
    let ada = Actor::User(api.people.get("ada").await.user);
    let created = (
        AuditAction::IdentityProviderCreated,
        AuditOutcome::Success,
        ada,
        Some(id),
    );
    assert_eq!(trail(&api, "ada").await.first(), Some(&created));
}

/// What can be wrong with an issuer at that address, and what is said of it.
fn faults(url: &str) -> Vec<(Fault, &'static str)> {
    let symmetric = json!({"keys": [{"kty": "oct", "kid": "k", "k": "AAAA"}]});
    vec![
        (
            Fault::Status(500),
            "could not be fetched: it answered with status 500",
        ),
        (
            Fault::Status(404),
            "could not be fetched: it answered with status 404",
        ),
        (
            Fault::Html,
            "is no JSON object with `issuer` and `jwks_uri`",
        ),
        (
            Fault::RedirectTo(format!("{}/elsewhere", url)),
            "could not be fetched: it answered with a redirect, which is not followed; give the address that it leads to",
        ),
        (
            Fault::OtherIssuer,
            "names another issuer; give exactly the `issuer` that stands there",
        ),
        (
            Fault::KeysAt("https://169.254.169.254/keys".to_owned()),
            "the address in `jwks_uri`: must not lead to a private, local or reserved address",
        ),
        (
            Fault::KeysAt("file:///etc/passwd".to_owned()),
            "the address in `jwks_uri`: must be an absolute URL such as https://login.example.com",
        ),
        (
            Fault::KeysAt(format!("{}/nothing", url)),
            "the address in `jwks_uri`: it answered with status 404",
        ),
        (
            Fault::Keys(json!([])),
            "what is at its `jwks_uri` is no JSON object with `keys`",
        ),
        (
            Fault::Keys(json!({"keys": []})),
            "none of its keys can be used",
        ),
        (Fault::Keys(symmetric), "none of its keys can be used"),
    ]
}

#[tokio::test]
async fn the_issuer_is_asked_first_and_what_is_wrong_with_it_is_said_in_our_words() {
    let (api, issuer) = (api().await, issuer().await);
    let path = path(&api, "ada").await;
    for (fault, expected) in faults(&issuer.url) {
        issuer.fail(fault.clone());
        let reply = api.post(ADA, &path, new(&issuer.url)).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid-request".to_owned()),
            "{fault:?}"
        );
        let errors = reply.errors();
        assert_eq!((errors.len(), errors[0].0.as_str()), (1, "/issuer"));
        assert!(errors[0].1.contains(expected), "{fault:?}: {}", errors[0].1);
        assert!(!reply.text.contains("SECRET"), "{}", reply.text);
    }
    assert_eq!(api.get(ADA, &path).await.body()["data"], json!([]));
    issuer.heal();
    assert_eq!(api.post(ADA, &path, new(&issuer.url)).await.status, 201);
}

#[tokio::test]
async fn every_field_has_rules_and_nothing_is_asked_before_they_hold() {
    let (api, issuer) = (api().await, issuer().await);
    let path = path(&api, "ada").await;
    for (changes, field) in [
        (json!({"issuer": null}), "/issuer"),
        (json!({"issuer": 7}), "/issuer"),
        (json!({"audience": ""}), "/audience"),
        (json!({"audience": "a\nb"}), "/audience"),
        (json!({"audience": "a".repeat(256)}), "/audience"),
        (json!({"audience": ["chatter"]}), "/audience"),
        (json!({"role_claim": " "}), "/role_claim"),
        (json!({"role_claim": "a".repeat(201)}), "/role_claim"),
        (json!({"roles": {}}), "/roles"),
        (json!({"roles": ["staff"]}), "/roles"),
        (
            json!({"roles": {"a/b": "owner", "c": "admin"}}),
            "/roles/a~1b",
        ),
        (json!({"roles": {"a": "root"}}), "/roles/a"),
        (json!({"roles": {"": "viewer"}}), "/roles"),
        (json!({"tenant_id": "x"}), "/tenant_id"),
        (json!({"issuer": format!("{}?a=b", issuer.url)}), "/issuer"),
        (json!({"issuer": format!("{}#a", issuer.url)}), "/issuer"),
        (json!({"issuer": "http://chatter.test"}), "/issuer"),
    ] {
        let body = changed(&new(&issuer.url), &changes);
        let reply = api.post(ADA, &path, body).await;
        assert_eq!(reply.status, 422, "{changes}: {}", reply.text);
        assert_eq!(reply.errors()[0].0, field, "{changes}");
    }
    assert_eq!(issuer.take_requests(), Vec::<String>::new());
}

#[tokio::test]
async fn an_issuer_and_an_audience_together_belong_to_one_tenant() {
    let (api, issuer) = (api().await, issuer().await);
    let first = trust(&api, "ada", &issuer.url).await;
    let bobs = path(&api, "bob").await;
    for person in ["ada", "bob"] {
        let path = path(&api, person).await;
        let reply = api.post(Some(person), &path, new(&issuer.url)).await;
        assert_eq!(reply.problem(), (409, "conflict".to_owned()), "{person}");
    }
    assert_eq!(api.get(Some("bob"), &bobs).await.body()["data"], json!([]));
    // Another audience of the same issuer is another pair.
    let other = changed(&new(&issuer.url), &json!({"audience": "chatter-of-bob"}));
    assert_eq!(api.post(Some("bob"), &bobs, other).await.status, 201);
    // What is given up is free.
    assert_eq!(api.delete(ADA, &first).await.status, 204);
    assert_eq!(
        api.post(Some("bob"), &bobs, new(&issuer.url)).await.status,
        201
    );
}

#[tokio::test]
async fn a_tenant_that_is_deleted_holds_no_issuer() {
    let (api, issuer) = (api().await, issuer().await);
    trust(&api, "ada", &issuer.url).await;
    let bobs = path(&api, "bob").await;
    set_status(&api, "ada", TenantStatus::Suspended).await;
    assert_eq!(
        api.post(Some("bob"), &bobs, new(&issuer.url)).await.status,
        409
    );
    set_status(&api, "ada", TenantStatus::Deleted).await;
    assert_eq!(
        api.post(Some("bob"), &bobs, new(&issuer.url)).await.status,
        201
    );
    let conversations = api.beside(conversations::router);
    let token = issuer.sign(&kim(&issuer));
    assert_eq!(
        post(&conversations, &token, CONVERSATIONS, json!({}))
            .await
            .status,
        201
    );
    let caller = api.people.caller("bob").await;
    let me = get(&api.beside(auth::router), &token, ME).await.body();
    assert_eq!(me["tenant_id"], caller.tenant().to_string());
}

#[tokio::test]
async fn only_owners_trust_issuers_and_administrators_see_which() {
    let (api, issuer) = (api().await, issuer().await);
    let path = path(&api, "ada").await;
    for (person, role, sees) in [
        ("adam", MembershipRole::Admin, 200),
        ("max", MembershipRole::Member, 403),
        ("vera", MembershipRole::Viewer, 403),
    ] {
        api.people.join(person, "ada", role).await;
        let reply = api.post(Some(person), &path, new(&issuer.url)).await;
        assert_eq!(reply.problem(), (403, "forbidden".to_owned()), "{person}");
        assert_eq!(api.get(Some(person), &path).await.status, sees, "{person}");
    }
    // Neither do keys, nor the highest that an issuer can say.
    let key = api.people.api_key("ada", &[]).await;
    assert_eq!(post(&api, &key, &path, new(&issuer.url)).await.status, 403);
    trust(&api, "ada", &issuer.url).await;
    let boss = issuer.sign(&changed(&kim(&issuer), &json!({"roles": "bosses"})));
    let other = changed(&new(&issuer.url), &json!({"audience": "other"}));
    assert_eq!(post(&api, &boss, &path, other).await.status, 403);
    assert_eq!(get(&api, &boss, &path).await.status, 200);
}

#[tokio::test]
async fn another_tenant_looks_like_one_that_does_not_exist() {
    let (api, issuer) = (api().await, issuer().await);
    let theirs = trust(&api, "bob", &issuer.url).await;
    let nobodys = path_of(TenantId::new());
    let random = format!("{nobodys}/{}", theirs.rsplit('/').next().expect("an id"));
    let of_bob = path(&api, "bob").await;
    let own = path(&api, "ada").await;
    let mine = format!("{own}/{}", theirs.rsplit('/').next().expect("an id"));
    let without_id = |mut body: serde_json::Value| {
        body["request_id"] = json!(null);
        body
    };
    for (one, other) in [(&of_bob, &nobodys), (&theirs, &random)] {
        let (one, other) = (api.get(ADA, one).await, api.get(ADA, other).await);
        assert_eq!(one.status, 404);
        assert_eq!(without_id(one.body()), without_id(other.body()));
    }
    for path in [&theirs, &random, &mine] {
        assert_eq!(api.delete(ADA, path).await.status, 404, "{path}");
    }
    let reply = api.post(ADA, &of_bob, new(&issuer.url)).await;
    assert_eq!(reply.status, 404);
    assert_eq!(api.get(Some("bob"), &theirs).await.status, 200);
}

#[tokio::test]
async fn it_is_written_as_a_whole_with_its_trail_and_only_once() {
    let (api, issuer) = (api().await, issuer().await);
    let path = path(&api, "ada").await;
    let before = trail(&api, "ada").await.len();
    api.table.fail("TransactWriteItems", TableFault::Denied, 1);
    let reply = api.post(ADA, &path, new(&issuer.url)).await;
    assert_eq!(reply.status, 500, "{}", reply.text);
    assert_eq!(api.get(ADA, &path).await.body()["data"], json!([]));
    assert_eq!(trail(&api, "ada").await.len(), before);
    api.table
        .fail("TransactWriteItems", TableFault::ReplyLost, 1);
    trust(&api, "ada", &issuer.url).await;
    let list = api.get(ADA, &path).await.body();
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(trail(&api, "ada").await.len(), before + 1);
}

#[tokio::test]
async fn a_tenant_trusts_no_more_than_twenty() {
    let (api, issuer) = (api().await, issuer().await);
    let path = path(&api, "ada").await;
    let body = |number: usize| {
        let audience = format!("audience-{number}");
        changed(&new(&issuer.url), &json!({"audience": audience}))
    };
    for number in 0..20 {
        assert_eq!(api.post(ADA, &path, body(number)).await.status, 201);
    }
    issuer.take_requests();
    let reply = api.post(ADA, &path, body(20)).await;
    assert_eq!(reply.problem(), (409, "conflict".to_owned()));
    assert!(issuer.take_requests().is_empty(), "nothing was asked");
}
