//! A server that is away, and work that broke off.

use std::time::{Duration, Instant};

use shared::Error;
use stand_ins::IndexFault;

use crate::subjects;
use crate::world::{World, entry, near, of, soon};

const X: [f32; 3] = [1.0, 0.0, 0.0];

#[tokio::test]
async fn a_server_that_is_away_is_unavailable() {
    for subject in subjects().await {
        let Some(fail) = &subject.fail else { continue };
        let world = World::new(&subject);
        world.put(&entry("a", "1", &[("x", X)])).await;
        for fault in [
            IndexFault::Refused(500),
            IndexFault::Refused(503),
            IndexFault::Refused(429),
            IndexFault::Closed,
        ] {
            fail(Some(fault));
            let found = world.try_search(near(&X), None, soon()).await;
            assert!(
                matches!(found, Err(Error::Unavailable(_))),
                "{fault:?}: {found:?}"
            );
            let put = world.try_put(&entry("b", "1", &[("x", X)]), soon()).await;
            assert!(
                matches!(put, Err(Error::Unavailable(_))),
                "{fault:?}: {put:?}"
            );
            fail(None);
        }
        fail(Some(IndexFault::Refused(403)));
        let found = world.try_search(near(&X), None, soon()).await;
        assert!(matches!(found, Err(Error::Internal(_))), "{found:?}");
        fail(None);
        assert_eq!(world.found(near(&X)).await, ["a"]);
    }
}

#[tokio::test]
async fn nobody_waits_beyond_the_deadline() {
    for subject in subjects().await {
        let Some(fail) = &subject.fail else { continue };
        let world = World::new(&subject);
        fail(Some(IndexFault::Hang));
        let deadline = Instant::now() + Duration::from_millis(200);
        let found = world.try_search(near(&X), None, deadline).await;
        assert!(matches!(found, Err(Error::Unavailable(_))), "{found:?}");
        let put = world.try_put(&entry("a", "1", &[("x", X)]), deadline).await;
        assert!(matches!(put, Err(Error::Unavailable(_))), "{put:?}");
        assert!(deadline.elapsed() < Duration::from_secs(2));
        fail(None);
    }
}

#[tokio::test]
async fn what_broke_off_anywhere_is_whole_when_it_is_repeated() {
    for subject in subjects().await {
        let (Some(fail), Some(skip)) = (&subject.fail, &subject.skip) else {
            continue;
        };
        for fault in [IndexFault::Refused(503), IndexFault::ReplyLost] {
            for passing in 0..14 {
                let world = World::new(&subject);
                let all = entry("a", "1", &vec![("x", X); 210]);
                skip(passing);
                fail(Some(fault));
                // It may have been done before the first fault.
                drop(world.try_put(&all, soon()).await);
                fail(None);
                world.put(&all).await;
                assert_eq!((subject.kept)(), 210, "{fault:?} after {passing}");
                skip(passing);
                fail(Some(fault));
                let gone = [of("a", "1")].into();
                let backend = &subject.backend;
                drop(backend.remove(&world.place, &[], &gone, soon()).await);
                fail(None);
                world.remove(&[("a", "1")]).await;
                assert_eq!((subject.kept)(), 0, "{fault:?} after {passing}");
            }
        }
    }
}

#[tokio::test]
async fn an_index_is_made_once_however_many_write_at_once() {
    for subject in subjects().await {
        let world = World::new(&subject);
        let (a, b, c) = (
            entry("a", "1", &[("x", X)]),
            entry("b", "1", &[("x", X)]),
            entry("c", "1", &[("x", X)]),
        );
        tokio::join!(world.put(&a), world.put(&b), world.put(&c));
        assert_eq!(world.found(near(&X)).await.len(), 3);
    }
}
