//! The archive that Office documents are: read in memory, one part after the other, never written to disk.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use zip::ZipArchive;

use crate::decode::{self, Decoded};
use crate::failure::{Failure, FailureCode, Result};
use crate::kind;
use crate::limits::Budget;

pub(crate) struct Archive<'a> {
    zip: ZipArchive<Source<'a>>,
    budget: &'a Budget<'a>,
}

impl<'a> Archive<'a> {
    /// Opens an archive whose entries are what they seem. All of them are looked at, also those that are never read.
    pub(crate) fn open(bytes: &'a [u8], budget: &'a Budget<'a>) -> Result<Self> {
        // Counted before the directory is read, because the reader keeps some hundred bytes of each entry.
        let entries = memchr::memmem::find_iter(bytes, b"PK\x01\x02")
            .take(budget.limits.entries + 1)
            .count();
        if entries > budget.limits.entries {
            let message = format!(
                "the archive has more than {} files in it",
                budget.limits.entries
            );
            return Err(Failure::new(FailureCode::TooManyEntries, message));
        }
        let zip = ZipArchive::new(Source {
            bytes: Cursor::new(bytes),
            budget,
        });
        budget.check_stopped()?;
        let zip = zip.map_err(|_| Failure::corrupt("its archive cannot be read"))?;
        let mut archive = Self { zip, budget };
        archive.check_entries()?;
        Ok(archive)
    }

    fn check_entries(&mut self) -> Result<()> {
        if self.zip.has_duplicate_names() {
            return Err(unsafe_archive("two files of the archive have one name"));
        }
        for index in 0..self.zip.len() {
            self.budget.spend(64)?;
            let entry = self
                .zip
                .by_index_data(index)
                .map_err(|_| Failure::corrupt("its archive has no such entry"))?;
            if entry.encrypted() {
                return Err(kind::encrypted());
            }
            if entry.is_symlink() {
                return Err(unsafe_archive("the archive has a link in it"));
            }
            if points_outside(entry.name_raw()) {
                return Err(unsafe_archive(
                    "a file of the archive has a name that points out of it",
                ));
            }
        }
        let overlap = self.zip.has_overlapping_entries();
        self.budget.check_stopped()?;
        match overlap {
            Ok(false) => Ok(()),
            Ok(true) => Err(unsafe_archive("the files of the archive overlap")),
            Err(_) => Err(Failure::corrupt("its archive is cut off")),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(name).is_some()
    }

    /// The XML of a part; `None` if there is no such part.
    pub(crate) fn xml(&mut self, name: &str) -> Result<Option<String>> {
        let Some(bytes) = self.part(name)? else {
            return Ok(None);
        };
        // Nearly all parts are UTF-8 without a mark, and need no second copy.
        let bytes = match String::from_utf8(bytes) {
            Ok(text) if !text.starts_with('\u{feff}') => return Ok(Some(text)),
            Ok(text) => text.into_bytes(),
            Err(error) => error.into_bytes(),
        };
        match decode::decode(&bytes) {
            Decoded::Text(text) => Ok(Some(text.into_owned())),
            Decoded::Unknown | Decoded::Binary => Err(Failure::corrupt("a part of it is not XML")),
        }
    }

    fn part(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(index) = self.zip.index_for_name(name) else {
            return Ok(None);
        };
        let unreadable = || Failure::corrupt("a part of it cannot be unpacked");
        let mut file = self.zip.by_index(index).map_err(|_| unreadable())?;
        let size = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
        let (packed, declared) = (size(file.compressed_size()), size(file.size()));
        // What is declared is refused before anything is unpacked. It may be a lie, so what comes is counted too.
        self.budget.check_inflated(packed, declared)?;
        let mut bytes = Vec::new();
        let mut buffer = [0; 16 << 10];
        loop {
            let read = file.read(&mut buffer);
            self.budget.check_stopped()?;
            match read.map_err(|_| unreadable())? {
                0 => break,
                read => bytes.extend_from_slice(&buffer[..read]),
            }
            self.budget.spend(buffer.len() / 8)?;
            self.budget.check_inflated(packed, bytes.len())?;
        }
        self.budget.inflate(packed, bytes.len())?;
        Ok(Some(bytes))
    }
}

fn unsafe_archive(what: &str) -> Failure {
    let message = format!(
        "{what}, as in no document that a program saved; save it again with its own program"
    );
    Failure::new(FailureCode::UnsafeArchive, message)
}

fn points_outside(name: &[u8]) -> bool {
    let mut parts = name.split(|byte| matches!(byte, b'/' | b'\\'));
    let absolute = name
        .first()
        .is_some_and(|byte| matches!(byte, b'/' | b'\\'))
        || name.get(1) == Some(&b':');
    absolute || name.contains(&0) || parts.any(|part| part == b"..")
}

/// The bytes of the archive. Its reader looks for the directory in all of them, if it must, and tries one after another;
/// here it is asked whether to go on.
struct Source<'a> {
    bytes: Cursor<&'a [u8]>,
    budget: &'a Budget<'a>,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.budget
            .spend(read + 16)
            .map_err(|failure| io::Error::other(failure.code.as_str()))?;
        Ok(read)
    }
}

impl Seek for Source<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}
