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
