//! Verifying a trail that is whole.

use serde_json::json;

use crate::helpers::{ADA, DAY, VERIFY, api, get, happen, next_day, verdict};

#[tokio::test]
async fn a_whole_trail_is_verified_with_its_count_and_its_end() {
    let api = api().await;
    happen(&api, 3).await;
    let body = get(&api, VERIFY).await;
    // Two of setting Ada up, and the check itself.
    assert_eq!(
        (&body["verified"], &body["checked"]),
        (&json!(true), &json!(6))
    );
    assert_eq!((&body["from"], &body["to"]), (&json!(DAY), &json!(DAY)));
    assert_eq!(
        (&body["first_broken"], &body["next_cursor"]),
        (&json!(null), &json!(null))
    );
    let newest = &get(&api, "/api/v1/audit?limit=2").await["data"][1];
    for name in ["day", "sequence", "hash"] {
        assert_eq!(body["last"][name], newest[name]);
    }
}

#[tokio::test]
async fn any_range_of_days_is_verified_by_itself() {
    let api = api().await;
    happen(&api, 3).await;
    next_day(&api);
    next_day(&api);
    happen(&api, 2).await;
    next_day(&api);
    for (query, checked) in [
        ("?from=2026-01-01&to=2026-01-01", 5),
        ("?from=2026-01-02&to=2026-01-02", 0),
        ("?from=2026-01-02&to=2026-01-03", 2),
        ("?from=2026-01-01&to=2026-01-03", 7),
        ("?from=2025-01-01&to=2025-12-31", 0),
        ("?from=2027-01-01&to=2027-12-31", 0),
        ("?to=2026-01-03", 2),
    ] {
        let body = get(&api, &format!("{VERIFY}{query}")).await;
        assert_eq!(body["verified"], true, "{query}: {body}");
        assert_eq!(body["checked"], checked, "{query}");
    }
    assert_eq!(verdict(&api, "?from=2020-01-01").await, true);
    for (wrong, field) in [
        ("from=x", "from"),
        ("from=2026-02-01&to=2026-01-01", "from"),
        ("limit=0", "limit"),
        ("limit=5001", "limit"),
        ("day=2026-01-01", "day"),
    ] {
        let reply = api.get(ADA, &format!("{VERIFY}?{wrong}")).await;
        assert_eq!(reply.problem().0, 422, "{wrong}");
        assert_eq!(reply.errors()[0].0, field, "{wrong}");
    }
}

#[tokio::test]
async fn a_long_trail_is_verified_in_pages_that_are_told_once() {
    let api = api().await;
    happen(&api, 8).await;
    next_day(&api);
    happen(&api, 8).await;
    let query = "?from=2026-01-01&to=2026-01-02&limit=4";
    let (mut checked, mut pages, mut cursor) = (0, 0, String::new());
    let last = loop {
        let body = get(&api, &format!("{VERIFY}{query}{cursor}")).await;
        checked += body["checked"].as_u64().expect("a number");
        pages += 1;
        match body["next_cursor"].as_str() {
            Some(next) => {
                assert_eq!(
                    (&body["verified"], &body["has_more"]),
                    (&json!(null), &json!(true))
                );
                cursor = format!("&cursor={next}");
            }
            None => break body,
        }
    };
    assert_eq!(last["verified"], true, "{last}");
    assert_eq!((checked, pages), (19, 5), "ten, eight and the check");
}

#[tokio::test]
async fn a_trail_that_others_write_to_is_verified_all_the_same() {
    let api = api().await;
    happen(&api, 5).await;
    let writes = async {
        for _ in 0..20 {
            happen(&api, 1).await;
        }
    };
    let checks = async {
        for _ in 0..20 {
            assert_eq!(verdict(&api, "").await, true);
        }
    };
    tokio::join!(writes, checks);
    assert_eq!(verdict(&api, "").await, true);
}
