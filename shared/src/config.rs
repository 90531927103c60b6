//! The only reader of the environment. All faults are reported together, by name and never by value.

mod addresses;
mod providers;
mod surroundings;

use std::fmt;
use std::time::Duration;

use crate::limits::{self, Policy};
use crate::metrics::Detail;
use crate::model::ProviderSpec;
use crate::spans::SAMPLING_RULE;
use crate::telemetry::Levels;
use addresses::{
    CACHE_RULE, COLLECTOR_RULE, SENDER_RULE, TRANSPORT_RULE, URL_RULE, VECTOR_BUCKET_RULE,
    cache_backend, collector, mail_transport, name, secure_url, sender, vector_bucket,
};
pub use surroundings::concurrent_invocations;
pub(crate) use surroundings::{names_credentials, names_network};

/// Where this deployment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// One machine, with stand-ins for AWS. The only stage that allows plain HTTP.
    Local,
    /// A deployment to try things in.
    Dev,
    /// A deployment that is like production.
    Staging,
    /// The real one.
    Prod,
}

impl Stage {
    const ALL: [Self; 4] = [Self::Local, Self::Dev, Self::Staging, Self::Prod];

    /// What `STAGE` calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Dev => "dev",
            Self::Staging => "staging",
            Self::Prod => "prod",
        }
    }
}

/// How mails leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailTransport {
    /// By Amazon SES.
    Ses,
    /// Into a directory, one file a mail; only where the stage is local.
    Directory(std::path::PathBuf),
}

/// Where answers are kept that can be given again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheBackend {
    /// Nowhere: requests that want it are refused.
    Off,
    /// In each process alone.
    Memory,
    /// In the table.
    DynamoDb,
    /// In Redis or Valkey at that address, which has no password in it.
    Redis(String),
}

/// All settings. `template.yaml` and the local stack set the variables of the same names.
#[derive(Debug, Clone)]
pub struct Config {
    /// `STAGE`.
    pub stage: Stage,
    /// `TABLE_NAME`: the DynamoDB table.
    pub table_name: String,
    /// `BUCKET_NAME`: the S3 bucket.
    pub bucket_name: String,
    /// `QUEUE_URL`: the SQS queue of background jobs.
    pub queue_url: String,
    /// `MAIL_QUEUE_URL`: the SQS queue that tells of mails in the outbox.
    pub mail_queue_url: String,
    /// `RUN_QUEUE_URL`: the SQS queue that tells workers of runs.
    pub run_queue_url: String,
    /// `MAIL_SENDER`: the address that mails come from.
    pub mail_sender: String,
    /// `MAIL_TRANSPORT`: how mails leave.
    pub mail_transport: MailTransport,
    /// `APP_URL`: what links in mails begin with.
    pub app_url: String,
    /// `EMAIL_VERIFICATION`: whether an address must be proved before its account can log in.
    pub email_verification_required: bool,
    /// `SIGNING_KEYS_SECRET_ID`: the secret that holds the signing-key ring.
    pub signing_keys_secret_id: String,
    /// `DATA_KEYS_SECRET_ID`: the secret that holds the keys with which stored values are encrypted.
    pub data_keys_secret_id: String,
    /// `PROVIDER_KEYS_SECRET_ID`: the secret that holds the API keys of the model providers.
    pub provider_keys_secret_id: String,
    /// `TOKEN_ISSUER`: the `iss` of access tokens, and where this API is reached.
    pub token_issuer: String,
    /// `PROVIDERS`: a JSON list of providers with their models.
    pub providers: Vec<ProviderSpec>,
    /// `LIMITS`: a JSON list of rate-limit policies, at least one for each class of routes.
    pub limits: Vec<Policy>,
    /// `TURN_TIMEOUT_SECONDS`: how long a turn may take; 240 if not set.
    pub turn_timeout: Duration,
    /// `BACKGROUND_TIMEOUT_SECONDS`: how long a turn in the background may take; 840 if not set.
    pub background_timeout: Duration,
    /// `RESPONSE_CACHE`: where answers are kept that can be given again.
    pub response_cache: CacheBackend,
    /// `RESPONSE_CACHE_SECRET_ID`: the secret that holds the password of a Redis; it has none if not set.
    pub response_cache_secret_id: Option<String>,
    /// `QDRANT_URL`: a Qdrant server that knowledge bases may be kept in; there is none if not set.
    pub qdrant_url: Option<String>,
    /// `QDRANT_KEY_SECRET_ID`: the secret that holds its API key; it needs none if not set.
    pub qdrant_key_secret_id: Option<String>,
    /// `VECTOR_BUCKET_NAME`: an S3 vector bucket that knowledge bases may be kept in; there is none if not set.
    pub vector_bucket_name: Option<String>,
    /// `SEARCH_FUNCTION_NAME`: the name or the ARN of the function that searches knowledge bases for answers; only functions
    /// that run turns have it.
    pub search_function_name: Option<String>,
    /// `ALLOWED_ORIGINS`: the origins whose pages may read answers in browsers; none if not set.
    pub allowed_origins: Vec<String>,
    /// `METRICS`: how much is measured; routes if not set.
    pub metrics: Detail,
    /// `TRACES_ENDPOINT`: the collector that spans are sent to, by OTLP; they are not recorded if not set.
    pub traces_endpoint: Option<String>,
    /// `TRACE_SAMPLING`: the share of the traces that begin here which is recorded, from 0 to 1; 0.05 if not set.
    pub trace_sampling: f64,
    /// `LOG_LEVEL`: which lines are logged; `info` if not set.
    pub log_level: Levels,
}

