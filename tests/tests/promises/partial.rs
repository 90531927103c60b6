//! What DynamoDB answers in part: a page without an item is not the end of a listing, and what was left undone of a
//! batch is asked for again, or the client is told.

use serde_json::{Value, json};
use shared::model::{MembershipRole, Scope};
use test_support::{Fault, Reply, TestApi};

const ADA: Option<&str> = Some("ada");
const CONVERSATIONS: &str = "/api/v1/conversations";

/// Ada with some of everything that is listed. Gives the path of a conversation with messages.
async fn world() -> (TestApi, String) {
    let api = TestApi::new(chat::router_with).await;
    let made = api
        .beside(tenants::router)
        .post(ADA, "/api/v1/tenants", json!({"name": "Engines"}))
        .await;
    let id = made.body()["id"].as_str().and_then(|id| id.parse().ok());
    api.people.enter("ada", id.expect("an id")).await;
    let conversations = api.beside(conversations::router);
    for title in ["Oslo", "Bergen"] {
        let made = conversations
            .post(ADA, CONVERSATIONS, json!({"title": title}))
            .await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    let made = conversations.post(ADA, CONVERSATIONS, json!({})).await;
    let path = made.location().to_owned();
    for content in ["One", "Two"] {
        assert_eq!(say(&api, &path, content).await.status, 201);
    }
    for name in ["bob", "eve"] {
        api.people.join(name, "ada", MembershipRole::Member).await;
    }
    for _ in 0..2 {
        api.people.api_key("ada", &Scope::ALL).await;
        api.people.log_in_again("ada").await;
    }
    (api, path)
}

async fn say(api: &TestApi, path: &str, content: &str) -> Reply {
    api.post(
        ADA,
        &format!("{path}/messages"),
        json!({"content": content}),
    )
    .await
}

/// Every listing, with the function that gives it and how many entries it has.
async fn listings(api: &TestApi, path: &str) -> Vec<(TestApi, String, usize)> {
    let tenant = format!("/api/v1/tenants/{}", api.people.get("ada").await.tenant);
    let tenants = api.beside(tenants::router);
    let invite = json!({"email": "joe@people.test", "role": "member"});
    let invited = tenants
        .post(ADA, &format!("{tenant}/invitations"), invite)
        .await;
    assert_eq!(invited.status, 201, "{}", invited.text);
    let conversations = api.beside(conversations::router);
    let auth = api.beside(auth::router);
    vec![
        (conversations.clone(), CONVERSATIONS.to_owned(), 3),
        (
            conversations.clone(),
            format!("{CONVERSATIONS}?status=active"),
            3,
        ),
        (conversations.clone(), format!("{path}/messages"), 4),
        (conversations, format!("{path}/messages?order=desc"), 4),
        (
            api.beside(api_keys::router),
            "/api/v1/api-keys".to_owned(),
            2,
        ),
        (tenants.clone(), format!("{tenant}/members"), 3),
        (tenants.clone(), format!("{tenant}/invitations"), 1),
        (tenants, "/api/v1/tenants".to_owned(), 2),
        (auth, "/api/v1/auth/sessions".to_owned(), 3),
        (
            api.beside(audit::router),
            "/api/v1/audit?action=login_succeeded".to_owned(),
            9,
        ),
    ]
}

fn entries(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.body()["data"].clone()
}

#[tokio::test]
async fn an_empty_page_is_not_the_end_of_a_listing() {
    let (api, path) = world().await;
    for (function, path, count) in listings(&api, &path).await {
        let whole = entries(&function.get(ADA, &path).await);
        let found = whole.as_array().map(Vec::len);
        assert!(found >= Some(count), "{path}: {found:?}");
        api.table.fail("Query", Fault::EmptyPage, 2);
        let interrupted = entries(&function.get(ADA, &path).await);
        assert_eq!(interrupted, whole, "{path}");
        // And so with the pages that clients ask for.
        let separator = if path.contains('?') { '&' } else { '?' };
        let first = format!("{path}{separator}limit=1");
        if path.ends_with("sessions") || path.ends_with("tenants") {
            continue;
        }
        api.table.fail("Query", Fault::EmptyPage, 1);
        let reply = function.get(ADA, &first).await;
        assert_eq!(entries(&reply)[0], whole[0], "{first}");
        let body = reply.body();
        assert_eq!(
            body["has_more"].as_bool(),
            Some(count > 1),
            "{first}: {body}"
        );
        assert_eq!(body["next_cursor"].is_string(), count > 1, "{first}");
        api.table.heal();
    }
}

#[tokio::test]
async fn a_turn_after_an_empty_page_knows_the_ones_before() {
    let (api, path) = world().await;
    api.provider.take_requests();
    api.table.fail("Query", Fault::EmptyPage, 2);
    assert_eq!(say(&api, &path, "Three").await.status, 201);
    let requests = api.provider.take_requests();
    let sent = requests[0].body["messages"].as_array().expect("messages");
    assert_eq!(sent.len(), 5, "{sent:?}");
}

#[tokio::test]
async fn a_chain_and_an_outbox_are_read_behind_an_empty_page() {
    let (api, _) = world().await;
    let audit = api.beside(audit::router);
    let verified = audit.get(ADA, "/api/v1/audit/verify").await;
    assert_eq!(verified.status, 200, "{}", verified.text);
    api.table.fail("Query", Fault::EmptyPage, 3);
    let again = audit.get(ADA, "/api/v1/audit/verify").await;
    // The check before stands in the trail, too.
    let checked = |reply: &Reply| reply.body()["checked"].as_u64().expect("a number");
    assert_eq!(checked(&again), checked(&verified) + 1);
    assert_eq!(again.body()["verified"], true);
    api.table.heal();

    #[expect(clippy::disallowed_methods, reason = "who sends mails asks so")]
    let outbox = api.app.store.outbox();
    let later = api.app.clock.now().plus(std::time::Duration::from_secs(1));
    let due = outbox.mails_due(later, 100).await.expect("mails");
    assert!(!due.is_empty());
    // Every partition of the outbox is asked once.
    api.table.fail("Query", Fault::EmptyPage, 16);
    assert_eq!(outbox.mails_due(later, 100).await.expect("mails"), due);
}

#[tokio::test]
async fn a_conversation_is_deleted_with_all_its_messages_whatever_is_left_undone() {
    let (api, path) = world().await;
    let conversations = api.beside(conversations::router);
    api.table.fail("Query", Fault::EmptyPage, 1);
    api.table.fail("BatchWriteItem", Fault::Unprocessed, 2);
    let deleted = conversations.delete(ADA, &path).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    assert!(!api.table.dump().await.contains("MSG#"));
}

#[tokio::test]
async fn reads_that_are_left_undone_are_asked_again_and_in_the_end_told() {
    let (api, _) = world().await;
    let members = format!(
        "/api/v1/tenants/{}/members",
        api.people.get("ada").await.tenant
    );
    let whole = entries(&api.beside(tenants::router).get(ADA, &members).await);
    // A new process reads who calls in a batch, and the members' names in another.
    let new_process = || api.elsewhere(tenants::router);
    for times in [1, 2, 4] {
        api.table.fail("BatchGetItem", Fault::Unprocessed, times);
        let reply = new_process().get(ADA, &members).await;
        assert_eq!(entries(&reply), whole, "{times}");
    }
    api.table.fail("BatchGetItem", Fault::Unprocessed, 100);
    let told = new_process().get(ADA, &members).await;
    assert_eq!(told.problem(), (503, "unavailable".to_owned()));
    assert_eq!(told.header("retry-after"), "1");
    api.table.heal();
}
