//! Rotations under traffic: many processes, each with a ring of another age.

use std::collections::BTreeSet;
use std::time::Duration;

use secrecy::SecretString;
use shared::Error;
use shared::auth::{ACCESS_TOKEN_LIFETIME, Authenticator, KeySource};
use shared::clock::Moment;
use shared::model::{MembershipRole, SessionId, TenantId, UserId};
use shared::rotation::ACTIVATE_DELAY;
use shared::secret_source::BELIEVED_FOR;
use shared::secrets::Secrets;
use shared::vault::Vault;
use stand_ins::secrets::SecretsFault;

use crate::helpers::{DATA, OLD, SIGNING, Stack, TOKEN, sdk};

const PROCESSES: u64 = 20;
const SECOND_TOKEN: &str = "22222222-2222-2222-2222-222222222222";
const TICK: Duration = Duration::from_secs(13);

/// Processes whose rings were read at moments spread over the time that a ring is believed.
async fn processes(stack: &Stack) -> Vec<Authenticator> {
    let sdk = sdk(&stack.manager.url).await;
    let mut processes = Vec::new();
    for _ in 0..PROCESSES {
        let secrets = Secrets::new(&sdk);
        let keys = KeySource::secret(secrets, SIGNING.to_owned(), stack.app.clock.clone());
        let process = authenticator(stack, keys);
        process.keys().ring().await.expect("a ring");
        processes.push(process);
        stack
            .app
            .clock
            .advance(BELIEVED_FOR / u32::try_from(PROCESSES).expect("few"));
    }
    processes
}

fn authenticator(stack: &Stack, keys: KeySource) -> Authenticator {
    let app = &stack.app;
    Authenticator::new(
        keys,
        app.config.token_issuer.clone(),
        app.clock.clone(),
        app.config.stage,
        app.authenticator.standings().clone(),
        app.authenticator.federation().clone(),
    )
}

async fn token(process: &Authenticator) -> String {
    let (user, session, tenant) = (UserId::new(), SessionId::new(), TenantId::new());
    let token = process.access_token(user, session, tenant, MembershipRole::Owner);
    token.await.expect("a token")
}

/// Someone who has a ring of before and signs with it, whatever the time.
fn signer(stack: &Stack, value: &str) -> Authenticator {
    let value = SecretString::from(value);
    authenticator(stack, KeySource::fixed(value, stack.app.clock.clone()))
}

fn kid(token: &str) -> &str {
    token.split('.').next().expect("a header")
}

#[tokio::test]
async fn two_rotations_in_a_row_lose_no_token() {
    let stack = Stack::new().await;
    let processes = processes(&stack).await;
    let clock = &stack.app.clock;
    let start = clock.now();
    let mut alive: Vec<(Moment, String)> = Vec::new();
    let mut kids: BTreeSet<String> = BTreeSet::new();
    stack.operations();
    let end = ACTIVATE_DELAY + BELIEVED_FOR + ACCESS_TOKEN_LIFETIME * 4;
    for tick in 0_usize.. {
        let passed = clock.now().since(start);
        if passed > end {
            break;
        }
        match tick {
            10 => stack.rotate(SIGNING, TOKEN).await,
            // Two minutes after: tokens of before the first rotation are alive.
            20 => stack.rotate(SIGNING, SECOND_TOKEN).await,
            _ => {}
        }
        // Whoever signs, with whatever key: a new token is good everywhere at once.
        let mut new: Vec<String> = Vec::new();
        for process in &processes {
            new.push(token(process).await);
        }
        new.dedup_by(|later, earlier| kid(later) == kid(earlier));
        for token in new {
            for process in &processes {
                process.subject(&token).await.expect("at first use");
            }
            kids.insert(kid(&token).to_owned());
            alive.push((clock.now(), token));
        }
        alive.retain(|(issued, _)| clock.now().since(*issued) < ACCESS_TOKEN_LIFETIME);
        // And the others are still, the oldest too.
        for (place, (_, old)) in alive.iter().enumerate().step_by(2) {
            let process = &processes[(tick + place) % processes.len()];
            process.subject(old).await.expect("not expired");
        }
        clock.advance(TICK);
    }
    assert_eq!(kids.len(), 3, "each key has signed");
    // Each process has read its ring again every five minutes; nothing made it read more often.
    let reads = stack
        .operations()
        .iter()
        .filter(|name| *name == "GetSecretValue")
        .count();
    let rotations = 2 * 6;
    let most = usize::try_from(PROCESSES * (end.as_secs() / BELIEVED_FOR.as_secs() + 1));
    assert!(reads <= most.expect("few") + rotations, "{reads}");
}

