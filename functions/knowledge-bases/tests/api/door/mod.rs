//! Files and vector stores as OpenAI's clients use them.

mod access;
mod batches;
mod files;
mod search;
mod store_files;
mod stores;

use axum::http::Method;
use serde_json::{Value, json};
use test_support::{Body, Reply};

use crate::helpers::{ADA, World};

pub(crate) const FILES: &str = "/v1/files";
pub(crate) const STORES: &str = "/v1/vector_stores";

/// A form of these fields, of which `file` has a name.
pub(crate) fn form(fields: &[(&str, &str)], file: Option<(&str, &[u8])>) -> Body {
    let mut body = Vec::new();
    for (name, text) in fields {
        let head = format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend_from_slice(format!("{head}{text}\r\n").as_bytes());
    }
    if let Some((name, bytes)) = file {
        let head = format!(
            "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/plain\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--cut--\r\n");
    Body::Raw(Some("multipart/form-data; boundary=cut"), body)
}

impl World {
    /// Sends a form.
    pub(crate) async fn form(&self, person: Option<&str>, body: Body) -> Reply {
        self.api.send(person, Method::POST, FILES, body).await
    }

    /// The id of a new file of Ada's.
    pub(crate) async fn upload(&self, name: &str, text: &str) -> String {
        let body = form(&[("purpose", "assistants")], Some((name, text.as_bytes())));
        id(&self.form(ADA, body).await)
    }

    /// The id of a new vector store of Ada's.
    pub(crate) async fn store(&self, body: Value) -> String {
        id(&self.api.post(ADA, STORES, body).await)
    }

    /// Puts a file of Ada's into a vector store of hers, and works on it: how it is then.
    pub(crate) async fn put_in(&self, store: &str, file: &str) -> Value {
        let path = format!("{STORES}/{store}/files");
        let reply = self.api.post(ADA, &path, json!({"file_id": file})).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.body()["status"], "in_progress", "{}", reply.text);
        self.work_all().await;
        self.get(&format!("{path}/{file}")).await
    }

    /// The entries of a list of Ada's, and whether there are more.
    pub(crate) async fn listed(&self, path: &str) -> (Vec<String>, bool) {
        let list = self.get(path).await;
        assert_eq!(list["object"], "list", "{list}");
        let data = list["data"].as_array().expect("a list");
        let ids: Vec<String> = data
            .iter()
            .map(|one| one["id"].as_str().expect("an id").to_owned())
            .collect();
        let ends = [ids.first(), ids.last()].map(|id| json!(id));
        assert_eq!([&list["first_id"], &list["last_id"]], [&ends[0], &ends[1]]);
        (ids, list["has_more"] == true)
    }
}

/// The id of what was made.
pub(crate) fn id(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.body()["id"].as_str().expect("an id").to_owned()
}

/// What a failure says: its status, its code and its parameter.
pub(crate) fn failure(reply: &Reply) -> (u16, String, Option<String>) {
    let (_, code, param) = reply.openai();
    (reply.status.as_u16(), code, param)
}
