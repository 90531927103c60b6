//! The ring after a ring: what a rotation writes, and what it makes sure of before that comes into use.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde::Serialize;

use super::{KeyRing, RingFault, RingKey};
use crate::auth::access_token::{self, ACCESS_TOKEN_LIFETIME, LEEWAY_SECONDS};
use crate::auth::key_source::KeySource;
use crate::clock::{Clock, Moment};
use crate::error::{Error, Result};
use crate::model::{Membership, MembershipRole, SessionId, TenantId, UserId};
use crate::rotation::{ACTIVATE_DELAY, RotationFault, in_time};
use crate::secret_source::{self, BELIEVED_FOR, REREAD_AT_MOST_EVERY};

#[derive(Serialize)]
struct WrittenRing {
    keys: Vec<WrittenKey>,
}

#[derive(Serialize)]
struct WrittenKey {
    seed: String,
    created_at: i64,
    not_sign_before: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    retire_after: Option<i64>,
}

/// How long a key verifies after its successor began to sign: as long as the last token that it signed lives,
/// and as long as a process may go on signing that has not read the ring again.
fn overlap() -> Duration {
    let leeway = Duration::from_secs(LEEWAY_SECONDS.unsigned_abs());
    ACCESS_TOKEN_LIFETIME + leeway + BELIEVED_FOR + REREAD_AT_MOST_EVERY
}

/// The value of the secret after `value`: the same keys and a new one, which signs from
/// [`ACTIVATE_DELAY`] on. Keys that nobody needs any more are left out.
pub fn successor(value: &SecretString, now: Moment) -> Result<SecretString> {
    let ring: KeyRing = secret_source::parse(value)?;
    let newest = ring.keys.iter().map(|key| key.sign_from).max();
    let newest = newest.ok_or_else(|| Error::internal(RingFault::NoSigningKey))?;
    // Later than every other key, also when the clock of an earlier rotation was ahead: the newest one signs.
    let begins = now
        .plus(ACTIVATE_DELAY)
        .max(newest.plus(Duration::from_secs(1)));
    let needed = ring.keys.iter().filter(|key| {
        key.retire_after
            .is_none_or(|end| now < end.plus(BELIEVED_FOR))
    });
    let mut keys: Vec<WrittenKey> = needed
        .map(|key| key.written(retirement(key, newest, begins)))
        .collect();
    let mut seed = [0; 32];
    aws_lc_rs::rand::fill(&mut seed).map_err(|_| Error::internal("the random source failed"))?;
    let new = RingKey::new(seed, begins, None).map_err(Error::internal)?;
    keys.push(WrittenKey {
        created_at: now.unix_seconds(),
        ..new.written(None)
    });
    serde_json::to_string(&WrittenRing { keys })
        .map(SecretString::from)
        .map_err(Error::internal)
}

/// When a key retires whose ring gets a new one: when it would anyway. The newest one signs until the new one
/// begins, so for it that is never too soon.
fn retirement(key: &RingKey, newest: Moment, begins: Moment) -> Option<Moment> {
    let end = begins.plus(overlap());
    match key.retire_after {
        Some(known) if key.sign_from < newest => Some(known),
        Some(known) => Some(known.max(end)),
        None => Some(end),
    }
}

/// Makes sure that `pending` can take the place of `current`: tokens of both hold under it, and the new key
/// signs late enough for every process to know it.
pub async fn try_successor(
    current: &SecretString,
    pending: &SecretString,
    issuer: &str,
    now: Moment,
) -> Result<()> {
    let (old, new): (KeyRing, KeyRing) = (
        secret_source::parse(current)?,
        secret_source::parse(pending)?,
    );
    let added = new.keys.iter().filter(|key| !old.has(&key.kid));
    let begins = added.map(|key| key.sign_from).min();
    let begins = begins.ok_or_else(|| Error::internal(RotationFault::NoNewKey))?;
    in_time(begins, now).map_err(Error::internal)?;
    // The last token of the current ring, on its last day; and the first of the new key.
    for (signer, at) in [(current, now), (current, begins), (pending, begins)] {
        let token = token(signer, issuer, at).await?;
        let end = at.plus(ACCESS_TOKEN_LIFETIME);
        for moment in [at, end] {
            let keys = KeySource::fixed(pending.clone(), Clock::manual(moment));
            access_token::verify(&keys, issuer, moment, &token)
                .await
                .map_err(|_| Error::internal(RotationFault::Forgets))?;
        }
    }
    match new.signing(begins) {
        Ok((kid, _)) if !old.has(kid) => Ok(()),
        _ => Err(Error::internal(RotationFault::Broken)),
    }
}

async fn token(signer: &SecretString, issuer: &str, at: Moment) -> Result<String> {
    let keys = KeySource::fixed(signer.clone(), Clock::manual(at));
    let membership = Membership {
        tenant: TenantId::new(),
        role: MembershipRole::Owner,
    };
    let (user, session) = (UserId::new(), SessionId::new());
    access_token::sign(&keys, issuer, at, user, session, &membership).await
}

impl KeyRing {
    fn has(&self, kid: &str) -> bool {
        self.keys.iter().any(|key| key.kid == kid)
    }
}

