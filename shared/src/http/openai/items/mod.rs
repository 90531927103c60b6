//! Items: what responses are asked with, what they answer, and what conversations are made of.
//!
//! A message of a conversation is one item or more: an item's id has the digits of its message, or of its run if it is an
//! answer, and its number there. So an answer's items have the same ids in its response and in its conversation.

mod gathered;
mod input;
mod listed;
mod output;
mod parts;
mod thoughts;

pub use gathered::{Gathered, Gathering};
pub use input::{
    Call, Content, Input, Item, Message, Output, Part, Role, Thought, ThoughtPart, Typed,
};
pub use listed::{ListedItem, listed, page, searches};
pub use output::{
    Annotation, OutputItem, OutputText, TextPart, answered, answered_part, incomplete, item_id,
    named, owner,
};
pub use parts::{Detail, file_part, image_part};
