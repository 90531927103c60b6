//! Items: what responses are asked with, what they answer, and what conversations are made of.
//!
//! A message of a conversation is one item or more: an item's id has the digits of its message and its number there. An
//! answer has the digits of its run, as its response has, so that the response of an item is found by its id.

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
pub use listed::{ListedFields, ListedItem, listed, page, without};
pub use output::{
    Annotation, OutputItem, OutputText, TextPart, answered, answered_part, incomplete, item_id,
    message_of, named,
};
pub use parts::{Detail, file_part, image_part};
