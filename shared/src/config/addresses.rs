//! Rules for addresses in settings: URLs, senders, origins, names of AWS resources.

use super::{CacheBackend, MailTransport, Stage};
use crate::model::Email;

/// What a URL must be, in words.
pub(super) const URL_RULE: &str = "an https:// URL without a slash at the end, not of this machine and not of a domain that is only for examples (where STAGE is local, any http:// or https:// URL)";

/// What a sender must be, in words.
pub(super) const SENDER_RULE: &str =
    "an e-mail address that may send, and outside the local stage not one of example.com";

/// What a response cache must be, in words.
pub(super) const CACHE_RULE: &str = "off, memory, dynamodb, or the address of a Redis or Valkey: rediss:// (redis:// only where STAGE is local), a host, the port if it is not 6379, and no password, which stands in the secret RESPONSE_CACHE_SECRET_ID";

/// What the address of a collector must be, in words.
pub(super) const COLLECTOR_RULE: &str = "the address of a collector that takes OTLP over HTTP, without /v1/traces: an https:// URL without a slash at the end, or http:// with localhost or 127.0.0.1 for one beside the function";

/// What an origin must be, in words.
const ORIGIN_RULE: &str = "an origin as browsers send it: https:// (http:// only where STAGE is local), a host in lower case, the port if it is not the usual one, and nothing after it";

/// Domains that nobody has: RFC 2606 and RFC 6761. `invalid` is left out, because it says that it is not known yet.
const RESERVED: [&str; 6] = [
    "example.com",
    "example.net",
    "example.org",
    "example",
    "test",
    "localhost",
];

pub(super) fn secure_url(value: &str, stage: Option<Stage>) -> Option<String> {
    let uri: http::Uri = value.parse().ok()?;
    let local = matches!(stage, Some(Stage::Local) | None);
    let secure = uri.scheme_str() == Some("https") || (uri.scheme_str() == Some("http") && local);
    let plain = uri.query().is_none() && !value.ends_with('/') && !value.contains('@');
    let host = uri.host()?;
    (secure && plain && (local || is_real(host))).then(|| value.to_owned())
}

pub(super) fn collector(value: &str, stage: Option<Stage>) -> Option<String> {
    let uri: http::Uri = value.parse().ok()?;
    let beside = matches!(uri.host()?, "localhost" | "127.0.0.1");
    let stage = if beside { Some(Stage::Local) } else { stage };
    secure_url(value, stage)
}

pub(super) fn cache_backend(value: &str, stage: Option<Stage>) -> Option<CacheBackend> {
    match value {
        "off" => return Some(CacheBackend::Off),
        "memory" => return Some(CacheBackend::Memory),
        "dynamodb" => return Some(CacheBackend::DynamoDb),
        _ => {}
    }
    let url = url::Url::parse(value).ok()?;
    let local = matches!(stage, Some(Stage::Local) | None);
    let secure = url.scheme() == "rediss" || (url.scheme() == "redis" && local);
    let plain = url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    let database = url.path().trim_start_matches('/');
    let numbered = database.is_empty() || database.parse::<u16>().is_ok();
    let host = url.host_str().filter(|host| !host.is_empty())?;
    (secure && plain && numbered && (local || is_real(host)))
        .then(|| CacheBackend::Redis(value.to_owned()))
}

pub(super) fn sender(value: &str, stage: Option<Stage>) -> Option<String> {
    let email = Email::parse("", value).ok()?;
    let (_, domain) = email.as_str().rsplit_once('@')?;
    let local = matches!(stage, Some(Stage::Local) | None);
    (local || is_real(domain)).then(|| email.as_str().to_owned())
}

/// Whether a host is not this machine, nor a domain that stands for another.
fn is_real(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    if let Ok(address) = address {
        return !address.is_loopback() && !address.is_unspecified();
    }
    !RESERVED.iter().any(|reserved| {
        let rest = host.strip_suffix(reserved);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

/// The name of a resource of AWS: so many letters, digits and some other characters.
pub(super) fn name(
    value: &str,
    lengths: std::ops::RangeInclusive<usize>,
    others: &str,
) -> Option<String> {
    let good = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
    (lengths.contains(&value.len()) && value.chars().all(good)).then(|| value.to_owned())
}

/// The origins of browsers that may read answers: a JSON list, or texts with commas between.
///
/// The error is what is wrong with which, and never what it says. `*` and `null` are named: the one would let
/// every page read what its visitors may read, and the other is what any page in a sandbox has.
pub(super) fn origins(value: &str, stage: Option<Stage>) -> Result<Vec<String>, Vec<String>> {
    let listed: Vec<String> = if value.trim_start().starts_with('[') {
        let fault = |_| {
            vec![
                " is malformed: it must be a JSON list of texts, or origins with commas between"
                    .to_owned(),
            ]
        };
        serde_json::from_str(value).map_err(fault)?
    } else {
        value
            .split(',')
            .map(|text| text.trim().to_owned())
            .collect()
    };
    let mut faults = Vec::new();
    for (index, text) in listed.iter().enumerate() {
        match text.as_str() {
            "*" | "null" => faults.push(format!("[{index}] must not be {text}: name each origin")),
            _ if is_origin(text, stage) => {}
            _ => faults.push(format!("[{index}] must be {ORIGIN_RULE}")),
        }
    }
    if faults.is_empty() {
        Ok(listed)
    } else {
        Err(faults)
    }
}

fn is_origin(text: &str, stage: Option<Stage>) -> bool {
    let local = matches!(stage, Some(Stage::Local) | None);
    let (rest, usual_port) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (rest, "443"),
        (_, Some(rest)) if local => (rest, "80"),
        _ => return false,
    };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (rest, None),
    };
    let port_is_good = port.is_none_or(|port| {
        port != usual_port && !port.starts_with('0') && port.parse::<u16>().is_ok()
    });
    let host_byte =
        |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'[' | b']' | b':');
    let is_host = !host.is_empty()
        && host.bytes().all(host_byte)
        && rest.parse::<http::uri::Authority>().is_ok();
    is_host && port_is_good && (local || is_real(host))
}

