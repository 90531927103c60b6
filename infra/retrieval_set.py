"""A retrieval set with one right answer a query, made of two dictionaries that Debian packages.

No set with judged relevance was found in a package registry, so this one is made by a rule:

- Documents: entries of GCIDE, which is Webster's of 1913 with additions, whose headword is one lower-case word that
  WordNet has as a noun with one sense. Entries that quote WordNet are left out, because they would be the query itself.
- Queries: what WordNet says of the headword, without its examples, if it does not name the headword.
- Relevant: the entry of the same headword, and nothing else.

So queries and documents were written by different people a century apart, and share few words. What it can't show:
other entries may answer as well and count as wrong (figures are too low, the same for everybody who is compared);
documents are short definitions, not chapters; it is English alone; and queries are descriptions, in which nobody asks for
a name or a number, where keywords are strong.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from pathlib import Path

DOCUMENTS, QUERIES = 3000, 400
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def make(gcide: Path, wordnet: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Documents and queries, both by headword. The same for everybody: what is taken is decided by hashes."""
    glosses = _glosses(wordnet)
    entries = _entries(gcide, set(glosses))
    taken = sorted(entries, key=_hash)[:DOCUMENTS]
    documents = {word: entries[word] for word in taken}
    asked = [word for word in taken if glosses[word] is not None][:QUERIES]
    return documents, {word: str(glosses[word]) for word in asked}


def _hash(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()


def _glosses(wordnet: Path) -> dict[str, str | None]:
    """Nouns with one sense; `None` for what can't be asked."""
    by_offset = {}
    for line in (wordnet / "data.noun").read_text().splitlines():
        if not line.startswith("  "):
            by_offset[line[:8]] = line.partition(" | ")[2].strip()
    glosses: dict[str, str | None] = {}
    for line in (wordnet / "index.noun").read_text().splitlines():
        word, *rest = line.split()
        if line.startswith("  ") or rest[1] != "1" or not re.fullmatch("[a-z]{4,}", word):
            continue
        gloss = by_offset[rest[-1]].partition(";")[0].strip()
        asked = len(gloss.split()) >= 5 and word[:5] not in gloss.lower()
        glosses[word] = gloss if asked else None
    return glosses


def _entries(gcide: Path, words: set[str]) -> dict[str, str]:
    with gzip.open(gcide / "gcide.dict.dz") as dictionary:
        data = dictionary.read()
    entries: dict[str, str] = {}
    for line in (gcide / "gcide.index").read_text(encoding="utf-8").splitlines():
        headword, start, length = line.split("\t")
        word = headword.lower()
        if word not in words or word in entries:
            continue
        at = _number(start)
        entry = data[at : at + _number(length)].decode("utf-8", "replace")
        # The index also leads from other spellings to an entry.
        own = entry.lower().startswith(f"{word} ")
        if own and "WordNet" not in entry and "PJC" not in entry:
            entries[word] = _cleaned(entry)
    return {word: entry for word, entry in entries.items() if 80 <= len(entry) <= 2000}


def _cleaned(entry: str) -> str:
    """Without pronunciation and etymology, which stand before the first definition, and without marks of the source."""
    entry = re.sub(r"\[1913 Webster\]", "", entry)
    entry = re.sub(r"^(\S+) .*?(?=\n\s+(?:1\. |The |An? |One |That ))", r"\1", entry, count=1, flags=re.S)
    return re.sub(r"\s+", " ", entry).strip()


def _number(digits: str) -> int:
    value = 0
    for digit in digits:
        value = value * 64 + BASE64.index(digit)
    return value
