"""From a filter to the datasets that fit, by the columns.

A selection is a mask, and whether it is exact. One that is not may hold too many: `panosc_analysis.filters` then looks
at each of them and has the last word. So what cannot be said by the columns in the filter's own sense marks everything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from panosc_analysis.catalogue.numbers import fitting_numbers
from panosc_analysis.catalogue.own_fields import own_field
from panosc_analysis.catalogue.version import Version, among
from panosc_analysis.filters import And, Comparison, Filter, Include, Or, Text, Where, accepts, matches
from panosc_analysis.filters.patterns import folded
from panosc_analysis.model import pid_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from panosc_analysis.catalogue.columns import Array
    from panosc_analysis.catalogue.visibility import Viewer

__all__ = ["Selection", "select_datasets", "select_documents"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Datasets (or documents, or instruments) by number; `exact` says that no other look at them is needed."""

    mask: Array
    exact: bool


def select_datasets(version: Version, filter: Filter, viewer: Viewer) -> Selection:
    """Mark the datasets that the viewer may see and the filter may accept. Limits, order and words play no part."""
    found = [Selection(version.visible(viewer), exact=True), _own(version, filter.where, viewer)]
    found += [_joined(version, one, viewer) for one in filter.include if one.joins]
    return _all(found)


def select_documents(version: Version, filter: Filter, viewer: Viewer, seen: Array) -> Selection:
    """Mark the documents among the `seen` ones whose datasets fit; of their own fields only the texts are looked at."""
    found = [Selection(seen, exact=filter.where is None)]
    parts = filter.where.parts if isinstance(filter.where, And) else (filter.where,)
    for part in parts:
        if isinstance(part, Text):
            rows = version.connection.execute("SELECT id FROM document WHERE instr(text, ?)", (folded(part.text),))
            having = np.zeros(len(seen), bool)
            having[[number for (number,) in rows]] = True
            found.append(Selection(having, exact=False))
    for one in filter.include:
        if one.joins and one.relation == "datasets" and one.scope is not None:
            datasets = select_datasets(version, one.scope, viewer)
            having = np.zeros(len(seen), bool)
            marked = version.columns.documents.terms_of(datasets.mask)[: len(seen)]
            having[: len(marked)] = marked
            found.append(Selection(having, datasets.exact))
        elif one.joins:
            found.append(Selection(seen, exact=False))
    return _all(found)


def _all(found: Iterable[Selection]) -> Selection:
    first, *others = found
    mask, exact = first.mask, first.exact
    for one in others:
        mask, exact = mask & one.mask, exact and one.exact
    return Selection(mask, exact)


def _any(found: Iterable[Selection]) -> Selection:
    first, *others = found
    mask, exact = first.mask, first.exact
    for one in others:
        mask, exact = mask | one.mask, exact and one.exact
    return Selection(mask, exact)


def _unknown(version: Version) -> Selection:
    return Selection(version.columns.alive, exact=False)


def _own(version: Version, where: Where | None, viewer: Viewer) -> Selection:
    match where:
        case None | And(()):
            return Selection(version.columns.alive, exact=True)
        case And(parts):
            return _all(_own(version, part, viewer) for part in parts)
        case Or(parts):
            return _any(_own(version, part, viewer) for part in parts)
        case Text(text):
            found = version.vocabulary.titles_with(text)
            return _unknown(version) if found is None else Selection(*found)
        case Comparison():
            return _compared(version, where, viewer)


def _compared(version: Version, where: Comparison, viewer: Viewer) -> Selection:
    if where.field == "title" and where.operator in {"like", "ilike"}:
        if where.operator == "like" and not where.value.isascii():
            return _unknown(version)  # lower case of a part need not be part of the lower case
        found = version.vocabulary.titles_like(where.value)
        return _unknown(version) if found is None else Selection(found, exact=False)
    mask = own_field(version, where, viewer)
    return _unknown(version) if mask is None else Selection(mask, exact=True)


def _joined(version: Version, include: Include, viewer: Viewer) -> Selection:
    scope = include.scope or Filter()
    columns = version.columns
    match include.relation:
        case "techniques" | "samples" as relation:
            postings = getattr(columns, relation)
            terms = _terms(version.terms(relation), scope)
            return Selection(postings.mask(terms, columns.places), exact=True)
        case "instrument":
            fitting = [number for number, record in version.instruments.items() if accepts(scope, record)]
            return Selection(among(columns.instrument, fitting), exact=not scope.include)
        case "parameters":
            mask = version.kept(scope.where, lambda: _with_parameter(version, scope.where))
            return Selection(mask, exact=True)
        case "document" | "documents":
            return Selection(columns.documents.mask(_documents(version, scope, viewer), columns.places), exact=True)
    return _unknown(version)


def _documents(version: Version, scope: Filter, viewer: Viewer) -> list[int]:
    """Read the documents one by one: there are few, compared with their datasets."""
    seen = version.visible_documents(viewer)
    statement, values = "SELECT id, open_from, record FROM document", tuple[str, ...]()
    if isinstance(scope.where, Comparison) and (scope.where.field, scope.where.operator) == ("pid", "eq"):
        statement, values = f"{statement} WHERE pid_key = ?", (pid_key(str(scope.where.value)),)
    rows = version.connection.execute(statement, values)
    return [
        number
        for number, opened, text in rows
        if seen[number] and accepts(scope, {**orjson.loads(text), "isPublic": viewer.is_public(opened)})
    ]


def _terms(records: list[Any], scope: Filter) -> list[int]:
    return [number for number, record in enumerate(records) if record is not None and accepts(scope, record)]


def _with_parameter(version: Version, where: Where | None) -> Array:
    columns = version.columns
    texts = [n for n, one in enumerate(version.terms("texts")) if one is not None and matches(where, one)]
    found = columns.texts.mask(texts, columns.places)
    for number, group in enumerate(version.terms("numbers")):
        if group is not None and number < len(columns.numbers):
            ids = columns.numbers.of(number)
            values = columns.numbers.values[columns.numbers.starts[number] : columns.numbers.starts[number + 1]]
            found[ids[fitting_numbers(where, group, values)]] = True
    return found
