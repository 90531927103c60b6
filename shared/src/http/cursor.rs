//! Cursors: opaque, signed, good only for the caller and the listing that they were made for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::auth::Caller;
use crate::error::{Error, Result};

/// One listing of one caller.
#[derive(Debug)]
pub struct Listing<'a> {
    app: &'a App,
    caller: &'a Caller,
    /// What is listed, with everything that selects it: another selection is another listing.
    name: String,
}

#[derive(Serialize, Deserialize)]
struct Sealed<P> {
    /// The id of the key.
    k: String,
    /// The position.
    p: P,
}

const PURPOSE: &str = "cursor";
const MAC_BYTES: usize = 16;

impl<'a> Listing<'a> {
    /// The listing of that name. What selects its entries, such as a filter, belongs into the name.
    pub const fn new(app: &'a App, caller: &'a Caller, name: String) -> Self {
        Self { app, caller, name }
    }

    /// The cursor that continues after `position`.
    pub async fn seal(&self, position: impl Serialize + Clone) -> Result<String> {
        let ring = self.app.authenticator.keys().ring().await?;
        let now = self.app.clock.now();
        // The id of the key is part of what is signed, and is known only after asking for a signature.
        let (kid, _) = ring.mac(PURPOSE, &[], now)?;
        let body = serde_json::to_vec(&Sealed {
            k: kid.clone(),
            p: position,
        });
        let body = body.map_err(Error::internal)?;
        let mac = ring.mac_with(&kid, PURPOSE, &self.signed(&body), now);
        let mac = mac.ok_or_else(|| Error::internal("the signing key has just left the ring"))?;
        Ok(URL_SAFE_NO_PAD.encode([&mac[..MAC_BYTES], &body].concat()))
    }

    /// The position in a cursor. One that was not made for this listing is refused.
    pub async fn open<P: DeserializeOwned>(&self, cursor: &str) -> Result<P> {
        let refused = || {
            Error::Malformed(
                "`cursor` is not one of this listing; take `next_cursor` from the reply before, with the same filters"
                    .to_owned(),
            )
        };
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
        let (mac, body) = bytes.split_at_checked(MAC_BYTES).ok_or_else(refused)?;
        let sealed: Sealed<P> = serde_json::from_slice(body).map_err(|_| refused())?;
        let ring = self.app.authenticator.keys().ring().await?;
        let now = self.app.clock.now();
        let expected = ring
            .mac_with(&sealed.k, PURPOSE, &self.signed(body), now)
            .ok_or_else(refused)?;
        if bool::from(expected[..MAC_BYTES].ct_eq(mac)) {
            Ok(sealed.p)
        } else {
            Err(refused())
        }
    }

    fn signed(&self, body: &[u8]) -> Vec<u8> {
        let bound = format!(
            "{}\n{}\n{}\n",
            self.caller.tenant(),
            self.caller.user(),
            self.name
        );
        [bound.as_bytes(), body].concat()
    }
}
