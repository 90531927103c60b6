//! What this crate's programs have in common: the command line, where to listen, when to stop.

use std::collections::HashMap;
use std::process::ExitCode;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// The values of a command line of `--name value`. `known` are the names that there are.
///
/// # Errors
/// What is wrong with the command line, and what would be right.
pub fn parse(
    known: &[&str],
    words: impl Iterator<Item = String>,
) -> Result<HashMap<String, String>, String> {
    let mut values = HashMap::new();
    let mut words = words.skip(1);
    while let Some(word) = words.next() {
        let name = word.strip_prefix("--").filter(|name| known.contains(name));
        let name = name
            .ok_or_else(|| format!("{word} is not known; there are: --{}", known.join(", --")))?;
        let value = words
            .next()
            .ok_or_else(|| format!("{word} wants a value"))?;
        values.insert(name.to_owned(), value);
    }
    Ok(values)
}

/// A listener at `--addr`.
///
/// # Errors
/// When it is missing or taken.
pub async fn listen(arguments: &HashMap<String, String>) -> Result<TcpListener, String> {
    let address = arguments
        .get("addr")
        .ok_or("say where to listen: --addr 127.0.0.1:PORT")?;
    TcpListener::bind(address)
        .await
        .map_err(|error| format!("can't listen on {address}: {error}"))
}

/// Resolves when the process is told to stop, by Ctrl-C or by SIGTERM.
pub async fn told_to_stop() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// How a program ends: quietly, or with what went wrong.
pub fn ended(program: &str, result: Result<(), String>) -> ExitCode {
    let Err(fault) = result else {
        return ExitCode::SUCCESS;
    };
    #[expect(clippy::print_stderr, reason = "a program for people")]
    {
        eprintln!("{program}: {fault}");
    }
    ExitCode::FAILURE
}
