//! Events of streams as the document has them: what a reader of server-sent events makes of each (WHATWG HTML, section 9.2).

use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::schema::{AnyOfBuilder, Object, ObjectBuilder, Schema, Type};

use crate::schema::text;

/// The schema of one kind of event, whose name is that and whose data are one `T` as JSON.
pub fn event<T: ToSchema>(name: &str, description: &str) -> Object {
    let id = text()
        .description(Some("Its number, for `Last-Event-ID`."))
        .pattern(Some("^[0-9]+$"));
    let name = text().enum_values(Some([name]));
    fields(description, data_of::<T>())
        .property("id", id)
        .property("event", name)
        .required("event")
        .build()
}

/// The same without a name.
pub fn unnamed<T: ToSchema>(description: &str) -> Object {
    fields(description, data_of::<T>()).build()
}

/// An event without a name, whose data are a text.
pub fn text_event(description: &str, data: &str) -> Object {
    fields(description, text().enum_values(Some([data]))).build()
}

/// An event whose name keeps to a pattern, and whose data are an object that keeps to a schema, as JSON.
pub fn events_like(description: &str, pattern: &str, schema: Value) -> Object {
    fields(description, data(schema))
        .property("event", text().pattern(Some(pattern)))
        .required("event")
        .build()
}

/// The events of a stream: each is like one of these. `anyOf`, because data are only told apart by who reads them as JSON.
pub fn stream<const N: usize>(description: &str, events: [Object; N]) -> RefOr<Schema> {
    let any = AnyOfBuilder::new().description(Some(description));
    let any = events.into_iter().fold(any, AnyOfBuilder::item);
    RefOr::T(Schema::AnyOf(any.build()))
}

fn fields(description: &str, data: ObjectBuilder) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(description))
        .property("data", data)
        .required("data")
}

fn data_of<T: ToSchema>() -> ObjectBuilder {
    data(json!({"$ref": format!("#/components/schemas/{}", T::name())}))
}

/// A text that is JSON. `contentSchema` of JSON Schema says which, and has no place of its own in what makes the document.
fn data(schema: Value) -> ObjectBuilder {
    text()
        .content_media_type("application/json")
        .extensions(Some(Extensions::from_iter([("contentSchema", schema)])))
}
