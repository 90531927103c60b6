//! Who is calling: signing keys, access tokens, refresh secrets, passwords.

mod access_token;
mod api_key;
mod caller;
#[cfg(test)]
#[path = "../../../tests/corpora/tokens.rs"]
mod corpus;
mod federation;
mod issuer_keys;
mod jws;
mod key_source;
mod keys;
mod one_time;
mod password;
pub mod policy;
mod refresh;
mod standing;

pub use access_token::{ACCESS_TOKEN_LIFETIME, AUDIENCE};
pub use api_key::{ApiKeyText, key_prefix};
pub use caller::{Authenticator, Caller, Mandate, Via};
pub(crate) use federation::pair_hash;
pub use federation::{FEDERATED_LEEWAY, Federation};
pub use issuer_keys::{ASKED_AT_MOST_EVERY, IssuerFault, KEYS_ARE_FRESH_FOR, KEYS_LAST, probe};
pub use key_source::KeySource;
pub use keys::{KeyRing, RingFault, successor, try_successor};
pub use one_time::{InvitationToken, OneTimeSecret, ResetToken, VerifyToken};
pub use password::PasswordHasher;
pub use refresh::{RefreshSecret, RefreshToken};
pub use standing::Standings;
