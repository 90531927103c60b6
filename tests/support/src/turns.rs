//! Messages that stand there before a test begins.

use shared::clock::Moment;
use shared::model::{
    ConversationId, Message, MessageId, RequestId, Role, Run, RunEnd, RunId, RunStatus, RunnerId,
};
use shared::store::{Beginning, Begun, TenantStore};

/// A message at that place of a conversation in which a person and a model take turns.
pub fn nth_message(sequence: u64, content: String) -> Message {
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
        content,
        parts: Vec::new(),
        removed: Vec::new(),
        tool_rounds: 0,
        answer: None,
        failure: None,
        pending_until: None,
        created_at: Moment::from_unix_seconds(0),
    }
}

/// Puts a message into a conversation, as the question of a run that has ended.
pub async fn put_message(store: &TenantStore, conversation: ConversationId, message: Message) {
    let run = Run {
        id: RunId::new(),
        conversation,
        question: message.id,
        question_sequence: message.sequence,
        answer: MessageId::new(),
        request: RequestId::new(),
        provider: "scripted".to_owned(),
        model: "small".to_owned(),
        route: None,
        settings: Default::default(),
        status: RunStatus::Completed,
        attempts: Vec::new(),
        usage: None,
        cost: None,
        sent_tokens: 0,
        context: None,
        retrieval: None,
        reservation: None,
        problem: None,
        owner: RunnerId::new(),
        lease_until: message.created_at,
        cancel_requested: false,
        thread_until: None,
        metadata: Default::default(),
        end: Some(RunEnd { stored: 0, last: 1 }),
        created_at: message.created_at,
        ended_at: Some(message.created_at),
    };
    let message = Message {
        run: Some(run.id),
        ..message
    };
    let begun = store.turn_begin(Beginning::new(&message, &run)).await;
    assert_eq!(begun.expect("stored"), Begun::Yes);
}
