//! Searches as a caller sees them.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that can't go on has failed"
)]

mod bounds;
mod corrupt;
mod exact;
mod helpers;
mod merging;
mod visibility;
