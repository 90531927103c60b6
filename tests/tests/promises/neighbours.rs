//! What a tenant notices of another one that sends far more than it may: nothing.

use axum::http::Method;
use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::{Value, json};
use test_support::{Body, Reply, TestApi};

use crate::touched::keys;

/// How many requests of each class a tenant has in a minute.
const QUOTA: usize = 20;
/// How many of them are left after the first.
const LEFT: usize = QUOTA - 1;
/// How many a tenant sends that sends far too many.
const FLOOD: usize = 100 * QUOTA;
/// How many requests are under way at a time.
const AT_ONCE: usize = 64;
const PATH: &str = "/api/v1/conversations";

/// Policies of which only those of tenants are ever met.
fn limits() -> Value {
    let policy = |class: &str, per: &str, quota: usize| {
        let name = format!("{class}-{per}");
        json!({"name": name, "class": class, "per": per, "quota": quota, "window": 60})
    };
    let mut policies = vec![
        policy("open", "source", 1_000_000),
        policy("auth", "source", 1_000_000),
        policy("mail", "source", 1_000_000),
    ];
    for class in ["read", "write", "turn", "sensitive"] {
        policies.push(policy(class, "tenant", QUOTA));
    }
    policies.into()
}

async fn conversations() -> TestApi {
    TestApi::with_limits(&limits(), |app, _| conversations::router(app)).await
}

/// What one tenant got, and how many calls of the table it caused.
struct Got {
    replies: Vec<Reply>,
    calls: usize,
}

/// Sends so many requests of each person, evenly mixed, and gives what each got. Before that each sends one, so that
/// it is known who they are.
async fn send(api: &TestApi, method: &Method, counts: &[(&'static str, usize)]) -> Vec<Got> {
    let body = || match *method {
        Method::POST => Body::Json(json!({})),
        _ => Body::Empty,
    };
    let mut requests: Vec<(usize, &'static str)> = Vec::new();
    for (name, count) in counts {
        let first = api.send(Some(name), method.clone(), PATH, body()).await;
        assert!(first.status.is_success(), "{}", first.text);
        requests.extend((0..*count).map(|place| (place * FLOOD / count, *name)));
    }
    requests.sort_unstable();
    api.table.watch();
    let replies = stream::iter(requests).map(async |(_, name)| {
        let reply = api.send(Some(name), method.clone(), PATH, body()).await;
        (name, reply)
    });
    let replies: Vec<(&str, Reply)> = replies.buffer_unordered(AT_ONCE).collect().await;
    let asked = api.table.take_asked();
    let mut got = Vec::new();
    for (name, _) in counts {
        let person = api.people.get(name).await;
        let ids = [person.tenant.to_string(), person.user.to_string()];
        let is_own = |pk: &String| ids.iter().any(|id| pk.contains(id.as_str()));
        let calls = asked
            .iter()
            .filter(|asked| keys(asked).iter().any(|(pk, _)| is_own(pk)));
        got.push(Got {
            calls: calls.count(),
            replies: replies
                .iter()
                .filter(|(whose, _)| whose == name)
                .map(|(_, reply)| reply.clone())
                .collect(),
        });
    }
    got
}

#[tokio::test]
async fn a_tenant_that_sends_far_too_much_is_told_so_and_no_other_notices() {
    for (method, class, status) in [(Method::GET, "read", 200), (Method::POST, "write", 201)] {
        let alone = conversations().await;
        let alone = send(&alone, &method, &[("bob", LEFT)]).await.remove(0);
        let beside = conversations().await;
        let mut both = send(&beside, &method, &[("ada", FLOOD), ("bob", LEFT)]).await;
        let (bob, ada) = (both.remove(1), both.remove(0));

        assert_eq!(bob.replies.len(), LEFT);
        for reply in &bob.replies {
            assert_eq!(reply.status, status, "{method}: {}", reply.text);
        }
        assert_eq!(alone.calls, LEFT * 2, "a permit and what is asked");
        assert_eq!(bob.calls, alone.calls, "{method}: not one call more");

        let (passed, refused): (Vec<&Reply>, Vec<&Reply>) =
            ada.replies.iter().partition(|reply| reply.status == status);
        assert_eq!((passed.len(), refused.len()), (LEFT, FLOOD - LEFT));
        for reply in refused {
            assert_eq!(reply.problem(), (429, "quota-exceeded".to_owned()));
            let violated = &reply.body()["violated-policies"];
            assert_eq!(*violated, json!([format!("{class}-tenant")]));
            assert_eq!(reply.header("retry-after"), "60");
        }
        // What is refused costs nothing once it is known: those that were under way learn it by asking.
        let most = alone.calls + AT_ONCE;
        assert!(ada.calls <= most, "{method}: {} calls", ada.calls);
    }
}

#[tokio::test]
async fn what_one_tenant_has_used_up_is_there_for_the_others_and_for_itself_a_minute_later() {
    let api = conversations().await;
    send(&api, &Method::GET, &[("ada", FLOOD)]).await;
    assert_eq!(api.get(Some("ada"), PATH).await.status, 429);
    assert_eq!(api.get(Some("bob"), PATH).await.status, 200);
    api.app.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(api.get(Some("ada"), PATH).await.status, 200);
}
