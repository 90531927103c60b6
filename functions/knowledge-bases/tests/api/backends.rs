//! Indexes that are kept elsewhere: what holds for the built-in one holds for them.

use std::sync::Arc;

use serde_json::{Value, json};
use shared::App;
use shared::config::Config;
use shared::model::MembershipRole::Member;
use stand_ins::qdrant::LocalQdrant;
use stand_ins::s3_vectors::LocalS3Vectors;

use crate::helpers::{ADA, World};

const BOB: Option<&str> = Some("bob");

/// What an index elsewhere knows.
struct Elsewhere {
    world: World,
    backend: &'static str,
    mode: &'static str,
    /// How many chunks the server has.
    kept: Box<dyn Fn() -> usize>,
}

async fn everywhere() -> Vec<Elsewhere> {
    let qdrant = LocalQdrant::start(None).await.expect("a server");
    let vectors = LocalS3Vectors::start("vectors").await.expect("a server");
    let (at, bucket) = (qdrant.url.clone(), vectors.url.clone());
    let of_qdrant = World::with(move |app: App| App {
        config: Arc::new(Config {
            qdrant_url: Some(at.clone()),
            ..(*app.config).clone()
        }),
        ..app
    });
    let of_vectors = World::with(move |app: App| App {
        config: Arc::new(Config {
            vector_bucket_name: Some("vectors".to_owned()),
            ..(*app.config).clone()
        }),
        sdk: app
            .sdk
            .clone()
            .into_builder()
            .endpoint_url(bucket.clone())
            .build(),
        ..app
    });
    vec![
        Elsewhere {
            world: of_qdrant.await,
            backend: "qdrant",
            mode: "hybrid",
            kept: Box::new(move || qdrant.points()),
        },
        Elsewhere {
            world: of_vectors.await,
            backend: "s3_vectors",
            mode: "vector",
            kept: Box::new(move || vectors.vectors()),
        },
    ]
}

#[tokio::test]
async fn documents_are_found_replaced_and_deleted_for_good() {
    for Elsewhere {
        world,
        backend,
        mode,
        kept,
    } in everywhere().await
    {
        let base = world.base(json!({"backend": backend})).await;
        let document = world
            .ready(&base, "Fjords", "The fjords of Norway are deep.")
            .await;
        world
            .ready(&base, "Lakes", "The lakes of Sweden are wide.")
            .await;
        let path = format!("{base}/search");
        let found = world
            .api
            .post(ADA, &path, json!({"query": "fjords of Norway"}))
            .await
            .body();
        assert_eq!(found["mode"], mode, "{found}");
        assert_eq!(found["data"][0]["document_name"], "Fjords", "{found}");
        let keyword = world
            .api
            .post(ADA, &path, json!({"query": "fjords", "mode": "keyword"}))
            .await;
        let expected = if mode == "hybrid" { 200 } else { 422 };
        assert_eq!(keyword.status, expected, "{}", keyword.text);
        let body = json!({"text": "Now it is about tax."});
        let replaced = world
            .api
            .post(ADA, &format!("{document}/replace"), body)
            .await;
        assert_eq!(replaced.status, 202, "{}", replaced.text);
        world.work_all().await;
        assert_eq!(world.names(&base, "tax").await, ["Fjords", "Lakes"]);
        assert_eq!(kept(), 2, "{backend}: nothing of the first content is left");
        assert_eq!(world.api.delete(ADA, &document).await.status, 204);
        assert_eq!(world.names(&base, "tax").await, ["Lakes"], "{backend}");
        world.work_all().await;
        assert_eq!(kept(), 1, "{backend}");
        assert_eq!(world.api.delete(ADA, &base).await.status, 204);
        world.work_all().await;
        assert_eq!(kept(), 0, "{backend}");
        assert!(world.objects("").await.is_empty(), "{backend}");
    }
}

#[tokio::test]
async fn who_may_not_see_a_document_does_not_find_it() {
    for Elsewhere { world, backend, .. } in everywhere().await {
        let base = world
            .base(json!({"backend": backend, "visibility": "tenant"}))
            .await;
        let bob = world.joins("bob", Member).await;
        for number in 0..12 {
            let source = json!({"text": format!("The fjords of Norway, part {number}.")});
            let body = json!({"name": format!("s{number}"), "readers": [], "source": source});
            world.document(&base, body).await;
        }
        let open = world
            .ready(&base, "Open", "Some fjords are in Chile.")
            .await;
        let query = "the fjords of Norway part";
        assert_eq!(
            world.names_by(BOB, &base, query).await,
            ["Open"],
            "{backend}"
        );
        assert_eq!(world.names(&base, query).await.len(), 13, "{backend}");
        // It counts at once, before the index knows.
        let shut = world.api.patch(ADA, &open, json!({"readers": []})).await;
        assert_eq!(shut.status, 200, "{}", shut.text);
        assert!(
            world.names_by(BOB, &base, query).await.is_empty(),
            "{backend}"
        );
        world.work_all().await;
        let named = world.api.patch(ADA, &open, json!({"readers": [bob]})).await;
        assert_eq!(named.status, 200, "{}", named.text);
        world.work_all().await;
        assert_eq!(
            world.names_by(BOB, &base, query).await,
            ["Open"],
            "{backend}"
        );
    }
}

#[tokio::test]
async fn another_model_makes_another_index_there_too() {
    for Elsewhere {
        world,
        backend,
        kept,
        ..
    } in everywhere().await
    {
        let base = world.base(json!({"backend": backend})).await;
        world
            .ready(&base, "Fjords", "The fjords of Norway are deep.")
            .await;
        let change = json!({"embedding_model": "few-words"});
        assert_eq!(world.api.patch(ADA, &base, change).await.status, 200);
        world.work_all().await;
        let after = world.get(&base).await;
        assert_eq!(after["index"]["embedding_model"], "few-words", "{after}");
        assert_eq!(after["next_index"], Value::Null);
        assert_eq!(world.names(&base, "fjords").await, ["Fjords"], "{backend}");
        assert_eq!(kept(), 1, "{backend}: the old index is deleted");
    }
}
