//! Why a URL is refused, or nothing came of fetching it.

use thiserror::Error;

/// Why a URL is refused, or nothing came of fetching it: in our words. What the other side said is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GuardFault {
    /// It is no absolute URL with a host.
    #[error("must be an absolute URL such as https://login.example.com")]
    NotAUrl,
    /// It is longer than [`super::MAX_URL_BYTES`].
    #[error("must have at most 2048 bytes")]
    TooLong,
    /// Its scheme is not `https`.
    #[error("must begin with https://")]
    NotHttps,
    /// It has a user name or a password in it.
    #[error("must not have a user name or a password in it")]
    HasUserInfo,
    /// Its port is neither 443 nor 8443.
    #[error("must use port 443 or 8443")]
    Port,
    /// It leads to an address that is not public.
    #[error("must not lead to a private, local or reserved address")]
    NotPublic,
    /// Its name has no address, or none that is public. Which of them is not said: it would tell what names
    /// there are inside a network.
    #[error("its name has no public address")]
    NoAddress,
    /// No connection could be made, or no encrypted one.
    #[error("no connection could be made to it")]
    Unreachable,
    /// It took longer than the time that there is.
    #[error("it did not answer in time")]
    TimedOut,
    /// It answered with a redirect.
    #[error(
        "it answered with a redirect, which is not followed; give the address that it leads to"
    )]
    Redirect,
    /// It answered with a status that is no success.
    #[error("it answered with status {0}")]
    Status(u16),
    /// Its answer is over the limit.
    #[error("its answer is too large")]
    TooLarge,
    /// Its answer is compressed, although that was not asked for.
    #[error("its answer is compressed, which was not asked for")]
    Compressed,
    /// Its answer is not HTTP, or broke off.
    #[error("its answer broke off or is not HTTP")]
    Broken,
}
