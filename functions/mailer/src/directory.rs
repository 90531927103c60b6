//! Mails as files, where nothing is sent: one `.eml` a mail. Their names sort by time.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use shared::Error;

use crate::eml;
use crate::envelope::Envelope;
use crate::transport::SendFault;

/// A directory, which is made when the first mail comes.
#[derive(Debug, Clone)]
pub struct Directory {
    path: PathBuf,
    sender: String,
}

impl Directory {
    /// Puts mails of `sender` there.
    pub const fn new(path: PathBuf, sender: String) -> Self {
        Self { path, sender }
    }

    /// Writes a mail; the answer is the file's name. The same mail is the same file.
    pub(crate) async fn send(&self, envelope: &Envelope) -> Result<String, SendFault> {
        let time = envelope.written_at.rfc3339().replace(':', "");
        let name = format!("{time}-{}.eml", envelope.id);
        let (path, text) = (self.path.clone(), eml::write(envelope, &self.sender));
        let file = path.join(&name);
        let written = tokio::task::spawn_blocking(move || write(&path, &file, &text)).await;
        match written {
            Ok(Ok(())) => Ok(name),
            Ok(Err(error)) => Err(SendFault::Unavailable(Error::unavailable(error))),
            Err(error) => Err(SendFault::Unavailable(Error::unavailable(error))),
        }
    }
}

/// Whole or not at all, and for nobody else to read: there are tokens in it.
fn write(directory: &Path, file: &Path, text: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let new = file.with_extension("new");
    let mut open = std::fs::OpenOptions::new();
    let open = open.write(true).create(true).truncate(true).mode(0o600);
    let mut output = open.open(&new)?;
    output.write_all(text.as_bytes())?;
    output.sync_all()?;
    std::fs::rename(&new, file)
}
