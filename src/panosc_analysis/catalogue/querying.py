"""Answering the search API's questions from an index."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from panosc_analysis.catalogue.preselection import preselected, preselected_holders
from panosc_analysis.catalogue.relations import TO_ONE, Kind, check_relations
from panosc_analysis.catalogue.rows import KEY, NATURAL_ORDER, Record, best_scores, completed, ranked, selected, total
from panosc_analysis.catalogue.schema import open_index
from panosc_analysis.catalogue.visibility import Condition, Viewer
from panosc_analysis.catalogue.widening import widened
from panosc_analysis.errors import CatalogueError
from panosc_analysis.filters import Filter, accepts, apply, related
from panosc_analysis.model import pid_key

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

__all__ = ["LARGEST_PAGE", "Catalogue"]

LARGEST_PAGE = 10_000  # records of one answer

# Fields by which SQL sorts as `panosc_analysis.filters` does; other orders are made from the whole list.
_SORTED_COLUMNS = {"creationDate": "created", "size": "size"}


class Catalogue:
    """One index, open for reading; any number of threads may ask it.

    Each thread gets a connection of its own, and a new one when the index has been replaced.

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
        self._local = threading.local()
        self.connection()

    def connection(self) -> sqlite3.Connection:
        """Give this thread's connection to the index as it is now.

        Raises
        ------
        CatalogueError
            The index is gone or was replaced by something else.
        """
        try:
            status = self.index.stat()
        except OSError as error:
            hint = "Make it with: panosc-analysis catalogue index DIR --index FILE"
            raise CatalogueError(f"There is no index {self.index}", hint=hint, path=str(self.index)) from error
        version = (status.st_ino, status.st_mtime_ns, status.st_size)
        if getattr(self._local, "version", None) != version:
            self._local.connection = open_index(self.index)
            self._local.version = version
        found: sqlite3.Connection = self._local.connection
        return found

    def find(self, kind: Kind, filter: Filter, viewer: Viewer) -> list[Record]:
        """Find the records that a filter asks for, at most `LARGEST_PAGE` of them.

        Without an order, datasets come newest first and others by their identifiers; with a query, the best match
        first. Joins are applied before the limit.

        Raises
        ------
        FilterError
            A relation that the kind does not have, or one that leads back to where it came from.
        """
        filter = _prepared(kind, filter)
        order = _order(kind, filter)
        page = replace(
            filter,
            limit=min(filter.limit or LARGEST_PAGE, LARGEST_PAGE),
            order=filter.order if order is None else (),
        )
        return apply(page, self._records(kind, filter, viewer, order or NATURAL_ORDER[kind]))

    def count(self, kind: Kind, filter: Filter, viewer: Viewer) -> int:
        """Count the records that a filter accepts, joins included; its limit, order and fields play no part.

        Raises
        ------
        FilterError
            As for `find`.
        """
        filter = _prepared(kind, filter)
        if filter.where is None and filter.query is None and not any(one.joins for one in filter.include):
            return total(self.connection(), kind, viewer)
        return sum(accepts(filter, record) for record in self._records(kind, filter, viewer, NATURAL_ORDER[kind]))

    def get(self, kind: Kind, pid: str, filter: Filter, viewer: Viewer) -> Record | None:
        """Find one record by its identifier; ``None`` if there is none that the viewer may see.

        Conditions on relations choose what is given with the record, not whether it is found.

        Raises
        ------
        FilterError
            As for `find`.
        """
        filter = _prepared(kind, filter)
        column, value = ("pid", pid) if kind == "Instrument" else ("pid_key", pid_key(pid))
        connection = self.connection()
        rows = selected(connection, kind, Condition(f"{column} = ?", (value,)), viewer)
        record = next(completed(connection, kind, rows, filter.include, viewer), None)
        if record is None:
            return None
        found = apply(Filter(fields=filter.fields), [record])[0]
        for one in filter.include:
            fitting = apply(one.scope or Filter(), related(record, one.relation))
            if one.relation not in TO_ONE:
                found[one.relation] = fitting
            elif fitting:
                found[one.relation] = fitting[0]
        return found

    def _records(self, kind: Kind, filter: Filter, viewer: Viewer, order: str) -> Iterator[Record]:
        """Give the records that may fit, in order and with what the filter includes."""
        connection = self.connection()
        if kind == "Dataset":
            condition = preselected(connection, filter)
        else:
            column = "proposal" if kind == "Document" else "instrument"
            condition = preselected_holders(connection, filter, column)
        if filter.query is None:
            records = selected(connection, kind, condition, viewer, order)
        elif kind == "Dataset":
            records = ranked(connection, filter.query, condition, viewer, order if filter.order else "")
        else:
            scores = best_scores(connection, filter.query, viewer, kind)
            found = [one for one in selected(connection, kind, condition, viewer, order) if one[KEY] in scores]
            scored = [one | {"score": scores[one[KEY]]} for one in found]
            records = iter(scored if filter.order else sorted(scored, key=lambda one: -one["score"]))
        return completed(connection, kind, records, filter.include, viewer)


def _prepared(kind: Kind, filter: Filter) -> Filter:
    check_relations(filter.include, kind)
    return widened(filter)


def _order(kind: Kind, filter: Filter) -> str | None:
    """Write the order for SQL; ``None`` if SQL would not sort as the filter does."""
    if filter.order and (kind != "Dataset" or any(one.field not in _SORTED_COLUMNS for one in filter.order)):
        return None
    parts = [f"{_SORTED_COLUMNS[one.field]} {'DESC' if one.descending else 'ASC'} NULLS LAST" for one in filter.order]
    return ", ".join((*parts, NATURAL_ORDER[kind]))
