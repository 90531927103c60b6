//! Starts the function.

use std::process::ExitCode;

use key_rotation::Rotation;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    shared::lambda::serve_events("key-rotation", |app| Rotation::new(&app)).await
}
