//! Rate limits in HTTP: who sends, what a refusal looks like, and the fields that tell clients where they
//! are (draft-ietf-httpapi-ratelimit-headers-11).

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use lambda_http::request::RequestContext;

use crate::app::App;
use crate::error::Result;
use crate::limits::{Class, Per, Refused, Source, Standing};

const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Counts a request, and refuses it if it is one too many. `subjects` are those that its token names; the others,
/// such as where it comes from, are added here. Whatever comes of it, the response's fields tell.
pub async fn admit(
    parts: &Parts,
    app: &App,
    class: Class,
    subjects: &[(Per, String)],
) -> Result<()> {
    let source = source(&parts.extensions).as_str().to_owned();
    let everywhere = [(Per::Source, source), (Per::Everyone, "all".to_owned())];
    let subjects = [subjects, &everywhere].concat();
    let result = app.limiter.admit(class, &subjects, app.clock.now()).await;
    let standings = match &result {
        Ok(admission) => Some(&admission.standings),
        Err(Refused::Quota(standings)) => Some(standings),
        Err(Refused::Unknown(_)) => None,
    };
    if let (Some(cell), Some(standings)) = (parts.extensions.get::<LimitCell>(), standings) {
        cell.add(standings);
    }
    result?;
    Ok(())
}

/// Refuses a source that sent too many tokens that do not hold, before anything is done for it.
pub fn brake(parts: &Parts, app: &App) -> Result<()> {
    app.limiter
        .brake(&source(&parts.extensions), app.clock.now())
}

/// Notes that a request's token does not hold.
pub fn failed(parts: &Parts, app: &App) {
    app.limiter
        .failed(&source(&parts.extensions), app.clock.now());
}

/// Where a request comes from, as a subject of policies.
pub fn source(extensions: &Extensions) -> Source {
    Source::of(source_address(extensions))
}

/// The address that API Gateway saw. Never `X-Forwarded-For`: its left entries are whatever the client wrote.
pub fn source_address(extensions: &Extensions) -> Option<IpAddr> {
    let text = match extensions.get::<RequestContext>()? {
        RequestContext::ApiGatewayV1(context) => context.identity.source_ip.as_deref(),
        RequestContext::ApiGatewayV2(context) => context.http.source_ip.as_deref(),
        _ => None,
    };
    text?.parse().ok()
}

/// Where whoever counts a request leaves what the response's fields say.
#[derive(Debug, Clone, Default)]
pub(super) struct LimitCell(Arc<Mutex<Vec<Standing>>>);

impl LimitCell {
    fn add(&self, standings: &[Standing]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for standing in standings {
            // One counted twice is where it was last.
            all.retain(|other| other.policy.name != standing.policy.name);
            all.push(standing.clone());
        }
    }

    /// The policy that allows the fewest more; of several that allow as few, the one that does so for the longest.
    pub(super) fn tightest(&self) -> Option<Tightest> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.iter().filter_map(|Standing { policy, left }| {
            let left = left.as_ref()?;
            Some(Tightest {
                quota: policy.quota,
                remaining: left.remaining,
                reset: left.reset,
            })
        });
        known.min_by_key(|standing| (standing.remaining, u64::MAX - standing.reset))
    }

    /// Writes the fields. A request that nothing counted has none.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, value) in [(RATELIMIT_POLICY, policies(&all)), (RATELIMIT, left(&all))] {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                headers.insert(name, value);
            }
        }
    }
}

/// Where a request is with the policy that allows it the fewest more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tightest {
    /// How many requests the policy allows in its window.
    pub(super) quota: u32,
    /// How many more it allows now.
    pub(super) remaining: u32,
    /// In how many seconds its window ends.
    pub(super) reset: u64,
}

/// `"read-caller";q=600;w=60, …`. A policy's name needs no escapes.
fn policies(standings: &[Standing]) -> Option<String> {
    list(standings.iter().map(|Standing { policy, .. }| {
        let window = policy.window.as_secs();
        format!("\"{}\";q={};w={window}", policy.name, policy.quota)
    }))
}

/// `"read-caller";r=599;t=60, …`
fn left(standings: &[Standing]) -> Option<String> {
    list(standings.iter().filter_map(|Standing { policy, left }| {
        let left = left.as_ref()?;
        let (remaining, reset) = (left.remaining, left.reset);
        Some(format!("\"{}\";r={remaining};t={reset}", policy.name))
    }))
}

