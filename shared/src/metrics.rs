//! Figures for CloudWatch: lines of the log in its Embedded Metric Format, of which CloudWatch makes metrics without being
//! called.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
//!
//! Every value of a dimension is one of few that a deployment knows: functions, patterns of routes, models of its own
//! configuration, queues. What a client or a tenant names is never one, because each value is a metric that is paid for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use crate::clock::Moment;
use crate::config::{Config, Stage};

/// The namespace of all metrics.
pub const NAMESPACE: &str = "Chatter";
/// The target of the events that carry a line: `telemetry` writes them as they are, whatever `LOG_LEVEL` says.
pub(crate) const TARGET: &str = "chatter_metrics";
/// The field of such an event.
pub(crate) const LINE: &str = "line";

/// How much is measured: `METRICS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// Nothing.
    Off,
    /// Functions, models and queues.
    Functions,
    /// Routes too.
    Routes,
}

impl Detail {
    /// What a value must be, in words.
    pub const RULE: &str = "off, functions or routes";

    /// Reads a value. `None` is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "functions" => Some(Self::Functions),
            "routes" => Some(Self::Routes),
            _ => None,
        }
    }
}

/// A unit of CloudWatch.
#[derive(Debug, Clone, Copy)]
pub enum Unit {
    /// How often, or how many.
    Count,
    /// Thousandths of a second.
    Milliseconds,
    /// Seconds.
    Seconds,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::Seconds => "Seconds",
        }
    }
}

/// One line: values, and what they are of.
#[derive(Debug, Clone)]
pub struct Figures {
    detail: Detail,
    /// The sets of dimensions besides `Stage`, each of which is a metric of its own.
    sets: Vec<Vec<&'static str>>,
    metrics: Vec<Value>,
    members: Map<String, Value>,
}

impl Figures {
    /// Without any yet.
    pub fn new(detail: Detail, stage: Stage) -> Self {
        Self {
            detail,
            sets: Vec::new(),
            metrics: Vec::new(),
            members: Map::from_iter([("Stage".to_owned(), stage.name().into())]),
        }
    }

