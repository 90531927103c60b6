//! A handler that panics answers 500, and the next request works.

use axum::Router;
use axum::routing::get;
use test_support::TestApi;

#[tokio::test]
async fn a_panic_is_a_500_without_its_text_and_the_next_request_works() {
    let api = TestApi::new(|_, _| {
        let broken = get(async || {
            if true {
                panic!("SECRET-OF-THE-PANIC");
            }
        });
        Ok(Router::new()
            .route("/broken", broken)
            .route("/fine", get(async || "fine")))
    })
    .await;
    let reply = api.get(None, "/broken").await;
    assert_eq!(reply.problem(), (500, "internal".to_owned()));
    assert!(!reply.text.contains("SECRET"), "{}", reply.text);
    assert_eq!(api.get(None, "/fine").await.text, "fine");
}
