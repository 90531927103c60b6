//! A search. A query gives at most 100 vectors, so versions that turn out not to count are left out of the next one by name
//! instead of asking for more.

use std::collections::BTreeSet;
use std::time::Instant;

use aws_sdk_s3vectors::types::{QueryOutputVector, VectorData};
use retrieval::{DocumentKey, Found, Hit, Mode, ranked};
use shared::{Error, Result};

use super::{S3Vectors, failed, filter, is, metadata, name, within};
use crate::record::refused;
use crate::{IndexPlace, Sought};

/// What a query gives at most.
const MOST: usize = 100;
const ROUNDS: usize = 4;
/// How many versions a query leaves out by name.
const MOST_DEAD: usize = 200;

pub(super) async fn search(
    vectors: &S3Vectors,
    place: &IndexPlace,
    sought: &Sought<'_>,
    deadline: Instant,
) -> Result<Vec<Hit>> {
    let query = &sought.query;
    if query.mode != Mode::Vector {
        return Err(Error::invalid(
            "/mode",
            "this knowledge base is kept where only vectors are compared; search by `vector`",
        ));
    }
    let asked = query.asked(place.dimensions as usize).map_err(refused)?;
    let numbers = asked.vector.unwrap_or_default();
    let wanted = query.candidates.min(MOST);
    let mut most = MOST.min(wanted * 2);
    let mut dead = BTreeSet::new();
    let mut found = Found::default();
    for _ in 0..ROUNDS {
        let answered = ask(vectors, place, sought, numbers, (most, &dead), deadline).await?;
        let all = answered.len() < most;
        let known = dead.len();
        found.vector = kept(answered, sought, &mut dead)?;
        let no_more = most == MOST && (dead.len() == known || dead.len() > MOST_DEAD);
        if all || found.vector.len() >= wanted || no_more {
            break;
        }
        most = MOST;
    }
    Ok(ranked(&found, query))
}

async fn ask(
    vectors: &S3Vectors,
    place: &IndexPlace,
    sought: &Sought<'_>,
    numbers: &[f32],
    (most, dead): (usize, &BTreeSet<String>),
    deadline: Instant,
) -> Result<Vec<QueryOutputVector>> {
    let call = vectors.client.query_vectors();
    let call = call
        .vector_bucket_name(&vectors.bucket)
        .index_name(name(place))
        .top_k(i32::try_from(most).map_err(Error::internal)?)
        .query_vector(VectorData::Float32(numbers.to_vec()))
        .set_filter(filter::of(sought, dead))
        .return_metadata(true)
        .return_distance(true);
    match within(deadline, call.send()).await? {
        Ok(answer) => Ok(answer.vectors),
        Err(error) if is(&error, "NotFoundException") => Ok(Vec::new()),
        Err(error) => Err(failed("QueryVectors", &error)),
    }
}

/// What may be seen and is wanted. Versions that do not count are noted.
fn kept(
    answered: Vec<QueryOutputVector>,
    sought: &Sought<'_>,
    dead: &mut BTreeSet<String>,
) -> Result<Vec<Hit>> {
    let mut hits = Vec::new();
    for vector in answered {
        let record = metadata::record(vector.metadata.as_ref())?;
        let Some(distance) = vector.distance else {
            return Err(Error::internal("a vector came without its distance"));
        };
        let key = DocumentKey {
            id: &record.document,
            version: &record.version,
        };
        if !(sought.query.visible)(&key) {
            dead.insert(metadata::version(&record.document, &record.version));
        }
        let cosine = 1.0 - distance;
        let near = sought.query.min_cosine.is_none_or(|least| cosine >= least);
        if near && record.is_sought(sought) {
            hits.push(record.into_hit(cosine));
        }
    }
    Ok(hits)
}
