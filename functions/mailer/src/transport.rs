//! How mails leave.

use std::path::PathBuf;
use std::time::Duration;

use aws_config::SdkConfig;
use shared::config::MailTransport;
use shared::{App, Error};

use crate::directory::Directory;
use crate::envelope::Envelope;
use crate::ses::Ses;

/// One of the ways that `MAIL_TRANSPORT` names.
#[derive(Debug, Clone)]
pub enum Transport {
    /// By Amazon SES.
    Ses(Ses),
    /// Into a directory.
    Directory(Directory),
}

/// Why a mail did not leave.
#[derive(Debug)]
pub(crate) enum SendFault {
    /// Another one would not leave either: a dependency is away, throttles, or refuses us as a whole.
    Unavailable(Error),
    /// It is about this mail.
    Refused(Error),
}

impl Transport {
    /// That of the settings.
    pub fn of(app: &App) -> Self {
        let sender = &app.config.mail_sender;
        match &app.config.mail_transport {
            MailTransport::Ses => Self::ses(&app.sdk, sender),
            MailTransport::Directory(path) => Self::directory(path.clone(), sender),
        }
    }

    /// SES, with the settings of `sdk`.
    pub fn ses(sdk: &SdkConfig, sender: &str) -> Self {
        Self::Ses(Ses::new(sdk, sender.to_owned()))
    }

    /// The same, with another patience.
    pub fn ses_with_timeout(sdk: &SdkConfig, sender: &str, timeout: Duration) -> Self {
        Self::Ses(Ses::with_timeout(sdk, sender.to_owned(), timeout))
    }

    /// That directory.
    pub fn directory(path: PathBuf, sender: &str) -> Self {
        Self::Directory(Directory::new(path, sender.to_owned()))
    }

    /// Sends a mail. The answer is what it is known by there.
    pub(crate) async fn send(&self, envelope: &Envelope) -> Result<String, SendFault> {
        match self {
            Self::Ses(ses) => ses.send(envelope).await,
            Self::Directory(directory) => directory.send(envelope).await,
        }
    }
}

impl From<Error> for SendFault {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(_) => Self::Unavailable(error),
            error => Self::Refused(error),
        }
    }
}
