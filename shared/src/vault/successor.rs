//! The data keys after the data keys: what a rotation writes, and what it makes sure of.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::{DataKey, DataKeys, DataKeysFault};
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::rotation::{ACTIVATE_DELAY, RotationFault, in_time};
use crate::secret_source;

#[derive(Serialize)]
struct WrittenRing {
    keys: Vec<WrittenKey>,
}

#[derive(Serialize)]
struct WrittenKey {
    id: String,
    key: String,
    not_encrypt_before: i64,
}

/// The value of the secret after `value`: all its keys and a new one, which encrypts from [`ACTIVATE_DELAY`] on.
pub fn successor(value: &SecretString, now: Moment) -> Result<SecretString> {
    let ring: DataKeys = secret_source::parse(value)?;
    let newest = ring.keys.iter().map(|key| key.encrypt_from).max();
    let newest = newest.ok_or_else(|| Error::internal(DataKeysFault::NoEncryptingKey))?;
    // Later than every other key, also when the clock of an earlier rotation was ahead: the newest one encrypts.
    let begins = now
        .plus(ACTIVATE_DELAY)
        .max(newest.plus(Duration::from_secs(1)));
    let mut random = [0; 44];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| Error::internal("the random source failed"))?;
    let (id, key) = random.split_at(12);
    let mut keys: Vec<WrittenKey> = ring.keys.iter().map(DataKey::written).collect();
    keys.push(WrittenKey {
        id: URL_SAFE_NO_PAD.encode(id),
        key: URL_SAFE_NO_PAD.encode(key),
        not_encrypt_before: begins.unix_seconds(),
    });
    serde_json::to_string(&WrittenRing { keys })
        .map(SecretString::from)
        .map_err(Error::internal)
}

/// Makes sure that `pending` can take the place of `current`: it opens what any current key sealed, its new key
/// seals and opens, and does so late enough for every process to know it.
pub fn try_successor(current: &SecretString, pending: &SecretString, now: Moment) -> Result<()> {
    const CONTEXT: &str = "rotation";
    let (old, new): (DataKeys, DataKeys) = (
        secret_source::parse(current)?,
        secret_source::parse(pending)?,
    );
    let added = new.keys.iter().filter(|key| !old.has(&key.id));
    let begins = added.map(|key| key.encrypt_from).min();
    let begins = begins.ok_or_else(|| Error::internal(RotationFault::NoNewKey))?;
    in_time(begins, now).map_err(Error::internal)?;
    let text = SecretString::from("what is sealed to try a ring");
    let opens = |sealed: &str| {
        let opened = new.open(CONTEXT, sealed);
        opened.is_ok_and(|opened| opened.expose_secret() == text.expose_secret())
    };
    let moments = old.keys.iter().map(|key| key.encrypt_from);
    for moment in moments.chain([now]) {
        if !opens(&old.seal(CONTEXT, &text, moment)?) {
            return Err(Error::internal(RotationFault::Forgets));
        }
    }
    let by_a_new_key = !old.has(&new.newest(begins)?.id);
    if by_a_new_key && opens(&new.seal(CONTEXT, &text, begins)?) {
        Ok(())
    } else {
        Err(Error::internal(RotationFault::Broken))
    }
}

impl DataKeys {
    fn has(&self, id: &str) -> bool {
        self.keys.iter().any(|key| key.id == id)
    }
}

impl DataKey {
    fn written(&self) -> WrittenKey {
        WrittenKey {
            id: self.id.clone(),
            key: URL_SAFE_NO_PAD.encode(self.bytes),
            not_encrypt_before: self.encrypt_from.unix_seconds(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret_source::SecretValue as _;

    fn at(seconds: i64) -> Moment {
        Moment::from_unix_seconds(seconds)
    }

    fn parsed(value: &SecretString) -> DataKeys {
        DataKeys::parse(value).expect("a ring")
    }

    #[test]
    fn what_was_sealed_before_a_rotation_opens_after_any_number_of_them() {
        let mut value = SecretString::from(format!(r#"{{"bootstrap":"{}"}}"#, "k".repeat(64)));
        let text = SecretString::from("sk-canary");
        let mut sealed = Vec::new();
        for round in 0..4 {
            let now = at(round * 10_000);
            sealed.push(parsed(&value).seal("t/x", &text, now).expect("sealed"));
            let next = successor(&value, now).expect("a ring");
            try_successor(&value, &next, now).expect("good");
            value = next;
        }
        let ring = parsed(&value);
        assert_eq!(ring.keys.len(), 5);
        let keys: std::collections::BTreeSet<&str> = sealed
            .iter()
            .filter_map(|sealed| sealed.split('.').nth(1))
            .collect();
        assert_eq!(keys.len(), 4, "each rotation brings a key into use");
        for sealed in &sealed {
            let opened = ring.open("t/x", sealed).expect("opened");
            assert_eq!(opened.expose_secret(), "sk-canary");
        }
    }

    #[test]
    fn a_ring_that_forgets_or_comes_too_late_is_refused() {
        let now = at(1_700_000_000);
        let current = SecretString::from(format!(r#"{{"bootstrap":"{}"}}"#, "k".repeat(64)));
        let good = successor(&current, now).expect("a ring");
        let mut without: serde_json::Value =
            serde_json::from_str(good.expose_secret()).expect("JSON");
        without["keys"].as_array_mut().expect("keys").remove(0);
        let without = SecretString::from(without.to_string());
        let late = now.plus(ACTIVATE_DELAY);
        for (pending, now, fault) in [
            (&current, now, RotationFault::NoNewKey),
            (&without, now, RotationFault::Forgets),
            (&good, late, RotationFault::TooLate),
        ] {
            let refused = try_successor(&current, pending, now).expect_err("refused");
            let refused = format!("{refused:?}");
            assert!(refused.contains(&format!("{fault:?}")), "{refused}");
        }
    }
    #[test]
    fn a_ring_whose_new_key_would_never_encrypt_is_refused() {
        let (now, begins) = (at(1_700_000_000), 1_700_003_600);
        let key = |id: &str, byte: u8, from: i64| {
            let key = URL_SAFE_NO_PAD.encode([byte; 32]);
            format!(r#"{{"id":"{id}","key":"{key}","not_encrypt_before":{from}}}"#)
        };
        let ring =
            |keys: &[String]| SecretString::from(format!(r#"{{"keys":[{}]}}"#, keys.join(",")));
        let (old, next) = (key("a", 1, 0), key("b", 2, begins));
        let current = ring(&[old.clone(), next.clone()]);
        // An older key begins when it does, and comes after it.
        let pending = ring(&[old, key("c", 3, begins), next]);
        let refused = try_successor(&current, &pending, now).expect_err("refused");
        assert!(format!("{refused:?}").contains("Broken"), "{refused:?}");
    }
}
