//! Starts the function.

use std::process::ExitCode;

use search::Searcher;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    shared::lambda::serve_events("search", |app| Searcher::new(&app)).await
}
