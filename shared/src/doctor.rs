//! `--check`: tells an operator everything that is wrong, without starting a function.
//!
//! A function that starts with a faulty configuration names all faults in its log and ends. This says the same
//! before a deployment, and goes on to what the settings name: whether it can be reached with the credentials
//! of the environment. `infra/doctor` runs it.

use std::process::ExitCode;

use crate::app::App;
use crate::checks::{Checked, Checks};
use crate::config::Config;
use crate::http::causes;

/// The argument that asks for it.
const ARGUMENT: &str = "--check";

/// Whether this process was started to check, and not to serve.
pub(crate) fn is_asked_for() -> bool {
    std::env::args()
        .skip(1)
        .any(|argument| argument == ARGUMENT)
}

/// Checks, prints a line for each fault or dependency, and succeeds if nothing is wrong.
pub(crate) async fn run() -> ExitCode {
    let lines = match Config::from_env() {
        Err(faults) => faults.0.iter().map(|fault| wrong(fault)).collect(),
        Ok(config) => {
            let app = App::new(config, &crate::aws::load().await);
            let found = Checks::new(&app).all().await;
            let settings = "ok    the configuration has no fault".to_owned();
            std::iter::once(settings)
                .chain(found.iter().map(line))
                .collect::<Vec<_>>()
        }
    };
    print(&lines.join("\n"));
    if lines.iter().any(|line| line.starts_with(WRONG)) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

const WRONG: &str = "WRONG";

fn wrong(what: &str) -> String {
    format!("{WRONG} {what}")
}

/// Whoever runs this holds the settings and the credentials, so causes are told here; values of secrets are in
/// none of them.
fn line(checked: &Checked) -> String {
    let Checked { name, result, took } = checked;
    match result {
        Ok(()) => format!("ok    {name} ({} ms)", took.as_millis()),
        Err(error) => wrong(&format!("{name}: {error}: {}", causes(error))),
    }
}

#[expect(clippy::print_stdout, reason = "it is for whoever started it by hand")]
fn print(text: &str) {
    println!("{text}");
}
