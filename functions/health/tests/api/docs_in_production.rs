//! In production the document is served and its page is not: the page runs scripts on the API's own address.

use std::sync::Arc;

use shared::App;
use shared::config::{Config, Stage};
use test_support::TestApi;

async fn api(stage: Stage) -> TestApi {
    TestApi::new(|app, keys| {
        let config = Config {
            stage,
            ..Config::clone(&app.config)
        };
        let config = Arc::new(config);
        health::router_with(App { config, ..app }, keys)
    })
    .await
}

#[tokio::test]
async fn production_has_no_page_and_every_other_stage_has() {
    for (stage, status) in [
        (Stage::Local, 200),
        (Stage::Dev, 200),
        (Stage::Staging, 200),
        (Stage::Prod, 404),
    ] {
        let api = api(stage).await;
        for path in [
            "/docs/",
            "/docs/swagger-ui.css",
            "/docs/swagger-initializer.js",
        ] {
            let reply = api.get(None, path).await;
            assert_eq!(reply.status.as_u16(), status, "{path} at {stage:?}");
        }
        assert_eq!(
            api.get(None, "/openapi.json").await.status,
            200,
            "{stage:?}"
        );
    }
    let reply = api(Stage::Prod).await.get(None, "/docs").await;
    assert_eq!(reply.problem(), (404, "no-such-route".to_owned()));
}
