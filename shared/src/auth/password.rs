//! Passwords: Argon2id (RFC 9106) with OWASP's parameters.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::error::{Error, Result};
use crate::model::Password;

/// 19 MiB, two passes, one lane: OWASP Password Storage Cheat Sheet.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The hash of no password, with the parameters above. An unknown account is checked against it, so that it
/// takes as long as a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$Y2hhdHRlcm5vYm9keXNhbHQ\
                      $0RkGOG1yrtjsHcxvs9A6KhA4d6L6C9hmrI4qw0YJWOk";

/// Hashes and checks passwords, away from the threads that serve requests.
#[derive(Debug, Clone)]
pub struct PasswordHasher {
    argon2: Argon2<'static>,
    computed: Arc<AtomicU64>,
}

impl PasswordHasher {
    /// With the parameters above.
    pub fn new() -> Result<Self> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None)
            .map_err(|fault| Error::internal(fault.to_string()))?;
        Ok(Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            computed: Arc::default(),
        })
    }

    /// How many hashes it has computed. Each takes memory and time, so that what is refused beforehand counts.
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::SeqCst)
    }

    /// Whether a stored hash was made with other parameters than today's.
    pub fn is_outdated(&self, stored: &str) -> bool {
        let Ok(hash) = PasswordHash::new(stored) else {
            return true;
        };
        let today = self.argon2.params();
        let same = hash.algorithm == Algorithm::Argon2id.ident()
            && Params::try_from(&hash).is_ok_and(|params| {
                (params.m_cost(), params.t_cost(), params.p_cost())
                    == (today.m_cost(), today.t_cost(), today.p_cost())
            });
        !same
    }

    /// A PHC string with a random salt of 16 bytes.
    pub async fn hash(&self, password: Password) -> Result<String> {
        let argon2 = self.argon2.clone();
        self.computed.fetch_add(1, Ordering::SeqCst);
        run(move || {
            let hash = argon2.hash_password(password.expose());
            hash.map(|hash| hash.to_string())
                .map_err(|fault| Error::internal(fault.to_string()))
        })
        .await
    }

    /// Whether it is the password of that hash. Without a hash it is not, after the same time.
    pub async fn check(&self, password: Password, stored: Option<String>) -> Result<bool> {
        let argon2 = self.argon2.clone();
        self.computed.fetch_add(1, Ordering::SeqCst);
        run(move || {
            let known = stored.is_some();
            let stored = stored.unwrap_or_else(|| NOBODY.to_owned());
            let stored =
                PasswordHash::new(&stored).map_err(|fault| Error::internal(fault.to_string()))?;
            let matches = argon2.verify_password(password.expose(), &stored).is_ok();
            Ok(known && matches)
        })
        .await
    }
}

async fn run<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Error::internal)?
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::SecretString;

    fn password(text: &str) -> Password {
        Password::to_check(SecretString::from(text)).expect("short enough")
    }

    #[tokio::test]
    async fn a_password_is_verified_exactly_as_it_was_sent() {
        let hasher = PasswordHasher::new().expect("parameters");
        let right = "  Pässwörd \0 with 🔑 in it  ";
        let hash = hasher.hash(password(right)).await.expect("a hash");
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(
            hasher
                .check(password(right), Some(hash.clone()))
                .await
                .expect("checked")
        );
        for wrong in [
            right.trim(),
            &right.to_lowercase(),
            &format!("{right}x"),
            &right[..10],
        ] {
            assert!(
                !hasher
                    .check(password(wrong), Some(hash.clone()))
                    .await
                    .expect("checked"),
                "{wrong}"
            );
        }
        assert_ne!(
            hasher.hash(password(right)).await.expect("a hash"),
            hash,
            "the salt is random"
        );
    }

    #[test]
    fn an_unknown_account_costs_what_a_known_one_does() {
        let nobody = PasswordHash::new(NOBODY).expect("a PHC string");
        let params = Params::try_from(&nobody).expect("parameters");
        let current = PasswordHasher::new().expect("parameters");
        assert_eq!(&params.m_cost(), &current.argon2.params().m_cost());
        assert_eq!(&params.t_cost(), &current.argon2.params().t_cost());
        assert_eq!(&params.p_cost(), &current.argon2.params().p_cost());
        assert_eq!(nobody.hash.expect("a hash").as_bytes().len(), 32);
    }
    #[tokio::test]
    async fn without_a_hash_no_password_holds_and_the_work_is_done_all_the_same() {
        let hasher = PasswordHasher::new().expect("parameters");
        let checked = hasher.check(password("right"), None).await;
        assert!(!checked.expect("checked"));
        assert_eq!(hasher.computed(), 1);
        hasher.hash(password("right")).await.expect("a hash");
        assert_eq!(hasher.computed(), 2);
    }

    #[test]
    fn a_hash_with_other_parameters_is_outdated() {
        let hasher = PasswordHasher::new().expect("parameters");
        for (of, with, outdated) in [
            ("m=19456", "m=19456", false),
            ("m=19456", "m=19455", true),
            ("t=2", "t=3", true),
            ("p=1", "p=2", true),
            ("argon2id", "argon2i", true),
            ("$argon2id", "argon2id", true),
        ] {
            let stored = NOBODY.replacen(of, with, 1);
            assert_eq!(hasher.is_outdated(&stored), outdated, "{stored}");
        }
    }
}
