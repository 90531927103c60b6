//! A function's router on a table of its own, with a clock that stands still and a scripted provider.
//!
//! `TestApi` is one function as a client sees it: requests go through the router with all its layers, to a
//! real, embedded DynamoDB whose table is the one in `template.yaml`.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't be set up has failed"
)]

mod api;
mod death;
mod people;
mod process;
mod reply;
mod settings;
mod spans;
mod table;
mod turns;

pub use api::{Body, DATA_KEYS, ORIGIN, SIGNING_KEYS, START, TestApi, template};
pub use death::dies_after;
pub use people::{PASSWORD, People, Person};
pub use reply::{Event, Reply};
pub use settings::{config, settings};
pub use spans::Recorded;
pub use stand_ins::meter::{Asked, COUNTING, Call, Fault, Storm};
pub use stand_ins::provider::Received;
pub use turns::{nth_message, put_message};
