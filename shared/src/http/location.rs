//! Where a new thing is.

use http::HeaderValue;

use crate::app::App;
use crate::error::{Error, Result};

/// The `Location` (RFC 9110, section 10.2.2) of a path of this API. It is absolute, because API Gateway puts
/// the stage before the path and the function does not know it.
pub fn location(app: &App, path: &str) -> Result<HeaderValue> {
    let location = format!("{}{path}", app.config.token_issuer);
    HeaderValue::from_str(&location).map_err(Error::internal)
}
