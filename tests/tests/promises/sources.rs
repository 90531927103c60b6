//! What the sources must not have, where no lint can see it.

use std::path::{Path, PathBuf};

fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == ending)
        {
            found.push(path);
        }
    }
}

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    files(
        &Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(folder),
        "rs",
        &mut found,
    );
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a source");
        (path, text)
    };
    found.into_iter().map(read).collect()
}

#[test]
fn only_the_store_and_the_aws_module_name_the_database() {
    for folder in ["shared", "functions"] {
        for (path, text) in sources(folder) {
            let allowed = ["shared/src/store/", "shared/src/aws.rs"];
            let shown = path.to_string_lossy();
            if !allowed.iter().any(|part| shown.contains(part)) {
                assert!(!text.contains("aws_sdk_dynamodb"), "{shown}");
            }
        }
    }
}

#[test]
fn only_the_secrets_module_reads_secrets() {
    for folder in ["shared", "functions"] {
        for (path, text) in sources(folder) {
            if !path.ends_with("shared/src/secrets.rs") {
                assert!(
                    !text.contains("aws_sdk_secretsmanager"),
                    "{}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn only_the_mailer_sends_mails() {
    for folder in ["shared", "functions"] {
        for (path, text) in sources(folder) {
            if !path.ends_with("functions/mailer/src/ses.rs") {
                assert!(!text.contains("aws_sdk_sesv2"), "{}", path.display());
            }
        }
    }
}

#[test]
fn only_the_guard_the_model_providers_and_the_spans_speak_http_to_others() {
    let allowed = [
        "shared/src/guard/",
        "shared/engine/src/provider/",
        "shared/src/spans/collector.rs",
    ];
    let mut found = 0;
    for folder in ["shared", "functions"] {
        for (path, text) in sources(folder) {
            let shown = path.to_string_lossy();
            let named = ["reqwest", "hyper::client", "TcpStream"]
                .iter()
                .any(|word| text.contains(word));
            if allowed.iter().any(|part| shown.contains(part)) {
                found += usize::from(named);
            } else {
                assert!(!named || shown.contains("/tests/"), "{shown}");
            }
        }
    }
    assert!(found >= 3, "the three that may do");
}

#[test]
fn models_and_errors_know_neither_http_nor_aws() {
    for (path, text) in sources("shared/src") {
        let shown = path.to_string_lossy();
        if shown.contains("/model/") || shown.ends_with("src/error.rs") {
            for word in ["aws_", "axum", "StatusCode", "crate::http", "crate::store"] {
                assert!(!text.contains(word), "{word} in {shown}");
            }
        }
    }
}

#[test]
fn no_function_depends_on_another_and_none_links_the_stand_ins() {
    let mut manifests = Vec::new();
    files(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions"),
        "toml",
        &mut manifests,
    );
    let others = promises::WITHOUT_ROUTES.map(|(name, _)| name);
    assert!(manifests.len() >= promises::FUNCTIONS.len() + others.len());
    for path in manifests {
        let text = std::fs::read_to_string(&path).expect("a manifest");
        let manifest: toml::Table = toml::from_str(&text).expect("TOML");
        let dependencies = manifest["dependencies"].as_table().expect("dependencies");
        for name in promises::FUNCTIONS
            .map(|function| function.name)
            .into_iter()
            .chain(others)
            .chain(["stand-ins", "test-support"])
        {
            assert!(
                !dependencies.contains_key(name),
                "{} depends on {name}",
                path.display()
            );
        }
    }
}

#[test]
fn the_release_profile_survives_panics() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .expect("Cargo.toml");
    let manifest: toml::Table = toml::from_str(&text).expect("TOML");
    assert_eq!(
        manifest["profile"]["release"]["panic"].as_str(),
        Some("unwind")
    );
}
