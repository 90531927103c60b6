//! `cargo run --bin openapi`: writes `functions/health/openapi.json` from the routers of all functions.

use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "a program for people")]
fn main() -> ExitCode {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../functions/health/openapi.json"
    );
    match std::fs::write(path, promises::document_text()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("openapi: can't write {path}: {error}");
            ExitCode::FAILURE
        }
    }
}
