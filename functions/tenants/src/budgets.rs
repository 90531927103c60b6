//! How much a tenant, its people and its API keys may spend.

pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod put;
mod reach;
mod view;
