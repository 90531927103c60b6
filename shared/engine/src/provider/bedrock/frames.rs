//! Frames of `application/vnd.amazon.eventstream`, wherever the bytes are cut, with a limit on their size.

use aws_smithy_eventstream::frame::read_message_from;
use aws_smithy_types::event_stream::Message;
use shared::Result;

use super::super::completion::nonsense;
use crate::sse::MAX_EVENT_BYTES;

/// A frame's length and the length of its headers, each four bytes, and their checksum.
const PRELUDE_BYTES: usize = 12;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// What its payload is.
    pub(super) kind: Kind,
    /// The payload: JSON.
    pub(super) payload: Vec<u8>,
}

/// What a frame tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// The event of that type.
    Event(String),
    /// A failure, by its code.
    Failure(String),
    /// Something that later versions may have.
    Other,
}

/// Makes frames of bytes.
#[derive(Debug, Default)]
pub(super) struct Decoder(Vec<u8>);

impl Decoder {
    /// The frames that these bytes complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Frame>> {
        self.0.extend_from_slice(bytes);
        let mut frames = Vec::new();
        let mut read = 0;
        while let Some(length) = length(&self.0[read..])? {
            let frame = &self.0[read..];
            if frame.len() < length {
                break;
            }
            // It checks both checksums.
            let message = read_message_from(&frame[..length])
                .map_err(|broken| nonsense(format!("a frame is broken: {broken}")))?;
            frames.push(Frame::of(&message));
            read += length;
        }
        self.0.drain(..read);
        Ok(frames)
    }
}

/// The length of the frame that begins there, once it can be told.
fn length(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(first) = bytes.first_chunk::<4>() else {
        return Ok(None);
    };
    let length = usize::try_from(u32::from_be_bytes(*first)).unwrap_or(usize::MAX);
    if !(PRELUDE_BYTES + 4..=MAX_EVENT_BYTES).contains(&length) {
        return Err(nonsense("a frame has an impossible length"));
    }
    Ok(Some(length))
}

impl Frame {
    fn of(message: &Message) -> Self {
        let header = |name: &str| {
            let mut headers = message.headers().iter();
            let header = headers.find(|header| header.name().as_str() == name)?;
            let value = header.value().as_string().ok()?;
            Some(value.as_str().to_owned())
        };
        let named = |name: &str| header(name).unwrap_or_default();
        let kind = match named(":message-type").as_str() {
            "event" => Kind::Event(named(":event-type")),
            "exception" => Kind::Failure(named(":exception-type")),
            "error" => Kind::Failure(named(":error-code")),
            _ => Kind::Other,
        };
        Self {
            kind,
            payload: message.payload().to_vec(),
        }
    }
}
