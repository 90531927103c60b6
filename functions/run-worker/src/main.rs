//! Starts the function.

use std::process::ExitCode;

use run_worker::RunWorker;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    shared::lambda::serve_events("run-worker", |app| RunWorker::new(&app)).await
}
