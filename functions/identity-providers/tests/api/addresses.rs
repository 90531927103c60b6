//! Where an issuer may be: nowhere inside.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shared::config::Stage;
use shared::guard::Guard;
use test_support::TestApi;
use tokio::net::TcpListener;

use crate::helpers::*;

/// A listener of this machine that counts who comes.
async fn listener() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let count = Arc::<AtomicUsize>::default();
    let counted = count.clone();
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, count)
}

const INSIDE: [&str; 34] = [
    "https://127.0.0.1:PORT",
    "https://127.0.0.1",
    "https://0x7f.1",
    "https://017700000001",
    "https://2130706433",
    "https://127.1",
    "https://127.0.0.1.",
    "https://①②⑦.0.0.1",
    "https:127.0.0.1",
    "https:///127.0.0.1",
    "https://169。254。169。254",
    "https://0",
    "https://evil@127.0.0.1",
    "https://127.0.0.1\\@evil.com",
    "https://1.1.1.1&@2.2.2.2# @3.3.3.3/",
    "https://localhost",
    "https://localhost.",
    "https://ｌocalhost",
    "https://[::]",
    "https://[::1]",
    "https://[::ffff:7f00:1]",
    "https://[::ffff:169.254.169.254]",
    "https://[fd00:ec2::254]",
    "https://[64:ff9b::a9fe:a9fe]",
    "https://169.254.170.2/v2/credentials",
    "https://10.0.0.1",
    "https://192.168.0.1",
    "http://login.example.com",
    "http://127.0.0.1:PORT",
    "http://localhost:PORT",
    "https://login.example.com:22",
    "ftp://login.example.com",
    "file:///etc/passwd",
    "login.example.com",
];

#[tokio::test]
async fn no_address_inside_is_ever_called() {
    let api = TestApi::new(|mut app, _| {
        app.guard = Guard::new(Stage::Prod);
        identity_providers::router(app)
    })
    .await;
    let (port, count) = listener().await;
    let path = path(&api, "ada").await;
    let long = format!("https://login.example.com/{}", "x".repeat(2048));
    for url in INSIDE.into_iter().chain([long.as_str()]) {
        let url = url.replace("PORT", &port.to_string());
        let reply = api.post(ADA, &path, new(&url)).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid-request".to_owned()),
            "{url}"
        );
        assert_eq!(reply.errors()[0].0, "/issuer", "{url}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0);
}
