//! The template and the local stack set exactly the variables that the configuration reads.

use std::cell::RefCell;
use std::collections::BTreeSet;

use shared::config::{Config, ConfigFaults};
use test_support::{settings, template};

fn read() -> BTreeSet<String> {
    let asked = RefCell::new(BTreeSet::new());
    // Nothing is set, so nothing can be read; what matters is what is asked for.
    let faults = Config::read(|name| {
        asked.borrow_mut().insert(name.to_owned());
        None
    });
    assert!(faults.is_err());
    asked.into_inner()
}

#[test]
fn the_template_sets_what_is_read_and_nothing_else() {
    let template = template();
    let variables = template["Globals"]["Function"]["Environment"]["Variables"]
        .as_mapping()
        .expect("variables");
    let mut set: BTreeSet<String> = variables
        .keys()
        .filter_map(|name| name.as_str())
        .map(str::to_owned)
        .collect();
    // Read by lambda_http.
    assert!(set.remove("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH"));
    // And by the allocator.
    assert!(set.remove("MALLOC_MMAP_THRESHOLD_"));
    let functions = template["Resources"].as_mapping().expect("resources");
    let mut own = BTreeSet::new();
    for resource in functions.values().map(|resource| &resource["Properties"]) {
        let variables = resource["Environment"]["Variables"].as_mapping();
        for name in variables.into_iter().flat_map(|it| it.keys()) {
            let name = name.as_str().expect("a name").to_owned();
            let of = resource["CodeUri"].as_str().expect("a function").to_owned();
            set.insert(name.clone());
            own.insert((name, of));
        }
    }
    assert_eq!(set, read());
    let wanted = OF_SOME.map(|(name, of)| (name.to_owned(), format!("functions/{of}")));
    assert_eq!(own, BTreeSet::from(wanted));
}

/// Variables that only some functions have.
const OF_SOME: [(&str, &str); 2] = [
    ("SEARCH_FUNCTION_NAME", "chat"),
    ("SEARCH_FUNCTION_NAME", "run-worker"),
];

/// Variables that may be missing or empty, each with what then holds.
const OPTIONAL: [(&str, &str); 12] = [
    ("ALLOWED_ORIGINS", "no page may read answers"),
    ("BACKGROUND_TIMEOUT_SECONDS", "840"),
    ("LOG_LEVEL", "info"),
    ("METRICS", "routes"),
    ("QDRANT_KEY_SECRET_ID", "a Qdrant that needs no key"),
    ("QDRANT_URL", "no Qdrant"),
    ("RESPONSE_CACHE_SECRET_ID", "a Redis without a password"),
    ("SEARCH_FUNCTION_NAME", "no answers from documents"),
    ("TRACES_ENDPOINT", "nothing is recorded"),
    ("TRACE_SAMPLING", "0.05"),
    ("TURN_TIMEOUT_SECONDS", "240"),
    ("VECTOR_BUCKET_NAME", "no S3 Vectors"),
];

/// The settings with one of them changed or removed.
fn read_with(name: &str, value: Option<&str>) -> Result<Config, ConfigFaults> {
    let settings = settings();
    Config::read(|asked| {
        if asked == name {
            return value.map(str::to_owned);
        }
        settings.get(asked).cloned()
    })
}

#[test]
fn a_variable_that_is_missing_or_empty_is_named() {
    for name in read() {
        for value in [None, Some(""), Some("  \t")] {
            let read = read_with(&name, value);
            if OPTIONAL.iter().any(|(optional, _)| *optional == name) {
                assert!(read.is_ok(), "{name} may be missing");
                continue;
            }
            let ConfigFaults(faults) = read.expect_err(&name);
            let named =
                |fault: &&String| fault.starts_with(&format!("{name} is missing: set it to "));
            assert_eq!(faults.iter().filter(named).count(), 1, "{name}: {faults:?}");
        }
    }
}

#[test]
fn a_variable_that_is_malformed_is_named_and_its_value_is_not() {
    for name in read() {
        for value in [
            "hunter2 \u{7f}{[",
            "hunter2,hunter2=hunter2\n",
            "https://user:hunter2@host/?x",
        ] {
            let ConfigFaults(faults) = read_with(&name, Some(value)).expect_err(&name);
            assert!(
                faults.iter().all(|fault| fault.starts_with(&name)) || name == "STAGE",
                "{name}: {faults:?}"
            );
            assert!(
                faults.iter().any(|fault| fault.starts_with(&name)),
                "{name}: {faults:?}"
            );
            assert!(!faults.concat().contains("hunter2"), "{faults:?}");
        }
    }
}

#[test]
fn all_faults_are_told_at_once() {
    let wanted: BTreeSet<String> = read();
    let ConfigFaults(faults) = Config::read(|_| Some("hunter2 {".to_owned())).expect_err("all");
    let named = |name: &String| faults.iter().any(|fault| fault.starts_with(name.as_str()));
    let silent: Vec<&String> = wanted.iter().filter(|name| !named(name)).collect();
    assert!(silent.is_empty(), "{silent:?}: {faults:?}");
}

#[test]
fn the_settings_of_a_local_stack_are_refused_everywhere_else() {
    for stage in ["dev", "staging", "prod"] {
        let ConfigFaults(faults) = read_with("STAGE", Some(stage)).expect_err(stage);
        for name in [
            "APP_URL",
            "MAIL_QUEUE_URL",
            "MAIL_SENDER",
            "MAIL_TRANSPORT",
            "PROVIDERS[0].base_url",
            "QUEUE_URL",
            "RUN_QUEUE_URL",
            "TOKEN_ISSUER",
        ] {
            assert!(
                faults.iter().any(|fault| fault.starts_with(name)),
                "{name} at {stage}: {faults:?}"
            );
        }
    }
    for unknown in ["production", "PROD", "test", "local2", "prod,local"] {
        let ConfigFaults(faults) = read_with("STAGE", Some(unknown)).expect_err(unknown);
        assert!(faults[0].starts_with("STAGE "), "{unknown}: {faults:?}");
    }
}
