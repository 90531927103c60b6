//! How much one file may cost.

use std::cell::Cell;

use crate::failure::{Failure, FailureCode, Result};

/// How much one file may cost. The default fits a function with 1 GB of memory: at worst the file (50 MB), what
/// was unpacked of it (128 MB), what was made of that (strings of a workbook, objects of a PDF: 230 MB) and the text (40 MB)
/// are held at the same time, which is 450 MB. With 512 MB halve `bytes`, `inflated_bytes` and `text_chars`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file itself.
    pub bytes: usize,
    /// Bytes that all parts of the file that are read unpack to, together. A part that is not read (an image, an
    /// archive in the archive) is not unpacked and does not count.
    pub inflated_bytes: usize,
    /// How many times its packed size a part may unpack to. Asked of parts that unpack to more than a mebibyte: small
    /// ones do no harm, and a short table of equal rows packs well.
    pub ratio: usize,
    /// Files in an archive, read or not.
    pub entries: usize,
    /// Pages, slides or sheets.
    pub pages: usize,
    /// How deeply elements, values or objects may be nested. Nothing here recurses deeper than this.
    pub depth: usize,
    /// Objects of a PDF; and headings, which are kept one by one.
    pub objects: usize,
    /// Code points of the text that comes out.
    pub text_chars: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 50 << 20,
            inflated_bytes: 128 << 20,
            ratio: 200,
            entries: 10_000,
            pages: 5_000,
            depth: 200,
            objects: 500_000,
            text_chars: 10_000_000,
        }
    }
}

/// Parts that unpack to no more than this may have any ratio.
const RATIO_FREE_BYTES: usize = 1 << 20;
/// How much work, about a byte each, is done between two questions whether to go on. It takes some milliseconds.
const WORK_PER_QUESTION: usize = 64 << 10;

/// What is left of the limits while one file is read.
pub(crate) struct Budget<'a> {
    pub(crate) limits: &'a Limits,
    go_on: &'a dyn Fn() -> bool,
    work: Cell<usize>,
    inflated: Cell<usize>,
    stopped: Cell<bool>,
}

impl<'a> Budget<'a> {
    pub(crate) fn new(limits: &'a Limits, go_on: &'a dyn Fn() -> bool) -> Self {
        Self {
            limits,
            go_on,
            work: Cell::new(0),
            inflated: Cell::new(0),
            stopped: Cell::new(false),
        }
    }

    /// Whether the caller has said to stop.
    pub(crate) fn check_stopped(&self) -> Result<()> {
        if self.stopped.get() {
            self.ask()
        } else {
            Ok(())
        }
    }

    /// Counts work, and asks now and then whether to go on.
    pub(crate) fn spend(&self, work: usize) -> Result<()> {
        let sum = self.work.get().saturating_add(work);
        if sum < WORK_PER_QUESTION {
            self.work.set(sum);
            return Ok(());
        }
        self.work.set(0);
        self.ask()
    }

    /// Asks whether to go on. A no is final.
    pub(crate) fn ask(&self) -> Result<()> {
        if !self.stopped.get() && (self.go_on)() {
            return Ok(());
        }
        self.stopped.set(true);
        let message =
            "reading the file took too long; split it into smaller files and upload those";
        Err(Failure::new(FailureCode::TimedOut, message))
    }

    fn by_ratio(&self, packed: usize) -> usize {
        packed
            .saturating_mul(self.limits.ratio)
            .max(RATIO_FREE_BYTES)
    }

    /// Refuses a part of `packed` bytes that unpacks to `inflated`, or would, if that is too much by now.
    pub(crate) fn check_inflated(&self, packed: usize, inflated: usize) -> Result<()> {
        if inflated > self.by_ratio(packed) {
            let message = format!(
                "a part of the file unpacks to more than {} times its size, as no document does; save it again with \
                 its own program",
                self.limits.ratio
            );
            return Err(Failure::new(FailureCode::CompressionRatio, message));
        }
        if self.inflated.get().saturating_add(inflated) > self.limits.inflated_bytes {
            let message = format!(
                "the file unpacks to more than {} bytes; split it into smaller files",
                self.limits.inflated_bytes
            );
            return Err(Failure::new(FailureCode::InflatedTooLarge, message));
        }
        Ok(())
    }

    /// Counts a part of `packed` bytes that was unpacked to `inflated`.
    pub(crate) fn inflate(&self, packed: usize, inflated: usize) -> Result<()> {
        self.check_inflated(packed, inflated)?;
        self.inflated.set(self.inflated.get() + inflated);
        Ok(())
    }

    pub(crate) fn depth(&self, depth: usize) -> Result<()> {
        if depth <= self.limits.depth {
            return Ok(());
        }
        let message = format!(
            "the file is nested more than {} levels deep; flatten it",
            self.limits.depth
        );
        Err(Failure::new(FailureCode::TooDeep, message))
    }

    pub(crate) fn pages(&self, pages: usize) -> Result<()> {
        if pages <= self.limits.pages {
            return Ok(());
        }
        let message = format!(
            "the file has more than {} pages; split it into smaller files",
            self.limits.pages
        );
        Err(Failure::new(FailureCode::TooManyPages, message))
    }

    pub(crate) fn objects(&self, objects: usize, what: &str) -> Result<()> {
        if objects <= self.limits.objects {
            return Ok(());
        }
        let limit = self.limits.objects;
        let message = format!("the file has more than {limit} {what}; split it into smaller files");
        Err(Failure::new(FailureCode::TooComplex, message))
    }
}
