//! The parts of a text that no chunk reaches across.

use std::sync::Arc;

use crate::extracted::Extracted;

/// A part on one page under one heading.
pub(super) struct Section<'t> {
    pub(super) text: &'t str,
    /// The offset of its first code point in the whole text.
    pub(super) start: usize,
    pub(super) page: Option<u32>,
    pub(super) headings: Vec<Arc<str>>,
}

/// Splits a text at its pages and headings. A heading that nothing but another follows on its page, as a title before the
/// first chapter, stays with that one.
pub(super) fn split(extracted: &Extracted) -> Vec<Section<'_>> {
    let mut cuts = cuts(extracted);
    cuts.retain({
        let mut last = None;
        move |cut| last.replace(*cut) != Some(*cut)
    });
    let mut pages = extracted.pages.iter().peekable();
    let mut headings = extracted.headings.iter().peekable();
    let mut open: Vec<(u8, Arc<str>)> = Vec::new();
    let mut sections: Vec<Section<'_>> = Vec::new();
    let mut only_heading = None;
    let mut rest = extracted.text.as_str();
    for (index, &start) in cuts.iter().enumerate() {
        let length = cuts.get(index + 1).map_or(usize::MAX, |next| next - start);
        let (text, after) = rest.split_at(byte_of(rest, length));
        rest = after;
        while pages.next_if(|page| page.end <= start).is_some() {}
        let page = pages
            .peek()
            .filter(|page| page.start <= start)
            .map(|page| page.number);
        let mut is_only_heading = false;
        while let Some(heading) = headings.next_if(|heading| heading.start <= start) {
            open.retain(|(level, _)| *level < heading.level);
            open.push((heading.level, heading.title.as_str().into()));
            is_only_heading = !text.trim_end().contains('\n');
        }
        let titles: Vec<Arc<str>> = open.iter().map(|(_, title)| Arc::clone(title)).collect();
        match (only_heading, sections.last_mut()) {
            // The two lie side by side in the text.
            (Some(begin), Some(last)) if last.page == page && is_below(&last.headings, &titles) => {
                let begin: usize = begin;
                last.text = &extracted.text[begin..extracted.text.len() - rest.len()];
                last.headings = titles;
            }
            _ => {
                only_heading = Some(extracted.text.len() - rest.len() - text.len());
                sections.push(Section {
                    text,
                    start,
                    page,
                    headings: titles,
                });
            }
        }
        if !is_only_heading {
            only_heading = None;
        }
    }
    sections
}

/// The offsets where something begins, in order.
fn cuts(extracted: &Extracted) -> Vec<usize> {
    let pages = extracted
        .pages
        .iter()
        .flat_map(|page| [page.start, page.end]);
    let headings = extracted.headings.iter().map(|heading| heading.start);
    let mut cuts: Vec<usize> = std::iter::once(0).chain(pages).chain(headings).collect();
    cuts.sort_unstable();
    cuts
}

fn is_below(above: &[Arc<str>], titles: &[Arc<str>]) -> bool {
    titles.len() > above.len() && titles.starts_with(above)
}

fn byte_of(text: &str, chars: usize) -> usize {
    text.char_indices()
        .nth(chars)
        .map_or(text.len(), |(at, _)| at)
}
