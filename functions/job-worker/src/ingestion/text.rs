//! The text of a content, which is read once and kept.

use std::time::Instant;

use bytes::Bytes;
use documents::{Chunk, ChunkSettings, Limits};
use knowledge::KeptText;
use shared::model::{DocumentCounts, DocumentStage, IndexSettings};
use shared::{Error, Result};

use super::Taking;
use super::refused::{refused, unread};
use crate::JobWorker;

/// The most chunks that a document may have: their vectors are held in memory together.
const MAX_CHUNKS: usize = 20_000;

impl JobWorker {
    /// The text of a content.
    pub(crate) async fn text(&self, taking: &Taking<'_>, bytes: Bytes) -> Result<Text> {
        let key = format!("{}text", taking.prefix());
        if let Some(kept) = KeptText::read(&self.app.blobs, &key).await? {
            return Ok(Text::from(kept));
        }
        taking
            .stage(DocumentStage::Extracting, DocumentCounts::default())
            .await?;
        let (name, until) = (taking.version.file_name.clone(), taking.until);
        let reading = tokio::task::spawn_blocking(move || {
            let go_on = || Instant::now() < until;
            documents::extract(&bytes, Some(&name), &Limits::default(), &go_on)
        });
        let extracted = reading.await.map_err(Error::internal)?;
        let kept = kept(extracted.map_err(unread)?);
        kept.write(&self.app.blobs, &key).await?;
        Ok(Text::from(kept))
    }
}

/// A text with its structure.
pub(crate) struct Text {
    pub(crate) kind: String,
    extracted: documents::Extracted,
}

impl Text {
    /// How much of it there is.
    pub(crate) fn counts(&self) -> DocumentCounts {
        DocumentCounts {
            characters: self.extracted.text.chars().count() as u64,
            pages: self.extracted.pages.len() as u64,
            ..DocumentCounts::default()
        }
    }

    /// The text, cut.
    pub(crate) fn chunks(&self, settings: &IndexSettings) -> Result<Vec<Chunk>> {
        let chunking = settings.chunking;
        let (most, overlap) = (
            chunking.max_tokens as usize,
            chunking.overlap_tokens as usize,
        );
        let chunking = ChunkSettings::new(most, overlap).map_err(Error::internal)?;
        let tokens =
            |text: &str| usize::try_from(engine::estimate_tokens(text)).unwrap_or(usize::MAX);
        let chunks = documents::chunk(&self.extracted, &chunking, &tokens);
        if chunks.len() > MAX_CHUNKS {
            let message = format!(
                "the document has {} chunks, and {MAX_CHUNKS} are allowed; split it, or take larger chunks",
                chunks.len()
            );
            return Err(refused("document-too-many-chunks", message));
        }
        Ok(chunks)
    }
}

fn kept(extracted: documents::Extracted) -> KeptText {
    let documents::Extracted {
        kind,
        text,
        title,
        pages,
        headings,
    } = extracted;
    let pages = pages.into_iter();
    let headings = headings.into_iter();
    KeptText {
        kind: kind.as_str().to_owned(),
        text,
        title,
        pages: pages
            .map(|page| (page.number, page.start, page.end))
            .collect(),
        headings: headings
            .map(|heading| (heading.level, heading.title, heading.start))
            .collect(),
    }
}

impl From<KeptText> for Text {
    fn from(kept: KeptText) -> Self {
        let pages = kept.pages.into_iter();
        let headings = kept.headings.into_iter();
        Self {
            // What it is was said when it was read; for its chunks it is of no account.
            extracted: documents::Extracted {
                kind: documents::Kind::Txt,
                text: kept.text,
                title: kept.title,
                pages: pages
                    .map(|(number, start, end)| documents::Page { number, start, end })
                    .collect(),
                headings: headings
                    .map(|(level, title, start)| documents::Heading {
                        level,
                        title,
                        start,
                    })
                    .collect(),
            },
            kind: kept.kind,
        }
    }
}
