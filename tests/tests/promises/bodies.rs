//! Bodies made from the document, so that an operation that is new has one by itself.

use serde_json::{Map, Value, json};

/// What stands in the place of what a client must keep to itself, or says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Texts {
    pub(crate) password: &'static str,
    pub(crate) email: &'static str,
    pub(crate) token: &'static str,
    pub(crate) free: &'static str,
    /// The header that says which program asks.
    pub(crate) user_agent: &'static str,
    /// As `free`, where a path or a query can have it.
    pub(crate) in_path: &'static str,
}

/// Texts that mean nothing.
pub(crate) const PLAIN: Texts = Texts {
    password: test_support::PASSWORD,
    email: "ada.lovelace@people.test",
    token: "a-token",
    free: "Hello",
    user_agent: "test",
    in_path: "x",
};

/// Fields that mean something only beside others, or that nothing here has: the model that answers has no tools.
const NEVER_ALONE: [&str; 8] = [
    "tools",
    "stream_options",
    "previous_response_id",
    "conversation",
    "include",
    "summary",
    "generate_summary",
    "reasoning_effort",
];

/// What makes bodies for the operations of a document.
pub(crate) struct Bodies {
    document: Value,
    texts: Texts,
}

impl Bodies {
    /// For that document, with those texts.
    pub(crate) fn new(document: Value, texts: Texts) -> Self {
        Self { document, texts }
    }

    /// The document.
    pub(crate) fn document(&self) -> &Value {
        &self.document
    }

    /// A good body for an operation, if it takes one.
    pub(crate) fn of(&self, described: &Value) -> Option<Value> {
        let schema = &described["requestBody"]["content"]["application/json"]["schema"];
        (!schema.is_null()).then(|| self.fill("", schema))
    }

    /// The schema itself, where a reference to it is given.
    pub(crate) fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => {
                let target = self.document.pointer(reference.trim_start_matches('#'));
                self.resolved(target.expect("a schema"))
            }
            None => schema,
        }
    }

    /// What the schema wants.
    fn fill(&self, name: &str, schema: &Value) -> Value {
        // The document says of it only that it is an object.
        if name == "filters" {
            return json!({"type": "eq", "key": "year", "value": 2026});
        }
        // Its model is of another type than those that answer.
        if name == "rerank" {
            return json!({"model": "sorter"});
        }
        // A conversation whose last message is to be answered.
        if name == "messages" {
            return json!([{"role": "user", "content": self.texts.free}]);
        }
        let schema = self.resolved(schema);
        for choice in ["oneOf", "anyOf", "allOf"] {
            let choices = schema[choice].as_array().into_iter().flatten();
            if let Some(one) = choices.clone().find(|one| one["type"] != "null") {
                return self.fill(name, one);
            }
        }
        let kinds = match &schema["type"] {
            Value::Array(kinds) => kinds.clone(),
            kind => vec![kind.clone()],
        };
        let kind = kinds.iter().find(|kind| *kind != "null");
        match kind.and_then(Value::as_str).unwrap_or_default() {
            "object" if schema["example"].is_object() => schema["example"].clone(),
            "object" if schema["additionalProperties"].is_object() => json!({}),
            "object" => self.object(schema),
            "array" => json!([self.fill(name, &schema["items"])]),
            "string" => self.text(name, schema),
            "boolean" => json!(false),
            "integer" | "number" => [&schema["example"], &schema["minimum"]]
                .into_iter()
                // Nothing at all may be one thing too little, as of weights.
                .find(|value| value.as_f64().is_some_and(|value| value > 0.0))
                .cloned()
                .unwrap_or(json!(1)),
            _ => json!({}),
        }
    }

    fn object(&self, schema: &Value) -> Value {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let properties = schema["properties"].as_object().into_iter().flatten();
        let filled = properties.filter(|(name, described)| {
            // Optional ids would have to be those of something.
            let id = described.to_string().contains("Id\"") || id_pattern(described).is_some();
            let description = described["description"].as_str().unwrap_or_default();
            let other = description.contains("Give only one of both");
            let alone = NEVER_ALONE.contains(&name.as_str());
            required.contains(&json!(name)) || !(id || other || alone)
        });
        let filled = filled.map(|(name, described)| (name.clone(), self.fill(name, described)));
        Value::Object(filled.collect::<Map<_, _>>())
    }

    fn text(&self, name: &str, schema: &Value) -> Value {
        if let Some(first) = schema["enum"].get(0) {
            return first.clone();
        }
        if name == "model" {
            let description = schema["description"].as_str().unwrap_or_default();
            let vectors = description.contains("makes vectors");
            let verdicts = description.contains("judges");
            return json!(match () {
                () if vectors => "words",
                () if verdicts => "judge",
                () => "small",
            });
        }
        if name == "embedding_model" {
            return json!("words");
        }
        if name == "rerank_model" {
            return json!("sorter");
        }
        if name == "moderation_model" {
            return json!("judge");
        }
        if let Some(pattern) = id_pattern(schema) {
            let prefix: String = pattern.chars().filter(char::is_ascii_lowercase).collect();
            let prefix = prefix.strip_suffix("af").unwrap_or(&prefix);
            return json!(format!("{prefix}_0199f0a0b1c27d3e8f405162738495a6"));
        }
        if schema["format"] == "date-time" {
            return json!("2027-01-31T09:30:00Z");
        }
        let has = |part: &str| name.contains(part);
        let text = match schema["format"].as_str() {
            _ if name == "key" => self.texts.token,
            Some("email") => self.texts.email,
            Some("password") => self.texts.password,
            _ if has("email") => self.texts.email,
            _ if has("password") => self.texts.password,
            _ if has("token") || has("secret") => self.texts.token,
            _ => self.texts.free,
        };
        let least = schema["minLength"].as_u64().unwrap_or_default();
        let least = usize::try_from(least).expect("a length");
        json!(format!("{text:x<least$}"))
    }
}

/// The pattern of an id, if it is one. Those of other texts only say what may not stand in them.
fn id_pattern(schema: &Value) -> Option<&str> {
    let pattern = schema["pattern"].as_str()?;
    let is_id = pattern.ends_with("_[0-9a-f]{32}$") && !pattern.contains("(");
    is_id.then_some(pattern)
}
