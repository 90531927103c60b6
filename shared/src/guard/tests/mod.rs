//! What a guard lets through, on listeners of this machine that count who comes.

#[path = "../../../../tests/corpora/addresses.rs"]
mod addresses;
mod answers;
mod dialling;
mod spellings;
mod streaming;

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};

use super::resolver::System;
use super::target::Reach;
use super::{Guard, GuardFault, Lookup, MAX_URL_BYTES, Patience};
use crate::config::Stage;

/// Short enough for tests, long enough for a busy machine.
const SHORT: Patience = Patience {
    connect: Duration::from_millis(800),
    total: Duration::from_millis(800),
};

/// A resolver that gives one list of addresses after the other, and the last one for ever.
struct Names(Mutex<VecDeque<Vec<IpAddr>>>);

impl Lookup for Names {
    fn lookup(&self, _name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let mut lists = self.0.lock().expect("no panic");
        let list = if lists.len() > 1 {
            lists.pop_front()
        } else {
            lists.front().cloned()
        };
        Box::pin(async move { list.ok_or_else(|| io::Error::other("no such name")) })
    }
}

fn names(lists: &[&[&str]]) -> Arc<dyn Lookup> {
    let address = |text: &&str| text.parse().expect("an address");
    let lists = lists
        .iter()
        .map(|list| list.iter().map(address).collect())
        .collect();
    Arc::new(Names(Mutex::new(lists)))
}

/// A guard of production, but for the ports, so that it could reach a listener here.
fn strict(lookup: Arc<dyn Lookup>) -> Guard {
    let reach = Reach {
        any_port: true,
        ..Reach::of(Stage::Prod)
    };
    Guard::with(reach, lookup, SHORT)
}

/// A guard of the local stage, which reaches this machine.
fn local(lookup: Arc<dyn Lookup>) -> Guard {
    Guard::with(Reach::of(Stage::Local), lookup, SHORT)
}

fn system() -> Arc<dyn Lookup> {
    Arc::new(System)
}

/// A server that does with each connection what it is told, and counts them.
struct Target {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Target {
    async fn start<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let connections = Arc::<AtomicUsize>::default();
        let count = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                // A client that leaves early is what many of these tests are about.
                tokio::spawn(serve(stream));
            }
        });
        Self { port, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn url(&self, host: &str) -> String {
        format!("http://{host}:{}/", self.port)
    }
}

/// Waits for the start of a request.
async fn asked(stream: &mut TcpStream) -> io::Result<()> {
    let mut start = [0; 4];
    stream.read_exact(&mut start).await?;
    assert_eq!(&start, b"GET ");
    Ok(())
}

async fn get(guard: &Guard, url: &str) -> Result<String, GuardFault> {
    let url = guard.check(url)?;
    let bytes = guard.get(&url, "application/json", 1000).await?;
    Ok(String::from_utf8(bytes.to_vec()).expect("UTF-8"))
}
