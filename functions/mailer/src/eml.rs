//! A mail as a file: RFC 5322 with MIME (RFC 2045), as any mail program opens it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use crate::envelope::Envelope;

/// How many bytes fit into one encoded word of at most 75 characters (RFC 2047, section 2).
const BYTES_IN_A_WORD: usize = 45;

/// The whole file.
pub(crate) fn write(envelope: &Envelope, sender: &str) -> String {
    let Envelope {
        id,
        written_at,
        to,
        subject,
        text,
    } = envelope;
    let domain = sender.rsplit('@').next().unwrap_or_default();
    let headers = [
        ("Date", date(written_at.unix_seconds())),
        ("From", sender.to_owned()),
        ("To", to.clone()),
        ("Message-ID", format!("<{id}@{domain}>")),
        ("Subject", unstructured(subject)),
        // RFC 3834: nobody answers "I am on holiday".
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("MIME-Version", "1.0".to_owned()),
        ("Content-Type", "text/plain; charset=utf-8".to_owned()),
        ("Content-Transfer-Encoding", "8bit".to_owned()),
    ];
    let headers = headers.map(|(name, value)| format!("{name}: {value}\r\n"));
    let text: Vec<&str> = text.lines().collect();
    format!("{}\r\n{}\r\n", headers.concat(), text.join("\r\n"))
}

fn date(unix_seconds: i64) -> String {
    let moment = Timestamp::from_second(unix_seconds).unwrap_or_default();
    let printer = DateTimePrinter::new();
    printer.timestamp_to_string(&moment).unwrap_or_default()
}

/// A header's text: as it is where it is ASCII, in encoded words otherwise. Words are split between characters, and
/// each stands on a line of its own.
fn unstructured(text: &str) -> String {
    if text.is_ascii() && !text.contains("=?") {
        return text.to_owned();
    }
    let mut words = vec![String::new()];
    for character in text.chars() {
        let full = words
            .last()
            .is_none_or(|word| word.len() + character.len_utf8() > BYTES_IN_A_WORD);
        if full {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(character);
        }
    }
    let words = words
        .iter()
        .map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word)));
    words.collect::<Vec<_>>().join("\r\n ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::clock::Moment;
    use shared::model::OutboxId;

    fn envelope(subject: &str) -> Envelope {
        Envelope {
            id: OutboxId::new(),
            written_at: Moment::from_unix_seconds(1_767_225_600),
            to: "ada@example.org".to_owned(),
            subject: subject.to_owned(),
            text: "Grüße\nhttp://app/#token=t\n".to_owned(),
        }
    }

    #[test]
    fn headers_come_first_and_end_with_an_empty_line() {
        let envelope = envelope("Set a new password");
        let eml = write(&envelope, "chatter@example.com");
        let (headers, text) = eml.split_once("\r\n\r\n").expect("an empty line");
        let lines: Vec<&str> = headers.split("\r\n").collect();
        let message_id = format!("Message-ID: <{}@example.com>", envelope.id);
        for line in [
            "Date: Thu, 1 Jan 2026 00:00:00 -0000",
            "From: chatter@example.com",
            "To: ada@example.org",
            "Subject: Set a new password",
            message_id.as_str(),
        ] {
            assert!(lines.contains(&line), "{line} is not in {headers}");
        }
        assert_eq!(text, "Grüße\r\nhttp://app/#token=t\r\n");
    }

    #[test]
    fn a_subject_that_is_not_ascii_is_written_in_encoded_words() {
        let subject = "Tritt dem Verein für höhere Mathematik und größere Fuß\u{1F9B6}abdrücke bei";
        let eml = write(&envelope(subject), "chatter@example.com");
        let (headers, _) = eml.split_once("\r\n\r\n").expect("an empty line");
        assert!(headers.is_ascii(), "{headers}");
        assert!(headers.lines().all(|line| line.len() <= 85), "{headers}");
        let words = headers.split("=?utf-8?B?").skip(1);
        let decoded: Vec<u8> = words
            .flat_map(|word| STANDARD.decode(word.split("?=").next().unwrap_or_default()))
            .flatten()
            .collect();
        assert_eq!(String::from_utf8(decoded).as_deref(), Ok(subject));
    }

    #[test]
    fn a_subject_that_looks_encoded_is_not_taken_for_it() {
        assert!(!unstructured("=?utf-8?B?QQ==?=").contains("QQ=="));
    }
}
