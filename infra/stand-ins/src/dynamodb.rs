//! An embedded DynamoDB: a real engine, reached over the real wire protocol.

use std::path::Path;
use std::time::Duration;

use dynoxide::Database;
use serde_json::Value;
use tokio::net::TcpListener;

/// How often items past their TTL are removed. AWS takes hours or days; here it shall be seen to happen.
const SWEEP_EVERY: Duration = Duration::from_secs(2);

/// An empty table in memory with its server on a free port of this machine.
///
/// # Errors
/// When the definition is not one, or no port is free.
pub async fn in_memory(table: Value) -> Result<String, String> {
    let database = Database::memory().map_err(|error| error.to_string())?;
    create_table(&database, table)?;
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    tokio::spawn(dynoxide::server::serve_with_shutdown(
        listener,
        database,
        std::future::pending(),
    ));
    Ok(format!("http://{address}"))
}

/// Serves the database in `file`, or one in memory, until `stop` resolves.
///
/// # Errors
/// When the file can't be opened or the server fails.
pub async fn serve(
    listener: TcpListener,
    file: Option<&Path>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), String> {
    let database = match file {
        Some(file) => Database::new(&file.to_string_lossy()),
        None => Database::memory(),
    };
    let database = database.map_err(|error| format!("the database can't be opened: {error}"))?;
    let swept = database.clone();
    let sweeper = tokio::spawn(async move {
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            let swept = swept.clone();
            // A failed sweep leaves the items for the next one.
            drop(tokio::task::spawn_blocking(move || swept.sweep_ttl()).await);
        }
    });
    let served = dynoxide::server::serve_with_shutdown(listener, database, stop).await;
    sweeper.abort();
    served
}

fn create_table(database: &Database, table: Value) -> Result<(), String> {
    let ttl = table["TimeToLiveSpecification"]["AttributeName"].clone();
    let name = table["TableName"].clone();
    let request = serde_json::from_value(table)
        .map_err(|error| format!("not a table definition: {error}"))?;
    database
        .create_table(request)
        .map_err(|error| error.to_string())?;
    let ttl = serde_json::json!({
        "TableName": name,
        "TimeToLiveSpecification": {"AttributeName": ttl, "Enabled": true},
    });
    let request = serde_json::from_value(ttl).map_err(|error| format!("not a TTL: {error}"))?;
    database
        .update_time_to_live(request)
        .map(|_| ())
        .map_err(|error| error.to_string())
}
