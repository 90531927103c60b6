//! What shows in a URL.

use super::*;
use crate::guard::MAX_URL_BYTES;

/// Spellings of addresses that lead inside, as `(what stands after the scheme, the fault)`.
const INSIDE: [(&str, GuardFault); 37] = [
    ("://127.0.0.1:PORT/", GuardFault::NotPublic),
    ("://0x7f.1:PORT/", GuardFault::NotPublic),
    ("://017700000001:PORT/", GuardFault::NotPublic),
    ("://2130706433:PORT/", GuardFault::NotPublic),
    ("://127.1:PORT/", GuardFault::NotPublic),
    ("://127.0.0.1.:PORT/", GuardFault::NotPublic),
    ("://①②⑦.0.0.1:PORT/", GuardFault::NotPublic),
    (":127.0.0.1:PORT/", GuardFault::NotPublic),
    (":///127.0.0.1:PORT/", GuardFault::NotPublic),
    ("://169。254。169。254/", GuardFault::NotPublic),
    ("://0:PORT/", GuardFault::NotPublic),
    ("://0.0.0.0:PORT/", GuardFault::NotPublic),
    ("://evil@127.0.0.1:PORT/", GuardFault::HasUserInfo),
    ("://:pw@127.0.0.1:PORT/", GuardFault::HasUserInfo),
    ("://127.0.0.1:PORT\\@evil.com/", GuardFault::NotPublic),
    ("://1.1.1.1&@2.2.2.2# @3.3.3.3/", GuardFault::HasUserInfo),
    ("://[::1]:PORT/", GuardFault::NotPublic),
    ("://[::]:PORT/", GuardFault::NotPublic),
    ("://[::127.0.0.1]:PORT/", GuardFault::NotPublic),
    ("://[::ffff:7f00:1]:PORT/", GuardFault::NotPublic),
    ("://[::ffff:127.0.0.1]:PORT/", GuardFault::NotPublic),
    ("://[::ffff:169.254.169.254]/", GuardFault::NotPublic),
    ("://[::ffff:0:127.0.0.1]/", GuardFault::NotPublic),
    ("://[64:ff9b::7f00:1]/", GuardFault::NotPublic),
    ("://[2001:0:7f00:1::]/", GuardFault::NotPublic),
    ("://[2002:7f00:1::]/", GuardFault::NotPublic),
    ("://[fec0::1]/", GuardFault::NotPublic),
    ("://[fd00:ec2::254]/", GuardFault::NotPublic),
    ("://169.254.169.254/latest/meta-data", GuardFault::NotPublic),
    ("://169.254.170.2/v2/credentials", GuardFault::NotPublic),
    ("://169.254.170.23/v1/credentials", GuardFault::NotPublic),
    (
        "://127.0.0.1:9001/2018-06-01/runtime",
        GuardFault::NotPublic,
    ),
    ("://192.31.196.1/", GuardFault::NotPublic),
    ("://10.0.0.1/", GuardFault::NotPublic),
    ("://localhost:PORT/", GuardFault::NoAddress),
    ("://localhost.:PORT/", GuardFault::NoAddress),
    ("://ｌocalhost:PORT/", GuardFault::NoAddress),
];

#[tokio::test]
async fn no_spelling_of_an_inner_address_is_fetched() {
    let target = Target::start(async |_| Ok(())).await;
    let guard = strict(system());
    for (rest, expected) in INSIDE {
        let url = format!("https{rest}").replace("PORT", &target.port.to_string());
        assert_eq!(get(&guard, &url).await, Err(expected), "{url}");
        let url = url.replacen("https", "http", 1);
        assert_eq!(get(&guard, &url).await, Err(GuardFault::NotHttps), "{url}");
    }
    assert_eq!(target.connections(), 0);
}

#[test]
fn outside_of_a_local_stack_only_plain_https_is_taken() {
    let long = |length: usize| format!("https://example.com/{}", "x".repeat(length - 20));
    for stage in [Stage::Dev, Stage::Staging, Stage::Prod] {
        let guard = Guard::new(stage);
        for (url, expected) in [
            ("", GuardFault::NotAUrl),
            ("login.example.com", GuardFault::NotAUrl),
            ("/.well-known/openid-configuration", GuardFault::NotAUrl),
            ("https://", GuardFault::NotAUrl),
            ("https://exa mple.com", GuardFault::NotAUrl),
            ("data:application/json,{}", GuardFault::NotAUrl),
            ("file:///etc/passwd", GuardFault::NotAUrl),
            ("file://host/etc/passwd", GuardFault::NotHttps),
            ("http://login.example.com", GuardFault::NotHttps),
            ("http://localhost:8080", GuardFault::NotHttps),
            ("ftp://example.com", GuardFault::NotHttps),
            ("gopher://example.com:443/x", GuardFault::NotHttps),
            ("wss://example.com", GuardFault::NotHttps),
            ("https://ada@example.com", GuardFault::HasUserInfo),
            ("https://ada:pw@example.com", GuardFault::HasUserInfo),
            ("https://example.com:80", GuardFault::Port),
            ("https://example.com:22", GuardFault::Port),
            ("https://example.com:0", GuardFault::Port),
            ("https://example.com:6379", GuardFault::Port),
            (&long(MAX_URL_BYTES + 1), GuardFault::TooLong),
        ] {
            assert_eq!(guard.check(url), Err(expected), "{url}");
        }
        for url in [
            "https://login.example.com",
            "https://login.example.com:443/realms/x",
            "https://login.example.com:8443",
            "https://1.1.1.1/",
            "https://[2606:4700:4700::1111]/",
            &long(MAX_URL_BYTES),
        ] {
            assert!(guard.check(url).is_ok(), "{url}");
        }
    }
}

#[test]
fn a_local_stack_reaches_its_own_machine_and_no_private_network() {
    let guard = Guard::new(Stage::Local);
    for url in [
        "http://127.0.0.1:8003",
        "http://localhost:8003",
        "http://[::1]:8003",
        "https://login.example.com",
    ] {
        assert!(guard.check(url).is_ok(), "{url}");
    }
    for (url, expected) in [
        ("http://login.example.com", GuardFault::NotHttps),
        ("http://10.0.0.1", GuardFault::NotHttps),
        ("https://10.0.0.1", GuardFault::NotPublic),
        ("https://169.254.169.254", GuardFault::NotPublic),
        ("https://login.example.com:22", GuardFault::Port),
        ("http://ada@127.0.0.1:8003", GuardFault::HasUserInfo),
    ] {
        assert_eq!(guard.check(url), Err(expected), "{url}");
    }
}
