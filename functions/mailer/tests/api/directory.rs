//! Mails as files.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use mailer::{Mailer, Transport};
use shared::mail::Letter;
use shared::model::OutboxId;
use test_support::Fault;

use crate::helpers::{APP_URL, SENDER, TOKEN, World, address, handle, sweep, told};

struct Files {
    path: PathBuf,
    mailer: Mailer,
}

impl Files {
    /// A mailer that writes into a directory that is not there yet.
    fn of(world: &World) -> Self {
        let name = OutboxId::new().to_string();
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let transport = Transport::directory(path.clone(), SENDER);
        Self {
            path,
            mailer: Mailer::with(&world.api.app, transport),
        }
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.path).expect("a directory");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name())
            .map(|name| name.into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    }

    fn texts(&self) -> Vec<String> {
        let texts = self.names().into_iter().map(|name| self.path.join(name));
        texts
            .map(|path| std::fs::read_to_string(path).expect("a mail"))
            .collect()
    }
}

#[tokio::test]
async fn the_files_sort_by_time_and_are_their_owner_s_alone() {
    let world = World::new().await;
    let files = Files::of(&world);
    for name in ["zoe", "bob", "ada"] {
        let id = world.write_to(name).await;
        handle(&files.mailer, told(&[id])).await.expect("an answer");
        assert!(!world.lies_there(id).await);
        world.api.app.clock.advance(Duration::from_secs(3600));
    }
    let texts = files.texts();
    let to = texts.iter().map(|text| {
        let line = text.lines().find(|line| line.starts_with("To: "));
        line.expect("a recipient").trim_end()
    });
    let expected = ["zoe", "bob", "ada"].map(|name| format!("To: {name}@people.test"));
    assert!(to.eq(expected), "{texts:?}");
    for name in files.names() {
        assert!(
            name.starts_with("2026-01-01T0") && name.ends_with(".eml"),
            "{name}"
        );
        let file = std::fs::metadata(files.path.join(name)).expect("a file");
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_mail_that_is_sent_twice_is_one_file() {
    let world = World::new().await;
    let files = Files::of(&world);
    world.write_to("ada").await;
    world.api.app.clock.advance(Duration::from_secs(120));
    world.api.table.fail("DeleteItem", Fault::Throttled, 10);
    handle(&files.mailer, sweep())
        .await
        .expect_err("the table is away");
    world.api.table.heal();
    world.api.app.clock.advance(Duration::from_secs(3600));
    let further = Transport::directory(files.path.clone(), SENDER);
    let further = Mailer::with(&world.api.app, further);
    let swept = handle(&further, sweep()).await.expect("an answer");
    assert_eq!(swept["sent"], 1);
    assert_eq!(files.names().len(), 1);
}

#[tokio::test]
async fn a_tenant_s_name_adds_no_header_to_a_file() {
    let world = World::new().await;
    let files = Files::of(&world);
    let name = "Böse\r\nBcc: eve@people.test\r\n\r\nBuy!";
    let letter = Letter::invitation(&address("ada"), name, APP_URL, TOKEN);
    let id = world.write(&letter).await;
    handle(&files.mailer, told(&[id])).await.expect("an answer");
    let texts = files.texts();
    let (headers, _) = texts[0].split_once("\r\n\r\n").expect("headers");
    let names: Vec<&str> = headers
        .lines()
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split(':').next())
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
    assert_eq!(names, expected);
}
