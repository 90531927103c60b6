//! What Secrets Manager knows, and what each operation does to it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::request::{Answer, Refusal, Request, invalid_parameter, not_found, refusal};

const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";
const PENDING: &str = "AWSPENDING";

/// AWS keeps about a hundred versions; the oldest without a label go.
const MAX_VERSIONS: usize = 100;

/// All secrets, by name. It is also what the file holds.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Manager {
    secrets: BTreeMap<String, Secret>,
}

#[derive(Serialize, Deserialize)]
struct Secret {
    name: String,
    arn: String,
    description: Option<String>,
    rotation: Option<Rotation>,
    created: f64,
    versions: Vec<Version>,
}

#[derive(Serialize, Deserialize)]
struct Rotation {
    enabled: bool,
    lambda_arn: String,
    rules: Option<Value>,
}

#[derive(Serialize, Deserialize)]
struct Version {
    id: String,
    /// `None` until a rotation has put it.
    value: Option<String>,
    stages: BTreeSet<String>,
    created: f64,
}

/// Operations that leave everything as it is.
pub(super) fn only_reads(operation: &str) -> bool {
    matches!(operation, "GetSecretValue" | "DescribeSecret")
}

impl Manager {
    pub(super) fn call(&mut self, operation: &str, request: &Value) -> Answer {
        let request: Request = serde_json::from_value(request.clone())
            .map_err(|error| refusal("SerializationException", error.to_string()))?;
        if operation == "CreateSecret" {
            return self.create(&request);
        }
        let secret = self.find(request.secret_id.as_deref())?;
        match operation {
            "GetSecretValue" => secret.get(&request),
            "PutSecretValue" => secret.put(&request),
            "DescribeSecret" => Ok(secret.described()),
            "UpdateSecretVersionStage" => secret.update_stage(&request),
            "RotateSecret" => secret.rotate(&request),
            "CancelRotateSecret" => secret.cancel_rotation(),
            _ => Err(refusal("UnknownOperationException", operation)),
        }
    }

    fn create(&mut self, request: &Request) -> Answer {
        let name = request.name.clone().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| invalid_parameter("Name is missing"))?;
        let (token, value) = (request.token()?, request.value()?);
        if let Some(secret) = self.secrets.get(&name) {
            let same = secret
                .version(&token)
                .is_some_and(|version| version.value.as_ref() == Some(&value));
            return if same {
                Ok(secret.named(Some(&token)))
            } else {
                let message = format!("The secret {name} already exists.");
                Err(refusal("ResourceExistsException", message))
            };
        }
        let random = Uuid::now_v7().simple().to_string();
        let mut secret = Secret {
            arn: format!(
                "arn:aws:secretsmanager:us-east-1:000000000000:secret:{name}-{}",
                &random[26..]
            ),
            name: name.clone(),
            description: request.description.clone(),
            rotation: None,
            created: now(),
            versions: Vec::new(),
        };
        secret.add(&token, Some(value), &[CURRENT.to_owned()]);
        let answer = secret.named(Some(&token));
        self.secrets.insert(name, secret);
        Ok(answer)
    }

    fn find(&mut self, id: Option<&str>) -> Result<&mut Secret, Refusal> {
        let id = id.ok_or_else(|| invalid_parameter("SecretId is missing"))?;
        let found = self
            .secrets
            .values_mut()
            .find(|secret| secret.name == id || secret.arn == id);
        found.ok_or_else(|| not_found("Secrets Manager can't find the specified secret."))
    }
}

impl Secret {
    fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    fn holder(&self, stage: &str) -> Option<&Version> {
        let mut versions = self.versions.iter();
        versions.find(|version| version.stages.contains(stage))
    }

    fn named(&self, version: Option<&str>) -> Value {
        let mut answer = json!({"ARN": self.arn, "Name": self.name});
        if let Some(version) = version {
            answer["VersionId"] = json!(version);
        }
        answer
    }

    fn get(&self, request: &Request) -> Answer {
        let missing = |what: String| {
            not_found(format!(
                "Secrets Manager can't find the specified secret value for {what}"
            ))
        };
        let stage = request.version_stage.as_deref();
        let version = match &request.version_id {
            Some(id) => {
                let version = self.version(id);
                let version = version.ok_or_else(|| missing(format!("VersionId: {id}")))?;
                if stage.is_some_and(|stage| !version.stages.contains(stage)) {
                    return Err(refusal(
                        "InvalidRequestException",
                        "You provided a VersionStage that is not associated to the provided VersionId.",
                    ));
                }
                version
            }
            None => {
                let stage = stage.unwrap_or(CURRENT);
                let version = self.holder(stage);
                version.ok_or_else(|| missing(format!("staging label: {stage}")))?
            }
        };
        let value = version.value.as_ref();
        let value = value.ok_or_else(|| missing(format!("VersionId: {}", version.id)))?;
        let mut answer = self.named(Some(&version.id));
        answer["SecretString"] = json!(value);
        answer["VersionStages"] = json!(version.stages);
        answer["CreatedDate"] = json!(version.created);
        Ok(answer)
    }

    fn put(&mut self, request: &Request) -> Answer {
        let (token, value) = (request.token()?, request.value()?);
        let stages = request.version_stages.clone();
        let mut stages = stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
        if stages.is_empty() {
            return Err(invalid_parameter("VersionStages must not be empty"));
        }
        let first = self.holder(CURRENT).is_none();
        if first && !stages.iter().any(|stage| stage == CURRENT) {
            stages.push(CURRENT.to_owned());
        }
        let known = self.versions.iter_mut().find(|version| version.id == token);
        match known {
            None => self.add(&token, Some(value), &stages),
            Some(Version {
                value: Some(old), ..
            }) => {
                if *old != value {
                    return Err(refusal(
                        "ResourceExistsException",
                        "You can't modify the value of an existing version.",
                    ));
                }
            }
            Some(empty) => {
                empty.value = Some(value);
                self.attach(&token, &stages);
            }
        }
        let mut answer = self.named(Some(&token));
        let version = self.version(&token);
        answer["VersionStages"] = json!(version.map(|version| &version.stages));
        Ok(answer)
    }

