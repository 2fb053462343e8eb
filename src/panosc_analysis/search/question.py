"""A question to a provider: the filters that ask it, and how an answer is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from panosc_analysis.filters import Filter, Order, accepts, related
from panosc_analysis.filters.patterns import folded
from panosc_analysis.model import same_pid

__all__ = ["DEFAULT_LIMIT", "Question"]

DEFAULT_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Question:
    """What is sent and how an answer is judged.

    Parameters
    ----------
    filters
        Asked one after the other; a record that any of them accepts is a hit.
    words
        Each must stand in the title, the name of a sample or of the instrument.
    proposal
        Must be one of the record's documents: its PID or the last part of it.
    limit
        At most so many hits.
    order
        How to sort what was read; servers are not asked to sort.
    """

    filters: tuple[Filter, ...]
    words: tuple[str, ...] = ()
    proposal: str | None = None
    limit: int = DEFAULT_LIMIT
    order: tuple[Order, ...] = ()

    def accepts(self, record: Mapping[str, Any]) -> bool:
        """Say whether a record is a hit, whatever the provider thinks of it."""
        return (
            any(accepts(one, record) for one in self.filters)
            and (not self.words or _holds_words(record, self.words))
            and (self.proposal is None or any(_is_called(one, self.proposal) for one in related(record, "documents")))
        )


def _holds_words(record: Mapping[str, Any], words: tuple[str, ...]) -> bool:
    texts = [record.get("title"), *(sample.get("name") for sample in related(record, "samples"))]
    texts += [one.get("name") for one in related(record, "instrument")]
    everything = "\n".join(folded(text) for text in texts if isinstance(text, str))
    return all(folded(word) in everything for word in words)


def _is_called(document: Mapping[str, Any], name: str) -> bool:
    pid = document.get("pid")
    return isinstance(pid, str) and (same_pid(pid, name) or pid.lower().endswith(f"/{name.lower()}"))
