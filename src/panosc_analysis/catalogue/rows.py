"""Records read from the index by their numbers, with what they are related to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import orjson

from panosc_analysis.catalogue.relations import LEADS_TO, Kind
from panosc_analysis.catalogue.selecting import select_datasets
from panosc_analysis.catalogue.storing import unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from panosc_analysis.catalogue.columns import Array
    from panosc_analysis.catalogue.version import Version
    from panosc_analysis.catalogue.visibility import Viewer
    from panosc_analysis.filters import Filter, Include

__all__ = ["Record", "instruments_of", "records"]

Record: TypeAlias = dict[str, Any]

_OPEN_FROM = {"Dataset": "open_from", "Document": "open_from", "Instrument": "NULL"}
_MOST_AT_ONCE = 500


def records(
    version: Version, kind: Kind, numbers: Sequence[int], includes: tuple[Include, ...], viewer: Viewer
) -> list[Record]:
    """Read records in the order of their numbers, with the relations that are included.

    Relations that are stored with a record are in it anyway. Of included datasets only those that may fit are read.
    The numbers must be those of records that the viewer may see.
    """
    found = _read(version, kind, numbers, viewer)
    several = [found[number] for number in numbers if number in found]
    present = [number for number in numbers if number in found]
    for target in dict.fromkeys(LEADS_TO[one.relation] for one in includes if one.relation in LEADS_TO):
        scopes = [one.scope for one in includes if LEADS_TO.get(one.relation) == target]
        _RELATED[target](version, kind, present, several, scopes, viewer)
    return several


def instruments_of(version: Version, datasets: Array) -> list[int]:
    """Give the numbers of the instruments of some datasets, in the order of their identifiers."""
    instruments = version.columns.instrument
    found = np.bincount(instruments[datasets], minlength=max(version.instruments, default=0) + 1)
    return [one for one in version.instruments if found[one]]


def _read(version: Version, kind: Kind, numbers: Sequence[int], viewer: Viewer) -> dict[int, Record]:
    found: dict[int, Record] = {}
    for start in range(0, len(numbers), _MOST_AT_ONCE):
        part = list(numbers[start : start + _MOST_AT_ONCE])
        marks = ", ".join("?" * len(part))
        parts = ("SELECT id,", _OPEN_FROM[kind], ", record FROM", kind.lower(), f"WHERE id IN ({marks})")
        for number, open_from, text in version.connection.execute(" ".join(parts), part):
            record: Record = orjson.loads(unpacked(text) if kind == "Dataset" else text)
            found[number] = record if kind == "Instrument" else record | {"isPublic": viewer.is_public(open_from)}
    return found


def _add_instruments(
    version: Version,
    _: Kind,
    numbers: Sequence[int],
    holders: list[Record],
    scopes: list[Filter | None],
    viewer: Viewer,
) -> None:
    wanted = version.columns.instrument[list(numbers)].tolist()
    different = list(dict.fromkeys(one for one in wanted if one))
    found = dict(zip(different, records(version, "Instrument", different, _inner(scopes), viewer), strict=True))
    for holder, number in zip(holders, wanted, strict=True):
        if number:
            holder["instrument"] = found[number]


def _add_documents(
    version: Version,
    _: Kind,
    numbers: Sequence[int],
    holders: list[Record],
    scopes: list[Filter | None],
    viewer: Viewer,
) -> None:
    seen = version.visible_documents(viewer)
    belongs = {number: [one for one in version.documents_of(number) if seen[one]] for number in numbers}
    different = list(dict.fromkeys(one for several in belongs.values() for one in several))
    found = dict(zip(different, records(version, "Document", different, _inner(scopes), viewer), strict=True))
    for holder, number in zip(holders, numbers, strict=True):
        holder["documents"] = [found[one] for one in belongs[number]]


def _add_datasets(
    version: Version,
    kind: Kind,
    numbers: Sequence[int],
    holders: list[Record],
    scopes: list[Filter | None],
    viewer: Viewer,
) -> None:
    only = scopes[0] if len(scopes) == 1 else None
    mask = select_datasets(version, only, viewer).mask if only is not None else version.visible(viewer)
    columns = version.columns
    holding = columns.documents.of if kind == "Document" else (lambda number: columns.instrument == number)
    several = [version.in_natural_order(holding(number), mask) for number in numbers]
    different = list(dict.fromkeys(one for ids in several for one in ids))
    found = dict(zip(different, records(version, "Dataset", different, _inner(scopes), viewer), strict=True))
    for holder, ids in zip(holders, several, strict=True):
        holder["datasets"] = [found[one] for one in ids]


_RELATED = {"Instrument": _add_instruments, "Document": _add_documents, "Dataset": _add_datasets}


def _inner(scopes: Iterable[Filter | None]) -> tuple[Include, ...]:
    return tuple(inner for scope in scopes if scope is not None for inner in scope.include)
