//! `GET /api/v1/conversations/{id}/messages`

use serde_json::{Value, json};

use crate::helpers::{ADA, api, create, fill};

fn contents(list: &Value) -> Vec<String> {
    let entries = list["data"].as_array().expect("a list").iter();
    entries
        .map(|entry| entry["content"].as_str().expect("content").to_owned())
        .collect()
}

fn expected(numbers: impl Iterator<Item = u64>) -> Vec<String> {
    numbers.map(|number| format!("message {number}")).collect()
}

#[tokio::test]
async fn a_new_conversation_has_no_messages() {
    let api = api().await;
    let path = create(&api, ADA, "Oslo").await;
    let list = api.get(ADA, &format!("{path}/messages")).await.body();
    assert_eq!(
        list,
        json!({"data": [], "next_cursor": null, "has_more": false})
    );
}

#[tokio::test]
async fn messages_come_in_both_orders_page_by_page() {
    let api = api().await;
    let path = create(&api, ADA, "Oslo").await;
    fill(&api, &path, 11).await;
    for (order, whole) in [
        ("asc", expected(1..=11)),
        ("desc", expected((1..=11).rev())),
    ] {
        let (mut seen, mut pages, mut cursor) = (Vec::new(), 0, String::new());
        loop {
            let page = api
                .get(
                    ADA,
                    &format!("{path}/messages?limit=4&order={order}{cursor}"),
                )
                .await
                .body();
            seen.extend(contents(&page));
            pages += 1;
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
        }
        assert_eq!((seen, pages), (whole, 3), "{order}");
    }
}

#[tokio::test]
async fn a_cursor_of_one_order_or_conversation_is_refused_in_another() {
    let api = api().await;
    let (oslo, bergen) = (
        create(&api, ADA, "Oslo").await,
        create(&api, ADA, "Bergen").await,
    );
    for path in [&oslo, &bergen] {
        fill(&api, path, 3).await;
    }
    let page = api
        .get(ADA, &format!("{oslo}/messages?limit=1"))
        .await
        .body();
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    for path in [
        format!("{bergen}/messages?cursor={cursor}"),
        format!("{oslo}/messages?order=desc&cursor={cursor}"),
    ] {
        assert_eq!(
            api.get(ADA, &path).await.problem(),
            (400, "malformed-request".to_owned()),
            "{path}"
        );
    }
}
