//! A search: more than is wanted is asked for, because versions that do not count any more lie between those that do.

use std::time::Instant;

use retrieval::{Asked, Found, Hit, ranked};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::{Error, Result};

use super::wire::Wire;
use super::{collection, filter, point};
use crate::record::{Record, refused};
use crate::{IndexPlace, Sought};

/// How many times as many as the candidates are asked for, one round after the other while there are too few.
const ROUNDS: [usize; 2] = [2, 8];

#[derive(Deserialize)]
struct Answer {
    points: Vec<Scored>,
}

#[derive(Deserialize)]
struct Scored {
    score: f32,
    payload: Record,
}

pub(super) async fn search(
    wire: &Wire,
    place: &IndexPlace,
    sought: &Sought<'_>,
    deadline: Instant,
) -> Result<Vec<Hit>> {
    let query = &sought.query;
    let asked = query.asked(place.dimensions as usize).map_err(refused)?;
    let mut found = Found::default();
    for factor in ROUNDS {
        let most = query.candidates * factor;
        let Some(lists) = round(wire, place, sought, &asked, most, deadline).await? else {
            return Ok(Vec::new());
        };
        found = lists.found;
        if lists.is_enough {
            break;
        }
    }
    Ok(ranked(&found, query))
}

struct Lists {
    found: Found,
    is_enough: bool,
}

/// `None` where there is no such collection.
async fn round(
    wire: &Wire,
    place: &IndexPlace,
    sought: &Sought<'_>,
    asked: &Asked<'_>,
    most: usize,
    deadline: Instant,
) -> Result<Option<Lists>> {
    let words = asked.terms.as_ref().map(point::asked);
    let words = words.filter(|words| !words.is_empty());
    let by_vector = asked.vector.map(|vector| ("vector", json!(vector)));
    let by_words = words.map(|words| ("words", point::sparse(&words)));
    let searches: Vec<Value> = [&by_vector, &by_words]
        .into_iter()
        .flatten()
        .map(|(using, query)| one(using, query, sought, most))
        .collect();
    if searches.is_empty() {
        return Ok(None);
    }
    let at = format!("{}/points/query/batch", collection(place));
    let body = json!({"searches": searches});
    let Some(answer) = wire.post(&at, &body, deadline).await? else {
        return Ok(None);
    };
    // The parser's message could quote a text.
    let answers: Vec<Answer> = serde_json::from_value(answer)
        .map_err(|_| Error::internal("Qdrant's answer has other members than it was given"))?;
    if answers.len() != searches.len() {
        return Err(Error::internal(
            "Qdrant answered other queries than it was asked",
        ));
    }
    let mut answers = answers.into_iter();
    let mut lists = Lists {
        found: Found::default(),
        is_enough: true,
    };
    if by_vector.is_some() {
        let least = sought.query.min_cosine;
        lists.found.vector = lists.kept(answers.next(), sought, least, most);
    }
    if by_words.is_some() {
        lists.found.keyword = lists.kept(answers.next(), sought, None, most);
    }
    Ok(Some(lists))
}

fn one(using: &str, query: &Value, sought: &Sought<'_>, most: usize) -> Value {
    let mut search = json!({"query": query, "using": using, "limit": most, "with_payload": true});
    if let Some(filter) = filter::of(sought) {
        search["filter"] = filter;
    }
    if let Some(least) = sought.query.min_cosine.filter(|_| using == "vector") {
        search["score_threshold"] = json!(least);
    }
    search
}

impl Lists {
    fn kept(
        &mut self,
        answer: Option<Answer>,
        sought: &Sought<'_>,
        least: Option<f32>,
        most: usize,
    ) -> Vec<Hit> {
        let points = answer.map(|answer| answer.points).unwrap_or_default();
        let all = points.len() < most;
        let kept: Vec<Hit> = points
            .into_iter()
            .filter(|point| least.is_none_or(|least| point.score >= least))
            .filter(|point| point.payload.is_sought(sought))
            .map(|point| point.payload.into_hit(point.score))
            .collect();
        self.is_enough &= all || kept.len() >= sought.query.candidates;
        kept
    }
}
