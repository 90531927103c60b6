//! Why something failed, without HTTP.

use std::time::Duration;

use crate::model::BudgetRefusal;

/// Any error, as the cause of one of ours. It is for the log, never for a reply.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The result of everything that can fail in Chatter.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is wrong with one field of a request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// The field, as a JSON Pointer (RFC 6901) into the body, or the name of a query parameter.
    #[schema(example = "/content")]
    pub field: String,
    /// What is wrong with it and what would be right.
    #[schema(example = "must not be empty")]
    pub detail: String,
    /// What kind of fault it is. Problem documents do not say it; replies in OpenAI's form do.
    #[serde(skip)]
    pub fault: FieldFault,
}

impl FieldError {
    /// A value that breaks a rule.
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::of(FieldFault::Value, field, detail)
    }

    /// A fault of that kind.
    pub fn of(fault: FieldFault, field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            detail: detail.into(),
            fault,
        }
    }
}

/// What kind of fault a field has, where clients of OpenAI's decide by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FieldFault {
    /// Its value breaks a rule.
    #[default]
    Value,
    /// There is no such field.
    Unknown,
    /// It must be given.
    Missing,
    /// OpenAI has it, and it is not supported here, or not with this value.
    Unsupported,
    /// It names a model that there is not, or that can't be used for this.
    Model,
}

/// Why a model provider gave no usable answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderFault {
    /// No connection, a 5xx, or a connection lost in the middle of an answer.
    Unavailable,
    /// Nothing came within the time limit.
    TimedOut,
    /// 429 or 529: too many requests or no capacity.
    Overloaded {
        /// When the provider says to come back.
        retry_after: Option<Duration>,
    },
    /// The account at the provider has no money or no quota left; waiting does not help.
    QuotaExhausted,
    /// The prompt is longer than the model takes.
    ContextTooLong,
    /// 401 or 403: our own key is missing, wrong or not allowed.
    Unauthorized,
    /// 401 or 403 for a key that the tenant brought.
    CredentialRefused,
    /// The address that the tenant named for its provider may not be reached.
    AddressRefused,
    /// Any other 4xx: the provider refused this request.
    Refused,
    /// The model called a tool that it was not given, or with arguments that break its schema.
    BadToolCall,
    /// What the model said is not in the format that it was asked for, also when it was asked once more.
    BadFormat,
    /// An answer that is not the protocol: HTML, broken JSON, an event over the size limit.
    Nonsense,
}

impl ProviderFault {
    /// Whether the same request may succeed a moment later.
    pub const fn may_pass(self) -> bool {
        match self {
            Self::Unavailable
            | Self::TimedOut
            | Self::Overloaded { .. }
            | Self::BadToolCall
            | Self::BadFormat
            | Self::Nonsense => true,
            Self::QuotaExhausted
            | Self::ContextTooLong
            | Self::Unauthorized
            | Self::CredentialRefused
            | Self::AddressRefused
            | Self::Refused => false,
        }
    }
}

