//! What a vector has beside its numbers.
//!
//! All that a hit says is one text of JSON that filters can't compare. Beside it stands what they compare, in 2 KB:
//!
//! - `version`: a hash of the document's id and version.
//! - `readers`: ids of people, or `*`. More than [`MOST_READERS`] do not fit and are [`MANY`], which every reader's filter
//!   lets through: the whole list is in the text, and is looked at after the search.
//! - The attributes, each under a hash of its key with its type before it, and texts as hashes. The type keeps `ne` from
//!   meaning anything that is not said of values of different types; a hash always fits.

use std::collections::HashMap;

use aws_smithy_types::{Document, Number};
use retrieval::AttributeValue;
use shared::{Error, Result};

use crate::record::{Record, digest};

/// The one key that filters can't compare.
pub(super) const CHUNK: &str = "chunk";
/// What all metadata of a vector may have, with room for what the service counts beside it.
const MOST_BYTES: usize = 38 * 1024;
/// 16 attributes with 53 bytes each leave room for these, with 40 bytes each.
const MOST_READERS: usize = 24;
/// That there are more readers than fit.
pub(super) const MANY: &str = "#";

pub(super) fn of(record: &Record) -> Result<Document> {
    let text = serde_json::to_string(record).map_err(Error::internal)?;
    if text.len() > MOST_BYTES {
        return Err(Error::internal(
            "a chunk has more text and headings than the 40 KB that S3 Vectors keeps; cut it smaller",
        ));
    }
    let readers = if record.readers.len() > MOST_READERS {
        vec![Document::from(MANY)]
    } else {
        record.readers.iter().cloned().map(Document::from).collect()
    };
    let mut all = HashMap::from([
        (CHUNK.to_owned(), Document::from(text)),
        (
            "version".to_owned(),
            Document::from(version(&record.document, &record.version)),
        ),
    ]);
    // A list without anybody is refused; without the key no reader's filter finds it.
    if !readers.is_empty() {
        all.insert("readers".to_owned(), Document::Array(readers));
    }
    for (name, value) in &record.attributes.0 {
        all.insert(key(name, value), compared(value));
    }
    Ok(Document::Object(all))
}

pub(super) fn record(metadata: Option<&Document>) -> Result<Record> {
    let text = metadata
        .and_then(Document::as_object)
        .and_then(|all| all.get(CHUNK))
        .and_then(Document::as_string);
    // The parser's message could quote the text.
    text.and_then(|text| serde_json::from_str(text).ok())
        .ok_or_else(|| Error::internal("a vector has not the metadata that it was given"))
}

pub(super) fn version(document: &str, version: &str) -> String {
    digest(&[document.as_bytes(), version.as_bytes()], 16)
}

/// Under which key a value of that type is compared.
pub(super) fn key(name: &str, value: &AttributeValue) -> String {
    let kind = match value {
        AttributeValue::Bool(_) => "b",
        AttributeValue::Number(_) => "n",
        AttributeValue::Text(_) => "t",
    };
    format!("{kind}_{}", digest(&[name.as_bytes()], 16))
}

pub(super) fn compared(value: &AttributeValue) -> Document {
    match value {
        AttributeValue::Bool(value) => Document::from(*value),
        AttributeValue::Number(number) => Document::Number(Number::Float(number + 0.0)),
        AttributeValue::Text(text) => Document::from(digest(&[text.as_bytes()], 24)),
    }
}
