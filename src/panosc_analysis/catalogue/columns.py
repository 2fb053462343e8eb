"""The columns of an index: one number per dataset and property, and lists of datasets per property.

A set of datasets is a mask with one truth value per dataset number. A condition is answered by looking at numbers that
lie beside each other, so a million datasets cost about a millisecond per condition. Arrays are kept as blobs in the
index file and read once per version of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

__all__ = ["Array", "Columns", "Postings", "load", "save"]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]


def _empty(kind: str) -> Array:
    return np.zeros(0, kind)


@dataclass(slots=True)
class Postings:
    """Which datasets have which term: the numbers of those that have term `n` are ``ids[starts[n]:starts[n + 1]]``.

    Parameters
    ----------
    starts
        One more than there are terms.
    ids
        Numbers of datasets; ascending for each term, or in the order of `values`.
    values
        One number for each of `ids`, ascending for each term; empty where there are none.
    """

    starts: Array = field(default_factory=lambda: np.zeros(1, "i8"))
    ids: Array = field(default_factory=lambda: _empty("i4"))
    values: Array = field(default_factory=lambda: _empty("f8"))

    def __len__(self) -> int:
        """Give the number of terms."""
        return len(self.starts) - 1

    def of(self, term: int) -> Array:
        """Give the datasets that have a term."""
        return self.ids[self.starts[term] : self.starts[term + 1]] if term < len(self) else self.ids[:0]

    def mask(self, terms: Sequence[int] | Array, size: int) -> Array:
        """Mark the datasets that have any of some terms."""
        found = np.zeros(size, bool)
        if len(terms) <= 1000:
            for term in terms:
                found[self.of(int(term))] = True
            return found
        wanted = np.zeros(len(self), bool)
        wanted[terms] = True
        found[self.ids[np.repeat(wanted, np.diff(self.starts))]] = True
        return found

    def terms_of(self, mask: Array) -> Array:
        """Mark the terms that any of the marked datasets has."""
        ends = np.concatenate(([0], np.cumsum(mask[self.ids])))
        return np.diff(ends[self.starts]) > 0

    def merged(self, touched: Array, terms: Array, ids: Array, values: Array | None = None) -> Postings:
        """Take out the touched datasets and put in new pairs of term and dataset, each once.

        Only touched datasets may be in the new pairs. Costs a copy, and the sorting of what is new.
        """
        old = self._without(touched)
        if values is None:
            keys = np.unique((terms.astype("i8") << 32) | ids)
            terms, ids = keys >> 32, keys & 0xFFFFFFFF
            at, new_values = _places(old.starts, old.ids, terms, ids), old.values
        else:
            order = np.lexsort((ids, values, terms))
            terms, ids, values = terms[order], ids[order], values[order]
            at = _places(old.starts, old.values, terms, values)
            new_values = np.insert(old.values, at, values)
        count = max(len(old), int(terms[-1]) + 1 if len(terms) else 0)
        starts = np.append(old.starts, np.full(count - len(old), old.starts[-1]))
        starts[1:] += np.cumsum(np.bincount(terms, minlength=count))
        return Postings(starts, np.insert(old.ids, at, ids.astype("i4")), new_values)

    def _without(self, touched: Array) -> Postings:
        kept = ~touched[self.ids]
        if kept.all():
            return self
        codes = np.repeat(np.arange(len(self)), np.diff(self.starts))[kept]
        starts = np.concatenate(([0], np.cumsum(np.bincount(codes, minlength=len(self)))))
        return Postings(starts.astype("i8"), self.ids[kept], self.values[kept] if len(self.values) else self.values)


def _places(starts: Array, known: Array, terms: Array, new: Array) -> Array:
    """Say where new numbers go among the known ones of their terms; both ascend for each term."""
    places = np.full(len(terms), len(known))
    if not len(known) or not len(terms):
        return places
    different, first = np.unique(terms, return_index=True)
    for term, begin, end in zip(different, first, np.append(first[1:], len(terms)), strict=True):
        if term < len(starts) - 1:
            low, high = starts[term], starts[term + 1]
            places[begin:end] = low + np.searchsorted(known[low:high], new[begin:end])
    return places


@dataclass(slots=True)
class Columns:
    """All columns of one index. Dense ones have one place for each number that a dataset may have; 0 is none.

    Parameters
    ----------
    alive
        Whether there is a dataset with this number.
    created, size
        Seconds since 1970, cut to milliseconds as in the record; bytes. NaN where the record has none.
    open_from
        Seconds since 1970 from which on everybody may see it; NaN for never.
    proposal, instrument
        Numbers of terms and of instruments; 0 for none.
    title_rank, pid_rank
        Order by title and by identifier; equal for equal titles.
    natural
        The numbers of all datasets, newest first, then by identifier.
    length
        Number of words, for ranking.
    techniques, samples, texts
        Which datasets have which terms; `texts` are parameters with a text as their value.
    numbers
        Parameters with a number as their value: a term is a name with a unit.
    documents
        Which datasets belong to which document; the term is the document's number.
    title_words, other_words, document_words
        Words of the vocabulary in titles, elsewhere in datasets, and (document numbers) in documents.
    vocabulary, word_starts
        The words, UTF-8, each between two line feeds; where each begins.
    """

    alive: Array = field(default_factory=lambda: np.zeros(1, bool))
    created: Array = field(default_factory=lambda: np.full(1, np.nan))
    size: Array = field(default_factory=lambda: np.full(1, np.nan))
    open_from: Array = field(default_factory=lambda: np.full(1, np.nan))
    proposal: Array = field(default_factory=lambda: np.zeros(1, "i4"))
    instrument: Array = field(default_factory=lambda: np.zeros(1, "i4"))
    title_rank: Array = field(default_factory=lambda: np.zeros(1, "i8"))
    pid_rank: Array = field(default_factory=lambda: np.zeros(1, "i8"))
    length: Array = field(default_factory=lambda: np.zeros(1, "u2"))
    natural: Array = field(default_factory=lambda: _empty("i4"))
    techniques: Postings = field(default_factory=Postings)
    samples: Postings = field(default_factory=Postings)
    texts: Postings = field(default_factory=Postings)
    numbers: Postings = field(default_factory=Postings)
    documents: Postings = field(default_factory=Postings)
    title_words: Postings = field(default_factory=Postings)
    other_words: Postings = field(default_factory=Postings)
    document_words: Postings = field(default_factory=Postings)
    vocabulary: Array = field(default_factory=lambda: np.frombuffer(b"\n", "u1"))
    word_starts: Array = field(default_factory=lambda: _empty("i8"))

    @property
    def places(self) -> int:
        """Length of a mask."""
        return len(self.alive)


def load(connection: sqlite3.Connection) -> Columns:
    """Read the columns of an index into memory; empty ones where there are none yet."""
    rows = connection.execute("SELECT name, type, data FROM store")
    arrays = {str(name): np.frombuffer(data, kind) for name, kind, data in rows}
    found = Columns()
    for one in fields(Columns):
        current = getattr(found, one.name)
        if isinstance(current, Postings):
            for part in fields(Postings):
                setattr(current, part.name, arrays.get(f"{one.name}.{part.name}", getattr(current, part.name)))
        else:
            setattr(found, one.name, arrays.get(one.name, current))
    return found


def save(connection: sqlite3.Connection, columns: Columns) -> None:
    """Write the columns into an index that is being made."""
    for name, array in _arrays(columns):
        row = (name, array.dtype.str, np.ascontiguousarray(array).data)
        connection.execute("INSERT OR REPLACE INTO store VALUES (?, ?, ?)", row)


def _arrays(columns: Columns) -> Iterable[tuple[str, Array]]:
    for one in fields(columns):
        found = getattr(columns, one.name)
        if isinstance(found, Postings):
            yield from ((f"{one.name}.{part.name}", getattr(found, part.name)) for part in fields(found))
        else:
            yield one.name, found
