//! A proxy before the embedded DynamoDB that notes every call with its capacity units, and fails on command.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

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
    /// It is done, and the reply says that it failed: the caller sends it again.
    ReplyLost,
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
    /// The keys of the counters of rate limits that were asked for permits.
    counted: Vec<String>,
    /// Which operation fails next, and how.
    faults: VecDeque<(String, Fault)>,
    /// Under which partition keys nothing is written.
    sealed: Option<String>,
}

#[derive(Clone)]
struct Proxy {
    http: reqwest::Client,
    table: String,
    noted: Arc<Mutex<Noted>>,
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
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let router = Router::new().fallback(forward).with_state(proxy);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self {
            url: format!("http://{address}"),
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

    /// The partition keys of the counters of rate limits that were asked for permits since this was asked last.
    pub fn take_counted(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.state).counted)
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

    /// Ends all faults that are still to come.
    pub fn heal(&self) {
        let mut noted = lock(&self.state);
        noted.faults.clear();
        noted.sealed = None;
    }
}

fn lock(noted: &Mutex<Noted>) -> std::sync::MutexGuard<'_, Noted> {
    noted.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn forward(State(proxy): State<Proxy>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
        .unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
    if writes_under_seal(&proxy.noted, &operation, &body) {
        return refusal("AccessDeniedException");
    }
    let counter = counter(&body);
    let name = counter.as_ref().map_or(operation.as_str(), |_| COUNTING);
    match next_fault(&proxy.noted, name) {
        Some(Fault::Throttled) => return refusal("ThrottlingException"),
        Some(Fault::Denied) => return refusal("AccessDeniedException"),
        Some(Fault::ReplyLost) => {
            // Whatever it answers is lost.
            drop(call(&proxy, &headers, &operation, &body).await);
            return (StatusCode::INTERNAL_SERVER_ERROR, "lost on command").into_response();
        }
        None => {}
    }
    match call(&proxy, &headers, &operation, &body).await {
        Ok(response) => response,
        Err(error) => (StatusCode::BAD_GATEWAY, error).into_response(),
    }
}

/// Whether the call writes where nothing may be written.
fn writes_under_seal(noted: &Mutex<Noted>, operation: &str, body: &[u8]) -> bool {
    let Some(prefix) = lock(noted).sealed.clone() else {
        return false;
    };
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let transaction = request["TransactItems"].as_array().into_iter().flatten();
    let parts = transaction.filter_map(|part| part.as_object()?.values().next());
    let batches = request["RequestItems"].as_object().into_iter().flatten();
    let batched = batches
        .filter_map(|(_, writes)| writes.as_array())
        .flatten()
        .filter_map(|write| write.as_object()?.values().next());
    let alone = ["PutItem", "UpdateItem", "DeleteItem"].contains(&operation);
    parts
        .chain(batched)
        .chain(alone.then_some(&request))
        .filter_map(|write| {
            let item = write.get("Item").or_else(|| write.get("Key"))?;
            item["pk"]["S"].as_str()
        })
        .any(|key| key.starts_with(&prefix))
}

fn next_fault(noted: &Mutex<Noted>, operation: &str) -> Option<Fault> {
    let mut noted = lock(noted);
    let place = noted
        .faults
        .iter()
        .position(|(name, _)| name == "*" || name == operation)?;
    noted.faults.remove(place).map(|(_, fault)| fault)
}

fn refusal(code: &str) -> Response {
    let mut body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "on command"});
    if code == "ThrottlingException" {
        let reason = "TableWriteKeyRangeThroughputExceeded";
        body["throttlingReasons"] = json!([{"reason": reason, "resource": "chatter"}]);
    }
    (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
}

async fn call(
    proxy: &Proxy,
    headers: &HeaderMap,
    operation: &str,
    body: &[u8],
) -> Result<Response, String> {
    let mut request: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    request["ReturnConsumedCapacity"] = json!("TOTAL");
    let mut call = proxy.http.post(&proxy.table).body(request.to_string());
    for name in [
        "x-amz-target",
        "authorization",
        "x-amz-date",
        "content-type",
    ] {
        if let Some(value) = headers.get(name) {
            call = call.header(name, value);
        }
    }
    let response = call.send().await.map_err(|error| error.to_string())?;
    let status = response.status();
    let bytes = response.bytes().await.map_err(|error| error.to_string())?;
    let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let mut noted = lock(&proxy.noted);
    match counter(body) {
        Some(key) => noted.counted.push(key),
        None => noted.calls.push(Call {
            operation: operation.to_owned(),
            units: units(&answer["ConsumedCapacity"]),
        }),
    }
    drop(noted);
    Ok((
        status,
        [("content-type", "application/x-amz-json-1.0")],
        bytes,
    )
        .into_response())
}

/// The partition key, if the call is about a counter of a rate limit.
fn counter(body: &[u8]) -> Option<String> {
    let request: Value = serde_json::from_slice(body).ok()?;
    let key = request["Key"]["pk"]["S"].as_str()?;
    key.starts_with("LIMIT#").then(|| key.to_owned())
}

/// One object, or one a table in transactions and batches.
fn units(consumed: &Value) -> f64 {
    match consumed {
        Value::Array(tables) => tables.iter().map(units).sum(),
        consumed => consumed["CapacityUnits"].as_f64().unwrap_or(0.0),
    }
}
