//! The OpenAPI document: what all groups have in common is added here, and not repeated at each route.

mod complete;
mod events;

use serde_json::json;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Header, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder};
use utoipa::{PartialSchema as _, ToSchema as _};

use super::idempotency::{IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED, PATTERN};
use super::openai::{OpenAiError, OpenAiFailure, is_door};
use super::problem::{PROBLEM_JSON, Problem};
pub use crate::schema::{
    Attributes, DataAddress, Filter, ImageAddress, Metadata, Schemas, collect, list_of, one_of,
    text, visible, words,
};
pub use complete::CLOSED;
pub use events::{event, events_like, stream, text_event, unnamed};

use crate::auth::policy::{self, KeyAccess, Rule};
use crate::error::FieldError;
use crate::model::MembershipRole;

/// The name of the security scheme of routes that want an access token.
pub const BEARER: &str = "bearer";

/// Joins the documents of all groups into one.
pub fn document(groups: impl IntoIterator<Item = OpenApi>) -> OpenApi {
    let mut document = OpenApi::default();
    for group in groups {
        document.merge(group);
    }
    document.info.title = "Chatter".to_owned();
    document.info.description = Some(
        "An AI chat platform that a team runs in its own AWS account.\n\n\
         Errors are problem documents (RFC 9457); decide by their `type`. Every response has an `x-request-id`.\n\n\
         Paths below `/v1` are those of OpenAI's API, with its errors: its libraries work with the address of this API and \
         `/v1` as their `base_url`, and an API key.\n\n\
         Operations that list the header `Idempotency-Key` do the same request once: who gets no reply sends it again \
         with the same key. JSON is compared by what it says, not by how it is written. Elsewhere the header has no \
         effect: GET, PUT and DELETE are the same twice as once, and where nobody logged in a key would be nobody's."
            .to_owned(),
    );
    document.info.version = "1".to_owned();
    document.info.license = None;
    document.info.contact = None;
    let components = document.components.get_or_insert_default();
    components
        .schemas
        .insert(Problem::name().into_owned(), Problem::schema());
    components
        .schemas
        .insert(FieldError::name().into_owned(), FieldError::schema());
    components
        .schemas
        .insert(OpenAiFailure::name().into_owned(), OpenAiFailure::schema());
    components
        .schemas
        .insert(OpenAiError::name().into_owned(), OpenAiError::schema());
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("An access token, from login or refresh; an API key, where its scopes allow it; or a token of the tenant's own identity provider."))
        .build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    complete::schemas(components);
    for (path, item) in &mut document.paths.paths {
        let form = if is_door(path) {
            Form::OpenAi
        } else {
            Form::Problem
        };
        let has_parameters = path.contains('{');
        for operation in operations(item) {
            complete::parameters(operation);
            add_problems(operation, has_parameters, form);
        }
        for (method, operation) in methods(item) {
            if let Some(rule) = policy::find(method, path) {
                add_access(operation, rule);
                if rule.is_done_once() {
                    add_once(operation, form);
                }
            }
        }
    }
    document
}

/// The operations of a path, whatever their methods.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    methods(item).map(|(_, operation)| operation)
}

/// The same with their methods.
fn methods(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("GET", item.get.as_mut()),
        ("PUT", item.put.as_mut()),
        ("POST", item.post.as_mut()),
        ("DELETE", item.delete.as_mut()),
        ("PATCH", item.patch.as_mut()),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation?)))
}

/// Who may, as the rules have it: for people in the description, for programs in `x-access`.
fn add_access(operation: &mut Operation, rule: &Rule) {
    let roles = MembershipRole::ALL.into_iter();
    let roles: Vec<_> = roles.filter(|role| *role >= rule.role).collect();
    let (keys, scope) = match rule.keys {
        KeyAccess::No => (false, None),
        KeyAccess::Any => (true, None),
        KeyAccess::With(scope) => (true, Some(scope)),
    };
    let access = json!({"roles": roles, "api_keys": keys, "scope": scope});
    let (least, scope) = (&access["roles"][0], &access["scope"]);
    let (least, scope) = (least.as_str(), scope.as_str());
    let with_key = match (keys, scope) {
        (false, _) => "API keys can't be used.".to_owned(),
        (true, None) => "Any API key can be used.".to_owned(),
        (true, Some(scope)) => format!("An API key needs the scope `{scope}`."),
    };
    let least = least.unwrap_or_default();
    let who = format!("For the role `{least}` and above. {with_key}");
    let described = operation.description.take();
    operation.description = Some(match described.filter(|text| !text.is_empty()) {
        Some(text) => format!("{text}\n\n{who}"),
        None => who,
    });
    // One name only: the order of several is another one in each process.
    let extensions = operation.extensions.get_or_insert_default();
    extensions.merge(Extensions::from_iter([("x-access", access)]));
}

