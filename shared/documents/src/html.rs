//! HTML: what a reader of the page would see.

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

use crate::extracted::Extracted;
use crate::failure::Result;
use crate::kind::Kind;
use crate::limits::Budget;
use crate::writer::Writer;

/// What of the page matters.
enum Mark {
    Start(Vec<u8>),
    /// The start before was `<svg/>`, which has no end.
    SelfClosed,
    End(Vec<u8>),
    Text(Vec<u8>),
    /// Attributes, which are not kept, and comments.
    Nothing,
}

/// Goes through the tags one by one and builds no tree: nothing is nested, whatever the page does.
pub(crate) fn read(text: &str, budget: &Budget<'_>) -> Result<Extracted> {
    let mut page = Page::new(budget);
    let mut emitter =
        CallbackEmitter::new(|event: CallbackEvent<'_>, _: Span<()>| Some(mark(&event)));
    // Inside `<script>` a `<` is no tag.
    emitter.naively_switch_states(true);
    for mark in Tokenizer::new_with_emitter(text, emitter) {
        let Ok(mark) = mark;
        budget.spend(16)?;
        match mark {
            Mark::Start(name) => page.start(&name)?,
            Mark::SelfClosed => page.self_closed(),
            Mark::End(name) => page.end(&name)?,
            Mark::Text(text) => page.text(&String::from_utf8_lossy(&text))?,
            Mark::Nothing => {}
        }
    }
    page.finish()
}

fn mark(event: &CallbackEvent<'_>) -> Mark {
    match event {
        CallbackEvent::OpenStartTag { name } => Mark::Start(name.to_vec()),
        CallbackEvent::CloseStartTag { self_closing: true } => Mark::SelfClosed,
        CallbackEvent::EndTag { name } => Mark::End(name.to_vec()),
        CallbackEvent::String { value } => Mark::Text(value.to_vec()),
        _ => Mark::Nothing,
    }
}

struct Page<'a> {
    budget: &'a Budget<'a>,
    writer: Writer<'a>,
    /// The element whose content nobody sees, and how many of its name are open.
    hidden: Option<(Vec<u8>, usize)>,
    /// Whether nothing came after its start.
    hidden_at_once: bool,
    /// The level of the open heading, and what it has said so far.
    heading: Option<(u8, String)>,
    title: Option<String>,
    /// How many `<pre>` are open.
    preformatted: usize,
    /// A blank that comes before the next word of this line.
    space: bool,
}

impl<'a> Page<'a> {
    fn new(budget: &'a Budget<'a>) -> Self {
        Self {
            budget,
            writer: Writer::new(budget),
            hidden: None,
            hidden_at_once: false,
            heading: None,
            title: None,
            preformatted: 0,
            space: false,
        }
    }

    fn start(&mut self, name: &[u8]) -> Result<()> {
        self.hidden_at_once = false;
        if let Some((hidden, open)) = &mut self.hidden {
            *open += usize::from(hidden == name);
            return Ok(());
        }
        match name {
            b"script" | b"style" | b"template" | b"noscript" | b"iframe" | b"svg" | b"math" => {
                self.hidden_at_once = true;
                self.hidden = Some((name.to_vec(), 1));
            }
            b"title" => self.title = Some(String::new()),
            b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" => {
                self.close_heading()?;
                self.writer.end_block()?;
                self.heading = Some((name[1] - b'0', String::new()));
            }
            b"br" => self.line()?,
            b"pre" => {
                self.block()?;
                self.preformatted += 1;
            }
            b"li" => {
                self.line()?;
                self.word("- ")?;
            }
            b"td" | b"th" => {
                self.space = false;
                if self.writer.in_line() {
                    self.word("\t")?;
                }
            }
            b"tr" | b"dt" | b"dd" | b"option" | b"caption" | b"legend" => self.line()?,
            _ if is_block(name) => self.block()?,
            _ => {}
        }
        Ok(())
    }

    /// Only elements that are not HTML's own may end with their start.
    fn self_closed(&mut self) {
        if self.hidden_at_once {
            self.hidden = self
                .hidden
                .take()
                .filter(|(name, _)| !matches!(name.as_slice(), b"svg" | b"math"));
        }
    }

    fn end(&mut self, name: &[u8]) -> Result<()> {
        self.hidden_at_once = false;
        if let Some((hidden, open)) = &mut self.hidden {
            *open -= usize::from(hidden == name);
            if *open == 0 {
                self.hidden = None;
            }
            return Ok(());
        }
        match name {
            b"title" => {
                if let Some(title) = self.title.take() {
                    self.writer.title(&title);
                }
            }
            b"h1" | b"h2" | b"h3" | b"h4" | b"h5" | b"h6" => self.close_heading()?,
            b"pre" => {
                self.preformatted = self.preformatted.saturating_sub(1);
                self.block()?;
            }
            b"li" | b"tr" | b"dt" | b"dd" | b"option" | b"caption" | b"legend" => self.line()?,
            _ if is_block(name) => self.block()?,
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<()> {
        self.hidden_at_once = false;
        if self.hidden.is_some() {
            return self.budget.spend(text.len());
        }
        if let Some(title) = self
            .title
            .as_mut()
            .or(self.heading.as_mut().map(|(_, title)| title))
        {
            self.budget.spend(text.len())?;
            title.push_str(text);
            return Ok(());
        }
        if self.preformatted > 0 {
            return self.writer.push(text);
        }
        // HTML's own blanks: one that must not break stays.
        for (at, word) in text.split(|c: char| c.is_ascii_whitespace()).enumerate() {
            self.space |= at > 0;
            if !word.is_empty() {
                self.word(word)?;
            }
        }
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<()> {
        if std::mem::take(&mut self.space) && self.writer.in_line() {
            self.writer.push(" ")?;
        }
        self.writer.push(word)
    }

    /// A line ends, or in a heading a word.
    fn line(&mut self) -> Result<()> {
        self.space = false;
        match &mut self.heading {
            Some((_, title)) => title.push(' '),
            None => self.writer.end_line()?,
        }
        Ok(())
    }

    /// A block ends; a heading that was not closed ends with it.
    fn block(&mut self) -> Result<()> {
        self.space = false;
        self.close_heading()?;
        self.writer.end_block()
    }

    fn close_heading(&mut self) -> Result<()> {
        self.space = false;
        match self.heading.take() {
            Some((level, title)) => self.writer.heading(level, &title),
            None => Ok(()),
        }
    }

    fn finish(mut self) -> Result<Extracted> {
        self.close_heading()?;
        // A title that never ends swallowed the page, as it does in a browser.
        if let Some(title) = self.title.take() {
            self.writer.title(&title);
        }
        self.writer.finish(
            Kind::Html,
            "the page has no text of its own: it may be put together by its scripts",
        )
    }
}

fn is_block(name: &[u8]) -> bool {
    const BLOCKS: [&[u8]; 27] = [
        b"address",
        b"article",
        b"aside",
        b"blockquote",
        b"body",
        b"dialog",
        b"div",
        b"dl",
        b"fieldset",
        b"figcaption",
        b"figure",
        b"footer",
        b"form",
        b"head",
        b"header",
        b"hr",
        b"html",
        b"main",
        b"nav",
        b"ol",
        b"p",
        b"section",
        b"select",
        b"table",
        b"textarea",
        b"ul",
        b"details",
    ];
    BLOCKS.contains(&name)
}
