//! The table's definition: the one that is deployed.

use serde_json::Value;
use serde_yaml_ng::Value as Yaml;

/// What `template.yaml` says about the table, as CreateTable wants it.
pub(crate) fn definition(name: &str) -> Value {
    let template = crate::template();
    let mut table = json(&template["Resources"]["Table"]["Properties"]);
    table["TableName"] = name.into();
    // Which key encrypts it depends on a parameter, and makes no difference in memory.
    if let Some(properties) = table.as_object_mut() {
        properties.remove("SSESpecification");
    }
    table
}

/// YAML as JSON. CloudFormation's functions become their argument: none stands where the table is defined.
fn json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::Mapping(map) => {
            let pairs = map
                .iter()
                .map(|(name, value)| (name.as_str().unwrap_or_default().to_owned(), json(value)));
            Value::Object(pairs.collect())
        }
        Yaml::Sequence(list) => Value::Array(list.iter().map(json).collect()),
        Yaml::Tagged(tagged) => json(&tagged.value),
        plain => serde_json::to_value(plain).unwrap_or_default(),
    }
}