pub(super) const VECTOR_BUCKET_RULE: &str =
    "the name of a vector bucket: 3 to 63 small letters, digits and -";
pub(super) const TRANSPORT_RULE: &str = "ses, or where STAGE is local file: and a directory";

pub(super) fn vector_bucket(value: &str) -> Option<String> {
    name(value, 3..=63, "-").filter(|name| *name == name.to_lowercase())
}

pub(super) fn mail_transport(value: &str, stage: Option<Stage>) -> Option<MailTransport> {
    match value.strip_prefix("file:") {
        None => (value == "ses").then_some(MailTransport::Ses),
        Some(path) => (stage == Some(Stage::Local) && path.starts_with('/'))
            .then(|| MailTransport::Directory(path.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_send_it() {
        for good in [
            "https://app.chatter.internal",
            "https://app.chatter.internal:8443",
            "https://xn--bcher-kva.internal",
            "https://203.0.113.7",
        ] {
            assert!(is_origin(good, Some(Stage::Prod)), "{good}");
        }
        for wrong in [
            "",
            "https://",
            "app.chatter.internal",
            "http://app.chatter.internal",
            "https://App.chatter.internal",
            "https://app.chatter.internal/",
            "https://app.chatter.internal/x",
            "https://app.chatter.internal:443",
            "https://app.chatter.internal:0",
            "https://app.chatter.internal:",
            "https://app.chatter.internal:99999",
            "https://user@app.chatter.internal",
            "https://app.chatter.internal?x",
            "https://*.chatter.internal",
            "https://b\u{fc}cher.internal",
            "ftp://app.chatter.internal",
            "https://app chatter",
            "https://localhost",
            "https://app.example.com",
            "https://127.0.0.1:3000",
            "https://[::1]:3000",
            "chrome-extension://abc",
        ] {
            assert!(!is_origin(wrong, Some(Stage::Prod)), "{wrong}");
        }
        for local in [
            "http://localhost:3000",
            "http://127.0.0.1:5173",
            "http://[::1]:3000",
            "https://localhost",
        ] {
            assert!(is_origin(local, Some(Stage::Local)), "{local}");
        }
        assert!(!is_origin("http://localhost:80", Some(Stage::Local)));
    }

    #[test]
    fn origins_are_a_json_list_or_have_commas_between_and_each_fault_has_its_place() {
        let both = [
            "https://a.internal".to_owned(),
            "https://b.internal".to_owned(),
        ];
        for text in [
            "https://a.internal,https://b.internal",
            " https://a.internal , https://b.internal",
            r#"["https://a.internal","https://b.internal"]"#,
        ] {
            assert_eq!(
                origins(text, Some(Stage::Prod)).as_deref(),
                Ok(&both[..]),
                "{text}"
            );
        }
        assert_eq!(origins("[]", Some(Stage::Prod)), Ok(Vec::new()));
        let faults = origins("https://a.internal,*,null,hunter2,", Some(Stage::Prod))
            .expect_err("four faults");
        assert_eq!(faults.len(), 4, "{faults:?}");
        assert!(faults[0].starts_with("[1] must not be *: "), "{faults:?}");
        assert!(
            faults[1].starts_with("[2] must not be null: "),
            "{faults:?}"
        );
        assert!(
            faults[2].starts_with("[3] must be ") && !faults[2].contains("hunter2"),
            "{faults:?}"
        );
        assert!(faults[3].starts_with("[4] must be "), "{faults:?}");
        for wrong in ["[", r#"[1]"#, r#"{"a":1}"#] {
            assert!(origins(wrong, Some(Stage::Prod)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn outside_one_machine_no_address_of_it_is_taken_and_none_of_an_example() {
        for value in [
            "http://chatter.internal",
            "https://localhost",
            "https://chatter.localhost:8443/x",
            "https://127.0.0.1",
            "https://127.1.2.3",
            "https://[::1]:9000",
            "https://0.0.0.0",
            "https://chatter.example.com",
            "https://EXAMPLE.com",
            "https://example.org/x",
            "https://a.example",
            "https://chatter.test",
        ] {
            assert_eq!(secure_url(value, Some(Stage::Dev)), None, "{value}");
            assert!(secure_url(value, Some(Stage::Local)).is_some(), "{value}");
        }
        for value in [
            "https://myexample.com",
            "https://example.com.internal",
            "https://10.0.0.1/v1",
            "https://later.invalid",
        ] {
            assert!(secure_url(value, Some(Stage::Prod)).is_some(), "{value}");
        }
        assert_eq!(sender("ada@mail.example.net", Some(Stage::Prod)), None);
        assert!(sender("ada@chatter.internal", Some(Stage::Prod)).is_some());
    }
}
