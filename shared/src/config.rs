//! The only reader of the environment. All faults are reported together, by name and never by value.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use crate::limits::{self, Policy};
use crate::model::ProviderSpec;

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

/// How mails leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailTransport {
    /// By Amazon SES.
    Ses,
    /// Into a directory, one file a mail; only where the stage is local.
    Directory(std::path::PathBuf),
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
    /// `LOG_LEVEL`: a `tracing` filter; `info` if not set.
    pub log_level: String,
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
            table_name: reader.required("TABLE_NAME"),
            bucket_name: reader.required("BUCKET_NAME"),
            queue_url: reader
                .parsed("QUEUE_URL", URL_RULE, |url| secure_url(url, stage))
                .unwrap_or_default(),
            mail_queue_url: reader
                .parsed("MAIL_QUEUE_URL", URL_RULE, |url| secure_url(url, stage))
                .unwrap_or_default(),
            mail_sender: reader
                .parsed("MAIL_SENDER", SENDER_RULE, |text| sender(text, stage))
                .unwrap_or_default(),
            mail_transport: reader
                .parsed("MAIL_TRANSPORT", TRANSPORT_RULE, |text| {
                    mail_transport(text, stage)
                })
                .unwrap_or(MailTransport::Ses),
            app_url: reader
                .parsed("APP_URL", URL_RULE, |url| secure_url(url, stage))
                .unwrap_or_default(),
            email_verification_required: reader
                .parsed("EMAIL_VERIFICATION", "required or optional", verification)
                .unwrap_or(true),
            signing_keys_secret_id: reader.required("SIGNING_KEYS_SECRET_ID"),
            data_keys_secret_id: reader.required("DATA_KEYS_SECRET_ID"),
            provider_keys_secret_id: reader.required("PROVIDER_KEYS_SECRET_ID"),
            token_issuer: reader
                .parsed("TOKEN_ISSUER", URL_RULE, |url| secure_url(url, stage))
                .unwrap_or_default(),
            providers: reader.providers(stage),
            limits: reader.limits(),
            turn_timeout: reader.seconds("TURN_TIMEOUT_SECONDS", 5..=840, 240),
            log_level: reader.optional("LOG_LEVEL", "info"),
            stage: stage.unwrap_or(Stage::Local),
        };
        if reader.faults.is_empty() {
            Ok(config)
        } else {
            Err(ConfigFaults(reader.faults))
        }
    }
}

const URL_RULE: &str =
    "an https:// URL without a slash at the end (http:// only where STAGE is local)";

const SENDER_RULE: &str =
    "an e-mail address that may send, and outside the local stage not one of example.com";
const TRANSPORT_RULE: &str = "ses, or where STAGE is local file: and a directory";

struct Reader<G> {
    get: G,
    faults: Vec<String>,
}

impl<G: Fn(&str) -> Option<String>> Reader<G> {
    fn value(&self, name: &str) -> Option<String> {
        (self.get)(name).filter(|value| !value.trim().is_empty())
    }

    fn required(&mut self, name: &str) -> String {
        self.parsed(name, "a value", |value| Some(value.to_owned()))
            .unwrap_or_default()
    }

    fn optional(&self, name: &str, default: &str) -> String {
        self.value(name).unwrap_or_else(|| default.to_owned())
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

    fn providers(&mut self, stage: Option<Stage>) -> Vec<ProviderSpec> {
        let rule = "a JSON list of {name, wire, base_url, models: [{id, context_window, max_output_tokens}]}";
        let parsed = self.parsed("PROVIDERS", rule, |value| {
            serde_json::from_str::<Vec<ProviderSpec>>(value).ok()
        });
        let providers = parsed.unwrap_or_default();
        let mut names = HashSet::new();
        let mut models = HashSet::new();
        for (index, provider) in providers.iter().enumerate() {
            let place = format!("PROVIDERS[{index}]");
            if provider.name.is_empty() || !names.insert(provider.name.as_str()) {
                self.faults
                    .push(format!("{place}.name must be set and stand only once"));
            }
            if secure_url(&provider.base_url, stage).is_none() {
                self.faults
                    .push(format!("{place}.base_url must be {URL_RULE}"));
            }
            for model in &provider.models {
                if model.id.is_empty() || !models.insert(model.id.as_str()) {
                    self.faults.push(format!(
                        "{place}: a model's id must be set and stand only once"
                    ));
                }
                if model.max_output_tokens == 0 || model.max_output_tokens >= model.context_window {
                    self.faults.push(format!(
                        "{place}: a model's max_output_tokens must be from 1 to less than its context_window"
                    ));
                }
            }
        }
        if models.is_empty() && self.value("PROVIDERS").is_some() {
            self.faults
                .push("PROVIDERS must name at least one model".to_owned());
        }
        providers
    }
}

fn stage(value: &str) -> Option<Stage> {
    match value {
        "local" => Some(Stage::Local),
        "dev" => Some(Stage::Dev),
        "staging" => Some(Stage::Staging),
        "prod" => Some(Stage::Prod),
        _ => None,
    }
}

fn sender(value: &str, stage: Option<Stage>) -> Option<String> {
    let email = crate::model::Email::parse("", value).ok()?;
    let text = email.as_str().to_owned();
    let example = text.ends_with("@example.com") || text.ends_with(".example.com");
    (!example || matches!(stage, Some(Stage::Local) | None)).then_some(text)
}

fn mail_transport(value: &str, stage: Option<Stage>) -> Option<MailTransport> {
    match value.strip_prefix("file:") {
        None => (value == "ses").then_some(MailTransport::Ses),
        Some(path) => (stage == Some(Stage::Local) && path.starts_with('/'))
            .then(|| MailTransport::Directory(path.into())),
    }
}

fn verification(value: &str) -> Option<bool> {
    match value {
        "required" => Some(true),
        "optional" => Some(false),
        _ => None,
    }
}

fn secure_url(value: &str, stage: Option<Stage>) -> Option<String> {
    let uri: http::Uri = value.parse().ok()?;
    let secure = uri.scheme_str() == Some("https")
        || (uri.scheme_str() == Some("http") && matches!(stage, Some(Stage::Local) | None));
    let plain = uri.query().is_none()
        && !value.ends_with('/')
        && !value.contains('@')
        && uri.host().is_some();
    (secure && plain).then(|| value.to_owned())
}

#[cfg(test)]
pub(crate) mod tests;
