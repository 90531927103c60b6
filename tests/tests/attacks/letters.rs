//! What people call their tenants and write into other fields, in letters: it stands there as it is, and adds no header, no
//! recipient and no page. Nothing renders templates of anybody's: letters and prompts are put together by the code.

use std::path::PathBuf;

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailer::{Mailer, Transport};
use serde_json::{Value, json};
use shared::http::Deadline;
use shared::lambda::EventHandler as _;
use shared::model::OutboxId;
use stand_ins::ses::LocalSes;
use test_support::{Body, Reply, TestApi};

use crate::{ADA, TextRow, corpus};

const SENDER: &str = "chatter@example.com";
const TENANTS: &str = "/api/v1/tenants";

/// Has a mailer send what it is told of.
async fn send(api: &TestApi, mailer: &Mailer) {
    let told = api.app.post.queue().take();
    let records = told.iter().map(|message| {
        let body = serde_json::to_string(message).expect("JSON");
        json!({"messageId": "m", "body": body, "eventSource": "aws:sqs"})
    });
    let event = json!({"Records": records.collect::<Vec<_>>()});
    let answer = Box::pin(mailer.handle(event, Deadline::none())).await;
    answer.expect("an answer");
}

/// Makes a tenant of that name, and invites somebody into it. The last reply.
async fn invite(api: &TestApi, name: &str) -> Reply {
    let reply = api.post(ADA, TENANTS, json!({"name": name})).await;
    if reply.status != 201 {
        return reply;
    }
    let path = reply.location().to_owned();
    let tenant = path.rsplit('/').next().and_then(|id| id.parse().ok());
    api.people.enter("ada", tenant.expect("a tenant")).await;
    let body = json!({"email": "bob@people.test", "role": "viewer"});
    api.post(ADA, &format!("{path}/invitations"), body).await
}

#[tokio::test]
async fn a_name_stands_in_a_mail_as_it_is_and_adds_nothing_to_it() {
    let api = TestApi::new(|app, _| tenants::router(app)).await;
    let ses = LocalSes::start().await.expect("a port");
    let sdk = api
        .app
        .sdk
        .clone()
        .into_builder()
        .endpoint_url(&ses.url)
        .build();
    let mailer = Mailer::with(&api.app, Transport::ses(&sdk, SENDER));
    for row in corpus::<TextRow>("letters.json") {
        let name = &row.name;
        let invited = invite(&api, &row.text).await;
        send(&api, &mailer).await;
        let sent = ses.take_sent();
        if !row.taken {
            let reply = invited;
            assert_eq!(
                reply.problem(),
                (422, "invalid-request".to_owned()),
                "{name}"
            );
            assert_eq!(reply.errors()[0].0, "/name", "{name}");
            assert!(sent.is_empty(), "{name}");
            continue;
        }
        assert_eq!((invited.status.as_u16(), sent.len()), (201, 1), "{name}");
        let mail = &sent[0];
        assert_eq!(
            mail["Destination"],
            json!({"ToAddresses": ["bob@people.test"]}),
            "{name}"
        );
        let message = &mail["Content"]["Simple"];
        assert_eq!(
            message["Subject"]["Data"],
            format!("Join {}", row.text),
            "{name}"
        );
        assert!(
            message.get("Headers").is_none_or(Value::is_null),
            "{name}: {mail}"
        );
        assert!(
            message["Body"].get("Html").is_none_or(Value::is_null),
            "{name}: {mail}"
        );
        assert!(
            mail["Content"].get("Template").is_none_or(Value::is_null),
            "{name}: {mail}"
        );
        let text = message["Body"]["Text"]["Data"].as_str().expect("a text");
        let first = format!("You are invited to join {}.\n\n", row.text);
        assert!(text.starts_with(&first), "{name}: {text}");
        assert!(
            text.contains("/accept-invitation#token=") && !text.contains("{token}/"),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_name_adds_no_header_to_a_mail_that_is_a_file() {
    let api = TestApi::new(|app, _| tenants::router(app)).await;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(OutboxId::new().to_string());
    let transport = Transport::directory(folder.clone(), SENDER);
    let mailer = Mailer::with(&api.app, transport);
    for row in corpus::<TextRow>("letters.json")
        .into_iter()
        .filter(|row| row.taken)
    {
        assert_eq!(invite(&api, &row.text).await.status, 201, "{}", row.name);
        send(&api, &mailer).await;
        let files = std::fs::read_dir(&folder).expect("a folder");
        let paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        assert_eq!(paths.len(), 1, "{}: {paths:?}", row.name);
        let mail = std::fs::read_to_string(&paths[0]).expect("UTF-8");
        std::fs::remove_file(&paths[0]).expect("it is there");
        let (headers, _) = mail.split_once("\r\n\r\n").expect("an empty line");
        let names: Vec<&str> = headers
            .split("\r\n")
            .filter(|line| !line.starts_with(' '))
            .filter_map(|line| line.split_once(": ").map(|(name, _)| name))
            .collect();
        let expected = [
            "Date",
            "From",
            "To",
            "Message-ID",
            "Subject",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
            "Content-Transfer-Encoding",
        ];
        assert_eq!(names, expected, "{}: {headers}", row.name);
        assert_eq!(
            subject(headers),
            format!("Join {}", row.text),
            "{}",
            row.name
        );
    }
    std::fs::remove_dir_all(&folder).expect("it is there");
}

/// The subject as a mail program shows it (RFC 2047, section 6.2).
fn subject(headers: &str) -> String {
    let start = headers.split("\r\nSubject: ").nth(1).expect("a subject");
    let unfolded = start.replace("\r\n ", "\n");
    let line = unfolded.split("\r\n").next().expect("a line").to_owned();
    if !line.starts_with("=?utf-8?B?") {
        assert!(!line.contains("=?"), "a program would decode it: {line}");
        return line;
    }
    let words = line.split('\n').map(|word| {
        let word = word
            .strip_prefix("=?utf-8?B?")
            .and_then(|word| word.strip_suffix("?="));
        STANDARD
            .decode(word.expect("an encoded word"))
            .expect("base64")
    });
    String::from_utf8(words.flatten().collect()).expect("UTF-8")
}

#[tokio::test]
async fn an_address_is_one_recipient_or_none() {
    let api = TestApi::new(|app, _| tenants::router(app)).await;
    assert_eq!(invite(&api, "Engines").await.status, 201);
    let tenant = api.people.get("ada").await.tenant;
    let path = format!("{TENANTS}/{tenant}/invitations");
    for row in corpus::<TextRow>("letters.json") {
        let body = Body::Json(
            json!({"email": format!("{} <eve@people.test>", row.text), "role": "viewer"}),
        );
        let reply = api.send(ADA, Method::POST, &path, body).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid-request".to_owned()),
            "{}",
            row.name
        );
        assert_eq!(reply.errors()[0].0, "/email", "{}", row.name);
    }
}
