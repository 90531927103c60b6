//! Logs: one JSON object a line on standard output, which Lambda sends to CloudWatch.
//!
//! What may stand there is decided at two places. Our own crates log no secret at any level, so `LOG_LEVEL` may
//! let through everything of theirs. Others log what passes through them: the Lambda runtime whole events at
//! `trace`, the AWS SDK the bodies of its requests and answers at `debug`, HTTP clients headers. So of them
//! nothing below `info` is ever written, whatever `LOG_LEVEL` says, on every stage.

use std::fmt::Debug;
use std::io::Write as _;
use std::panic::PanicHookInfo;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::{Layer, Registry};

use crate::metrics;

/// Our own crates that are not a function's. A test compares it with the workspace.
pub const LIBRARIES: [&str; 5] = ["shared", "engine", "documents", "knowledge", "retrieval"];

/// The least that is heeded of crates that are not ours.
const FOREIGN: LevelFilter = LevelFilter::INFO;

/// Which lines are written: what `LOG_LEVEL` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels {
    all: LevelFilter,
    /// Crates or modules with a level of their own.
    single: Vec<(String, LevelFilter)>,
}

impl Levels {
    /// What a value must be, in words.
    pub const RULE: &str = "a level (off, error, warn, info, debug, trace), and after it levels of single crates, as in info,engine=debug";

    /// Reads `info` or `info,engine=debug`. `None` is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(',').map(str::trim);
        let all = level(parts.next()?)?;
        let single = parts.map(|part| {
            let (target, name) = part.split_once('=')?;
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
            let good = !target.is_empty() && target.chars().all(plain);
            good.then_some((target.to_owned(), level(name)?))
        });
        let single = single.collect::<Option<_>>()?;
        Some(Self { all, single })
    }

    /// Whether a line is written. The longest target that it is in counts.
    fn allow(&self, own: &[String], target: &str, level: Level) -> bool {
        let single = self.single.iter().filter(|(name, _)| is_in(target, name));
        let single = single.max_by_key(|(name, _)| name.len());
        let wanted = single.map_or(self.all, |(_, level)| *level);
        let ours = own.iter().any(|name| is_in(target, name));
        level <= wanted && (ours || level <= FOREIGN)
    }
}

impl Default for Levels {
    /// `info`.
    fn default() -> Self {
        Self {
            all: LevelFilter::INFO,
            single: Vec::new(),
        }
    }
}

fn level(name: &str) -> Option<LevelFilter> {
    match name {
        "off" => Some(LevelFilter::OFF),
        "error" => Some(LevelFilter::ERROR),
        "warn" => Some(LevelFilter::WARN),
        "info" => Some(LevelFilter::INFO),
        "debug" => Some(LevelFilter::DEBUG),
        "trace" => Some(LevelFilter::TRACE),
        _ => None,
    }
}

/// Whether a target is that module or one in it.
fn is_in(target: &str, module: &str) -> bool {
    let rest = target.strip_prefix(module);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Starts logging, and makes a line of panics too.
pub fn init(function: &'static str, levels: &Levels) {
    let subscriber = subscriber(&[function], levels.clone(), std::io::stdout);
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        log_panics();
    }
}

/// Makes a line of every panic from now on, instead of a text on standard error.
pub fn log_panics() {
    std::panic::set_hook(Box::new(log_panic));
}

/// What writes the lines of these functions and of the libraries, and those of the metrics.
pub fn subscriber<W>(functions: &[&str], levels: Levels, writer: W) -> impl Subscriber + use<W>
where
    W: for<'w> MakeWriter<'w> + Clone + Send + Sync + 'static,
{
    let names = functions.iter().chain(&LIBRARIES);
    let own: Vec<String> = names.map(|name| name.replace('-', "_")).collect();
    let allow = move |line: &Metadata<'_>| {
        line.target() != metrics::TARGET && levels.allow(&own, line.target(), *line.level())
    };
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_target(false)
        .with_writer(writer.clone())
        .with_filter(filter_fn(allow));
    let figures =
        FigureLayer(writer).with_filter(filter_fn(|line| line.target() == metrics::TARGET));
    Registry::default().with(lines).with(figures)
}

/// Writes the lines of the metrics as they are.
struct FigureLayer<W>(W);

impl<S, W> Layer<S> for FigureLayer<W>
where
    S: Subscriber,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        // Nobody could be told where standard output is gone.
        drop(self.0.make_writer().write_all(line.0.as_bytes()));
    }
}

/// What an event of the metrics carries, with its end.
#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == metrics::LINE {
            self.0 = format!("{value}\n");
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

/// The text is written only where it stood in the source: one that was made may quote what a client sent.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    let location = location.unwrap_or_default();
    let text = panic.payload().downcast_ref::<&'static str>();
    let text = text.copied().unwrap_or_default();
    tracing::error!(location, text, "a panic at {location}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(levels: &str) -> impl Fn(&str, Level) -> bool {
        let levels = Levels::parse(levels).expect("levels");
        let own = ["shared", "key_rotation", "events"].map(str::to_owned);
        move |target, level| levels.allow(&own, target, level)
    }

    #[test]
    fn of_others_nothing_below_info_is_written_whatever_is_asked() {
        for levels in [
            "trace",
            "trace,aws_smithy_runtime=trace,lambda_runtime=debug",
        ] {
            let written = written(levels);
            for own in [
                "shared",
                "shared::http::log",
                "key_rotation",
                "events::list",
            ] {
                assert!(written(own, Level::TRACE), "{own} at {levels}");
            }
            for other in [
                "aws_smithy_runtime::client::orchestrator",
                "lambda_runtime::layers::trace",
                "hyper_util::client",
                "eventsource",
                "shared_memory",
            ] {
                assert!(!written(other, Level::DEBUG), "{other} at {levels}");
                assert!(written(other, Level::INFO), "{other} at {levels}");
            }
        }
    }

    #[test]
    fn the_nearest_level_counts() {
        let written = written("warn,shared=info,shared::http=debug,hyper=off");
        assert!(written("key_rotation", Level::WARN));
        assert!(!written("key_rotation", Level::INFO));
        assert!(written("shared::store", Level::INFO));
        assert!(!written("shared::store", Level::DEBUG));
        assert!(written("shared::http::log", Level::DEBUG));
        assert!(!written("hyper::proto", Level::ERROR));
        assert!(written("hyper_util", Level::WARN));
    }

    #[test]
    fn what_is_no_level_is_refused() {
        for wrong in [
            "",
            "loud",
            "INFO",
            "infoo",
            "info,",
            "info,debug",
            "shared=debug",
            "info,shared",
            "info,=debug",
            "info,shared=loud",
            "info,[span]=debug",
            "info;shared=debug",
            "3",
        ] {
            assert_eq!(Levels::parse(wrong), None, "{wrong}");
        }
    }
}
