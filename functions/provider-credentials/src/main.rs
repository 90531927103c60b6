//! Starts the function.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    shared::lambda::serve("provider-credentials", provider_credentials::router).await
}
