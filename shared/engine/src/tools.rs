//! The tools of a turn, and whether a model calls them as it should.

use std::collections::HashMap;

use jsonschema::{PatternOptions, Validator};
use shared::model::ToolCall;
use shared::{Error, Result};

use crate::provider::ToolSpec;

/// The most that all tools of a turn may have together, in bytes of JSON.
const MAX_BYTES: usize = 100_000;

/// What the tools of a turn take.
#[derive(Debug, Default)]
pub(crate) struct Tools {
    validators: HashMap<String, Validator>,
    /// Whether only one call may be made at a time.
    one_call: bool,
}

impl Tools {
    /// # Errors
    /// `Invalid` if a tool's parameters are no JSON Schema that can be checked here: references lead nowhere else, and
    /// patterns are those that a machine finishes in linear time.
    pub(crate) fn new(tools: &[ToolSpec], one_call: bool) -> Result<Self> {
        let bytes = serde_json::to_vec(tools).map_err(Error::internal)?.len();
        if bytes > MAX_BYTES {
            let detail = format!("must have at most {MAX_BYTES} bytes of JSON; this has {bytes}");
            return Err(Error::invalid("/tools", detail));
        }
        let validators = tools.iter().enumerate().map(|(index, tool)| {
            let options = jsonschema::options().with_pattern_options(PatternOptions::regex());
            let validator = options.build(&tool.parameters).map_err(|fault| {
                let detail = format!("must be a JSON Schema that can be checked: {fault}");
                Error::invalid(format!("/tools/{index}/parameters"), detail)
            })?;
            Ok((tool.name.clone(), validator))
        });
        Ok(Self {
            validators: validators.collect::<Result<_>>()?,
            one_call,
        })
    }

    /// Why a model's calls are not to be followed, if they are not. What the model wrote is not in it.
    pub(crate) fn fault<'a>(
        &self,
        calls: impl IntoIterator<Item = &'a ToolCall>,
    ) -> Option<&'static str> {
        calls.into_iter().enumerate().find_map(|(index, call)| {
            if self.one_call && index > 0 {
                return Some("the model made several calls where it may make one at a time");
            }
            let Some(validator) = self.validators.get(&call.name) else {
                return Some("the model called a tool that it was not given");
            };
            let Ok(arguments) = serde_json::from_str(&call.arguments) else {
                return Some("the model called a tool with arguments that are not JSON");
            };
            (!validator.is_valid(&arguments))
                .then_some("the model called a tool with arguments that break its schema")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn tool(parameters: Value) -> ToolSpec {
        ToolSpec {
            name: "weather".to_owned(),
            description: None,
            parameters,
            strict: false,
        }
    }

    fn call(name: &str, arguments: &str) -> ToolCall {
        ToolCall {
            id: "call_1".to_owned(),
            name: name.to_owned(),
            arguments: arguments.to_owned(),
            signature: None,
        }
    }

    #[test]
    fn calls_must_keep_to_a_tool_that_was_given() {
        let city = json!({"type": "object", "properties": {"city": {"type": "string", "pattern": "^[A-Z]"}},
                          "required": ["city"], "additionalProperties": false});
        let tools = Tools::new(&[tool(city)], false).expect("a schema");
        assert_eq!(tools.fault(&[call("weather", r#"{"city":"Oslo"}"#)]), None);
        for (name, arguments, fault) in [
            ("climate", "{}", "not given"),
            ("weather", r#"{"city":"#, "not JSON"),
            ("weather", "{}", "schema"),
            ("weather", r#"{"city":"oslo"}"#, "schema"),
            ("weather", r#"{"city":"Oslo","x":1}"#, "schema"),
        ] {
            let found =
                tools.fault(&[call("weather", r#"{"city":"Oslo"}"#), call(name, arguments)]);
            assert!(found.expect("a fault").contains(fault), "{arguments}");
        }
    }

    #[test]
    fn what_can_not_be_checked_is_refused() {
        for wrong in [
            json!({"type": "object", "properties": 17}),
            json!({"type": "object", "properties": {"a": {"$ref": "https://example.com/s.json"}}}),
            json!({"type": "object", "properties": {"a": {"pattern": "(?=a)b"}}}),
            json!({"type": "object", "description": "x".repeat(MAX_BYTES)}),
        ] {
            let refused = Tools::new(&[tool(wrong)], false).expect_err("no schema");
            assert!(matches!(refused, Error::Invalid(_)), "{refused:?}");
        }
    }
}
