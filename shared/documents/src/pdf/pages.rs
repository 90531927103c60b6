//! The tree of pages.

use std::collections::HashSet;
use std::rc::Rc;

use super::file::File;
use super::object::{Dict, Object};
use crate::failure::{Failure, Result};

/// A page with what it inherits.
pub(super) struct Page {
    pub(super) contents: Object,
    pub(super) resources: Rc<Object>,
}

/// Is given each page in order.
pub(super) type OnPage<'f> = dyn FnMut(&Page) -> Result<()> + 'f;

/// Goes through the pages, however their tree is nested; a part that is in it twice, as one in a circle is, counts once.
pub(super) fn each(file: &File<'_>, on_page: &mut OnPage<'_>) -> Result<()> {
    let root = file
        .root
        .ok_or_else(|| Failure::corrupt("it has no catalog of its pages"))?;
    let catalog = file.load(root)?;
    let tree = catalog
        .dict()
        .map(|catalog| catalog.get("Pages").clone())
        .unwrap_or_default();
    let mut seen = HashSet::new();
    let mut open = vec![(tree, Rc::new(Object::Null))];
    let mut count = 0;
    while let Some((node, inherited)) = open.pop() {
        file.budget.spend(16)?;
        if let Object::Reference(number) = node
            && !seen.insert(number)
        {
            continue;
        }
        let Object::Dict(dict) = file.value(&node)? else {
            continue;
        };
        let resources = if dict.has("Resources") {
            Rc::new(dict.get("Resources").clone())
        } else {
            inherited
        };
        match children(file, &dict)? {
            // Those that wait are kept, so they count before they are looked at.
            Some(children) => {
                file.budget
                    .objects(open.len() + children.len(), "parts in its tree of pages")?;
                open.extend(
                    children
                        .into_iter()
                        .rev()
                        .map(|child| (child, Rc::clone(&resources))),
                );
            }
            None => {
                count += 1;
                file.budget.pages(count)?;
                on_page(&Page {
                    contents: dict.get("Contents").clone(),
                    resources,
                })?;
            }
        }
    }
    if count == 0 {
        return Err(Failure::corrupt("no page of it can be found"));
    }
    Ok(())
}

/// What is below a node; `None` of a page.
fn children(file: &File<'_>, dict: &Dict) -> Result<Option<Vec<Object>>> {
    if dict.is_type("Page") || !dict.has("Kids") {
        return Ok(None);
    }
    Ok(Some(match file.value(dict.get("Kids"))? {
        Object::Array(children) => children,
        _ => Vec::new(),
    }))
}