    fn described(&self) -> Value {
        let staged = self
            .versions
            .iter()
            .filter(|version| !version.stages.is_empty());
        let stages: BTreeMap<&str, &BTreeSet<String>> = staged
            .map(|version| (version.id.as_str(), &version.stages))
            .collect();
        let mut answer = self.named(None);
        answer["CreatedDate"] = json!(self.created);
        answer["VersionIdsToStages"] = json!(stages);
        if let Some(description) = &self.description {
            answer["Description"] = json!(description);
        }
        if let Some(rotation) = &self.rotation {
            answer["RotationEnabled"] = json!(rotation.enabled);
            answer["RotationLambdaARN"] = json!(rotation.lambda_arn);
            if let Some(rules) = &rotation.rules {
                answer["RotationRules"] = rules.clone();
            }
        }
        answer
    }

    fn update_stage(&mut self, request: &Request) -> Answer {
        let stage = request.version_stage.clone();
        let stage = stage.ok_or_else(|| invalid_parameter("VersionStage is missing"))?;
        let holder = self.holder(&stage).map(|version| version.id.clone());
        let (to, from) = (&request.move_to_version_id, &request.remove_from_version_id);
        if from.is_some() && *from != holder {
            return Err(invalid_parameter(format!(
                "The staging label {stage} isn't attached to RemoveFromVersionId; it is attached to {}.",
                holder.as_deref().unwrap_or("no version")
            )));
        }
        let Some(to) = to else {
            return self.remove_stage(&stage, from.as_deref());
        };
        if self.version(to).is_none() {
            return Err(not_found(
                "Secrets Manager can't find the specified secret version.",
            ));
        }
        if from.is_none() && holder.as_ref().is_some_and(|holder| holder != to) {
            return Err(invalid_parameter(format!(
                "The staging label {stage} is attached to another version: name it in RemoveFromVersionId."
            )));
        }
        self.attach(to, &[stage]);
        Ok(self.named(None))
    }

    fn remove_stage(&mut self, stage: &str, from: Option<&str>) -> Answer {
        if from.is_none() || stage == CURRENT {
            return Err(invalid_parameter(
                "Name a version to move the label to; AWSCURRENT can't be removed completely.",
            ));
        }
        for version in &mut self.versions {
            version.stages.remove(stage);
        }
        Ok(self.named(None))
    }

    fn rotate(&mut self, request: &Request) -> Answer {
        let token = request.token()?;
        let known = self.rotation.as_ref();
        let lambda_arn = request.rotation_lambda_arn.clone();
        let lambda_arn = lambda_arn.or_else(|| known.map(|rotation| rotation.lambda_arn.clone()));
        let lambda_arn = lambda_arn.ok_or_else(|| {
            refusal(
                "InvalidRequestException",
                "No Lambda rotation function ARN is associated with this secret.",
            )
        })?;
        let current = self.holder(CURRENT).map(|version| version.id.clone());
        let pending = self.holder(PENDING).map(|version| version.id.clone());
        if pending
            .as_ref()
            .is_some_and(|id| *id != token && Some(id) != current.as_ref())
        {
            return Err(refusal(
                "InvalidRequestException",
                "A previous rotation isn't complete. That rotation will be reattempted.",
            ));
        }
        let rules = request.rotation_rules.clone();
        let rules = rules.or_else(|| known.and_then(|rotation| rotation.rules.clone()));
        self.rotation = Some(Rotation {
            enabled: true,
            lambda_arn,
            rules,
        });
        if request.rotate_immediately == Some(false) {
            return Ok(self.named(None));
        }
        if self.version(&token).is_none() {
            self.add(&token, None, &[PENDING.to_owned()]);
        }
        Ok(self.named(Some(&token)))
    }

    fn cancel_rotation(&mut self) -> Answer {
        if let Some(rotation) = &mut self.rotation {
            rotation.enabled = false;
        }
        Ok(self.named(None))
    }

    fn add(&mut self, id: &str, value: Option<String>, stages: &[String]) {
        self.versions.push(Version {
            id: id.to_owned(),
            value,
            stages: BTreeSet::new(),
            created: now(),
        });
        self.attach(id, stages);
        while self.versions.len() > MAX_VERSIONS {
            let oldest = self.versions.iter();
            let Some(place) = oldest.clone().position(|old| old.stages.is_empty()) else {
                break;
            };
            self.versions.remove(place);
        }
    }

    /// Moves labels to a version. What was current becomes previous.
    fn attach(&mut self, id: &str, stages: &[String]) {
        for stage in stages {
            let former = self.holder(stage).map(|version| version.id.clone());
            if former.as_deref() == Some(id) {
                continue;
            }
            for version in &mut self.versions {
                version.stages.remove(stage);
                if stage == CURRENT {
                    version.stages.remove(PREVIOUS);
                }
                if version.id == id {
                    version.stages.insert(stage.clone());
                }
                if stage == CURRENT && former.as_ref() == Some(&version.id) {
                    version.stages.insert(PREVIOUS.to_owned());
                }
            }
        }
    }
}

fn now() -> f64 {
    #[expect(clippy::disallowed_methods, reason = "another service's own clock")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map(|since| since.as_secs_f64()).unwrap_or_default()
}
