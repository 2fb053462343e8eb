"""Finding words, parts of words and phrases in the titles of all datasets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from panosc_analysis.filters.patterns import folded

if TYPE_CHECKING:
    from panosc_analysis.catalogue.columns import Array, Columns

__all__ = ["Vocabulary"]

_WORD = re.compile(r"\w+")
_SHORT = 3  # bytes; so short a part stands in so many words that it is looked for everywhere at once


class Vocabulary:
    """The words of an index.

    Parameters
    ----------
    columns
        The columns that it belongs to.
    """

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self._text = bytes(columns.vocabulary)

    def words(self, part: str, *, begins: bool = False, ends: bool = False) -> Array:
        """Give the numbers of the words that hold a part, at the beginning or the end if that is asked for."""
        needle = b"\n" * begins + part.encode() + b"\n" * ends
        if not len(self.columns.word_starts):
            return np.zeros(0, "i8")
        places = self._everywhere(needle) if len(needle) <= _SHORT else self._one_by_one(needle)
        return np.unique(np.searchsorted(self.columns.word_starts, places + begins, "right") - 1)

    def titles_with(self, phrase: str) -> tuple[Array, bool] | None:
        """Mark the datasets whose title may hold a phrase, and say whether all of them do; ``None`` if unknown.

        Upper and lower case are the same; of a phrase of several words only the words are looked at.
        """
        phrase = folded(phrase)
        parts = [(one.group(), one.start() > 0, one.end() < len(phrase)) for one in _WORD.finditer(phrase)]
        found: Array | None = None
        for part, begins, ends in parts:
            if len(part) > 90:  # longer words are cut when they are indexed
                return None
            mask = self._titles(self.words(part, begins=begins, ends=ends))
            found = mask if found is None else found & mask
        if found is None:
            return None
        return found, parts[0][0] == phrase

    def titles_like(self, pattern: str) -> Array | None:
        """Mark the datasets whose title may match a pattern of ``like``; ``None`` if unknown."""
        found = None
        for literal in re.split(r"\\.|[%_]", pattern):
            titles = self.titles_with(literal) if _WORD.search(literal) else None
            if titles is not None:
                found = titles[0] if found is None else found & titles[0]
        return found

    def _titles(self, words: Array) -> Array:
        return self.columns.title_words.mask(words, self.columns.places)

    def _one_by_one(self, needle: bytes) -> Array:
        places = (one.start() for one in re.finditer(re.escape(needle), self._text))
        return np.fromiter(places, "i8")

    def _everywhere(self, needle: bytes) -> Array:
        text = self.columns.vocabulary
        last = len(text) - len(needle) + 1
        found = np.ones(max(last, 0), bool)
        for offset, byte in enumerate(needle):
            found &= text[offset : offset + last] == byte
        return np.flatnonzero(found)
