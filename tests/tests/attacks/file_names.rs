//! Names of files that would be paths, headers or other names to whoever believes them.

use axum::http::Method;
use serde_json::json;
use shared::config::Stage;
use test_support::Body;

use crate::addresses::World;
use crate::{ADA, TextRow, corpus};

fn rows() -> Vec<TextRow> {
    let long = "x".repeat(252);
    let rows = corpus::<TextRow>("file-names.json").into_iter();
    rows.map(|row| TextRow {
        text: row.text.replace("{252 letters}", &long),
        ..row
    })
    .collect()
}

#[tokio::test]
async fn a_name_is_refused_or_kept_as_it_is_and_leads_nowhere() {
    let world = World::new(Stage::Prod).await;
    for row in rows() {
        let name = &row.name;
        let source =
            json!({"text": format!("The fjords of {name} are deep."), "file_name": row.text});
        let body = json!({"name": "x", "source": source});
        let reply = world.api.post(ADA, &world.documents, body).await;
        if row.taken {
            assert_eq!(reply.status, 201, "{name}: {}", reply.text);
            assert_eq!(reply.body()["file_name"], row.text, "{name}");
        } else {
            assert_eq!(
                reply.problem(),
                (422, "invalid-request".to_owned()),
                "{name}"
            );
            assert_eq!(reply.errors()[0].0, "/file_name", "{name}");
        }
    }
    let keys = world.api.app.blobs.list("").await.expect("a list");
    assert!(!keys.is_empty());
    let plain = |key: &str| {
        key.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/_-.".contains(&byte))
    };
    for key in keys.into_iter().map(|object| object.key) {
        let own = key.starts_with("tenants/") && !key.contains("..") && !key.contains("notice");
        assert!(own && plain(&key), "{key}");
    }
}

#[tokio::test]
async fn a_name_in_a_form_is_refused_or_kept_as_it_is() {
    let world = World::new(Stage::Prod).await;
    for row in rows() {
        let name = &row.name;
        let quoted = row.text.replace('\\', "\\\\").replace('"', "\\\"");
        let form = format!(
            "--edge\r\ncontent-disposition: form-data; name=\"purpose\"\r\n\r\nassistants\r\n\
             --edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{quoted}\"\r\n\r\nThe fjords are deep.\r\n--edge--\r\n"
        );
        let body = Body::Raw(
            Some("multipart/form-data; boundary=edge"),
            form.into_bytes(),
        );
        let reply = world.api.send(ADA, Method::POST, "/v1/files", body).await;
        if row.taken {
            assert_eq!(reply.status, 200, "{name}: {}", reply.text);
            assert_eq!(reply.body()["filename"], row.text, "{name}");
            let path = format!(
                "/v1/files/{}/content",
                reply.body()["id"].as_str().expect("an id")
            );
            let content = world.api.get(ADA, &path).await;
            assert_eq!(content.status, 200, "{name}");
            // Whoever opens it gets bytes, whatever it calls itself.
            assert_eq!(
                content.header("content-type"),
                "application/octet-stream",
                "{name}"
            );
            assert_eq!(
                content.header("x-content-type-options"),
                "nosniff",
                "{name}"
            );
            assert!(!content.headers.contains_key("x-evil"), "{name}");
        } else {
            assert!(
                [400, 422].contains(&reply.status.as_u16()),
                "{name}: {} {}",
                reply.status,
                reply.text
            );
        }
    }
}
