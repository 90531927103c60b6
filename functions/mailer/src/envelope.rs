//! A letter as it may go out: nothing in it can end a header and begin another.

use shared::clock::Moment;
use shared::mail::Letter;
use shared::model::{OutboxId, is_unseen};
use shared::store::Mail;
use shared::{Error, Result};

/// The longest subject, in characters; names of tenants stand in subjects.
const LONGEST_SUBJECT: usize = 200;

/// A letter with an address that can stand in a header, and a subject of one line.
pub(crate) struct Envelope {
    pub(crate) id: OutboxId,
    pub(crate) written_at: Moment,
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
}

impl Envelope {
    /// `None` for a letter that goes nowhere.
    pub(crate) fn of(mail: &Mail, letter: Letter) -> Result<Option<Self>> {
        let Letter { to, subject, text } = letter;
        let Some(to) = to else { return Ok(None) };
        if !is_plain(&to) {
            return Err(Error::internal("the address can't stand in a header"));
        }
        Ok(Some(Self {
            id: mail.id,
            written_at: mail.created_at,
            to,
            subject: line(&subject),
            text,
        }))
    }
}

/// An address is one word without what has a meaning in a header (RFC 5322, section 3.2.3), and so one recipient.
fn is_plain(address: &str) -> bool {
    let special = |c: char| c.is_whitespace() || c.is_control() || r#"()<>[]:;\,""#.contains(c);
    address.split('@').filter(|part| !part.is_empty()).count() == 2
        && address.matches('@').count() == 1
        && !address.contains(special)
}

/// One line: whatever breaks lines or can't be seen becomes a blank.
fn line(text: &str) -> String {
    let blanks: String = text
        .chars()
        .map(|c| if is_unseen(c) { ' ' } else { c })
        .collect();
    let words: Vec<&str> = blanks.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(LONGEST_SUBJECT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_recipient() {
        for plain in ["ada@example.com", "a.b+c_d@x-y.example", "ü@exämple.com"] {
            assert!(is_plain(plain), "{plain}");
        }
        for wrong in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@example.com\r\nBcc: eve@example.com",
            "ada@example.com,eve@example.com",
            "ada,eve@example.com",
            "ada<eve@example.com",
            "ada@example.com>",
            "\"ada\"@example.com",
            "ada@example.com eve",
            "ada@[127.0.0.1]",
            "group:ada@example.com;",
        ] {
            assert!(!is_plain(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_subject_is_one_line() {
        for broken in [
            "Join Evil\r\nBcc: eve@example.com",
            "Join Evil\nBcc: eve@example.com",
            "Join Evil\rBcc: eve@example.com",
            "Join Evil\u{2028}Bcc: eve@example.com",
            "Join\tEvil\u{85}Bcc: \u{0} eve@example.com ",
        ] {
            assert_eq!(line(broken), "Join Evil Bcc: eve@example.com");
        }
        assert_eq!(line(&"ü".repeat(300)).chars().count(), LONGEST_SUBJECT);
    }
}
