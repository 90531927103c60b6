//! Segments are made of documents, in whatever order and steps.

use proptest::prelude::*;
use retrieval::{DocumentKey, Index, Segment, merge};

use crate::helpers::{build, documents, everybody, index, questions, spread};

fn merged(segments: &[Segment]) -> Segment {
    Segment::parse(merge(segments, &everybody).unwrap()).unwrap()
}

proptest! {
    #[test]
    fn merging_in_any_way_gives_the_bytes_of_building_once(
        documents in documents(), parts in prop::collection::vec(0usize..3, 12), question in questions(),
    ) {
        let segments = spread(&documents, &parts);
        let [a, b, c] = [0, 1, 2].map(|part: usize| segments[part].clone());
        let expected = build(&documents);
        prop_assert_eq!(&merge(&[a.clone(), b.clone(), c.clone()], &everybody).unwrap(), &expected);
        let in_steps = [c.clone(), merged(&[b.clone(), a.clone()])];
        prop_assert_eq!(&merge(&in_steps, &everybody).unwrap(), &expected);
        prop_assert_eq!(&merge(&[merged(std::slice::from_ref(&a)), b, a, c], &everybody).unwrap(), &expected);
        let unmerged = Index::new(segments).unwrap();
        prop_assert_eq!(question.ask(&unmerged, &everybody), question.ask(&index(&documents), &everybody));
    }

    #[test]
    fn the_order_in_which_documents_are_added_is_forgotten(documents in documents()) {
        prop_assert_eq!(build(documents.iter().rev()), build(&documents));
    }

    #[test]
    fn what_is_not_kept_is_gone(documents in documents(), parts in prop::collection::vec(0usize..3, 12)) {
        let newest = |key: &DocumentKey<'_>| key.version == "2";
        let bytes = merge(&spread(&documents, &parts), &newest).unwrap();
        let left = documents.iter().filter(|whole| whole.0.version == "2");
        prop_assert_eq!(bytes, build(left));
    }
}
