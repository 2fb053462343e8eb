"""What is sent: the part of a filter that every implementation of the search API evaluates alike, or too widely.

Implementations differ in operators, nesting, units and wildcards. So a filter is narrowed to conditions that never
leave out what the full filter accepts; the answer is then judged by the full filter. What cannot be asked safely is not
asked and costs rows instead of hits:

- no negations, no nested ``and``/``or``, no ``null``, no zero or ``false`` as an operand, no fractions as equality;
- ``between`` becomes two bounds; bounds on parameters are strict and a little wider, in each unit that is in use;
- ``like`` and ``text`` send the longest run of letters and digits only: elsewhere the rest is a regular expression;
- ``parameters`` are included only where a condition needs them: without one, some servers leave out every dataset that
  has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote

from panosc_analysis.filters import And, Comparison, Filter, Include, Or, Text, Where
from panosc_analysis.search import wire_parameters

__all__ = ["Entity", "asks_for_documents", "narrowed", "plain", "through_documents", "with_wildcards"]

LONGEST_ADDRESS = 8000  # characters; some servers stop reading at 16 kB, headers included
_DOCUMENTS = frozenset({"document", "documents"})
_TEXTS = {"Datasets": ("title",), "Documents": ("title", "summary"), "Instruments": ("name", "facility")}
_SHOWN = {"Datasets": ("instrument", "techniques", "samples")}
_LEAST = {"Datasets": ("instrument",)}  # some servers fail on datasets without any relation
_RUN = re.compile(r"[^\W_]+")
_FLAT = ("gt", "gte", "lt", "lte")

Entity = str  # Datasets, Documents or Instruments, as in the address


def narrowed(filter: Filter, entity: Entity = "Datasets") -> Filter:
    """Give what is sent for a filter: narrowed conditions, and the relations that a list of hits shows."""
    where = _where(filter.where, _TEXTS[entity])
    return _fitting(Filter(where=where, include=_merged(map(_include, filter.include), _SHOWN.get(entity, ()))))


def plain(filter: Filter, entity: Entity = "Datasets") -> Filter:
    """Give the least that can be sent: no condition on relations, and only those included that must be judged."""
    bare = (Include(one.relation) for one in filter.include if one.relation not in _DOCUMENTS)
    where = _where(filter.where, _TEXTS[entity])
    return _fitting(Filter(where=where, include=_merged(bare, _LEAST.get(entity, ()))))


def through_documents(filter: Filter) -> Filter:
    """Give the filter on documents that leads to the same datasets, where no relation leads from these to those."""
    scopes = (one.scope for one in filter.include if one.relation in _DOCUMENTS)
    wanted = tuple(scope.where for scope in scopes if scope is not None and scope.where is not None)
    datasets = replace(filter, include=tuple(one for one in filter.include if one.relation not in _DOCUMENTS))
    return Filter(_where(And(wanted), _TEXTS["Documents"]), (Include("datasets", narrowed(datasets)),))


def asks_for_documents(filter: Filter) -> bool:
    """Say whether a dataset's documents decide about it."""
    return any(one.relation in _DOCUMENTS and one.joins for one in filter.include)


def with_wildcards(filter: Filter) -> Filter | None:
    """Give the same with ``%`` around each pattern, as some servers need it; ``None`` without a pattern."""
    includes = (
        replace(one, scope=with_wildcards(one.scope) or one.scope) if one.scope else one for one in filter.include
    )
    changed = replace(filter, where=_surrounded(filter.where), include=tuple(includes))
    return changed if changed != filter else None


def _include(include: Include) -> Include:
    scope = include.scope
    if scope is None or not include.joins:
        return Include(include.relation)
    if include.relation == "parameters":
        where = wire_parameters.narrowed(scope.where)
    else:
        where = _where(scope.where, _TEXTS["Datasets"] if include.relation == "datasets" else ())
    if isinstance(where, Comparison):
        where = And((where,))  # a bare pid in the scope of a many-to-many relation is lost on some servers
    nested = _merged(map(_include, scope.include), ())
    return Include(include.relation, Filter(where, nested) if where or nested else None)


def _merged(includes: Iterable[Include], shown: tuple[str, ...]) -> tuple[Include, ...]:
    """Give each relation with all its conditions, bare only where it has none."""
    found = tuple(dict.fromkeys(includes))
    named = {one.relation for one in found if one.scope is not None}
    kept = tuple(one for one in found if one.scope is not None or one.relation not in named)
    return kept + tuple(Include(name) for name in shown if name not in {one.relation for one in kept})


def _where(where: Where | None, texts: tuple[str, ...]) -> Where | None:
    match where:
        case None:
            return None
        case Or(parts):
            sent = [_alone(part, texts) for part in parts if not _is_local_name(part)]
            return Or(tuple(one[0] for one in sent)) if sent and all(len(one) == 1 for one in sent) else None
        case Text(text) if len(texts) > 1:
            return _where(Or(tuple(Comparison(field, "ilike", text) for field in texts)), texts)
        case And():
            found = tuple(wire_parameters.flattened(where))
            if len(found) == 1:
                return _where(found[0], texts)
            parts = tuple(one for part in found for one in _alone(part, texts))
        case _:
            parts = _alone(where, texts)
    return None if not parts else parts[0] if len(parts) == 1 else And(parts)


def _is_local_name(where: Where) -> bool:
    """Know ``panetId``: a field of one implementation and an error elsewhere. Beside it the label is asked for."""
    return isinstance(where, Comparison) and where.field == "panetId"


def _alone(where: Where, texts: tuple[str, ...]) -> tuple[Comparison, ...]:
    """Give the conditions, all of which must hold, that stand for one part; none if it cannot be sent."""
    if isinstance(where, Text):
        return _pattern(texts[0], where.text) if len(texts) == 1 else ()
    if not isinstance(where, Comparison):
        return ()
    field, operator, value = where.field, where.operator, where.value
    match operator:
        case "eq" if value is not None and not isinstance(value, float):
            return (where,)
        case "inq" if value and None not in value:
            return (where,)
        case "like" | "ilike":
            return _pattern(field, value)
        case "between":
            bounds = (Comparison(field, "gte", value[0]), Comparison(field, "lte", value[1]))
            return tuple(one for one in bounds if one.value)
    return (where,) if operator in _FLAT and value else ()


def _pattern(field: str, text: str) -> tuple[Comparison, ...]:
    runs = [run for run in _RUN.findall(text) if run.isascii()]  # servers fold other letters each in their own way
    return (Comparison(field, "ilike", max(runs, key=len)),) if runs else ()


def _surrounded(where: Where | None) -> Where | None:
    match where:
        case And(parts) | Or(parts):
            return replace(where, parts=tuple(one for part in parts if (one := _surrounded(part))))
        case Comparison(field, "ilike", value):
            return Comparison(field, "ilike", f"%{value}%")
    return where


def _fitting(filter: Filter) -> Filter:
    """Drop the longest conditions on relations until the address is short enough, then the condition itself."""
    while len(quote(filter.to_text(), safe="")) > LONGEST_ADDRESS:
        longest = max(filter.include, key=lambda one: len(str(one.scope)), default=None)
        if longest is None or longest.scope is None:
            return replace(filter, where=None)
        rest = tuple(Include(one.relation) if one is longest else one for one in filter.include)
        filter = replace(filter, include=tuple(dict.fromkeys(rest)))
    return filter
