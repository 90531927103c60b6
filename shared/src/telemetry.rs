//! Logs: one JSON object a line on standard output, which Lambda sends to CloudWatch.

use tracing_subscriber::EnvFilter;

/// Starts logging. `level` is a `tracing` filter such as `info` or `info,shared=debug`; one that can't be
/// read counts as `info`, and a line says so.
pub fn init(level: &str) {
    let filter = EnvFilter::try_new(level);
    let understood = filter.is_ok();
    let started = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_env_filter(filter.unwrap_or_else(|_| EnvFilter::new("info")))
        .try_init();
    if started.is_ok() && !understood {
        tracing::warn!("LOG_LEVEL is not a filter such as `info`; it counts as `info`");
    }
}
