//! Starts the function.

use std::process::ExitCode;

use job_worker::JobWorker;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    shared::lambda::serve_events("job-worker", |app| JobWorker::new(&app)).await
}
