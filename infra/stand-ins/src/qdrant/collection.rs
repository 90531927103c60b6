//! A collection: its points, and how they are found.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::filter;
use super::request::{
    Asked, Batch, Create, Delete, Index, Search, SetPayload, Sparse, Upsert, Vectors,
};
use super::{Answer, Refusal};
use crate::fault::cosine;

#[derive(Debug)]
pub(super) struct Collection {
    size: usize,
    indexes: BTreeMap<String, String>,
    points: BTreeMap<String, Point>,
}

#[derive(Debug)]
struct Point {
    vectors: Vectors,
    payload: Value,
}

/// What a point is given by a search; `None` for one that is not found at all.
type Scorer<'a> = Box<dyn Fn(&Point) -> Option<f32> + 'a>;

fn wrong<T>(what: impl Into<String>) -> Result<T, Refusal> {
    Err((400, format!("Wrong input: {}", what.into())))
}

impl Collection {
    pub(super) fn new(asked: Create) -> Result<Self, Refusal> {
        let mut vectors = asked.vectors.into_iter();
        let (Some((name, dense)), None) = (vectors.next(), vectors.next()) else {
            return wrong("this knows one dense vector");
        };
        let sparse = asked.sparse_vectors.get("words");
        let idf = sparse.is_some_and(|sparse| sparse.modifier == "idf");
        if name != "vector" || dense.distance != "Cosine" || !idf || asked.sparse_vectors.len() != 1
        {
            return wrong("this knows `vector` by `Cosine` and `words` with `idf`");
        }
        if !(1..=65_536).contains(&dense.size) {
            return wrong("a vector has 1 to 65536 dimensions");
        }
        Ok(Self {
            size: dense.size,
            indexes: BTreeMap::new(),
            points: BTreeMap::new(),
        })
    }

    pub(super) fn len(&self) -> usize {
        self.points.len()
    }

    pub(super) fn described(&self) -> Value {
        let indexes = self.indexes.iter();
        let schema: Map<String, Value> = indexes
            .map(|(name, kind)| (name.clone(), json!({"data_type": kind, "points": 0})))
            .collect();
        json!({"status": "green", "points_count": self.len(), "payload_schema": schema})
    }

    pub(super) fn index(&mut self, asked: Index) -> Answer {
        if !["keyword", "float"].contains(&asked.field_schema.as_str()) {
            return wrong("this knows the indexes `keyword` and `float`");
        }
        self.indexes.insert(asked.field_name, asked.field_schema);
        Ok(done())
    }

    pub(super) fn upsert(&mut self, asked: Upsert) -> Answer {
        for point in &asked.points {
            if uuid::Uuid::parse_str(&point.id).is_err() {
                return wrong("a point's id is a UUID");
            }
            let found = point.vector.vector.len();
            if found != self.size {
                let expected = self.size;
                return wrong(format!(
                    "Vector dimension error: expected dim: {expected}, got {found}"
                ));
            }
            if let Some(words) = &point.vector.words {
                check_sparse(words)?;
            }
        }
        for point in asked.points {
            let (vectors, payload) = (point.vector, Value::Object(point.payload));
            let new = Point { vectors, payload };
            self.points.insert(point.id, new);
        }
        Ok(done())
    }

    pub(super) fn delete(&mut self, asked: &Delete) -> Answer {
        self.check(&asked.filter)?;
        self.points
            .retain(|id, point| !filter::holds(&asked.filter, id, &point.payload));
        Ok(done())
    }

    pub(super) fn set_payload(&mut self, asked: &SetPayload) -> Answer {
        self.check(&asked.filter)?;
        for (id, point) in &mut self.points {
            if filter::holds(&asked.filter, id, &point.payload) {
                for (key, value) in &asked.payload {
                    point.payload[key] = value.clone();
                }
            }
        }
        Ok(done())
    }

    pub(super) fn query(&self, asked: &Batch) -> Answer {
        asked
            .searches
            .iter()
            .map(|search| self.one(search))
            .collect()
    }

    fn check(&self, filter: &Value) -> Result<(), Refusal> {
        let indexed: BTreeSet<String> = self.indexes.keys().cloned().collect();
        filter::check(filter, &indexed, "").or_else(wrong)
    }

    fn one(&self, search: &Search) -> Answer {
        if search.limit == 0 {
            return Err((
                422,
                "Validation error in JSON body: [limit: must be at least 1]".to_owned(),
            ));
        }
        if let Some(filter) = &search.filter {
            self.check(filter)?;
        }
        let wanted = |(id, point): &(&String, &Point)| {
            let filter = search.filter.as_ref();
            filter.is_none_or(|filter| filter::holds(filter, id, &point.payload))
        };
        let score = self.scorer(search)?;
        let mut found: Vec<(f32, &String, &Point)> = self
            .points
            .iter()
            .filter(wanted)
            .filter_map(|(id, point)| Some((score(point)?, id, point)))
            .filter(|(score, ..)| search.score_threshold.is_none_or(|least| *score >= least))
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
        let points = found.iter().take(search.limit).map(|(score, id, point)| {
            let payload = search.with_payload.then_some(&point.payload);
            json!({"id": id, "version": 1, "score": score, "payload": payload})
        });
        Ok(json!({"points": points.collect::<Vec<_>>()}))
    }

    fn scorer<'a>(&'a self, search: &'a Search) -> Result<Scorer<'a>, Refusal> {
        match (&search.query, search.using.as_str()) {
            (Asked::Dense(asked), "vector") if asked.len() == self.size => {
                Ok(Box::new(|point| Some(cosine(asked, &point.vectors.vector))))
            }
            (Asked::Dense(asked), "vector") => {
                let (expected, got) = (self.size, asked.len());
                wrong(format!(
                    "Vector dimension error: expected dim: {expected}, got {got}"
                ))
            }
            (Asked::Sparse(asked), "words") => {
                check_sparse(asked)?;
                let weights = self.weighted(asked);
                Ok(Box::new(move |point| {
                    let words = point.vectors.words.as_ref()?;
                    let pairs = words.indices.iter().zip(&words.values);
                    let products: Vec<f32> = pairs
                        .filter_map(|(index, value)| Some(weights.get(index)? * value))
                        .collect();
                    (!products.is_empty()).then(|| products.iter().sum())
                }))
            }
            (_, using) => wrong(format!("Not existing vector name error: {using}")),
        }
    }

    /// A query's values times how rare each is.
    #[expect(clippy::cast_precision_loss, reason = "tests have few points")]
    fn weighted(&self, asked: &Sparse) -> BTreeMap<u32, f32> {
        let all = self
            .points
            .values()
            .filter_map(|point| point.vectors.words.as_ref());
        let all: Vec<&Sparse> = all.collect();
        let count = all.len() as f32;
        let pairs = asked.indices.iter().zip(&asked.values);
        let weight = |(index, value): (&u32, &f32)| {
            let with = all.iter().filter(|words| words.indices.contains(index));
            let with = with.count() as f32;
            let idf = ((count - with + 0.5) / (with + 0.5) + 1.0).ln();
            (*index, value * idf)
        };
        pairs.map(weight).collect()
    }
}

fn check_sparse(sparse: &Sparse) -> Result<(), Refusal> {
    let unique: BTreeSet<&u32> = sparse.indices.iter().collect();
    if unique.len() != sparse.indices.len() || sparse.indices.len() != sparse.values.len() {
        let text = "Validation error in JSON body: indices must be unique, and as many as values";
        return Err((422, text.to_owned()));
    }
    Ok(())
}

fn done() -> Value {
    json!({"operation_id": 1, "status": "completed"})
}
