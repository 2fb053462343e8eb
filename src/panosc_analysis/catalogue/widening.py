"""A question about a technique means its kinds too, and two techniques at once mean a dataset that has both."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from panosc_analysis.errors import FilterError
from panosc_analysis.filters import And, Comparison, Filter, Include, Or, Where
from panosc_analysis.search import panet

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["widened"]

_PIDS = ("pid", "panetId")  # where the PaNET term stands; some catalogues have pids of their own
_NAMES = frozenset({*_PIDS, "name"})
_MOST_CLAUSES = 100


def widened(filter: Filter) -> Filter:
    """Give a filter in which every condition on a technique also holds for what PaNET puts below that technique.

    Names may be labels, synonyms or codes. Only ``eq`` and ``inq`` (and their opposites) are widened; what PaNET does
    not know stays as it is. Conditions joined by ``and`` need not hold for one technique but for one of the dataset's
    techniques each, so each becomes an include of its own. Reads the PaNET table when a technique is asked for.

    Raises
    ------
    FilterError
        Conditions on techniques that are nested so much that they cannot be taken apart.
    """
    return replace(filter, include=tuple(each for one in filter.include for each in _includes(one)))


def _includes(include: Include) -> Iterator[Include]:
    if include.scope is None:
        yield include
        return
    scope = widened(include.scope)
    if include.relation != "techniques" or scope.where is None:
        yield replace(include, scope=scope)
        return
    for clause in _clauses(scope.where):
        parts = tuple(map(_kinds_too, clause))
        yield replace(include, scope=replace(scope, where=parts[0] if len(parts) == 1 else Or(parts)))


def _clauses(where: Where) -> list[tuple[Where, ...]]:
    """Write a condition as an ``and`` of these, each an ``or`` of single conditions."""
    match where:
        case And(parts):
            found = [clause for part in parts for clause in _clauses(part)]
        case Or(parts):
            several = [_clauses(part) for part in parts]
            count = 1
            for one in several:
                count *= len(one)
                _check(count)
            found = [tuple(one for clause in chosen for one in clause) for chosen in product(*several)]
        case _:
            return [(where,)]
    _check(len(found))
    return found


def _check(count: int) -> None:
    if count > _MOST_CLAUSES:
        raise FilterError("The conditions on techniques are nested too much", hint="Use inq with a list of techniques")


def _kinds_too(where: Where) -> Where:
    match where:
        case Comparison(field, "eq" | "inq" as operator, value) if field in _NAMES:
            kinds = _kinds((value,) if operator == "eq" else value)
            return Or((where, *(Comparison(one, "inq", kinds) for one in _PIDS))) if kinds else where
        case Comparison(field, "neq" | "nin" as operator, value) if field in _NAMES:
            kinds = _kinds((value,) if operator == "neq" else value)
            return And((where, *(Comparison(one, "nin", kinds) for one in _PIDS))) if kinds else where
    return where


def _kinds(values: tuple[object, ...]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for value in values:
        try:
            technique = panet.resolve(value) if isinstance(value, str) else None
        except FilterError:
            continue
        if technique is not None:
            found |= dict.fromkeys(one.pid for one in panet.descendants(technique.pid))
    return tuple(found)