    /// Counts them together by these dimensions, with their values. No dimensions are all of the stage together.
    #[must_use]
    pub fn by(mut self, dimensions: &[(&'static str, &str)]) -> Self {
        self.sets
            .push(dimensions.iter().map(|(name, _)| *name).collect());
        for (name, value) in dimensions {
            // CloudWatch takes no empty ones.
            let value = if value.is_empty() { "none" } else { value };
            self.members.insert((*name).to_owned(), value.into());
        }
        self
    }

    /// The same, if routes are measured.
    #[must_use]
    pub fn by_route(self, dimensions: &[(&'static str, &str)]) -> Self {
        match self.detail {
            Detail::Routes => self.by(dimensions),
            Detail::Functions | Detail::Off => self,
        }
    }

    /// With that figure.
    #[must_use]
    pub fn with(mut self, name: &'static str, unit: Unit, value: f64) -> Self {
        self.metrics
            .push(json!({"Name": name, "Unit": unit.name()}));
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// With that figure, if there is one.
    #[must_use]
    pub fn with_some(self, name: &'static str, unit: Unit, value: Option<u64>) -> Self {
        match value {
            #[expect(clippy::cast_precision_loss, reason = "CloudWatch keeps doubles")]
            Some(value) => self.with(name, unit, value as f64),
            None => self,
        }
    }

    /// Writes the line.
    pub fn tell(self) {
        if self.detail != Detail::Off {
            #[expect(clippy::disallowed_methods, reason = "CloudWatch refuses other times")]
            let now = SystemTime::now();
            let line = self.line(now);
            tracing::info!(target: TARGET, line);
        }
    }

    fn line(self, now: SystemTime) -> String {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let milliseconds = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let sets = self.sets.iter();
        let sets: Vec<Vec<&str>> = sets
            .map(|set| ["Stage"].iter().chain(set).copied().collect())
            .collect();
        let mut members = self.members;
        members.insert(
            "_aws".to_owned(),
            json!({
                "Timestamp": milliseconds,
                "CloudWatchMetrics": [
                    {"Namespace": NAMESPACE, "Dimensions": sets, "Metrics": self.metrics},
                ],
            }),
        );
        Value::Object(members).to_string()
    }
}

/// Tells for how long the oldest message of a batch of SQS has waited.
pub(crate) fn tell_queue_age(config: &Config, event: &Value, now: Moment) {
    if let Some((queue, age)) = queue_age(event, now) {
        Figures::new(config.metrics, config.stage)
            .by(&[("Queue", queue)])
            .with("QueueAge", Unit::Seconds, age.as_secs_f64())
            .tell();
    }
}

/// The queue, and that time. `None` if the event is no batch.
fn queue_age(event: &Value, now: Moment) -> Option<(&str, Duration)> {
    let records = event["Records"].as_array()?;
    let sent = |record: &Value| {
        let milliseconds = record["attributes"]["SentTimestamp"].as_str()?;
        milliseconds.parse().ok()
    };
    let oldest = records.iter().filter_map(sent).min()?;
    let queue = records.first()?["eventSourceARN"].as_str()?;
    let oldest = Moment::from_unix_seconds(0).plus(Duration::from_millis(oldest));
    Some((queue.rsplit(':').next()?, now.since(oldest)))
}

#[cfg(test)]
mod tests {

    use super::*;

    fn line(detail: Detail) -> Value {
        let figures = Figures::new(detail, Stage::Dev)
            .by(&[("Function", "chat")])
            .by_route(&[("Function", "chat"), ("Route", "")])
            .with("Latency", Unit::Milliseconds, 2.5)
            .with_some("Requests", Unit::Count, Some(1))
            .with_some("ServerErrors", Unit::Count, None);
        let text = figures.line(UNIX_EPOCH + Duration::from_millis(1_700_000_000_123));
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn a_line_is_as_cloudwatch_wants_it() {
        let whole = json!({
            "_aws": {
                "Timestamp": 1_700_000_000_123_u64,
                "CloudWatchMetrics": [{
                    "Namespace": "Chatter",
                    "Dimensions": [["Stage", "Function"], ["Stage", "Function", "Route"]],
                    "Metrics": [{"Name": "Latency", "Unit": "Milliseconds"}, {"Name": "Requests", "Unit": "Count"}],
                }],
            },
            "Stage": "dev", "Function": "chat", "Route": "none", "Latency": 2.5, "Requests": 1.0,
        });
        assert_eq!(line(Detail::Routes), whole);
    }

    #[test]
    fn routes_may_be_left_out() {
        let line = line(Detail::Functions);
        let sets = &line["_aws"]["CloudWatchMetrics"][0]["Dimensions"];
        assert_eq!(*sets, json!([["Stage", "Function"]]));
        assert!(line["Route"].is_null());
    }

    #[test]
    fn the_oldest_message_tells_how_long_a_queue_waits() {
        let sent =
            |seconds: i64| json!({"attributes": {"SentTimestamp": (seconds * 1000).to_string()}});
        let mut event = json!({"Records": [sent(100), sent(70), json!({})]});
        let now = Moment::from_unix_seconds(130);
        assert_eq!(queue_age(&event, now), None, "which queue?");
        event["Records"][0]["eventSourceARN"] = "arn:aws:sqs:eu-west-1:1:chatter-JobQueue".into();
        let known = Some(("chatter-JobQueue", Duration::from_secs(60)));
        assert_eq!(queue_age(&event, now), known);
        // Clocks differ.
        let early = queue_age(&event, Moment::from_unix_seconds(60));
        assert_eq!(early.map(|(_, age)| age), Some(Duration::ZERO));
        for other in [json!({}), json!({"Records": []}), json!({"Records": [{}]})] {
            assert_eq!(queue_age(&other, now), None, "{other}");
        }
    }
}
