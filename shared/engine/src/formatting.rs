//! Answers in a format, from models that do not keep to one by themselves: they are told of it, what they say is checked, and
//! where it is wrong they are asked once more.
//!
//! Nothing of such an answer is passed on before it is right: nobody could take it back.

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use shared::model::{Capability, ContentPart, ModelSpec, Wire};
use shared::{Error, Result};

use crate::provider::{OutputFormat, PromptMessage, Speaker};

/// The longest fault that a model is told, in characters.
const LONGEST_FAULT: usize = 500;

/// A format that a model has to be told of.
#[derive(Debug)]
pub(crate) struct Format {
    /// What a model is told.
    pub(crate) instructions: String,
    /// `None` where any JSON object will do.
    validator: Option<Validator>,
}

impl Format {
    /// `None` where there is no format, or the model keeps to it by itself.
    ///
    /// # Errors
    /// `Invalid` for what is no schema, and where the model does not keep to it by itself, for one that can't be checked
    /// here: references lead nowhere else, and patterns are those that a
    /// machine finishes in linear time.
    pub(crate) fn of(output: &OutputFormat, wire: Wire, model: &ModelSpec) -> Result<Option<Self>> {
        if let OutputFormat::JsonSchema { schema, .. } = output
            && let Err(fault) = jsonschema::draft202012::meta::validate(schema)
        {
            let detail = format!("must be a JSON Schema: {fault}");
            return Err(Error::invalid("/response_format/schema", detail));
        }
        if is_kept(output, wire, model) {
            return Ok(None);
        }
        let schema = match output {
            OutputFormat::Text {} => return Ok(None),
            OutputFormat::JsonObject {} => None,
            OutputFormat::JsonSchema { schema, .. } => Some(schema),
        };
        let options = jsonschema::options().with_pattern_options(PatternOptions::regex());
        let validator = schema.map(|schema| options.build(schema)).transpose();
        let validator = validator.map_err(|fault| {
            let detail = format!("must be a JSON Schema that can be checked: {fault}");
            Error::invalid("/response_format/schema", detail)
        })?;
        let mut instructions =
            "Answer with one JSON value alone: no other words, and no code fence.".to_owned();
        match schema {
            None => instructions.push_str(" It must be an object."),
            Some(schema) => {
                instructions.push_str(" It must keep to this JSON Schema:\n");
                instructions.push_str(&schema.to_string());
            }
        }
        Ok(Some(Self {
            instructions,
            validator,
        }))
    }

    /// The JSON in what a model said.
    ///
    /// # Errors
    /// What is wrong with it, for the model.
    pub(crate) fn json<'a>(&self, said: &'a str) -> Result<&'a str, String> {
        let text = without_fence(said.trim());
        let value: Value =
            serde_json::from_str(text).map_err(|fault| format!("it is not JSON: {fault}"))?;
        let fault = match &self.validator {
            None if value.is_object() => None,
            None => Some("it is not an object".to_owned()),
            Some(validator) => validator.iter_errors(&value).next().map(|fault| {
                let place = fault.instance_path().to_string();
                format!("at `{place}`: {fault}")
            }),
        };
        match fault {
            None => Ok(text),
            Some(fault) => Err(fault.chars().take(LONGEST_FAULT).collect()),
        }
    }
}

/// Whether the provider sees to the format.
pub(crate) fn is_kept(output: &OutputFormat, wire: Wire, model: &ModelSpec) -> bool {
    let able = model.can(Capability::StructuredOutput);
    // Two wires know schemas alone.
    let known = match output {
        OutputFormat::JsonObject {} => !matches!(wire, Wire::Anthropic | Wire::Bedrock),
        OutputFormat::Text {} | OutputFormat::JsonSchema { .. } => true,
    };
    able && known
}

/// What a model said, and what is wrong with it, as it is asked again.
pub(crate) fn asked_again(said: String, fault: &str) -> [PromptMessage; 2] {
    let text = format!(
        "This is not in the format that was asked for: {fault}. Answer again, with the JSON value alone."
    );
    let message = |speaker, text: String| PromptMessage {
        speaker,
        parts: vec![ContentPart::text(text)],
    };
    [
        message(Speaker::Assistant, said),
        message(Speaker::User, text),
    ]
}

/// Many models put JSON into a code fence whatever they are told.
fn without_fence(text: &str) -> &str {
    let inside = text
        .strip_prefix("```")
        .and_then(|rest| rest.strip_suffix("```"));
    match inside.and_then(|inside| inside.split_once('\n')) {
        Some((_language, json)) => json.trim(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;
    use shared::model::ModelSpec;

    use super::*;

    fn model() -> ModelSpec {
        serde_json::from_value(json!({
            "id": "m", "context_window": 4096, "max_output_tokens": 512, "capabilities": [],
        }))
        .expect("a model")
    }

    fn format(output: &OutputFormat) -> Format {
        let format = Format::of(output, Wire::Openai, &model());
        format.expect("good").expect("needed")
    }

    fn schema(schema: Value) -> OutputFormat {
        OutputFormat::JsonSchema {
            name: "a".to_owned(),
            schema,
            strict: true,
        }
    }

    #[test]
    fn json_is_found_with_and_without_a_fence_and_checked() {
        let number =
            json!({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]});
        let format = format(&schema(number));
        for good in [
            "{\"a\":1}",
            " {\"a\":1}\n",
            "```json\n{\"a\":1}\n```",
            "```\n{\"a\":1}```",
        ] {
            assert_eq!(format.json(good), Ok("{\"a\":1}"), "{good}");
        }
        for (wrong, fault) in [
            ("Sure: {\"a\":1}", "not JSON"),
            ("{\"a\":\"x\"}", "at `/a`"),
            ("{}", "at ``"),
            ("", "not JSON"),
        ] {
            let found = format.json(wrong).expect_err(wrong);
            assert!(found.contains(fault), "{found}");
        }
    }

    #[test]
    fn only_what_a_model_does_not_do_by_itself_is_done_here() {
        let mut able = model();
        able.capabilities = BTreeSet::from([Capability::StructuredOutput]);
        let object = OutputFormat::JsonObject {};
        let of = |output: &OutputFormat, wire, model: &ModelSpec| {
            Format::of(output, wire, model).expect("good").is_some()
        };
        assert!(!of(&object, Wire::Openai, &able));
        assert!(
            of(&object, Wire::Anthropic, &able),
            "it knows schemas alone"
        );
        assert!(!of(&schema(json!({})), Wire::Anthropic, &able));
        assert!(!of(&OutputFormat::Text {}, Wire::Openai, &model()));
        let format = format(&object);
        assert_eq!(format.json("{}"), Ok("{}"));
        format.json("[]").expect_err("no object");
        let elsewhere = json!({"$ref": "https://example.com/s.json"});
        let format = Format::of(&schema(elsewhere), Wire::Openai, &model());
        format.expect_err("leads elsewhere");
    }
}
