//! Which URLs may be fetched.

use std::net::IpAddr;

use url::{Host, Url};

use super::address::{is_loopback, is_public};
use super::fault::GuardFault;
use crate::config::Stage;

/// The longest URL, in bytes.
pub const MAX_URL_BYTES: usize = 2048;
/// Where HTTPS is served. Other ports are other services, which a URL could be made to talk to.
const PORTS: [u16; 2] = [443, 8443];

/// A URL that a guard has looked at. It has no public constructor: [`super::Guard::check`] makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardedUrl(Url);

impl GuardedUrl {
    /// The URL as it was parsed: the one spelling of its host.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it has a query or a fragment.
    pub fn has_query_or_fragment(&self) -> bool {
        self.0.query().is_some() || self.0.fragment().is_some()
    }

    /// The same for a client.
    pub fn url(&self) -> Url {
        self.0.clone()
    }
}

/// What may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach {
    /// Whether this machine may be reached too, also without TLS and on any port.
    pub(super) loopback: bool,
    /// Whether all ports are taken for those of HTTPS.
    pub(super) any_port: bool,
}

impl Reach {
    /// Only a local stack has services on its own machine.
    pub(super) fn of(stage: Stage) -> Self {
        Self {
            loopback: stage == Stage::Local,
            any_port: false,
        }
    }

    /// Whether a connection to that address may be made.
    pub(super) fn allows(self, address: IpAddr) -> bool {
        is_public(address) || (self.loopback && is_loopback(address))
    }

    /// Checks a URL as it was parsed: there are many spellings of an address, and the parser knows them all.
    pub(super) fn check(self, text: &str) -> Result<GuardedUrl, GuardFault> {
        if text.len() > MAX_URL_BYTES {
            return Err(GuardFault::TooLong);
        }
        // The parser takes these away without a word: what was checked would be another text than what is kept.
        if text.contains(char::is_control) || text.trim() != text {
            return Err(GuardFault::NotAUrl);
        }
        let url = Url::parse(text).map_err(|_| GuardFault::NotAUrl)?;
        let host = url.host().ok_or(GuardFault::NotAUrl)?;
        let local = self.loopback && is_local(&host);
        match url.scheme() {
            "https" => {}
            "http" if local => {}
            _ => return Err(GuardFault::NotHttps),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(GuardFault::HasUserInfo);
        }
        if literal(&host).is_some_and(|address| !self.allows(address)) {
            return Err(GuardFault::NotPublic);
        }
        let port = url.port_or_known_default().ok_or(GuardFault::Port)?;
        if !(PORTS.contains(&port) || local || self.any_port) {
            return Err(GuardFault::Port);
        }
        Ok(GuardedUrl(url))
    }
}

/// Whether a URL that others fetch for us is one of the public network, as far as it shows: as strict as outside of a
/// local stack. Names of this machine lead to the other's.
///
/// # Errors
/// What is wrong with it.
pub fn public(url: &str) -> Result<(), GuardFault> {
    let url = Reach::of(Stage::Prod).check(url)?;
    let name = url.0.domain().unwrap_or_default().trim_end_matches('.');
    if name == "localhost" || name.ends_with(".localhost") {
        return Err(GuardFault::NotPublic);
    }
    Ok(())
}

fn literal(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address)),
    }
}

fn is_local(host: &Host<&str>) -> bool {
    *host == Host::Domain("localhost") || literal(host).is_some_and(is_loopback)
}
