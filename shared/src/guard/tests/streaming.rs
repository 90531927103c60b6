//! Answers that come piece by piece.

use tokio::io::AsyncWriteExt as _;

use super::*;
use crate::guard::GuardedClient;

fn streaming(guard: &Guard) -> GuardedClient {
    let client = guard.streaming(SHORT.connect, Duration::from_millis(300));
    client.expect("a client")
}

async fn execute(guard: &Guard, url: &str) -> Result<reqwest::Response, GuardFault> {
    let url = url.parse().expect("a URL");
    let request = reqwest::Request::new(reqwest::Method::GET, url);
    streaming(guard).execute(request).await
}

/// A server that sends those bytes and then keeps the connection open.
async fn beginning(answer: &'static str) -> Target {
    Target::start(move |mut stream: TcpStream| async move {
        asked(&mut stream).await?;
        stream.write_all(answer.as_bytes()).await?;
        std::future::pending().await
    })
    .await
}

#[tokio::test]
async fn the_pieces_come_through_and_silence_ends_them() {
    let target = beginning("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npiece").await;
    let answer = execute(&local(system()), &target.url("127.0.0.1")).await;
    let mut answer = answer.expect("its head is there");
    let piece = answer.chunk().await.expect("a piece");
    assert_eq!(piece.as_deref(), Some(b"piece".as_slice()));
    let silence = answer.chunk().await.expect_err("no more comes");
    assert!(silence.is_timeout(), "{silence:?}");
}

#[tokio::test]
async fn a_stream_leads_nowhere_that_a_guard_may_not_reach() {
    let target = beginning("HTTP/1.1 200 OK\r\n\r\n").await;
    for (url, expected) in [
        (target.url("127.0.0.1"), GuardFault::NotHttps),
        (
            format!("https://127.0.0.1:{}/", target.port),
            GuardFault::NotPublic,
        ),
        (
            format!("https://localhost:{}/", target.port),
            GuardFault::NoAddress,
        ),
    ] {
        let answer = execute(&strict(names(&[&["127.0.0.1"]])), &url).await;
        assert_eq!(answer.err(), Some(expected), "{url}");
    }
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn a_stream_that_is_moved_stays_where_it_is() {
    let inner = beginning("HTTP/1.1 200 OK\r\n\r\n").await;
    let moved = format!(
        "HTTP/1.1 302 Moved\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        inner.url("127.0.0.1")
    );
    let target = beginning(moved.leak()).await;
    let answer = execute(&local(system()), &target.url("127.0.0.1")).await;
    assert_eq!(answer.expect("an answer").status(), 302);
    assert_eq!(inner.connections(), 0);
}
