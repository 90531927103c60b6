//! What derived schemas do not say of themselves, and the document adds.

use std::collections::BTreeMap;

use utoipa::Number;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::{
    AdditionalProperties, AllOf, AnyOf, ArrayItems, KnownFormat, Object, OneOf, Schema,
    SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{Components, RefOr};

/// Schemas of types that refuse fields which they do not know, where what derives schemas does not see it: enums, and a form.
pub const CLOSED: &[&str] = &[
    "ChunkingStrategy",
    "NewOpenAiFile",
    "NewPart",
    "OpenAiChatMessage",
    "OpenAiChatPart",
    "OpenAiChatTool",
    "OpenAiChatToolCall",
    "OpenAiInputPart",
    "OpenAiModerationPart",
    "OpenAiNamedResponseTool",
    "OpenAiNamedTool",
    "OpenAiResponseFormat",
    "OpenAiTextFormat",
    "OutputFormat",
    "ToolChoice",
];

/// Completes all schemas that have names.
pub(super) fn schemas(components: &mut Components) {
    let known = components.schemas.clone();
    for (name, schema) in &mut components.schemas {
        if CLOSED.contains(&name.as_str()) {
            close(schema);
        }
        each(schema, &mut |schema| {
            if let Schema::AllOf(all) = schema
                && let Some(joined) = joined(all, &known)
            {
                *schema = Schema::Object(joined);
            }
            bound(schema);
        });
    }
}

/// Completes the schemas of an operation's parameters.
pub(super) fn parameters(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(Parameter {
            schema: Some(schema),
            ..
        }) = parameter
        {
            each(schema, &mut bound);
            without_null(schema);
        }
    }
}

/// Takes `null` away, which can be said in JSON and not in a header: there it is a text of four letters.
fn without_null(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema
        && let SchemaType::Array(types) = &mut object.schema_type
    {
        types.retain(|kind| *kind != Type::Null);
        if let [only] = types.as_slice() {
            object.schema_type = SchemaType::Type(only.clone());
        }
    }
}

/// Does it to a schema and all that stand in it.
fn each(schema: &mut RefOr<Schema>, change: &mut dyn FnMut(&mut Schema)) {
    let RefOr::T(schema) = schema else {
        return;
    };
    change(schema);
    match schema {
        Schema::Object(object) => {
            let properties = object.properties.values_mut();
            properties.for_each(|property| each(property, change));
            if let Some(AdditionalProperties::RefOr(more)) =
                object.additional_properties.as_deref_mut()
            {
                each(more, change);
            }
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                each(items, change);
            }
        }
        Schema::OneOf(OneOf { items, .. })
        | Schema::AllOf(AllOf { items, .. })
        | Schema::AnyOf(AnyOf { items, .. }) => {
            items.iter_mut().for_each(|item| each(item, change));
        }
        _ => {}
    }
}

/// The format of a type without a sign, by its name in the registry of OpenAPI, and the greatest number, which the format says
/// to those alone who know it.
fn bound(schema: &mut Schema) {
    let Schema::Object(object) = schema else {
        return;
    };
    let Some(SchemaFormat::KnownFormat(format)) = &object.format else {
        return;
    };
    let (name, most) = match format {
        KnownFormat::UInt8 => ("uint8", u64::from(u8::MAX)),
        KnownFormat::UInt16 => ("uint16", u64::from(u16::MAX)),
        KnownFormat::UInt32 => ("uint32", u64::from(u32::MAX)),
        KnownFormat::UInt64 => ("uint64", u64::MAX),
        _ => return,
    };
    object.format = Some(SchemaFormat::Custom(name.to_owned()));
    if object.maximum.is_none() {
        object.maximum = usize::try_from(most).ok().map(Number::UInt);
    }
}

/// Says that an object, or each that stands to choose, has no fields but its own.
fn close(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) if !object.properties.is_empty() => {
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
        RefOr::T(Schema::OneOf(one)) => one.items.iter_mut().for_each(close),
        _ => {}
    }
}

/// The variant of a tagged enum as one object. It is derived as the variant's own fields and the tag, each in a schema, and
/// where the fields are closed nothing would keep both: the tag is no field of theirs. `None` where nothing is closed.
fn joined(all: &AllOf, known: &BTreeMap<String, RefOr<Schema>>) -> Option<Object> {
    let parts: Option<Vec<&Object>> = all
        .items
        .iter()
        .map(|part| match part {
            RefOr::Ref(reference) => {
                let name = reference.ref_location.rsplit('/').next()?;
                known.get(name)
            }
            part => Some(part),
        })
        .map(|part| match part {
            Some(RefOr::T(Schema::Object(object))) => Some(object),
            _ => None,
        })
        .collect();
    let parts = parts?;
    if !parts.iter().any(|part| is_closed(part)) {
        return None;
    }
    let mut joined = Object::with_type(Type::Object);
    joined.description.clone_from(&all.description);
    joined.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
    for part in parts {
        joined.required.extend(part.required.iter().cloned());
        let properties = part.properties.iter();
        let properties = properties.map(|(name, schema)| (name.clone(), schema.clone()));
        joined.properties.extend(properties);
    }
    Some(joined)
}

fn is_closed(object: &Object) -> bool {
    matches!(
        object.additional_properties.as_deref(),
        Some(AdditionalProperties::FreeForm(false))
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn completed(schemas: &Value) -> Value {
        let mut components: Components =
            serde_json::from_value(json!({"schemas": schemas})).expect("components");
        super::schemas(&mut components);
        serde_json::to_value(components).expect("JSON")["schemas"].take()
    }

    #[test]
    fn a_variant_of_closed_fields_has_its_tag_among_them() {
        let fields = json!({
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string"}},
            "additionalProperties": false,
        });
        let tag = json!({
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"type": "string", "enum": ["function"]}},
        });
        let either = json!({"oneOf": [{"description": "It.", "allOf": [{"$ref": "#/components/schemas/Fields"}, tag]}]});
        let completed = completed(&json!({"Fields": fields, "Either": either}));
        assert_eq!(
            completed["Either"]["oneOf"],
            json!([{
                "type": "object",
                "description": "It.",
                "required": ["name", "type"],
                "properties": {"name": {"type": "string"}, "type": {"type": "string", "enum": ["function"]}},
                "additionalProperties": false,
            }])
        );
    }

    #[test]
    fn enums_that_are_listed_take_no_other_fields() {
        let variant = json!({"type": "object", "properties": {"named": {"type": "string"}}});
        let choice = json!({"oneOf": [{"type": "string", "enum": ["auto"]}, variant]});
        let completed = completed(&json!({"ToolChoice": choice.clone(), "Other": choice.clone()}));
        assert_eq!(
            completed["ToolChoice"]["oneOf"][1]["additionalProperties"],
            false
        );
        assert_eq!(completed["Other"], choice);
    }

    #[test]
    fn numbers_without_a_sign_say_how_great_they_may_be() {
        let number = |format: &str| json!({"type": "integer", "format": format, "minimum": 0});
        let mut few = number("u-int32");
        few["maximum"] = json!(8);
        let completed = completed(&json!({
            "Object": {"type": "object", "properties": {"a": number("u-int32"), "b": few}},
            "List": {"type": "array", "items": number("u-int64")},
        }));
        let object = &completed["Object"]["properties"];
        assert_eq!(object["a"]["format"], "uint32");
        assert_eq!(object["a"]["maximum"], u32::MAX);
        assert_eq!(object["b"]["maximum"], 8);
        assert_eq!(completed["List"]["items"]["maximum"], u64::MAX);
    }
}
