//! What the model is sent: the newest messages that fit its window.

use shared::model::{ContentPart, Message, ModelSpec, Question, Role};

use crate::history;
use crate::provider::PromptMessage;
use crate::tokens;

/// One message as a provider gets it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Turned {
    pub(crate) role: Role,
    pub(crate) parts: Vec<ContentPart>,
}

/// The window of a model while it is filled, newest message first.
#[derive(Debug, Default)]
pub(crate) struct Window {
    left: u64,
    /// How many tokens stand in it, without the answer's.
    used: u64,
    full: bool,
    newest_first: Vec<Turned>,
}

impl Window {
    /// A window of so many tokens with an answer of so many, instructions and tools of so many, and the question in it.
    /// `Err` has how many tokens the question has and how many it may have.
    pub(crate) fn new(
        context_window: u32,
        max_output_tokens: u32,
        instructions: u64,
        question: &Question,
    ) -> Result<Self, (u64, u64)> {
        let total = u64::from(context_window);
        let reserved = u64::from(max_output_tokens) + instructions;
        let available = total.saturating_sub(reserved);
        let needed = tokens::of_parts(&question.parts);
        if needed > available {
            return Err((needed, available));
        }
        Ok(Self {
            left: available - needed,
            used: instructions + needed,
            full: false,
            newest_first: vec![Turned {
                role: question.role,
                parts: question.parts.clone(),
            }],
        })
    }

    /// Adds older messages until one does not fit: from there on nothing is added, because a conversation
    /// with a hole in it misleads.
    pub(crate) fn fill(&mut self, model: &ModelSpec, newest_first: &[Message]) {
        for message in newest_first.iter().filter(|message| can_be_sent(message)) {
            let cost = tokens::of_message(message, model);
            if self.full || cost > self.left {
                self.full = true;
                return;
            }
            self.left -= cost;
            self.used += cost;
            self.newest_first.push(Turned {
                role: message.role,
                parts: message.all_parts().into_owned(),
            });
        }
    }

    /// How many more messages to read, if they are like those of `page`. `None` if none would fit.
    pub(crate) fn wants(&self, model: &ModelSpec, page: &[Message]) -> Option<u32> {
        if self.full || page.is_empty() {
            return None;
        }
        let costs = page
            .iter()
            .map(|message| tokens::of_message(message, model));
        let average = costs.sum::<u64>() / page.len() as u64;
        let wanted = self.left / average.max(1) * 5 / 4 + 4;
        Some(u32::try_from(wanted).unwrap_or(u32::MAX).min(1000))
    }

    /// How many tokens the model is sent, as we count them.
    pub(crate) const fn used(&self) -> u64 {
        self.used
    }

    /// The messages for that model, in their order.
    pub(crate) fn messages(&self, model: &ModelSpec) -> Vec<PromptMessage> {
        history::sent(self.newest_first.iter().rev(), model)
    }
}

/// Not what the provider refused, which it would refuse again with everything after it, and not what is blank,
/// which some providers refuse.
fn can_be_sent(message: &Message) -> bool {
    let refused = matches!(
        message.failure.as_deref(),
        Some("provider-refused" | "provider-context-too-long")
    );
    !refused && history::says_something(&message.all_parts())
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::clock::Moment;
    use shared::model::{MessageId, text_of};

    fn message(sequence: u64, content: &str) -> Message {
        Message {
            id: MessageId::new(),
            sequence,
            parent: None,
            run: None,
            role: if sequence % 2 == 1 {
                Role::User
            } else {
                Role::Assistant
            },
            content: content.to_owned(),
            parts: Vec::new(),
            tool_rounds: 0,
            answer: None,
            failure: None,
            pending_until: None,
            created_at: Moment::from_unix_seconds(0),
        }
    }

    /// Thirty characters: 10 tokens, with the role 18.
    fn eighteen(sequence: u64) -> Message {
        message(sequence, &format!("{sequence:030}"))
    }

    fn model() -> ModelSpec {
        let model = r#"{"id":"m","context_window":2,"max_output_tokens":1}"#;
        serde_json::from_str(model).expect("a model")
    }

    fn contents(window: &Window) -> Vec<String> {
        let messages = window.messages(&model()).into_iter();
        messages.map(|message| text_of(&message.parts)).collect()
    }

    fn question(text: &str) -> Question {
        Question {
            role: Role::User,
            parts: vec![ContentPart::text(text)],
        }
    }

    #[test]
    fn the_newest_messages_that_fit_are_sent_in_order() {
        // 100 for the answer, 18 for the question, and room for three more.
        let mut window =
            Window::new(100 + 18 + 3 * 18 + 17, 100, 0, &question(&"q".repeat(30))).expect("fits");
        window.fill(
            &model(),
            &[
                eighteen(5),
                eighteen(4),
                eighteen(3),
                eighteen(2),
                eighteen(1),
            ],
        );
        let expected: Vec<String> = [3, 4, 5]
            .iter()
            .map(|n| format!("{n:030}"))
            .chain(["q".repeat(30)])
            .collect();
        assert_eq!(contents(&window), expected);
    }

    #[test]
    fn the_instructions_take_their_room() {
        let mut window =
            Window::new(100 + 18 + 18 + 18, 100, 18, &question(&"q".repeat(30))).expect("fits");
        window.fill(&model(), &[eighteen(3), eighteen(2)]);
        assert_eq!(
            contents(&window).len(),
            2,
            "the question and the newest message"
        );
    }

    #[test]
    fn nothing_older_than_a_message_that_does_not_fit_is_sent() {
        let mut window = Window::new(200, 100, 0, &question("q")).expect("fits");
        window.fill(
            &model(),
            &[eighteen(4), message(3, &"x".repeat(3000)), eighteen(2)],
        );
        window.fill(&model(), &[eighteen(1)]);
        assert_eq!(
            contents(&window),
            ["q"],
            "and an answer does not come first"
        );
    }

    #[test]
    fn a_question_over_the_window_is_refused_with_the_figures() {
        let refused = Window::new(150, 100, 0, &question(&"q".repeat(300))).expect_err("too long");
        assert_eq!(refused, (108, 50));
    }

    #[test]
    fn it_asks_for_as_many_more_as_would_fit() {
        let mut window =
            Window::new(100 + 11 + 180 + 18, 100, 0, &question("qqqqqqqqq")).expect("fits");
        let page = [eighteen(9)];
        window.fill(&model(), &page);
        assert_eq!(window.wants(&model(), &page), Some(10 * 5 / 4 + 4));
        window.fill(&model(), &[message(8, &"x".repeat(9000))]);
        assert_eq!(window.wants(&model(), &page), None);
    }
}
