//! A proxy before the embedded DynamoDB that notes every call with its capacity units, and fails on command.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use serde_json::{Value, json};

mod proxy;
mod storm;

use proxy::Proxy;
pub use storm::{Storm, Weather};

/// The operation, for faults, of a call that only counts requests: an `UpdateItem` of a rate limit.
pub const COUNTING: &str = "Counting";

/// One call that went through.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The operation, such as `GetItem`.
    pub operation: String,
    /// The units that it consumed.
    pub units: f64,
}

/// What a call meets instead of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `ThrottlingException`.
    Throttled,
    /// `AccessDeniedException`, which patience does not mend.
    Denied,
    /// `InternalServerError`: nothing is done.
    Failed,
    /// It is done, and the connection is closed in the middle of the reply.
    Closed,
    /// It is done, and the reply says that it failed: the caller sends it again.
    ReplyLost,
    /// `TransactionCanceledException`, with that reason for the first of its parts.
    Cancelled(&'static str),
    /// `TransactionConflictException`: the item is part of a transaction that somebody else is making.
    Met,
    /// `IdempotentParameterMismatchException`: the token of another transaction.
    TokenTaken,
    /// Of a batch only the first is done, and of one alone nothing: the rest comes back as unprocessed.
    Unprocessed,
    /// A page of a Query without an item, which says where the next one begins.
    EmptyPage,
}

/// A call as it was sent, while [`Meter::watch`] is on.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The operation, such as `GetItem`.
    pub operation: String,
    /// What was asked.
    pub request: Value,
    /// What the table answered; `null` where it was not reached.
    pub answer: Value,
}

/// The proxy.
#[derive(Debug, Clone)]
pub struct Meter {
    /// Where it is.
    pub url: String,
    http: reqwest::Client,
    state: Arc<Mutex<Noted>>,
}

#[derive(Debug, Default)]
struct Noted {
    calls: Vec<Call>,
    /// From when until when each call was worked on here, in the order in which they ended.
    spans: Vec<(Instant, Instant)>,
    /// The keys of the counters of rate limits that were asked for permits.
    counted: Vec<String>,
    /// Which operation fails next, and how.
    faults: VecDeque<(String, Fault)>,
    /// Under which partition keys nothing is written.
    sealed: Option<String>,
    /// All calls since this was asked last, if anybody wants to know.
    watched: Option<Vec<Asked>>,
    /// Where the Queries began whose page was empty on command.
    interrupted: Vec<Option<Value>>,
    /// What else calls meet.
    storm: Option<Storm>,
}

impl Meter {
    /// Before the DynamoDB at that URL.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(table: String) -> Result<Self, String> {
        let noted = Arc::<Mutex<Noted>>::default();
        let http = reqwest::Client::new();
        let proxy = Proxy {
            http: http.clone(),
            table,
            noted: noted.clone(),
        };
        let router = Router::new().fallback(proxy::forward).with_state(proxy);
        Ok(Self {
            url: crate::serve(router).await?,
            http,
            state: noted,
        })
    }

    /// Everything that the table `chatter` holds, as text: `{"Items": […]}`.
    pub async fn dump(&self) -> String {
        let mut items = Vec::new();
        let mut request = json!({"TableName": "chatter"});
        loop {
            // An answer ends after 1 MB.
            let mut answer = self.raw("Scan", request.clone()).await;
            if let Some(found) = answer["Items"].as_array_mut() {
                items.append(found);
            }
            match answer.get_mut("LastEvaluatedKey") {
                Some(key) => request["ExclusiveStartKey"] = key.take(),
                None => return json!({"Items": items}).to_string(),
            }
        }
    }

    /// What the table answers to any operation.
    pub async fn raw(&self, operation: &str, request: Value) -> Value {
        let call = self
            .http
            .post(&self.url)
            .body(request.to_string())
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .header("content-type", "application/x-amz-json-1.0")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=a")
            .header("x-amz-date", "20260101T000000Z");
        match call.send().await {
            Ok(answer) => answer.json().await.unwrap_or_default(),
            Err(error) => json!({"__type": error.to_string()}),
        }
    }

    /// The calls since this was asked last, without those that only count requests.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut lock(&self.state).calls)
    }

    /// Forgets until when the table was busy.
    pub fn forget_busy(&self) {
        lock(&self.state).spans.clear();
    }

    /// For how long the table has had something to do between those moments: calls side by side count once.
    pub fn busy(&self, from: Instant, until: Instant) -> Duration {
        let mut spans = lock(&self.state).spans.clone();
        spans.sort_unstable();
        let mut counted = from;
        let mut busy = Duration::ZERO;
        for (began, ended) in spans {
            let (began, ended) = (began.max(counted), ended.min(until));
            if began < ended {
                busy += ended - began;
                counted = ended;
            }
        }
        busy
    }

    /// The partition keys of the counters of rate limits that were asked for permits since this was asked last.
    pub fn take_counted(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.state).counted)
    }

    /// Keeps every call from now on with what was asked and answered, for [`Meter::take_asked`].
    pub fn watch(&self) {
        lock(&self.state).watched = Some(Vec::new());
    }

    /// The calls since [`Meter::watch`] or since this was asked last, those that count requests and those that
    /// failed on command too.
    pub fn take_asked(&self) -> Vec<Asked> {
        let mut noted = lock(&self.state);
        let watched = noted.watched.as_mut();
        watched.map(std::mem::take).unwrap_or_default()
    }

    /// Makes the next `times` calls of an operation fail; `*` is any operation, and [`COUNTING`] what counts
    /// requests.
    pub fn fail(&self, operation: &str, fault: Fault, times: usize) {
        let faults = std::iter::repeat_n((operation.to_owned(), fault), times);
        lock(&self.state).faults.extend(faults);
    }

    /// Refuses, until [`Meter::heal`], every write in which a partition key begins so: alone, in a batch or in a
    /// transaction.
    pub fn refuse_writes_under(&self, prefix: &str) {
        lock(&self.state).sealed = Some(prefix.to_owned());
    }

    /// From now on calls meet what that storm has for them, until [`Meter::heal`].
    pub fn storm(&self, storm: Storm) {
        lock(&self.state).storm = Some(storm);
    }

    /// What a call meets, in the same storm, that goes to a queue or to the bucket.
    pub fn weather(&self, call: &str) -> Weather {
        weather(&self.state, call)
    }

    /// Ends all faults that are still to come, and the storm.
    pub fn heal(&self) {
        let mut noted = lock(&self.state);
        noted.faults.clear();
        noted.storm = None;
        noted.sealed = None;
    }
}

fn weather(noted: &Mutex<Noted>, call: &str) -> Weather {
    let mut noted = lock(noted);
    let storm = noted.storm.as_mut();
    storm.map_or(Weather::Calm, |storm| storm.meet(call))
}

fn lock(noted: &Mutex<Noted>) -> std::sync::MutexGuard<'_, Noted> {
    noted.lock().unwrap_or_else(PoisonError::into_inner)
}
