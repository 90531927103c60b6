//! The attacks on tokens in this folder. The tests of `shared` read them, which know every algorithm, and those that go
//! through routers.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Whose tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Whose {
    /// Those that this API signs.
    Ours,
    /// Those of an issuer that a tenant trusts.
    Theirs,
}

/// What is changed in the header or the claims of a good token, under a good signature.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Changed {
    pub(crate) name: String,
    /// Where the rule comes from.
    pub(crate) source: String,
    /// Members that are set; `null` takes one out.
    #[serde(default)]
    changes: Map<String, Value>,
    /// What is written before the last brace: what no JSON value can say.
    #[serde(default)]
    append: String,
    /// Whose tokens do not hold with it. The others do.
    refused: Vec<Whose>,
}

/// Another form of a good token, which nobody takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shape {
    pub(crate) name: String,
    pub(crate) source: String,
    shape: String,
}

/// The rows of a file. It has some, each with a name of its own and a source.
fn rows<T: serde::de::DeserializeOwned>(text: &str, named: fn(&T) -> (&str, &str)) -> Vec<T> {
    let rows: Vec<T> = serde_json::from_str(text).expect("rows");
    let mut names: Vec<&str> = rows.iter().map(|row| named(row).0).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), rows.len(), "each row has a name of its own");
    assert!(!rows.is_empty() && rows.iter().all(|row| !named(row).1.is_empty()));
    rows
}

pub(crate) fn headers() -> Vec<Changed> {
    let text = include_str!("token-headers.json");
    rows(text, |row: &Changed| (&row.name, &row.source))
}

pub(crate) fn claims() -> Vec<Changed> {
    let text = include_str!("token-claims.json");
    rows(text, |row: &Changed| (&row.name, &row.source))
}

pub(crate) fn shapes() -> Vec<Shape> {
    let text = include_str!("token-shapes.json");
    rows(text, |row: &Shape| (&row.name, &row.source))
}

impl Changed {
    /// Whether a token with it holds.
    pub(crate) fn holds(&self, whose: Whose) -> bool {
        !self.refused.contains(&whose)
    }

    /// The text of a part of a good token with the changes. `words` stand for what the rows name in braces; those with
    /// `{now+600}` are seconds after `now`.
    pub(crate) fn of(&self, good: &Value, words: &[(&str, &str)], now: i64) -> String {
        let filled = |text: &str| {
            let text = words.iter().fold(text.to_owned(), |text, (name, word)| {
                text.replace(&format!("{{{name}}}"), word)
            });
            with_times(&text, now)
        };
        let mut whole = good.as_object().expect("an object").clone();
        for (name, value) in &self.changes {
            whole.insert(name.clone(), resolved(value, &filled));
        }
        whole.retain(|_, value| !value.is_null());
        let mut text = Value::Object(whole).to_string();
        text.insert_str(text.len() - 1, &filled(&self.append));
        text
    }
}

/// The value that a row means: moments are numbers, `{"text": …}` is one as a text, and what is long is not written out.
fn resolved(value: &Value, filled: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => {
            let is_moment = text.starts_with("{now") && text.ends_with('}');
            let text = filled(text);
            match text.parse::<i64>() {
                Ok(moment) if is_moment => json!(moment),
                _ => json!(text),
            }
        }
        Value::Array(list) => list.iter().map(|value| resolved(value, filled)).collect(),
        Value::Object(object) => {
            if let Some(Value::String(text)) = object.get("text") {
                return json!(filled(text));
            }
            if let (Some(part), Some(times)) = (object.get("repeat"), object.get("times")) {
                let times = usize::try_from(times.as_u64().expect("a number")).expect("small");
                return json!(part.as_str().expect("a text").repeat(times));
            }
            if let Some(depth) = object.get("nested").and_then(Value::as_u64) {
                return (0..depth).fold(json!(1), |inner, _| json!([inner]));
            }
            let members = object.iter();
            members
                .map(|(name, value)| (filled(name), resolved(value, filled)))
                .collect()
        }
        other => other.clone(),
    }
}

fn with_times(text: &str, now: i64) -> String {
    let Some((before, rest)) = text.split_once("{now") else {
        return text.to_owned();
    };
    let (offset, after) = rest.split_once('}').expect("a closing brace");
    let offset: i64 = offset.parse().expect("a number with its sign");
    format!("{before}{}{}", now + offset, with_times(after, now))
}

impl Shape {
    /// A good token in that shape.
    pub(crate) fn of(&self, token: &str) -> String {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            panic!("three parts");
        };
        let bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
        let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let first = if signature.starts_with('A') { "B" } else { "A" };
        let last = signature.len() - 1;
        let words = [
            ("header", header.to_owned()),
            ("claims", claims.to_owned()),
            ("signature", signature.to_owned()),
            ("signature without its first", signature[1..].to_owned()),
            ("signature without its last", signature[..last].to_owned()),
            (
                "signature with another first",
                format!("{first}{}", &signature[1..]),
            ),
            ("signature with idle bits", idle_bits(signature)),
            ("signature and zero", encoded(&[&bytes[..], &[0]].concat())),
            ("half of the signature", encoded(&bytes[..bytes.len() / 2])),
            (
                "signature twice",
                encoded(&[&bytes[..], &bytes[..]].concat()),
            ),
            ("zeros", encoded(&vec![0; bytes.len()])),
            ("ones", encoded(&vec![0xff; bytes.len()])),
            ("other claims", encoded(br#"{"sub":"eve"}"#)),
            ("header in another order", encoded(&reordered(header))),
            ("header that says none", encoded(br#"{"alg":"none"}"#)),
            ("a thousand dots", ".".repeat(1000)),
            ("9,000 characters", "x".repeat(9000)),
        ];
        let shaped = words
            .iter()
            .fold(self.shape.clone(), |shape, (name, word)| {
                shape.replace(&format!("{{{name}}}"), word)
            });
        assert_ne!(shaped, token, "{}", self.name);
        shaped
    }
}

/// The signature with its last character changed in bits that stand for no byte, where there are such.
fn idle_bits(signature: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (start, last) = signature.split_at(signature.len() - 1);
    let place = ALPHABET.iter().position(|sign| last.as_bytes() == [*sign]);
    let other = ALPHABET[place.expect("base64url") ^ 1];
    format!("{start}{}", char::from(other))
}

/// The same header with its members in another order.
fn reordered(header: &str) -> Vec<u8> {
    let bytes = URL_SAFE_NO_PAD.decode(header).expect("base64url");
    let header: Map<String, Value> = serde_json::from_slice(&bytes).expect("an object");
    let members = header.iter().rev();
    let members = members.map(|(name, value)| format!("{}:{value}", json!(name)));
    format!("{{ {}}}", members.collect::<Vec<_>>().join(",")).into_bytes()
}
