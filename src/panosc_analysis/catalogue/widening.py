"""A question about a technique means its kinds too."""

from __future__ import annotations

from dataclasses import replace

from panosc_analysis.errors import FilterError
from panosc_analysis.filters import And, Comparison, Filter, Include, Or, Where
from panosc_analysis.search import panet

__all__ = ["widened"]

_NAMES = frozenset({"pid", "panetId", "name"})


def widened(filter: Filter) -> Filter:
    """Give a filter in which every condition on a technique also holds for what PaNET puts below that technique.

    Names may be labels, synonyms or codes. Only ``eq`` and ``inq`` (and their opposites) are widened; what PaNET does
    not know stays as it is. Reads the PaNET table when a technique is asked for.
    """
    return replace(filter, include=tuple(_include(one) for one in filter.include))


def _include(include: Include) -> Include:
    if include.scope is None:
        return include
    scope = widened(include.scope)
    if include.relation == "techniques" and scope.where is not None:
        scope = replace(scope, where=_where(scope.where))
    return replace(include, scope=scope)


def _where(where: Where) -> Where:
    match where:
        case And(parts):
            return And(tuple(map(_where, parts)))
        case Or(parts):
            return Or(tuple(map(_where, parts)))
        case Comparison(field, "eq" | "inq" as operator, value) if field in _NAMES:
            kinds = _kinds((value,) if operator == "eq" else value)
            return Or((where, Comparison("pid", "inq", kinds))) if kinds else where
        case Comparison(field, "neq" | "nin" as operator, value) if field in _NAMES:
            kinds = _kinds((value,) if operator == "neq" else value)
            return And((where, Comparison("pid", "nin", kinds))) if kinds else where
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
