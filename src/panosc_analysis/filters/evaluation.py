"""Evaluating a filter on records in the search API's JSON form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, TypeAlias

from panosc_analysis.filters.comparing import holds, sort_key
from panosc_analysis.filters.patterns import folded
from panosc_analysis.filters.tree import And, Comparison, Fields, Filter, Include, Or, Order, Text, Where
from panosc_analysis.model.quantity import convert
from panosc_analysis.model.reading import number

__all__ = [
    "RELATIONS",
    "TEXT_FIELDS",
    "accepts",
    "apply",
    "asked_unit",
    "in_order",
    "included",
    "matches",
    "mentions_value",
    "related",
]

Record: TypeAlias = Mapping[str, Any]

TO_ONE = frozenset({"instrument", "person", "affiliation", "document", "dataset"})
TO_MANY = frozenset({"techniques", "parameters", "samples", "files", "documents", "datasets", "members"})
RELATIONS = TO_ONE | TO_MANY
TEXT_FIELDS = ("title", "summary", "name", "facility", "description")
_OTHER_SPELLING = {"documents": "document", "document": "documents"}


def matches(where: Where | None, record: Record) -> bool:
    """Say whether a record fulfils a condition on its own fields; relations play no part.

    - Numbers compare with numeric texts, dates as moments, booleans with ``"true"`` and ``"false"``; what cannot be
      compared does not match. A list (keywords) matches when one of its entries does.
    - ``neq nin nlike nilike`` are the exact opposites of ``eq inq like ilike``: a missing field fulfils them.
    - ``pid`` and ``doi`` compare as identifiers: DOIs without regard to case or to ``doi:``.
    - ``like`` finds its pattern anywhere, see `panosc_analysis.filters.patterns.contains`.
    - ``text`` finds its phrase in any of `TEXT_FIELDS`, without wildcards and without regard to case.
    - On a parameter, ``value`` compares in the unit that the same ``and`` asks for: a value in another unit of the same
      dimension is converted first (pint is loaded then), one of another dimension does not match.
    """
    match where:
        case None:
            return True
        case And(parts):
            if "unit" not in record:
                return all(matches(part, record) for part in parts)
            # Most parameters have another name: only those that have the right one are converted.
            named = (part for part in parts if isinstance(part, Comparison) and part.field == "name")
            if not all(matches(part, record) for part in named):
                return False
            seen = _in_asked_unit(record, parts)
            return all(matches(part, seen) for part in parts)
        case Or(parts):
            return any(matches(part, record) for part in parts)
        case Text(text):
            phrase = folded(text)
            return any(phrase in folded(str(record[name])) for name in TEXT_FIELDS if record.get(name))
        case Comparison(field, operator, value):
            return holds(field, operator, record.get(field), value)


def accepts(filter: Filter, record: Record) -> bool:
    """Say whether a record fulfils the condition and every inner join of a filter; limits play no part."""
    return matches(filter.where, record) and all(
        any(accepts(one.scope, child) for child in related(record, one.relation))
        for one in filter.include
        if one.scope is not None and one.joins
    )


def apply(filter: Filter, records: Iterable[Record], *, all_fit: bool = False) -> list[dict[str, Any]]:
    """Give the records that a filter asks for, in the form it asks for.

    Condition and joins first, then order, skip and limit, then fields; inside an included relation in the same order,
    per parent. Parameters are given in the unit in which a condition asks for them. Relations that the filter does not
    include are left out. Reads all records when there is an order, else stops at the limit. Ranking by ``query`` is not
    done here. `all_fit` says that the records are known to fulfil condition and joins.
    """
    if not (filter.order or filter.skip or all_fit):
        # What a record is given with says whether it fits, so joins need not be looked at twice.
        found = (_shaped_if_it_fits(filter, record) for record in records)
        return list(islice((one for one in found if one is not None), filter.limit or None))
    fitting = records if all_fit else (record for record in records if accepts(filter, record))
    if filter.order:
        fitting = in_order(fitting, filter.order)
    last = filter.skip + filter.limit if filter.limit else None
    return [_shaped(filter, record) for record in islice(fitting, filter.skip, last)]


def related(record: Record, relation: str) -> list[Record]:
    """Give the related records, however a provider writes them: list, single object, null, ``document(s)``."""
    value = record.get(relation)
    if not value and relation in _OTHER_SPELLING:
        value = record.get(_OTHER_SPELLING[relation])
    several = value if isinstance(value, list | tuple) else [value]
    return [one for one in several if isinstance(one, Mapping) and one]


def in_order(records: Iterable[Record], order: tuple[Order, ...]) -> list[Record]:
    """Sort records by fields; those without a field come last in either direction, equal ones stay as they were."""
    found = list(records)
    for one in reversed(order):  # each pass keeps what the passes for less important fields have put in order
        keyed = [(sort_key(record.get(one.field)), record) for record in found]
        known = [(key, record) for key, record in keyed if key is not None]
        known.sort(key=lambda pair: pair[0], reverse=one.descending)
        found = [record for _, record in known] + [record for key, record in keyed if key is None]
    return found


def asked_unit(parts: tuple[Where, ...]) -> str | None:
    """Give the unit in which the parts of an ``and`` ask for a parameter's value; ``None`` if they do not."""
    return next(_asked_units(parts), None) if any(map(mentions_value, parts)) else None