#[tokio::test]
async fn a_key_is_refused_after_it_retired_and_not_before() {
    let stack = Stack::new().await;
    let processes = processes(&stack).await;
    let old = signer(&stack, &stack.value(SIGNING, OLD).expect("a value"));
    stack.rotate(SIGNING, TOKEN).await;
    let ring: serde_json::Value =
        serde_json::from_str(&stack.value(SIGNING, TOKEN).expect("a value")).expect("JSON");
    let retires = ring["keys"][0]["retire_after"].as_i64().expect("a time");
    let begins = ring["keys"][1]["not_sign_before"].as_i64().expect("a time");
    let lifetime = i64::try_from(ACCESS_TOKEN_LIFETIME.as_secs()).expect("short");
    assert!(retires >= begins + lifetime + 5 + 300, "{retires} {begins}");
    let retires = Moment::from_unix_seconds(retires);
    let clock = &stack.app.clock;
    clock.advance(retires.since(clock.now()) - Duration::from_secs(1));
    let last = token(&old).await;
    for process in &processes {
        process.subject(&last).await.expect("its last second");
    }
    clock.advance(Duration::from_secs(1));
    for process in &processes {
        let refused = process.subject(&last).await;
        assert!(
            matches!(refused, Err(Error::Unauthenticated)),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn made_up_keys_cost_one_read_a_minute_and_are_refused() {
    let stack = Stack::new().await;
    let process = &processes(&stack).await[0];
    let stranger = signer(
        &stack,
        r#"{"bootstrap":"a stranger's text that is long enough"}"#,
    );
    let clock = &stack.app.clock;
    stack.operations();
    for minute in 0..4 {
        for _ in 0..20 {
            let made_up = token(&stranger).await;
            let refused = process.subject(&made_up).await;
            assert!(
                matches!(refused, Err(Error::Unauthenticated)),
                "{refused:?}"
            );
            clock.advance(Duration::from_secs(3));
        }
        let reads = stack.operations().len();
        assert!(reads <= 1, "{reads} reads in minute {minute}");
    }
}

#[tokio::test]
async fn a_ring_that_is_known_outlasts_secrets_manager() {
    let stack = Stack::new().await;
    let process = &processes(&stack).await[0];
    let clock = &stack.app.clock;
    stack.operations();
    stack.manager.fail("*", SecretsFault::Unavailable, 100_000);
    let hour = 60;
    for _ in 0..hour * 2 {
        let token = token(process).await;
        process.subject(&token).await.expect("the ring is kept");
        clock.advance(Duration::from_secs(30));
    }
    let reads = stack.operations().len();
    assert!((2..=hour).contains(&reads), "{reads} in an hour");
    stack.manager.heal();
    clock.advance(Duration::from_secs(60));
    process.keys().ring().await.expect("a ring");
    assert_eq!(
        stack.operations().len(),
        1,
        "read again as soon as it can be"
    );
}

#[tokio::test]
async fn while_one_request_reads_a_ring_anew_the_others_do_not_wait() {
    let stack = Stack::new().await;
    let process = processes(&stack).await.remove(0);
    stack.app.clock.advance(BELIEVED_FOR);
    stack.operations();
    let slow = SecretsFault::Delayed(Duration::from_secs(2));
    stack.manager.fail("GetSecretValue", slow, 1);
    let reader = process.clone();
    let reading = tokio::spawn(async move { reader.keys().ring().await });
    while stack.operations().is_empty() {
        tokio::task::yield_now().await;
    }
    for _ in 0..16 {
        let token = token(&process).await;
        process.subject(&token).await.expect("the ring is kept");
    }
    assert!(!reading.is_finished(), "they did not wait for it");
    reading.await.expect("no panic").expect("a ring");
    assert!(stack.operations().is_empty(), "nobody else read it");
}

#[tokio::test]
async fn what_is_sealed_opens_in_every_process_through_two_rotations() {
    let stack = Stack::new().await;
    let sdk = sdk(&stack.manager.url).await;
    let clock = &stack.app.clock;
    let mut vaults = Vec::new();
    for _ in 0..10 {
        let vault = Vault::secret(Secrets::new(&sdk), DATA.to_owned(), clock.clone());
        let text = SecretString::from("x");
        vault.seal("a", &text).await.expect("it reads its keys");
        vaults.push(vault);
        clock.advance(BELIEVED_FOR / 10);
    }
    let mut sealed = Vec::new();
    for tick in 0..400_usize {
        match tick {
            10 => stack.rotate(DATA, TOKEN).await,
            20 => stack.rotate(DATA, SECOND_TOKEN).await,
            _ => {}
        }
        let text = SecretString::from("sk-canary");
        for vault in &vaults {
            sealed.push(vault.seal("tenant", &text).await.expect("sealed"));
        }
        let newest = &sealed[sealed.len() - vaults.len()..];
        for vault in &vaults {
            for sealed in newest.iter().chain([&sealed[tick], &sealed[0]]) {
                vault.open("tenant", sealed).await.expect("opened");
            }
        }
        clock.advance(TICK);
    }
    let keys = sealed.iter().filter_map(|sealed| sealed.split('.').nth(1));
    let keys: BTreeSet<&str> = keys.collect();
    assert_eq!(keys.len(), 3, "each key has sealed");
}
