//! HTTP: errors as problem documents, extractors, layers, the request log, the OpenAPI document.

mod accept;
mod caller;
mod cors;
mod cursor;
mod deadline;
mod deprecation;
mod guest;
mod json;
mod layers;
pub mod limit;
mod list;
mod location;
mod log;
mod message;
mod methods;
pub mod openapi;
mod origin;
mod params;
mod problem;
mod timestamp;
mod trace;

pub use accept::{AcceptsJson, Wants};
pub use cursor::Listing;
pub use deadline::Deadline;
pub use deprecation::{Deprecation, deprecated};
pub use guest::Guest;
pub use json::{Json, MAX_BODY_BYTES};
pub use layers::with_layers;
pub use list::{List, page_limit};
pub use location::location;
pub(crate) use log::causes;
pub use message::MessageView;
pub use params::{IfMatch, Path, Query, etag};
pub use problem::Problem;
pub use timestamp::Timestamp;
pub use trace::TraceContext;
