//! Answers queries over JSON lines, for `infra/eval-retrieval`.
//!
//! In: first lines with `document`, `text` and `vector`, each a document of one chunk, then lines with `query`, `text`
//! and `vector`. Out: for each query a line with what each mode found, best first.

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};

use retrieval::{
    Attributes, Chunk, Document, DocumentKey, Index, Mode, Query, Segment, SegmentBuilder,
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Line {
    Document {
        document: String,
        text: String,
        vector: Vec<f32>,
    },
    Query {
        query: String,
        text: String,
        vector: Vec<f32>,
    },
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut documents, mut queries) = (Vec::new(), Vec::new());
    for line in stdin().lock().lines() {
        match serde_json::from_str(&line?)? {
            Line::Document {
                document,
                text,
                vector,
            } => documents.push((document, text, vector)),
            Line::Query {
                query,
                text,
                vector,
            } => queries.push((query, text, vector)),
        }
    }
    let index = index(documents)?;
    let mut out = stdout().lock();
    for (query, text, vector) in queries {
        let found = |mode| search(&index, mode, &text, &vector);
        let line = serde_json::json!({
            "query": query,
            "vector": found(Mode::Vector)?,
            "keyword": found(Mode::Keyword)?,
            "hybrid": found(Mode::Hybrid)?,
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn index(documents: Vec<(String, String, Vec<f32>)>) -> Result<Index, Box<dyn Error>> {
    let dimensions = documents.first().map_or(0, |(_, _, vector)| vector.len());
    let mut builder = SegmentBuilder::new(dimensions)?;
    for (id, text, vector) in documents {
        let length = u32::try_from(text.chars().count())?;
        let document = Document {
            id: id.clone(),
            version: "1".to_owned(),
            name: id,
            attributes: Attributes::default(),
        };
        let chunk = Chunk {
            ordinal: 0,
            start: 0,
            end: length,
            page: None,
            headings: Vec::new(),
            tokens: length / 4,
            text,
            vector,
        };
        builder.add(document, vec![chunk])?;
    }
    Ok(Index::new(vec![Segment::parse(builder.build()?)?])?)
}

fn search(
    index: &Index,
    mode: Mode,
    text: &str,
    vector: &[f32],
) -> Result<Vec<String>, retrieval::Error> {
    let everybody = |_: &DocumentKey<'_>| true;
    let query = Query {
        text: Some(text),
        vector: Some(vector),
        ..Query::new(mode, &everybody)
    };
    let hits = index.search(&query)?;
    Ok(hits.into_iter().map(|hit| hit.document).collect())
}
