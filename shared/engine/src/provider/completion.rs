//! An answer on its way: bytes of a connection become parts.

use std::collections::VecDeque;
use std::time::Instant;

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use shared::error::ProviderFault;
use shared::guard::GuardFault;
use shared::http::Problem;
use shared::spans::Span;
use shared::{BoxError, Error, Result};

use super::part::Part;
use super::served::served;
use super::traced;
use crate::sse::{Decoder, Event};

/// Makes parts of the bytes of a wire's stream, wherever they are cut.
pub(super) trait Reader: Send {
    /// The parts that these bytes complete.
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<Part>>;
    /// Whether a stream that ends now is whole.
    fn is_complete(&self) -> bool;
}

/// Makes parts of the events of a wire that speaks server-sent events.
pub(super) trait Parser: Send {
    fn parse(&mut self, event: &Event) -> Result<Vec<Part>>;
    fn is_complete(&self) -> bool;
}

/// Reads server-sent events.
#[derive(Debug, Default)]
pub(super) struct Sse<P> {
    decoder: Decoder,
    parser: P,
}

impl<P> Sse<P> {
    pub(super) fn new(parser: P) -> Self {
        Self {
            decoder: Decoder::default(),
            parser,
        }
    }
}

impl<P: Parser> Reader for Sse<P> {
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<Part>> {
        let events = self.decoder.push(bytes);
        let events = events.map_err(|broken| nonsense(broken.to_string()))?;
        let mut parts = Vec::new();
        for event in &events {
            parts.extend(self.parser.parse(event)?);
        }
        Ok(parts)
    }

    fn is_complete(&self) -> bool {
        self.parser.is_complete()
    }
}

/// An answer on its way.
pub struct Completion {
    bytes: BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    reader: Box<dyn Reader>,
    ready: VecDeque<Part>,
    deadline: Instant,
    /// Ends with the answer, or where nobody reads on.
    span: Option<Span>,
}

impl std::fmt::Debug for Completion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Completion").finish_non_exhaustive()
    }
}

impl Completion {
    pub(super) fn new(
        response: reqwest::Response,
        reader: Box<dyn Reader>,
        deadline: Instant,
        span: Span,
    ) -> Self {
        Self {
            bytes: response.bytes_stream().boxed(),
            reader,
            ready: VecDeque::new(),
            deadline,
            span: Some(span),
        }
    }

    /// The next part. After [`Part::End`] or an error there is none.
    ///
    /// # Errors
    /// `Provider` when the provider tells of a failure, is silent for too long, breaks off, or talks nonsense.
    pub async fn next(&mut self) -> Result<Part> {
        let part = self.read().await;
        match (&mut self.span, &part) {
            (Some(span), Ok(Part::Usage(usage))) => traced::used(span, usage),
            (span, Ok(Part::End)) => *span = None,
            (span, Err(error)) => {
                if let Some(mut span) = span.take() {
                    span.fail(Problem::slug(error));
                }
            }
            _ => {}
        }
        part
    }

    async fn read(&mut self) -> Result<Part> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                return Ok(part);
            }
            match within(self.deadline, self.bytes.next()).await? {
                Some(bytes) => {
                    let bytes = bytes.map_err(transport)?;
                    self.ready.extend(self.reader.push(&bytes)?);
                }
                None if self.reader.is_complete() => return Ok(Part::End),
                None => {
                    let cause = "the stream ended before the answer did";
                    return Err(Error::provider(ProviderFault::Unavailable, cause));
                }
            }
        }
    }
}

pub(super) async fn within<T>(deadline: Instant, work: impl Future<Output = T>) -> Result<T> {
    let limit = tokio::time::timeout_at(deadline.into(), work);
    let late = |_| Error::provider(ProviderFault::TimedOut, "the time for the turn is over");
    limit.await.map_err(late)
}

/// A failure below HTTP.
pub(super) fn transport(error: reqwest::Error) -> Error {
    let fault = if error.is_timeout() {
        ProviderFault::TimedOut
    } else {
        ProviderFault::Unavailable
    };
    let reached = !error.is_connect();
    // The address is known from the configuration, and may be private.
    let error = Error::provider(fault, error.without_url());
    if reached { served(error) } else { error }
}

/// A failure to reach what a tenant names.
pub(super) fn guarded(fault: GuardFault) -> Error {
    match fault {
        GuardFault::TimedOut => served(Error::provider(ProviderFault::TimedOut, fault)),
        GuardFault::Broken => served(Error::provider(ProviderFault::Unavailable, fault)),
        GuardFault::Unreachable => Error::provider(ProviderFault::Unavailable, fault),
        _ => Error::provider(ProviderFault::AddressRefused, fault),
    }
}

/// An answer that is not the protocol.
pub(super) fn nonsense(what: impl Into<BoxError>) -> Error {
    Error::provider(ProviderFault::Nonsense, what)
}
