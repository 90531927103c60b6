//! Parameters that OpenAI's API has and this one does not: refused by name, unless they say what holds anyway.

use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::errors::unsupported;
use crate::error::{Error, Result};
use crate::http::Json;

/// A parameter that is not supported.
#[derive(Debug, Clone, Copy)]
pub struct Refused {
    /// Its name.
    pub name: &'static str,
    /// What it may be nevertheless, as JSON: what holds anyway. `null` always may.
    allowed: &'static [&'static str],
    /// What to do instead.
    hint: &'static str,
}

impl Refused {
    /// A parameter that is refused unless it is one of these.
    pub const fn unless(
        name: &'static str,
        allowed: &'static [&'static str],
        hint: &'static str,
    ) -> Self {
        Self {
            name,
            allowed,
            hint,
        }
    }
}

/// A request of OpenAI's API with parameters that are refused.
pub trait Parameters: DeserializeOwned {
    /// Those.
    const REFUSED: &'static [Refused];
}

/// A JSON body without what is refused.
#[derive(Debug)]
pub struct Asked<T>(pub T);

impl<S: Sync, T: Parameters> FromRequest<S> for Asked<T> {
    type Rejection = Error;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let Json(Value::Object(mut fields)) = Json::from_request(request, state).await? else {
            return Err(Error::invalid("", "must be a JSON object"));
        };
        for refused in T::REFUSED {
            let Some(value) = fields.remove(refused.name) else {
                continue;
            };
            let allowed = value.is_null() || refused.allowed.contains(&&*value.to_string());
            if !allowed {
                return Err(unsupported(&format!("/{}", refused.name), refused.hint));
            }
        }
        // Again as bytes, so that what is wrong is told with its place.
        let bytes = serde_json::to_vec(&fields).map_err(Error::internal)?;
        Json::parse(&bytes).map(Self)
    }
}
