//! The one HTTP client for addresses that tenants name.
//!
//! Whoever can make this service fetch a URL can make it talk to what only it can reach: the runtime of its own
//! function, credentials of the machine, a private network (server-side request forgery). So a URL is looked
//! at after it is parsed, every address is looked at before it is dialled and again when it answers, redirects
//! and proxies are not followed, and what comes back is bounded in time and size.

mod address;
mod fault;
mod resolver;
mod target;

use std::error::Error as _;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::HeaderValue;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING};

pub use fault::GuardFault;
pub use resolver::Lookup;
pub use target::{GuardedUrl, MAX_URL_BYTES, public};

use self::resolver::{Filtered, System};
use self::target::Reach;
use crate::config::Stage;

/// How many headers an answer may have.
const MAX_HEADERS: usize = 100;

/// How long things may take.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// Until a connection is made.
    connect: Duration,
    /// Until the last byte of the answer: names, connections, headers and body together.
    total: Duration,
}

const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(3),
    total: Duration::from_secs(5),
};

/// Fetches what tenants name. Clones share one client.
#[derive(Clone)]
pub struct Guard(Arc<Inner>);

struct Inner {
    reach: Reach,
    lookup: Arc<dyn Lookup>,
    patience: Patience,
    /// Made when it is first needed: most processes never need it, and it reads the system's root certificates.
    http: OnceLock<reqwest::Client>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Guard({:?})", self.0.reach)
    }
}

impl Guard {
    /// For that stage: only where it is local may this machine be reached.
    pub fn new(stage: Stage) -> Self {
        Self::with(Reach::of(stage), Arc::new(System), PATIENCE)
    }

    /// The same, where somebody else than the system knows the addresses of names.
    pub fn asking(stage: Stage, names: Arc<dyn Lookup>) -> Self {
        Self::with(Reach::of(stage), names, PATIENCE)
    }

    fn with(reach: Reach, lookup: Arc<dyn Lookup>, patience: Patience) -> Self {
        Self(Arc::new(Inner {
            reach,
            lookup,
            patience,
            http: OnceLock::new(),
        }))
    }

    /// Whether a URL may be fetched, as far as it shows. Where its name leads is looked at when it is fetched.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, url: &str) -> Result<GuardedUrl, GuardFault> {
        self.0.reach.check(url)
    }

    /// The body of a successful answer to `GET`, of at most `max_bytes`. `accept` is what is asked for.
    ///
    /// # Errors
    /// Why there is none. Nothing that the other side said is in it.
    pub async fn get(
        &self,
        url: &GuardedUrl,
        accept: &'static str,
        max_bytes: usize,
    ) -> Result<Bytes, GuardFault> {
        let answer = self.answer(url, accept, max_bytes);
        let in_time = tokio::time::timeout(self.0.patience.total, answer).await;
        in_time.map_err(|_| GuardFault::TimedOut)?
    }

    async fn answer(
        &self,
        url: &GuardedUrl,
        accept: &'static str,
        max_bytes: usize,
    ) -> Result<Bytes, GuardFault> {
        let request = self
            .http()?
            .get(url.url())
            .header(ACCEPT, HeaderValue::from_static(accept))
            .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let response = request.send().await.map_err(|error| fault(&error))?;
        // What was dialled was looked at before; this holds whatever the client makes of names one day.
        let peer = response.remote_addr().map(|peer| peer.ip());
        if !peer.is_some_and(|peer| self.0.reach.allows(peer)) {
            return Err(GuardFault::NotPublic);
        }
        let status = response.status();
        if status.is_redirection() {
            return Err(GuardFault::Redirect);
        }
        if !status.is_success() {
            return Err(GuardFault::Status(status.as_u16()));
        }
        let encoding = response.headers().get(CONTENT_ENCODING);
        if encoding.is_some_and(|encoding| encoding != "identity") {
            return Err(GuardFault::Compressed);
        }
        body(response, max_bytes).await
    }

    /// A client for answers that come piece by piece, which may take `connect` to connect and `silence` between two
    /// pieces. How long all of it may take, and how large it may be, is up to whoever reads.
    ///
    /// # Errors
    /// It can't be made.
    pub fn streaming(
        &self,
        connect: Duration,
        silence: Duration,
    ) -> reqwest::Result<GuardedClient> {
        let client = self.0.builder().connect_timeout(connect);
        Ok(GuardedClient {
            http: client.read_timeout(silence).build()?,
            reach: self.0.reach,
        })
    }

    fn http(&self) -> Result<&reqwest::Client, GuardFault> {
        if let Some(http) = self.0.http.get() {
            return Ok(http);
        }
        let http = self.0.client().map_err(|error| {
            tracing::error!(error = ?error, "the client for tenants' addresses could not be made: {error}");
            GuardFault::Unreachable
        })?;
        Ok(self.0.http.get_or_init(|| http))
    }
}

/// A client for addresses that tenants name, whose answers come piece by piece.
#[derive(Debug, Clone)]
pub struct GuardedClient {
    http: reqwest::Client,
    reach: Reach,
}

impl GuardedClient {
    /// Sends a request, if its address may be reached.
    ///
    /// # Errors
    /// Why there is no answer. Nothing that the other side said is in it.
    pub async fn execute(
        &self,
        request: reqwest::Request,
    ) -> Result<reqwest::Response, GuardFault> {
        self.reach.check(request.url().as_str())?;
        let sent = self.http.execute(request).await;
        let response = sent.map_err(|error| fault(&error))?;
        let peer = response.remote_addr().map(|peer| peer.ip());
        if !peer.is_some_and(|peer| self.reach.allows(peer)) {
            return Err(GuardFault::NotPublic);
        }
        Ok(response)
    }
}

impl Inner {
    fn client(&self) -> reqwest::Result<reqwest::Client> {
        self.builder()
            .connect_timeout(self.patience.connect)
            // Fetches are minutes apart, and Lambda freezes the process between requests: what is kept is dead.
            .pool_max_idle_per_host(0)
            .build()
    }

    fn builder(&self) -> reqwest::ClientBuilder {
        let resolver = Filtered {
            lookup: self.lookup.clone(),
            reach: self.reach,
        };
        crate::trust::client()
            .dns_resolver(resolver)
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would resolve names itself.
            .no_proxy()
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .http1_max_headers(MAX_HEADERS)
            .user_agent("chatter")
    }
}

async fn body(response: reqwest::Response, max_bytes: usize) -> Result<Bytes, GuardFault> {
    let announced = response.content_length().unwrap_or(0);
    if usize::try_from(announced).map_or(true, |length| length > max_bytes) {
        return Err(GuardFault::TooLarge);
    }
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| fault(&error))?;
        if body.len() + chunk.len() > max_bytes {
            return Err(GuardFault::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

/// What a failure of the client means. Its own text may have addresses in it and goes nowhere.
fn fault(error: &reqwest::Error) -> GuardFault {
    let mut cause = error.source();
    while let Some(found) = cause {
        if let Some(fault) = found.downcast_ref::<GuardFault>() {
            return *fault;
        }
        cause = found.source();
    }
    if error.is_timeout() {
        GuardFault::TimedOut
    } else if error.is_connect() {
        GuardFault::Unreachable
    } else {
        GuardFault::Broken
    }
}

#[cfg(test)]
mod tests;
