//! Amazon SES.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_sesv2::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message};
use shared::Error;

use crate::envelope::Envelope;
use crate::transport::SendFault;

/// Longer than other calls may take: a mail whose reply is not waited for may have left, and is sent again.
const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A client of SES, and who sends.
#[derive(Debug, Clone)]
pub struct Ses {
    client: aws_sdk_sesv2::Client,
    sender: String,
}

/// Why SES did not take a mail: its code and status, or what happened on the way. Its own words could hold the
/// address.
#[derive(Debug, thiserror::Error)]
#[error("SES did not take the mail: {code}, status {status}")]
struct SesFault {
    code: String,
    status: u16,
}

impl Ses {
    /// Sends as `sender`, with the settings of `sdk`.
    pub fn new(sdk: &SdkConfig, sender: String) -> Self {
        Self::with_timeout(sdk, sender, TIMEOUT)
    }

    /// The same, with another patience.
    pub fn with_timeout(sdk: &SdkConfig, sender: String, timeout: Duration) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .read_timeout(timeout)
            .operation_attempt_timeout(timeout)
            .operation_timeout(timeout);
        // The SDK would repeat a call whose reply was lost at once; the outbox repeats it too, but not so soon, and
        // it is enough that one of them does.
        let config = aws_sdk_sesv2::config::Builder::from(sdk)
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.build());
        Self {
            client: aws_sdk_sesv2::Client::from_conf(config.build()),
            sender,
        }
    }

    /// Sends a mail; the answer is SES's id of it.
    pub(crate) async fn send(&self, envelope: &Envelope) -> Result<String, SendFault> {
        let message = Message::builder()
            .subject(content(&envelope.subject)?)
            .body(Body::builder().text(content(&envelope.text)?).build())
            .build();
        let request = self.client.send_email();
        let sent = request
            .from_email_address(&self.sender)
            .destination(Destination::builder().to_addresses(&envelope.to).build())
            .content(EmailContent::builder().simple(message).build())
            .send()
            .await;
        match sent {
            Ok(output) => Ok(output.message_id.unwrap_or_default()),
            Err(error) => Err(fault(&error)),
        }
    }
}

fn content(text: &str) -> Result<Content, SendFault> {
    let content = Content::builder().data(text).charset("UTF-8").build();
    content.map_err(|error| SendFault::Refused(Error::internal(error)))
}

/// `MessageRejected` and `BadRequestException` are about the mail; also what is about the account hides behind them
/// (an address that is not verified, while the account is in the sandbox), so the mail is not given up at once.
/// Everything else would meet the next mail too: throttling, a quota that is used up, a paused or suspended account,
/// a sender's domain that is not verified, rights that are missing, no answer.
fn fault(error: &SdkError<SendEmailError>) -> SendFault {
    let status = error.raw_response();
    let status = status.map_or(0, |response| response.status().as_u16());
    let code = match error {
        SdkError::TimeoutError(_) => "timed out",
        SdkError::DispatchFailure(_) => "no connection",
        SdkError::ConstructionFailure(_) => "no request could be made",
        SdkError::ResponseError(_) => "no answer of SES",
        other => other.code().unwrap_or("unknown"),
    };
    let fault = SesFault {
        code: code.to_owned(),
        status,
    };
    match code {
        "MessageRejected" | "BadRequestException" => SendFault::Refused(Error::internal(fault)),
        _ => SendFault::Unavailable(Error::unavailable(fault)),
    }
}
