use proptest::prelude::*;

use super::*;
use shared::clock::Moment;
use shared::model::{MessageId, RunId, text_of};

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
        removed: Vec::new(),
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

fn summary(covers_until: u64, letters: usize, context_window: u32) -> Summary {
    Summary {
        text: "s".repeat(letters),
        covers_until,
        covers_message: MessageId::new(),
        complete: true,
        context_window,
        provider: "p".to_owned(),
        model: "m".to_owned(),
        run: RunId::new(),
        created_at: Moment::from_unix_seconds(0),
    }
}

/// A window of so many tokens after those messages, read in pages of four as long as it wants more.
fn filled(context_window: u32, newest_first: &[Message], before: Option<&Summary>) -> Window {
    let window = Window::new(context_window, 100, 0, &question("q")).expect("fits");
    let mut window = window.with_summary(ContextOverflow::Summarize, before);
    for page in newest_first.chunks(4) {
        window.fill(&model(), page);
        if window.wants(&model(), page).is_none() {
            break;
        }
    }
    window
}

/// That it fits, has no hole, and that each message is sent, covered by the summary that is sent, or told to be left out.
fn accounts_for_all(window: &Window, newest_first: &[Message]) -> Result<(), TestCaseError> {
    prop_assert!(window.used() + 100 <= u64::from(window.context_window));
    let held: Vec<u64> = window.held.iter().map(|held| held.place.sequence).collect();
    let newest = newest_first.iter().map(|message| message.sequence);
    prop_assert_eq!(&held, &newest.take(held.len()).collect::<Vec<u64>>());
    let covered = window
        .pinned()
        .map_or(0, |(summary, _)| summary.covers_until);
    let oldest_held = held
        .last()
        .copied()
        .unwrap_or(newest_first.len() as u64 + 1);
    prop_assert!(
        covered + 1 >= oldest_held || window.context().left_out,
        "{:?}",
        held
    );
    Ok(())
}

proptest! {
    #[test]
    fn each_message_is_sent_or_covered_or_left_out_and_what_is_sent_fits(
        lengths in prop::collection::vec(1_usize..1_500, 0..40),
        context_window in 200_u32..6_000,
        before in prop::option::of((0_u64..40, 1_usize..3_000, 200_u32..6_000)),
        made in 1_usize..3_000,
    ) {
        let count = lengths.len() as u64;
        let letters = |(index, length): (usize, &usize)| message(index as u64 + 1, &"x".repeat(*length));
        let mut messages: Vec<Message> = lengths.iter().enumerate().map(letters).collect();
        messages.reverse();
        let before = before.filter(|(until, ..)| (1..=count).contains(until));
        let before = before.map(|(until, letters, window)| summary(until, letters, window));
        let mut window = filled(context_window, &messages, before.as_ref());
        accounts_for_all(&window, &messages)?;
        // The same rows give the same words.
        let again = filled(context_window, &messages, before.as_ref());
        prop_assert_eq!(contents(&again), contents(&window));
        if let Some((_, until)) = window.needs_summary() {
            window.summarized(&summary(until.sequence, made, context_window));
            accounts_for_all(&window, &messages)?;
        }
    }
}

#[test]
fn passages_take_their_room_from_older_messages_and_stand_before_the_question() {
    let asked = question(&"q".repeat(30));
    let plain = Window::new(1_000, 100, 0, &asked).expect("fits");
    let mut window = Window::new(1_000, 100, 0, &asked).expect("fits");
    let (room, fixed) = (plain.room, plain.fixed);
    window = window.with_passages().expect("fits");
    let aside = window.for_passages();
    assert_eq!((aside, window.room), (room / 3, room - room / 3));
    assert_eq!(
        window.used(),
        fixed + aside,
        "it is reserved before it is known"
    );
    window.fill(&model(), &[eighteen(2), eighteen(1)]);
    let passages = PromptMessage {
        speaker: crate::provider::Speaker::User,
        parts: vec![ContentPart::text("found")],
    };
    window.retrieved(passages, 40);
    assert_eq!(window.used(), fixed + 40 + 2 * 18);
    let contents = contents(&window);
    assert_eq!(contents[2..], ["found".to_owned(), "q".repeat(30)]);
    let narrow = Window::new(500, 100, 0, &asked).expect("fits");
    assert!(narrow.with_passages().is_err());
}
