//! `PUT /api/v1/auth/me/password`

use axum::http::Method;
use serde_json::json;
use test_support::{Reply, TestApi};

use crate::helpers::{
    PASSWORD, api, is_alive, log_in, refreshes, subjects, text, tokens, trail, with_token,
};

const ADA: &str = "ada@example.com";
const NEW: &str = "an entirely different passphrase";

async fn change(api: &TestApi, token: &str, current: &str, new: &str) -> Reply {
    let body = json!({"current_password": current, "new_password": new});
    with_token(api, token, (Method::PUT, "/api/v1/auth/me/password"), body).await
}

#[tokio::test]
async fn with_the_current_password_it_is_changed_and_everything_open_ends() {
    let api = api().await;
    let (first, second) = (tokens(&api).await, tokens(&api).await);
    let changed = change(&api, &text(&first, "access_token"), PASSWORD, NEW).await;
    assert_eq!(changed.status, 204, "{}", changed.text);
    for tokens in [&first, &second] {
        assert!(!is_alive(&api, &text(tokens, "access_token")).await);
        assert!(!refreshes(&api, &text(tokens, "refresh_token")).await);
    }
    assert_eq!(log_in(&api, ADA, PASSWORD).await.status, 401);
    // A session of the same microsecond would count as one from before.
    api.app.clock.advance(std::time::Duration::from_secs(1));
    let fresh = log_in(&api, ADA, NEW).await.body();
    let subjects = subjects(&api, ADA).await;
    assert_eq!(
        subjects.last().map(String::as_str),
        Some("Your password was changed")
    );
    let trail = trail(&api, &text(&fresh, "access_token")).await;
    let changes = trail.iter().filter(|action| *action == "password_changed");
    assert_eq!(changes.count(), 1, "{trail:?}");
}

#[tokio::test]
async fn without_the_current_password_nothing_is_changed_and_guesses_are_counted() {
    let api = api().await;
    let token = text(&tokens(&api).await, "access_token");
    let body = json!({"new_password": NEW});
    let path = (Method::PUT, "/api/v1/auth/me/password");
    assert_eq!(with_token(&api, &token, path, body).await.status, 422);
    for _ in 0..5 {
        let wrong = change(&api, &token, "not the password at all", NEW).await;
        assert_eq!(wrong.problem(), (403, "forbidden".to_owned()));
    }
    let locked = change(&api, &token, PASSWORD, NEW).await;
    assert_eq!(locked.problem(), (429, "locked-out".to_owned()));
    assert!(is_alive(&api, &token).await);
    api.app.clock.advance(std::time::Duration::from_secs(1));
    assert_eq!(log_in(&api, ADA, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn of_two_changes_at_once_one_is_made() {
    let api = api().await;
    let token = text(&tokens(&api).await, "access_token");
    let news = [
        "the first of two passphrases",
        "the second of two passphrases",
    ];
    let (first, second) = tokio::join!(
        change(&api, &token, PASSWORD, news[0]),
        change(&api, &token, PASSWORD, news[1])
    );
    let statuses = [first.status.as_u16(), second.status.as_u16()];
    let made: Vec<usize> = (0..2).filter(|index| statuses[*index] == 204).collect();
    assert_eq!(made.len(), 1, "{statuses:?}");
    // The other one came too late: to find the old password, or the session.
    assert!(
        [401, 403, 409].contains(&statuses[1 - made[0]]),
        "{statuses:?}"
    );
    assert_eq!(log_in(&api, ADA, news[made[0]]).await.status, 200);
    assert_eq!(log_in(&api, ADA, news[1 - made[0]]).await.status, 401);
}
