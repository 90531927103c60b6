//! Lists as OpenAI has them: the ids of entries are the cursors.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How many entries a page has if the client does not say.
const DEFAULT_LIMIT: u32 = 20;
/// How many entries a page has at most, where OpenAI does not allow more.
const MOST: u32 = 100;

/// Which part of a list to give.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OpenAiPaging {
    /// How many to give, from 1 to 100; 20 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// Whether the oldest or the newest come first; the newest if left out.
    #[param(inline)]
    order: Option<SortOrder>,
    /// The id of an entry: those that come after it in this order.
    after: Option<String>,
    /// The id of an entry: those that come before it in this order.
    before: Option<String>,
}

/// By when entries were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SortOrder {
    /// The oldest first.
    Asc,
    /// The newest first.
    #[default]
    Desc,
}

/// Where in a list a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageFrom<T> {
    /// At its beginning.
    Beginning,
    /// After that entry.
    After(T),
    /// It ends before that entry.
    Before(T),
}

impl OpenAiPaging {
    /// For a list that is asked for by more than this.
    pub const fn new(
        limit: Option<u32>,
        order: Option<SortOrder>,
        after: Option<String>,
        before: Option<String>,
    ) -> Self {
        Self {
            limit,
            order,
            after,
            before,
        }
    }

    /// How many entries a page shall have: 1 to 100, and 20 if the client does not say.
    ///
    /// # Errors
    /// `Invalid` for any other number.
    pub fn limit(&self) -> Result<u32> {
        self.limit_of(DEFAULT_LIMIT, MOST)
    }

    /// The same for a list with limits of its own: what it is if the client does not say, and the most.
    ///
    /// # Errors
    /// `Invalid` for what is not from 1 to the most.
    pub fn limit_of(&self, default: u32, most: u32) -> Result<u32> {
        match self.limit.unwrap_or(default) {
            limit if (1..=most).contains(&limit) => Ok(limit),
            _ => Err(Error::invalid("limit", format!("must be from 1 to {most}"))),
        }
    }

    /// In which order entries come.
    pub fn order(&self) -> SortOrder {
        self.order.unwrap_or_default()
    }

    /// Where the page begins or ends.
    ///
    /// # Errors
    /// `Invalid` for a text that can be no id of such an entry, and for both ends at once.
    pub fn from<T: FromStr>(&self) -> Result<PageFrom<T>> {
        match (&self.after, &self.before) {
            (None, None) => Ok(PageFrom::Beginning),
            (Some(after), None) => id("after", after).map(PageFrom::After),
            (None, Some(before)) => id("before", before).map(PageFrom::Before),
            (Some(_), Some(_)) => Err(Error::invalid(
                "before",
                "can't be given with `after`; leave one of both out",
            )),
        }
    }
}

fn id<T: FromStr>(field: &str, text: &str) -> Result<T> {
    text.parse()
        .map_err(|_| Error::invalid(field, "must be the id of an entry of this list"))
}

/// A piece of a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct OpenAiList<T> {
    /// Always `list`.
    #[schema(value_type = String, example = "list")]
    object: &'static str,
    /// The entries.
    pub data: Vec<T>,
    /// The id of the first of them; `null` if there are none.
    pub first_id: Option<String>,
    /// The id of the last of them, to send as `after`; `null` if there are none.
    pub last_id: Option<String>,
    /// Whether there are entries after these.
    pub has_more: bool,
}

impl<T> OpenAiList<T> {
    /// Some entries, of which `id` gives the id.
    pub fn new(data: Vec<T>, has_more: bool, id: impl Fn(&T) -> String) -> Self {
        Self {
            object: "list",
            first_id: data.first().map(&id),
            last_id: data.last().map(&id),
            data,
            has_more,
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::FromRequestParts as _;

    use super::*;
    use crate::model::ConversationId;

    fn paging(query: &str) -> Result<OpenAiPaging> {
        let uri = format!("/v1/x?{query}").parse().expect("a path");
        let mut parts = http::Request::new(()).into_parts().0;
        parts.uri = uri;
        let read = crate::http::Query::from_request_parts(&mut parts, &());
        let read = futures_util::FutureExt::now_or_never(read).expect("nothing to wait for");
        read.map(|query| query.0)
    }

    fn fault<T: std::fmt::Debug>(result: Result<T>) -> String {
        match result.expect_err("a fault") {
            Error::Invalid(errors) => format!("{}: {}", errors[0].field, errors[0].detail),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_left_out_is_as_at_openai() {
        let paging = paging("").expect("good");
        assert_eq!(paging.limit().expect("good"), 20);
        assert_eq!(paging.limit_of(10_000, 10_000).expect("good"), 10_000);
        assert_eq!(paging.order(), SortOrder::Desc);
        assert_eq!(
            paging.from::<ConversationId>().expect("good"),
            PageFrom::Beginning
        );
    }

    #[test]
    fn what_is_said_holds() {
        let id = ConversationId::new();
        let asked = paging(&format!("limit=100&order=asc&after={id}")).expect("good");
        assert_eq!(asked.limit().expect("good"), 100);
        assert_eq!(asked.order(), SortOrder::Asc);
        assert_eq!(asked.from().expect("good"), PageFrom::After(id));
        let asked = paging(&format!("before={id}")).expect("good");
        assert_eq!(asked.from().expect("good"), PageFrom::Before(id));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for query in ["limit=0", "limit=101"] {
            let read = paging(query).expect("read").limit();
            assert_eq!(fault(read), "limit: must be from 1 to 100", "{query}");
        }
        let both = paging("after=a&before=b").expect("read");
        assert!(fault(both.from::<ConversationId>()).starts_with("before: "));
        let odd = paging("after=a").expect("read");
        assert!(fault(odd.from::<ConversationId>()).starts_with("after: "));
        for (query, field) in [
            ("limit=x", "limit"),
            ("order=up", "order"),
            ("offset=1", "offset"),
        ] {
            let fault = fault(paging(query));
            assert!(fault.starts_with(&format!("{field}: ")), "{fault}");
        }
    }

    #[test]
    fn a_list_names_its_ends() {
        let list = |data: Vec<u8>| OpenAiList::new(data, false, |entry| format!("id_{entry}"));
        let text = |list| serde_json::to_value(list).expect("JSON");
        assert_eq!(
            text(list(vec![1, 2, 3])),
            serde_json::json!({"object": "list", "data": [1, 2, 3], "first_id": "id_1", "last_id": "id_3", "has_more": false})
        );
        assert!(text(list(vec![]))["first_id"].is_null());
    }
}
