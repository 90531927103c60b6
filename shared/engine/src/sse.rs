//! Server-sent events as a provider writes them (WHATWG HTML, section 9.2.6), with a limit on their size.

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Event {
    /// Its `event` field; empty if there is none.
    pub(crate) name: String,
    /// Its `data` fields, joined by line feeds.
    pub(crate) data: String,
}

/// Why a stream can't be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    #[error("an event of the stream is over {MAX_EVENT_BYTES} bytes")]
    TooLarge,
    #[error("the stream is not UTF-8")]
    NotUtf8,
}

/// The largest event that is read, in bytes. A token's event has a few hundred.
pub(crate) const MAX_EVENT_BYTES: usize = 256 * 1024;

/// Makes events of the bytes of a stream, wherever they are cut.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    line: Vec<u8>,
    after_carriage_return: bool,
    event: Event,
    has_data: bool,
}

impl Decoder {
    /// The events that these bytes complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, Broken> {
        let mut events = Vec::new();
        for &byte in bytes {
            let second_half_of_crlf = byte == b'\n' && self.after_carriage_return;
            self.after_carriage_return = byte == b'\r';
            if second_half_of_crlf {
                continue;
            }
            if byte != b'\n' && byte != b'\r' {
                if self.line.len() + self.event.data.len() >= MAX_EVENT_BYTES {
                    return Err(Broken::TooLarge);
                }
                self.line.push(byte);
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let line = std::str::from_utf8(&line).map_err(|_| Broken::NotUtf8)?;
            events.extend(self.end_of_line(line));
        }
        Ok(events)
    }

    fn end_of_line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.has_data = true;
                self.event.data.push_str(value);
            }
            "event" => value.clone_into(&mut self.event.name),
            // A comment, an id, a retry interval, or nothing that the standard knows.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(name: &str, data: &str) -> Event {
        Event {
            name: name.to_owned(),
            data: data.to_owned(),
        }
    }

    fn decode(chunks: &[&[u8]]) -> Vec<Event> {
        let mut decoder = Decoder::default();
        chunks
            .iter()
            .flat_map(|chunk| decoder.push(chunk).expect("readable"))
            .collect()
    }

    #[test]
    fn fields_comments_and_line_ends_are_read_as_the_standard_says() {
        let stream = b": hello\r\nevent: delta\r\ndata: a\r\ndata:  b\r\nid: 7\r\n\r\ndata\n\nevent: none\n\ndata:c\r\r";
        assert_eq!(
            decode(&[stream]),
            [event("delta", "a\n b"), event("", ""), event("", "c")]
        );
    }

    #[test]
    fn an_event_without_its_empty_line_is_not_given() {
        assert_eq!(decode(&[b"data: a\n"]), []);
    }

    #[test]
    fn an_endless_line_is_refused_before_it_fills_the_memory() {
        let mut decoder = Decoder::default();
        let chunk = [b'x'; 64 * 1024];
        let results: Vec<_> = (0..5).map(|_| decoder.push(&chunk)).collect();
        assert_eq!(results.last(), Some(&Err(Broken::TooLarge)));
    }

    #[test]
    fn endless_data_lines_are_refused_too() {
        let mut decoder = Decoder::default();
        let line = format!("data: {}\n", "x".repeat(1000));
        let refused = (0..1000).any(|_| decoder.push(line.as_bytes()) == Err(Broken::TooLarge));
        assert!(refused);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_bytes_are_cut(
            texts in prop::collection::vec("[^\r\n]{0,20}", 1..6),
            cuts in prop::collection::vec(0_usize..200, 0..8),
            crlf in any::<bool>(),
        ) {
            let end = if crlf { "\r\n" } else { "\n" };
            let stream: String = texts.iter().map(|text| format!("event: e{end}data: {text}{end}{end}")).collect();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream.as_bytes()[pair[0]..pair[1]]).collect();
            let expected: Vec<Event> = texts.iter().map(|text| event("e", text)).collect();
            prop_assert_eq!(decode(&chunks), expected);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut decoder = Decoder::default();
            for chunk in bytes.chunks(7) {
                if decoder.push(chunk).is_err() {
                    break;
                }
            }
        }
    }
}
