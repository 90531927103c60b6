//! `GET /api/v1/conversations`

use std::time::Duration;

use serde_json::json;

use crate::helpers::{ADA, PATH, api, create, titles};

#[tokio::test]
async fn the_conversation_that_was_active_last_comes_first() {
    let api = api().await;
    let oslo = create(&api, ADA, "Oslo").await;
    for title in ["Bergen", "Tromsø"] {
        api.app.clock.advance(Duration::from_secs(1));
        create(&api, ADA, title).await;
    }
    assert_eq!(
        titles(&api.get(ADA, PATH).await.body()),
        ["Tromsø", "Bergen", "Oslo"]
    );
    api.app.clock.advance(Duration::from_secs(1));
    api.patch(ADA, &oslo, json!({"title": "Oslo again"})).await;
    assert_eq!(
        titles(&api.get(ADA, PATH).await.body()),
        ["Oslo again", "Tromsø", "Bergen"]
    );
}

#[tokio::test]
async fn pages_together_are_the_list() {
    let api = api().await;
    // Some at the same moment: their order is free, but none may be lost or come twice.
    for index in 0..7 {
        create(&api, ADA, &format!("c{index}")).await;
        api.app.clock.advance(Duration::from_secs(index % 2));
    }
    let whole = titles(&api.get(ADA, PATH).await.body());
    assert_eq!(whole.len(), 7);
    let (mut seen, mut path) = (Vec::new(), format!("{PATH}?limit=3"));
    loop {
        let page = api.get(ADA, &path).await.body();
        seen.extend(titles(&page));
        assert_eq!(page["has_more"], json!(!page["next_cursor"].is_null()));
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("{PATH}?limit=3&cursor={cursor}");
    }
    assert_eq!(seen, whole);
}

#[tokio::test]
async fn a_full_last_page_says_that_nothing_follows() {
    let api = api().await;
    for title in ["a", "b"] {
        create(&api, ADA, title).await;
    }
    let page = api.get(ADA, &format!("{PATH}?limit=2")).await.body();
    assert_eq!(
        (&page["has_more"], &page["next_cursor"]),
        (&json!(false), &json!(null))
    );
}

#[tokio::test]
async fn the_list_can_be_narrowed_to_a_status() {
    let api = api().await;
    let oslo = create(&api, ADA, "Oslo").await;
    for index in 0..5 {
        api.app.clock.advance(Duration::from_secs(1));
        create(&api, ADA, &format!("c{index}")).await;
    }
    api.patch(ADA, &oslo, json!({"status": "archived"})).await;
    let archived = api
        .get(ADA, &format!("{PATH}?status=archived&limit=1"))
        .await
        .body();
    assert_eq!(titles(&archived), ["Oslo"]);
    assert_eq!(archived["has_more"], json!(false));
    let active = api.get(ADA, &format!("{PATH}?status=active")).await.body();
    assert_eq!(titles(&active).len(), 5);
}

#[tokio::test]
async fn a_cursor_is_good_only_for_its_listing_and_its_owner() {
    let api = api().await;
    for title in ["a", "b", "c"] {
        create(&api, ADA, title).await;
        create(&api, Some("bob"), title).await;
    }
    let page = api.get(ADA, &format!("{PATH}?limit=1")).await.body();
    let cursor = page["next_cursor"].as_str().expect("a cursor").to_owned();
    let mut flipped = cursor.clone().into_bytes();
    flipped[30] ^= 1;
    let flipped = String::from_utf8(flipped).expect("ASCII");
    let cases = [
        (Some("bob"), format!("{PATH}?cursor={cursor}")),
        (ADA, format!("{PATH}?cursor={cursor}&status=active")),
        (ADA, format!("{PATH}?cursor={flipped}")),
        (
            ADA,
            format!("{PATH}?cursor={}", &cursor[..cursor.len() - 2]),
        ),
        (ADA, format!("{PATH}?cursor=x")),
        (ADA, format!("{PATH}?cursor=")),
    ];
    for (person, path) in cases {
        let reply = api.get(person, &path).await;
        assert_eq!(
            reply.problem(),
            (400, "malformed-request".to_owned()),
            "{path}"
        );
    }
    assert_eq!(
        api.get(ADA, &format!("{PATH}?limit=1&cursor={cursor}"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn queries_that_break_a_rule_are_refused_by_name() {
    let api = api().await;
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=101", "limit"),
        ("limit=1000000000000", "limit"),
        ("limit=abc", "limit"),
        ("status=deleted", "status"),
        ("sort=title", "sort"),
        ("status=%7B%22%24gt%22%3A%22%22%7D", "status"),
    ] {
        let reply = api.get(ADA, &format!("{PATH}?{query}")).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid-request".to_owned()),
            "{query}"
        );
        assert_eq!(reply.errors()[0].0, field, "{}", reply.text);
    }
}