def _in_asked_unit(record: Record, parts: tuple[Where, ...]) -> Record:
    """See a parameter in the unit that is asked for; as it is where nothing is asked or nothing can be converted."""
    unit = asked_unit(parts)
    value = number(record.get("value"))
    if unit is None or value is None:
        return record
    found = convert(value, str(record.get("unit") or ""), unit)
    if found is None or (found == value and record["unit"] == unit):
        return record
    return {**record, "value": found, "unit": unit}


def _asked_units(parts: tuple[Where, ...]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, And):
            yield from _asked_units(part.parts)
        elif isinstance(part, Comparison) and part.field == "unit" and part.operator == "eq" and part.value:
            yield str(part.value)


def mentions_value(where: Where) -> bool:
    """Say whether a condition on a parameter looks at its value."""
    if isinstance(where, And | Or):
        return any(map(mentions_value, where.parts))
    return isinstance(where, Comparison) and where.field == "value"


Shaped: TypeAlias = dict[str, Any]


def _shaped(filter: Filter, record: Record) -> Shaped:
    return _with_children(filter, record, [included(one, record) for one in filter.include])


def _shaped_if_it_fits(filter: Filter, record: Record) -> Shaped | None:
    if not matches(filter.where, record):
        return None
    several = []
    for one in filter.include:
        children = included(one, record)
        if not children and one.joins and not _joins(one, record):
            return None
        several.append(children)
    return _with_children(filter, record, several)


def _joins(include: Include, record: Record) -> bool:
    """Say whether a related record fits that is not given because it is skipped."""
    scope = include.scope or Filter()
    return scope.skip > 0 and any(accepts(scope, child) for child in related(record, include.relation))


def _with_children(filter: Filter, record: Record, several: list[list[Shaped]]) -> Shaped:
    """Put the fields that are asked for and the related records together; each of these once."""
    shaped = {name: value for name, value in record.items() if name not in RELATIONS and _wanted(name, filter.fields)}
    joined: dict[str, list[Shaped]] = {}
    for one, children in zip(filter.include, several, strict=True):
        known = joined.setdefault(one.relation, children)
        if known is not children:
            joined[one.relation] = [*known, *(child for child in children if child not in known)]
    for relation, children in joined.items():
        if relation in TO_MANY or isinstance(record.get(relation), list):
            shaped[relation] = children
        elif children:
            shaped[relation] = children[0]
    return shaped


def _wanted(name: str, fields: Fields | None) -> bool:
    return fields is None or (name in fields.names) is fields.keep


def included(include: Include, record: Record) -> list[dict[str, Any]]:
    """Give the related records that an include asks for, parameters in the unit that it asks for."""
    scope, children = include.scope or Filter(), related(record, include.relation)
    if include.relation == "parameters" and scope.where is not None:
        children = [_as_asked(scope.where, one) for one in children if matches(scope.where, one)]
        scope = replace(scope, where=None)
    return apply(scope, children)


def _as_asked(where: Where, record: Record) -> Record:
    match where:
        case And(parts) if "unit" in record:
            return _in_asked_unit(record, parts)
        case Or(parts):
            return next((_as_asked(part, record) for part in parts if matches(part, record)), record)
    return record
