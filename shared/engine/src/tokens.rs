//! How many tokens a text has, guessed without the model's vocabulary.
//!
//! The guess errs on the high side: a prompt over the window is refused by the provider, a prompt under it
//! merely forgets a little earlier. English has about 4 ASCII characters a token and code about 3; other
//! scripts have between one half and 2 tokens a character, which is at most one for 2 bytes of UTF-8.

use shared::model::{ContentPart, Message, ModelSpec};

use crate::history;

/// What a message costs besides its text: role and separators.
const PER_MESSAGE: u64 = 8;
/// What an image costs: about that of a large one at OpenAI and Anthropic. Its size is not known where it is an address.
const PER_IMAGE: u64 = 1_600;
/// How many bytes of base64 of a document make a token: its text is mostly smaller than the file.
const BYTES_OF_FILE_PER_TOKEN: u64 = 4;

/// An upper guess of the tokens of a text.
pub fn estimate(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count() as u64;
    let other = text.len() as u64 - ascii;
    ascii.div_ceil(3) + other.div_ceil(2)
}

/// The end of a text that has at most so many tokens by this guess.
pub(crate) fn end_of(text: &str, most: u64) -> String {
    if estimate(text) <= most {
        return text.to_owned();
    }
    // What an end costs grows with its length.
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let first = starts.partition_point(|start| estimate(&text[*start..]) > most);
    starts
        .get(first)
        .map_or_else(String::new, |start| text[*start..].to_owned())
}

/// An upper guess of the tokens of a text that is sent as a message.
pub(crate) fn of_text(text: &str) -> u64 {
    estimate(text) + PER_MESSAGE
}

/// The same for parts of a message.
pub(crate) fn of_parts(parts: &[ContentPart]) -> u64 {
    parts.iter().map(of_part).sum::<u64>() + PER_MESSAGE
}

/// The same for one part.
pub(crate) fn of_part(part: &ContentPart) -> u64 {
    match part {
        ContentPart::Text { text } => estimate(text),
        ContentPart::ImageUrl { .. } => PER_IMAGE,
        ContentPart::File { file } => {
            file.file_data.len() as u64 / BYTES_OF_FILE_PER_TOKEN + PER_MESSAGE
        }
        ContentPart::Reasoning(reasoning) => {
            let encrypted = reasoning.encrypted_content.as_deref().unwrap_or_default();
            estimate(&reasoning.text) + estimate(encrypted)
        }
        ContentPart::ToolCall(call) => {
            estimate(&call.name) + estimate(&call.arguments) + PER_MESSAGE
        }
        ContentPart::ToolResult(result) => estimate(&result.text) + PER_MESSAGE,
    }
}

/// The same for a stored message as that model is sent it. The provider's own count of an answer is used where it is
/// higher.
pub(crate) fn of_message(message: &Message, model: &ModelSpec) -> u64 {
    let counted = message.answer.as_ref().and_then(|answer| answer.usage);
    let counted = counted.map_or(0, |usage| usage.output_tokens);
    let parts = message.all_parts();
    let taken = parts
        .iter()
        .map(|part| of_part(&history::able(part, model)));
    taken.sum::<u64>().max(counted) + PER_MESSAGE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_text_is_as_long_as_may_be() {
        assert_eq!(end_of("short", 100), "short");
        let long = format!("{}ü question?", "word ".repeat(200));
        let end = end_of(&long, 20);
        assert!(
            end.ends_with("ü question?") && long.ends_with(&end),
            "{end}"
        );
        assert!((19..=20).contains(&estimate(&end)), "{end}");
        assert_eq!(end_of("🦀🦀", 1), "");
    }

    #[test]
    fn the_guess_is_not_below_what_real_vocabularies_count() {
        // Counts of OpenAI's cl100k_base.
        for (text, real) in [
            ("The capital of France is Paris.", 7),
            ("fn main() { println!(\"{}\", x[0] + y); }", 15),
            ("Привет, как дела?", 8),
            ("你好，世界！今天天气怎么样？", 16),
            ("🦀🚀", 5),
        ] {
            let guess = estimate(text);
            assert!(
                guess >= real || guess + 2 >= real,
                "{text}: {guess} < {real}"
            );
            assert!(guess <= real * 3, "{text}: {guess} is far above {real}");
        }
    }

    #[test]
    fn no_text_has_no_tokens() {
        assert_eq!(estimate(""), 0);
    }
}
