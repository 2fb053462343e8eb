"""Answering the search API's questions from an index."""

from __future__ import annotations

import gc
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from panosc_analysis.catalogue.ordering import in_order, window
from panosc_analysis.catalogue.ranking import document_scores, scores
from panosc_analysis.catalogue.relations import TO_ONE, Kind, check_relations
from panosc_analysis.catalogue.rows import Record, instruments_of, records
from panosc_analysis.catalogue.selecting import Selection, select_datasets, select_documents
from panosc_analysis.catalogue.version import Version
from panosc_analysis.catalogue.widening import widened
from panosc_analysis.errors import CatalogueError, FilterError
from panosc_analysis.filters import Filter, accepts, apply, included
from panosc_analysis.model import pid_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from panosc_analysis.catalogue.columns import Array
    from panosc_analysis.catalogue.visibility import Viewer

__all__ = ["LARGEST_PAGE", "Catalogue"]

LARGEST_PAGE = 10_000  # records of one answer

_FIRST_CHUNK = 64  # records read at once where each must be looked at; doubled from chunk to chunk
_LARGEST_CHUNK = 2048
_LONGEST = 10.0  # seconds to look at records one by one
_AT_ONCE = 4  # questions; each needs some tens of bytes for every dataset for a moment


class Catalogue:
    """One index, open for reading; any number of threads may ask it.

    A replaced index is seen with the next question, which waits until the new columns are read (a fifth of a second for
    a million datasets); questions that are being answered end with the old ones.

    Parameters
    ----------
    index
        File made by `panosc_analysis.catalogue.build_index`.

    Raises
    ------
    CatalogueError
        It is not there or not readable.
    """

    def __init__(self, index: Path) -> None:
        self.index = Path(index)
        self._lock = threading.Lock()
        self._at_once = threading.BoundedSemaphore(_AT_ONCE)
        self._current: tuple[object, Version] | None = None
        self.version()

    def version(self) -> Version:
        """Give the index as it is now.

        Raises
        ------
        CatalogueError
            The index is gone or was replaced by something else.
        """
        identity = self._identity()
        found = self._known(identity)
        if found is None:
            with self._lock:
                found = self._known(identity)
                if found is None:
                    # The old one goes first: both at once would take twice the memory. Failures that were answered may
                    # still hold frames that hold it.
                    self._current = None
                    gc.collect()
                    found = Version(self.index)
                    self._current = (identity, found)
        return found

    def _known(self, identity: object) -> Version | None:
        current = self._current
        return current[1] if current is not None and current[0] == identity else None

    def _identity(self) -> object:
        try:
            status = self.index.stat()
        except OSError as error:
            hint = "Make it with: panosc-analysis catalogue index DIR --index FILE"
            raise CatalogueError(f"There is no index {self.index}", hint=hint, path=str(self.index)) from error
        return status.st_ino, status.st_mtime_ns, status.st_size

    def find(self, kind: Kind, filter: Filter, viewer: Viewer) -> list[Record]:
        """Find the records that a filter asks for, at most `LARGEST_PAGE` of them.

        Without an order, datasets come newest first and others by their identifiers; with a query, the best match
        first. Joins are applied before the limit.

        Raises
        ------
        FilterError
            A relation that the kind does not have, or one that leads back to where it came from.
        """
        with self._at_once:
            return _Question(self.version(), kind, filter, viewer).find()

    def count(self, kind: Kind, filter: Filter, viewer: Viewer) -> int:
        """Count the records that a filter accepts, joins included; its limit, order and fields play no part.

        Raises
        ------
        FilterError
            As for `find`.
        """
        with self._at_once:
            return _Question(self.version(), kind, filter, viewer).count()

    def get(self, kind: Kind, pid: str, filter: Filter, viewer: Viewer) -> Record | None:
        """Find one record by its identifier; ``None`` if there is none that the viewer may see.

        Conditions on relations choose what is given with the record, not whether it is found.

        Raises
        ------
        FilterError
            As for `find`.
        """
        with self._at_once:
            return _Question(self.version(), kind, filter, viewer).get(pid)


