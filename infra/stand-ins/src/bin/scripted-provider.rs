//! `scripted-provider --addr 127.0.0.1:8001`: a model provider that does what the last message tells it to.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    stand_ins::arguments::ended("scripted-provider", run().await)
}

async fn run() -> Result<(), String> {
    let arguments = stand_ins::arguments::parse(&["addr"], std::env::args())?;
    let listener = stand_ins::arguments::listen(&arguments).await?;
    stand_ins::provider::serve(listener, stand_ins::arguments::told_to_stop()).await
}
