"""How well datasets fit the words of a query: BM25, each word of the title counting four times."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.catalogue.collecting import WORD, plain
from panosc_analysis.filters.patterns import folded
from panosc_analysis.search import panet

if TYPE_CHECKING:
    from panosc_analysis.catalogue.columns import Array
    from panosc_analysis.catalogue.version import Version

__all__ = ["document_scores", "scores"]

_TITLE = 4.0
_MOST_WORDS = 50  # of one query
_SHORTEST_BEGINNING = 2  # letters that may stand for longer words


def scores(version: Version, query: str, seen: Array) -> Array:
    """Give each dataset a score between 0 (holds no word of the query) and 1; those that are not seen get 0.

    Any of the words will do, also as the beginning of a longer one; accents and case do not matter. The federated
    search drops scores of 0 and 1, so others lie strictly between.
    """
    found = np.zeros(len(seen), "f4")
    for words in _groups(query):
        one = _scores_of(version, words)
        found += one
    found[~seen] = 0
    some = np.flatnonzero(found)
    length = version.columns.length[some].astype("f4")
    found[some] /= 0.25 + 0.75 * length / max(float(length.mean()), 1.0) if len(some) else 1
    found[some] = np.clip(found[some] / (1 + found[some]), 1e-6, 0.999999)
    return found


def document_scores(version: Version, datasets: Array, count: int) -> Array:
    """Give each document the best score of its datasets."""
    postings = version.columns.documents
    found = np.zeros(max(count, len(postings)), "f4")
    filled = np.flatnonzero(np.diff(postings.starts))
    if len(filled):
        found[filled] = np.maximum.reduceat(datasets[postings.ids], postings.starts[filled])
    return found[:count]


def _groups(query: str) -> list[tuple[str, ...]]:
    """Cut a query at its spaces; what is cut at other signs belongs together."""
    groups = (tuple(plain(word) for word in WORD.findall(folded(part))) for part in query.split())
    return list(dict.fromkeys(group for group in groups if group))[:_MOST_WORDS]


def _scores_of(version: Version, words: tuple[str, ...]) -> Array:
    """Score one group of words, all of which must be there."""
    found: Array | None = None
    for position, word in enumerate(words):
        one = _word_scores(version, word, begins_longer=position == len(words) - 1)
        found = one if found is None else np.where((found > 0) & (one > 0), found + one, 0)
    return np.zeros(version.columns.places, "f4") if found is None else found


def _word_scores(version: Version, word: str, *, begins_longer: bool) -> Array:
    columns = version.columns
    ends = not begins_longer or len(word) < _SHORTEST_BEGINNING
    words = version.vocabulary.words(word, begins=True, ends=ends)
    elsewhere = columns.other_words.mask(words, columns.places) | _by_terms(version, word, ends=ends)
    size = max(len(columns.documents), int(columns.document_words.ids.max(initial=0)) + 1)
    documents = np.flatnonzero(columns.document_words.mask(words, size))
    elsewhere |= columns.documents.mask(documents, columns.places)
    in_title = columns.title_words.mask(words, columns.places)
    total, having = len(columns.natural), int(np.count_nonzero(elsewhere | in_title))
    rarity = math.log(1 + (total - having + 0.5) / (having + 0.5))
    found = elsewhere.astype("f4")
    found[in_title] = _TITLE
    found *= rarity
    return found


def _by_terms(version: Version, word: str, *, ends: bool) -> Array:
    """Mark the datasets whose technique or instrument has a word in its names."""
    columns = version.columns
    techniques = [n for n, one in enumerate(version.terms("techniques")) if one and _has(_names(one), word, ends=ends)]
    found = columns.techniques.mask(techniques, columns.places)
    instruments = [
        n for n, one in version.instruments.items() if _has((one.get("name"), one.get("facility")), word, ends=ends)
    ]
    table = np.zeros(max(version.instruments, default=0) + 1, bool)
    table[instruments] = True
    return found | table[columns.instrument]


def _names(technique: dict[str, Any]) -> tuple[Any, ...]:
    pid = technique.get("panetId") or technique.get("pid")
    return (technique.get("name"), *panet.names(str(pid)))


def _has(names: tuple[Any, ...], word: str, *, ends: bool) -> bool:
    words = (plain(one) for name in names if name for one in WORD.findall(folded(str(name))))
    return any(one == word if ends else one.startswith(word) for one in words)
