"""A server of one facility that cannot be asked about it: conditions on it are decided once, not for each row."""

from __future__ import annotations

from dataclasses import replace

from panosc_analysis.filters import And, Comparison, Filter, Or, Where, matches

__all__ = ["asks_for_facility", "decided"]


def asks_for_facility(filter: Filter) -> bool:
    """Say whether a filter has a condition on the facility of instruments."""
    wheres = (filter.where, *(one.scope.where for one in filter.include if one.scope and one.relation == "instrument"))
    return any(map(_mentions, wheres))


def decided(filter: Filter, facility: str) -> Filter | None:
    """Give a filter without those conditions; ``None`` if no record of this facility can fulfil it."""
    where = _decided(filter.where, facility)
    includes = []
    for one in filter.include:
        if one.relation != "instrument" or one.scope is None:
            includes.append(one)
            continue
        inner = _decided(one.scope.where, facility)
        if inner is False:
            return None
        includes.append(replace(one, scope=replace(one.scope, where=None if inner is True else inner)))
    return None if where is False else replace(filter, where=None if where is True else where, include=tuple(includes))


def _mentions(where: Where | None) -> bool:
    if isinstance(where, And | Or):
        return any(map(_mentions, where.parts))
    return isinstance(where, Comparison) and where.field == "facility"


def _decided(where: Where | None, facility: str) -> Where | bool | None:
    match where:
        case Comparison("facility"):
            return matches(where, {"facility": facility})
        case And(parts) | Or(parts):
            settles = isinstance(where, Or)  # a true part settles an or, a false one an and
            found = [_decided(part, facility) for part in parts]
            if any(one is settles for one in found):
                return settles
            rest = tuple(one for one in found if one is not None and not isinstance(one, bool))
            return replace(where, parts=rest) if rest else not settles
    return where
