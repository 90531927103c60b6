//! What stands in for AWS, a model provider, an issuer of tokens and a collector of spans on one machine, in tests and for the local stack.
//!
//! Nothing that is deployed depends on this crate.

pub mod arguments;
pub mod collector;
pub mod dynamodb;
mod fault;
pub mod issuer;
pub mod lambda_api;
pub mod meter;
pub mod provider;
pub mod qdrant;
pub mod runtime_api;
pub mod s3_vectors;
pub mod secrets;
pub mod ses;
pub mod site;

pub use fault::IndexFault;

use axum::Router;
use axum::serve::{ListenerExt as _, TapIo};
use tokio::net::{TcpListener, TcpStream};

/// Serves those routes on a free port of this machine, as long as the runtime lives. Where that is, as `http://` with address
/// and port.
async fn serve(router: Router) -> Result<String, String> {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    tokio::spawn(async move { axum::serve(at_once(listener), router).await });
    Ok(format!("http://{address}"))
}

/// A listener whose connections send each piece at once. Otherwise a piece waits until the one before is acknowledged,
/// which the peer may put off for 40 ms: tests would be slow, and a benchmark would measure that.
fn at_once(listener: TcpListener) -> TapIo<TcpListener, fn(&mut TcpStream)> {
    // Where it is refused they are only slow.
    listener.tap_io(|stream| drop(stream.set_nodelay(true)))
}
