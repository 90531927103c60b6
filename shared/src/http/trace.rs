//! The trace that a request belongs to (W3C Trace Context, <https://www.w3.org/TR/trace-context/>).
//!
//! A `traceparent` that can be read is continued, and anything else starts a new trace: what a client writes
//! there never makes a request fail. The trace's id stands in every response, in the log, and in the requests
//! to model providers. A context is one step of a trace, and has an id of its own, by which steps below it name it.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use lambda_http::Context;
use serde::{Deserialize, Serialize};

use crate::model::RequestId;
use crate::spans::Spans;

/// The header that names a trace and a step in it.
pub(super) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The header in which each tracing system keeps what it needs.
pub(super) const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The caller may have recorded this trace.
const SAMPLED: u8 = 0b01;
/// The trace's id ends in seven random bytes (Trace Context, level 2).
const RANDOM: u8 = 0b10;

/// How many members a `tracestate` may have.
const MAX_MEMBERS: usize = 32;
/// How many characters of a `tracestate` are passed on at least, and here at most.
const MAX_STATE: usize = 512;
/// Members longer than this go first when it is too long.
const LONG_MEMBER: usize = 128;

tokio::task_local! {
    /// The step that is under way.
    static HERE: TraceContext;
}

/// A step of a trace, and the request that it belongs to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TraceContext {
    request_id: RequestId,
    /// Never zero.
    trace_id: u128,
    /// The step's own id, never zero.
    #[serde(default = "step_id")]
    span_id: u64,
    /// The step above it, if there is one.
    #[serde(skip)]
    parent_id: Option<u64>,
    flags: u8,
    /// A valid `tracestate`, or nothing.
    state: String,
    /// Where steps are recorded.
    #[serde(skip)]
    spans: Spans,
}

impl TraceContext {
    /// The trace that a request continues, or a new one: with the id that X-Ray gave the invocation, or with the
    /// request's own, so that there is one id less to look for. Steps are recorded by `spans`.
    pub(super) fn of(request: &Request, request_id: RequestId, spans: &Spans) -> Self {
        let xray = request.extensions().get::<Context>();
        let xray = xray.and_then(|context| context.xray_trace_id.as_deref());
        let read = Self::read(request.headers(), request_id, spans);
        read.unwrap_or_else(|| Self::new(xray, request_id, spans))
    }

    /// The trace that a message continues, whose attributes have these names and values, or a new one.
    pub(crate) fn of_message<'a>(
        attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
        spans: &Spans,
    ) -> Self {
        let request_id = RequestId::new();
        let mut headers = HeaderMap::new();
        for (name, value) in attributes {
            let name = [TRACEPARENT, TRACESTATE].into_iter().find(|it| it == name);
            if let (Some(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
                headers.append(name, value);
            }
        }
        let read = Self::read(&headers, request_id, spans);
        read.unwrap_or_else(|| Self::new(None, request_id, spans))
    }

    /// A trace that begins here, for work that no request asks for. It is not recorded.
    pub fn begin(request_id: RequestId) -> Self {
        Self::new(None, request_id, &Spans::default())
    }

    /// The step that is under way here, or else a trace that begins here.
    pub fn here(request_id: RequestId) -> Self {
        Self::current().unwrap_or_else(|| Self::begin(request_id))
    }

    /// The step that is under way here, if there is one.
    pub fn current() -> Option<Self> {
        HERE.try_with(Clone::clone).ok()
    }

    /// Does some work as a part of this step. Tasks that it spawns are not.
    pub async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        HERE.scope(self, work).await
    }

    /// The step of a request whose work was stored, where a worker goes on with it: below the message that told of it, if
    /// that belongs to the same trace.
    #[must_use]
    pub fn taken_up(self, spans: &Spans) -> Self {
        match Self::current().filter(|here| here.trace_id == self.trace_id) {
            Some(here) => Self {
                request_id: self.request_id,
                ..here
            },
            None => Self {
                spans: spans.clone(),
                ..self
            },
        }
    }

    /// A step below this one.
    pub(crate) fn child(&self) -> Self {
        Self {
            span_id: step_id(),
            parent_id: Some(self.span_id),
            ..self.clone()
        }
    }

    fn new(xray: Option<&str>, request_id: RequestId, spans: &Spans) -> Self {
        let (trace_id, sampled) = xray.and_then(xray_trace).unwrap_or((request_id.bits(), 0));
        let ours = if spans.samples(trace_id) { SAMPLED } else { 0 };
        Self {
            request_id,
            trace_id,
            span_id: step_id(),
            parent_id: None,
            flags: sampled | ours | RANDOM,
            state: String::new(),
            spans: spans.clone(),
        }
    }

    fn read(headers: &HeaderMap, request_id: RequestId, spans: &Spans) -> Option<Self> {
        let mut values = headers.get_all(TRACEPARENT).iter();
        let value = values.next()?.to_str().ok()?;
        if values.next().is_some() {
            return None;
        }
        let (trace_id, parent_id, flags) = traceparent(value)?;
        Some(Self {
            request_id,
            trace_id,
            span_id: step_id(),
            parent_id: Some(parent_id),
            // What other bits mean is not known yet, so nothing may be said with them.
            flags: flags & (SAMPLED | RANDOM),
            state: tracestate(headers).unwrap_or_default(),
            spans: spans.clone(),
        })
    }

    /// The request that is this step of the trace.
    pub const fn request_id(&self) -> RequestId {
        self.request_id
    }

    /// The trace's id: 32 hex digits, as the log has it.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// This step's id: 16 hex digits.
    pub(crate) fn span_id(&self) -> String {
        format!("{:016x}", self.span_id)
    }

    /// The id of the step above it, if there is one.
    pub(crate) fn parent_id(&self) -> Option<String> {
        self.parent_id.map(|id| format!("{id:016x}"))
    }

    /// Whether whoever began the trace wants it to be recorded.
    pub(crate) const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    pub(crate) const fn spans(&self) -> &Spans {
        &self.spans
    }

    /// `traceparent` for those who stand below this step.
    pub(super) fn traceparent(&self) -> Option<HeaderValue> {
        let Self {
            trace_id,
            span_id,
            flags,
            ..
        } = self;
        let text = format!("00-{trace_id:032x}-{span_id:016x}-{flags:02x}");
        HeaderValue::try_from(text).ok()
    }

    /// What a request to a service goes with that the operator has chosen, such as a model provider of the
    /// configuration: `traceparent`, and `tracestate` as it came.
    ///
    /// It is not for addresses that a tenant has chosen: nothing that names what happens in here goes there.
    pub fn outgoing(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(value) = self.traceparent() {
            headers.insert(TRACEPARENT, value);
        }
        let state = HeaderValue::from_str(&self.state).ok();
        if let Some(value) = state.filter(|value| !value.is_empty()) {
            headers.insert(TRACESTATE, value);
        }
        headers
    }
}

