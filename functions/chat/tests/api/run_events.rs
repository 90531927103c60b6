//! `GET /api/v1/runs/{run_id}/events`: the same events again, from any of them on.

use std::time::Duration;

use axum::http::Method;
use futures_util::StreamExt as _;
use serde_json::json;
use test_support::{Body, Reply, TestApi};

use crate::helpers::{ADA, api, conversation, impatient, say, stream};
use crate::runs::{newest, run_of};

/// The events as they are sent, without comments.
fn blocks(text: &str) -> Vec<String> {
    let blocks = text.split_inclusive("\n\n");
    blocks
        .filter(|block| !block.starts_with(':'))
        .map(str::to_owned)
        .collect()
}

async fn events_after(api: &TestApi, run: &str, header: Option<&str>, query: &str) -> Reply {
    let headers: Vec<(&'static str, &str)> =
        header.map(|id| ("last-event-id", id)).into_iter().collect();
    let path = format!("{run}/events{query}");
    api.send_with(ADA, Method::GET, &path, Body::Empty, &headers)
        .await
}

#[tokio::test]
async fn what_was_read_before_a_break_and_after_it_is_the_whole_stream_byte_for_byte() {
    let api = api().await;
    for script in [
        json!({"say": ["Hel", "lo\n", "\u{2028}there", "\"\\"]}),
        json!({"say": ["a", "b", "c", "d"], "cut_after": 3}),
    ] {
        let path = conversation(&api, json!({})).await;
        let whole = stream(&api, &path, script).await;
        let all = blocks(&whole.text);
        assert!(all.len() >= 5);
        let run = run_of(&whole);
        for read in 0..all.len() {
            let last = read.checked_sub(1).map(|last| last.to_string());
            let rest = events_after(&api, &run, last.as_deref(), "").await;
            assert_eq!(rest.status, 200);
            let union = [&all[..read], &blocks(&rest.text)].concat();
            assert_eq!(union, all, "after {last:?}");
            let query = last.map_or(String::new(), |last| format!("?starting_after={last}"));
            let same = events_after(&api, &run, None, &query).await;
            assert_eq!(same.text, rest.text);
        }
        let last = (all.len() - 1).to_string();
        let nothing = events_after(&api, &run, Some(&last), "").await;
        assert_eq!((nothing.status.as_u16(), nothing.text.as_str()), (204, ""));
    }
}

#[tokio::test]
async fn somebody_reads_along_in_another_process_while_the_model_writes() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let script = json!({"say": ["Once", " upon", " a"], "stall_after": 2});
    let turn = stream(&api, &path, script);
    let other = api.elsewhere(|app| chat::router_with(app, engine::ProviderKeys::fixed([])));
    let reading = async {
        let run = newest(&api).await;
        let request = other
            .request(
                ADA,
                Method::GET,
                &format!("{run}/events"),
                Body::Empty,
                &[("last-event-id", "0")],
            )
            .await;
        let mut chunks = other.start(request).await.into_body().into_data_stream();
        let mut text = String::new();
        let mut cancelled = false;
        while let Some(chunk) = chunks.next().await {
            text.push_str(std::str::from_utf8(&chunk.expect("no error")).expect("UTF-8"));
            // The run goes on until both words were seen.
            if text.contains(" upon") && !cancelled {
                cancelled = true;
                api.post(ADA, &format!("{run}/cancel"), json!({})).await;
            }
        }
        text
    };
    let both = async { tokio::join!(turn, reading) };
    let (whole, read) = tokio::time::timeout(Duration::from_secs(20), both)
        .await
        .expect("both end");
    assert_eq!(blocks(&read), blocks(&whole.text)[1..]);
}

#[tokio::test]
async fn a_stream_that_reaches_its_time_limit_ends_without_an_id_and_the_run_goes_on() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let turn = say(&api, &path, json!({"say": ["Hi"], "head_delay_ms": 1_500}));
    let reader = impatient(&api, 300);
    let reading = async {
        let run = newest(&api).await;
        events_after(&reader, &run, Some("0"), "").await
    };
    let (turn, read) = tokio::join!(turn, reading);
    assert_eq!(turn.status, 201);
    let blocks = blocks(&read.text);
    assert_eq!(blocks.len(), 1, "{}", read.text);
    assert!(blocks[0].starts_with("event: error\ndata: ") && !blocks[0].contains("\nid:"));
    assert!(blocks[0].contains("urn:chatter:problem:unavailable"));
}

#[tokio::test]
async fn after_a_day_only_the_last_event_is_left() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let whole = stream(&api, &path, json!({"say": ["Hi", " there"]})).await;
    let last = blocks(&whole.text).pop().expect("an event");
    api.app.clock.advance(Duration::from_secs(24 * 3600 + 1));
    api.people.log_in_again("ada").await;
    let rest = events_after(&api, &run_of(&whole), Some("0"), "").await;
    assert_eq!(rest.text, last);
}

#[tokio::test]
async fn a_last_event_id_that_is_none_is_refused() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let run = run_of(&say(&api, &path, "Hi").await);
    for wrong in ["x", "-1", "1.5", "99999999999999999999999"] {
        let reply = events_after(&api, &run, Some(wrong), "").await;
        assert_eq!(reply.problem().0, 400, "{wrong}");
    }
    let reply = events_after(&api, &run, None, "?starting_after=x").await;
    assert!([400, 422].contains(&reply.problem().0));
    // A client that has had no event yet.
    let reply = events_after(&api, &run, Some(""), "").await;
    assert_eq!(reply.events()[0].name, "start");
}
