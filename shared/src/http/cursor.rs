//! Cursors: sealed, good only for the caller and the listing that they were made for.
//!
//! A cursor is `<key id>.<base64url of nonce, ciphertext and tag>`: AES-256-GCM with a random nonce and a key
//! that is derived from a signing key. Nobody reads in it where in the table the listing stands, and what was
//! changed, cut off or made for another caller or listing does not open.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::store::Page;

/// One listing of one caller.
#[derive(Debug)]
pub struct Listing<'a> {
    app: &'a App,
    caller: &'a Caller,
    /// What is listed, with everything that selects it: another selection is another listing.
    name: String,
}

/// What the key is derived for.
const PURPOSE: &str = "cursor";

impl<'a> Listing<'a> {
    /// The listing of that name. What selects its entries, such as a filter, belongs into the name.
    pub const fn new(app: &'a App, caller: &'a Caller, name: String) -> Self {
        Self { app, caller, name }
    }

    /// The cursor that continues after `position`.
    pub async fn seal(&self, position: impl Serialize) -> Result<String> {
        let ring = self.app.authenticator.keys().ring().await?;
        let (kid, key) = ring.mac(PURPOSE, &[], self.app.clock.now())?;
        let mut bytes = serde_json::to_vec(&position).map_err(Error::internal)?;
        let nonce = cipher(&key)?
            .seal_in_place_append_tag(self.bound(), &mut bytes)
            .map_err(|_| Error::internal("the encryption of a cursor failed"))?;
        let sealed = URL_SAFE_NO_PAD.encode([nonce.as_ref().as_slice(), &bytes].concat());
        Ok(format!("{kid}.{sealed}"))
    }

    /// The position in a cursor. One that was not made for this listing is refused.
    pub async fn open<P: DeserializeOwned>(&self, cursor: &str) -> Result<P> {
        let ring = self.app.authenticator.keys().ring().await?;
        let now = self.app.clock.now();
        let opened = cursor.split_once('.').and_then(|(kid, sealed)| {
            let key = ring.mac_with(kid, PURPOSE, &[], now)?;
            let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
            let (nonce, body) = bytes.split_at_mut_checked(NONCE_LEN)?;
            let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
            let cipher = cipher(&key).ok()?;
            let position = cipher.open_in_place(nonce, self.bound(), body).ok()?;
            serde_json::from_slice(position).ok()
        });
        opened.ok_or_else(|| {
            Error::Malformed(
                "`cursor` is not one of this listing; take `next_cursor` from the reply before, with the same filters"
                    .to_owned(),
            )
        })
    }

    /// The position at which a client goes on. `None` where it begins.
    pub async fn after<P: DeserializeOwned>(&self, cursor: Option<&str>) -> Result<Option<P>> {
        match cursor {
            Some(cursor) => self.open(cursor).await.map(Some),
            None => Ok(None),
        }
    }

    /// The cursor that continues after that page. `None` if it is the last.
    pub async fn next<T, P: Serialize>(
        &self,
        page: &Page<T>,
        position: impl FnOnce(&T) -> P,
    ) -> Result<Option<String>> {
        match page.items.last() {
            Some(last) if page.has_more => self.seal(position(last)).await.map(Some),
            _ => Ok(None),
        }
    }

    /// What the cursor is bound to.
    fn bound(&self) -> Aad<Vec<u8>> {
        let (tenant, user) = (self.caller.tenant(), self.caller.user());
        Aad::from(format!("{tenant}\n{user}\n{}", self.name).into_bytes())
    }
}

fn cipher(key: &[u8; 32]) -> Result<RandomizedNonceKey> {
    RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| Error::internal("no cipher for cursors"))
}