fn list(members: impl Iterator<Item = String>) -> Option<String> {
    let members: Vec<String> = members.collect();
    (!members.is_empty()).then(|| members.join(", "))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use sfv::{BareItem, FieldType as _, List, ListEntry, Parser};

    use super::*;
    use crate::limits::{Left, Policy};

    fn standing(name: &str, quota: u32, window: u64, left: Option<(u32, u64)>) -> Standing {
        let policy = Policy {
            name: name.to_owned(),
            class: Class::Read,
            per: Per::Caller,
            quota,
            window: Duration::from_secs(window),
        };
        let left = left.map(|(remaining, reset)| Left { remaining, reset });
        Standing {
            policy: policy.into(),
            left,
        }
    }

    fn written(standings: &[Standing]) -> HeaderMap {
        let cell = LimitCell::default();
        cell.add(standings);
        let mut headers = HeaderMap::new();
        cell.write(&mut headers);
        headers
    }

    fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
        headers[name].to_str().expect("ASCII")
    }

    /// What a parser of RFC 9651 reads, after it wrote it again as it stands.
    fn parsed(text: &str) -> Vec<(String, Vec<(String, i64)>)> {
        let list: List = Parser::new(text).parse().expect("a structured field");
        assert_eq!(list.serialize().as_deref(), Some(text));
        let member = |entry: &ListEntry| {
            let ListEntry::Item(item) = entry else {
                panic!("an inner list in {text}");
            };
            let BareItem::String(name) = &item.bare_item else {
                panic!("a name that is no string in {text}");
            };
            let parameters = item.params.iter().map(|(key, value)| {
                let BareItem::Integer(value) = value else {
                    panic!("a parameter that is no integer in {text}");
                };
                (key.as_str().to_owned(), i64::from(*value))
            });
            (name.as_str().to_owned(), parameters.collect())
        };
        list.iter().map(member).collect()
    }

    #[test]
    fn the_fields_are_those_of_the_draft() {
        let headers = written(&[
            standing("burst", 100, 60, Some((50, 30))),
            standing("daily", 1000, 86_400, None),
        ]);
        assert_eq!(
            text(&headers, &RATELIMIT_POLICY),
            r#""burst";q=100;w=60, "daily";q=1000;w=86400"#
        );
        assert_eq!(text(&headers, &RATELIMIT), r#""burst";r=50;t=30"#);
        assert_eq!(written(&[]), HeaderMap::new());
    }

    #[test]
    fn what_is_counted_twice_stands_once_as_it_was_last() {
        let headers = written(&[
            standing("burst", 100, 60, Some((50, 30))),
            standing("burst", 100, 60, Some((49, 30))),
        ]);
        assert_eq!(text(&headers, &RATELIMIT), r#""burst";r=49;t=30"#);
    }

    proptest! {
        #[test]
        fn a_parser_of_structured_fields_reads_what_is_written(
            name in "[a-z0-9-]{1,40}", quota in 1..=u32::MAX, window in 1..=86_400_u64, remaining: u32, reset in 1..=86_400_u64,
        ) {
            let headers = written(&[standing(&name, quota, window, Some((remaining, reset))), standing("_", 1, 1, Some((0, 1)))]);
            let whole = |value: u64| i64::try_from(value).expect("small");
            let policies = parsed(text(&headers, &RATELIMIT_POLICY));
            prop_assert_eq!(&policies[0], &(name.clone(), vec![("q".to_owned(), i64::from(quota)), ("w".to_owned(), whole(window))]));
            let left = parsed(text(&headers, &RATELIMIT));
            prop_assert_eq!(&left[0], &(name, vec![("r".to_owned(), i64::from(remaining)), ("t".to_owned(), whole(reset))]));
            prop_assert_eq!((policies.len(), left.len()), (2, 2));
        }
    }

    /// The extensions of a request that came as this event.
    fn extensions(event: &serde_json::Value) -> Extensions {
        let request = lambda_http::request::from_str(&event.to_string()).expect("an event");
        request.into_parts().0.extensions
    }

    #[test]
    fn the_address_is_what_the_gateway_saw_whatever_the_client_forwards() {
        let rest = serde_json::json!({
            "resource": "/", "path": "/", "httpMethod": "GET",
            "headers": {"x-forwarded-for": "198.51.100.1, 203.0.113.7"},
            "multiValueHeaders": {"x-forwarded-for": ["198.51.100.1, 203.0.113.7"]},
            "requestContext": {"stage": "prod", "httpMethod": "GET", "identity": {"sourceIp": "203.0.113.7"}},
        });
        let http = serde_json::json!({
            "version": "2.0", "routeKey": "$default", "rawPath": "/", "rawQueryString": "", "isBase64Encoded": false,
            "headers": {"x-forwarded-for": "198.51.100.1"},
            "requestContext": {"stage": "$default", "http": {"method": "GET", "path": "/", "sourceIp": "2001:db8::1"}},
        });
        let address = |event| source_address(&extensions(event)).map(|address| address.to_string());
        assert_eq!(address(&rest).as_deref(), Some("203.0.113.7"));
        assert_eq!(address(&http).as_deref(), Some("2001:db8::1"));
        assert_eq!(source_address(&Extensions::new()), None);
    }
}