/// In which form an operation's failures are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Problem,
    OpenAi,
}

impl Form {
    /// The status that fields which break their rules have.
    const fn invalid(self) -> &'static str {
        match self {
            Self::Problem => "422",
            Self::OpenAi => "400",
        }
    }

    /// What 400 means.
    const fn unreadable(self) -> &'static str {
        match self {
            Self::Problem => "The request can't be read.",
            Self::OpenAi => {
                "The request can't be read, or its fields break their rules: `param` names the first."
            }
        }
    }

    fn failure(self, description: &str) -> Response {
        let (media_type, name) = match self {
            Self::Problem => (PROBLEM_JSON, Problem::name()),
            Self::OpenAi => ("application/json", OpenAiFailure::name()),
        };
        let schema = Ref::from_schema_name(name);
        ResponseBuilder::new()
            .description(description)
            .content(media_type, Content::new(Some(schema)))
            .build()
    }
}

/// That the same request with the same `Idempotency-Key` is done once, as `once.rs` does it.
fn add_once(operation: &mut Operation, form: Form) {
    let key = ParameterBuilder::new()
        .name(IDEMPOTENCY_KEY)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("Any text that is new for each new request, of 1 to 255 visible ASCII characters, in quotes or without. The same request, sent again with it within a day, is done once and gets the same reply."))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some(PATTERN)),
        ))
        .build();
    operation
        .parameters
        .get_or_insert_default()
        .push(RefOr::T(key));
    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut() {
        if let RefOr::T(response) = response
            && status.starts_with('2')
        {
            let mut replayed = Header::new(String::schema());
            let text = "`true` where this is the reply that the same request got before.";
            replayed.description = Some(text.to_owned());
            let name = IDEMPOTENCY_REPLAYED.as_str().to_owned();
            response.headers.insert(name, RefOr::T(replayed));
        }
    }
    for (status, description) in [
        ("400", "`Idempotency-Key` is no such text."),
        (
            "409",
            "The same request with this `Idempotency-Key` is being worked on (`idempotency-in-progress`), or was done and its reply is lost (`idempotency-reply-lost`).",
        ),
        (
            form.invalid(),
            "`Idempotency-Key` came with another request before (`idempotency-key-reused`).",
        ),
    ] {
        let response = responses.entry(status.to_owned());
        let response = response.or_insert_with(|| RefOr::T(form.failure("")));
        if let RefOr::T(response) = response {
            let own = std::mem::take(&mut response.description);
            let both = [own.as_str(), description];
            response.description = both.join(" ").trim().to_owned();
        }
    }
    let too_large = responses.entry("413".to_owned());
    too_large.or_insert_with(|| RefOr::T(form.failure("The body is too large.")));
}

/// What each kind of route can answer besides what it says itself.
fn add_problems(operation: &mut Operation, has_path_parameters: bool, form: Form) {
    let has_query = operation
        .parameters
        .as_ref()
        .is_some_and(|parameters| parameters.iter().any(is_in_query));
    let has_body = operation.request_body.is_some();
    let problems = [
        (has_body || has_query, "400", form.unreadable()),
        (
            operation.security.is_some(),
            "401",
            "No access token, or one that does not hold.",
        ),
        (
            operation.security.is_some(),
            "403",
            "The caller may not do this: by role, by scope, or because the tenant is suspended.",
        ),
        (
            has_path_parameters,
            "404",
            "There is no such thing, or it is someone else's.",
        ),
        (
            true,
            "406",
            "The client accepts none of the forms of the answer.",
        ),
        (has_body, "413", "The body is too large."),
        (true, "414", "The path and query are too long."),
        (has_body, "415", "The body is not JSON."),
        (
            (has_body || has_query) && form == Form::Problem,
            "422",
            "Fields break their rules; `errors` names them.",
        ),
        (
            true,
            "429",
            "Too many requests; `Retry-After` and `RateLimit` say when to try again.",
        ),
        (true, "500", "A fault of ours."),
        (
            true,
            "503",
            "A service that we depend on is not available; `Retry-After` says when to try again.",
        ),
    ];
    for (_, status, description) in problems.into_iter().filter(|(applies, ..)| *applies) {
        let responses = &mut operation.responses.responses;
        let response = responses.entry(status.to_owned());
        response.or_insert_with(|| RefOr::T(form.failure(description)));
    }
}

fn is_in_query(parameter: &RefOr<Parameter>) -> bool {
    matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query)
}
