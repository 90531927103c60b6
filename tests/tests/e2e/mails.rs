//! Mails leave: the stack puts them into a directory, from which this reads as a person would.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Client;
use crate::stack::Stack;

/// News of a mail is passed on at once; a busy machine takes its time.
const LIMIT: Duration = Duration::from_secs(60);

const NEW_PASSWORD: &str = "another canary horse staple";

/// Registers, proves the address and sets a new password, with nothing but what the mails say. The answer is what
/// must stand in no log.
pub(crate) async fn a_person_gets_in_by_mail(stack: &Stack) -> Vec<String> {
    let mut bea = Client::new(&stack.api);
    bea.register_and_log_in("bea").await;
    let address = "bea.canary@example.com";
    let proof = token_in_mail(stack, address, "Confirm your address").await;
    let body = json!({"token": proof});
    let path = "/api/v1/auth/email-verification/confirm";
    assert_eq!(bea.post(path, &body).await.status(), 204);
    assert_eq!(bea.post(path, &body).await.status(), 400, "it is good once");
    let me: serde_json::Value = bea.get("/api/v1/auth/me").await.json().await.expect("JSON");
    assert_eq!(me["email_verified"], true, "{me}");

    let path = "/api/v1/auth/password-reset/request";
    let asked = bea.post(path, &json!({"email": address})).await;
    assert_eq!(asked.status(), 202);
    let reset = token_in_mail(stack, address, "Set a new password").await;
    let body = json!({"token": reset, "new_password": NEW_PASSWORD});
    let path = "/api/v1/auth/password-reset/confirm";
    assert_eq!(bea.post(path, &body).await.status(), 204);
    let person = json!({"email": address, "password": NEW_PASSWORD});
    let logged_in = bea.post("/api/v1/auth/login", &person).await;
    assert_eq!(logged_in.status(), 200);
    mail(stack, address, "Your password was changed").await;
    vec![proof, reset, NEW_PASSWORD.to_owned(), address.to_owned()]
}

/// The token, which stands alone on the line after the one that says where to send it.
pub(crate) async fn token_in_mail(stack: &Stack, to: &str, subject: &str) -> String {
    let mail = mail(stack, to, subject).await;
    let mut lines = mail.lines();
    lines
        .find(|line| line.contains(" POST /api/v1/") && line.ends_with(':'))
        .expect("what to do with the token");
    lines.next().expect("a token").to_owned()
}

/// A mail, when it is there.
async fn mail(stack: &Stack, to: &str, subject: &str) -> String {
    let (to, subject) = (
        format!("\r\nTo: {to}\r\n"),
        format!("\r\nSubject: {subject}\r\n"),
    );
    let end = Instant::now() + LIMIT;
    loop {
        let found = mails(stack)
            .into_iter()
            .find(|mail| mail.contains(&to) && mail.contains(&subject));
        if let Some(mail) = found {
            return mail;
        }
        assert!(Instant::now() < end, "no mail{subject}for{to}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn mails(stack: &Stack) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(stack.mails()) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let whole = paths.filter(|path: &PathBuf| path.extension().is_some_and(|end| end == "eml"));
    whole
        .map(|path| std::fs::read_to_string(path).expect("a mail"))
        .collect()
}
