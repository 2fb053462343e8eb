"""In which order hits of several providers stand.

Providers' scores cannot be compared: most have none, the others depend on what else each of them holds. So hits are
ranked here, over the merged list, by BM25F (Robertson and Zaragoza, 2009): for each word of the question, how often it
stands in a record, weighted by where (title 3, technique 2, sample 2, instrument 1), damped (``k1 = 1.2``) and
corrected for the length of each field (``b = 0.75``); times how rare the word is among the hits. Words are compared
without regard to case and plural s. Equal scores, and questions without words, go by date, the newest first, then by
PID: the order depends on the hits alone, not on who answered first.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from panosc_analysis.filters.patterns import folded
from panosc_analysis.model import pid_key

if TYPE_CHECKING:
    from panosc_analysis.model import Dataset

__all__ = ["ranked", "scores"]

WEIGHTS = {"title": 3.0, "technique": 2.0, "sample": 2.0, "instrument": 1.0}
K1, B = 1.2, 0.75
_WORD = re.compile(r"[^\W_]+")
_OLDEST = datetime.min.replace(tzinfo=UTC)


def ranked(datasets: Iterable[Dataset], words: Sequence[str]) -> list[Dataset]:
    """Give datasets in the order in which they are shown."""
    found = list(datasets)
    score = dict(zip((one.pid for one in found), scores(found, words), strict=True))
    found.sort(key=lambda one: pid_key(one.pid))
    found.sort(key=lambda one: (score[one.pid], one.creation_date or _OLDEST), reverse=True)
    return found


def scores(datasets: Sequence[Dataset], words: Sequence[str]) -> list[float]:
    """Score datasets for the words of a question; 0 for each without words."""
    terms = set(_terms(" ".join(words)))
    if not terms or not datasets:
        return [0.0] * len(datasets)
    fields = [_fields(one) for one in datasets]
    usual = {name: sum(map(len, (one[name] for one in fields))) / len(fields) or 1.0 for name in WEIGHTS}
    counts = [_weighted(one, usual, terms) for one in fields]
    holding = Counter(term for one in counts for term in one)
    rarity = {term: math.log(1 + (len(fields) - n + 0.5) / (n + 0.5)) for term, n in holding.items()}
    return [round(sum(rarity[t] * n / (K1 + n) for t, n in sorted(one.items())), 9) for one in counts]


def _fields(dataset: Dataset) -> dict[str, list[str]]:
    texts = {
        "title": dataset.title,
        "technique": " ".join(one.name for one in dataset.techniques),
        "sample": " ".join(one.name for one in dataset.samples),
        "instrument": dataset.instrument.name if dataset.instrument else "",
    }
    return {name: _terms(text) for name, text in texts.items()}


def _terms(text: str) -> list[str]:
    return [word.removesuffix("s") if len(word) > 3 else word for word in _WORD.findall(folded(text))]


def _weighted(fields: Mapping[str, list[str]], usual: Mapping[str, float], terms: set[str]) -> dict[str, float]:
    """Count how often each term stands in a record, weighted by field and length."""
    found: dict[str, float] = {}
    for name, words in fields.items():
        scale = WEIGHTS[name] / (1 - B + B * len(words) / usual[name])
        for word in words:
            if word in terms:
                found[word] = found.get(word, 0.0) + scale
    return found