/// Everything that can go wrong, in the words a client reads: lower case, no full stop, with what to do.
///
/// A variant exists only where a client must act differently. Causes are `source`s for the log; they are
/// never part of the text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something that does not exist, or that the caller may not know to exist.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// No route has this path.
    #[error("there is no such route; GET /openapi.json lists the ones there are")]
    NoRoute,
    /// The route exists, but not with this method.
    #[error("this route does not take that method; the Allow header lists the ones it takes")]
    MethodNotAllowed,
    /// No access token, or one that does not hold.
    #[error(
        "send a valid access token as `Authorization: Bearer <token>`; log in or refresh to get one"
    )]
    Unauthenticated,
    /// The caller may know that it exists, but may not do this.
    #[error("{0}")]
    Forbidden(&'static str),
    /// The tenant is suspended: nothing but looking at it, resuming and deleting it is done there.
    #[error("this tenant is suspended; an owner can resume it")]
    TenantSuspended,
    /// Something is in a state in which this can't be done.
    #[error("{0}")]
    Conflict(&'static str),
    /// What is asked fits no model that could be asked, and nothing of it may be left out. The text says what fits.
    #[error("{0}")]
    ContextLengthExceeded(String),
    /// Too many failed logins for one address.
    #[error("too many failed logins for this address; wait, or set a new password by mail")]
    LockedOut {
        /// When the next attempt is looked at.
        retry_after: Duration,
    },
    /// A token from a mail that is unknown, expired or used.
    #[error("this token is not valid any more; ask for a new one")]
    BadOneTimeToken,
    /// A login with a wrong e-mail or password; which of them is never said.
    #[error("the e-mail address or the password is wrong")]
    BadCredentials,
    /// A refresh token that is unknown, expired, used before or revoked.
    #[error("this refresh token is not valid any more; log in again")]
    BadRefreshToken,
    /// A request that can't be read at all.
    #[error("{0}")]
    Malformed(String),
    /// A request that can be read but breaks rules, field by field.
    #[error("the request breaks the rules of the fields in `errors`")]
    Invalid(Vec<FieldError>),
    /// A body over the limit.
    #[error("the body is over the limit of {limit_bytes} bytes")]
    TooLarge {
        /// The limit that it exceeds, in bytes.
        limit_bytes: usize,
    },
    /// A path and query over the limit.
    #[error("the path and query are over the limit of {limit_bytes} bytes")]
    UriTooLong {
        /// The limit that it exceeds, in bytes.
        limit_bytes: usize,
    },
    /// A body that is not JSON.
    #[error("send the body as `Content-Type: application/json`")]
    UnsupportedMediaType,
    /// A body that is no form with files.
    #[error("send the body as `Content-Type: multipart/form-data` with a boundary")]
    NotAForm,
    /// A client that accepts none of what the route can answer.
    #[error("this route answers {0}; accept it")]
    NotAcceptable(&'static str),
    /// `If-Match` named another version than the current one.
    #[error("it has changed since you read it; get it again and repeat your change")]
    PreconditionFailed,
    /// A change of something that others may be changing too, without `If-Match`.
    #[error("send `If-Match` with the `ETag` that you got, so that nobody's change is lost")]
    PreconditionRequired,
    /// Another turn of the conversation is not finished.
    #[error("the conversation's previous turn is not finished; wait for it and send again")]
    ConversationBusy,
    /// Knowledge bases that were to be searched for an answer could not be.
    #[error("the knowledge bases could not be searched, so that no model was asked; send it again")]
    RetrievalFailed(#[source] BoxError),
    /// A run that was stopped before it had written anything.
    #[error(
        "the run was cancelled before there was an answer; your message is kept, send again to get one"
    )]
    RunCancelled,
    /// A run whose process died before it had written anything.
    #[error(
        "the run broke off before there was an answer; your message is kept, send again to get one"
    )]
    RunInterrupted,
    /// A run for the background that no worker has begun.
    #[error(
        "no worker began the run within an hour; your message is kept, send again to get an answer"
    )]
    RunNotBegun,
    /// A document that can't be taken in as it is.
    #[error("{message}")]
    Document {
        /// Why, for programs: the last part of the problem's type, which begins with `document-`.
        slug: &'static str,
        /// Why, for people, and what to do.
        message: String,
    },
    /// A job whose workers all died.
    #[error("every worker of this job broke off; retry it, and tell us its id if that stays so")]
    JobInterrupted,
    /// An `Idempotency-Key` that came with another request before.
    #[error(
        "this `Idempotency-Key` came with another request before; send a new one with a new request"
    )]
    IdempotencyKeyReused,
    /// The same request with the same `Idempotency-Key` is not answered yet.
    #[error(
        "this very request is being worked on; send it again after the seconds in `Retry-After` to get its reply"
    )]
    IdempotencyInProgress,
    /// What a request with an `Idempotency-Key` asks was done, and nobody knows what was answered.
    #[error(
        "what this request asks was done, and its reply is lost; read what it was to change, and take a new `Idempotency-Key` if more is to be done"
    )]
    IdempotencyReplyLost,
    /// More requests than these policies allow.
    #[error("too many requests; send again after the seconds in `Retry-After`")]
    QuotaExceeded {
        /// The names of the policies.
        policies: Vec<String>,
        /// When they allow requests again.
        retry_after: Duration,
    },
    /// A budget has no room for a turn.
    #[error("{0}")]
    BudgetExceeded(Box<BudgetRefusal>),
    /// A model provider gave no usable answer.
    #[error("{}", provider_sentence(.fault))]
    Provider {
        /// What kind of failure it was.
        fault: ProviderFault,
        /// What happened, for the log.
        #[source]
        cause: BoxError,
    },
    /// A dependency of ours is throttled, slow or away; the same request may work later.
    #[error("a service that we depend on is not available right now; try again in a moment")]
    Unavailable(#[source] BoxError),
    /// A fault of ours.
    #[error("something failed on our side; tell us the request id if it stays")]
    Internal(#[source] BoxError),
}

impl Error {
    /// One broken rule of one field. `field` is a JSON Pointer, or the name of a query parameter.
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, detail)])
    }

    /// A parameter of OpenAI's that is not supported here, or not with this value. `detail` says what to do instead.
    pub fn unsupported(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::of(FieldFault::Unsupported, field, detail)])
    }

    /// A field that names a model that there is not, or that can't be used for this.
    pub fn unknown_model(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::of(FieldFault::Model, field, detail)])
    }

    /// A fault of ours with its cause.
    pub fn internal(cause: impl Into<BoxError>) -> Self {
        Self::Internal(cause.into())
    }

    /// A dependency that is away, with its cause.
    pub fn unavailable(cause: impl Into<BoxError>) -> Self {
        Self::Unavailable(cause.into())
    }

    /// A provider's failure with its cause.
    pub fn provider(fault: ProviderFault, cause: impl Into<BoxError>) -> Self {
        Self::Provider {
            fault,
            cause: cause.into(),
        }
    }
}

