//! What the meter does with a call: it passes it on and notes it, or fails it as it was told to.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::storm::Weather;
use super::{Asked, COUNTING, Call, Fault, Noted, lock, weather};

/// What the sort key begins with where a Query goes on after a page that was empty on command.
const INTERRUPTED: &str = "INTERRUPTED#";

#[derive(Clone)]
pub(super) struct Proxy {
    pub(super) http: reqwest::Client,
    pub(super) table: String,
    pub(super) noted: Arc<Mutex<Noted>>,
}

/// One call.
struct Sent {
    headers: HeaderMap,
    operation: String,
    request: Value,
}

/// Takes a call of a client.
pub(super) async fn forward(
    State(proxy): State<Proxy>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let began = Instant::now();
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
        .unwrap_or_default();
    let sent = Sent {
        operation: target.rsplit('.').next().unwrap_or_default().to_owned(),
        request: serde_json::from_slice(&body).unwrap_or_default(),
        headers,
    };
    let (response, answer) = answer(&proxy, &sent).await;
    let mut noted = lock(&proxy.noted);
    noted.spans.push((began, Instant::now()));
    if let Some(watched) = &mut noted.watched {
        watched.push(Asked {
            operation: sent.operation,
            request: sent.request,
            answer,
        });
    }
    drop(noted);
    response
}

/// The response, and what the table has answered, if it was reached.
async fn answer(proxy: &Proxy, sent: &Sent) -> (Response, Value) {
    if writes_under_seal(&proxy.noted, sent) {
        return (refusal("AccessDeniedException", json!({})), Value::Null);
    }
    let counts = counter(&sent.request).is_some();
    let name = if counts { COUNTING } else { &sent.operation };
    let mut request = sent.request.clone();
    resume(&proxy.noted, &mut request);
    let mut undone = None;
    let fault = match weather(&proxy.noted, &sent.operation) {
        Weather::Calm => next_fault(&proxy.noted, name),
        Weather::Fault(fault) => Some(fault),
        Weather::Late(pause) => {
            tokio::time::sleep(pause).await;
            None
        }
        Weather::Dead(done) => {
            if done {
                // Nobody is left who would hear how it went.
                drop(call(proxy, sent, request).await);
            }
            return std::future::pending().await;
        }
    };
    match fault {
        None | Some(Fault::ReplyLost | Fault::Closed) => {}
        Some(Fault::Unprocessed) => undone = Some(all_but_the_first(&mut request)),
        Some(fault) => return (failure(proxy, &request, fault), Value::Null),
    }
    let answered = match undone {
        // Nothing is left of the batch.
        Some(_) if request["RequestItems"] == json!({}) => Ok((StatusCode::OK, json!({}))),
        _ => call(proxy, sent, request).await,
    };
    let (status, mut answer) = match answered {
        Ok(answered) => answered,
        Err(error) => {
            return (
                (StatusCode::BAD_GATEWAY, error).into_response(),
                Value::Null,
            );
        }
    };
    // Whatever it answered is lost.
    match fault {
        Some(Fault::ReplyLost) => {
            let lost = (StatusCode::INTERNAL_SERVER_ERROR, "lost on command");
            return (lost.into_response(), answer);
        }
        Some(Fault::Closed) => return (closed(), answer),
        _ => {}
    }
    if let Some(undone) = undone {
        let name = match sent.operation.as_str() {
            "BatchGetItem" => "UnprocessedKeys",
            _ => "UnprocessedItems",
        };
        answer[name] = undone;
    }
    let text = answer.to_string();
    let json = [("content-type", "application/x-amz-json-1.0")];
    ((status, json, text).into_response(), answer)
}

/// What a call meets that is not passed on.
fn failure(proxy: &Proxy, request: &Value, fault: Fault) -> Response {
    match fault {
        Fault::Throttled => {
            let reason = "TableWriteKeyRangeThroughputExceeded";
            let reasons = json!([{"reason": reason, "resource": "chatter"}]);
            refusal("ThrottlingException", json!({"throttlingReasons": reasons}))
        }
        Fault::Cancelled(code) => {
            let parts = request["TransactItems"].as_array().map_or(0, Vec::len);
            let mut reasons = vec![json!({"Code": "None"}); parts];
            if let Some(first) = reasons.first_mut() {
                *first = json!({"Code": code, "Message": "on command"});
            }
            refusal(
                "TransactionCanceledException",
                json!({"CancellationReasons": reasons}),
            )
        }
        Fault::Met => refusal("TransactionConflictException", json!({})),
        Fault::TokenTaken => refusal("IdempotentParameterMismatchException", json!({})),
        Fault::EmptyPage => {
            let mut noted = lock(&proxy.noted);
            let place = format!("{INTERRUPTED}{}", noted.interrupted.len());
            let start = request.get("ExclusiveStartKey").cloned();
            noted.interrupted.push(start);
            let next = json!({"pk": {"S": "a"}, "sk": {"S": place}});
            let page =
                json!({"Items": [], "Count": 0, "ScannedCount": 0, "LastEvaluatedKey": next});
            axum::Json(page).into_response()
        }
        Fault::Failed => {
            let body = json!({"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError", "message": "on command"});
            (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(body)).into_response()
        }
        Fault::Denied | Fault::ReplyLost | Fault::Closed | Fault::Unprocessed => {
            refusal("AccessDeniedException", json!({}))
        }
    }
}

