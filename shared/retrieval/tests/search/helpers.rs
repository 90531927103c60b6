//! Documents that come by chance, and what is asked of them.

use proptest::prelude::*;
use retrieval::{
    AttributeValue, Attributes, Chunk, Document, DocumentKey, Hit, Index, Mode, Query, Segment,
    SegmentBuilder,
};

pub const DIMENSIONS: usize = 24;

/// A document and its chunks.
pub type Whole = (Document, Vec<Chunk>);

/// Sees everything.
pub fn everybody(_: &DocumentKey<'_>) -> bool {
    true
}

/// Few words, so that chunks share them and scores are often equal.
pub fn texts() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "fox",
        "dogs",
        "ERR-12",
        "über",
        "東京都",
        "lazy",
        "get_name",
        "fox,",
        "7",
    ]);
    prop::collection::vec(word, 0..9).prop_map(|words| words.join(" "))
}

pub fn vectors() -> impl Strategy<Value = Vec<f32>> {
    prop::collection::vec(-1.0f32..1.0, DIMENSIONS).prop_filter("no direction", |vector| {
        vector.iter().any(|value| value.abs() > 0.1)
    })
}

/// Up to twelve documents of up to four chunks, some in several versions.
pub fn documents() -> impl Strategy<Value = Vec<Whole>> {
    let chunks = prop::collection::vec((texts(), vectors()), 1..5);
    let key = ("[a-d]", "[12]");
    prop::collection::btree_map(key, (chunks, 0..3u8), 0..12).prop_map(|documents| {
        let documents = documents.into_iter();
        documents
            .map(|((id, version), (chunks, group))| document(&id, &version, group, chunks))
            .collect()
    })
}

pub fn document(id: &str, version: &str, group: u8, chunks: Vec<(String, Vec<f32>)>) -> Whole {
    let group = AttributeValue::Number(f64::from(group));
    let document = Document {
        id: id.to_owned(),
        version: version.to_owned(),
        name: format!("The {id}"),
        attributes: Attributes([("group".to_owned(), group)].into()),
    };
    let chunks = chunks.into_iter().zip(0..);
    let chunks = chunks.map(|((text, vector), ordinal)| {
        let length = u32::try_from(text.chars().count()).unwrap();
        Chunk {
            ordinal: ordinal * 2,
            start: ordinal * 1000,
            end: ordinal * 1000 + length,
            page: (ordinal > 0).then_some(ordinal),
            headings: vec![id.to_uppercase(); (ordinal % 3) as usize],
            tokens: length / 4,
            text,
            vector,
        }
    });
    (document, chunks.collect())
}

pub fn build<'a>(documents: impl IntoIterator<Item = &'a Whole>) -> Vec<u8> {
    let mut builder = SegmentBuilder::new(DIMENSIONS).unwrap();
    for (document, chunks) in documents {
        builder.add(document.clone(), chunks.clone()).unwrap();
    }
    builder.build().unwrap()
}

pub fn segment<'a>(documents: impl IntoIterator<Item = &'a Whole>) -> Segment {
    Segment::parse(build(documents)).unwrap()
}

/// One segment a part: `parts` says for each document in which it is.
pub fn spread(documents: &[Whole], parts: &[usize]) -> Vec<Segment> {
    let of_part = |part| {
        let pairs = documents.iter().zip(parts);
        segment(
            pairs
                .filter(|(_, of)| **of == part)
                .map(|(document, _)| document),
        )
    };
    (0..3).map(of_part).collect()
}

pub fn index<'a>(documents: impl IntoIterator<Item = &'a Whole>) -> Index {
    Index::new(vec![segment(documents)]).unwrap()
}

/// What is asked, without who asks.
#[derive(Debug, Clone)]
pub struct Question {
    pub text: String,
    pub vector: Vec<f32>,
    pub mode: Mode,
    pub limit: usize,
    pub per_document: Option<usize>,
    pub group: Option<u8>,
}

pub fn questions() -> impl Strategy<Value = Question> {
    let mode = prop::sample::select(vec![Mode::Vector, Mode::Keyword, Mode::Hybrid]);
    (
        texts(),
        vectors(),
        mode,
        1usize..20,
        prop::option::of(1usize..4),
        prop::option::of(0..3u8),
    )
        .prop_map(
            |(text, vector, mode, limit, per_document, group)| Question {
                text,
                vector,
                mode,
                limit,
                per_document,
                group,
            },
        )
}

impl Question {
    pub fn ask(
        &self,
        index: &Index,
        visible: &(dyn Fn(&DocumentKey<'_>) -> bool + Sync),
    ) -> Vec<Hit> {
        let filter = self.group.map(|group| {
            let json = serde_json::json!({ "type": "eq", "key": "group", "value": group });
            serde_json::from_value(json).unwrap()
        });
        let query = Query {
            text: Some(&self.text),
            vector: Some(&self.vector),
            filter: filter.as_ref(),
            candidates: 20,
            limit: self.limit,
            per_document: self.per_document,
            ..Query::new(self.mode, visible)
        };
        index.search(&query).unwrap()
    }
}