class _Question:
    """One question to one version of the index."""

    def __init__(self, version: Version, kind: Kind, filter: Filter, viewer: Viewer) -> None:
        check_relations(filter.include, kind)
        self.version, self.kind, self.viewer = version, kind, viewer
        self.filter = widened(filter)
        self.limit = min(self.filter.limit or LARGEST_PAGE, LARGEST_PAGE)

    def find(self) -> list[Record]:
        selection, ranks = self._selected()
        # Datasets are sorted by their columns, others as records: there are few.
        is_sorted = self.kind == "Dataset" or not self.filter.order
        page = replace(self.filter, limit=self.limit, order=() if is_sorted else self.filter.order)
        if not (selection.exact and is_sorted):
            return apply(page, self._looked_at(self._ordered(selection.mask, ranks, 0, None), ranks))
        numbers = self._ordered(selection.mask, ranks, self.filter.skip, self.limit)
        return apply(replace(page, skip=0), self._looked_at(numbers, ranks), all_fit=True)

    def count(self) -> int:
        selection, ranks = self._selected()
        if selection.exact:
            return int(np.count_nonzero(selection.mask))
        return sum(accepts(self.filter, one) for one in self._looked_at(np.flatnonzero(selection.mask), ranks))

    def get(self, pid: str) -> Record | None:
        number = self._number(pid)
        if number is None:
            return None
        (record,) = records(self.version, self.kind, [number], self.filter.include, self.viewer)
        found = apply(Filter(fields=self.filter.fields), [record])[0]
        for one in self.filter.include:
            fitting = included(one, record)
            if one.relation not in TO_ONE:
                found[one.relation] = fitting
            elif fitting:
                found[one.relation] = fitting[0]
        return found

    def _number(self, pid: str) -> int | None:
        """Find the number of a record that the viewer may see."""
        table, column = self.kind.lower(), "pid" if self.kind == "Instrument" else "pid_key"
        value = pid if self.kind == "Instrument" else pid_key(pid)
        statement = " ".join(("SELECT id FROM", table, "WHERE", column, "= ? ORDER BY pid = ? DESC, id"))
        row = self.version.connection.execute(statement, (value, pid)).fetchone()
        return int(row[0]) if row is not None and self._seen()[row[0]] else None

    def _seen(self) -> Array:
        """Mark the records that the viewer may see."""
        datasets = self.version.visible(self.viewer)
        if self.kind == "Dataset":
            return datasets
        if self.kind == "Document":
            return self.version.visible_documents(self.viewer)
        found = np.zeros(max(self.version.instruments, default=0) + 1, bool)
        every = self.viewer.everything
        found[list(self.version.instruments) if every else instruments_of(self.version, datasets)] = True
        return found

    def _selected(self) -> tuple[Selection, Array | None]:
        """Select records, and score them where there is a query."""
        version, filter, viewer = self.version, self.filter, self.viewer
        if self.kind == "Dataset":
            selection = select_datasets(version, filter, viewer)
        elif self.kind == "Document":
            selection = select_documents(version, filter, viewer, self._seen())
        else:
            selection = self._selected_instruments(self._seen())
        if filter.query is None:
            return selection, None
        ranks = self._scores(filter.query, len(selection.mask))
        return replace(selection, mask=selection.mask & (ranks > 0)), ranks

    def _scores(self, query: str, count: int) -> Array:
        """Score records by a query; documents and instruments as their best dataset."""
        datasets = scores(self.version, query, self.version.visible(self.viewer))
        if self.kind == "Dataset":
            return datasets
        if self.kind == "Document":
            return document_scores(self.version, datasets, count)
        found = np.zeros(count, "f4")
        np.maximum.at(found, self.version.columns.instrument, datasets)
        return found

    def _selected_instruments(self, seen: Array) -> Selection:
        joins = [one.scope for one in self.filter.include if one.joins and one.scope is not None]
        for scope in joins:
            having = np.zeros_like(seen)
            having[instruments_of(self.version, select_datasets(self.version, scope, self.viewer).mask)] = True
            seen = seen & having
        return Selection(seen, exact=not joins and self.filter.where is None)

    def _ordered(self, mask: Array, ranks: Array | None, first: int, count: int | None) -> Array:
        """Give numbers in order: the one asked for (datasets only), the best match first, or the natural one."""
        columns, version = self.version.columns, self.version
        if self.kind == "Dataset" and (ranks is None or self.filter.order):
            return in_order(columns, mask, self.filter.order, self.viewer.now, first, count)
        if self.kind == "Dataset":
            numbers = columns.natural[mask[columns.natural]]
        else:
            every = version.document_numbers if self.kind == "Document" else np.asarray(list(version.instruments), "i8")
            numbers = every[mask[every]]
        return window(numbers, [] if ranks is None or self.filter.order else [-ranks[numbers]], first, count)

    def _looked_at(self, numbers: Array, ranks: Array | None) -> Iterator[Record]:
        """Read records chunk by chunk: whoever stops early has not read all."""
        start, size, until = 0, _FIRST_CHUNK, time.monotonic() + _LONGEST
        while start < len(numbers):
            if time.monotonic() > until:
                raise FilterError(
                    f"So many records have to be looked at that it takes longer than {_LONGEST:.0f} seconds",
                    hint="Add a condition on a parameter, a technique, a date or a word of the title",
                )
            part = numbers[start : start + size].tolist()
            for number, record in zip(
                part, records(self.version, self.kind, part, self.filter.include, self.viewer), strict=True
            ):
                yield record if ranks is None else record | {"score": round(float(ranks[number]), 6)}
            start, size = start + size, min(size * 2, _LARGEST_CHUNK)
