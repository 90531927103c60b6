//! `DELETE`, and what becomes of the tokens.

use std::time::Duration;

use shared::model::{AuditAction, IdentityProviderId};
use test_support::Fault;

use crate::helpers::*;

#[tokio::test]
async fn what_is_deleted_is_refused_at_once_here_and_within_half_a_minute_elsewhere() {
    let (api, issuer) = (api().await, issuer().await);
    let here = api.beside(conversations::router);
    let elsewhere = api.elsewhere(conversations::router);
    let place = trust(&api, "ada", &issuer.url).await;
    let token = issuer.sign(&kim(&issuer));
    for process in [&here, &elsewhere] {
        assert_eq!(status(process, &token).await, 200);
    }
    assert_eq!(api.delete(ADA, &place).await.status, 204);
    assert_eq!(status(&here, &token).await, 401);
    assert_eq!(status(&elsewhere, &token).await, 200);
    api.app.clock.advance(Duration::from_secs(29));
    assert_eq!(status(&elsewhere, &token).await, 200);
    api.app.clock.advance(Duration::from_secs(1));
    assert_eq!(status(&elsewhere, &token).await, 401);
    // Whoever is trusted again has what was written before.
    trust(&api, "ada", &issuer.url).await;
    assert_eq!(status(&here, &token).await, 200);
}

#[tokio::test]
async fn it_is_deleted_once_with_its_trail() {
    let (api, issuer) = (api().await, issuer().await);
    let place = trust(&api, "ada", &issuer.url).await;
    api.table.fail("TransactWriteItems", Fault::Denied, 1);
    assert_eq!(api.delete(ADA, &place).await.status, 500);
    assert_eq!(api.get(ADA, &place).await.status, 200);
    assert_eq!(api.delete(ADA, &place).await.status, 204);
    for _ in 0..2 {
        let reply = api.delete(ADA, &place).await;
        assert_eq!(reply.problem(), (404, "not-found".to_owned()));
    }
    let deleted = trail(&api, "ada").await.into_iter();
    let deleted = deleted.filter(|(action, ..)| *action == AuditAction::IdentityProviderDeleted);
    let targets: Vec<Option<String>> = deleted.map(|(.., target)| target).collect();
    let id = place.rsplit('/').next().expect("an id").to_owned();
    assert_eq!(targets, [Some(id)]);
    let dump = api.table.dump().await;
    assert!(
        !dump.contains("ISSUER#") && !dump.contains("IDP#"),
        "{dump}"
    );
}

#[tokio::test]
async fn what_was_never_there_is_404() {
    let api = api().await;
    let path = path(&api, "ada").await;
    for id in [IdentityProviderId::new().to_string(), "x".to_owned()] {
        let path = format!("{path}/{id}");
        assert_eq!(api.delete(ADA, &path).await.status, 404, "{id}");
        assert_eq!(api.get(ADA, &path).await.status, 404, "{id}");
    }
}
