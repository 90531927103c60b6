//! Names to addresses: only those that may be reached are dialled.
//!
//! The client dials what this gives and asks for nothing else, so there is no moment between looking at an
//! address and using it in which a name could come to mean another one.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::fault::GuardFault;
use super::target::Reach;

/// How many addresses of a name are tried at most.
const MOST_TRIED: usize = 4;

/// Who knows the addresses of names.
pub trait Lookup: Send + Sync {
    /// The addresses of a name.
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The system's resolver.
pub(super) struct System;

impl Lookup for System {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// A resolver that gives only addresses that may be reached.
pub(super) struct Filtered {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) reach: Reach,
}

impl Resolve for Filtered {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.lookup.lookup(name.as_str().to_owned());
        let reach = self.reach;
        Box::pin(async move {
            let found = found.await.map_err(|_| GuardFault::NoAddress)?;
            let allowed: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| reach.allows(*address))
                .take(MOST_TRIED)
                // The port is that of the URL.
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if allowed.is_empty() {
                return Err(GuardFault::NoAddress.into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}
