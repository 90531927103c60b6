//! Starts the function.

use std::process::ExitCode;

use mailer::Mailer;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    shared::lambda::serve_events("mailer", |app| Mailer::new(&app)).await
}
