//! Verifying a trail that somebody changed in the table.

use serde_json::{Value, json};
use test_support::TestApi;

use crate::helpers::{
    DAY, PATH, VERIFY, api, delete, get, happen, key, next_day, put, row, verdict,
};

const BOTH_DAYS: &str = "?from=2026-01-01&to=2026-01-02";

/// A trail with seven records on the first day and six on the second, of which the last is about to be the
/// check itself.
async fn trail() -> TestApi {
    let api = api().await;
    happen(&api, 5).await;
    next_day(&api);
    happen(&api, 5).await;
    assert_eq!(verdict(&api, BOTH_DAYS).await, true);
    api
}

fn sk(day: &str, sequence: u64) -> String {
    format!("{day}#{sequence:010}")
}

/// The same content at another place.
fn moved(item: &Value, sk: &str) -> Value {
    let mut item = item.clone();
    item["sk"]["S"] = json!(sk);
    item
}

#[tokio::test]
async fn a_changed_field_is_found_where_it_is() {
    for (name, value) in [
        ("outcome", json!({"S": "denied"})),
        ("action", json!({"S": "login_failed"})),
        ("target", json!({"S": "somebody else"})),
        ("at", json!({"N": "1767225600000001"})),
        ("source_ip", json!({"S": "203.0.113.9"})),
        ("actor", json!({"M": {"type": {"S": "anonymous"}}})),
        (
            "request_id",
            json!({"S": "req_0199f0a0b1c27d3e8f405162738495a6"}),
        ),
        ("previous_hash", json!({"S": "00"})),
        ("hash", json!({"S": "00"})),
    ] {
        let api = trail().await;
        let mut item = row(&api, DAY, 4).await;
        assert_ne!(item[name], value);
        item[name] = value;
        put(&api, &item).await;
        assert_eq!(
            verdict(&api, BOTH_DAYS).await,
            json!(["changed", DAY, 4]),
            "{name}"
        );
        let later = verdict(&api, "?from=2026-01-02&to=2026-01-02").await;
        assert_eq!(later, true, "the day after holds by itself");
    }
}

#[tokio::test]
async fn what_is_no_record_is_found_where_it_is_and_does_not_hide_the_rest() {
    let api = trail().await;
    let mut item = row(&api, DAY, 4).await;
    item["action"] = json!({"S": "nonsense"});
    put(&api, &item).await;
    assert_eq!(
        verdict(&api, BOTH_DAYS).await,
        json!(["unreadable", DAY, 4])
    );
    let list = get(&api, &format!("{PATH}?from={DAY}&to={DAY}")).await;
    let records = list["data"].as_array().expect("a list");
    let numbers: Vec<&Value> = records.iter().map(|record| &record["sequence"]).collect();
    assert_eq!(numbers, [7, 6, 5, 3, 2, 1]);
}

#[tokio::test]
async fn a_record_that_is_gone_is_found_wherever_it_was() {
    for (day, sequence) in [
        (DAY, 1),
        (DAY, 4),
        // The last of a day: the day after says so.
        (DAY, 7),
        ("2026-01-02", 1),
        ("2026-01-02", 3),
    ] {
        let api = trail().await;
        delete(&api, &sk(day, sequence)).await;
        let expected = json!(["missing", day, sequence]);
        assert_eq!(verdict(&api, BOTH_DAYS).await, expected);
        if (day, sequence) == (DAY, 7) {
            let alone = format!("?from={DAY}&to={DAY}");
            assert_eq!(
                verdict(&api, &alone).await,
                expected,
                "also for the day alone"
            );
        }
    }
}

#[tokio::test]
async fn the_newest_record_is_missed_before_and_after_others_are_written() {
    let api = trail().await;
    for sequence in [5, 6] {
        delete(&api, &sk("2026-01-02", sequence)).await;
    }
    let expected = json!(["missing", "2026-01-02", 5]);
    assert_eq!(
        verdict(&api, BOTH_DAYS).await,
        expected,
        "the check itself is number 7"
    );
    happen(&api, 3).await;
    assert_eq!(verdict(&api, BOTH_DAYS).await, expected);
}

#[tokio::test]
async fn the_end_of_the_trail_is_missed_by_a_check_that_tells_nothing() {
    let api = trail().await;
    let first = get(&api, &format!("{VERIFY}{BOTH_DAYS}&limit=1")).await;
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    // The check is the newest. Without it, only the head knows that it was there.
    delete(&api, &sk("2026-01-02", 7)).await;
    let rest = format!("{BOTH_DAYS}&cursor={cursor}");
    assert_eq!(
        verdict(&api, &rest).await,
        json!(["missing", "2026-01-02", 7])
    );
}

#[tokio::test]
async fn all_records_of_a_day_are_missed() {
    let api = trail().await;
    next_day(&api);
    happen(&api, 1).await;
    for sequence in 1..=6 {
        delete(&api, &sk("2026-01-02", sequence)).await;
    }
    for days in [
        BOTH_DAYS,
        "?from=2026-01-02&to=2026-01-02",
        "?from=2026-01-01&to=2026-01-03",
    ] {
        assert_eq!(
            verdict(&api, days).await,
            json!(["missing", DAY, 8]),
            "{days}"
        );
    }
}

