//! Whose requests from outside are counted together.

use std::net::{IpAddr, Ipv6Addr};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// An IPv4 address, or the /64 of an IPv6 address: that is what one customer of a provider has, who may pick
/// any of its addresses for each request. Requests whose address is not known share one bucket.
///
/// It is kept as a part of a hash: addresses are personal data, and stand neither in the table nor in a log.
/// The hash hides an address from whoever reads along, not from somebody who tries all addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Source(String);

/// 128 bits: no two sources meet by chance.
const HASH_BYTES: usize = 16;

impl Source {
    /// The bucket of an address.
    pub fn of(address: Option<IpAddr>) -> Self {
        let Some(address) = address else {
            return Self("unknown".to_owned());
        };
        let bucket = match address.to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let network = address.to_bits() >> 64 << 64;
                format!("{}/64", Ipv6Addr::from_bits(network))
            }
        };
        let hash = Sha256::digest(bucket.as_bytes());
        let part = hash.get(..HASH_BYTES).unwrap_or_default();
        Self(BASE64_URL_SAFE_NO_PAD.encode(part))
    }

    /// As a subject of policies.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::of(Some(text.parse().expect("an address")))
    }

    #[test]
    fn an_ipv4_address_is_one_source_however_it_is_written() {
        assert_eq!(source("203.0.113.7"), source("::ffff:203.0.113.7"));
        assert_ne!(source("203.0.113.7"), source("203.0.113.8"));
        // 128 bits in base64url.
        assert_eq!(source("203.0.113.7").as_str().len(), 22);
    }

    #[test]
    fn a_64_of_ipv6_is_one_source_and_its_neighbour_another() {
        assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
    }

    #[test]
    fn the_address_does_not_stand_in_it() {
        let text = format!("{:?}", source("203.0.113.7"));
        assert!(!text.contains("203"), "{text}");
        assert_ne!(source("203.0.113.7"), Source::of(None));
    }
}
