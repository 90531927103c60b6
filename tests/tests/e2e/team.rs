//! A team in one tenant: invited by mail, with a key for its programs, a provider key of its own, and a trail of it all.

use reqwest::Method;
use serde_json::{Value, json};
use stand_ins::provider::ScriptedProvider;

use crate::client::Client;
use crate::mails::token_in_mail;
use crate::stack::Stack;

const BROUGHT: &str = "sk-canary-brought-by-the-team";

/// The answer is what must stand in no log.
pub(crate) async fn a_team_shares_a_tenant(
    stack: &Stack,
    provider: &ScriptedProvider,
) -> Vec<String> {
    let (mut cleo, mut dan) = (Client::new(&stack.api), Client::new(&stack.api));
    cleo.register_and_log_in("cleo").await;
    dan.register_and_log_in("dan").await;
    let name = json!({"name": "Looms"});
    let tenant = json_of(cleo.post("/api/v1/tenants", &name).await, 201).await;
    let tenant = tenant["id"].as_str().expect("an id");
    cleo.switch_to(tenant).await;
    let invitation = join(stack, &cleo, &mut dan, tenant).await;
    let key = a_key_is_good_until_it_is_revoked(&cleo).await;
    their_own_provider_key_is_used(&cleo, &dan, provider).await;
    their_trail_tells_of_it(&cleo).await;
    let mut secrets = vec![invitation, key, BROUGHT.to_owned()];
    secrets.extend(cleo.secrets().into_iter().chain(dan.secrets()));
    secrets
}

/// Dan comes in with nothing but what the mail says.
async fn join(stack: &Stack, cleo: &Client, dan: &mut Client, tenant: &str) -> String {
    let address = "dan.canary@example.com";
    let path = format!("/api/v1/tenants/{tenant}");
    let body = json!({"email": address, "role": "member"});
    json_of(cleo.post(&format!("{path}/invitations"), &body).await, 201).await;
    assert_eq!(dan.get(&path).await.status(), 404, "not invited to look");
    let token = token_in_mail(stack, address, "Join Looms").await;
    let body = json!({"token": token});
    let joined = dan.post("/api/v1/invitations/accept", &body).await;
    assert_eq!(json_of(joined, 200).await["role"], "member");
    dan.switch_to(tenant).await;
    let members = dan.get(&format!("{path}/members")).await;
    let members = json_of(members, 200).await;
    let members = members["data"].as_array().expect("members").iter();
    let roles: Vec<&Value> = members.map(|member| &member["role"]).collect();
    assert_eq!(roles, ["owner", "member"]);
    let refused = dan.post(&format!("{path}/suspend"), &json!({})).await;
    assert_eq!(refused.status(), 403, "members do not suspend");
    token
}

async fn a_key_is_good_until_it_is_revoked(cleo: &Client) -> String {
    let body = json!({"name": "nightly", "scopes": ["models:read"]});
    let made = json_of(cleo.post("/api/v1/api-keys", &body).await, 201).await;
    let key = made["key"].as_str().expect("a key");
    let program = cleo.with_key(key);
    assert_eq!(program.get("/api/v1/models").await.status(), 200);
    let beyond = program.get("/api/v1/conversations").await;
    assert_eq!(beyond.status(), 403, "not in its scopes");
    let path = format!("/api/v1/api-keys/{}", made["id"].as_str().expect("an id"));
    let request = cleo.request(Method::DELETE, &path);
    assert_eq!(request.send().await.expect("an answer").status(), 204);
    key.to_owned()
}

/// What Dan asks is paid by the key that Cleo brought.
async fn their_own_provider_key_is_used(cleo: &Client, dan: &Client, provider: &ScriptedProvider) {
    let path = "/api/v1/provider-credentials/scripted";
    let body = json!({"key": BROUGHT});
    let request = cleo.request(Method::PUT, path).json(&body);
    let stored = json_of(request.send().await.expect("an answer"), 200).await;
    assert!(!stored.to_string().contains(BROUGHT), "{stored}");
    let conversation = dan.conversation("scripted").await;
    provider.take_requests();
    let answer = dan.post(&conversation, &json!({"content": "Hello"})).await;
    assert_eq!(answer.status(), 201);
    let asked = provider.take_requests();
    let keys: Vec<_> = asked.iter().filter_map(|request| request.key()).collect();
    assert_eq!(keys, [BROUGHT]);
}

async fn their_trail_tells_of_it(cleo: &Client) {
    let trail = json_of(cleo.get("/api/v1/audit?limit=100").await, 200).await;
    let records = trail["data"].as_array().expect("records").iter();
    let actions: Vec<&str> = records
        .filter_map(|record| record["action"].as_str())
        .collect();
    for action in [
        "tenant_created",
        "member_invited",
        "member_joined",
        "access_denied",
        "api_key_created",
        "api_key_revoked",
    ] {
        assert!(actions.contains(&action), "{action} is not in {actions:?}");
    }
    let verified = json_of(cleo.get("/api/v1/audit/verify").await, 200).await;
    assert_eq!(verified["verified"], true, "{verified}");
    assert!(
        verified["checked"].as_u64() >= Some(actions.len() as u64),
        "{verified}"
    );
}

/// The body of a reply, which must have that status.
pub(crate) async fn json_of(reply: reqwest::Response, status: u16) -> Value {
    let got = reply.status();
    let body = reply.text().await.expect("a body");
    assert_eq!(got, status, "{body}");
    serde_json::from_str(&body).expect("JSON")
}
