//! Several invocations at the same time in one process, as on Lambda Managed Instances.
//!
//! The runtime has as many workers as Lambda sends invocations at once, each of which asks for one, serves it and asks for
//! the next. Nothing of an invocation is in the process's environment then, not even the trace: all of it is in its context.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-rust.html>

use lambda_runtime::layers::TracingLayer;
use lambda_runtime::{Error, LambdaInvocation, Runtime, Service};
use tower::util::ThenLayer;

/// Serves until all workers have ended.
pub(super) async fn run<S>(runtime: Runtime<S>) -> Result<(), Error>
where
    S: Service<LambdaInvocation, Response = (), Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    let runtime = runtime.layer(ThenLayer::new(go_on));
    let runtime = runtime.layer(TracingLayer::new());
    runtime.run_concurrent().await
}

/// Keeps a worker whose answer was not taken, because the connection to the Runtime API broke. The runtime would end that
/// worker and start no other, so the process could serve one invocation less at a time from then on.
async fn go_on(outcome: Result<(), Error>) -> Result<(), Error> {
    if let Err(error) = outcome {
        tracing::warn!(error = ?error, "an answer was not taken: {error}");
    }
    Ok(())
}
