"""One version of the index as a server holds it: a connection, the columns, and what is looked up again and again."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from panosc_analysis.catalogue.columns import load
from panosc_analysis.catalogue.schema import open_index
from panosc_analysis.catalogue.vocabulary import Vocabulary

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from panosc_analysis.catalogue.columns import Array
    from panosc_analysis.catalogue.visibility import Viewer

__all__ = ["Version", "among"]

_MOST_KEPT = 24  # answers to parts of filters; one byte for each dataset each


def among(numbers: Array, wanted: Collection[int]) -> Array:
    """Mark which of some small numbers are among the wanted ones."""
    table = np.zeros(int(max(numbers.max(initial=0), max(wanted, default=0))) + 1, bool)
    table[list(wanted)] = True
    return table[numbers]


class Version:
    """The index as it was when this was made; any number of threads may read it.

    Raises
    ------
    CatalogueError
        It is not there or not readable.
    """

    def __init__(self, index: Path) -> None:
        self.connection = open_index(index)
        self.columns = load(self.connection)
        self.vocabulary = Vocabulary(self.columns)
        self._kept: OrderedDict[object, Array] = OrderedDict()
        self._lock = threading.Lock()

    def visible(self, viewer: Viewer) -> Array:
        """Mark the datasets that a viewer may see."""
        columns = self.columns
        if viewer.everything:
            return columns.alive
        seen = columns.open_from <= viewer.now  # NaN, for never, is not smaller
        own = [self.proposals[one] for one in viewer.proposals if one in self.proposals]
        return seen | among(columns.proposal, own) if own else seen

    def terms(self, kind: str) -> list[Any]:
        """Give the records that stand behind the numbers of one kind of term; ``None`` for number 0."""
        found: list[Any] = getattr(self, f"_{kind}")
        return found

    @cached_property
    def proposals(self) -> dict[str, int]:
        """Numbers of the proposals, by their identifiers in lower case."""
        return dict(self.connection.execute("SELECT value, id FROM term WHERE kind = 'proposal'"))

    @cached_property
    def instruments(self) -> dict[int, dict[str, Any]]:
        """The instruments by number."""
        rows = self.connection.execute("SELECT id, record FROM instrument ORDER BY pid")
        return {number: json.loads(record) for number, record in rows}

    @cached_property
    def document_numbers(self) -> Array:
        """Numbers of all documents, by identifier."""
        rows = self.connection.execute("SELECT id FROM document ORDER BY pid")
        return np.fromiter((number for (number,) in rows), "i8")

    def visible_documents(self, viewer: Viewer) -> Array:
        """Mark the documents that a viewer may see."""
        open_from, proposal = self._document_columns
        there = np.zeros(len(open_from), bool)
        there[self.document_numbers] = True
        if viewer.everything:
            return there
        own = [self.proposals[one] for one in viewer.proposals if one in self.proposals]
        seen: Array = open_from <= viewer.now
        return (seen | among(proposal, own) if own else seen) & there

    @cached_property
    def _document_columns(self) -> tuple[Array, Array]:
        places = int(self.document_numbers.max(initial=0)) + 1
        open_from, proposal = np.full(places, np.nan), np.zeros(places, "i4")
        for number, opened, name in self.connection.execute("SELECT id, open_from, proposal FROM document"):
            open_from[number] = np.nan if opened is None else opened
            proposal[number] = self.proposals.get(name, 0)
        return open_from, proposal

    def documents_of(self, dataset: int) -> list[int]:
        """Give the numbers of the documents that a dataset belongs to."""
        rows = self.connection.execute("SELECT document FROM belongs WHERE dataset = ? ORDER BY document", (dataset,))
        return [int(number) for (number,) in rows]

    def in_natural_order(self, datasets: Array, mask: Array) -> list[int]:
        """Give those of some datasets (numbers, or marks for all) that are marked in a mask, newest first."""
        numbers = np.flatnonzero(datasets & mask) if datasets.dtype == bool else datasets[mask[datasets]]
        order = np.lexsort((self.columns.pid_rank[numbers], -np.nan_to_num(self.columns.created[numbers], nan=-np.inf)))
        found: list[int] = numbers[order].tolist()
        return found

    def kept(self, key: object, make: Callable[[], Array]) -> Array:
        """Give an array made earlier for the same question, or make it."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        found = make()
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return found

    @cached_property
    def _techniques(self) -> list[Any]:
        return self._read("techniques")

    @cached_property
    def _samples(self) -> list[Any]:
        return self._read("samples")

    @cached_property
    def _numbers(self) -> list[Any]:
        return self._read("numbers")

    @cached_property
    def _texts(self) -> list[Any]:
        return self._read("texts")

    def _read(self, kind: str) -> list[Any]:
        rows = self.connection.execute("SELECT value FROM term WHERE kind = ? ORDER BY id", (kind,))
        return [None, *(json.loads(value) for (value,) in rows)]
