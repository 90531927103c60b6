//! The API of `conversations` as a client sees it.

#![expect(clippy::expect_used, reason = "a test that can't go on has failed")]

mod create_conversation;
mod delete_conversation;
mod helpers;
mod isolation;
mod list_conversations;
mod list_messages;
mod openai;
mod update_conversation;
mod wrong_requests;
