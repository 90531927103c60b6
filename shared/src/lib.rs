//! What every function stands on: errors, HTTP, callers, storage, configuration, logs.
//!
//! `shared` depends on no function. Only `store` speaks to DynamoDB, only `secrets` to Secrets Manager, only
//! `guard` to addresses that tenants name, only `config` reads the environment, only `clock` reads the time,
//! and only `http::problem` turns an [`Error`] into a status code.

pub mod app;
pub mod auth;
pub mod aws;
pub mod batch;
pub mod blobs;
pub mod checks;
pub mod clock;
pub mod config;
mod doctor;
pub mod error;
pub mod guard;
pub mod http;
pub mod invoke;
pub mod kept;
pub mod lambda;
pub mod limits;
pub mod mail;
pub mod metrics;
pub mod mishap;
pub mod model;
pub mod queue;
pub mod response_cache;
pub mod rotation;
pub mod schema;
pub mod secret_source;
pub mod secrets;
pub mod spans;
pub mod store;
pub mod telemetry;
pub mod trust;
pub mod vault;

pub use app::App;
pub use error::{BoxError, Error, FieldError, FieldFault, Result};
