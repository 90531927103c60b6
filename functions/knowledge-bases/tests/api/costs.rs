//! What documents and searches cost in DynamoDB and S3.

use std::collections::BTreeMap;

use serde_json::json;

use crate::helpers::World;

/// What was asked of the table and of the bucket.
#[derive(Debug, Clone, PartialEq)]
struct Cost {
    calls: usize,
    read_units: f64,
    write_units: f64,
    bucket: BTreeMap<&'static str, u64>,
}

/// Asks what was asked since it was asked last.
fn since(world: &World, before: &mut BTreeMap<&'static str, u64>) -> Cost {
    let calls = world.api.table.take_calls();
    let is_read = |operation: &str| ["GetItem", "Query", "BatchGetItem"].contains(&operation);
    let units = |reads: bool| -> f64 {
        let wanted = calls
            .iter()
            .filter(|call| is_read(&call.operation) == reads);
        wanted
            .map(|call| call.units)
            .fold(0.0, |sum, more| sum + more)
    };
    let after = world.api.app.blobs.calls();
    let bucket = after.iter().filter_map(|(call, count)| {
        let more = count - before.get(call).copied().unwrap_or(0);
        (more > 0).then_some((*call, more))
    });
    let cost = Cost {
        calls: calls.len(),
        read_units: units(true),
        write_units: units(false),
        bucket: bucket.collect(),
    };
    *before = after;
    cost
}

#[tokio::test]
async fn a_document_and_a_search_cost_what_they_are_said_to() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    world
        .ready(&base, "Warm", "Who calls is known by now.")
        .await;
    world.found(&base, json!({"query": "warm"})).await;
    let mut bucket = BTreeMap::new();
    since(&world, &mut bucket);
    world
        .text(&base, "One", "The fjords of Norway are deep.")
        .await;
    let created = since(&world, &mut bucket);
    world.work().await;
    let taken_in = since(&world, &mut bucket);
    let query = json!({"query": "fjords of Norway"});
    world.found(&base, query.clone()).await;
    let first = since(&world, &mut bucket);
    world.found(&base, query).await;
    let again = since(&world, &mut bucket);
    assert_eq!(created.bucket, BTreeMap::from([("PutObject", 1)]));
    assert!(created.write_units <= 11.0, "{created:?}");
    // Text, vectors and segment are written, and the bytes read.
    assert_eq!(taken_in.bucket["PutObject"], 3, "{taken_in:?}");
    assert!(
        taken_in.bucket["GetObject"] <= 2 && taken_in.bucket["ListObjectsV2"] <= 1,
        "{taken_in:?}"
    );
    assert!(taken_in.write_units <= 20.0, "{taken_in:?}");
    assert_eq!(
        first.bucket,
        BTreeMap::from([("GetObject", 1)]),
        "the new segment alone"
    );
    assert_eq!(again.bucket, BTreeMap::new());
    assert!(again.calls <= 1 && again.read_units <= 2.0, "{again:?}");
}
