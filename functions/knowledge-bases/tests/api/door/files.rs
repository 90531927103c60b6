//! Files that are uploaded, listed, read and deleted.

use serde_json::json;
use shared::http::MAX_FORM_BYTES;
use shared::model::MembershipRole;
use test_support::Body;

use super::{FILES, failure, form};
use crate::helpers::{ADA, World};

#[tokio::test]
async fn a_file_is_what_was_uploaded_until_it_is_deleted() {
    let world = World::new().await;
    let fields = [("purpose", "user_data")];
    let text = "Fjords --cut\r\nand \u{0} lakes";
    let reply = world
        .form(ADA, form(&fields, Some(("fjörds.txt", text.as_bytes()))))
        .await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let made = reply.body();
    let id = made["id"].as_str().expect("an id").to_owned();
    assert!(id.starts_with("file_"), "{id}");
    assert_eq!(
        made,
        json!({
            "id": id, "object": "file", "bytes": text.len(), "created_at": test_support::START,
            "filename": "fjörds.txt", "purpose": "user_data", "status": "processed", "expires_at": null,
        })
    );
    let path = format!("{FILES}/{id}");
    assert_eq!(world.get(&path).await, made);
    let content = world.api.get(ADA, &format!("{path}/content")).await;
    assert_eq!(
        (content.status.as_u16(), content.text.as_str()),
        (200, text)
    );
    assert_eq!(content.header("content-type"), "application/octet-stream");
    assert_eq!(world.objects(&id).await.len(), 1);
    let deleted = world.api.delete(ADA, &path).await;
    assert_eq!(
        deleted.body(),
        json!({"id": id, "object": "file", "deleted": true})
    );
    let nothing = (404, "not_found".to_owned(), None);
    assert_eq!(failure(&world.api.delete(ADA, &path).await), nothing);
    assert_eq!(failure(&world.api.get(ADA, &path).await), nothing);
    let content = world.api.get(ADA, &format!("{path}/content")).await;
    assert_eq!(failure(&content), nothing);
    assert!(world.objects(&id).await.is_empty());
}

#[tokio::test]
async fn a_file_is_its_persons_alone() {
    let world = World::new().await;
    let file = world.upload("a.txt", "Fjords are deep.").await;
    world.joins("bob", MembershipRole::Admin).await;
    let path = format!("{FILES}/{file}");
    let bob = Some("bob");
    for reply in [
        world.api.get(bob, &path).await,
        world.api.get(bob, &format!("{path}/content")).await,
        world.api.delete(bob, &path).await,
    ] {
        assert_eq!(reply.status, 404, "{}", reply.text);
        let message = &reply.body()["error"]["message"];
        assert_eq!(message, "there is no such file");
    }
    assert_eq!(world.api.get(bob, FILES).await.body()["data"], json!([]));
    assert_eq!(world.listed(FILES).await.0, [file]);
}

#[tokio::test]
async fn forms_that_are_wrong_are_refused_by_name() {
    let world = World::new().await;
    let file = Some(("a.txt", &b"words"[..]));
    let good = [("purpose", "assistants")];
    for (body, code, param) in [
        (form(&[], file), "missing_required_parameter", "purpose"),
        (form(&good, None), "missing_required_parameter", "file"),
        (
            form(&[("purpose", "fun")], file),
            "invalid_value",
            "purpose",
        ),
        (
            form(&[("purpose", "batch")], file),
            "unsupported_parameter",
            "purpose",
        ),
        (
            form(&[good[0], ("expires_after[seconds]", "3600")], file),
            "unsupported_parameter",
            "expires_after",
        ),
        (
            form(&[good[0], ("color", "red")], file),
            "unknown_parameter",
            "color",
        ),
        (form(&[good[0], good[0]], file), "invalid_value", "purpose"),
        (
            form(&[good[0], ("file", "words")], None),
            "invalid_value",
            "file",
        ),
        (form(&good, Some(("a.txt", b""))), "invalid_value", "file"),
        (
            form(&good, Some(("a/b.txt", b"x"))),
            "invalid_value",
            "file",
        ),
    ] {
        let reply = world.form(ADA, body).await;
        let expected = (400, code.to_owned(), Some(param.to_owned()));
        assert_eq!(failure(&reply), expected, "{}", reply.text);
    }
    let json = world.form(ADA, Body::Json(json!({}))).await;
    assert_eq!(failure(&json).0, 415, "{}", json.text);
    assert!(json.text.contains("multipart/form-data"), "{}", json.text);
    let cut = b"--cut\r\nContent-Disposition".to_vec();
    let cut = Body::Raw(Some("multipart/form-data; boundary=cut"), cut);
    assert_eq!(failure(&world.form(ADA, cut).await).1, "malformed_request");
    let large = vec![b'x'; MAX_FORM_BYTES];
    let large = world.form(ADA, form(&good, Some(("a.txt", &large)))).await;
    assert_eq!(failure(&large).1, "document_too_large", "{}", large.text);
    assert!(large.text.contains("with `upload`"), "{}", large.text);
    assert!(world.objects("").await.is_empty());
    assert_eq!(world.form(None, form(&good, file)).await.status, 401);
}

#[tokio::test]
async fn a_form_may_be_as_large_as_a_function_can_be_called_with_also_with_a_key() {
    let world = World::new().await;
    let bytes = vec![b'x'; MAX_FORM_BYTES - 1000];
    let body = || form(&[("purpose", "assistants")], Some(("a.txt", &bytes)));
    let first = world.form(ADA, body()).await;
    assert_eq!(first.body()["bytes"], bytes.len(), "{}", first.text);
    let keyed = async || {
        let headers = [("idempotency-key", "k-1")];
        let method = axum::http::Method::POST;
        world
            .api
            .send_with(ADA, method, FILES, body(), &headers)
            .await
    };
    let [one, again] = [keyed().await, keyed().await];
    assert_eq!(one.status, 200, "{}", one.text);
    assert_eq!(one.body(), again.body());
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(world.listed(FILES).await.0.len(), 2);
}

#[tokio::test]
async fn lists_of_files_go_both_ways_and_on() {
    let world = World::new().await;
    let mut files = Vec::new();
    for number in 0..5 {
        files.push(world.upload("a.txt", &format!("Text {number}")).await);
    }
    let newest: Vec<String> = files.iter().rev().cloned().collect();
    assert_eq!(world.listed(FILES).await, (newest.clone(), false));
    let first = world.listed(&format!("{FILES}?limit=2")).await;
    assert_eq!(first, (newest[..2].to_vec(), true));
    let after = format!("{FILES}?limit=3&after={}", first.0[1]);
    assert_eq!(world.listed(&after).await, (newest[2..].to_vec(), false));
    let oldest = format!("{FILES}?order=asc&limit=4&after={}", files[0]);
    assert_eq!(world.listed(&oldest).await, (files[1..].to_vec(), false));
    let none = format!("{FILES}?purpose=user_data");
    assert_eq!(world.listed(&none).await, (Vec::new(), false));
    for (query, param) in [
        ("limit=0", "limit"),
        ("before=x", "before"),
        ("after=x", "after"),
    ] {
        let reply = world.api.get(ADA, &format!("{FILES}?{query}")).await;
        assert_eq!(failure(&reply).2.as_deref(), Some(param), "{}", reply.text);
    }
}
