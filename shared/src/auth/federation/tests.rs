//! When a claim holds. How tokens of other issuers fare as a whole is tested through the routers.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::model::{Audience, IdentityProviderId, MembershipRole, RoleClaim, RoleMap, TenantId};

const NOW: i64 = 1_767_225_600;

fn good_with(changes: &Value) -> Map<String, Value> {
    let mut claims = json!({"sub": "ada", "role": "staff", "iat": NOW - 10, "exp": NOW + 600});
    for (name, value) in changes.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    claims.as_object().expect("an object").clone()
}

fn in_time(changes: &Value) -> bool {
    is_in_time(&good_with(changes), Moment::from_unix_seconds(NOW))
}

#[test]
fn clocks_may_differ_by_a_minute_and_not_by_a_second_more() {
    for (changes, expected) in [
        (json!({}), true),
        (json!({"exp": NOW - 59, "iat": NOW - 600}), true),
        (json!({"exp": NOW - 60, "iat": NOW - 600}), false),
        (json!({"iat": NOW + 60}), true),
        (json!({"iat": NOW + 61}), false),
        (json!({"nbf": NOW + 60}), true),
        (json!({"nbf": NOW + 61}), false),
        (json!({"nbf": NOW + 3600}), false),
        (json!({"nbf": NOW - 3600}), true),
        (json!({"iat": NOW + 600}), false),
        // When it begins says nothing of when it was made.
        (json!({"iat": NOW + 61, "nbf": NOW}), false),
        (json!({"iat": 0}), true),
        // One that was over before it was made.
        (json!({"iat": NOW + 20, "exp": NOW + 20}), false),
    ] {
        assert_eq!(in_time(&changes), expected, "{changes}");
    }
}

#[test]
fn times_are_whole_seconds_that_a_clock_will_show() {
    for name in ["exp", "iat", "nbf"] {
        for wrong in [
            json!("1767226200"),
            json!(1e300),
            json!(-1),
            json!(1_767_225_600.5),
            json!(null),
            json!(true),
            json!([NOW]),
            json!({}),
            json!(u64::MAX),
            json!(LAST_SECOND + 1),
            serde_json::from_str("18446744073709551616").expect("2^64"),
        ] {
            assert!(!in_time(&json!({name: wrong})), "{name}: {wrong}");
        }
    }
    assert!(in_time(&json!({"exp": LAST_SECOND})));
    for name in ["exp", "iat"] {
        let mut claims = good_with(&json!({}));
        claims.remove(name);
        assert!(
            !is_in_time(&claims, Moment::from_unix_seconds(NOW)),
            "without {name}"
        );
    }
}

fn provider() -> IdentityProvider {
    let roles = BTreeMap::from([("staff".to_owned(), MembershipRole::Member)]);
    IdentityProvider {
        id: IdentityProviderId::new(),
        tenant: TenantId::new(),
        issuer: "https://login.example.com".to_owned(),
        audience: Audience::from_stored("chatter".to_owned()),
        role_claim: RoleClaim::from_stored("role".to_owned()),
        roles: RoleMap::from_stored(roles),
        created_at: Moment::from_unix_seconds(NOW),
    }
}

#[test]
fn a_token_names_somebody_with_a_role() {
    let named = |changes: &Value| claims(&good_with(changes), &provider());
    let ada = named(&json!({})).expect("Ada");
    assert_eq!(
        (ada.subject.as_str(), ada.role),
        ("ada", MembershipRole::Member)
    );
    for changes in [
        json!({"sub": ""}),
        json!({"sub": 7}),
        json!({"sub": null}),
        json!({"sub": ["ada"]}),
        json!({"sub": "a\nb"}),
        json!({"sub": "a\u{0}"}),
        json!({"sub": "a".repeat(256)}),
        json!({"role": "admin"}),
        json!({"role": ""}),
        json!({"role": null}),
        json!({"role": []}),
        json!({"role": {"staff": true}}),
    ] {
        assert_eq!(named(&changes), None, "{changes}");
    }
    assert!(named(&json!({"sub": "a".repeat(255)})).is_some());
    let mut nobody = good_with(&json!({}));
    nobody.remove("sub");
    assert_eq!(claims(&nobody, &provider()), None);
}

#[test]
fn a_token_is_for_one_audience_however_that_is_written() {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","kid":"k"}"#);
    for (audience, expected) in [
        (json!("chatter"), Some("chatter")),
        (json!(["chatter"]), Some("chatter")),
        (json!(["chatter", "other"]), None),
        (json!([]), None),
        (json!([7]), None),
        (json!(7), None),
    ] {
        let claims = json!({"iss": "https://a.example", "aud": audience}).to_string();
        let token = format!("{header}.{}.AAAA", URL_SAFE_NO_PAD.encode(claims));
        let claimed = peek(&token);
        let audience = claimed.as_ref().map(|claimed| claimed.audience.as_str());
        assert_eq!(audience, expected, "{token}");
    }
}

#[test]
fn a_pair_has_one_name_whatever_is_in_it() {
    let one = pair_hash("https://a.example", "chatter");
    assert_eq!(one, pair_hash("https://a.example", "chatter"));
    assert_eq!(one.len(), 43);
    assert_ne!(one, pair_hash("https://a.example/", "chatter"));
    assert_ne!(one, pair_hash("https://a.example", "chatter2"));
    assert_ne!(one, pair_hash("https://a.examplec", "hatter"));
}

proptest::proptest! {
    #[test]
    fn no_claims_make_it_panic_and_none_name_several_audiences(
        claims in r#"\{("(iss|aud|sub|exp|iat|nbf)":("x"|1|-1|1e400|null|\[\]|\["x"\]|\["x","y"\]|\{\}),?){0,6}\}?"#,
        text in ".{0,200}",
    ) {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","kid":"k"}"#);
        let token = format!("{header}.{}.AAAA", URL_SAFE_NO_PAD.encode(&claims));
        if let Some(claimed) = peek(&token) {
            proptest::prop_assert_eq!(claimed.issuer, "x");
            proptest::prop_assert_eq!(claimed.audience, "x");
        }
        proptest::prop_assert!(peek(&text).is_none());
    }
}
