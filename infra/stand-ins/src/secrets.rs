//! Secrets Manager over its wire protocol: versions with their labels and the rules by which they move, as far as
//! a rotation needs them. It notes every call, and fails on command.
//!
//! It refuses what AWS refuses: another value under a token that has one, a label taken from a version that does
//! not have it, a rotation while another one is not complete. It does not call the rotation function itself.

mod manager;
mod request;

use std::collections::VecDeque;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use manager::Manager;
pub use request::Refusal;

/// One call over the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct SecretsCall {
    /// The operation, such as `GetSecretValue`.
    pub operation: String,
    /// What was sent, with the secret's value left out.
    pub request: Value,
}

/// What a call meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretsFault {
    /// Nothing: it only counts as one call.
    Pass,
    /// `ThrottlingException`.
    Throttled,
    /// `AccessDeniedException`.
    Denied,
    /// A 500 before anything is done.
    Unavailable,
    /// It is done, and the reply says 500.
    ReplyLost,
    /// It is done after that time.
    Delayed(Duration),
}

/// Secrets Manager on a port of this machine.
#[derive(Clone)]
pub struct LocalSecrets {
    /// Where it is.
    pub url: String,
    shared: Arc<Shared>,
}

struct Shared {
    manager: Mutex<Manager>,
    noted: Mutex<Noted>,
    file: Option<PathBuf>,
}

#[derive(Default)]
struct Noted {
    calls: Vec<SecretsCall>,
    faults: VecDeque<(String, SecretsFault)>,
}

impl std::fmt::Debug for LocalSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalSecrets")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl LocalSecrets {
    /// Without any secret, in memory, on a free port.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self, String> {
        let shared = Shared::open(None)?;
        let router = router(shared.clone());
        Ok(Self {
            url: crate::serve(router).await?,
            shared,
        })
    }

    /// A call from beside the wire: it is not noted and never fails on command. For what the operator or AWS
    /// itself does.
    ///
    /// # Errors
    /// When Secrets Manager would refuse it.
    pub fn call(&self, operation: &str, request: &Value) -> Result<Value, Refusal> {
        self.shared.perform(operation, request)
    }

    /// Everything it holds, the values too.
    pub fn dump(&self) -> Value {
        serde_json::to_value(&*lock(&self.shared.manager)).unwrap_or_default()
    }

    /// The calls since this was asked last.
    pub fn take_calls(&self) -> Vec<SecretsCall> {
        std::mem::take(&mut lock(&self.shared.noted).calls)
    }

    /// What the next `times` calls of an operation meet; `*` is any operation.
    pub fn fail(&self, operation: &str, fault: SecretsFault, times: usize) {
        let faults = std::iter::repeat_n((operation.to_owned(), fault), times);
        lock(&self.shared.noted).faults.extend(faults);
    }

    /// Ends all faults that are still to come.
    pub fn heal(&self) {
        lock(&self.shared.noted).faults.clear();
    }
}

/// Serves the secrets in `file`, or none in memory, until `stop` resolves.
///
/// # Errors
/// When the file can't be read or the server fails.
pub async fn serve(
    listener: TcpListener,
    file: Option<&Path>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), String> {
    let shared = Shared::open(file.map(Path::to_path_buf))?;
    let server = axum::serve(crate::at_once(listener), router(shared));
    server
        .with_graceful_shutdown(stop)
        .await
        .map_err(|error| error.to_string())
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(answer).with_state(shared)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn open(file: Option<PathBuf>) -> Result<Arc<Self>, String> {
        let manager = match &file {
            Some(path) if path.exists() => {
                let shown = path.display();
                let text = std::fs::read(path).map_err(|error| format!("{shown}: {error}"))?;
                // The parser's message could quote a secret.
                serde_json::from_slice(&text)
                    .map_err(|_| format!("{shown} is not a file of this program"))?
            }
            _ => Manager::default(),
        };
        Ok(Arc::new(Self {
            manager: Mutex::new(manager),
            noted: Mutex::default(),
            file,
        }))
    }

    /// Does it and keeps it: what is answered has outlived a power cut.
    fn perform(&self, operation: &str, request: &Value) -> Result<Value, Refusal> {
        let mut manager = lock(&self.manager);
        let answer = manager.call(operation, request)?;
        if let Some(file) = self
            .file
            .as_ref()
            .filter(|_| !manager::only_reads(operation))
        {
            write(file, &manager).map_err(|error| Refusal {
                code: "InternalServiceError",
                message: format!("{} can't be written: {error}", file.display()),
            })?;
        }
        Ok(answer)
    }

    fn note(&self, operation: &str, request: &Value) -> Option<SecretsFault> {
        let mut request = request.clone();
        if let Some(members) = request.as_object_mut() {
            members.remove("SecretString");
        }
        let mut noted = lock(&self.noted);
        noted.calls.push(SecretsCall {
            operation: operation.to_owned(),
            request,
        });
        let place = noted
            .faults
            .iter()
            .position(|(name, _)| name == "*" || name == operation)?;
        noted.faults.remove(place).map(|(_, fault)| fault)
    }
}

/// Whole or not at all, and for nobody else to read.
fn write(file: &Path, manager: &Manager) -> std::io::Result<()> {
    let new = file.with_extension("new");
    let mut open = std::fs::OpenOptions::new();
    let open = open.write(true).create(true).truncate(true).mode(0o600);
    let mut output = open.open(&new)?;
    output.write_all(&serde_json::to_vec_pretty(manager)?)?;
    output.sync_all()?;
    std::fs::rename(&new, file)
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target");
    let target = target.and_then(|target| target.to_str().ok());
    let operation = target.and_then(|target| target.strip_prefix("secretsmanager."));
    let (Some(operation), Ok(request)) = (operation, serde_json::from_slice::<Value>(&body)) else {
        return refused(
            "UnknownOperationException",
            "this is not Secrets Manager's protocol",
        );
    };
    match shared.note(operation, &request) {
        Some(SecretsFault::Throttled) => return refused("ThrottlingException", "on command"),
        Some(SecretsFault::Denied) => return refused("AccessDeniedException", "on command"),
        Some(SecretsFault::Unavailable) => return lost(),
        Some(SecretsFault::ReplyLost) => {
            // Whatever it answers is lost.
            drop(shared.perform(operation, &request));
            return lost();
        }
        Some(SecretsFault::Delayed(time)) => tokio::time::sleep(time).await,
        Some(SecretsFault::Pass) | None => {}
    }
    match shared.perform(operation, &request) {
        Ok(answer) => reply(StatusCode::OK, &answer),
        Err(refusal) if refusal.code == "InternalServiceError" => {
            let body = json!({"__type": refusal.code, "Message": refusal.message});
            reply(StatusCode::INTERNAL_SERVER_ERROR, &body)
        }
        Err(refusal) => refused(refusal.code, &refusal.message),
    }
}

fn lost() -> Response {
    let body = json!({"__type": "InternalServiceError", "Message": "lost on command"});
    reply(StatusCode::INTERNAL_SERVER_ERROR, &body)
}

fn refused(code: &str, message: &str) -> Response {
    let body = json!({"__type": code, "Message": message});
    reply(StatusCode::BAD_REQUEST, &body)
}

fn reply(status: StatusCode, body: &Value) -> Response {
    let content_type = [("content-type", "application/x-amz-json-1.1")];
    (status, content_type, body.to_string()).into_response()
}
