//! Who sees what, and that what is hidden displaces nothing.

use std::collections::BTreeSet;

use retrieval::Query;
use shared::model::UserId;

use crate::subjects;
use crate::world::{World, entry, near};

const X: [f32; 3] = [1.0, 0.0, 0.0];
const FAR: [f32; 3] = [0.1, 1.0, 0.0];

async fn seen(world: &World<'_>, reader: UserId) -> Vec<String> {
    let hits = world.search(near(&X), Some(reader)).await;
    hits.into_iter().map(|hit| hit.document).collect()
}

#[tokio::test]
async fn a_reader_sees_what_is_for_everybody_and_what_names_them() {
    for subject in subjects().await {
        if !subject.keeps_readers {
            continue;
        }
        let world = World::new(&subject);
        let (ada, bob) = (UserId::new(), UserId::new());
        world.put(&entry("all", "1", &[("x", FAR)])).await;
        let mut own = entry("own", "1", &vec![("x", X); 120]);
        own.readers = Some(BTreeSet::from([ada]));
        world.put(&own).await;
        let mut nobodys = entry("nobodys", "1", &[("x", X)]);
        nobodys.readers = Some(BTreeSet::new());
        world.put(&nobodys).await;
        // A hundred and more of somebody else's are nearer.
        assert_eq!(seen(&world, bob).await, ["all"]);
        assert_eq!(seen(&world, ada).await, vec!["own"; 10]);
        for _ in 0..2 {
            own.readers = Some(BTreeSet::from([bob]));
            world.put(&own).await;
            assert_eq!(seen(&world, ada).await, ["all"]);
            assert_eq!(seen(&world, bob).await, vec!["own"; 10]);
        }
        assert_eq!((subject.kept)(), 122);
    }
}

#[tokio::test]
async fn a_hundred_readers_are_as_good_as_one() {
    for subject in subjects().await {
        if !subject.keeps_readers {
            continue;
        }
        let world = World::new(&subject);
        let readers: BTreeSet<UserId> = (0..100).map(|_| UserId::new()).collect();
        let mut team = entry("team", "1", &[("x", X)]);
        team.readers = Some(readers.clone());
        world.put(&team).await;
        world.put(&entry("all", "1", &[("x", FAR)])).await;
        for reader in [readers.first().unwrap(), readers.last().unwrap()] {
            assert_eq!(seen(&world, *reader).await, ["team", "all"]);
        }
        assert_eq!(seen(&world, UserId::new()).await, ["all"]);
    }
}

#[tokio::test]
async fn dead_versions_displace_nothing_that_counts() {
    for subject in subjects().await {
        let world = World::new(&subject);
        for version in 0..3 {
            let dead = entry("a", &format!("dead{version}"), &vec![("x", X); 40]);
            world.put(&dead).await;
        }
        world.put(&entry("a", "alive", &[("x", FAR)])).await;
        let alive = |key: &retrieval::DocumentKey<'_>| key.version == "alive";
        let query = Query {
            visible: &alive,
            candidates: 20,
            ..near(&X)
        };
        assert_eq!(world.found(query).await, ["a"]);
    }
}
