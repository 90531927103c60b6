//! What is refused, and what bounds a search.

use retrieval::{Chunk, Error, Index, Mode, Query, SegmentBuilder};

use crate::helpers::{DIMENSIONS, Whole, document, everybody, index, segment};

fn one() -> Whole {
    document("a", "1", 0, vec![("fox".to_owned(), vec![1.0; DIMENSIONS])])
}

#[track_caller]
fn refused(change: impl Fn(&mut Whole)) {
    let mut whole = one();
    change(&mut whole);
    let mut builder = SegmentBuilder::new(DIMENSIONS).unwrap();
    let error = builder.add(whole.0, whole.1).unwrap_err();
    assert!(matches!(error, Error::Invalid(_)), "{error}");
}

#[test]
fn documents_that_break_a_rule_are_refused() {
    refused(|whole| whole.0.id.clear());
    refused(|whole| whole.0.version = "v".repeat(257));
    refused(|whole| whole.0.name = "n".repeat(1001));
    refused(|whole| whole.1.clear());
    refused(|whole| whole.1[0].end += 1);
    refused(|whole| whole.1[0].start = 9);
    refused(|whole| whole.1[0].headings = vec![String::new(); 33]);
    refused(|whole| whole.1[0].vector = vec![0.0; DIMENSIONS]);
    refused(|whole| whole.1[0].vector[3] = f32::NAN);
    refused(|whole| whole.1[0].vector.push(1.0));
    refused(|whole| whole.1.push(whole.1[0].clone()));
    let mut builder = SegmentBuilder::new(DIMENSIONS).unwrap();
    builder.add(one().0, one().1).unwrap();
    assert!(builder.add(one().0, one().1).is_err());
    assert!(SegmentBuilder::new(5000).is_err());
}

#[test]
fn queries_that_break_a_rule_are_refused() {
    let index = index(&[one()]);
    let vector = vec![1.0; DIMENSIONS];
    let long = "x ".repeat(5000);
    let many: String = (0..300).map(|word| format!("w{word} ")).collect();
    let right = Query {
        text: Some("fox"),
        vector: Some(&vector),
        ..Query::new(Mode::Hybrid, &everybody)
    };
    assert_eq!(index.search(&right).unwrap().len(), 1);
    type Breaks<'a> = fn(&mut Query<'a>);
    let breaks: [Breaks<'_>; 9] = [
        |query| query.text = None,
        |query| query.vector = None,
        |query| query.vector = Some(&[0.0; DIMENSIONS]),
        |query| query.limit = 0,
        |query| query.limit = 200,
        |query| query.candidates = 20_000,
        |query| query.per_document = Some(0),
        |query| (query.weights.vector, query.weights.keyword) = (0.0, 0.0),
        |query| query.weights.vector = -1.0,
    ];
    let broken = breaks.into_iter().map(|breaks| {
        let mut wrong = right;
        breaks(&mut wrong);
        wrong
    });
    let short = Query {
        vector: Some(&vector[1..]),
        ..right
    };
    let texts = [&*long, &*many].map(|text| Query {
        text: Some(text),
        ..right
    });
    for wrong in broken.chain([short]).chain(texts) {
        assert!(matches!(index.search(&wrong), Err(Error::Invalid(_))));
    }
    let by_vector = Query {
        text: None,
        mode: Mode::Vector,
        ..right
    };
    assert_eq!(index.search(&by_vector).unwrap().len(), 1);
    let by_keyword = Query {
        vector: None,
        mode: Mode::Keyword,
        ..right
    };
    assert_eq!(index.search(&by_keyword).unwrap().len(), 1);
}

#[test]
fn an_index_without_vectors_is_searched_by_keyword_alone() {
    let (document, mut chunks) = one();
    chunks
        .iter_mut()
        .for_each(|chunk: &mut Chunk| chunk.vector.clear());
    let mut builder = SegmentBuilder::new(0).unwrap();
    builder.add(document, chunks).unwrap();
    let without = retrieval::Segment::parse(builder.build().unwrap()).unwrap();
    assert!(Index::new(vec![without.clone(), segment(&[one()])]).is_err());
    let index = Index::new(vec![without]).unwrap();
    let by_keyword = Query {
        text: Some("FOX"),
        ..Query::new(Mode::Keyword, &everybody)
    };
    assert_eq!(index.search(&by_keyword).unwrap().len(), 1);
    let by_vector = Query {
        vector: Some(&[]),
        ..Query::new(Mode::Vector, &everybody)
    };
    assert!(index.search(&by_vector).is_err());
}

#[test]
fn an_index_without_chunks_finds_nothing() {
    for index in [index(&[]), Index::new(Vec::new()).unwrap()] {
        let query = Query {
            text: Some("fox"),
            ..Query::new(Mode::Keyword, &everybody)
        };
        assert_eq!(index.search(&query).unwrap(), []);
    }
}

#[test]
fn weak_hits_and_too_many_of_one_document_are_left_out() {
    let towards = |first: f32| {
        let mut vector = vec![0.0; DIMENSIONS];
        (vector[0], vector[1]) = (first, 1.0 - first);
        vector
    };
    let chunks = |words: [&str; 3]| {
        let vectors = [1.0, 0.8, 0.1].map(towards);
        words.map(str::to_owned).into_iter().zip(vectors).collect()
    };
    let documents = [
        document("a", "1", 0, chunks(["fox fox", "fox", "dog"])),
        document("b", "1", 0, chunks(["fox dog dog dog", "cat", "cat"])),
    ];
    let index = index(&documents);
    let asked = towards(1.0);
    let all = Query {
        text: Some("fox"),
        vector: Some(&asked),
        ..Query::new(Mode::Hybrid, &everybody)
    };
    let names = |query: &Query<'_>| -> Vec<String> {
        let hits = index.search(query).unwrap().into_iter();
        hits.map(|hit| format!("{}{}", hit.document, hit.ordinal))
            .collect()
    };
    assert_eq!(names(&all).len(), 6);
    assert_eq!(
        names(&Query {
            per_document: Some(1),
            ..all
        }),
        ["a0", "b0"]
    );
    let near = Query {
        mode: Mode::Vector,
        min_cosine: Some(0.9),
        ..all
    };
    assert_eq!(names(&near), ["a0", "b0", "a2", "b2"]);
    let best = Query {
        mode: Mode::Keyword,
        limit: 1,
        candidates: 1,
        ..all
    };
    assert_eq!(names(&best), ["a0"]);
    let score = index.search(&best).unwrap()[0].score;
    assert_eq!(
        names(&Query {
            min_score: Some(score),
            limit: 10,
            candidates: 10,
            ..best
        }),
        ["a0"]
    );
}