/// Everything that is wrong with the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFaults(pub Vec<String>);

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the configuration has {} fault(s): {}",
            self.0.len(),
            self.0.join("; ")
        )
    }
}

impl std::error::Error for ConfigFaults {}

impl Config {
    /// Reads the process's environment.
    pub fn from_env() -> Result<Self, ConfigFaults> {
        #[expect(clippy::disallowed_methods, reason = "this is the place that may")]
        Self::read(|name| std::env::var(name).ok())
    }

    /// Reads settings from `get`, which gives the value of a variable.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigFaults> {
        let mut reader = Reader {
            get,
            faults: Vec::new(),
        };
        let stage = reader.parsed("STAGE", "local, dev, staging or prod", stage);
        let config = Self {
            table_name: reader
                .parsed("TABLE_NAME", TABLE_RULE, |text| name(text, 3..=255, "_.-"))
                .unwrap_or_default(),
            bucket_name: reader
                .parsed("BUCKET_NAME", BUCKET_RULE, |text| name(text, 3..=63, ".-"))
                .unwrap_or_default(),
            queue_url: reader.url("QUEUE_URL", stage),
            mail_queue_url: reader.url("MAIL_QUEUE_URL", stage),
            run_queue_url: reader.url("RUN_QUEUE_URL", stage),
            mail_sender: reader
                .parsed("MAIL_SENDER", SENDER_RULE, |text| sender(text, stage))
                .unwrap_or_default(),
            mail_transport: reader
                .parsed("MAIL_TRANSPORT", TRANSPORT_RULE, |text| {
                    mail_transport(text, stage)
                })
                .unwrap_or(MailTransport::Ses),
            app_url: reader.url("APP_URL", stage),
            email_verification_required: reader
                .parsed("EMAIL_VERIFICATION", "required or optional", verification)
                .unwrap_or(true),
            signing_keys_secret_id: reader.secret("SIGNING_KEYS_SECRET_ID"),
            data_keys_secret_id: reader.secret("DATA_KEYS_SECRET_ID"),
            provider_keys_secret_id: reader.secret("PROVIDER_KEYS_SECRET_ID"),
            token_issuer: reader.url("TOKEN_ISSUER", stage),
            providers: reader.providers(stage),
            limits: reader.limits(),
            turn_timeout: reader.seconds("TURN_TIMEOUT_SECONDS", 5..=840, 240),
            background_timeout: reader.seconds("BACKGROUND_TIMEOUT_SECONDS", 5..=840, 840),
            response_cache: reader
                .parsed("RESPONSE_CACHE", CACHE_RULE, |text| {
                    cache_backend(text, stage)
                })
                .unwrap_or(CacheBackend::Off),
            response_cache_secret_id: reader.optional(
                "RESPONSE_CACHE_SECRET_ID",
                SECRET_RULE,
                secret,
            ),
            qdrant_url: reader.optional("QDRANT_URL", URL_RULE, |url| secure_url(url, stage)),
            qdrant_key_secret_id: reader.optional("QDRANT_KEY_SECRET_ID", SECRET_RULE, secret),
            vector_bucket_name: reader.vector_bucket(),
            search_function_name: reader.optional("SEARCH_FUNCTION_NAME", FUNCTION_RULE, |text| {
                name(text, 1..=256, "_-:$")
            }),
            allowed_origins: reader.origins(stage),
            metrics: reader.metrics(),
            traces_endpoint: reader.collector(stage),
            trace_sampling: reader.sampling(),
            log_level: reader.log_level(),
            stage: stage.unwrap_or(Stage::Local),
        };
        let right = reader.faults.is_empty().then_some(config);
        right.ok_or(ConfigFaults(reader.faults))
    }
}

