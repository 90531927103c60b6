//! What stands in for AWS and for a model provider on one machine, in tests and for the local stack.
//!
//! Nothing that is deployed depends on this crate.

pub mod arguments;
pub mod dynamodb;
pub mod meter;
pub mod provider;
pub mod secrets;
pub mod ses;
