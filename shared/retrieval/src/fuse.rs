//! Reciprocal rank fusion (Cormack, Clarke, Büttcher 2009).

use std::collections::HashMap;

use crate::query::{Stage, Weights};
use crate::top::{Place, Scored};

/// How much the first ranks differ: the constant of the paper.
pub const RRF_K: f32 = 60.0;

/// A chunk with what each stage said of it.
#[derive(Clone, Copy)]
pub(crate) struct Candidate {
    pub place: Place,
    pub at: (u32, u32),
    pub score: f32,
    pub vector: Option<Stage>,
    pub keyword: Option<Stage>,
    pub fused: Option<Stage>,
}

impl Candidate {
    fn of(scored: &Scored) -> Self {
        let (place, at) = (scored.place, scored.at);
        Self {
            place,
            at,
            score: scored.score,
            vector: None,
            keyword: None,
            fused: None,
        }
    }
}

/// One list alone, which decides the order.
pub(crate) fn vector_alone(ranked: &[Scored]) -> Vec<Candidate> {
    let stages = ranked.iter().zip(stages(ranked));
    stages
        .map(|(scored, stage)| Candidate {
            vector: Some(stage),
            ..Candidate::of(scored)
        })
        .collect()
}

/// One list alone, which decides the order.
pub(crate) fn keyword_alone(ranked: &[Scored]) -> Vec<Candidate> {
    let stages = ranked.iter().zip(stages(ranked));
    stages
        .map(|(scored, stage)| Candidate {
            keyword: Some(stage),
            ..Candidate::of(scored)
        })
        .collect()
}

/// Both lists by the sum of `weight / (k + rank)`, divided by what being first in both gives; among equals by place.
pub(crate) fn fuse(vector: &[Scored], keyword: &[Scored], weights: Weights) -> Vec<Candidate> {
    let mut found: HashMap<Place, Candidate> = HashMap::new();
    for (scored, stage) in vector.iter().zip(stages(vector)) {
        found
            .entry(scored.place)
            .or_insert(Candidate::of(scored))
            .vector = Some(stage);
    }
    for (scored, stage) in keyword.iter().zip(stages(keyword)) {
        found
            .entry(scored.place)
            .or_insert(Candidate::of(scored))
            .keyword = Some(stage);
    }
    let most = (weights.vector + weights.keyword) / (RRF_K + 1.0);
    let mut candidates: Vec<Candidate> = found.into_values().collect();
    for candidate in &mut candidates {
        let vector = weights.vector * reciprocal(candidate.vector);
        let keyword = weights.keyword * reciprocal(candidate.keyword);
        candidate.score = (vector + keyword) / most;
    }
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.place.cmp(&b.place)));
    for (candidate, rank) in candidates.iter_mut().zip(1..) {
        candidate.fused = Some(Stage {
            rank,
            score: candidate.score,
        });
    }
    candidates
}

fn stages(ranked: &[Scored]) -> impl Iterator<Item = Stage> {
    let ranks = ranked.iter().zip(1..);
    ranks.map(|(scored, rank)| Stage {
        rank,
        score: scored.score,
    })
}

#[expect(clippy::cast_precision_loss, reason = "ranks are small")]
fn reciprocal(stage: Option<Stage>) -> f32 {
    stage.map_or(0.0, |stage| 1.0 / (RRF_K + stage.rank as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(places: &[Place]) -> Vec<Scored> {
        let scored = |place: &Place| Scored {
            score: 0.5,
            place: *place,
            at: (0, 0),
        };
        places.iter().map(scored).collect()
    }

    fn order(vector: &[Place], keyword: &[Place], weights: Weights) -> Vec<Place> {
        let fused = fuse(&ranked(vector), &ranked(keyword), weights);
        fused.iter().map(|candidate| candidate.place).collect()
    }

    #[test]
    fn what_both_find_comes_before_what_one_finds() {
        let both = Weights::default();
        assert_eq!(order(&[1, 2, 3], &[4, 3, 2], both), [2, 3, 1, 4]);
        let fused = fuse(&ranked(&[7]), &ranked(&[7]), both);
        assert!((fused[0].score - 1.0).abs() < 1e-6);
    }

    #[test]
    fn weights_move_the_order() {
        let keyword = Weights {
            vector: 0.5,
            keyword: 1.0,
        };
        assert_eq!(order(&[1], &[2], keyword), [2, 1]);
        assert_eq!(order(&[1], &[2], Weights::default()), [1, 2]);
    }

    #[test]
    fn a_fused_score_is_the_papers_formula() {
        let fused = fuse(&ranked(&[1, 2]), &ranked(&[3, 4, 2]), Weights::default());
        let of_two = fused.iter().find(|candidate| candidate.place == 2).unwrap();
        let expected = (1.0 / 62.0 + 1.0 / 63.0) / (2.0 / 61.0);
        assert!((of_two.score - expected).abs() < 1e-6);
    }
}
