//! The only caller of other functions: Lambda's Invoke, one type a call.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::aws::{Lazy, lazy};
use crate::error::{Error, Result};
use crate::http::TraceContext;
use crate::spans::{Kind, Span, Spans};

/// What one function asks another. Readers refuse a version that they do not know.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call<T> {
    /// Always 1.
    version: u8,
    /// The step that it is asked in: `traceparent`, and `tracestate` where there is one.
    trace: BTreeMap<String, String>,
    /// What is asked.
    asked: T,
}

impl<T: DeserializeOwned> Call<T> {
    /// Reads an event. What is wrong with it is never told by its own words.
    ///
    /// # Errors
    /// `Malformed` for what no function of ours sends.
    pub fn read(event: Value) -> Result<Self> {
        let call: Option<Self> = serde_json::from_value(event).ok();
        call.filter(|call| call.version == 1)
            .ok_or_else(|| Error::Malformed("this is no call that Chatter makes".to_owned()))
    }

    /// Does what is asked, as a step of the trace that it is asked in.
    ///
    /// # Errors
    /// Those of the work.
    pub async fn answer<A, Work: Future<Output = Result<A>>>(
        self,
        spans: &Spans,
        work: impl FnOnce(T) -> Work,
    ) -> Result<A> {
        let headers = self.trace.iter();
        let headers = headers.map(|(name, value)| (name.as_str(), value.as_str()));
        let trace = TraceContext::of_message(headers, spans);
        let mut span = Span::of(trace, Kind::Server, "invoke", "");
        span.set("faas.trigger", "other");
        // Boxed, because the compiler gives up on futures that are nested so deeply.
        let answered = span.trace().clone().scope(Box::pin(work(self.asked))).await;
        span.note(answered)
    }
}

/// A function that is called, and waited for.
#[derive(Debug, Clone)]
pub struct Function(Arc<Target>);

enum Target {
    Lambda {
        client: Lazy<Client>,
        name: String,
    },
    /// In this process, for tests.
    Here(Box<Handler>),
    /// The variable that would name it.
    Missing(&'static str),
}

type Handler = dyn Fn(Value) -> BoxFuture<'static, Result<Value>> + Send + Sync;

impl Function {
    /// The Lambda function of that name or ARN, which says whatever it says within that time. `None` is one that this
    /// process was not told of by that variable: calling it is a fault of ours.
    pub fn lambda(
        sdk: &SdkConfig,
        name: Option<&str>,
        variable: &'static str,
        within: Duration,
    ) -> Self {
        let Some(name) = name else {
            return Self(Arc::new(Target::Missing(variable)));
        };
        let sdk = crate::aws::patient(sdk, within, within, within);
        Self(Arc::new(Target::Lambda {
            client: lazy(move || Client::new(&sdk)),
            name: name.to_owned(),
        }))
    }

    /// One that is done in this process, for tests. What is asked and answered is written as JSON and read again.
    pub fn here(
        handle: impl Fn(Value) -> BoxFuture<'static, Result<Value>> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Target::Here(Box::new(handle))))
    }

    /// Asks, and waits for the answer until `deadline`. It may be asked more than once where the network fails.
    ///
    /// # Errors
    /// `Unavailable` if it fails, or says nothing in time.
    pub async fn call<T, A>(&self, asked: T, deadline: Instant) -> Result<A>
    where
        T: Serialize,
        A: DeserializeOwned,
    {
        let mut span = Span::here(Kind::Client, "invoke", self.name());
        span.set("faas.invoked_provider", "aws");
        span.set("faas.invoked_name", self.name().to_owned());
        let call = Call {
            version: 1,
            trace: span.trace().written(),
            asked,
        };
        let answered = tokio::time::timeout_at(deadline.into(), self.answered(&call)).await;
        let late = || Error::unavailable(format!("{} did not answer in time", self.name()));
        span.note(answered.unwrap_or_else(|_| Err(late())))
    }

    async fn answered<T: Serialize, A: DeserializeOwned>(&self, call: &Call<T>) -> Result<A> {
        match &*self.0 {
            Target::Missing(variable) => Err(Error::internal(format!(
                "{variable} is not set: it names the function that is to be called"
            ))),
            Target::Here(handle) => {
                let event = serde_json::to_value(call).map_err(Error::internal)?;
                let answer = handle(event).await?;
                serde_json::from_value(answer).map_err(Error::internal)
            }
            Target::Lambda { client, name } => {
                let event = serde_json::to_vec(call).map_err(Error::internal)?;
                let request = client.invoke().function_name(name);
                let reply = request.payload(Blob::new(event)).send().await;
                let reply = reply.map_err(crate::aws::error)?;
                let payload = reply.payload().map_or(&[][..], |blob| blob.as_ref());
                if reply.function_error().is_some() {
                    return Err(Error::unavailable(failure(name, payload)));
                }
                serde_json::from_slice(payload).map_err(Error::internal)
            }
        }
    }

    /// The function's name, without the rest of an ARN.
    fn name(&self) -> &str {
        match &*self.0 {
            Target::Lambda { name, .. } => name.split(":function:").last().unwrap_or(name),
            Target::Here(_) => "here",
            Target::Missing(_) => "missing",
        }
    }
}

/// What a function says that failed: `{"errorType": …, "errorMessage": …}`.
fn failure(name: &str, payload: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Failed {
        #[serde(rename = "errorMessage")]
        message: String,
    }
    let failed: Option<Failed> = serde_json::from_slice(payload).ok();
    let message = failed.map_or_else(|| "it does not say why".to_owned(), |it| it.message);
    format!("the function {name} failed: {message}")
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lambda { name, .. } => f.debug_tuple("Lambda").field(name).finish(),
            Self::Here(_) => f.write_str("Here"),
            Self::Missing(variable) => f.debug_tuple("Missing").field(variable).finish(),
        }
    }
}
