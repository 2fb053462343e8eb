"""From a filter to an SQL condition that lets no fitting dataset out.

The condition may let too many in: `panosc_analysis.filters` looks at each of them afterwards and has the last word. So
what cannot be said in SQL in the filter's own sense is not said at all.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from panosc_analysis.catalogue.visibility import Condition
from panosc_analysis.filters import And, Comparison, Filter, Include, Or, Text, Where, accepts
from panosc_analysis.filters.patterns import folded
from panosc_analysis.model import convert, normal_unit, pid_key, reading

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

__all__ = ["preselected", "preselected_holders"]

_COMPARE = {"eq": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOST_VALUES = 10_000  # SQLite takes at least 32 766 in one statement
_TOLERANCE = 1e-9  # of a converted bound; the filter rounds to twelve digits


def preselected(connection: sqlite3.Connection, filter: Filter) -> Condition:
    """Write a condition on the table ``dataset`` that every dataset fulfils that the filter accepts.

    Asks the index for the few techniques, instruments and documents there are.
    """
    parts = [_own(filter.where), *(_joined(connection, one) for one in filter.include if one.joins)]
    found = _and(parts)
    return found if found is not None and len(found.values) <= _MOST_VALUES else Condition("TRUE")


def preselected_holders(connection: sqlite3.Connection, filter: Filter, column: str) -> Condition:
    """Write a condition on documents or instruments: only those with a dataset that may fit are looked at.

    Parameters
    ----------
    connection, filter
        As for `preselected`, the filter being one on documents or instruments.
    column
        What joins their table to ``dataset``: a column of that, in their own table called ``proposal`` or ``pid``.
    """
    own = "proposal" if column == "proposal" else "pid"
    parts = []
    for one in filter.include:
        if one.relation == "datasets" and one.joins and one.scope is not None:
            inner = preselected(connection, one.scope)
            words = (own, "IN (SELECT", column, "FROM dataset WHERE", inner.sql, ")")
            parts.append(Condition(" ".join(words), inner.values))
    return _and(parts) or Condition("TRUE")


def _and(parts: Iterable[Condition | None]) -> Condition | None:
    known = [one for one in parts if one is not None]
    if not known:
        return None
    return Condition(" AND ".join(f"({one.sql})" for one in known), tuple(v for one in known for v in one.values))


def _or(parts: Iterable[Condition | None]) -> Condition | None:
    several = list(parts)
    known = [one for one in several if one is not None]
    if not known or len(known) < len(several):
        return None
    return Condition(" OR ".join(f"({one.sql})" for one in known), tuple(v for one in known for v in one.values))


def _in(column: str, values: Iterable[object]) -> Condition:
    several = tuple(dict.fromkeys(values))
    return Condition(f"{column} IN ({', '.join('?' * len(several))})", several)


def _own(where: Where | None) -> Condition | None:
    match where:
        case And(parts):
            return _and(map(_own, parts))
        case Or(parts):
            return _or(map(_own, parts))
        case Text(text):
            return Condition("instr(title, ?) > 0", (folded(text),))
        case Comparison("pid", "eq" | "inq" as operator, value):
            pids = (value,) if operator == "eq" else value
            if all(isinstance(one, str) and reading.number(one) is None for one in pids):
                return _in("pid_key", map(pid_key, pids))
        case Comparison("title", "like" | "ilike" as operator, pattern) if not set(pattern) & set("%_\\"):
            if operator == "like" and not pattern.isascii():
                return None  # lower case of a part need not be a part of the lower case
            return Condition("instr(title, ?) > 0", (folded(pattern),))
        case Comparison("creationDate", operator, value):
            return _dates(operator, value)
    return None


def _dates(operator: str, value: object) -> Condition | None:
    """Bound the column, with a margin: the records' dates are cut to milliseconds, the column's are not."""
    texts = value if isinstance(value, tuple) else (value,)
    bounds = [reading.date(one) for one in texts if isinstance(one, str) and _ISO_DATE.match(one)]
    seconds = [one.timestamp() for one in bounds if one is not None]
    if len(seconds) < len(texts):
        return None
    match operator:
        case "gt" | "gte":
            return Condition("created >= ?", (seconds[0] - 0.01,))
        case "lt" | "lte":
            return Condition("created <= ?", (seconds[0] + 0.01,))
        case "between":
            return Condition("created BETWEEN ? AND ?", (seconds[0] - 0.01, seconds[1] + 0.01))
    return None


def _joined(connection: sqlite3.Connection, include: Include) -> Condition | None:
    scope = include.scope or Filter()
    match include.relation:
        case "techniques":
            pids = _fitting(connection, "SELECT pid, record FROM technique_name", scope)
            inner = _in("pid", pids)
            return _within("technique", inner)
        case "instrument":
            return _in("instrument", _fitting(connection, "SELECT pid, record FROM instrument", scope))
        case "document" | "documents" if not any(one.joins for one in scope.include):
            if not _asks_for(scope.where, "isPublic"):
                return _in("proposal", _fitting(connection, "SELECT proposal, record FROM document", scope))
        case "parameters":
            found = _parameter(connection, scope.where)
            return None if found is None else _within("parameter", found)
    return None


def _within(table: str, condition: Condition) -> Condition:
    parts = ("id IN (SELECT dataset FROM", table, "WHERE", condition.sql, ")")
    return Condition(" ".join(parts), condition.values)


def _fitting(connection: sqlite3.Connection, statement: str, scope: Filter) -> list[object]:
    return [key for key, record in connection.execute(statement) if accepts(scope, json.loads(record))]


def _asks_for(where: Where | None, field: str) -> bool:
    if isinstance(where, And | Or):
        return any(_asks_for(part, field) for part in where.parts)
    return isinstance(where, Comparison) and where.field == field


def _parameter(connection: sqlite3.Connection, where: Where | None) -> Condition | None:
    """Write a condition on the table ``parameter``: a name, and bounds of its value in the unit asked for."""
    if isinstance(where, Or):
        return _or(_parameter(connection, part) for part in where.parts)
    parts = list(_flat(where))
    name = next((p.value for p in parts if p.field == "name" and p.operator == "eq"), None)
    if not isinstance(name, str) or reading.number(name) is not None or reading.date(name) is not None:
        return None
    named = Condition("name = ?", (name,))
    bounds = [(op, bound) for p in parts if p.field == "value" for op, bound in _bounds(p)]
    unit = next((p.value for p in parts if p.field == "unit" and p.operator == "eq" and p.value), None)
    if not bounds or (unit is None and any(p.field == "unit" for p in parts)):
        return named
    if unit is None:
        numbers = _and(Condition(f"value {op} ?", (bound,)) for op, bound in bounds)
        return _and((named, _or((numbers, Condition("typeof(value) = 'text'")))))
    units = [str(u) for (u,) in connection.execute("SELECT unit FROM unit_in_use WHERE name = ?", (name,))]
    by_unit = [_in_unit(one, str(unit), bounds) for one in units]
    return _and((named, _or([*(one for one in by_unit if one), Condition("typeof(value) = 'text'")])))


def _flat(where: Where | None) -> Iterable[Comparison]:
    if isinstance(where, And):
        for part in where.parts:
            yield from _flat(part)
    elif isinstance(where, Comparison):
        yield where


def _bounds(comparison: Comparison) -> list[tuple[str, float]]:
    """Numeric bounds that a comparison sets, as SQL operator and number."""
    operator, value = comparison.operator, comparison.value
    values: tuple[Any, ...] = value if operator == "between" else (value,)
    if isinstance(value, bool) or not all(isinstance(one, int | float) for one in values):
        return []
    if operator == "between":
        return [(">=", float(values[0])), ("<=", float(values[1]))]
    return [(_COMPARE[operator], float(value))] if operator in _COMPARE else []


def _in_unit(stored: str, asked: str, bounds: list[tuple[str, float]]) -> Condition | None:
    """Bounds on values stored in one unit; ``None`` where that unit cannot be converted into the one asked for."""
    if normal_unit(stored) == normal_unit(asked):
        factor = 1.0
    else:
        zero, one = convert(0.0, asked, stored), convert(1.0, asked, stored)
        if zero is None or one is None:
            return None
        factor = one - zero
    parts = [Condition("unit = ?", (stored,))]
    for operator, bound in bounds:
        found = convert(bound, asked, stored)
        if found is None:
            return None
        width = _TOLERANCE * max(abs(found), abs(bound * factor))
        if operator in {"=", ">", ">="}:
            parts.append(Condition("value >= ?", (found - width,)))
        if operator in {"=", "<", "<="}:
            parts.append(Condition("value <= ?", (found + width,)))
    return _and(parts)
