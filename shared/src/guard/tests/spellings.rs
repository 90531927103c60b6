//! What shows in a URL.

use super::*;
use crate::guard::{MAX_URL_BYTES, public};

/// A row of the addresses that no tenant may name. What else stands in it is for those who go through routers.
#[derive(serde::Deserialize)]
struct Row {
    name: String,
    url: String,
    fault: String,
}

/// Those rows, each with the fault that it names.
fn rows() -> Vec<(Row, GuardFault)> {
    let text = include_str!("../../../../tests/corpora/addresses.json");
    let rows: Vec<Row> = serde_json::from_str(text).expect("rows");
    let long = "x".repeat(MAX_URL_BYTES + 1 - "https://login.example.com/".len());
    let told = rows.into_iter().map(|mut row| {
        row.url = row.url.replace("{2,049 bytes}", &long);
        let fault = match row.fault.as_str() {
            "not_a_url" => GuardFault::NotAUrl,
            "too_long" => GuardFault::TooLong,
            "not_https" => GuardFault::NotHttps,
            "has_user_info" => GuardFault::HasUserInfo,
            "port" => GuardFault::Port,
            "not_public" => GuardFault::NotPublic,
            "no_address" => GuardFault::NoAddress,
            other => panic!("{other} is no fault"),
        };
        (row, fault)
    });
    told.collect()
}

#[tokio::test]
async fn nothing_that_leads_inside_is_fetched_even_where_all_ports_are_taken() {
    let target = Target::start(async |_| Ok(())).await;
    let guard = strict(system());
    for (row, expected) in rows() {
        if expected == GuardFault::Port {
            continue;
        }
        let url = row.url.replace("{port}", &target.port.to_string());
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
        for (row, expected) in rows() {
            let url = row.url.replace("{port}", "9001");
            // Where a name leads is found out when it is fetched.
            let expected = Some(expected).filter(|fault| *fault != GuardFault::NoAddress);
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
    for (row, _) in rows() {
        let url = row.url.replace("{port}", "443");
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