fn provider_sentence(fault: &ProviderFault) -> &'static str {
    match fault {
        ProviderFault::Unavailable => {
            "the model provider could not be reached or broke off; your message is kept, send again to retry"
        }
        ProviderFault::TimedOut => {
            "the model provider did not answer in time; your message is kept, send again to retry"
        }
        ProviderFault::Overloaded { .. } => {
            "the model provider has no capacity right now; your message is kept, retry after a pause"
        }
        ProviderFault::QuotaExhausted => {
            "the account at the model provider has no quota left; your message is kept, but whoever pays for it must act"
        }
        ProviderFault::ContextTooLong => {
            "the conversation is too long for the model; your message is kept, send a shorter one or choose another model"
        }
        ProviderFault::Unauthorized => {
            "the model provider refused our credentials; the operator must set a valid key"
        }
        ProviderFault::CredentialRefused => {
            "the model provider refused your tenant's own key; an administrator must replace or delete it"
        }
        ProviderFault::AddressRefused => {
            "the address of your tenant's model provider may not be used, because it is not public; an administrator must change it"
        }
        ProviderFault::Refused => {
            "the model provider refused the request; your message is kept, try another model or a shorter message"
        }
        ProviderFault::BadToolCall => {
            "the model called a tool in a way that its schema does not allow; your message is kept, send again to retry"
        }
        ProviderFault::BadFormat => {
            "the model did not keep to the format that was asked for, twice; your message is kept, send again to retry, or choose a model that keeps to formats"
        }
        ProviderFault::Nonsense => {
            "the model provider's answer could not be understood; your message is kept, send again to retry"
        }
    }
}
