//! How rings are read, and what they seal and open.

use super::*;
use proptest::prelude::*;

fn at(seconds: i64) -> Moment {
    Moment::from_unix_seconds(seconds)
}

fn ring(value: &str) -> Result<DataKeys, DataKeysFault> {
    DataKeys::parse(&SecretString::from(value))
}

fn two_keys() -> DataKeys {
    let (old, new) = (
        URL_SAFE_NO_PAD.encode([1; 32]),
        URL_SAFE_NO_PAD.encode([2; 32]),
    );
    let value = format!(
        r#"{{"keys":[{{"id":"a","key":"{old}"}},{{"id":"b","key":"{new}","not_encrypt_before":1000}}]}}"#
    );
    ring(&value).expect("a ring")
}

fn sealed(text: &str) -> String {
    let text = SecretString::from(text);
    two_keys().seal("tenant/a", &text, at(0)).expect("sealed")
}

#[test]
fn the_newest_key_that_may_encrypt_does_and_the_old_one_still_opens() {
    let keys = two_keys();
    let text = SecretString::from("sk-canary");
    for (moment, prefix) in [(999, "v1.a."), (1000, "v1.b.")] {
        let sealed = keys.seal("tenant/a", &text, at(moment)).expect("sealed");
        assert!(sealed.starts_with(prefix) && !sealed.contains("canary"));
        let opened = keys.open("tenant/a", &sealed).expect("opened");
        assert_eq!(opened.expose_secret(), "sk-canary");
    }
    assert_ne!(sealed("x"), sealed("x"), "the nonce is random");
}

#[test]
fn it_opens_only_where_it_was_sealed_for_and_unchanged() {
    let sealed = sealed("sk-canary");
    let keys = two_keys();
    assert!(matches!(
        keys.open("tenant/b", &sealed),
        Err(SealFault::Refused)
    ));
    let other_key = sealed.replace("v1.a.", "v1.b.");
    assert!(matches!(
        keys.open("tenant/a", &other_key),
        Err(SealFault::Refused)
    ));
    let unknown = sealed.replace("v1.a.", "v1.c.");
    assert!(matches!(
        keys.open("tenant/a", &unknown),
        Err(SealFault::UnknownKey)
    ));
    let (head, body) = sealed.rsplit_once('.').expect("three parts");
    let bytes = URL_SAFE_NO_PAD.decode(body).expect("base64url");
    for place in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        let changed = format!("{head}.{}", URL_SAFE_NO_PAD.encode(changed));
        assert!(keys.open("tenant/a", &changed).is_err(), "byte {place}");
    }
    let nowhere = keys.seal("", &SecretString::from("x"), at(0));
    assert!(nowhere.is_err(), "without a context");
}

#[test]
fn a_bad_value_is_refused_without_quoting_it() {
    let short = &URL_SAFE_NO_PAD.encode([7; 16]);
    let good = &URL_SAFE_NO_PAD.encode([7; 32]);
    for value in [
        "hunter2".to_owned(),
        "{}".to_owned(),
        r#"{"keys":[]}"#.to_owned(),
        r#"{"bootstrap":"hunter2"}"#.to_owned(),
        format!(r#"{{"keys":[{{"id":"a","key":"{short}"}}]}}"#),
        format!(r#"{{"keys":[{{"id":"a.b","key":"{good}"}}]}}"#),
        format!(r#"{{"keys":[{{"id":"a","key":"{good}"}},{{"id":"a","key":"{good}"}}]}}"#),
    ] {
        let fault = ring(&value).expect_err(&value).to_string();
        for secret in ["hunter2", short, good] {
            assert!(!fault.contains(secret), "{fault}");
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_stored_opens_or_is_refused_without_a_panic(text in ".{0,80}") {
        let keys = two_keys();
        prop_assert!(keys.open("tenant/a", &text).is_err());
        let with_a_key = format!("v1.a.{text}");
        prop_assert!(keys.open("tenant/a", &with_a_key).is_err());
    }
}

fn bootstrap(length: usize) -> SecretString {
    SecretString::from(format!(r#"{{"bootstrap":"{}"}}"#, "k".repeat(length)))
}

#[tokio::test]
async fn a_vault_opens_what_it_sealed_and_has_one_name_for_the_same_content() {
    let vault = Vault::fixed(bootstrap(64), Clock::manual(at(0)));
    let text = SecretString::from("sk-canary");
    let sealed = vault.seal("tenant/a", &text).await.expect("sealed");
    assert!(!sealed.contains("canary"));
    let opened = vault.open("tenant/a", &sealed).await.expect("opened");
    assert_eq!(opened.expose_secret(), "sk-canary");
    assert!(vault.open("tenant/b", &sealed).await.is_err());
    let name = async |content| vault.fingerprint("a", content).await.expect("a name");
    assert_eq!(name(b"x").await, name(b"x").await);
    assert_ne!(name(b"x").await, name(b"y").await);
}

#[tokio::test]
async fn keys_that_cant_be_used_stop_the_start_of_whoever_needs_them() {
    let vault = Vault::fixed(SecretString::from("{}"), Clock::manual(at(0)));
    vault.warm_up().await.expect("nobody needs them");
    vault.needed_at_start();
    vault.warm_up().await.expect_err("they are needed");
}

#[test]
fn a_value_is_good_where_it_has_a_key_that_may_encrypt() {
    for (length, good) in [(31, false), (32, true)] {
        assert_eq!(check(&bootstrap(length), at(0)).is_ok(), good, "{length}");
    }
    let key = URL_SAFE_NO_PAD.encode([1; 32]);
    let later = format!(r#"{{"keys":[{{"id":"a","key":"{key}","not_encrypt_before":1000}}]}}"#);
    let later = SecretString::from(later);
    for (seconds, good) in [(999, false), (1000, true)] {
        assert_eq!(check(&later, at(seconds)).is_ok(), good, "{seconds}");
    }
}
