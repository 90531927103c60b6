//! What is written is found as it was written, once, until it is removed.

use retrieval::{Mode, Query};

use crate::subjects;
use crate::world::{World, entry, near};

const X: [f32; 3] = [1.0, 0.0, 0.0];
const Y: [f32; 3] = [0.0, 1.0, 0.0];

#[tokio::test]
async fn an_index_of_which_nothing_was_written_is_empty_and_can_be_dropped_twice() {
    for subject in subjects().await {
        let world = World::new(&subject);
        assert!(world.found(near(&X)).await.is_empty());
        world.remove(&[("a", "1")]).await;
        world.put(&entry("a", "1", &[("x", X)])).await;
        assert_eq!(world.found(near(&X)).await, ["a"]);
        for _ in 0..2 {
            world.drop_index().await;
            assert!(world.found(near(&X)).await.is_empty());
        }
    }
}

#[tokio::test]
async fn a_hit_says_everything_that_was_written() {
    for subject in subjects().await {
        let world = World::new(&subject);
        let text = "Grüße 👩‍👩‍👧 \u{202e}\"quoted\" \u{0} 日本語";
        let written = entry("dokument/ä/\"1\"", "v/0", &[(text, [1.0, 1.0, 0.0])]);
        world.put(&written).await;
        let hits = world.search(near(&X), None).await;
        let [hit] = hits.as_slice() else {
            panic!("{hits:?}");
        };
        let chunk = &written.chunks[0];
        assert_eq!(hit.document, written.document.id);
        assert_eq!(hit.version, written.document.version);
        assert_eq!(hit.name, written.document.name);
        assert_eq!(
            (hit.ordinal, hit.start, hit.end),
            (0, chunk.start, chunk.end)
        );
        assert_eq!((hit.page, hit.tokens), (chunk.page, chunk.tokens));
        assert_eq!((&hit.headings, &hit.text), (&chunk.headings, &chunk.text));
        let stage = hit.vector.expect("a stage of vectors");
        assert!((hit.score - 0.5_f32.sqrt()).abs() < 0.01, "{}", hit.score);
        assert_eq!((stage.rank, hit.keyword, hit.fused), (1, None, None));
    }
}

#[tokio::test]
async fn what_is_written_twice_is_there_once_and_a_shorter_one_leaves_nothing_of_the_longer() {
    for subject in subjects().await {
        let world = World::new(&subject);
        let long = vec![("x", X); 250];
        for _ in 0..2 {
            world.put(&entry("a", "1", &long)).await;
            assert_eq!((subject.kept)(), 250);
        }
        world.put(&entry("a", "1", &[("y", Y)])).await;
        assert_eq!((subject.kept)(), 1);
        let hits = world.search(near(&X), None).await;
        assert_eq!(hits.len(), 1);
        assert_eq!(hits[0].text, "y");
    }
}

#[tokio::test]
async fn a_new_version_stands_beside_the_old_one_until_that_is_removed() {
    for subject in subjects().await {
        let world = World::new(&subject);
        world.put(&entry("a", "1", &vec![("old", X); 201])).await;
        world.put(&entry("a", "2", &[("new", Y)])).await;
        world.put(&entry("b", "1", &[("other", Y)])).await;
        let alive = |key: &retrieval::DocumentKey<'_>| key.version == "2";
        let query = Query {
            visible: &alive,
            ..near(&X)
        };
        assert_eq!(world.found(query).await, ["a"]);
        for _ in 0..2 {
            world.remove(&[("a", "1")]).await;
            assert_eq!((subject.kept)(), 2);
        }
        assert_eq!(world.found(near(&Y)).await, ["a", "b"]);
    }
}

#[tokio::test]
async fn bounds_of_a_query_are_kept() {
    for subject in subjects().await {
        let world = World::new(&subject);
        world
            .put(&entry("a", "1", &[("1", X), ("2", X), ("3", X)]))
            .await;
        world.put(&entry("b", "1", &[("4", [1.0, 1.0, 0.0])])).await;
        world.put(&entry("c", "1", &[("5", Y)])).await;
        let query = near(&X);
        let limit = Query { limit: 2, ..query };
        assert_eq!(world.found(limit).await, ["a", "a"]);
        let each = Query {
            per_document: Some(1),
            ..query
        };
        assert_eq!(world.found(each).await, ["a", "b", "c"]);
        let cosine = Query {
            min_cosine: Some(0.5),
            per_document: Some(1),
            ..query
        };
        assert_eq!(world.found(cosine).await, ["a", "b"]);
        let score = Query {
            min_score: Some(0.9),
            ..query
        };
        assert_eq!(world.found(score).await, ["a", "a", "a"]);
        let few = Query {
            candidates: 1,
            limit: 1,
            ..query
        };
        assert_eq!(world.found(few).await, ["a"]);
        for wrong in [
            Query { limit: 0, ..query },
            Query {
                vector: Some(&[1.0]),
                ..query
            },
            Query {
                vector: Some(&[0.0; 3]),
                ..query
            },
            Query {
                vector: None,
                ..query
            },
        ] {
            let refused = world.try_search(wrong, None, crate::world::soon()).await;
            assert!(
                matches!(refused, Err(shared::Error::Invalid(_))),
                "{refused:?}"
            );
        }
    }
}

#[tokio::test]
async fn words_are_found_where_they_are_kept_and_refused_elsewhere() {
    for subject in subjects().await {
        let world = World::new(&subject);
        world
            .put(&entry("a", "1", &[("the zebra and the lion", X)]))
            .await;
        world
            .put(&entry("b", "1", &[("the zebra, the zebra", Y)]))
            .await;
        world
            .put(&entry("c", "1", &[("the lion", [0.9, 0.1, 0.0])]))
            .await;
        for mode in [Mode::Keyword, Mode::Hybrid] {
            let query = Query {
                mode,
                text: Some("Zebra"),
                ..near(&X)
            };
            let found = world.try_search(query, None, crate::world::soon()).await;
            if !subject.backend.modes().contains(&mode) {
                assert!(matches!(found, Err(shared::Error::Invalid(_))), "{found:?}");
                continue;
            }
            let found = found.unwrap();
            let order: Vec<&str> = found.iter().map(|hit| hit.document.as_str()).collect();
            if mode == Mode::Keyword {
                assert_eq!(order, ["b", "a"]);
                assert!(found[0].score > found[1].score && found[1].score > 0.0);
            } else {
                assert_eq!(order, ["a", "b", "c"]);
                let stages = found[0].vector.zip(found[0].keyword).expect("both");
                assert_eq!((stages.0.rank, stages.1.rank), (1, 2));
                assert!(found[2].keyword.is_none() && found[2].fused.is_some());
            }
        }
    }
}

#[tokio::test]
async fn ids_that_read_alike_in_a_row_are_kept_apart() {
    for subject in subjects().await {
        let world = World::new(&subject);
        for (document, version) in [("a/1", "2"), ("a", "1/2"), ("a%2F1", "2"), ("a1", "2")] {
            world.put(&entry(document, version, &[("x", X)])).await;
        }
        assert_eq!((subject.kept)(), 4);
        world.remove(&[("a", "1/2")]).await;
        let mut left = world.found(near(&X)).await;
        left.sort();
        assert_eq!(left, ["a%2F1", "a/1", "a1"]);
    }
}
