//! What is written by one function and sent by another.

use axum::http::Method;
use mailer::{Mailer, Transport};
use serde_json::json;
use shared::http::Deadline;
use shared::lambda::EventHandler as _;
use shared::queue::QueueMessage;
use stand_ins::ses::LocalSes;
use test_support::{Body, TestApi};

#[tokio::test]
async fn links_in_mails_begin_with_the_configured_address_whatever_the_request_says() {
    let api = TestApi::new(|app, _| auth::router(app)).await;
    let person = json!({"email": "ada@example.com", "password": "correct horse battery staple"});
    let request = json!({"email": "ada@example.com"});
    let evil = [
        ("host", "evil.test"),
        ("x-forwarded-host", "evil.test"),
        ("forwarded", "host=evil.test"),
        ("origin", "https://evil.test"),
    ];
    for (path, body) in [
        ("/api/v1/auth/register", person),
        ("/api/v1/auth/password-reset/request", request),
    ] {
        let body = Body::Json(body);
        let reply = api.send_with(None, Method::POST, path, body, &evil).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
    }
    let told = api.app.post.queue().take();
    let records: Vec<_> = told.iter().map(record).collect();
    assert_eq!(records.len(), 2);

    let ses = LocalSes::start().await.expect("a port");
    let sdk = api.app.sdk.clone().into_builder();
    let transport = Transport::ses(&sdk.endpoint_url(&ses.url).build(), "chatter@example.com");
    let mailer = Mailer::with(&api.app, transport);
    let event = json!({"Records": records});
    let answer = mailer.handle(event, Deadline::none()).await;
    answer.expect("an answer");
    let sent = ses.take_sent();
    assert_eq!(sent.len(), 2, "{sent:?}");
    for mail in sent {
        assert!(!mail.to_string().contains("evil"), "{mail}");
        let text = mail["Content"]["Simple"]["Body"]["Text"]["Data"].as_str();
        let text = text.expect("a text");
        assert!(text.contains("\nhttp://app.chatter.test/"), "{text}");
    }
}

fn record(message: &QueueMessage) -> serde_json::Value {
    let QueueMessage::MailWaits { id, .. } = message else {
        panic!("{message:?} is no mail");
    };
    let body = serde_json::to_string(message).expect("JSON");
    json!({"messageId": id.to_string(), "body": body})
}
