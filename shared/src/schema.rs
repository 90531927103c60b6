//! Schemas that several requests have, and that can't be derived: types that stand in the document alone.

use std::borrow::Cow;

use serde_json::json;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

/// Schemas by their names, as [`ToSchema::schemas`] collects them.
pub type Schemas = Vec<(String, RefOr<Schema>)>;

/// OpenAI's bounds of a client's own pairs: how many there may be, and how many characters their names and texts may have.
const MOST_PAIRS: usize = 16;
const LONGEST_NAME: usize = 64;
const LONGEST_TEXT: usize = 512;

/// What has something else than white space in it, and no NUL.
const WORDS: &str = r"^[^\x00]*[^\s\x00][^\x00]*$";
/// What has something else than white space in it.
const VISIBLE: &str = r"\S";

/// Pairs of texts that a client keeps with a thing.
#[derive(Debug)]
pub enum Metadata {}

/// What filters compare: texts, numbers and truth values by name.
#[derive(Debug)]
pub enum Attributes {}

/// OpenAI's filter over attributes.
#[derive(Debug)]
pub enum Filter {}

/// The bytes of a file as an address.
#[derive(Debug, ToSchema)]
#[schema(
    pattern = r"^data:[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100};base64,(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}[AEIMQUYcgkos048]=|[A-Za-z0-9+/][AQgw]==)$",
    example = "data:application/pdf;base64,JVBERi0="
)]
pub struct DataAddress(pub String);

/// Where an image is: its bytes as an address, or a public `https` address of at most 2048 bytes, on port 443 or 8443.
#[derive(Debug, ToSchema)]
#[schema(
    pattern = r"^(?:data:image/(?:png|jpeg|gif|webp);base64,(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}[AEIMQUYcgkos048]=|[A-Za-z0-9+/][AQgw]==)|https://(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9]*(?::(?:443|8443))?(?:[/?#][!-~]*)?)$",
    example = "https://example.com/photo.png"
)]
pub struct ImageAddress(pub String);

/// Text that says something.
pub fn words() -> ObjectBuilder {
    text().pattern(Some(WORDS))
}

/// Text that is not blank.
pub fn visible() -> ObjectBuilder {
    text().pattern(Some(VISIBLE))
}

/// Any text.
pub fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

/// A list of what has a name.
pub fn list_of<T: ToSchema>() -> ArrayBuilder {
    ArrayBuilder::new().items(Ref::from_schema_name(T::name()))
}

/// One of several schemas.
pub fn one_of<const N: usize>(description: &str, schemas: [Schema; N]) -> RefOr<Schema> {
    let one = OneOfBuilder::new().description(Some(description));
    let one = schemas.into_iter().fold(one, OneOfBuilder::item);
    RefOr::T(Schema::OneOf(one.build()))
}

/// Collects a schema that is referred to by its name, and those in it.
pub fn collect<T: ToSchema>(schemas: &mut Schemas) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}

impl PartialSchema for Metadata {
    fn schema() -> RefOr<Schema> {
        let texts = text().max_length(Some(LONGEST_TEXT));
        let about = "What a client keeps with a thing: up to 16 texts of up to 512 characters, by names of 1 to 64.";
        named(about, texts)
            .examples([json!({"topic": "cities"})])
            .build()
            .into()
    }
}

impl ToSchema for Metadata {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Metadata")
    }
}

impl PartialSchema for Attributes {
    fn schema() -> RefOr<Schema> {
        let value = value([Type::String, Type::Number, Type::Boolean]);
        let about = "What filters compare: up to 16 texts of up to 512 characters, numbers and truth values, by names of 1 to 64.";
        let value = value.max_length(Some(LONGEST_TEXT));
        named(about, value)
            .examples([json!({"year": 2026})])
            .build()
            .into()
    }
}

impl ToSchema for Attributes {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Attributes")
    }
}

impl PartialSchema for Filter {
    fn schema() -> RefOr<Schema> {
        let any = || value([Type::String, Type::Number, Type::Boolean]).build();
        let ordered = value([Type::String, Type::Number]).build();
        let several = ArrayBuilder::new().items(any()).min_items(Some(1)).build();
        let joined = list_of::<Self>().min_items(Some(1)).build();
        let key = || text().min_length(Some(1)).build();
        let compare = |kinds: &[&str], value: Schema| {
            node(kinds)
                .property("key", key())
                .required("key")
                .property("value", value)
                .required("value")
                .build()
                .into()
        };
        one_of(
            "Which documents may be found, by their attributes. At most 5 filters stand in each other, and at most 200 values are \
             compared in all.",
            [
                compare(&["eq", "ne"], any().into()),
                compare(&["gt", "gte", "lt", "lte"], ordered.into()),
                compare(&["in", "nin"], several.into()),
                node(&["and", "or"])
                    .property("filters", joined)
                    .required("filters")
                    .build()
                    .into(),
            ],
        )
    }
}

impl ToSchema for Filter {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Filter")
    }
}

/// Values by a client's own names.
fn named(about: &str, values: ObjectBuilder) -> ObjectBuilder {
    let names = text()
        .min_length(Some(1))
        .max_length(Some(LONGEST_NAME))
        .build();
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(about))
        .property_names(Some(names))
        .additional_properties(Some(values))
        .max_properties(Some(MOST_PAIRS))
}

fn value<const N: usize>(types: [Type; N]) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::from_iter(types))
}

/// A filter of one of these types, without what it compares or joins.
fn node(kinds: &[&str]) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property("type", text().enum_values(Some(kinds.iter().copied())))
        .required("type")
        .additional_properties(Some(AdditionalProperties::FreeForm(false)))
}
