//! What is wrong with a request, with the fields as they stand in it.

use crate::error::{Error, FieldError};

/// A parameter of OpenAI's that means nothing here; what to do instead.
pub fn unsupported(field: &str, detail: &str) -> Error {
    Error::unsupported(field, format!("is not supported here; {detail}"))
}

/// The error with its fields as `names` has them: the first that begins like a field is put in its place.
pub fn renamed(error: Error, names: &[(&str, &str)]) -> Error {
    let Error::Invalid(mut errors) = error else {
        return error;
    };
    for FieldError { field, .. } in &mut errors {
        let mut known = names.iter();
        let found = known.find_map(|(ours, theirs)| Some((field.strip_prefix(ours)?, theirs)));
        if let Some((inside, theirs)) = found {
            *field = format!("{theirs}{inside}");
        }
    }
    Error::Invalid(errors)
}
