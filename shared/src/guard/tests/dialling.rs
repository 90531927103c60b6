//! Where a name leads, and who else is in the way.

use std::net::SocketAddr;
use std::process::Command;

use reqwest::dns::Resolve as _;
use tokio::io::AsyncWriteExt as _;

use super::*;
use crate::guard::resolver::Filtered;

const FINE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine";

/// A server that answers 200 with `fine`.
async fn fine() -> Target {
    Target::start(async |mut stream| {
        asked(&mut stream).await?;
        stream.write_all(FINE).await
    })
    .await
}

#[tokio::test]
async fn a_name_is_asked_for_again_each_time_and_what_it_means_then_counts() {
    let target = fine().await;
    let url = target.url("localhost");
    // First this machine, which a local guard may reach; then an address inside a network.
    let guard = local(names(&[
        &["127.0.0.1"],
        &["10.0.0.1"],
        &["169.254.169.254"],
    ]));
    assert_eq!(get(&guard, &url).await.as_deref(), Ok("fine"));
    assert_eq!(get(&guard, &url).await, Err(GuardFault::NoAddress));
    assert_eq!(get(&guard, &url).await, Err(GuardFault::NoAddress));
    assert_eq!(target.connections(), 1);
}

#[tokio::test]
async fn of_several_addresses_only_those_that_may_be_reached_are_dialled() {
    let target = fine().await;
    let mixed = &["10.0.0.1", "fd00::1", "::ffff:192.168.0.1", "127.0.0.1"];
    let guard = local(names(&[mixed]));
    let url = target.url("localhost");
    assert_eq!(get(&guard, &url).await.as_deref(), Ok("fine"));
    assert_eq!(target.connections(), 1);
}

async fn dialled(addresses: &[&str]) -> Option<Vec<SocketAddr>> {
    let resolver = Filtered {
        lookup: names(&[addresses]),
        reach: Reach::of(Stage::Prod),
    };
    let name = "login.example.com".parse().expect("a name");
    resolver.resolve(name).await.ok().map(Iterator::collect)
}

#[tokio::test]
async fn a_public_name_with_private_addresses_leads_to_its_public_ones() {
    let expected = |text: &str| Some(vec![SocketAddr::new(text.parse().expect("address"), 0)]);
    assert_eq!(
        dialled(&["93.184.215.14", "fd00:ec2::254"]).await,
        expected("93.184.215.14")
    );
    assert_eq!(
        dialled(&["127.0.0.1", "2606:4700::1", "::1"]).await,
        expected("2606:4700::1")
    );
    assert_eq!(dialled(&["10.0.0.1", "fe80::1"]).await, None);
    assert_eq!(dialled(&[]).await, None);
}

#[tokio::test]
async fn of_two_hundred_addresses_a_few_are_tried_and_no_private_one() {
    let private: Vec<String> = (0..100).map(|last| format!("10.0.0.{last}")).collect();
    let public: Vec<String> = (0..100).map(|last| format!("8.8.8.{last}")).collect();
    let all: Vec<&str> = private.iter().chain(&public).map(String::as_str).collect();
    let dialled = dialled(&all).await.expect("some");
    assert_eq!(dialled.len(), 4);
    let public = |address: &SocketAddr| address.to_string().starts_with("8.8.8.");
    assert!(dialled.iter().all(public), "{dialled:?}");
}

#[tokio::test]
async fn a_name_that_is_not_known_has_no_address() {
    let guard = local(names(&[]));
    let answer = get(&guard, "http://localhost:1/").await;
    assert_eq!(answer, Err(GuardFault::NoAddress));
}

#[tokio::test]
async fn an_answer_from_an_address_that_may_not_be_reached_is_not_read() {
    let target = fine().await;
    let url = target.url("127.0.0.1");
    // A client that dials this machine, in the hands of a guard that must not: as if a client did one day not
    // ask the resolver.
    let url = local(system()).check(&url).expect("a local URL");
    let guard = strict(system());
    let loose = local(system()).0.client().expect("a client");
    guard.0.http.set(loose).expect("it is new");
    let answer = guard.get(&url, "application/json", 1000).await;
    assert_eq!(answer, Err(GuardFault::NotPublic));
    assert_eq!(target.connections(), 1, "only the last check is left");
}

/// The variables that name proxies, in both spellings.
const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

#[tokio::test]
async fn a_proxy_of_the_environment_is_not_used() {
    #[expect(
        clippy::disallowed_methods,
        reason = "this test runs itself with another environment"
    )]
    let inner = std::env::var("GUARD_TARGET");
    if let Ok(url) = inner {
        assert_eq!(
            get(&local(system()), &url).await.as_deref(),
            Ok("fine"),
            "with proxies in the environment"
        );
        return;
    }
    let (target, proxy) = (fine().await, fine().await);
    let mut again = Command::new(std::env::current_exe().expect("this test"));
    again
        .args([
            "--exact",
            "guard::tests::dialling::a_proxy_of_the_environment_is_not_used",
        ])
        .env("GUARD_TARGET", target.url("127.0.0.1"))
        .envs(PROXIES.map(|name| (name, proxy.url("127.0.0.1"))));
    let output = tokio::task::spawn_blocking(move || again.output()).await;
    let output = output.expect("no panic").expect("a process");
    assert!(output.status.success(), "{output:?}");
    assert_eq!((target.connections(), proxy.connections()), (1, 0));
}
