//! What every AWS client of a process has in common.

use std::sync::LazyLock;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use serde::Deserialize;

use crate::config::{Stage, names_credentials, names_network};
use crate::trust;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// One attempt of a call. The SDK sets no limit of its own but for connecting.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// A call with all its attempts and the pauses between them.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(8);

/// Region, credentials and endpoints from the environment, with timeouts and retries of ours.
pub async fn load() -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts(
            ATTEMPT_TIMEOUT,
            ATTEMPT_TIMEOUT,
            OPERATION_TIMEOUT,
        ))
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(50)));
    if names_credentials() {
        // The chain would look there first too, and make clients for the rest of it.
        loader = loader.credentials_provider(EnvironmentVariableCredentialsProvider::new());
    }
    let sdk = loader.load().await;
    trust::with_amazon(sdk, names_network())
}

/// The same settings for calls that may take longer: until something comes, for one attempt, and for all of them.
pub fn patient(sdk: &SdkConfig, silence: Duration, attempt: Duration, call: Duration) -> SdkConfig {
    let sdk = sdk.clone().into_builder();
    sdk.timeout_config(timeouts(silence, attempt, call)).build()
}

fn timeouts(silence: Duration, attempt: Duration, call: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(silence)
        .operation_attempt_timeout(attempt)
        .operation_timeout(call)
        .build()
}

/// A client that is made when it is first needed: no start waits for what its requests may not use.
pub type Lazy<C> = LazyLock<C, Box<dyn FnOnce() -> C + Send + Sync>>;

/// One that is made so.
pub fn lazy<C>(make: impl FnOnce() -> C + Send + Sync + 'static) -> Lazy<C> {
    Lazy::new(Box::new(make))
}

/// A client for S3. The local stand-in knows buckets as paths, not as host names.
pub fn s3(sdk: &SdkConfig, stage: Stage) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(sdk).force_path_style(stage == Stage::Local);
    aws_sdk_s3::Client::from_conf(config.build())
}

/// Why a call failed: what a moment's patience may mend, and what is a fault of ours.
pub fn error<E>(error: SdkError<E, HttpResponse>) -> crate::Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let status = error
        .raw_response()
        .map(|response| response.status().as_u16());
    let passing = match &error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) => true,
        SdkError::ServiceError(service) => is_passing(service.err().code()),
        _ => false,
    };
    let reasons = throttling_reasons(&error);
    if !reasons.is_empty() {
        crate::Error::unavailable(Throttled {
            reasons,
            source: error.into(),
        })
    } else if passing || status.is_some_and(|status| status >= 500) {
        crate::Error::unavailable(error)
    } else {
        crate::Error::internal(error)
    }
}

/// A call that DynamoDB throttled. The reasons tell a key that is too hot (`…KeyRange…`) from a table or an
/// account that is too small; the SDK's own text leaves them out.
#[derive(Debug, thiserror::Error)]
#[error("throttled: {}", .reasons.join(", "))]
struct Throttled {
    reasons: Vec<String>,
    source: crate::error::BoxError,
}

/// `TableWriteKeyRangeThroughputExceeded` and the like. Each of the three exceptions that can have them has a
/// type of its own, so they are read where all three are alike: in the reply.
fn throttling_reasons<E>(error: &SdkError<E, HttpResponse>) -> Vec<String> {
    #[derive(Deserialize)]
    struct Reply {
        #[serde(alias = "ThrottlingReasons", rename = "throttlingReasons", default)]
        reasons: Vec<Reason>,
    }
    #[derive(Deserialize)]
    struct Reason {
        #[serde(default)]
        reason: String,
    }
    let bytes = error
        .raw_response()
        .and_then(|response| response.body().bytes());
    let reply = bytes.and_then(|bytes| serde_json::from_slice::<Reply>(bytes).ok());
    let reasons = reply.into_iter().flat_map(|reply| reply.reasons);
    reasons.map(|reason| reason.reason).collect()
}

/// Error codes after which the same call may succeed a moment later. The SDK has retried the throttling
/// ones already; `TransactionConflict` it does not see, because it stands inside a cancelled transaction.
fn is_passing(code: Option<&str>) -> bool {
    matches!(
        code,
        Some(
            "InternalServerError"
                | "InternalServiceError"
                | "ProvisionedThroughputExceededException"
                | "RequestLimitExceeded"
                | "ServiceUnavailable"
                | "ThrottlingException"
                | "TooManyRequestsException"
                | "TransactionInProgressException"
                | "TransactionConflictException"
        )
    )
}