/// Lets a Query that goes on after an empty page begin where that one began.
fn resume(noted: &Mutex<Noted>, request: &mut Value) {
    let place = request["ExclusiveStartKey"]["sk"]["S"].as_str();
    let place = place.and_then(|place| place.strip_prefix(INTERRUPTED)?.parse::<usize>().ok());
    let start = place.and_then(|place| lock(noted).interrupted.get(place).cloned());
    match (start, request.as_object_mut()) {
        (Some(Some(start)), Some(request)) => {
            request.insert("ExclusiveStartKey".to_owned(), start);
        }
        (Some(None), Some(request)) => {
            request.remove("ExclusiveStartKey");
        }
        _ => {}
    }
}

/// Takes all but the first out of a batch, and gives them as the table gives back what it has not done.
fn all_but_the_first(request: &mut Value) -> Value {
    let mut undone = request["RequestItems"].clone();
    let whole = undone.clone();
    for (table, wanted) in request["RequestItems"]
        .as_object_mut()
        .into_iter()
        .flatten()
    {
        let (mine, theirs) = if wanted.is_array() {
            (Some(&mut *wanted), undone.get_mut(table))
        } else {
            let theirs = undone.get_mut(table);
            (
                wanted.get_mut("Keys"),
                theirs.and_then(|table| table.get_mut("Keys")),
            )
        };
        if let (Some(Value::Array(mine)), Some(Value::Array(theirs))) = (mine, theirs) {
            mine.truncate(1);
            theirs.drain(..mine.len());
            if theirs.is_empty() {
                request["RequestItems"] = json!({});
                return whole;
            }
        }
    }
    undone
}
/// Whether the call writes where nothing may be written.
fn writes_under_seal(noted: &Mutex<Noted>, sent: &Sent) -> bool {
    let Some(prefix) = lock(noted).sealed.clone() else {
        return false;
    };
    let request = &sent.request;
    let transaction = request["TransactItems"].as_array().into_iter().flatten();
    let parts = transaction.filter_map(|part| part.as_object()?.values().next());
    let batches = request["RequestItems"].as_object().into_iter().flatten();
    let batched = batches
        .filter_map(|(_, writes)| writes.as_array())
        .flatten()
        .filter_map(|write| write.as_object()?.values().next());
    let alone = ["PutItem", "UpdateItem", "DeleteItem"].contains(&sent.operation.as_str());
    parts
        .chain(batched)
        .chain(alone.then_some(request))
        .filter_map(|write| {
            let item = write.get("Item").or_else(|| write.get("Key"))?;
            item["pk"]["S"].as_str()
        })
        .any(|key| key.starts_with(&prefix))
}

/// A reply that breaks off.
fn closed() -> Response {
    let pieces = [Ok("{"), Err(std::io::Error::other("closed on command"))];
    Body::from_stream(futures_util::stream::iter(pieces)).into_response()
}

fn next_fault(noted: &Mutex<Noted>, operation: &str) -> Option<Fault> {
    let mut noted = lock(noted);
    let place = noted
        .faults
        .iter()
        .position(|(name, _)| name == "*" || name == operation)?;
    noted.faults.remove(place).map(|(_, fault)| fault)
}

/// An exception with these members beside its name.
fn refusal(code: &str, mut body: Value) -> Response {
    body["__type"] = json!(format!("com.amazonaws.dynamodb.v20120810#{code}"));
    body["message"] = json!("on command");
    (StatusCode::BAD_REQUEST, axum::Json(body)).into_response()
}

/// Asks the table, and notes what it cost.
async fn call(
    proxy: &Proxy,
    sent: &Sent,
    mut request: Value,
) -> Result<(StatusCode, Value), String> {
    request["ReturnConsumedCapacity"] = json!("TOTAL");
    let mut call = proxy.http.post(&proxy.table).body(request.to_string());
    for name in [
        "x-amz-target",
        "authorization",
        "x-amz-date",
        "content-type",
    ] {
        if let Some(value) = sent.headers.get(name) {
            call = call.header(name, value);
        }
    }
    let response = call.send().await.map_err(|error| error.to_string())?;
    let status = response.status();
    let bytes = response.bytes().await.map_err(|error| error.to_string())?;
    let answer: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    let mut noted = lock(&proxy.noted);
    match counter(&request) {
        Some(key) => noted.counted.push(key),
        None => noted.calls.push(Call {
            operation: sent.operation.clone(),
            units: units(&answer["ConsumedCapacity"]),
        }),
    }
    drop(noted);
    Ok((status, answer))
}

/// The partition key, if the call is about a counter of a rate limit.
fn counter(request: &Value) -> Option<String> {
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
