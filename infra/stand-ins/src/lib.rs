//! What stands in for AWS, a model provider and an issuer of tokens on one machine, in tests and for the local stack.
//!
//! Nothing that is deployed depends on this crate.

pub mod arguments;
pub mod dynamodb;
pub mod issuer;
pub mod meter;
pub mod provider;
pub mod secrets;
pub mod ses;
