//! Who is calling: signing keys, access tokens, refresh secrets, passwords.

mod access_token;
mod caller;
mod key_source;
mod keys;
mod password;
mod refresh;

pub use access_token::{ACCESS_TOKEN_LIFETIME, AUDIENCE};
pub use caller::{Authenticator, Caller};
pub use key_source::KeySource;
pub use keys::{KeyRing, RingFault, successor, try_successor};
pub use password::PasswordHasher;
pub use refresh::{RefreshSecret, RefreshToken};
