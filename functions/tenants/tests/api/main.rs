//! The API of `tenants` as a client sees it.

#![expect(clippy::expect_used, reason = "a test that can't go on has failed")]

mod accept;
mod bodies;
mod budgets;
mod delete;
mod elsewhere;
mod helpers;
mod invitations;
mod isolation;
mod members;
mod owners;
mod suspend;
mod tenants;
mod trail;
