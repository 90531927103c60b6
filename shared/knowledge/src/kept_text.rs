//! The text of a document as it lies in the bucket: whoever cites from it shows it from there.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use shared::blobs::Blobs;
use shared::{Error, Result};

/// The longest, in bytes of JSON: ten million characters with all that JSON makes of them.
const MAX_BYTES: u64 = 128 << 20;

/// The text of a document with its structure. All offsets count code points.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptText {
    /// What kind of file it was.
    pub kind: String,
    /// The text.
    pub text: String,
    /// What the file says that its title is.
    pub title: Option<String>,
    /// Number, begin and end of each page.
    pub pages: Vec<(u32, usize, usize)>,
    /// Level, title and begin of each heading.
    pub headings: Vec<(u8, String, usize)>,
}

impl KeptText {
    /// The text at that key, if there is one.
    pub async fn read(blobs: &Blobs, key: &str) -> Result<Option<Self>> {
        let bytes = blobs.get(key, MAX_BYTES).await?;
        let text = bytes.map(|bytes| serde_json::from_slice(&bytes));
        text.transpose().map_err(Error::internal)
    }

    /// Keeps it at that key.
    pub async fn write(&self, blobs: &Blobs, key: &str) -> Result<()> {
        let bytes = serde_json::to_vec(self).map_err(Error::internal)?;
        blobs.put(key, Bytes::from(bytes)).await
    }
}
