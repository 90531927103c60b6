//! What a change means for tokens that were good before it: at once in the process that made it, and within half
//! a minute in every other.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;
use shared::kept::BELIEVED_FOR;
use shared::model::UserId;
use test_support::{Body, Reply, TestApi};

use crate::helpers::{ADA, BOB, join, members, promote, remove, with_tenant};

struct World {
    here: TestApi,
    elsewhere: TestApi,
    path: String,
    bob: UserId,
}

/// Bob, an administrator, has been seen by two processes.
async fn world() -> World {
    let (here, path) = with_tenant().await;
    let bob = join(&here, &path, "bob", "admin").await;
    let elsewhere = here.elsewhere(tenants::router);
    for api in [&here, &elsewhere] {
        assert_eq!(ask(api, &path).await.status, 200);
    }
    World {
        here,
        elsewhere,
        path,
        bob,
    }
}

/// What only an administrator may see.
async fn ask(api: &TestApi, path: &str) -> Reply {
    api.get(BOB, &format!("{path}/invitations")).await
}

impl World {
    async fn denied(&self, status: u16) {
        assert_eq!(ask(&self.here, &self.path).await.status, status);
        assert_eq!(BELIEVED_FOR, Duration::from_secs(30));
        self.here.app.clock.advance(Duration::from_secs(29));
        assert_eq!(ask(&self.elsewhere, &self.path).await.status, 200);
        self.here.app.clock.advance(Duration::from_secs(1));
        assert_eq!(ask(&self.elsewhere, &self.path).await.status, status);
    }
}

#[tokio::test]
async fn a_lower_role() {
    let world = world().await;
    let reply = promote(&world.here, "ada", &world.path, world.bob, "viewer").await;
    assert_eq!(reply.status, 200);
    world.denied(403).await;
}

#[tokio::test]
async fn a_removed_member() {
    let world = world().await;
    let reply = remove(&world.here, "ada", &world.path, world.bob).await;
    assert_eq!(reply.status, 204);
    world.denied(401).await;
}

#[tokio::test]
async fn a_suspended_tenant() {
    let world = world().await;
    let path = format!("{}/suspend", world.path);
    let reply = world.here.post(ADA, &path, json!({})).await;
    assert_eq!(reply.status, 200);
    world.denied(403).await;
}

#[tokio::test]
async fn a_deleted_tenant() {
    let world = world().await;
    assert_eq!(world.here.delete(ADA, &world.path).await.status, 204);
    world.denied(401).await;
}

#[tokio::test]
async fn within_the_half_minute_nobody_changes_people_with_a_role_that_is_lost() {
    let world = world().await;
    let World {
        here,
        elsewhere,
        path,
        bob,
    } = &world;
    let eve = join(here, path, "eve", "viewer").await;
    promote(here, "ada", path, *bob, "member").await;
    // This process still takes Bob for an administrator; the row counts.
    assert_eq!(ask(elsewhere, path).await.status, 200);
    let invitations = format!("{path}/invitations");
    let body = Body::Json(json!({"email": "joe@people.test", "role": "admin"}));
    for reply in [
        promote(elsewhere, "bob", path, *bob, "admin").await,
        promote(elsewhere, "bob", path, eve, "admin").await,
        remove(elsewhere, "bob", path, eve).await,
        elsewhere.send(BOB, Method::POST, &invitations, body).await,
    ] {
        assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
    }
    let expected = [("ada", "owner"), ("bob", "member"), ("eve", "viewer")];
    let expected = expected.map(|(name, role)| (name.to_owned(), role.to_owned()));
    assert_eq!(members(here, path).await, expected);
}
