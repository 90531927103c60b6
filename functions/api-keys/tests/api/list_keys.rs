//! Listing keys, and its cursors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use shared::model::MembershipRole;
use test_support::TestApi;

use crate::helpers::{ADA, PATH, api, create};

async fn fill(api: &TestApi, person: &str, count: usize) {
    for number in 0..count {
        let body = json!({"name": format!("{person} {number}"), "scopes": ["chat"]});
        create(api, Some(person), body).await;
    }
}

fn names(body: &Value) -> Vec<String> {
    let keys = body["data"].as_array().expect("a list").iter();
    keys.map(|key| key["name"].as_str().expect("a name").to_owned())
        .collect()
}

#[tokio::test]
async fn pages_follow_each_other_to_the_end() {
    let api = api().await;
    api.people.join("bob", "ada", MembershipRole::Member).await;
    // Bob's stand between Ada's.
    for number in 0..5 {
        for person in ["ada", "bob"] {
            let body = json!({"name": format!("{person} {number}"), "scopes": ["chat"]});
            create(&api, Some(person), body).await;
        }
    }
    for (person, expected) in [("ada", 10), ("bob", 5)] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("{PATH}?limit=2{cursor}");
            let body = api.get(Some(person), &path).await.body();
            seen.extend(names(&body));
            assert_eq!(body["has_more"], body["next_cursor"].is_string());
            match body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(seen.len(), expected, "{seen:?}");
        let own = |number| format!("{person} {number}");
        let expected: Vec<String> = (0..5).map(own).collect();
        seen.retain(|name| name.starts_with(person));
        assert_eq!(seen, expected, "oldest first");
    }
    for wrong in ["0", "101", "x"] {
        let reply = api.get(ADA, &format!("{PATH}?limit={wrong}")).await;
        assert_eq!(reply.errors()[0].0, "limit", "{wrong}");
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_caller_and_listing_alone_and_shows_nothing() {
    let api = api().await;
    fill(&api, "ada", 2).await;
    fill(&api, "bob", 2).await;
    let page = format!("{PATH}?limit=1");
    let body = api.get(ADA, &page).await.body();
    let cursor = body["next_cursor"].as_str().expect("a cursor").to_owned();
    let conversations = api.beside(conversations::router);
    let use_it = async |api: &TestApi, person, path: &str, cursor: &str| {
        let path = format!("{path}?limit=1&cursor={cursor}");
        api.get(person, &path).await
    };
    assert_eq!(use_it(&api, ADA, PATH, &cursor).await.status, 200);

    let malformed = (400, "malformed-request".to_owned());
    let foreign = use_it(&api, Some("bob"), PATH, &cursor).await;
    assert_eq!(foreign.problem(), malformed, "another tenant's");
    api.people.join("eve", "ada", MembershipRole::Admin).await;
    let foreign = use_it(&api, Some("eve"), PATH, &cursor).await;
    assert_eq!(foreign.problem(), malformed, "another person's");
    let other = use_it(&conversations, ADA, "/api/v1/conversations", &cursor).await;
    assert_eq!(other.problem(), malformed, "another listing's");
    for end in 0..cursor.len() {
        let reply = use_it(&api, ADA, PATH, &cursor[..end]).await;
        assert_eq!(reply.problem(), malformed, "cut off after {end}");
    }
    for place in 0..cursor.len() {
        let mut edited = cursor.clone().into_bytes();
        edited[place] = if edited[place] == b'A' { b'B' } else { b'A' };
        let edited = String::from_utf8(edited).expect("ASCII");
        let reply = use_it(&api, ADA, PATH, &edited).await;
        assert_eq!(reply.problem(), malformed, "edited at {place}");
    }
    // Neither as it is nor decoded does it say where the listing stands.
    let id = body["data"][0]["id"].as_str().expect("an id");
    let decoded = decoded(&cursor);
    for secret in [id, "APIKEY", "TENANT"] {
        assert!(
            !cursor.contains(secret) && !decoded.contains(secret),
            "{secret}"
        );
    }
}

/// What can be read in a text's parts that are base64url.
fn decoded(text: &str) -> String {
    let decode = |part| URL_SAFE_NO_PAD.decode(part).expect("base64url");
    let parts: Vec<Vec<u8>> = text.split('.').map(decode).collect();
    String::from_utf8_lossy(&parts.concat()).into_owned()
}