#[tokio::test]
async fn two_records_that_were_swapped_are_found_at_the_first() {
    let api = trail().await;
    let (third, fifth) = (row(&api, DAY, 3).await, row(&api, DAY, 5).await);
    put(&api, &moved(&third, &sk(DAY, 5))).await;
    put(&api, &moved(&fifth, &sk(DAY, 3))).await;
    assert_eq!(
        verdict(&api, BOTH_DAYS).await,
        json!(["out_of_place", DAY, 3])
    );
    // Nor does it help to give them the numbers of their new places.
    for (item, to, number) in [(&third, 5, "5"), (&fifth, 3, "3")] {
        let mut item = moved(item, &sk(DAY, to));
        item["sequence"] = json!({"N": number});
        put(&api, &item).await;
    }
    assert_eq!(verdict(&api, BOTH_DAYS).await, json!(["changed", DAY, 3]));
}

#[tokio::test]
async fn a_record_of_another_tenant_is_found() {
    let api = trail().await;
    api.people.get("bob").await;
    let (ada, bob) = (api.people.get("ada").await, api.people.get("bob").await);
    let key =
        json!({"pk": {"S": format!("AUDIT#{}", bob.tenant)}, "sk": {"S": sk("2026-01-02", 1)}});
    let request = json!({"TableName": "chatter", "Key": key});
    let mut foreign = api.table.raw("GetItem", request).await["Item"].clone();
    foreign["pk"]["S"] = json!(format!("AUDIT#{}", ada.tenant));
    put(&api, &foreign).await;
    assert_eq!(
        verdict(&api, BOTH_DAYS).await,
        json!(["changed", "2026-01-02", 1])
    );
}

/// A record with the hash that it must have, made by somebody who knows how.
fn forged(item: &Value, sequence: u64, previous: &Value, tenant: &str) -> Value {
    let mut item = moved(item, &sk("2026-01-02", sequence));
    item["sequence"]["N"] = json!(sequence.to_string());
    item["previous_hash"] = previous.clone();
    let text = |name: &str| item[name]["S"].as_str().expect("a text").to_owned();
    let record = json!({
        "day": text("day"), "sequence": sequence,
        "at": item["at"]["N"].as_str().and_then(|at| at.parse::<i64>().ok()),
        "actor": {"type": item["actor"]["M"]["type"]["S"], "id": item["actor"]["M"]["id"]["S"]},
        "action": text("action"), "target": item["target"]["S"], "outcome": text("outcome"),
        "source_ip": null, "request_id": text("request_id"),
        "previous_hash": text("previous_hash"), "hash": "",
    });
    let record: shared::model::AuditRecord = serde_json::from_value(record).expect("a record");
    let tenant = tenant.parse().expect("a tenant");
    item["hash"] = json!({"S": record.expected_hash(tenant)});
    item
}

#[tokio::test]
async fn a_record_that_was_added_at_the_end_is_found_even_with_the_right_hashes() {
    let api = trail().await;
    let tenant = api.people.get("ada").await.tenant.to_string();
    let newest = row(&api, "2026-01-02", 6).await;
    let first = get(&api, &format!("{VERIFY}{BOTH_DAYS}&limit=1")).await;
    let cursor = first["next_cursor"].as_str().expect("a cursor").to_owned();
    let check = row(&api, "2026-01-02", 7).await;
    assert_eq!(check["previous_hash"], newest["hash"]);
    // The forger's is right in itself.
    assert_eq!(
        forged(&newest, 6, &newest["previous_hash"], &tenant),
        newest
    );
    put(&api, &forged(&newest, 8, &check["hash"], &tenant)).await;
    let rest = format!("{BOTH_DAYS}&cursor={cursor}");
    assert_eq!(
        verdict(&api, &rest).await,
        json!(["added", "2026-01-02", 8])
    );
    // What happens is still told, behind it, and the break stays.
    happen(&api, 2).await;
    assert_eq!(
        verdict(&api, BOTH_DAYS).await,
        json!(["unlinked", "2026-01-02", 9])
    );

    let careless = api.people.get("ada").await.tenant;
    let mut item = newest.clone();
    item["sk"]["S"] = json!("2026-01-02#0000000003x");
    item["pk"]["S"] = json!(format!("AUDIT#{careless}"));
    put(&api, &item).await;
    assert_eq!(
        verdict(&api, BOTH_DAYS).await,
        json!(["unreadable", "2026-01-02", 4])
    );
}

#[tokio::test]
async fn a_head_that_is_gone_is_missed() {
    let api = trail().await;
    let first = get(&api, &format!("{VERIFY}{BOTH_DAYS}&limit=1")).await;
    let cursor = first["next_cursor"].as_str().expect("a cursor").to_owned();
    delete(&api, "HEAD").await;
    let rest = format!("{BOTH_DAYS}&cursor={cursor}");
    assert_eq!(
        verdict(&api, &rest).await,
        json!(["added", "2026-01-02", 1])
    );
    assert!(key(&api, "HEAD").await["pk"]["S"].is_string());
}
