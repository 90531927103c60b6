//! A filter finds what the filter itself wants, whatever a backend makes of it.

use retrieval::{AttributeValue, Attributes, Filter, Query};
use serde_json::{Value, json};

use crate::subjects;
use crate::world::{World, entry, near};

const X: [f32; 3] = [1.0, 0.0, 0.0];

fn documents() -> Vec<(&'static str, Value)> {
    vec![
        ("none", json!({})),
        ("number", json!({"k": 1})),
        ("more", json!({"k": 2.5, "other": "a"})),
        ("negative", json!({"k": -0.0})),
        ("text", json!({"k": "1"})),
        ("date", json!({"k": "2026-01-02"})),
        ("bool", json!({"k": true, "other": "b"})),
        (
            "odd",
            json!({"a.b[0].\"c\" $x ä": "ü".repeat(512), "$and": 7}),
        ),
    ]
}

fn filters() -> Vec<Value> {
    let mut filters = Vec::new();
    for value in [
        json!(1),
        json!(0),
        json!(2.5),
        json!("1"),
        json!("2026-01-01"),
        json!(true),
        json!(false),
    ] {
        for kind in ["eq", "ne", "gt", "gte", "lt", "lte"] {
            if value.is_boolean() && !["eq", "ne"].contains(&kind) {
                continue;
            }
            filters.push(json!({"type": kind, "key": "k", "value": value}));
        }
    }
    for kind in ["in", "nin"] {
        filters.push(json!({"type": kind, "key": "k", "value": [1, "1", true]}));
        filters.push(json!({"type": kind, "key": "k", "value": [9]}));
        filters.push(json!({"type": kind, "key": "other", "value": ["a", "b"]}));
    }
    filters.push(json!({"type": "eq", "key": "a.b[0].\"c\" $x ä", "value": "ü".repeat(512)}));
    filters.push(json!({"type": "gt", "key": "$and", "value": 6}));
    let one = json!({"type": "gte", "key": "k", "value": 1});
    let other = json!({"type": "ne", "key": "other", "value": "a"});
    filters.push(json!({"type": "and", "filters": [one, other]}));
    filters.push(json!({"type": "or", "filters": [
        {"type": "and", "filters": [one, {"type": "or", "filters": [other]}]},
        {"type": "lt", "key": "k", "value": "2"},
    ]}));
    filters
}

#[tokio::test]
async fn every_filter_finds_what_it_wants_and_nothing_else() {
    for subject in subjects().await {
        let world = World::new(&subject);
        for (name, attributes) in documents() {
            let mut document = entry(name, "1", &[("x", X)]);
            document.document.attributes = serde_json::from_value(attributes).unwrap();
            world.put(&document).await;
        }
        for filter in filters() {
            let parsed = Filter::parse(&filter).unwrap();
            let query = Query {
                filter: Some(&parsed),
                ..near(&X)
            };
            let mut found = world.found(query).await;
            found.sort();
            let wanted = |attributes: &Value| {
                parsed.wants(&serde_json::from_value::<Attributes>(attributes.clone()).unwrap())
            };
            let all = documents();
            let mut expected: Vec<&str> = all
                .iter()
                .filter(|(_, attributes)| wanted(attributes))
                .map(|(name, _)| *name)
                .collect();
            expected.sort_unstable();
            assert_eq!(found, expected, "{filter} in {:?}", subject.backend);
        }
    }
}

#[tokio::test]
async fn as_many_and_as_long_attributes_as_there_may_be_are_kept() {
    for subject in subjects().await {
        let world = World::new(&subject);
        let mut document = entry("full", "1", &[("x", X)]);
        let pairs = (0..16).map(|n| {
            let key = format!("{n:02}{}", "k".repeat(62));
            (key, AttributeValue::Text("ü".repeat(512)))
        });
        document.document.attributes = Attributes(pairs.collect());
        let readers = (0..24).map(|_| shared::model::UserId::new());
        document.readers = Some(readers.collect());
        world.put(&document).await;
        let hits = world.search(near(&X), None).await;
        assert_eq!(hits[0].attributes, document.document.attributes);
    }
}
