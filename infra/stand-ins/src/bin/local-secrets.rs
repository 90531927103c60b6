//! `local-secrets --addr 127.0.0.1:8002 [--file secrets.json]`: Secrets Manager on one machine, kept in a file that
//! only its owner can read, or in memory. It has no access control, so it listens where it is told and says so.

use std::path::Path;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    stand_ins::arguments::ended("local-secrets", run().await)
}

async fn run() -> Result<(), String> {
    let arguments = stand_ins::arguments::parse(&["addr", "file"], std::env::args())?;
    let listener = stand_ins::arguments::listen(&arguments).await?;
    let file = arguments.get("file").map(Path::new);
    stand_ins::secrets::serve(listener, file, stand_ins::arguments::told_to_stop()).await
}