impl TraceContext {
    /// The same as texts, for messages and calls that have no headers.
    pub(crate) fn written<C: FromIterator<(String, String)>>(&self) -> C {
        let headers = self.outgoing();
        let headers = headers.iter();
        let text = headers.filter_map(|(name, value)| Some((name, value.to_str().ok()?)));
        text.map(|(name, value)| (name.to_string(), value.to_owned()))
            .collect()
    }
}

impl<S: Sync> FromRequestParts<S> for TraceContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        // The outermost layer gives every request one; without it, this is a trace of its own.
        let given = parts.extensions.get::<Self>().cloned();
        Ok(given.unwrap_or_else(|| Self::begin(RequestId::new())))
    }
}

fn step_id() -> u64 {
    // Its upper bits say that this is a UUID, so it is never zero.
    uuid::Uuid::now_v7().as_u64_pair().1
}

/// The trace's id, the step above and the flags. Of a version that is not known yet only what all versions begin with is read.
fn traceparent(value: &str) -> Option<(u128, u64, u8)> {
    let value = value.trim_matches([' ', '\t']);
    let mut parts = value.splitn(5, '-');
    let version = hex(parts.next()?, 2)?;
    let trace_id = hex(parts.next()?, 32)?;
    let parent_id = u64::try_from(hex(parts.next()?, 16)?).ok()?;
    let flags = hex(parts.next()?, 2)?;
    let more = parts.next().is_some();
    let known = match version {
        0 => !more,
        0xff => false,
        _ => true,
    };
    let flags = u8::try_from(flags).unwrap_or_default();
    (known && trace_id != 0 && parent_id != 0).then_some((trace_id, parent_id, flags))
}

/// The number that so many lower-case hex digits are.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let plain = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if text.len() != digits || !text.bytes().all(plain) {
        return None;
    }
    u128::from_str_radix(text, 16).ok()
}

/// `Root=1-<8 digits>-<24 digits>;Parent=…;Sampled=1`, as Lambda hands it to each invocation.
fn xray_trace(value: &str) -> Option<(u128, u8)> {
    let member = |name: &str| {
        let mut members = value.split(';');
        members.find_map(|member| member.trim().strip_prefix(name)?.strip_prefix('='))
    };
    let (time, rest) = member("Root")?.strip_prefix("1-")?.split_once('-')?;
    let trace_id = hex(time, 8)? << 96 | hex(rest, 24)?;
    let sampled = u8::from(member("Sampled") == Some("1"));
    (trace_id != 0).then_some((trace_id, sampled))
}

/// All members of all `tracestate` headers. One that is wrong spoils them all.
fn tracestate(headers: &HeaderMap) -> Option<String> {
    let mut members: Vec<&str> = Vec::new();
    for value in headers.get_all(TRACESTATE) {
        let listed = value.to_str().ok()?.split(',');
        // Empty members are allowed, and mean nothing.
        let listed = listed.map(|member| member.trim_matches([' ', '\t']));
        for member in listed.filter(|member| !member.is_empty()) {
            let key = member_key(member)?;
            let twice = members.iter().any(|other| member_key(other) == Some(key));
            if twice || members.len() == MAX_MEMBERS {
                return None;
            }
            members.push(member);
        }
    }
    shorten(&mut members);
    Some(members.join(","))
}

/// What the specification says to leave out of a `tracestate` that is too long: long members, then the last ones.
fn shorten(members: &mut Vec<&str>) {
    let length = |members: &[&str]| members.iter().map(|member| member.len() + 1).sum::<usize>();
    while length(members) > MAX_STATE + 1 {
        let long = members
            .iter()
            .rposition(|member| member.len() > LONG_MEMBER);
        members.remove(long.unwrap_or(members.len() - 1));
    }
}

/// The key of a member, if key and value are well formed.
fn member_key(member: &str) -> Option<&str> {
    let (key, value) = member.split_once('=')?;
    let value_byte = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'=';
    let good_value = (1..=256).contains(&value.len()) && value.bytes().all(value_byte);
    let good_key = match key.split_once('@') {
        None => key_part(key, 256) && key.starts_with(|c: char| c.is_ascii_lowercase()),
        Some((tenant, system)) => {
            let begins = system.starts_with(|c: char| c.is_ascii_lowercase());
            key_part(tenant, 241) && key_part(system, 14) && begins
        }
    };
    (good_key && good_value).then_some(key)
}

fn key_part(text: &str, longest: usize) -> bool {
    let key_byte = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/');
    (1..=longest).contains(&text.len())
        && text.bytes().all(key_byte)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests;
