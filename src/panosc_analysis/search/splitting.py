"""Addresses have a length: a filter with a long list is divided into several that together accept the same records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

from panosc_analysis.filters import And, Comparison, Filter, Include, Or, Where

__all__ = ["LONGEST_OF_SEVERAL", "split"]

LONGEST_ADDRESS = 8000  # characters; some servers stop reading at 16 kB, headers included
MOST_PARTS = 64
LONGEST_OF_SEVERAL = 1000  # what several related records must be is not divided: each answer would show some of them


def split(filter: Filter) -> list[Filter]:
    """Divide the longest list until each address is short enough; drop conditions if that takes too many requests."""
    done: list[Filter] = []
    todo = [filter]
    while todo:
        one = todo.pop()
        if _is_short(one):
            done.append(one)
            continue
        halves = _halves(one)
        if not halves or len(done) + len(todo) > MOST_PARTS:
            return [_dropped(filter)]
        todo.extend(halves)
    return done


def _is_short(filter: Filter) -> bool:
    return len(quote(filter.to_text(), safe="")) <= LONGEST_ADDRESS


def _halves(filter: Filter) -> list[Filter]:
    """Give two filters that together accept what this one accepts, by cutting its longest list of alternatives."""
    places: list[tuple[int, list[Filter]]] = []
    for part, other in _cuts(filter.where):
        places.append((len(repr(part)), [replace(filter, where=one) for one in other]))
    for position, include in enumerate(filter.include):
        if include.scope is None:
            continue
        for part, other in _cuts(include.scope.where):
            scopes = (replace(include.scope, where=one) for one in other)
            before, after = filter.include[:position], filter.include[position + 1 :]
            cut = [replace(filter, include=(*before, replace(include, scope=one), *after)) for one in scopes]
            places.append((len(repr(part)), cut))
    longest, halves = max(places, key=lambda one: one[0], default=(0, []))
    return halves if longest > LONGEST_OF_SEVERAL else []


def _cuts(where: Where | None) -> Iterator[tuple[Where, tuple[Where, Where]]]:
    """Give what can be cut in two on the way down through ``and``, each with the two wholes that come of it."""
    match where:
        case Comparison(_, "inq", values) if len(values) > 1:
            middle = len(values) // 2
            yield where, (replace(where, value=values[:middle]), replace(where, value=values[middle:]))
        case Or(parts):
            if len(parts) > 1:
                middle = len(parts) // 2
                yield where, (Or(parts[:middle]), Or(parts[middle:]))
            elif parts:
                for part, (one, other) in _cuts(parts[0]):
                    yield part, (Or((one,)), Or((other,)))
        case And(parts):
            for position, inner in enumerate(parts):
                for part, cut in _cuts(inner):
                    one, other = (And((*parts[:position], half, *parts[position + 1 :])) for half in cut)
                    yield part, (one, other)


def _dropped(filter: Filter) -> Filter:
    """Drop the longest conditions on relations until the address is short enough, then the condition itself."""
    while not _is_short(filter):
        longest = max(filter.include, key=lambda one: len(str(one.scope)), default=None)
        if longest is None or longest.scope is None:
            return replace(filter, where=None)
        filter = replace(filter, include=tuple(Include(o.relation) if o is longest else o for o in filter.include))
    return filter
