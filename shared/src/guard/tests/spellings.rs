//! What shows in a URL.

use super::addresses::Row;
use super::*;
use crate::guard::public;

fn rows() -> Vec<Row> {
    let text = include_str!("../../../../tests/corpora/addresses.json");
    serde_json::from_str(text).expect("rows")
}

#[tokio::test]
async fn nothing_that_leads_inside_is_fetched_even_where_all_ports_are_taken() {
    let target = Target::start(async |_| Ok(())).await;
    let guard = strict(system());
    for row in rows() {
        let expected = row.fault();
        if expected == GuardFault::Port {
            continue;
        }
        let url = row.url(target.port);
        assert_eq!(
            get(&guard, &url).await,
            Err(expected),
            "{}: {url}",
            row.name
        );
    }
    assert_eq!(target.connections(), 0);
}

#[test]
fn outside_of_a_local_stack_only_plain_https_is_taken() {
    for stage in [Stage::Dev, Stage::Staging, Stage::Prod] {
        let guard = Guard::new(stage);
        for row in rows() {
            let url = row.url(9001);
            let expected = Some(row.fault()).filter(|_| !row.name_only);
            assert_eq!(guard.check(&url).err(), expected, "{}: {url}", row.name);
        }
        for url in [
            "https://login.example.com",
            "https://login.example.com:443/realms/x",
            "https://login.example.com:8443",
            "https://1.1.1.1/",
            "https://[2606:4700:4700::1111]/",
            "https://login.example.com/a b",
            &format!("https://example.com/{}", "x".repeat(MAX_URL_BYTES - 20)),
        ] {
            assert!(guard.check(url).is_ok(), "{url}");
        }
    }
}

#[test]
fn what_others_fetch_for_us_is_as_public_as_what_we_fetch() {
    for row in rows() {
        let url = row.url(443);
        assert!(public(&url).is_err(), "{}: {url}", row.name);
    }
    for url in [
        "https://example.com/a.png",
        "https://localhost.example.com/a.png",
        "https://1.1.1.1/",
    ] {
        assert_eq!(public(url), Ok(()), "{url}");
    }
}

#[test]
fn a_local_stack_reaches_its_own_machine_and_no_private_network() {
    let guard = Guard::new(Stage::Local);
    for row in rows().into_iter().filter(|row| !row.loopback) {
        let url = row.url(8003);
        assert_eq!(guard.check(&url).err(), Some(row.fault()), "{}", row.name);
    }
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

#[test]
fn what_is_kept_is_the_address_and_whether_more_is_in_it() {
    let guard = Guard::new(Stage::Prod);
    for (url, more) in [
        ("https://login.example.com/a", false),
        ("https://login.example.com/a?b", true),
        ("https://login.example.com/a#b", true),
        ("https://login.example.com/?", true),
    ] {
        let checked = guard.check(url).expect("a public address");
        assert_eq!(checked.has_query_or_fragment(), more, "{url}");
        assert_eq!((checked.as_str(), checked.url().as_str()), (url, url));
    }
}
