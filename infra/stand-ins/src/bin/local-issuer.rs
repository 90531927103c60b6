//! `local-issuer --addr 127.0.0.1:8003`: an OpenID Connect issuer whose tokens say whatever they are told to.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    stand_ins::arguments::ended("local-issuer", run().await)
}

async fn run() -> Result<(), String> {
    let arguments = stand_ins::arguments::parse(&["addr"], std::env::args())?;
    let listener = stand_ins::arguments::listen(&arguments).await?;
    stand_ins::issuer::serve(listener, stand_ins::arguments::told_to_stop()).await
}
