//! What somebody may not see has no influence on what they see.

use std::sync::Mutex;

use proptest::prelude::*;
use retrieval::{DocumentKey, Index, Mode, Query};

use crate::helpers::{Whole, document, documents, index, questions, segment, spread, vectors};

fn parts() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0usize..3, 12)
}

proptest! {
    #[test]
    fn hidden_documents_might_as_well_not_be_there(
        documents in documents(), hidden in prop::collection::vec(any::<bool>(), 12), parts in parts(), question in questions(),
    ) {
        let with_all = Index::new(spread(&documents, &parts)).unwrap();
        let pairs = || documents.iter().zip(&hidden);
        let left: Vec<&Whole> = pairs().filter(|(_, hidden)| !**hidden).map(|(whole, _)| whole).collect();
        let visible = |key: &DocumentKey<'_>| {
            left.iter().any(|whole| whole.0.id == key.id && whole.0.version == key.version)
        };
        let found = question.ask(&with_all, &visible);
        let expected = question.ask(&index(left.iter().copied()), &|_| true);
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn nobody_sees_anything_where_all_the_nearest_are_hidden(asked in vectors(), question in questions()) {
        let near = document("a", "1", 0, vec![(question.text.clone(), asked); 30]);
        let found = question.ask(&index([&near]), &|_| false);
        prop_assert!(found.is_empty());
    }
}

#[test]
fn visibility_is_asked_once_for_each_document_and_before_its_text_counts() {
    let chunks = || vec![("fox".to_owned(), vec![1.0; 24]); 5];
    let documents = [
        document("a", "1", 0, chunks()),
        document("a", "2", 0, chunks()),
        document("b", "1", 0, chunks()),
    ];
    let asked = Mutex::new(Vec::new());
    let visible = |key: &DocumentKey<'_>| {
        asked
            .lock()
            .unwrap()
            .push(format!("{}@{}", key.id, key.version));
        key.version == "2"
    };
    let vector = vec![1.0; 24];
    let query = Query {
        text: Some("fox"),
        vector: Some(&vector),
        ..Query::new(Mode::Hybrid, &visible)
    };
    let hits = index(&documents).search(&query).unwrap();
    assert_eq!(*asked.lock().unwrap(), ["a@1", "a@2", "b@1"]);
    assert_eq!(hits.len(), 5);
    assert!(hits.iter().all(|hit| hit.version == "2"));
}

#[test]
fn a_segment_that_was_written_twice_counts_once() {
    let chunks = vec![
        ("fox".to_owned(), vec![1.0; 24]),
        ("dog".to_owned(), vec![0.5; 24]),
    ];
    let documents = [document("a", "1", 0, chunks)];
    let (once, twice) = (segment(&documents), segment(&documents));
    let vector = vec![1.0; 24];
    let all = |_: &DocumentKey<'_>| true;
    let query = Query {
        text: Some("fox"),
        vector: Some(&vector),
        ..Query::new(Mode::Hybrid, &all)
    };
    let expected = Index::new(vec![once.clone()])
        .unwrap()
        .search(&query)
        .unwrap();
    let found = Index::new(vec![once, twice])
        .unwrap()
        .search(&query)
        .unwrap();
    assert_eq!(found, expected);
}
