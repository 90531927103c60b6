//! Somebody's web site, from which documents are fetched.

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;

/// A web site on this machine.
#[derive(Debug, Clone)]
pub struct Site {
    /// Where it is, without a slash at the end.
    pub url: String,
}

impl Site {
    /// On a free port: `/fjords.txt` is a text, `/elsewhere.txt` leads to it, `/broken.txt` fails, and there is nothing
    /// else.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self, String> {
        let elsewhere = [(header::LOCATION, "/fjords.txt")];
        let router = Router::new()
            .route("/fjords.txt", get("The fjords of Norway are deep."))
            .route(
                "/elsewhere.txt",
                get(move || async move { (StatusCode::FOUND, elsewhere) }),
            )
            .route(
                "/broken.txt",
                get(|| async { StatusCode::INTERNAL_SERVER_ERROR }),
            );
        Ok(Self {
            url: crate::serve(router).await?,
        })
    }
}