const TABLE_RULE: &str = "the name of a table: 3 to 255 letters, digits, _, . and -";
const BUCKET_RULE: &str = "the name of a bucket: 3 to 63 letters, digits, . and -";
const NAME_RULE: &str =
    "1 to 64 letters, digits, _, . and -, beginning with a letter or a digit, and stand only once";
/// As X-Ray does it.
const TRACE_SAMPLING: f64 = 0.05;
const FUNCTION_RULE: &str = "the name or the ARN of a function";
const SECRET_RULE: &str = "the name or the ARN of a secret";

struct Reader<G> {
    get: G,
    faults: Vec<String>,
}

impl<G: Fn(&str) -> Option<String>> Reader<G> {
    fn value(&self, name: &str) -> Option<String> {
        (self.get)(name).filter(|value| !value.trim().is_empty())
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        rule: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let Some(value) = self.value(name) else {
            self.faults
                .push(format!("{name} is missing: set it to {rule}"));
            return None;
        };
        let parsed = parse(&value);
        if parsed.is_none() {
            self.faults
                .push(format!("{name} is malformed: it must be {rule}"));
        }
        parsed
    }

    fn optional<T>(
        &mut self,
        name: &str,
        rule: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        self.value(name)?;
        self.parsed(name, rule, parse)
    }

    fn url(&mut self, name: &str, stage: Option<Stage>) -> String {
        self.parsed(name, URL_RULE, |url| secure_url(url, stage))
            .unwrap_or_default()
    }

    fn secret(&mut self, name: &str) -> String {
        self.parsed(name, SECRET_RULE, secret).unwrap_or_default()
    }

    fn seconds(
        &mut self,
        name: &str,
        allowed: std::ops::RangeInclusive<u64>,
        default: u64,
    ) -> Duration {
        let seconds = match self.value(name) {
            None => Some(default),
            Some(value) => value
                .parse()
                .ok()
                .filter(|seconds| allowed.contains(seconds)),
        };
        if seconds.is_none() {
            self.faults.push(format!(
                "{name} is malformed: it must be a whole number of seconds from {} to {}",
                allowed.start(),
                allowed.end()
            ));
        }
        Duration::from_secs(seconds.unwrap_or(default))
    }

    fn vector_bucket(&mut self) -> Option<String> {
        self.optional("VECTOR_BUCKET_NAME", VECTOR_BUCKET_RULE, vector_bucket)
    }

    fn metrics(&mut self) -> Detail {
        let detail = self.optional("METRICS", Detail::RULE, Detail::parse);
        detail.unwrap_or(Detail::Routes)
    }

    fn collector(&mut self, stage: Option<Stage>) -> Option<String> {
        self.optional("TRACES_ENDPOINT", COLLECTOR_RULE, |url| {
            collector(url, stage)
        })
    }

    fn sampling(&mut self) -> f64 {
        let share = self.optional("TRACE_SAMPLING", SAMPLING_RULE, share);
        share.unwrap_or(TRACE_SAMPLING)
    }

    fn log_level(&mut self) -> Levels {
        let levels = Levels::parse(self.value("LOG_LEVEL").as_deref().unwrap_or("info"));
        levels.unwrap_or_else(|| {
            let rule = Levels::RULE;
            self.faults
                .push(format!("LOG_LEVEL is malformed: it must be {rule}"));
            Levels::default()
        })
    }

    fn origins(&mut self, stage: Option<Stage>) -> Vec<String> {
        let Some(value) = self.value("ALLOWED_ORIGINS") else {
            return Vec::new();
        };
        addresses::origins(&value, stage).unwrap_or_else(|faults| {
            let faults = faults.into_iter();
            self.faults
                .extend(faults.map(|fault| format!("ALLOWED_ORIGINS{fault}")));
            Vec::new()
        })
    }

    fn limits(&mut self) -> Vec<Policy> {
        let Some(value) = self.value("LIMITS") else {
            self.faults.push(
                "LIMITS is missing: set it to a JSON list of {name, class, per, quota, window}"
                    .to_owned(),
            );
            return Vec::new();
        };
        limits::parse(&value).unwrap_or_else(|faults| {
            let faults = faults.into_iter().map(|fault| format!("LIMITS{fault}"));
            self.faults.extend(faults);
            Vec::new()
        })
    }
}

fn stage(value: &str) -> Option<Stage> {
    Stage::ALL.into_iter().find(|stage| stage.name() == value)
}

fn share(value: &str) -> Option<f64> {
    let share = value.parse().ok();
    share.filter(|share| (0.0..=1.0).contains(share))
}

fn secret(value: &str) -> Option<String> {
    name(value, 1..=512, "/_+=.@:-")
}

fn verification(value: &str) -> Option<bool> {
    match value {
        "required" => Some(true),
        "optional" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests;
