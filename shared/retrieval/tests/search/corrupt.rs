//! Bytes that nobody's builder wrote.

use proptest::prelude::*;
use retrieval::{Corrupt, Error, Index, Mode, Segment, merge};

use crate::helpers::{Question, build, document, documents, everybody, questions};

/// Reads all that can be read. Errors are right, panics are not.
fn use_it(bytes: Vec<u8>, question: &Question) {
    let Ok(segment) = Segment::parse(bytes) else {
        return;
    };
    let size = segment.size();
    if let Ok(bytes) = merge(std::slice::from_ref(&segment), &everybody) {
        // Texts that lie over each other are written once each.
        assert!(bytes.len() <= size * size + 1000);
    }
    assert!(segment.keys().count() <= size);
    let Ok(index) = Index::new(vec![segment]) else {
        return;
    };
    let query = retrieval::Query {
        text: Some(&question.text),
        vector: Some(&question.vector),
        candidates: 20,
        limit: question.limit,
        ..retrieval::Query::new(question.mode, &everybody)
    };
    match index.search(&query) {
        Ok(hits) => assert!(hits.len() <= question.limit),
        Err(Error::Corrupt(_) | Error::Invalid(_)) => {}
        Err(other) => panic!("{other}"),
    }
}

fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() > 16 {
        let checksum = crc32fast::hash(&bytes[16..]);
        bytes[12..16].copy_from_slice(&checksum.to_le_bytes());
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn changed_bytes_with_a_right_checksum_never_panic(
        documents in documents(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        question in questions(),
    ) {
        let mut bytes = build(&documents);
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        use_it(with_checksum(bytes), &question);
    }

    #[test]
    fn changed_numbers_with_a_right_checksum_never_panic(
        documents in documents(),
        place in any::<prop::sample::Index>(),
        number in prop::sample::select(vec![0, 1, 2, 0x7fff_ffff, 0x8000_0000, u32::MAX - 1, u32::MAX]),
        question in questions(),
    ) {
        let mut bytes = build(&documents);
        let place = place.index(bytes.len() / 4) * 4;
        bytes[place..place + 4].copy_from_slice(&u32::to_le_bytes(number));
        use_it(with_checksum(bytes), &question);
    }

    #[test]
    fn any_bytes_at_all_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), question in questions()) {
        let mut headed = b"CHATSEG\n\x01\0\0\0".to_vec();
        headed.extend_from_slice(&bytes);
        use_it(with_checksum(headed), &question);
        prop_assert!(Segment::parse(bytes).is_err());
    }
}

#[test]
fn every_truncation_and_every_flipped_bit_is_noticed() {
    let chunks = vec![("the fox and the dogs".to_owned(), vec![1.0; 24])];
    let bytes = build(&[document("a", "1", 0, chunks)]);
    for length in 0..bytes.len() {
        assert!(
            Segment::parse(bytes[..length].to_vec()).is_err(),
            "{length}"
        );
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Segment::parse(flipped).is_err(), "{bit}");
    }
}

#[test]
fn other_formats_and_tokenizers_are_told_apart() {
    let bytes = build(&[document(
        "a",
        "1",
        0,
        vec![("fox".to_owned(), vec![1.0; 24])],
    )]);
    let mut later = bytes.clone();
    later[8] = 9;
    assert_eq!(Segment::parse(later).unwrap_err(), Corrupt::OtherFormat(9));
    assert_eq!(
        Segment::parse(b"{}".to_vec()).unwrap_err(),
        Corrupt::NotASegment
    );
    let mut older = bytes.clone();
    older[16] = 0;
    let older = Segment::parse(with_checksum(older)).unwrap();
    let error = Index::new(vec![older.clone()]).unwrap_err();
    assert!(
        matches!(error, Error::OtherTokenizer { found: 0 }),
        "{error}"
    );
    assert_eq!(merge(&[older], &everybody).unwrap(), bytes);
}

#[test]
fn a_factor_that_is_no_number_is_an_error_and_no_rank() {
    let bytes = build(&[document("a", "1", 0, vec![(String::new(), vec![1.0; 24])])]);
    // Without terms the factor is the last that is written.
    let mut changed = bytes;
    let end = changed.len();
    changed[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    let index = Index::new(vec![Segment::parse(with_checksum(changed)).unwrap()]).unwrap();
    let vector = vec![1.0; 24];
    let query = retrieval::Query {
        vector: Some(&vector),
        ..retrieval::Query::new(Mode::Vector, &everybody)
    };
    assert!(matches!(index.search(&query), Err(Error::Corrupt(_))));
}
