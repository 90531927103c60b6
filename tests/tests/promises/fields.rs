//! Header fields that are structured.

use sfv::FieldType as _;
use test_support::Reply;

use crate::headers::one;

/// What is a structured field reads as one and is written in its one way (RFC 9651), and the fields that RateLimit
/// has replaced are not there.
pub(crate) fn are_structured(label: &str, operation: &str, reply: &Reply) {
    for name in ["ratelimit", "ratelimit-policy"] {
        if reply.headers.contains_key(name) {
            let text = one(label, reply, name);
            let list: sfv::List = sfv::Parser::new(text).parse().expect(text);
            assert_eq!(list.serialize().as_deref(), Some(text), "{label}: {name}");
        }
    }
    if reply.headers.contains_key("deprecation") {
        let text = one(label, reply, "deprecation");
        let item: sfv::Item = sfv::Parser::new(text).parse().expect(text);
        assert!(
            matches!(item.bare_item, sfv::BareItem::Date(_)),
            "{label}: {text}"
        );
    }
    // Clients of OpenAI read the old ones under `/v1`.
    if operation.contains(" /v1/") {
        return;
    }
    let replaced = [
        "x-ratelimit-",
        "x-rate-limit-",
        "ratelimit-limit",
        "ratelimit-reset",
    ];
    for name in reply.headers.keys().map(axum::http::HeaderName::as_str) {
        assert!(
            !replaced.iter().any(|old| name.starts_with(old)),
            "{label}: {name}"
        );
    }
}
