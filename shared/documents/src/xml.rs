//! XML, tag by tag. There are no entities but the five that XML itself has, and nothing is ever fetched.

use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesStart, Event};

use crate::failure::{Failure, Result};
use crate::limits::Budget;

/// What a document is made of, names without their prefix.
pub(crate) enum Node<'a> {
    Open(&'a str, &'a Element<'a>),
    Close(&'a str),
    Text(&'a str),
}

/// An element that was opened.
pub(crate) struct Element<'a>(BytesStart<'a>);

impl Element<'_> {
    /// The value of an attribute, whatever its prefix.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        self.find(|key| key.rsplit(':').next() == Some(name))
    }

    /// The value of an attribute by its name with the prefix, where both an `id` and an `r:id` may stand.
    pub(crate) fn prefixed(&self, name: &str) -> Option<String> {
        self.find(|key| key == name)
    }

    fn find(&self, is_it: impl Fn(&str) -> bool) -> Option<String> {
        let mut attributes = self.0.attributes();
        // Comparing each with each other is for validators.
        attributes.with_checks(false);
        let found = attributes
            .flatten()
            .find(|attribute| is_it(attribute.key.as_ref()))?;
        unescape(&found.value)
            .ok()
            .map(std::borrow::Cow::into_owned)
    }
}

/// Goes through a document from its beginning to its end.
pub(crate) fn walk(
    xml: &str,
    budget: &Budget<'_>,
    on_node: &mut dyn FnMut(Node<'_>) -> Result<()>,
) -> Result<()> {
    let mut reader = Reader::from_str(xml);
    let mut depth = 0_usize;
    let mut position = 0;
    loop {
        let event = reader.read_event().map_err(|_| damaged())?;
        let now = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        budget.spend(now.saturating_sub(position) + 8)?;
        position = now;
        match event {
            Event::Start(start) => {
                depth += 1;
                budget.depth(depth)?;
                let element = Element(start);
                on_node(Node::Open(element.0.local_name().as_ref(), &element))?;
            }
            Event::Empty(start) => {
                let element = Element(start);
                let name = element.0.local_name();
                on_node(Node::Open(name.as_ref(), &element))?;
                on_node(Node::Close(name.as_ref()))?;
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                on_node(Node::Close(end.local_name().as_ref()))?;
            }
            Event::Text(text) => on_node(Node::Text(&text))?,
            Event::CData(text) => on_node(Node::Text(&text))?,
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(char)) => on_node(Node::Text(char.encode_utf8(&mut [0; 4])))?,
                Ok(None) => on_node(Node::Text(
                    resolve_predefined_entity(&reference).ok_or_else(damaged)?,
                ))?,
                Err(_) => return Err(damaged()),
            },
            // Where entities would be declared. The standard for these documents forbids it.
            Event::DocType(_) => {
                return Err(Failure::corrupt("a part of it declares a document type"));
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof if depth == 0 => return Ok(()),
            Event::Eof => return Err(damaged()),
        }
    }
}

fn damaged() -> Failure {
    Failure::corrupt("a part of it is not valid XML")
}