impl RingKey {
    fn written(&self, retire_after: Option<Moment>) -> WrittenKey {
        WrittenKey {
            seed: URL_SAFE_NO_PAD.encode(self.seed),
            created_at: self.created_at,
            not_sign_before: self.sign_from.unix_seconds(),
            retire_after: retire_after.map(Moment::unix_seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ISSUER: &str = "https://chatter.example.com";

    fn at(seconds: i64) -> Moment {
        Moment::from_unix_seconds(seconds)
    }

    fn bootstrap() -> SecretString {
        SecretString::from(format!(r#"{{"bootstrap":"{}"}}"#, "k".repeat(64)))
    }

    fn parsed(value: &SecretString) -> KeyRing {
        KeyRing::parse(value).expect("a ring")
    }

    #[test]
    fn the_text_of_a_new_stack_becomes_a_seed_with_the_same_id() {
        let first = parsed(&bootstrap());
        let second = parsed(&successor(&bootstrap(), at(1000)).expect("a ring"));
        assert_eq!(second.keys.len(), 2);
        assert_eq!(second.keys[0].kid, first.keys[0].kid);
        assert_eq!(second.keys[1].sign_from, at(1000).plus(ACTIVATE_DELAY));
        assert_eq!(second.keys[1].retire_after, None);
        assert_eq!(second.keys[1].created_at, 1000);
        let third = successor(
            &successor(&bootstrap(), at(1000)).expect("a ring"),
            at(2000),
        );
        let third = parsed(&third.expect("a ring"));
        assert_eq!(third.keys[1].created_at, 1000, "it stays as old as it is");
    }

    #[test]
    fn a_key_retires_when_its_last_token_has_died_and_leaves_the_ring_after_that() {
        let mut value = successor(&bootstrap(), at(0)).expect("a ring");
        let end = at(0).plus(ACTIVATE_DELAY + overlap());
        assert_eq!(parsed(&value).keys[0].retire_after, Some(end));
        value = successor(&value, at(1)).expect("a ring");
        assert_eq!(
            parsed(&value).keys[0].retire_after,
            Some(end),
            "a rotation right after does not move it"
        );
        // A key that signs until then does not retire before, whatever was written of it.
        let seed = URL_SAFE_NO_PAD.encode([7; 32]);
        let lonely = format!(r#"{{"keys":[{{"seed":"{seed}","retire_after":10}}]}}"#);
        let lonely = successor(&SecretString::from(lonely), at(0)).expect("a ring");
        assert_eq!(parsed(&lonely).keys[0].retire_after, Some(end));
        let later = end.plus(BELIEVED_FOR);
        let before = at(later.unix_seconds() - 1);
        assert_eq!(
            parsed(&successor(&value, before).expect("a ring"))
                .keys
                .len(),
            4
        );
        assert_eq!(
            parsed(&successor(&value, later).expect("a ring"))
                .keys
                .len(),
            3
        );
    }

    #[tokio::test]
    async fn a_ring_that_forgets_or_comes_too_late_is_refused() {
        let current = bootstrap();
        let now = at(1_700_000_000);
        let good = successor(&current, now).expect("a ring");
        try_successor(&current, &good, ISSUER, now)
            .await
            .expect("good");
        let stranger = SecretString::from(format!(r#"{{"bootstrap":"{}"}}"#, "x".repeat(64)));
        let stranger = successor(&stranger, now).expect("a ring");
        let late = now.plus(ACTIVATE_DELAY);
        for (pending, now, fault) in [
            (&current, now, RotationFault::NoNewKey),
            (&stranger, now, RotationFault::TooLate),
            (&good, late, RotationFault::TooLate),
        ] {
            let refused = try_successor(&current, pending, ISSUER, now).await;
            let refused = format!("{:?}", refused.expect_err("refused"));
            assert!(refused.contains(&format!("{fault:?}")), "{refused}");
        }
        // As if the old key were taken out by hand.
        let mut ring: serde_json::Value =
            serde_json::from_str(secrecy::ExposeSecret::expose_secret(&good)).expect("JSON");
        ring["keys"].as_array_mut().expect("keys").remove(0);
        let without = SecretString::from(ring.to_string());
        let refused = try_successor(&current, &without, ISSUER, now).await;
        assert!(format!("{:?}", refused.expect_err("refused")).contains("Forgets"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever the pauses between rotations and however late within its hour each one ends: whoever signs,
        /// with whatever ring a process can still believe, is verified by everybody as long as the token lives.
        #[test]
        fn no_sequence_of_rotations_loses_a_token(
            rotations in prop::collection::vec((0_u64..9000, 0_u64..3200), 1..6),
        ) {
            let start = at(1_700_000_000);
            let mut now = start;
            let mut value = bootstrap();
            let mut rings = vec![(now, parsed(&value))];
            for (pause, steps) in rotations {
                now = now.plus(Duration::from_secs(pause));
                value = successor(&value, now).expect("a ring");
                now = now.plus(Duration::from_secs(steps));
                rings.push((now, parsed(&value)));
            }
            // A process knows a ring that was the current one at some time in the last five minutes.
            let known = |moment: Moment| {
                rings.iter().enumerate().filter(move |(_, (from, _))| *from <= moment)
                    .filter(|(index, _)| rings.get(index + 1).is_none_or(|(next, _)| moment < next.plus(BELIEVED_FOR)))
                    .map(|(_, (_, ring))| ring)
                    .collect::<Vec<&KeyRing>>()
            };
            let end = now.plus(ACTIVATE_DELAY + overlap() * 2);
            let mut moment = start;
            while moment < end {
                for signer in known(moment) {
                    let (kid, _) = signer.signing(moment).expect("someone signs");
                    for age in [0, 1, 300, 604] {
                        let later = moment.plus(Duration::from_secs(age));
                        for verifier in known(later) {
                            prop_assert!(verifier.verifying(kid, later).is_some(), "{kid} {age}");
                        }
                    }
                }
                moment = moment.plus(Duration::from_secs(97));
            }
        }
    }
}
