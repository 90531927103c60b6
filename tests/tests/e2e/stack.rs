//! `infra/up` as a person runs it.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A first start may have to install and build everything.
const START_LIMIT: Duration = Duration::from_secs(20 * 60);
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// A stack that runs.
pub(crate) struct Stack {
    /// Where the API is.
    pub(crate) api: String,
    up: Child,
    port: u16,
    printed: Vec<String>,
}

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the repository")
}

/// What this test keeps between its two starts, and begins without.
fn home() -> PathBuf {
    repository().join(".chatter/e2e")
}

impl Stack {
    /// Starts without any data from before.
    pub(crate) async fn start(provider: &str) -> Self {
        if home().exists() {
            std::fs::remove_dir_all(home()).expect("the old data can be removed");
        }
        Self::start_with_data(provider, free_ports()).await
    }

    async fn start_with_data(provider: &str, port: u16) -> Self {
        let mut up = up(port)
            .args(["--provider", &format!("scripted={provider}/v1")])
            .env("CHATTER_LOCAL_MODEL", "1")
            .env("CHATTER_CAPABILITIES", "tools,structured_output")
            .env("CHATTER_MODERATION_MODELS", "scripted-moderation")
            .stdout(Stdio::piped())
            .spawn()
            .expect("infra/up can be started");
        let lines = BufReader::new(up.stdout.take().expect("its output")).lines();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                eprintln!("up: {line}");
                if sender.send(line).is_err() {
                    // It has said all that this test wants; it must still be able to say more.
                    continue;
                }
            }
        });
        let printed = tokio::task::spawn_blocking(move || until_ready(&receiver))
            .await
            .expect("a thread");
        Self {
            api: format!("http://127.0.0.1:{port}"),
            up,
            port,
            printed,
        }
    }

    /// Where it says that it puts mails.
    pub(crate) fn mails(&self) -> PathBuf {
        let words = "Mails are not sent but put into ";
        let mut lines = self.printed.iter();
        let path = lines.find_map(|line| line.strip_prefix(words));
        path.expect("it says where").into()
    }

    /// Runs the commands that it printed in a shell, as they are.
    pub(crate) async fn paste_the_printed_commands(&self) {
        let from = self
            .printed
            .iter()
            .position(|line| line.starts_with("API="))
            .expect("commands");
        let commands: Vec<&str> = self.printed[from..]
            .iter()
            .map(String::as_str)
            .take_while(|line| !line.is_empty())
            .collect();
        let script = commands.join("\n");
        let shell = Command::new("sh").args(["-c", &script]).output();
        let output = shell.expect("a shell");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{script}\n{text}");
        assert!(
            text.contains("event: start") && text.contains("event: done"),
            "{script}\n{text}"
        );
    }

    /// Looks for texts in the logs of the functions, and whether their lines are JSON.
    pub(crate) async fn logs_hold_no(&self, canaries: &[String]) {
        let mut requests = 0;
        for entry in std::fs::read_dir(home().join("logs")).expect("logs") {
            let path = entry.expect("an entry").path();
            let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a log")).into_owned();
            for canary in canaries {
                assert!(!text.contains(canary), "{} holds {canary}", path.display());
            }
            for line in text.lines().filter(|line| line.starts_with('{')) {
                let line: serde_json::Value =
                    serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
                let of_a_request = line["request_id"]
                    .as_str()
                    .is_some_and(|id| id.starts_with("req_"));
                requests += usize::from(of_a_request && line["status"].is_number());
            }
        }
        assert!(requests > 20, "only {requests} request lines");
    }

    /// Rotates a ring of keys while it runs.
    pub(crate) fn rotate(&self, secret: &str) {
        let mut rotate = Command::new(repository().join("infra/rotate"));
        let rotate = rotate.args([secret, "--port", &self.port.to_string()]);
        let output = rotate.output().expect("infra/rotate can be started");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{secret}: {errors}");
    }

    /// Starts it once more while it runs.
    pub(crate) fn a_second_start_is_refused(&self) {
        let output = up(self.port).output().expect("infra/up can be started");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(
            !output.status.success() && said.contains(&self.api),
            "{said}"
        );
    }

    /// Stops it as Ctrl-C does, and sees that nothing is left.
    pub(crate) async fn stop(mut self) {
        let pid = self.up.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .expect("kill")
                .success()
        );
        let end = Instant::now() + STOP_LIMIT;
        let status = loop {
            if let Some(status) = self.up.try_wait().expect("a status") {
                break status;
            }
            assert!(Instant::now() < end, "it does not stop");
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert!(status.success(), "{status}");
        for port in self.port..self.port + 6 {
            assert!(is_free(port), "something still listens on port {port}");
        }
    }

    /// Stops it and starts it again with the same data.
    pub(crate) async fn stop_and_start_again(self, provider: &str) -> Self {
        let port = self.port;
        self.stop().await;
        Self::start_with_data(provider, port).await
    }
}

impl Drop for Stack {
    /// A test that failed leaves nothing running.
    fn drop(&mut self) {
        if matches!(self.up.try_wait(), Ok(None)) {
            let pid = self.up.id().to_string();
            if Command::new("kill").args(["-TERM", &pid]).status().is_ok() {
                self.up.wait().ok();
            }
        }
    }
}

fn up(port: u16) -> Command {
    let mut up = Command::new(repository().join("infra/up"));
    up.args(["--port", &port.to_string(), "--home"]).arg(home());
    up
}

/// What it prints up to its last line.
fn until_ready(lines: &mpsc::Receiver<String>) -> Vec<String> {
    let end = Instant::now() + START_LIMIT;
    let mut printed = Vec::new();
    while let Ok(line) = lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
        let last = line.starts_with("Ctrl-C");
        printed.push(line);
        if last {
            return printed;
        }
    }
    panic!("infra/up did not become ready:\n{}", printed.join("\n"));
}

/// The first of six neighbouring ports that are free.
fn free_ports() -> u16 {
    let free = (19_000..20_000)
        .step_by(10)
        .find(|port| (*port..*port + 6).all(is_free));
    free.expect("six free ports")
}

fn is_free(port: u16) -> bool {
    std::net::TcpListener::bind(("127.0.0.1", port)).is_ok()
}
