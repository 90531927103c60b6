//! Items that a request only refers to: those of stored responses.

use std::collections::HashMap;

use shared::http::openai::items::{Input, answered_part, named};
use shared::model::{ContentPart, ResponseId};
use shared::store::TenantStore;
use shared::{Error, Result};

use super::view::Outcome;
use super::{Fetched, fetch_from};
use crate::Chat;

/// How many responses a request may refer to: each is read.
const MOST_RESPONSES: usize = 64;

/// What the items are that a request refers to, as far as they are there. A search says nothing to a model, and is `None`.
pub(super) async fn resolved(
    chat: &Chat,
    store: &TenantStore,
    input: &Input,
) -> Result<HashMap<String, Option<ContentPart>>> {
    let mut read: HashMap<ResponseId, Option<(Fetched, Outcome)>> = HashMap::new();
    let mut items = HashMap::new();
    for id in input.references() {
        let Some((kind, response, number)) = parse(id) else {
            continue;
        };
        if !read.contains_key(&response) {
            if read.len() == MOST_RESPONSES {
                let detail = format!("must refer to items of at most {MOST_RESPONSES} responses");
                return Err(Error::invalid("/input", detail));
            }
            let found = match fetch_from(chat, store.clone(), response).await? {
                Some(found) => {
                    let outcome = found.outcome().await?;
                    Some((found, outcome))
                }
                None => None,
            };
            read.insert(response, found);
        }
        let Some(Some((found, Outcome::Answered(message)))) = read.get(&response) else {
            continue;
        };
        if kind == "fs" && found.run.retrieval.is_some() {
            items.insert(id.to_owned(), None);
        } else if let Some(part) = answered_part(message, number) {
            items.insert(id.to_owned(), Some(part));
        }
    }
    Ok(items)
}

fn parse(id: &str) -> Option<(&str, ResponseId, usize)> {
    let (kind, digits, number) = named(id)?;
    Some((kind, format!("resp_{digits}").parse().ok()?, number))
}
