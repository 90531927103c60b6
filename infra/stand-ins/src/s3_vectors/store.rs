//! A vector bucket: its indexes, their vectors, and the limits of the service.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::{Answer, Refusal, filter};
use crate::fault::cosine;

#[derive(Debug)]
pub(super) struct Bucket {
    name: String,
    indexes: BTreeMap<String, Index>,
}

#[derive(Debug)]
struct Index {
    dimension: usize,
    hidden: Vec<String>,
    vectors: BTreeMap<String, Vector>,
}

#[derive(Debug)]
struct Vector {
    numbers: Vec<f32>,
    metadata: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Create {
    data_type: String,
    dimension: usize,
    distance_metric: String,
    #[serde(default)]
    metadata_configuration: Hidden,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Hidden {
    non_filterable_metadata_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Put {
    vectors: Vec<NewVector>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewVector {
    key: String,
    data: Data,
    #[serde(default)]
    metadata: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    float32: Vec<f32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Get {
    keys: Vec<String>,
    #[serde(default)]
    return_data: bool,
    #[serde(default)]
    return_metadata: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Delete {
    keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Query {
    top_k: usize,
    query_vector: Data,
    filter: Option<Value>,
    #[serde(default)]
    return_metadata: bool,
    #[serde(default)]
    return_distance: bool,
}

fn invalid<T>(message: impl Into<String>) -> Result<T, Refusal> {
    Err(("ValidationException", message.into()))
}

fn read<T: DeserializeOwned>(request: Map<String, Value>) -> Result<T, Refusal> {
    serde_json::from_value(Value::Object(request)).or_else(|error| invalid(error.to_string()))
}

impl Bucket {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            indexes: BTreeMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        let indexes = self.indexes.values();
        indexes.map(|index| index.vectors.len()).sum()
    }

    pub(super) fn perform(&mut self, operation: &str, request: &Value) -> Answer {
        let Some(mut request) = request.as_object().cloned() else {
            return invalid("a request is an object");
        };
        let (bucket, name) = (
            request.remove("vectorBucketName"),
            request.remove("indexName"),
        );
        if bucket != Some(json!(self.name)) {
            let message = "The specified vector bucket could not be found";
            return Err(("NotFoundException", message.to_owned()));
        }
        let Some(name) = name.as_ref().and_then(Value::as_str) else {
            return invalid("name an index");
        };
        if operation == "CreateIndex" {
            return self.create(name, read(request)?);
        }
        let Some(index) = self.indexes.get_mut(name) else {
            let message = "The specified index could not be found";
            return Err(("NotFoundException", message.to_owned()));
        };
        match operation {
            "PutVectors" => index.put(read(request)?),
            "GetVectors" => index.get(&read(request)?),
            "DeleteVectors" => index.delete(&read(request)?),
            "QueryVectors" => index.query(&read(request)?),
            "DeleteIndex" => {
                self.indexes.remove(name);
                Ok(json!({}))
            }
            _ => invalid("there is no such operation"),
        }
    }

    fn create(&mut self, name: &str, asked: Create) -> Answer {
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
        if !(3..=63).contains(&name.len()) || !name.chars().all(good) {
            return invalid("an index has 3 to 63 small letters, digits, - and .");
        }
        let hidden = asked.metadata_configuration.non_filterable_metadata_keys;
        if asked.data_type != "float32" || asked.distance_metric != "cosine" || hidden.len() > 10 {
            return invalid(
                "this knows float32 by cosine, and at most 10 keys that are not filtered",
            );
        }
        if !(1..=4096).contains(&asked.dimension) {
            return invalid("an index has 1 to 4096 dimensions");
        }
        if self.indexes.contains_key(name) {
            let message = "An index with the specified name already exists";
            return Err(("ConflictException", message.to_owned()));
        }
        let new = Index {
            dimension: asked.dimension,
            hidden,
            vectors: BTreeMap::new(),
        };
        self.indexes.insert(name.to_owned(), new);
        Ok(json!({}))
    }
}

impl Index {
    fn put(&mut self, asked: Put) -> Answer {
        count(asked.vectors.len(), 500)?;
        for vector in &asked.vectors {
            self.check(&vector.data.float32)?;
            if vector.key.is_empty() || vector.key.chars().count() > 1024 {
                return invalid("a key has 1 to 1024 characters");
            }
            self.check_metadata(&vector.metadata)?;
        }
        for vector in asked.vectors {
            let (numbers, metadata) = (vector.data.float32, vector.metadata);
            self.vectors
                .insert(vector.key, Vector { numbers, metadata });
        }
        Ok(json!({}))
    }

    fn check(&self, numbers: &[f32]) -> Result<(), Refusal> {
        if numbers.len() != self.dimension {
            return invalid(format!("a vector has {} dimensions here", self.dimension));
        }
        if numbers.iter().all(|number| *number == 0.0) {
            return invalid("a vector of zeros has no cosine");
        }
        Ok(())
    }

    fn check_metadata(&self, metadata: &Map<String, Value>) -> Result<(), Refusal> {
        let size = |of: &Map<String, Value>| Value::Object(of.clone()).to_string().len();
        let mut compared = metadata.clone();
        compared.retain(|key, _| !self.hidden.contains(key));
        if metadata.len() > 50 || size(metadata) > 40 * 1024 {
            return invalid("Total metadata must have at most 50 keys and 40960 bytes");
        }
        if size(&compared) > 2048 {
            return invalid("Filterable metadata must have at most 2048 bytes");
        }
        for value in compared.values() {
            let elements = value
                .as_array()
                .map_or(std::slice::from_ref(value), Vec::as_slice);
            if elements.is_empty()
                || elements
                    .iter()
                    .any(|one| one.is_null() || one.is_object() || one.is_array())
            {
                return invalid(
                    "filterable metadata is text, a number, a boolean, or a list of them",
                );
            }
        }
        Ok(())
    }

    fn get(&self, asked: &Get) -> Answer {
        count(asked.keys.len(), 100)?;
        let found = asked.keys.iter().filter_map(|key| {
            let vector = self.vectors.get(key)?;
            let mut shown = json!({"key": key});
            if asked.return_data {
                shown["data"] = json!({"float32": vector.numbers});
            }
            if asked.return_metadata {
                shown["metadata"] = json!(vector.metadata);
            }
            Some(shown)
        });
        Ok(json!({"vectors": found.collect::<Vec<_>>()}))
    }

    fn delete(&mut self, asked: &Delete) -> Answer {
        count(asked.keys.len(), 500)?;
        for key in &asked.keys {
            self.vectors.remove(key);
        }
        Ok(json!({}))
    }

    fn query(&self, asked: &Query) -> Answer {
        count(asked.top_k, 100)?;
        self.check(&asked.query_vector.float32)?;
        if let Some(filter) = &asked.filter {
            filter::check(filter, &self.hidden).or_else(invalid)?;
        }
        let wanted = |vector: &Vector| {
            let metadata = Value::Object(vector.metadata.clone());
            let filter = asked.filter.as_ref();
            filter.is_none_or(|filter| filter::holds(filter, &metadata))
        };
        let mut found: Vec<(f32, &String, &Vector)> = self
            .vectors
            .iter()
            .filter(|(_, vector)| wanted(vector))
            .map(|(key, vector)| {
                let distance = 1.0 - cosine(&asked.query_vector.float32, &vector.numbers);
                (distance, key, vector)
            })
            .collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(b.1)));
        let shown = found
            .iter()
            .take(asked.top_k)
            .map(|(distance, key, vector)| {
                let mut shown = json!({"key": key});
                if asked.return_distance {
                    shown["distance"] = json!(distance);
                }
                if asked.return_metadata {
                    shown["metadata"] = json!(vector.metadata);
                }
                shown
            });
        let shown: Vec<Value> = shown.collect();
        Ok(json!({"vectors": shown, "distanceMetric": "cosine"}))
    }
}

fn count(count: usize, most: usize) -> Result<(), Refusal> {
    if (1..=most).contains(&count) {
        Ok(())
    } else {
        invalid(format!("must be from 1 to {most}"))
    }
}
