//! Attacks that are known, as data, sent to the routers as a client would send them. Each row of `tests/corpora` names what
//! must come of it and where the rule comes from.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on has failed"
)]

#[path = "../../corpora/addresses.rs"]
mod address_rows;
mod addresses;
mod documents;
mod file_names;
mod images;
mod keys;
mod letters;
mod recipe;
#[path = "../../corpora/tokens.rs"]
mod rows;
mod tokens;
mod trusted;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::guard::{GuardFault, Lookup, MAX_URL_BYTES};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const ADA: Option<&str> = Some("ada");

/// The files of the corpora, and which module sends each of them.
const FILES: [&str; 10] = [
    "addresses.json",
    "api-keys.json",
    "file-names.json",
    "files.json",
    "letters.json",
    "names.json",
    "redirects.json",
    "token-claims.json",
    "token-headers.json",
    "token-shapes.json",
];

/// A text that somebody gives a thing as its name, and whether it is taken.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextRow {
    name: String,
    #[serde(rename = "source")]
    _source: String,
    text: String,
    taken: bool,
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/corpora"))
}

/// The rows of a file: it has some, each with a name of its own and a source.
fn corpus<T: DeserializeOwned>(file: &str) -> Vec<T> {
    assert!(FILES.contains(&file), "{file} is in no list");
    let text = std::fs::read_to_string(folder().join(file)).expect(file);
    let rows: Vec<Value> = serde_json::from_str(&text).expect(file);
    assert!(!rows.is_empty(), "{file}");
    let named = |row: &Value, field: &str| {
        let text = row[field].as_str().filter(|text| !text.is_empty());
        text.unwrap_or_else(|| panic!("{file}: {row} has no {field}"))
            .to_owned()
    };
    let names: BTreeSet<String> = rows.iter().map(|row| named(row, "name")).collect();
    assert_eq!(names.len(), rows.len(), "{file}: a name stands twice");
    for row in &rows {
        named(row, "source");
    }
    let typed = rows.into_iter().map(|row| {
        let shown = row.to_string();
        serde_json::from_value(row).unwrap_or_else(|error| panic!("{file}: {shown}: {error}"))
    });
    typed.collect()
}

#[test]
fn every_file_of_attacks_is_sent_by_a_test_here() {
    let entries = std::fs::read_dir(folder()).expect("a folder");
    let names = entries.map(|entry| entry.expect("an entry").file_name());
    let names = names.map(|name| name.into_string().expect("UTF-8"));
    let found: BTreeSet<String> = names.filter(|name| name.ends_with(".json")).collect();
    assert_eq!(found, BTreeSet::from(FILES.map(str::to_owned)));
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/attacks"));
    let mut sources = include_str!("../../corpora/tokens.rs").to_owned();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if !path.ends_with("main.rs") {
            sources += &std::fs::read_to_string(path).expect("a source");
        }
    }
    for file in FILES {
        assert!(sources.contains(&format!("\"{file}\"")), "{file}");
    }
}

/// Resolves every name to the same addresses, which a test may change, and counts how often it was asked.
#[derive(Default)]
struct Names {
    answers: Mutex<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Names {
    fn answer(&self, answers: &[&str]) {
        let answers = answers
            .iter()
            .map(|answer| answer.parse().expect("an address"));
        *self.answers.lock().expect("no panic") = answers.collect();
    }

    fn take_asked(&self) -> usize {
        self.asked.swap(0, Ordering::SeqCst)
    }
}

impl Lookup for Names {
    fn lookup(&self, _name: String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let answers = self.answers.lock().expect("no panic").clone();
        Box::pin(async move { Ok(answers) })
    }
}

/// A server of this machine that sends whoever comes the same bytes, and counts who came.
struct Listener {
    port: u16,
    came: Arc<AtomicUsize>,
}

impl Listener {
    async fn on(address: &str, answer: String) -> Self {
        let listener = TcpListener::bind(address).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let came = Arc::<AtomicUsize>::default();
        let count = came.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut start = [0; 1024];
                    match stream.read(&mut start).await? {
                        0 => Ok(()),
                        _ => stream.write_all(answer.as_bytes()).await,
                    }
                });
            }
        });
        Self { port, came }
    }

    async fn start() -> Self {
        Self::on("127.0.0.1:0", String::new()).await
    }

    /// How many connections there were.
    fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }
}
